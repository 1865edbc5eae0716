"""States on the pages for people, by the one list of words, shapes and colours."""

from datetime import date

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from billing.admin.words_and_colours import LOOKS, invoice_key
from billing.errors import Sentence
from billing.models import Invoice

register = template.Library()


@register.simple_tag
def look(key: str, word: Sentence = "") -> SafeString:
    """{% look "payment.failed" %}: shape, word and colour. word: in the place of the list's."""
    found = LOOKS[key]
    html = '<span class="state {}"><span aria-hidden="true">{}</span> {}</span>'
    return format_html(html, found.tone, found.shape, word or found.word)


@register.simple_tag
def invoice_look(invoice: Invoice, on: date) -> SafeString:
    key = invoice_key(invoice, on)
    if key != "invoice.overdue":
        return look(key)
    days = invoice.days_overdue(on)
    return look(key, ngettext("overdue %(days)d day", "overdue %(days)d days", days) % {"days": days})
