"""From state to state, with place and history: used by everybody who stops, resumes or activates a method."""

from datetime import datetime
from typing import Any

from django.db.models import Max

from billing.office.models import User
from billing.states import move
from billing.transactions import transaction_required
from payments.gateways.base import Reason
from payments.models import GatewayError, MethodEvent, PaymentMethod
from payments.models.attempt import Operation
from payments.models.payment_method import METHOD_MOVES, MethodEventKind, MethodState

EVENTS = {
    MethodState.SUSPENDED: MethodEventKind.SUSPENDED, MethodState.DISABLED: MethodEventKind.DISABLED,
    MethodState.REMOVED: MethodEventKind.REMOVED,
}  # fmt: skip


@transaction_required
def note(
    *, method: PaymentMethod, kind: str, text: str = "", now: datetime, by: User | None, source: str = ""
) -> None:  # fmt: skip
    """A line of the method's history (R35). text: a code of words.REASONS, or plain facts. source: what told us."""
    MethodEvent.objects.create(method=method, kind=kind, text=text[:300], source=source[:120], at=now, by=by)


@transaction_required
def activate(*, method: PaymentMethod, now: datetime, by: User | None, place: int = 0) -> None:
    """It may be charged from now on, last in order unless a place is given; one for a single payment has none. The
    customer is locked.

    place: free, of the one in whose place it comes.
    """
    last = PaymentMethod.objects.filter(customer_id=method.customer_id).aggregate(last=Max("place"))["last"] or 0
    verified = {} if method.verified_at else {"verified_at": now}
    move(
        method,
        MethodState.ACTIVE,
        METHOD_MOVES,
        state_reason="",
        place=0 if method.is_once else place or last + 1,
        **verified,
    )
    note(method=method, kind=MethodEventKind.VERIFIED, now=now, by=by)


@transaction_required
def stop_method(
    *, method: PaymentMethod, state: str, reason: str, now: datetime, by: User | None, source: str = "", **more: Any
) -> None:  # fmt: skip
    """It is charged no more, and the others move up. state: suspended or disabled. The customer is locked.

    reason: a code of words.REASONS or "declined:" with a Reason. more: further columns. Done already is done.
    """
    if method.state == state:
        write(method=method, state_reason=reason, **more)
        return
    move(method, state, METHOD_MOVES, state_reason=reason, place=0, **more)
    close_ranks(customer_id=method.customer_id)
    note(method=method, kind=EVENTS[MethodState(state)], text=reason, now=now, by=by, source=source)


@transaction_required
def resume_method(*, method: PaymentMethod, now: datetime, by: User | None, source: str = "") -> None:
    """A suspended one may be charged again, last in order. The customer is locked."""
    last = PaymentMethod.objects.filter(customer_id=method.customer_id).aggregate(last=Max("place"))["last"] or 0
    move(method, MethodState.ACTIVE, METHOD_MOVES, state_reason="", place=0 if method.is_once else last + 1)
    note(method=method, kind=MethodEventKind.RESUMED, now=now, by=by, source=source)


@transaction_required
def close_ranks(*, customer_id: int) -> None:
    """Places are 1, 2, 3 … again. From the front, so that none meets the next."""
    rows = PaymentMethod.objects.filter(customer_id=customer_id, place__gt=0).order_by("place")
    for place, row in enumerate(rows, start=1):
        if row.place != place:
            PaymentMethod.objects.filter(pk=row.pk).update(place=place)


@transaction_required
def write(*, method: PaymentMethod, **facts: Any) -> None:
    """Columns that are no state."""
    if facts:
        PaymentMethod.objects.filter(pk=method.pk).update(**facts)
    for name, value in facts.items():
        setattr(method, name, value)


@transaction_required
def log_refusal(*, method: PaymentMethod, reason: Reason, text: str, now: datetime) -> None:
    """A registration that we refused ourselves stands in the gateway error log too (R40)."""
    GatewayError.objects.create(
        organization=method.organization, gateway_account=method.gateway_account, customer_id=method.customer_id,
        operation=Operation.VERIFY, reason=reason, raw_text=text[:400], at=now,
    )  # fmt: skip
