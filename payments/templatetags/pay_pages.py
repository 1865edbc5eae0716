"""Words of the pages on which payers pay: whom it is for, how long a way takes, how much it takes at most."""

from decimal import Decimal

from django import template
from django.utils.translation import gettext as _

from billing.models import Student
from billing.money import format_money
from payments.models import Method
from payments.models.payment_method import Instrument
from payments.pages.doors import Door
from payments.services.methods.paying import Till
from payments.services.settling import METHODS

register = template.Library()
KINDS = {**METHODS, "upi": Method.UPI, "netbanking": Method.NET_BANKING, "transfer": Method.BANK_TRANSFER}


@register.filter
def called(student: Student, door: Door) -> str:
    """The name; by a link no more of it than who knows the child needs: the first name, or the first character."""
    name: str = student.name
    if not door.is_link:
        return name
    first, _blank, rest = name.strip().partition(" ")
    if first.isascii():
        return first if rest else f"{first[:1]}."
    return f"{first[:1]}○"


@register.filter
def takes_time(kind: str) -> str:
    """How soon it is known that it is paid."""
    if kind in (Instrument.BANK, Instrument.MANDATE):
        return _("known after 3 to 5 business days")
    if kind == "transfer":
        return _("1 to 3 business days; you transfer it at your bank")
    if kind == "upi":
        return _("known at once; you confirm in your app")
    if kind == "netbanking":
        return _("known at once; you confirm at your bank")
    return _("known at once")


@register.filter
def most(till: Till, kind: str) -> str:
    """ "· at most US$500.00 at a time", or nothing."""
    limit: Decimal | None = till.limits.get(KINDS.get(kind, ""))
    return " · " + _("at most {limit} at a time").format(limit=format_money(limit, till.currency)) if limit else ""
