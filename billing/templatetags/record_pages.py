"""How the console's pages of record write amounts and invoice states."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from billing.admin.columns import screen_url
from billing.admin.deeds import title_of
from billing.admin.facts import WORDS, said_code
from billing.admin.words_and_colours import invoice_label, label
from billing.errors import Sentence
from billing.models import Invoice
from billing.models.customer import HoldChange
from billing.money import format_amount, format_money
from billing.office.models import ApprovalRequest
from billing.office.models.approval import ApprovalState
from billing.office.models.notice import NoticeState
from billing.selectors.customer_account import OpenRow
from billing.selectors.timeline import Fact

register = template.Library()


@register.filter
def cash(value: Decimal | None, currency: str) -> str:
    """US$1,250.00; zero is written out, nothing gives a dash."""
    return "–" if value is None else format_money(value, currency)


@register.filter
def figure(value: Decimal | None, currency: str) -> str:
    """For columns whose currency stands in the head: 1,250.00; zero and nothing give a dash."""
    return format_amount(value, currency) if value else "–"


@register.filter
def asked_title(asked: ApprovalRequest) -> str:
    return title_of(asked)


@register.filter
def said(code: str, key: str) -> str:
    """{{ payment.channel|said:"channel" }}: a stored code in the reader's language."""
    return said_code(key, code)


@register.filter
def bare(value: Decimal | None) -> str:
    """An amount as it goes back into an input: plain digits."""
    return "" if value is None else f"{value.normalize():f}"


@register.simple_tag
def invoice_state(invoice: Invoice, on: date) -> SafeString:
    return invoice_label(invoice, on)


@register.simple_tag
def open_row_state(row: OpenRow) -> SafeString:
    """The state of an invoice open on the day the row is of, which need not be today."""
    if row.invoice.is_disputed:
        return label("invoice.disputed")
    if row.days_overdue:
        words = ngettext("overdue %(days)d day", "overdue %(days)d days", row.days_overdue)
        return label("invoice.overdue", words % {"days": row.days_overdue})
    return label("invoice.open" if row.open_amount == row.invoice.invoiced_amount else "invoice.part_paid")


# The screen a fact's record opens.
RECORDS = {
    "invoice": "invoice", "payment": "payment", "credit": "credit_item", "approval": "approval",
    "receipt": "receipt-pdf", "refund": "refund", "dispute": "dispute",
}  # fmt: skip


@register.simple_tag
def fact_link(fact: Fact) -> SafeString:
    """What the fact names, as a link to its record where it has one."""
    text = _said(fact.number, "state") if fact.kind == "hold" else fact.number
    if fact.kind == "promise":
        text = date_format(date.fromisoformat(fact.number))
    url = screen_url(RECORDS.get(fact.record, "-"), fact.key) if fact.record else ""
    return format_html('<a href="{}">{}</a>', url, text) if url else format_html("{}", text)


@register.simple_tag
def fact_detail(fact: Fact) -> str:
    """The fact's own words; stored codes in front of them are said in the reader's language."""
    if fact.kind == "allocated":
        return _said(fact.detail, "kind")
    if fact.kind == "payment":
        return _said(fact.detail, "method")
    if fact.kind in ("notice", "approval_decided"):
        code, _space, rest = fact.detail.partition(" ")
        key = "notice_state" if fact.kind == "notice" else "approval_state"
        return f"{_said(code, key)} {rest}".strip()
    return "" if fact.kind == "receipt" else fact.detail


def _said(code: str, key: str) -> str:
    words: Mapping[str, Sentence] = OWN_WORDS.get(key) or WORDS.get(key, {})
    return str(words.get(code, code))


OWN_WORDS: dict[str, Mapping[str, Sentence]] = {
    "state": dict(HoldChange.choices),
    "notice_state": dict(NoticeState.choices),
    "approval_state": dict(ApprovalState.choices),
}
