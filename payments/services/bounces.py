"""Cheques that came back: what they say about the next cheque of the same payer (R116, requirements §2 row 38)."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.models import Customer
from billing.office.models import Organization
from billing.office.policies import PolicyBook
from payments.models import ChequePresentation
from payments.models.cheque import BOUNCES, PresentationResult

RISKY = "accept_risky_cheque"


class BounceRefused(DomainError):
    code = "too_many_bounces"
    sentence = _("{count} cheques came back in {months} months; take cash, card or transfer.")


@dataclass(frozen=True)
class BounceHistory:
    """Cheques of a payer that came back within `months` calendar months, and what the policy makes of them.

    latest: the day of the last one.
    """

    count: int
    latest: date | None
    months: int
    warns: bool
    needs_supervisor: bool
    refused: bool

    def check(self, field: str = "cheque_number") -> None:
        """Raises BounceRefused."""
        if self.refused:
            raise BounceRefused(field=field, count=self.count, months=self.months)


@dataclass(frozen=True)
class Bounce:
    customer_id: int
    drawer: str
    on: date


def bounce_history(customer: Customer, on: date, book: PolicyBook, drawer: str = "") -> BounceHistory:
    """What came back of this customer, or of the same drawer's name in the organization, up to a day. One query.

    drawer: the customer's name, if left out. A day exactly `cheques.bounce_months` ago still counts.
    """
    months = book.number("cheques.bounce_months")
    bounces = find_bounces(customer.organization, [(customer.pk, drawer or customer.name)], months_before(on, months))
    return judge_bounces(bounces, customer.pk, drawer or customer.name, on, book)


def find_bounces(organization: Organization, payers: Iterable[tuple[int, str]], since: date) -> list[Bounce]:
    """Returned cheques of these customers or drawers since a day. One query, over the returned ones only."""
    payers = list(payers)
    keys, names = {pk for pk, _drawer in payers}, {name.upper() for _pk, name in payers}
    rows: Any = (
        ChequePresentation.objects.filter(
            organization=organization, result=PresentationResult.RETURNED, reason__in=BOUNCES, result_on__gte=since
        )
        .annotate(drawer=Upper("cheque__drawer"))
        .filter(
            Q(cheque__customer_id__in=keys) | Q(drawer__in=names)
        )
        .values_list("cheque__customer_id", "drawer", "result_on")
    )  # fmt: skip
    return [Bounce(*row) for row in rows]


def judge_bounces(
    bounces: Iterable[Bounce], customer_id: int, drawer: str, on: date, book: PolicyBook
) -> BounceHistory:
    """The history of one payer, of what find_bounces found for several. No query."""
    months, name = book.number("cheques.bounce_months"), drawer.upper()
    since = months_before(on, months)
    days = [b.on for b in bounces if since <= b.on <= on and (b.customer_id == customer_id or b.drawer == name)]

    def reached(setting: str) -> bool:
        at = book.number(setting)
        return bool(at) and len(days) >= at

    refused = reached("cheques.bounce_refuse")
    return BounceHistory(
        len(days), max(days, default=None), months, warns=reached("cheques.bounce_warn"),
        needs_supervisor=reached("cheques.bounce_supervisor") and not refused, refused=refused,
    )  # fmt: skip


def months_before(day: date, months: int) -> date:
    """The same day of the month so many calendar months ago, or the last day that month has."""
    place = day.year * 12 + day.month - 1 - months
    year, month = place // 12, place % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
