"""What a provider is owed and why: the statement of a period, payment of their lessons, figures, year totals (R89).

Every function takes the provider whose pages it is for; `own_provider` finds the one a login may look at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import ExtractYear, TruncMonth

from billing.models import Attendance, Earning, Payout, Provider
from billing.models.earning import EarningKind, PayoutBatchState
from billing.models.lesson import AttendanceStatus
from billing.money import ZERO, round_money
from billing.office.models import Organization, User
from billing.selectors.lesson_payments import LessonPayment, lesson_payments

DAY = timedelta(days=1)
PAID = Q(batch__state=PayoutBatchState.PAID)


def own_provider(user: User, organization: Organization) -> Provider | None:
    """The provider a login is, in an organization: nobody sees another's pay (R168)."""
    return Provider.objects.filter(organization=organization, user=user, is_active=True).first()


@dataclass(frozen=True)
class Statement:
    """A provider's account in one currency from a day to a day. closing: what the ledger says is owed then."""

    currency: str
    opening: Decimal
    earned: Sequence[Earning] = ()
    paid: Sequence[Payout] = ()

    @property
    def earned_amount(self) -> Decimal:
        return sum((row.amount for row in self.earned), ZERO)

    @property
    def paid_amount(self) -> Decimal:
        return sum((row.amount for row in self.paid), ZERO)

    @property
    def closing(self) -> Decimal:
        return self.opening + self.earned_amount - self.paid_amount

    @property
    def kinds(self) -> list[tuple[str, int, Decimal]]:
        """(kind in words, how many, sum) of what was earned, in the order of the kinds."""
        found = []
        for kind in EarningKind:
            rows = [row.amount for row in self.earned if row.kind == kind]
            if rows:
                found.append((str(kind.label), len(rows), sum(rows, ZERO)))
        return found


def statements(provider: Provider, first: date, last: date) -> list[Statement]:
    """One for each currency with anything in it, else an empty one; by the days of the journal. Four queries."""
    earned = Earning.objects.filter(provider=provider)
    paid = Payout.objects.filter(PAID, provider=provider)
    before = _sums(earned.filter(earned_on__lt=first))
    for currency, amount in _sums(paid.filter(entry__entry_date__lt=first)).items():
        before[currency] = before.get(currency, ZERO) - amount
    rows = list(
        earned.filter(earned_on__range=(first, last))
        .select_related("agreement", "attendance__seat__lesson", "allocation__invoice", "payout__batch")
        .order_by("earned_on", "id")
    )
    payouts = list(
        paid.filter(entry__entry_date__range=(first, last)).select_related("batch", "entry").order_by("entry", "id")
    )
    currencies = {*(c for c, amount in before.items() if amount), *(r.currency for r in rows)}
    currencies |= {row.currency for row in payouts}
    return [
        Statement(
            currency, before.get(currency, ZERO), [row for row in rows if row.currency == currency],
            [row for row in payouts if row.currency == currency],
        )
        for currency in sorted(currencies) or [provider.organization.currency]
    ]  # fmt: skip


def _sums(rows: QuerySet[Any]) -> dict[str, Decimal]:
    return dict(rows.order_by().values_list("currency").annotate(s=Sum("amount")))


@dataclass(frozen=True)
class LessonRow:
    """A lesson with what became of a seat, whether it is paid for, and what it earned."""

    told: Attendance
    payment: LessonPayment
    earned: Decimal


def lessons_of(provider: Provider, first: date, last: date, *, most: int = 500) -> list[LessonRow]:
    """What was told of a teacher's lessons in a period, newest first: no names of payers, no amounts of bills (R89).

    Five queries.
    """
    told = _told(provider, first, last).select_related("seat__lesson", "seat__student")
    rows = list(told.order_by("-seat__lesson__starts_at", "-seat_id")[:most])
    payments = lesson_payments(provider.organization, [row.seat_id for row in rows])
    earned = dict(
        Earning.objects.filter(provider=provider, attendance__seat__in=[row.seat_id for row in rows])
        .order_by()
        .values_list("attendance__seat")
        .annotate(s=Sum("amount"))
    )
    return [LessonRow(row, payments[row.seat_id], earned.get(row.seat_id, ZERO)) for row in rows]


