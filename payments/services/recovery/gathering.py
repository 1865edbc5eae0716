"""Reading what a decision about a failed charge asks for. Never writes; the customer is locked by whoever decides."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from django.db.models import Count, Q

from billing.models import Agreement, DunningCase, Invoice
from billing.money import ZERO
from billing.office.models import Organization
from billing.office.policies import policies_for
from billing.office.policy_recovery import read_retry_hours
from billing.rules.timeline import next_consequence
from billing.selectors.chasing.files import cases_with, read_files
from payments.models import AttemptClaim, AutopayPreference, PaymentAttempt, PaymentMethod, RetryDecision
from payments.models.attempt import FINAL, LIVE, AttemptState, Operation
from payments.models.recovery import Verdict
from payments.services.recovery.caps import MONTH
from payments.services.recovery.facts import Failure, History, Terms, Tried, Way
from payments.services.recovery.matrix import CARDS, Class, rule_for
from payments.services.recovery.ways import is_chargeable, source_of, ways_of

YEAR = timedelta(days=365)
LATELY, HABIT_OF = 200, 40
CARRIED_OUT = (
    AttemptState.DECLINED, AttemptState.SUCCEEDED, AttemptState.PENDING, AttemptState.UNKNOWN, AttemptState.SENT,
)  # fmt: skip
FRAUD = "fraud_suspected"


def read_failure(attempt: PaymentAttempt, now: datetime) -> Failure:
    """Of a charge that failed. About ten queries, and those of the invoice's timeline for a soft reason."""
    claims = list(attempt.claims.select_related("invoice", "invoice__organization").order_by("pk"))
    invoice, cycle = claims[0].invoice, claims[0].cycle
    tries = list(_tries_of(invoice, attempt))
    of_cycle = [one for one, number in tries if number == cycle]
    everything = [one for one, _number in tries]
    today = attempt.organization.today(now)
    used = {one.method_id for one in of_cycle}
    ways = [
        way for way in ways_of([attempt.customer_id], now).get(attempt.customer_id, ())
        if is_chargeable(way, attempt.amount, attempt.currency, today)
    ]  # fmt: skip
    return Failure(
        amount=attempt.amount, tried=_tried(attempt, of_cycle, everything, ways),
        first_at=min(filter(None, (one.settled_at for one in of_cycle)), default=now),
        is_final=attempt.state in FINAL, is_proven=attempt.state == AttemptState.NOT_SENT,
        is_attended=attempt.by_payer, is_held=attempt.customer_id in held_customers([attempt.customer_id], but=attempt),
        is_uncertain=any(one.state in LIVE and one.pk != attempt.pk for one in everything),
        untried=tuple(
            Way(way.pk, way.instrument, way.place, way.gateway_account_id) for way in ways if way.pk not in used
        ),
        technical=_technical_in_row(of_cycle), retries=max(0, len(of_cycle) - 1),
        escalates_on=_escalation(invoice, attempt, now), history=_history(attempt, now),
        succeeded_at=_succeeded_at(attempt.organization, attempt.customer_id),
    )  # fmt: skip


def _tries_of(invoice: Invoice, attempt: PaymentAttempt) -> Iterable[tuple[PaymentAttempt, int]]:
    """Every charge of the invoice that left us, oldest first, with its cycle; the one in hand as it is now."""
    rows = AttemptClaim.objects.filter(invoice=invoice, attempt__operation=Operation.SALE)
    rows = rows.filter(attempt__sent_at__isnull=False).select_related("attempt", "attempt__method")
    for claim in rows.order_by("attempt_id"):
        yield (attempt if claim.attempt_id == attempt.pk else claim.attempt), claim.cycle


def _tried(
    attempt: PaymentAttempt, of_cycle: Sequence[PaymentAttempt], everything: Sequence[PaymentAttempt],
    ways: Sequence[PaymentMethod],
) -> tuple[Tried, ...]:  # fmt: skip
    """The method that failed first, then the others of this cycle, each as its last try ended."""
    places = {way.pk: way.place for way in ways}
    last = {one.method_id: one for one in (*of_cycle, attempt)}
    order = sorted(last.values(), key=lambda one: (one.pk != attempt.pk, one.pk))
    return tuple(_one_tried(one, of_cycle, everything, places) for one in order if one.method is not None)


def _one_tried(
    one: PaymentAttempt, of_cycle: Sequence[PaymentAttempt], everything: Sequence[PaymentAttempt],
    places: dict[int, int],
) -> Tried:  # fmt: skip
    method = one.method
    assert method is not None
    is_card = method.instrument in CARDS
    scope = of_cycle if is_card else everything
    same = [
        t for t in scope if t.method and source_of(t.method) == source_of(method) and t.state in CARRIED_OUT
    ]  # fmt: skip
    assert one.settled_at is not None
    return Tried(
        method=method.pk, instrument=method.instrument, place=places.get(method.pk, 0),
        gateway_account=one.gateway_account_id, reason=one.reason, last_at=one.settled_at,
        first_at=min((t.sent_at for t in same if t.sent_at), default=one.settled_at), presented=len(same),
        brand=method.brand, code=one.raw_code, advice=one.advice, retry_after=one.retry_after,
        tried_at=tuple(_card_tries(one, method)) if is_card else (),
    )  # fmt: skip


