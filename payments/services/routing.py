"""Which gateway account stores a new method and which charges an old one (R41-R45, R51; source 1 §4.1, §4.2, §5.3).

A method lies at one account: where a charge goes is a choice among the payer's stored methods, never of an account
alone. What was chosen is kept on the attempt with its reasons; choosing_words says them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.models import Customer, Invoice
from billing.office.models import Organization
from payments.gateways import base
from payments.gateways.registry import NotConfigured, gateway_for
from payments.models import AttemptClaim, GatewayAccount, PaymentAttempt, PaymentMethod
from payments.models.attempt import AttemptState, Operation
from payments.models.payment_method import MethodState
from payments.services import health
from payments.services.choosing import Candidate, Choice, Verdict, choose
from payments.services.recovery.ways import is_chargeable

LATELY = timedelta(days=30)
# Of what a processor can do, what makes a charge safer: it can be asked for a lost answer, and brings new dates.
FEATURES = frozenset({base.FIND, base.ACCOUNT_UPDATER})
Refusal = tuple[str, dict[str, Any]]


class NoWay(DomainError):
    """why: the code of the first refusal."""

    code = "no_way"
    sentence = _("{method} cannot be charged at the moment. Try again later, or choose another one.")


@dataclass(frozen=True)
class Route:
    """method: None where nothing can be charged. decision: as PaymentAttempt.decision keeps it."""

    method: PaymentMethod | None
    decision: dict[str, Any] = field(default_factory=dict)


def way_for(
    method: PaymentMethod, invoices: Sequence[tuple[Invoice, Decimal]], now: datetime
) -> Route:  # fmt: skip
    """The chosen card or account at the processor that serves best now, if it is stored at several. Raises NoWay.

    At most four queries; two where it is stored once.
    """
    amount = sum((share for _invoice, share in invoices), Decimal(0))
    found = route(
        invoices[0][0].organization, method.customer, [invoice for invoice, _share in invoices],
        method.gateway_account.currency, amount, [method, *twins_of(method)], now,
    )  # fmt: skip
    if found.method is None:
        raise NoWay(field="method", method=str(method))
    return found


def twins_of(method: PaymentMethod) -> list[PaymentMethod]:
    """The same card or account of the payer's, stored at other accounts: by our keyed hash of its number, or alike in
    brand, last four, expiry and postal code, which two cards of one payer do not share. One query, or none."""
    same = Q()
    for name in ("number_hash", "likeness"):
        if getattr(method, name):
            same |= Q(**{name: getattr(method, name)})
    if not same:
        return []
    rows = PaymentMethod.objects.filter(
        same, customer=method.customer_id, instrument=method.instrument, state=MethodState.ACTIVE, is_once=False
    )
    rows = rows.exclude(pk=method.pk).exclude(gateway_account=method.gateway_account_id)
    return list(rows.select_related("gateway_account", "mandate", "customer", "organization").order_by("pk"))


def route(
    organization: Organization, customer: Customer, invoices: Sequence[Invoice], currency: str, amount: Decimal,
    methods: Sequence[PaymentMethod], now: datetime,
) -> Route:  # fmt: skip
    """Of a customer's methods the one to charge, with why this and why not the others (R45, R51).

    invoices: with agreement; only money for a teacher's lessons may go through the teacher's own account.
    Two queries where at most one can be charged, else three.
    """
    closed = health.closed_off([method.gateway_account.configuration for method in methods], now)
    today = organization.today(now)
    refusals = {one.pk: _refusal(one, customer, invoices, currency, amount, closed, today, now) for one in methods}
    able = [one for one in methods if refusals[one.pk] is None]
    rates = success_rates([one.gateway_account_id for one in able], now) if len(able) > 1 else {}
    places = _places(methods)
    candidates = [_candidate(one, places[one.pk], rates, refusals[one.pk]) for one in methods]
    choice = choose(candidates, amount, currency)
    winner = next((one for one in methods if choice.winner and one.pk == choice.winner.method), None)
    return Route(winner, as_json(choice))


def _places(methods: Sequence[PaymentMethod]) -> dict[int, int]:
    """The payer's order is of cards and accounts: the same one at two processors has the better of both places."""
    last = 1 + max((one.place for one in methods), default=0)
    places = {}
    for one in methods:
        marks = {mark for mark in (one.number_hash, one.likeness) if mark}
        alike = [m for m in methods if m.instrument == one.instrument and marks & {m.number_hash, m.likeness}]
        places[one.pk] = min(m.place or last for m in (one, *alike))
    return places


def _candidate(
    one: PaymentMethod, place: int, rates: Mapping[tuple[int, str], tuple[int, int]], refusal: Refusal | None
) -> Candidate:  # fmt: skip
    account = one.gateway_account
    won, tries = rates.get((account.pk, one.instrument), (0, 0))
    return Candidate(
        method=one.pk, name=str(one), account_name=account.name, place=place, rank=account.rank,
        cost_percent=account.cost_percent, cost_fixed=account.cost_fixed, won=won, tries=tries,
        features=capabilities_of(account) & FEATURES, refusal=refusal,
    )  # fmt: skip


