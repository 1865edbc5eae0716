"""What a teacher or agent may look at: their schools, the lessons ahead, what was earned by month (R89, R165, R168).

Every function takes the provider whose page it is; own_providers finds those a login is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncMonth

from billing.models import Earning, Lesson, Payout, Provider
from billing.models.earning import PayoutBatchState
from billing.money import ZERO
from billing.office.models import User
from billing.rules.recurrence import add_months
from billing.selectors.chasing.tries import charges_around
from billing.selectors.earnings import LessonRow
from billing.selectors.lesson_payments import OPEN, PART_PAID
from billing.selectors.provider_books import ProviderBooks
from billing.selectors.timetable import lessons_between, with_seats

MONTHS = 12
WAITS = (PayoutBatchState.DRAFT, PayoutBatchState.APPROVED)


def own_providers(user: User) -> list[Provider]:
    """Who a login is, a school at a time, by the school's name. One query."""
    rows = Provider.objects.filter(user=user, is_active=True, organization__is_active=True)
    return list(rows.select_related("organization").order_by("organization__name", "pk"))


def lessons_ahead(provider: Provider, first: date, last: date) -> QuerySet[Lesson]:
    """A provider's lessons of some days in the order of the clock, with their seats. Three queries."""
    return with_seats(lessons_between(provider.organization, first, last).filter(provider=provider))


def being_paid(rows: Sequence[LessonRow], now: datetime) -> set[int]:
    """The seats of lessons whose invoices are being charged at this moment. One query at most."""
    open_rows = [row for row in rows if row.payment.state in (OPEN, PART_PAID)]
    keys = {key for row in open_rows for key, _number in row.payment.invoices}
    charged = set(charges_around(keys, now)) if keys else set()
    return {row.told.seat_id for row in open_rows if any(key in charged for key, _number in row.payment.invoices)}


@dataclass(frozen=True)
class ToCome:
    """What is earned and not paid out, in one currency: in no batch yet, or in one that is being prepared.

    least: less than that is not paid out.
    """

    currency: str
    free: Decimal
    batched: Decimal
    least: Decimal

    @property
    def total(self) -> Decimal:
        return self.free + self.batched

    @property
    def is_too_little(self) -> bool:
        return not self.batched and self.free < self.least


def to_come(provider: Provider, now: datetime) -> list[ToCome]:
    """By currency. Two queries."""
    rows = Earning.objects.filter(provider=provider).exclude(payout__batch__state=PayoutBatchState.PAID).order_by()
    sums: dict[str, dict[bool, Decimal]] = {}
    for currency, payout, amount in rows.values_list("currency", "payout").annotate(s=Sum("amount")):
        of = sums.setdefault(currency, {True: ZERO, False: ZERO})
        of[payout is not None] += amount
    least = ProviderBooks(provider.organization).at(provider.pk, now).amount("earnings.payout_minimum") or ZERO
    own = provider.organization.currency
    return [
        ToCome(currency, of[False], of[True], least if currency == own else ZERO)
        for currency, of in sorted(sums.items())
    ]


def payouts_of(provider: Provider, most: int = 24) -> QuerySet[Payout]:
    """What was paid out and what is being prepared, the newest first, each with how many earnings it has."""
    rows = Payout.objects.filter(provider=provider, is_cancelled=False)
    rows = rows.exclude(batch__state=PayoutBatchState.CANCELLED).select_related("batch")
    return rows.annotate(earned=Count("earnings")).order_by("-batch_id")[:most]


@dataclass(frozen=True)
class Month:
    """What was earned in a month, in the organization's currency."""

    first: date
    amount: Decimal
    earnings: int


def earned_by_month(provider: Provider, today: date) -> list[Month]:
    """The last twelve months, this one last; months without anything too. One query."""
    first = add_months(today.replace(day=1), 1 - MONTHS)
    rows: Any = Earning.objects.filter(
        provider=provider, currency=provider.organization.currency, earned_on__gte=first, earned_on__lte=today
    ).order_by()
    sums = {
        row["month"]: row
        for row in rows.annotate(month=TruncMonth("earned_on")).values("month").annotate(s=Sum("amount"), n=Count("id"))
    }
    months = [add_months(first, place) for place in range(MONTHS)]
    return [Month(one, sums[one]["s"], sums[one]["n"]) if one in sums else Month(one, ZERO, 0) for one in months]
