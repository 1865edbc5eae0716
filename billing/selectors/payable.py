"""What would be paid out to whom now, and who has to wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count, Sum

from billing.models import Earning, Provider
from billing.money import ZERO
from billing.office.models import Organization
from billing.selectors.provider_books import ProviderBooks


@dataclass(frozen=True)
class Payable:
    """A provider with what is not paid out yet. least: less than that is not paid out; 0: any amount."""

    provider: Provider
    amount: Decimal
    earnings: int
    least: Decimal

    @property
    def is_paid(self) -> bool:
        return self.amount > ZERO and self.amount >= self.least


def payable(organization: Organization, until: date, currency: str, now: datetime) -> list[Payable]:
    """Everyone with earnings up to a day that are in no batch, by name. Three queries."""
    rows = Earning.objects.filter(
        organization=organization, payout__isnull=True, earned_on__lte=until, currency=currency
    )
    sums = {key: (amount, n) for key, amount, n in rows.order_by().values_list("provider").annotate(
        amount=Sum("amount"), n=Count("id"))}  # fmt: skip
    books = ProviderBooks(organization)
    return [
        Payable(one, *sums[one.pk], books.at(one.pk, now).amount("earnings.payout_minimum") or ZERO)
        for one in Provider.objects.filter(pk__in=sums).order_by("name", "code")
    ]


def to_pay(found: Sequence[Payable]) -> list[Payable]:
    return [one for one in found if one.is_paid]


def carried_forward(found: Sequence[Payable]) -> list[Payable]:
    """Less than nothing, or less than the least that is paid out: it counts with what is earned next."""
    return [one for one in found if not one.is_paid]