def capabilities_of(account: GatewayAccount) -> frozenset[str]:
    """What its processor can do; nothing where the environment has no credentials for it."""
    try:
        return gateway_for(account.configuration)[0].capabilities
    except NotConfigured:
        return frozenset()


def _refusal(
    one: PaymentMethod, customer: Customer, invoices: Sequence[Invoice], currency: str, amount: Decimal,
    closed: set[str], today: date, now: datetime,
) -> Refusal | None:  # fmt: skip
    """Why a method cannot be charged at all; None if it can."""
    account = one.gateway_account
    if one.customer_id != customer.pk or one.state != MethodState.ACTIVE:
        return "not_usable", {}
    if account.currency != currency:
        return "other_currency", {"takes": account.currency}
    if not is_chargeable(one, amount, currency, today):
        return "not_in_time", {}
    if account.provider_id is not None and any(provider_of(each) != account.provider_id for each in invoices):
        return "others_account", {}
    return _account_refusal(account, one.instrument, now) or (
        ("closed_off", {}) if account.configuration in closed else None
    )


def _account_refusal(account: GatewayAccount, instrument: str, now: datetime) -> Refusal | None:
    if not account.is_active:
        return "not_active", {}
    if instrument not in account.instruments:
        return "not_taken", {}
    if account.paused_until is not None and account.paused_until > now:
        return "paused", {"until": account.paused_until.isoformat(), "why": account.pause_reason}
    return None


def provider_of(invoice: Invoice) -> int | None:
    return invoice.agreement.provider_id if invoice.agreement is not None else None


def success_rates(account_ids: Iterable[int], now: datetime) -> dict[tuple[int, str], tuple[int, int]]:
    """(account, instrument) → (worked, tried) of the last 30 days. What never left says nothing. One query."""
    rows = PaymentAttempt.objects.filter(
        gateway_account__in=list(account_ids), operation__in=(Operation.SALE, Operation.AUTH),
        sent_at__gt=now - LATELY,
    ).exclude(state__in=(AttemptState.SENT, AttemptState.PENDING))  # fmt: skip
    counts = rows.order_by().values_list("gateway_account", "method__instrument").annotate(
        won=Count("pk", filter=Q(state=AttemptState.SUCCEEDED)), tries=Count("pk")
    )  # fmt: skip
    return {(account, instrument): (won, tries) for account, instrument, won, tries in counts}


def as_json(choice: Choice) -> dict[str, Any]:
    """What PaymentAttempt.decision keeps of a choice."""

    def told(verdict: Verdict) -> dict[str, Any]:
        one = verdict.candidate
        named = {"method": one.method, "name": one.name, "account": one.account_name, "code": verdict.code}
        return named | verdict.facts

    found: dict[str, Any] = {"others": [told(verdict) for verdict in choice.others]}
    return ({"chosen": told(choice.because)} if choice.because else {}) | found


# Failover


@dataclass(frozen=True)
class Failover:
    """Where a charge that was not carried out may go now. why: a code where it may go nowhere."""

    method: PaymentMethod | None
    why: str = ""
    decision: dict[str, Any] = field(default_factory=dict)


def failover(attempt: PaymentAttempt, now: datetime) -> Failover:
    """The next processor's method for a charge: second, third, then nobody, which is for the office (R44, fault F20).

    Only of what is proven not carried out, and only where the payer has a method stored at credentials that were not
    tried for this obligation. Five queries.
    """
    if attempt.state != AttemptState.NOT_SENT or attempt.operation not in (Operation.SALE, Operation.AUTH):
        return Failover(None, "not_proven")
    if attempt.reason == base.Reason.FRAUD_SUSPECTED:
        return Failover(None, "in_review")
    claims = list(attempt.claims.select_related("invoice__agreement").order_by("pk"))
    tried = _tried_configurations(attempt, claims)
    rows = PaymentMethod.objects.filter(customer=attempt.customer_id, state=MethodState.ACTIVE, place__gt=0)
    rows = rows.exclude(gateway_account__configuration__in=tried)
    methods = list(rows.select_related("gateway_account", "mandate", "customer").order_by("place"))
    if not methods:
        return Failover(None, "no_token")
    invoices = [claim.invoice for claim in claims]
    found = route(attempt.organization, attempt.customer, invoices, attempt.currency, attempt.amount, methods, now)
    return Failover(found.method, "" if found.method else "none_able", found.decision)


def _tried_configurations(attempt: PaymentAttempt, claims: Sequence[AttemptClaim]) -> set[str]:
    """Credentials at which the obligation was tried in vain in this cycle, the attempt's own among them."""
    same = Q(pk__in=[])
    for claim in claims:
        same |= Q(invoice=claim.invoice_id, cycle=claim.cycle)
    rows = AttemptClaim.objects.filter(same, attempt__sent_at__isnull=False, attempt__state=AttemptState.NOT_SENT)
    return {
        attempt.gateway_account.configuration,
        *rows.values_list("attempt__gateway_account__configuration", flat=True),
    }
