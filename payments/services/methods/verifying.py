"""Proving that a method is good before it may be charged (R22-R26; requirements §2 row 36)."""

from datetime import datetime, timedelta
from functools import partial

from django.db.models import Exists, OuterRef, Q

from billing.office.models import User
from billing.refusals import explained
from billing.transactions import in_transaction, transaction_required
from payments.gateways.base import Check, Reason, Result
from payments.models import PaymentAttempt, PaymentMethod
from payments.models.attempt import LIVE, AttemptState, Operation
from payments.models.payment_method import AchStatus, Instrument, MethodEventKind, MethodState
from payments.services.attempts import AttemptOrder, prepare_attempt
from payments.services.calling import Extra, send_attempt
from payments.services.methods import micro_deposits
from payments.services.methods.payers import payer_ref
from payments.services.methods.proceeding import proceed
from payments.services.methods.removing import locked_method
from payments.services.methods.states import note, stop_method, write

# What of a method being verified is ours to go on with; with other reasons the payer is asked first.
OURS = ("", "checking", "micro_start_failed")
# A verification that was not carried out is tried again after this long, so often.
AGAIN_AFTER, MOST_TRIES = timedelta(minutes=15), 8
# Whose worker has not gone on within this time is gone.
FIRST_AFTER = timedelta(minutes=1)
ASKS = (Operation.VERIFY, Operation.MICRO_DEPOSITS)


def verify_method(*, method: PaymentMethod, now: datetime, by: User | None, ip: str = "") -> PaymentMethod:
    """Ask about a card without taking anything; send a bank account its two small amounts, or take what the bank said.

    Called outside any transaction; one that is being asked about is not asked about again. Raises Busy.
    """
    if method.instrument == Instrument.BANK:
        if method.ach_status == AchStatus.APPROVED:
            in_transaction(partial(_proceed_anew, method.pk, now, by))
        else:
            micro_deposits.start(method=method, now=now, by=by)
    else:
        _ask(method, now, by, ip)
    return PaymentMethod.objects.select_related("customer", "organization", "gateway_account").get(pk=method.pk)


def _ask(method: PaymentMethod, now: datetime, by: User | None, ip: str) -> None:
    with explained():
        attempt = in_transaction(partial(_prepare, method.pk, now, by))
    if attempt is not None:
        send_attempt(attempt, Extra(payer=payer_ref(method.customer, method.gateway_account, ip=ip)))


@transaction_required
def _prepare(pk: int, now: datetime, by: User | None) -> PaymentAttempt | None:
    """None where one is on its way, or nothing is to be verified any more."""
    method = locked_method(pk=pk)
    tries = method.attempts.filter(operation=Operation.VERIFY)
    if method.state != MethodState.VERIFYING or tries.filter(state__in=LIVE).exists():
        return None
    write(method=method, state_reason="checking")
    order = AttemptOrder(
        gateway_account=method.gateway_account, customer_id=method.customer_id, operation=Operation.VERIFY,
        currency=method.gateway_account.currency, request_key=f"verify:{method.pk}:{tries.count() + 1}", method=method,
        by_payer=by is not None,
    )  # fmt: skip
    return prepare_attempt(order, now=now, by=by)


@transaction_required
def confirm_another(*, method: PaymentMethod, now: datetime, by: User | None) -> None:
    """The payer says that it is not the one it looks like. It is verified next. Said twice is said once."""
    method = locked_method(pk=method.pk)
    if method.state == MethodState.VERIFYING and method.state_reason == "looks_alike":
        write(method=method, state_reason="")


# What follows once it is known


def verified(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    """Follows a VERIFY attempt, whoever brings its outcome."""
    method = attempt.method
    assert method is not None
    method.customer = attempt.customer
    if method.state != MethodState.VERIFYING or attempt.state == AttemptState.NOT_SENT:
        return
    _keep_checks(method, result)
    if attempt.state == AttemptState.DECLINED:
        reason = f"declined:{attempt.reason}"
        note(method=method, kind=MethodEventKind.REFUSED, text=reason, now=now, by=attempt.created_by)
        stop_method(method=method, state=MethodState.DISABLED, reason=reason, now=now, by=attempt.created_by)
        return
    proceed(method=method, now=now, by=attempt.created_by)


def _keep_checks(method: PaymentMethod, result: Result) -> None:
    """What this answer says of address and code; what it does not say leaves alone what was known."""
    said = {"avs": str(result.avs), "cvv": str(result.cvv)}
    facts = {name: value for name, value in said.items() if value != Check.NOT_CHECKED}
    if result.view is not None and result.view.fingerprint and not method.fingerprint:
        facts["fingerprint"] = result.view.fingerprint[:64]
    write(method=method, **facts)


@transaction_required
def _proceed_anew(pk: int, now: datetime, by: User | None) -> None:
    proceed(method=locked_method(pk=pk), now=now, by=by)


def finish_verifications(*, now: datetime, limit: int = 50) -> int:
    """Go on with methods whose worker stopped, or whose processor could not be reached. Outside any transaction.

    After MOST_TRIES the payer is asked to add it again.
    """
    asked = PaymentAttempt.objects.filter(method=OuterRef("pk"), operation__in=ASKS)
    on_its_way = asked.filter(Q(state__in=LIVE) | Q(operation=Operation.MICRO_DEPOSITS, state=AttemptState.SUCCEEDED))
    rows = PaymentMethod.objects.filter(
        ~Exists(on_its_way), state=MethodState.VERIFYING, state_reason__in=(*OURS, "micro_deposits"),
        made_at__lte=now - FIRST_AFTER,
    )  # fmt: skip
    done = 0
    for method in rows.select_related("customer__organization", "gateway_account").order_by("pk")[:limit]:
        tries = method.attempts.filter(operation__in=ASKS).order_by("-pk")
        last = tries.first()
        if last is not None and (last.settled_at or last.created_at) > now - AGAIN_AFTER:
            continue
        if tries.count() < MOST_TRIES:
            verify_method(method=method, now=now, by=None)
        else:
            in_transaction(partial(_give_up, method.pk, now))
        done += 1
    return done


@transaction_required
def _give_up(pk: int, now: datetime) -> None:
    method = locked_method(pk=pk)
    if method.state == MethodState.VERIFYING and method.state_reason in (*OURS, "micro_deposits"):
        reason = f"declined:{Reason.GATEWAY_ERROR}"
        stop_method(method=method, state=MethodState.DISABLED, reason=reason, now=now, by=None)