def _card_tries(one: PaymentAttempt, method: PaymentMethod) -> Iterable[datetime]:
    """When this card was tried for this amount lately, for whatever invoice."""
    same = Q(method=method)
    if method.fingerprint:
        same |= Q(method__customer_id=method.customer_id, method__fingerprint=method.fingerprint)
    assert one.settled_at is not None
    rows = PaymentAttempt.objects.filter(
        same, operation__in=(Operation.SALE, Operation.AUTH), amount=one.amount, currency=one.currency,
        state__in=CARRIED_OUT, sent_at__gt=one.settled_at - MONTH,
    )  # fmt: skip
    return (at for at in rows.values_list("sent_at", flat=True) if at is not None)


def _technical_in_row(of_cycle: Sequence[PaymentAttempt]) -> int:
    """Failures to the last of which the payer is not the cause."""
    count = 0
    for one in reversed(of_cycle):
        if one.state != AttemptState.NOT_SENT:
            break
        count += 1
    return count


def held_customers(customer_ids: Iterable[int], but: PaymentAttempt | None = None) -> set[int]:
    """Whose automation is off because fraud is suspected and no person has said otherwise (R49, R66). One query."""
    rows = RetryDecision.objects.filter(
        failed__customer__in=list(customer_ids), failed__reason=FRAUD, verdict=Verdict.PERSON, done_at__isnull=True
    )
    return set(rows.exclude(failed=but).values_list("failed__customer_id", flat=True))


def _escalation(invoice: Invoice, attempt: PaymentAttempt, now: datetime) -> date | None:
    """The next step of the invoice's timeline that is no message, asked for only where a slot depends on it."""
    method = attempt.method
    if method is None or rule_for(attempt.reason, method.instrument).kind != Class.SOFT:
        return None
    organization, today = attempt.organization, attempt.organization.today(now)
    cases = list(cases_with(DunningCase.objects.filter(invoice=invoice)))
    found = [next_consequence(file.steps, today) for file in read_files(organization, cases, today, now).values()]
    return min((one.on for one in found if one is not None), default=None)


def _history(attempt: PaymentAttempt, now: datetime) -> History:
    """Two queries. The charge in hand counts among the payer's."""
    known = (AttemptState.SUCCEEDED, AttemptState.DECLINED)
    mine = PaymentAttempt.objects.filter(
        customer_id=attempt.customer_id, operation=Operation.SALE, state__in=known, settled_at__gt=now - YEAR
    ).aggregate(tries=Count("pk"), won=Count("pk", filter=Q(state=AttemptState.SUCCEEDED)))
    again = RetryDecision.objects.filter(failed__gateway_account=attempt.gateway_account_id, used__state__in=known)
    states = list(again.order_by("-pk").values_list("used__state", flat=True)[:LATELY])
    return History(mine["won"], mine["tries"], states.count(AttemptState.SUCCEEDED), len(states))


def _succeeded_at(organization: Organization, customer_id: int) -> tuple[datetime, ...]:
    rows = PaymentAttempt.objects.filter(
        customer_id=customer_id, operation=Operation.SALE, state=AttemptState.SUCCEEDED, settled_at__isnull=False
    )
    times = rows.order_by("-pk").values_list("settled_at", flat=True)[:HABIT_OF]
    return tuple(at.astimezone(organization.zone) for at in times if at is not None)


def read_terms(attempt: PaymentAttempt, agreement: Agreement | None) -> Terms:
    """The settings that hold for the charge. Two queries."""
    organization = attempt.organization
    book = policies_for(
        organization, customer_id=attempt.customer_id, agreement_id=agreement.pk if agreement else None,
        provider_id=agreement.provider_id if agreement else None,
    )  # fmt: skip
    wish = AutopayPreference.objects.filter(agreement=agreement).first() if agreement else None
    hours = read_retry_hours(book.text("recovery.retry_hours"))
    cost = book.amount("recovery.try_cost")
    return Terms(
        zone=organization.zone, waits=tuple(timedelta(hours=one) for one in hours),
        backups=book.text("recovery.backups"), fails_over=book.flag("recovery.failover"),
        least_value=book.amount("recovery.least_value") or ZERO,
        cost=attempt.gateway_account.cost_fixed if cost is None else cost,
        visa_most=book.number("recovery.visa_most"), pay_day=wish.pay_day if wish else 0,
    )  # fmt: skip