@dataclass(frozen=True)
class Figures:
    """How a teacher's lessons went (R165). lessons: that were told of; the others count seats."""

    lessons: int = 0
    attended: int = 0
    no_show: int = 0
    student_cancelled: int = 0
    teacher_cancelled: int = 0
    earned: Decimal = ZERO
    month: date | None = None
    currency: str = "USD"

    @property
    def attendance_percent(self) -> Decimal | None:
        """Of the seats that the teacher did not cancel, those where the student came."""
        asked = self.attended + self.no_show + self.student_cancelled
        return (Decimal(self.attended) * 100 / asked).quantize(Decimal("0.1")) if asked else None

    @property
    def average_pay(self) -> Decimal | None:
        return round_money(self.earned / self.lessons, self.currency) if self.lessons else None


@dataclass(frozen=True)
class Performance:
    """Figures of a period, and of each month in it with a lesson."""

    whole: Figures
    months: Sequence[Figures] = field(default_factory=tuple)


def performance(provider: Provider, first: date, last: date) -> Performance:
    """By the lesson's day where the organization is, whatever day its pay was booked on. Four queries."""
    zone = provider.organization.zone
    month = TruncMonth("seat__lesson__starts_at", tzinfo=zone)
    counts = {
        "lessons": Count("seat__lesson", distinct=True),
        **{status.value: Count("id", filter=Q(status=status)) for status in AttendanceStatus},
    }
    told = _told(provider, first, last).order_by()
    currency = provider.organization.currency
    paid = Earning.objects.filter(
        provider=provider, currency=currency, attendance__seat__lesson__starts_at__range=_instants(first, last, zone)
    ).order_by()
    sums = {
        row["month"]: row["s"]
        for row in paid.annotate(month=TruncMonth("attendance__seat__lesson__starts_at", tzinfo=zone))
        .values("month")
        .annotate(s=Sum("amount"))
    }
    by_month: QuerySet[Any, Any] = told.annotate(month=month).values("month").annotate(**counts).order_by("month")
    months = [
        Figures(
            **{name: row[name] for name in counts}, month=row["month"].date(), earned=sums.get(row["month"], ZERO),
            currency=currency,
        )
        for row in by_month
    ]  # fmt: skip
    whole = Figures(**told.aggregate(**counts), earned=sum(sums.values(), ZERO), currency=currency)
    return Performance(whole, months)


def _told(provider: Provider, first: date, last: date) -> QuerySet[Attendance]:
    """The last word on every seat of a provider's lessons in a period."""
    return Attendance.objects.filter(
        replaced_by__isnull=True, seat__lesson__provider=provider,
        seat__lesson__starts_at__range=_instants(first, last, provider.organization.zone),
    )  # fmt: skip


def _instants(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the first moment of a day to the last of another."""
    start = datetime.combine(first, time.min, zone)
    return start, datetime.combine(last + DAY, time.min, zone) - timedelta(microseconds=1)


@dataclass(frozen=True)
class YearTotal:
    """What was paid out to a provider in a calendar year, before any tax: the figure of a 1099-NEC."""

    provider: Provider
    year: int
    currency: str
    amount: Decimal
    payouts: int


def year_totals(
    organization: Organization, year: int | None = None, provider: Provider | None = None
) -> list[YearTotal]:
    """Of paid batches, by the day the bank paid; by name, newest year first. Two queries."""
    rows = Payout.objects.filter(PAID, organization=organization)
    if provider is not None:
        rows = rows.filter(provider=provider)
    sums = rows.order_by().annotate(year=ExtractYear("batch__paid_on"))
    if year is not None:
        sums = sums.filter(year=year)
    found = list(sums.values("provider", "year", "currency").annotate(s=Sum("amount"), n=Count("id")))
    people = Provider.objects.in_bulk({row["provider"] for row in found})
    totals = [YearTotal(people[row["provider"]], row["year"], row["currency"], row["s"], row["n"]) for row in found]
    return sorted(totals, key=lambda total: (-total.year, total.provider.name, total.provider.code, total.currency))
