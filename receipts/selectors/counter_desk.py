"""What a clerk sees of a customer before taking their money, and what they took today."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from billing.models import Customer
from billing.money import ZERO
from billing.office.models import Organization, User
from billing.office.policies import PolicyBook
from billing.selectors.customer_account import Position, positions
from payments.models import Cheque, Payment
from payments.models.cheque import ChequeState
from receipts.models import Receipt


@dataclass(frozen=True)
class Standing:
    """positions: in the organization's currency first. available: what may still be owed, None without a limit.

    cheques_in_hand: payable ones, and those that wait in the vault for their day.
    """

    positions: list[Position]
    available: Decimal | None
    last_payments: list[Payment]
    cheques_in_hand: list[Cheque]

    @property
    def own(self) -> Position:
        return self.positions[0]


def standing_of(customer: Customer, book: PolicyBook, now: datetime, last: int = 3) -> Standing:
    """Four queries."""
    today = customer.organization.today(now)
    found = positions(customer, book, today, today)
    limit = customer.credit_limit
    available = None if limit is None else max(ZERO, limit - found[0].owed)
    payments = Payment.objects.filter(customer=customer).order_by("-received_on", "-id")[:last]
    cheques = Cheque.objects.filter(customer=customer, state__in=(ChequeState.DUE, ChequeState.IN_VAULT))
    return Standing(found, available, list(payments), list(cheques.order_by("matures_on", "id")))


def taken_today(organization: Organization, by: User, now: datetime, most: int = 8) -> list[Receipt]:
    """The papers of the payments this clerk entered today, the newest first. One query.

    Looks a week back in received days, which every clerk stays within but for exceptions.
    """
    start = now.astimezone(organization.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    rows = Receipt.objects.filter(
        organization=organization, payment__received_on__gte=start.date() - timedelta(days=7),
        payment__recorded_by=by, payment__recorded_at__gte=start,
    )  # fmt: skip
    return list(rows.select_related("payment", "payment__customer").order_by("-id")[:most])
