"""What follows once a charge is known to have worked or failed, in the transaction that settles it (R59, R62-R71)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import structlog
from django.db import OperationalError, transaction
from django.utils.translation import override

from billing.models import Agreement, Invoice
from billing.money import ZERO
from billing.transactions import transaction_required
from payments.gateways.base import Result
from payments.models import PaymentAttempt, RetryDecision
from payments.models.attempt import AttemptState
from payments.models.payment_method import MethodState
from payments.models.recovery import Verdict
from payments.services.methods.states import stop_method
from payments.services.recovery import letters
from payments.services.recovery.deciding import decide
from payments.services.recovery.facts import Decision
from payments.services.recovery.gathering import FRAUD, read_failure, read_terms
from payments.services.recovery.matrix import Class, rule_for, stop_for
from payments.services.recovery.words import told
from payments.services.routing import failover
from payments.services.settling import alarm

log = structlog.get_logger(__name__)
AUTOMATIC = (Verdict.RETRY, Verdict.BACKUP, Verdict.FAILOVER)
RETRY_KEY = "retry"


def follow_sale(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    """For settling.AFTER: a charge became final. That it is known is kept whatever goes wrong with what follows."""
    try:
        with transaction.atomic():
            _follow(attempt, now)
    except OperationalError:  # a lock: the whole is tried again
        raise
    except Exception:  # the border to what only follows: the money is booked, a person sees to the rest
        log.exception("charge_not_followed", attempt=attempt.number)
        alarm(attempt, "What follows from its outcome could not be done; see the log.", now)


def _follow(attempt: PaymentAttempt, now: datetime) -> None:
    claims = attempt.claims.select_related("invoice", "invoice__organization", "invoice__agreement__plan")
    invoices = [claim.invoice for claim in claims.order_by("pk")]
    if not invoices:
        return
    came_of(attempt=attempt, now=now)
    if attempt.state == AttemptState.SUCCEEDED:
        close_paid(invoices=invoices, now=now)
        if not attempt.by_payer:
            letters.tell_charged(attempt=attempt, invoices=invoices, now=now)
    elif attempt.method is not None and not attempt.method.is_once:
        decide_on(attempt=attempt, invoices=invoices, now=now)


@transaction_required
def came_of(*, attempt: PaymentAttempt, now: datetime) -> None:
    """A further try is over: the decision that asked for it knows it. Known by the key of the try."""
    kind, _colon, rest = attempt.request_key.partition(":")
    pk = rest.partition(":")[0]
    if kind == RETRY_KEY and pk.isdigit():
        RetryDecision.objects.filter(pk=int(pk), failed__organization=attempt.organization).update(
            used=attempt, done_at=now, outcome=attempt.state
        )


@transaction_required
def close_paid(*, invoices: Sequence[Invoice], now: datetime) -> None:
    """Nothing is left to be tried of what is paid. Suspected fraud stays with its person."""
    keys = [invoice.pk for invoice in invoices]
    rows = RetryDecision.objects.filter(invoice__in=keys, invoice__open_amount=ZERO, done_at__isnull=True)
    rows.exclude(verdict=Verdict.PERSON, failed__reason=FRAUD).update(done_at=now, outcome="paid")


@transaction_required
def decide_on(*, attempt: PaymentAttempt, invoices: Sequence[Invoice], now: datetime) -> RetryDecision:
    """Write down what becomes of a charge that failed, stop what may not be used again, and tell who must know.

    attempt: declined, proven not carried out, or taken back by the payer's bank; its customer is locked. Done once for
    each attempt.
    """
    _stop(attempt, invoices, now)
    agreement = invoices[0].agreement if len(invoices) == 1 else None
    decision = _decision(attempt, agreement, now)
    _close_earlier(invoices, now)
    row = RetryDecision.objects.create(
        failed=attempt, invoice=invoices[0] if len(invoices) == 1 else None, verdict=decision.verdict,
        try_at=decision.try_at, method_id=decision.method, value=decision.value,
        because=[one.to_json() for one in decision.because], decided_at=now,
        done_at=now if decision.verdict == Verdict.STOP else None,
    )  # fmt: skip
    _tell(attempt, row, invoices, now)
    return row


def _decision(attempt: PaymentAttempt, agreement: Agreement | None, now: datetime) -> Decision:
    """Which other processor takes over is chosen as any way is, and it has credentials of its own (R44, R45)."""
    failure, terms = read_failure(attempt, now), read_terms(attempt, agreement)
    decision = decide(failure, terms, now)
    if decision.verdict != Verdict.FAILOVER:
        return decision
    other = failover(attempt, now)
    if other.method is not None:
        return replace(decision, method=other.method.pk)
    return decide(failure, replace(terms, fails_over=False), now) if other.why == "no_token" else decision


def _stop(attempt: PaymentAttempt, invoices: Sequence[Invoice], now: datetime) -> None:
    """The method by what the reason says of it; with consent withdrawn the schedule too (a new consent is new)."""
    method = attempt.method
    assert method is not None
    stops = stop_for(attempt.reason, method.instrument, attempt.raw_code)
    if stops and method.state == MethodState.ACTIVE:
        stop_method(
            method=method, state=stops, reason=f"declined:{attempt.reason}", now=now, by=None,
            source=f"attempt:{attempt.key}",
        )  # fmt: skip
    if rule_for(attempt.reason, method.instrument).kind == Class.REVOKED:
        keys = [invoice.agreement_id for invoice in invoices if invoice.agreement_id]
        Agreement.objects.filter(pk__in=keys, collects_itself=True).update(collects_itself=False)


def _close_earlier(invoices: Sequence[Invoice], now: datetime) -> None:
    """Of an invoice only the last decision stands. What waits for a person goes on waiting."""
    rows = RetryDecision.objects.filter(invoice__in=[one.pk for one in invoices], done_at__isnull=True)
    rows.exclude(verdict=Verdict.PERSON).update(done_at=now, outcome="followed")


def _tell(attempt: PaymentAttempt, row: RetryDecision, invoices: Sequence[Invoice], now: datetime) -> None:
    """Not of a repeat that only a processor's trouble asks for, nor whoever saw it on their own screen."""
    assert attempt.method is not None
    is_technical = rule_for(attempt.reason, attempt.method.instrument).kind == Class.TECHNICAL
    saw_it = attempt.by_payer and attempt.settled_from == "worker"
    saw_it = saw_it or attempt.state == AttemptState.SUCCEEDED  # it came back, and that has a letter of its own
    if not saw_it and not (is_technical and row.verdict in AUTOMATIC):
        letters.tell_failed(attempt=attempt, decision=row, numbers=[one.number for one in invoices], now=now)
    if row.verdict in (Verdict.PERSON, Verdict.STOP):
        with override("en"):
            why = told(row.because, attempt.currency)
        letters.tell_office(attempt=attempt, decision=row, why=why, now=now)
