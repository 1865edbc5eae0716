"""How processors performed: what worked, what failed and why, how fast, at what cost, what retries won back (R51, R160,
R163)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Sum
from django.db.models.functions import TruncDay, TruncMonth, TruncWeek

from billing.money import ZERO, round_money
from billing.office.models import Organization
from payments.models import GatewayAccount, PaymentAttempt, RetryDecision
from payments.models.attempt import AttemptState, Operation
from payments.selectors.gateways import Rate

CHARGES = (Operation.SALE, Operation.AUTH)
FAILED = (AttemptState.DECLINED, AttemptState.NOT_SENT)
KNOWN = (AttemptState.SUCCEEDED, *FAILED)
PERIODS = {"day": TruncDay, "week": TruncWeek, "month": TruncMonth}
PERCENT = Decimal(100)


@dataclass(frozen=True)
class Line:
    """One account, kind of method and period. seconds: on average until the outcome was known, by the call itself.

    cost: by the account's own rates, of what was taken. starts_on: of the period; None for the whole span.
    """

    account: GatewayAccount
    instrument: str
    rate: Rate
    declined: int
    not_carried_out: int
    unknown: int
    taken: Decimal
    cost: Decimal
    seconds: Decimal | None
    starts_on: date | None = None

    @property
    def cost_percent(self) -> Decimal | None:
        """Of what was taken, to two decimals."""
        return (self.cost * PERCENT / self.taken).quantize(Decimal("0.01")) if self.taken else None


@dataclass(frozen=True)
class Reason:
    reason: str
    times: int
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Recovered:
    """tries: further tries after a failure. won: of these, what worked. held: suspected before anything was sent."""

    failures: int
    tries: int
    won: int
    held: int


@dataclass(frozen=True)
class Performance:
    first: date
    last: date
    lines: Sequence[Line]
    periods: Sequence[Line]
    reasons: Sequence[Reason]
    recovered: Recovered


def performance_of(organization: Organization, first: date, last: date, period: str = "week") -> Performance:
    """Of charges sent from a day to a day, both whole, in the organization's zone. Six queries."""
    accounts = {one.pk: one for one in GatewayAccount.objects.filter(organization=organization)}
    rows = charges_between(organization, first, last)
    starts = PERIODS[period]("sent_at", tzinfo=organization.zone)
    return Performance(
        first, last, _lines(accounts, rows.order_by()), _lines(accounts, rows.order_by().annotate(starts=starts)),
        _reasons(rows), _recovered(organization, first, last),
    )  # fmt: skip


def charges_between(organization: Organization, first: date, last: date) -> QuerySet[PaymentAttempt]:
    from_, until = _span(organization, first, last)
    return PaymentAttempt.objects.filter(
        organization=organization, operation__in=CHARGES, sent_at__gte=from_, sent_at__lt=until
    )


def _span(organization: Organization, first: date, last: date) -> tuple[datetime, datetime]:
    def start(day: date) -> datetime:
        return datetime.combine(day, time(), organization.zone)

    return start(first), start(last + timedelta(days=1))


def _lines(accounts: dict[int, GatewayAccount], rows: Any) -> list[Line]:
    by = ["gateway_account", "method__instrument", *(["starts"] if "starts" in rows.query.annotations else [])]
    took = ExpressionWrapper(F("settled_at") - F("sent_at"), output_field=DurationField())
    won, answered = Q(state=AttemptState.SUCCEEDED), Q(settled_from="worker")
    counted = rows.values(*by).annotate(
        won=Count("pk", filter=won), known=Count("pk", filter=Q(state__in=KNOWN)),
        declined=Count("pk", filter=Q(state=AttemptState.DECLINED)),
        not_out=Count("pk", filter=Q(state=AttemptState.NOT_SENT)),
        unknown=Count("pk", filter=Q(state__in=(AttemptState.UNKNOWN, AttemptState.SENT))),
        taken=Sum("approved_amount", filter=won), took=Avg(took, filter=answered),
    )  # fmt: skip
    found = [_line(accounts[row["gateway_account"]], row) for row in counted]
    return sorted(found, key=lambda one: (one.starts_on or date.min, one.account.rank, one.account.pk, one.instrument))


def _line(account: GatewayAccount, row: dict[str, Any]) -> Line:
    taken, starts = row["taken"] or ZERO, row.get("starts")
    cost = round_money(taken * account.cost_percent / PERCENT + account.cost_fixed * row["won"], account.currency)
    took: timedelta | None = row["took"]
    seconds = Decimal(took // timedelta(milliseconds=10)) / 100 if took is not None else None
    return Line(
        account, row["method__instrument"] or "", Rate(row["won"], row["known"]), row["declined"], row["not_out"],
        row["unknown"], taken, cost, seconds, starts.date() if starts else None,
    )  # fmt: skip


def _reasons(rows: QuerySet[PaymentAttempt]) -> list[Reason]:
    failed = rows.filter(state__in=FAILED).order_by().values("reason", "currency")
    counted = failed.annotate(times=Count("pk"), sum=Sum("amount")).order_by("-times", "reason")
    return [Reason(row["reason"], row["times"], row["sum"], row["currency"]) for row in counted]


def _recovered(organization: Organization, first: date, last: date) -> Recovered:
    """Failures of the span, whenever their further tries were made."""
    from_, until = _span(organization, first, last)
    rows = RetryDecision.objects.filter(failed__organization=organization, decided_at__gte=from_, decided_at__lt=until)
    counts = rows.aggregate(
        failures=Count("pk", filter=~Q(failed__settled_from="precheck")), tries=Count("used"),
        won=Count("pk", filter=Q(used__state=AttemptState.SUCCEEDED)),
        held=Count("pk", filter=Q(failed__settled_from="precheck")),
    )  # fmt: skip
    return Recovered(**counts)
