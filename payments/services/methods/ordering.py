"""Which method is charged first: the primary, then the backups in the payer's order (R34).

What was charged or is being charged keeps its method: an attempt names the one it was made with (R36).
"""

from datetime import datetime

from billing.office.models import User
from billing.transactions import transaction_required
from payments.models import PaymentMethod
from payments.models.payment_method import MethodEventKind
from payments.services.attempts import check_usable
from payments.services.methods.removing import locked_method
from payments.services.methods.states import note


@transaction_required
def move_method(*, method: PaymentMethod, by_places: int, now: datetime, by: User | None) -> None:
    """Up (below zero) or down; beyond the ends changes nothing. Raises MethodUnusable for one that is not active."""
    method = locked_method(pk=method.pk)
    check_usable(method)
    rows = _in_order(method.customer_id)
    at = next(index for index, row in enumerate(rows) if row.pk == method.pk)
    put_at(method=method, place=max(1, min(len(rows), at + 1 + by_places)), now=now, by=by)


@transaction_required
def make_primary(*, method: PaymentMethod, now: datetime, by: User | None) -> None:
    """Raises MethodUnusable for one that is not active."""
    method = locked_method(pk=method.pk)
    check_usable(method)
    put_at(method=method, place=1, now=now, by=by)


@transaction_required
def put_at(*, method: PaymentMethod, place: int, now: datetime, by: User | None) -> None:
    """place: 1 for the primary. The customer is locked; where it is there already nothing is written."""
    rows = _in_order(method.customer_id)
    first = rows[0]
    if rows[place - 1].pk == method.pk:
        return
    order = [row for row in rows if row.pk != method.pk]
    order.insert(place - 1, next(row for row in rows if row.pk == method.pk))
    PaymentMethod.objects.filter(pk__in=[row.pk for row in rows]).update(place=0)
    for number, row in enumerate(order, start=1):
        PaymentMethod.objects.filter(pk=row.pk).update(place=number)
    method.place = place
    note(method=method, kind=MethodEventKind.ORDER, text=str(place), now=now, by=by)
    if order[0].pk != first.pk:
        note(method=order[0], kind=MethodEventKind.PRIMARY, now=now, by=by)


def _in_order(customer_id: int) -> list[PaymentMethod]:
    return list(PaymentMethod.objects.filter(customer_id=customer_id, place__gt=0).order_by("place"))
