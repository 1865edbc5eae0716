"""Refunds of what a processor took, by the same processor: void before it settles, refund after (R96, R101)."""

from datetime import datetime
from decimal import Decimal

from billing.office.models import User
from billing.transactions import transaction_required
from payments.gateways.base import State
from payments.models import Payment, PaymentAttempt, Refund
from payments.models.attempt import AttemptState, Operation
from payments.models.gateway_account import GatewayKind
from payments.services.charging import prepare_follow_up

SETTLED = (str(State.SETTLED), str(State.REFUNDED))
# These give nothing back: a debit of NACH or ECS is neither taken back nor refunded but by a transfer of ours.
ONE_WAY = frozenset({GatewayKind.NACH})


def goes_by_program(refund: Refund, method: str) -> bool:
    """Whether a refund back the way it came is asked of the processor that took it."""
    if refund.payment is None or method != refund.payment.method:
        return False
    taken = taken_by(refund.payment)
    return taken is not None and taken.gateway_account.kind not in ONE_WAY


def came_one_way(payment: Payment) -> bool:
    """Whether a processor took it that gives nothing back. One query."""
    taken = taken_by(payment)
    return taken is not None and taken.gateway_account.kind in ONE_WAY


def taken_by(payment: Payment) -> PaymentAttempt | None:
    """The charge that brought the money of a payment. One query."""
    rows = PaymentAttempt.objects.filter(payment=payment, state=AttemptState.SUCCEEDED).exclude(gateway_ref="")
    return rows.select_related("gateway_account", "method").first()


@transaction_required
def prepare_refund(*, refund: Refund, now: datetime, by: User | None, again: bool = False) -> PaymentAttempt:
    """Write down what the processor will be asked: all of a charge that is not settled is voided, the rest refunded.

    again: the void came too late, so the same refund goes on as a refund.
    """
    taken = taken_by(refund.payment) if refund.payment is not None else None
    assert taken is not None
    number = f"refund:{refund.number}:{refund.attempts.count() + 1}"
    whole = refund.paid_amount == taken.approved_amount and taken.money_state not in SETTLED
    operation = Operation.VOID if whole and not again else Operation.REFUND
    amount: Decimal = refund.paid_amount
    return prepare_follow_up(
        attempt=taken, operation=operation, amount=amount, request_key=f"{number}:{operation}", now=now, by=by,
        channel="refund",
    )  # fmt: skip
