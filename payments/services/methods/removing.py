"""Taking a method away: here at once, at the processor by an attempt, the token last (R21, R35)."""

from datetime import datetime, timedelta
from functools import partial

from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.models import Agreement
from billing.office.models import User
from billing.refusals import explained
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import in_transaction, transaction_required
from payments.gateways.base import Result
from payments.models import PaymentAttempt, PaymentMethod
from payments.models.attempt import LIVE, AttemptState, Operation
from payments.models.payment_method import METHOD_MOVES, MethodEventKind, MethodState
from payments.services.attempts import AttemptOrder, prepare_attempt
from payments.services.calling import send_attempt
from payments.services.methods.duplicates import LEAVING
from payments.services.methods.states import note, stop_method
from payments.services.methods.telling import tell_office

MONEY = (Operation.SALE, Operation.AUTH, Operation.CAPTURE, Operation.VOID, Operation.REFUND)
# A removal that the processor did not carry out is tried again after this long, and after so many the office is told.
AGAIN_AFTER, MOST_TRIES = timedelta(hours=1), 5


class InUse(DomainError):
    code = "method_in_use"
    sentence = _("A payment with {method} is being confirmed. Remove it when that is known.")


def remove_method(*, method: PaymentMethod, now: datetime, by: User | None) -> PaymentMethod:
    """What the payer asked for: nothing is charged to it from now on, and the processor forgets it.

    Payments already made stay as they are and can still be refunded (R36). Called outside any transaction. Removing
    what is removed changes nothing. Raises InUse, Busy.
    """
    with explained():
        attempt = in_transaction(partial(take_away, pk=method.pk, reason="being_removed", now=now, by=by))
    if attempt is not None:
        send_attempt(attempt)
    return PaymentMethod.objects.select_related("customer", "organization", "gateway_account").get(pk=method.pk)


@transaction_required
def take_away(*, pk: int, reason: str, now: datetime, by: User | None) -> PaymentAttempt | None:
    """begin_removal of a method as it stands by now; None for what is gone or on its way out. Raises InUse."""
    method = locked_method(pk=pk)
    if method.state == MethodState.REMOVED or method.state_reason in LEAVING:
        return None
    return begin_removal(method=method, reason=reason, now=now, by=by)


@transaction_required
def locked_method(*, pk: int) -> PaymentMethod:
    """The customer, then the method as it stands."""
    rows = PaymentMethod.objects.select_related("organization", "gateway_account")
    found = rows.get(pk=pk)
    customer = lock_customers(found.organization, [found.customer_id])[found.customer_id]
    method = rows.get(pk=pk)
    method.customer = customer
    return method


@transaction_required
def begin_removal(
    *, method: PaymentMethod, reason: str, now: datetime, by: User | None
) -> PaymentAttempt | None:  # fmt: skip
    """Stop it and write down that the processor is to forget it. reason: one of LEAVING. The customer is locked.

    None where another of our records stands for the same thing at the processor: that one keeps it. Raises InUse.
    """
    if method.attempts.filter(state__in=LIVE, operation__in=MONEY).exists():
        raise InUse(field="method", method=str(method))
    stop_method(method=method, state=MethodState.DISABLED, reason=reason, now=now, by=by)
    if _is_shared(method):
        _forget(method, now, by)
        return None
    return _prepare(method, now, by)


def _is_shared(method: PaymentMethod) -> bool:
    others = PaymentMethod.objects.filter(
        gateway_account__configuration=method.gateway_account.configuration, token_hash=method.token_hash
    )
    return others.exclude(Q(pk=method.pk) | Q(state=MethodState.REMOVED)).exists()


def _prepare(method: PaymentMethod, now: datetime, by: User | None) -> PaymentAttempt:
    times = method.attempts.filter(operation=Operation.DELETE).count()
    order = AttemptOrder(
        gateway_account=method.gateway_account, customer_id=method.customer_id, operation=Operation.DELETE,
        currency=method.gateway_account.currency, request_key=f"delete:{method.pk}:{times + 1}", method=method,
        by_payer=by is not None,
    )  # fmt: skip
    return prepare_attempt(order, now=now, by=by)


def _forget(method: PaymentMethod, now: datetime, by: User | None) -> None:
    """The token goes with it; what may be shown stays for the history."""
    move(method, MethodState.REMOVED, METHOD_MOVES, token="", payer_id="", place=0, removed_at=now)
    note(method=method, kind=MethodEventKind.REMOVED, text=method.state_reason, now=now, by=by)


def deleted(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    """Follows a DELETE attempt. A processor that says no does not have it any more, or never will give it up: then a
    person looks there, and we keep nothing."""
    method = attempt.method
    assert method is not None
    if method.state == MethodState.REMOVED:
        return
    tries = method.attempts.filter(operation=Operation.DELETE).count()
    if attempt.state == AttemptState.DECLINED or (attempt.state == AttemptState.NOT_SENT and tries >= MOST_TRIES):
        body = f"{attempt.gateway_account} did not remove {method}: {attempt.raw_text}. Look at its own screens."
        tell_office(
            method=method, kind="method_not_removed", subject=f"{method} of {attempt.customer}: not removed",
            body=body, now=now,
        )  # fmt: skip
    if attempt.state == AttemptState.NOT_SENT:
        return
    if attempt.state == AttemptState.DECLINED:
        note(method=method, kind=MethodEventKind.REMOVED, text="declined_at_removal", now=now, by=None)
    _forget(method, now, attempt.created_by)


def finish_removals(*, now: datetime, limit: int = 50) -> int:
    """Send removals whose worker has not, and try again those that were not carried out. Outside any transaction."""
    asked = PaymentAttempt.objects.filter(method=OuterRef("pk"), operation=Operation.DELETE)
    rows = PaymentMethod.objects.filter(
        ~Exists(asked.filter(state__in=LIVE).exclude(state=AttemptState.CREATED)), state=MethodState.DISABLED,
        state_reason__in=LEAVING,
    )  # fmt: skip
    rows = rows.alias(tries=Count("attempts", filter=Q(attempts__operation=Operation.DELETE)))
    done = 0
    for method in rows.filter(tries__lt=MOST_TRIES).order_by("pk")[:limit]:
        last = method.attempts.filter(operation=Operation.DELETE).order_by("-pk").first()
        if last is not None and last.state == AttemptState.NOT_SENT:
            last = in_transaction(partial(_again, method.pk, last.pk, now))
        if last is not None and last.state == AttemptState.CREATED:
            send_attempt(last)
            done += 1
    return done


@transaction_required
def _again(pk: int, last_pk: int, now: datetime) -> PaymentAttempt | None:
    method = locked_method(pk=pk)
    last = method.attempts.filter(operation=Operation.DELETE).order_by("-pk")[0]
    is_due = last.settled_at is not None and last.settled_at <= now - AGAIN_AFTER
    return _prepare(method, now, None) if last.pk == last_pk and is_due else None


def agreements_without_method(method: PaymentMethod) -> list[Agreement]:
    """Those that are collected by themselves and would have no way to be, once this one is gone (R34). One query."""
    others = PaymentMethod.objects.filter(customer_id=method.customer_id, state=MethodState.ACTIVE, is_once=False)
    if others.exclude(pk=method.pk).exists():
        return []
    rows = Agreement.objects.running().filter(customer_id=method.customer_id, collects_itself=True)
    return list(rows.select_related("student", "plan").order_by("pk"))
