"""Two small amounts that only the owner of a bank account can read on its statement (R23, R24)."""

from datetime import datetime
from functools import partial

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.money import parse_amount
from billing.office.models import User
from billing.refusals import explained
from billing.transactions import in_transaction, transaction_required
from payments.gateways.base import Advice, Kind, Outcome, Result, money
from payments.models import PaymentAttempt, PaymentMethod
from payments.models.attempt import LIVE, AttemptState, Operation
from payments.models.payment_method import AchStatus, MethodEventKind, MethodState
from payments.services.attempts import AttemptOrder, BeingConfirmed, prepare_attempt
from payments.services.calling import Extra, finish, send_attempt
from payments.services.methods.proceeding import proceed
from payments.services.methods.removing import locked_method
from payments.services.methods.states import note, stop_method, write

MOST_TRIES = 3


class NotWaiting(DomainError):
    code = "no_amounts_expected"
    sentence = _("No amounts are expected for {method}.")


def start(*, method: PaymentMethod, now: datetime, by: User | None) -> None:
    """Have the processor send the two amounts. Once: what is on its way is not sent again. Outside any transaction."""
    with explained():
        attempt = in_transaction(partial(_prepare_start, method.pk, now, by))
    if attempt is not None:
        send_attempt(attempt)


@transaction_required
def _prepare_start(pk: int, now: datetime, by: User | None) -> PaymentAttempt | None:
    method = locked_method(pk=pk)
    tries = method.attempts.filter(operation=Operation.MICRO_DEPOSITS)
    if method.state != MethodState.VERIFYING or tries.filter(state__in=(*LIVE, AttemptState.SUCCEEDED)).exists():
        return None
    write(method=method, state_reason="micro_deposits", ach_status=AchStatus.PENDING)
    return prepare_attempt(_order(method, Operation.MICRO_DEPOSITS, tries.count() + 1, by), now=now, by=by)


def _order(method: PaymentMethod, operation: str, n: int, by: User | None) -> AttemptOrder:
    return AttemptOrder(
        gateway_account=method.gateway_account, customer_id=method.customer_id, operation=operation,
        currency=method.gateway_account.currency, request_key=f"{operation}:{method.pk}:{n}", method=method,
        by_payer=by is not None,
    )  # fmt: skip


def started(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    """Follows a MICRO_DEPOSITS attempt."""
    method = attempt.method
    assert method is not None
    if method.state == MethodState.VERIFYING and attempt.state == AttemptState.DECLINED:
        stop_method(
            method=method, state=MethodState.DISABLED, reason=f"declined:{attempt.reason}", now=now,
            by=attempt.created_by, ach_status=AchStatus.NOT_APPROVED,
        )  # fmt: skip
    elif method.state == MethodState.VERIFYING and attempt.state == AttemptState.NOT_SENT:
        write(method=method, state_reason="micro_start_failed")


def confirm(
    *, method: PaymentMethod, amounts: tuple[str, str], now: datetime, by: User | None
) -> PaymentAttempt:  # fmt: skip
    """What the payer read on the statement, as typed: three tries in all. Called outside any transaction.

    A try before the amounts arrived, or that was not carried out, is no try: its attempt is not_sent.

    Raises BadInput for what is no amount below 1.00, NotWaiting, BeingConfirmed while a try is on its way, Busy.
    """
    currency = method.gateway_account.currency
    first, second = (_minor(text, currency, f"amount{n}") for n, text in enumerate(amounts, start=1))
    with explained():
        attempt = in_transaction(partial(_prepare_confirm, method.pk, now, by))
    attempt = send_attempt(attempt, Extra(minor_amounts=(first, second)))
    if attempt.state == AttemptState.PENDING and attempt.advice == Advice.RETRY_AFTER:
        nothing = Result(Outcome.ERROR, Kind.CONFIRM, attempt.key, raw_code=attempt.raw_code, raw_text=attempt.raw_text)
        return finish(attempt, nothing, [], source="worker")  # they have not arrived; nothing was compared
    return attempt


def _minor(text: str, currency: str, field: str) -> int:
    amount = parse_amount(text, currency, field=field)
    if amount >= 1:
        raise BadInput(_("Both amounts are below 1.00, as 0.07."), field=field, code="too_large")
    return money(amount, currency).minor


@transaction_required
def _prepare_confirm(pk: int, now: datetime, by: User | None) -> PaymentAttempt:
    """A try counts before it is made, so that an answer that never comes counts too."""
    method = locked_method(pk=pk)
    is_waiting = method.state == MethodState.VERIFYING and method.state_reason == "micro_deposits"
    if not is_waiting or method.micro_tries >= MOST_TRIES:
        raise NotWaiting(field="amount1", method=str(method))
    if method.attempts.filter(operation=Operation.CONFIRM, state__in=LIVE).exists():
        sentence = _("The amounts are being compared. This takes a moment.")
        raise BeingConfirmed(sentence, field="amount1")
    write(method=method, micro_tries=method.micro_tries + 1)
    times = method.attempts.filter(operation=Operation.CONFIRM).count()
    return prepare_attempt(_order(method, Operation.CONFIRM, times + 1, by), now=now, by=by)


def confirmed(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    """Follows a CONFIRM attempt: approved, wrong for the third time, or one more try. What was not sent is no try."""
    method = attempt.method
    assert method is not None
    method.customer = attempt.customer
    if method.state != MethodState.VERIFYING:
        return
    if attempt.state == AttemptState.NOT_SENT:
        write(method=method, micro_tries=max(0, method.micro_tries - 1))
    elif attempt.state == AttemptState.SUCCEEDED:
        write(method=method, ach_status=AchStatus.APPROVED)
        proceed(method=method, now=now, by=attempt.created_by)
    elif method.micro_tries >= MOST_TRIES:
        note(method=method, kind=MethodEventKind.REFUSED, text="micro_failed", now=now, by=attempt.created_by)
        stop_method(
            method=method, state=MethodState.DISABLED, reason="micro_failed", now=now, by=attempt.created_by,
            ach_status=AchStatus.NOT_APPROVED,
        )  # fmt: skip
