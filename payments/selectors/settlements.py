"""What processors reported as settled, ready to be compared with the bank's statement (R151)."""

from decimal import Decimal
from typing import TypedDict

from django.db.models import Case, Count, Q, QuerySet, When

from billing.money import ZERO
from billing.office.models import Organization
from payments.models import PaymentAttempt, Settlement, SettlementDay, SettlementLine

# What moved, in the order in which a settlement is read; as gateways.base.Moved has them.
ORDER = ("capture", "refund", "return", "chargeback", "chargeback_won", "fee", "adjustment", "payout")


class Kinds(TypedDict):
    """Lines of one kind: how many, and what they make, fees apart."""

    moved: str
    count: int
    amount: Decimal
    fees: Decimal


def settlements_of(organization: Organization) -> QuerySet[Settlement]:
    """Newest first, each with how many of its lines differ from our books."""
    differing = Count("lines", filter=~Q(lines__trouble=""))
    rows = Settlement.objects.filter(organization=organization).annotate(differing=differing, line_count=Count("lines"))
    return rows.select_related("gateway_account").order_by("-settled_on", "-id")


def lines_of(settlement: Settlement) -> QuerySet[SettlementLine]:
    """What differs first."""
    rows = SettlementLine.objects.filter(settlement=settlement).select_related("attempt__customer", "attempt__payment")
    agrees = Case(When(trouble="", then=1), default=0)
    return rows.order_by(agrees, "moved", "pk")


def lines_of_attempt(attempt: PaymentAttempt) -> list[SettlementLine]:
    """What settlements say of a charge and of its refunds, oldest first. One query."""
    about = Q(attempt=attempt) | Q(attempt__follows=attempt)
    return list(
        SettlementLine.objects.filter(about).select_related("settlement").order_by("settlement__settled_on", "pk")
    )


def kinds_of(settlement: Settlement) -> list[Kinds]:
    """The lines by what moved. One query."""
    found: dict[str, Kinds] = {}
    for moved, amount, fee in SettlementLine.objects.filter(settlement=settlement).values_list(
        "moved", "amount", "fee_amount"
    ):
        row = found.setdefault(moved, {"moved": moved, "count": 0, "amount": ZERO, "fees": ZERO})
        row["count"] += 1
        row["amount"] += amount
        row["fees"] += fee
    return sorted(found.values(), key=lambda row: ORDER.index(row["moved"]))


def days_missing(organization: Organization) -> list[SettlementDay]:
    """Days whose report could not be had so far. One query."""
    rows = SettlementDay.objects.filter(gateway_account__organization=organization, fetched_at=None).exclude(trouble="")
    return list(rows.select_related("gateway_account").order_by("day", "gateway_account_id"))
