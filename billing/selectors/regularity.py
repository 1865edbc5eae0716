"""How regularly a customer pays: a score, defaults, a trend (R135); and how much of what fell due is paid (R133)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Max, Q, Sum

from billing.models import Customer, Invoice
from billing.money import ZERO
from billing.office.models import Organization
from billing.rules.recurrence import add_months

YEARS_MONTHS, TREND_MONTHS = 24, 6
# Days late from which a bill counts as a default.
DEFAULT_AFTER = 30
WINDOW = 90


@dataclass(frozen=True)
class PaidBill:
    """A bill that fell due: how many days late it was paid, or is now; 0 for in time."""

    due_on: date
    days_late: int


@dataclass(frozen=True)
class Regularity:
    """score: 0 to 100, None where nothing fell due. trend: "better", "worse", "same", or "" for too little to tell.

    Each bill of two years counts 100 less a point for every day it was late; the score is their mean. The trend
    compares the mean lateness of half a year with the half year before.
    """

    bills: int = 0
    in_time: int = 0
    defaults: int = 0
    score: int | None = None
    trend: str = ""
    days_late: int = 0


def regularity(customer: Customer, today: date) -> Regularity:
    """One query."""
    since = add_months(today, -YEARS_MONTHS)
    stands = Q(allocations__reverses__isnull=True, allocations__reversed_by__isnull=True)
    rows = (
        Invoice.objects.filter(customer=customer, voided_on__isnull=True, due_on__gte=since, due_on__lt=today)
        .annotate(paid_on=Max("allocations__allocated_on", filter=stands))
        .values_list("due_on", "open_amount", "paid_on")
    )
    return judge(
        [
            PaidBill(due_on, max(0, ((paid_on if not open_amount and paid_on else today) - due_on).days))
            for due_on, open_amount, paid_on in rows
        ],
        today,
    )


def judge(bills: Sequence[PaidBill], today: date) -> Regularity:
    """The score of bills that fell due. Pure."""
    if not bills:
        return Regularity()
    points = sum(max(0, 100 - bill.days_late) for bill in bills)
    middle = add_months(today, -TREND_MONTHS)
    first = add_months(today, -2 * TREND_MONTHS)
    late = [bill.days_late for bill in bills if bill.due_on >= middle]
    before = [bill.days_late for bill in bills if first <= bill.due_on < middle]
    return Regularity(
        bills=len(bills), in_time=sum(not bill.days_late for bill in bills),
        defaults=sum(bill.days_late > DEFAULT_AFTER for bill in bills), score=_mean(points, len(bills)),
        trend=_trend(late, before), days_late=_mean(sum(bill.days_late for bill in bills), len(bills)),
    )  # fmt: skip


def _mean(total: int, count: int) -> int:
    return int((Decimal(total) / count).quantize(Decimal(1), ROUND_HALF_UP))


def _trend(late: Sequence[int], before: Sequence[int]) -> str:
    """A day's difference is none."""
    if not late or not before:
        return ""
    difference = _mean(sum(late), len(late)) - _mean(sum(before), len(before))
    return "same" if abs(difference) <= 1 else "worse" if difference > 0 else "better"


def collected_share(organization: Organization, today: date) -> Decimal | None:
    """How much of what fell due in the last 90 days is paid, in percent with one decimal; None if nothing did.

    In the organization's currency. One query.
    """
    rows = Invoice.objects.filter(
        organization=organization, currency=organization.currency, voided_on__isnull=True,
        due_on__gte=today - timedelta(days=WINDOW), due_on__lt=today,
    )  # fmt: skip
    sums = rows.aggregate(billed=Sum("invoiced_amount"), left=Sum("open_amount"))
    billed, left = sums["billed"] or ZERO, sums["left"] or ZERO
    return ((billed - left) * 100 / billed).quantize(Decimal("0.1"), ROUND_HALF_UP) if billed else None
