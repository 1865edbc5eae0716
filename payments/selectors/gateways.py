"""How gateway accounts stand: whether they answer, how often they work, what waits there (R45, R51)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from billing.office.models import Organization
from payments.models import GatewayAccount, GatewayHealth, PaymentAttempt
from payments.models.attempt import AttemptState, Operation

WEEK, MONTH = timedelta(days=7), timedelta(days=30)
CHARGES = (Operation.SALE, Operation.AUTH)
# A call is asked about after this long without an answer.
ANSWERS_WITHIN = timedelta(seconds=90)


@dataclass(frozen=True)
class Rate:
    """Charges that worked of those whose outcome is known."""

    won: int = 0
    tries: int = 0

    @property
    def percent(self) -> Decimal | None:
        """To one decimal, cut; None where nothing was tried."""
        return Decimal(self.won * 1000 // self.tries) / 10 if self.tries else None


@dataclass(frozen=True)
class Standing:
    """look: "in_use", "paused", "closed_off" or "not_active". unknown: calls whose outcome is not known."""

    account: GatewayAccount
    look: str
    health: GatewayHealth | None
    week: Rate
    month: Rate
    unknown: int


def standings(organization: Organization, now: datetime) -> list[Standing]:
    """Every account, in the order in which they are taken. Three queries."""
    accounts = list(GatewayAccount.objects.filter(organization=organization).select_related("provider"))
    health = {one.configuration: one for one in GatewayHealth.objects.filter(
        configuration__in={one.configuration for one in accounts}
    )}  # fmt: skip
    counts = {row["gateway_account"]: row for row in _counted(organization, now)}
    return [_standing(one, health.get(one.configuration), counts.get(one.pk, {}), now) for one in accounts]


def _counted(organization: Organization, now: datetime) -> Iterable[Mapping[str, Any]]:
    known = Q(operation__in=CHARGES, state__in=(AttemptState.SUCCEEDED, AttemptState.DECLINED, AttemptState.NOT_SENT))
    won, week = Q(state=AttemptState.SUCCEEDED), Q(sent_at__gt=now - WEEK)
    rows = PaymentAttempt.objects.filter(organization=organization).filter(
        Q(sent_at__gt=now - MONTH) | unknown_now(now)
    )
    return rows.order_by().values("gateway_account").annotate(
        month_won=Count("pk", filter=known & won & Q(sent_at__gt=now - MONTH)),
        month=Count("pk", filter=known & Q(sent_at__gt=now - MONTH)),
        week_won=Count("pk", filter=known & won & week), week=Count("pk", filter=known & week),
        unknown=Count("pk", filter=unknown_now(now)),
    )  # fmt: skip


def _standing(
    account: GatewayAccount, health: GatewayHealth | None, counts: Mapping[str, Any], now: datetime
) -> Standing:  # fmt: skip
    return Standing(
        account, look_of(account, health, now), health, Rate(counts.get("week_won", 0), counts.get("week", 0)),
        Rate(counts.get("month_won", 0), counts.get("month", 0)), counts.get("unknown", 0),
    )  # fmt: skip


def look_of(account: GatewayAccount, health: GatewayHealth | None, now: datetime) -> str:
    if not account.is_active:
        return "not_active"
    if account.paused_until is not None and account.paused_until > now:
        return "paused"
    is_closed = health is not None and health.open_until is not None and health.open_until > now
    return "closed_off" if is_closed else "in_use"


# What is being confirmed


def unknown_now(now: datetime) -> Q:
    """Calls of any kind whose outcome is not known, and what is on its way for so long that a person was asked."""
    lost = Q(state=AttemptState.SENT, sent_at__lt=now - ANSWERS_WITHIN)
    slow = Q(state=AttemptState.PENDING) & ~Q(needs_person="")
    return Q(state=AttemptState.UNKNOWN) | lost | slow


def unknown_of(organization: Organization, now: datetime) -> QuerySet[PaymentAttempt]:
    """Oldest first; those that need a person before the others."""
    rows = PaymentAttempt.objects.filter(unknown_now(now), organization=organization)
    return rows.select_related("customer", "gateway_account", "method").order_by("sent_at", "pk")


@dataclass(frozen=True)
class Waiting:
    """unknown: outcomes that are not known. for_person: of these, what a person must find out. closed: names of
    accounts that are closed off now, with when they are tried again."""

    unknown: int
    for_person: int
    closed: Sequence[tuple[str, datetime]]


def waiting_of(organization: Organization, now: datetime) -> Waiting:
    """One query."""
    mine = PaymentAttempt.objects.filter(unknown_now(now), gateway_account=OuterRef("pk")).order_by()
    counted = mine.values("gateway_account").annotate(n=Count("pk"), person=Count("pk", filter=~Q(needs_person="")))
    health = GatewayHealth.objects.filter(configuration=OuterRef("configuration"), open_until__gt=now)
    rows = GatewayAccount.objects.filter(organization=organization).annotate(
        unknown=Subquery(counted.values("n")), person=Subquery(counted.values("person")),
        closed_until=Subquery(health.values("open_until")[:1]),
    )  # fmt: skip
    found = list(rows.values_list("name", "is_active", "unknown", "person", "closed_until"))
    return Waiting(
        sum(unknown or 0 for _name, _active, unknown, _person, _until in found),
        sum(person or 0 for _name, _active, _unknown, person, _until in found),
        [(name, until) for name, is_active, _unknown, _person, until in found if is_active and until],
    )
