"""How long customers take to pay: days sales outstanding and collection effectiveness (R133)."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Q, Sum

from billing.models import Invoice, InvoiceKind
from billing.money import ZERO
from billing.office.models import Organization
from billing.selectors.aging import aging, totals

TENTH = Decimal("0.1")


@dataclass(frozen=True)
class Dso:
    """In the organization's currency. days_outstanding, effectiveness: None where nothing was sold or due.

    days_outstanding: open receivables at the end of as_of, over sales of the window, times its days.
    effectiveness: per cent of what could be collected in the window that was: (opening + sales - closing) over
    (opening + sales - closing not yet due).
    """

    as_of: date
    window_days: int
    opening_amount: Decimal
    sales: Decimal
    open_amount: Decimal
    current_amount: Decimal
    days_outstanding: Decimal | None
    effectiveness: Decimal | None


def dso(organization: Organization, as_of: date, days: int = 365) -> Dso:
    """Three statements: the aging at either end of the window, and what was billed inside it."""
    start = as_of - timedelta(days=days)
    opening, _current = _open_and_current(organization, start)
    closing, current = _open_and_current(organization, as_of)
    sales = _sales(organization, start, as_of)
    collectable = opening + sales - current
    return Dso(
        as_of=as_of, window_days=days, opening_amount=opening, sales=sales, open_amount=closing,
        current_amount=current,
        days_outstanding=_tenths(closing / sales * days) if sales else None,
        effectiveness=_tenths((opening + sales - closing) / collectable * 100) if collectable > 0 else None,
    )  # fmt: skip


def _open_and_current(organization: Organization, day: date) -> tuple[Decimal, Decimal]:
    for sums in totals(aging(organization, day)):
        if sums.currency == organization.currency:
            return sums.total, sums.current
    return ZERO, ZERO


def _sales(organization: Organization, after: date, until: date) -> Decimal:
    """Billed on credit in the window, late fees and what was void by its end left out."""
    sold = Invoice.objects.filter(
        Q(voided_on__isnull=True) | Q(voided_on__gt=until), organization=organization, kind=InvoiceKind.SALE,
        currency=organization.currency, issued_on__gt=after, issued_on__lte=until,
    )  # fmt: skip
    total: Decimal = sold.aggregate(total=Sum("invoiced_amount"))["total"] or ZERO
    return total


def _tenths(value: Decimal) -> Decimal:
    return value.quantize(TENTH, ROUND_HALF_UP)
