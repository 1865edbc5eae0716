"""The cheques of payments: new ones in hand, held ones due with their next presentation."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count

from billing.bulk import insert_rows
from billing.office.models import User
from billing.states import move_all
from billing.transactions import transaction_required
from payments.models import Cheque, ChequePresentation, Payment
from payments.models.cheque import CHEQUE_MOVES, ChequeState
from payments.services.orders import PaymentOrder


@transaction_required
def write_cheques(
    *, taken: Sequence[tuple[Payment, PaymentOrder]], now: datetime, by: User | None
) -> dict[int, Cheque]:
    """Write the cheques of payments made just now, and their presentations. Gives them by payment. Set-based.

    taken: payments with the orders of cheques only. One whose order has held_id is in our hands already, from the vault
    or returned: it becomes due with this payment. Raises StaleState if it no longer is.
    """
    if not taken:
        return {}
    cheques = {payment.pk: _cheque(payment, order, now, by) for payment, order in taken if not _held(order)}
    insert_rows(Cheque, cheques.values())
    ordinals = dict.fromkeys(cheques, 1)
    held = _move_held([(payment, order) for payment, order in taken if _held(order)])
    presented = _presented([cheque.pk for cheque in held])
    for cheque in held:
        assert cheque.payment_id is not None
        cheques[cheque.payment_id] = cheque
        ordinals[cheque.payment_id] = presented.get(cheque.pk, 0) + 1
    insert_rows(
        ChequePresentation,
        (
            ChequePresentation(
                organization=payment.organization, cheque=cheques[payment.pk], payment=payment,
                ordinal=ordinals[payment.pk],
            )
            for payment, _order in taken
        ),
    )  # fmt: skip
    return cheques


def _held(order: PaymentOrder) -> int | None:
    return order.cheque.held_id if order.cheque else None


def _move_held(taken: Sequence[tuple[Payment, PaymentOrder]]) -> list[Cheque]:
    """Cheques in our hands become due, each with its payment."""
    if not taken:
        return []
    payments = {_held(order) or 0: payment for payment, order in taken}
    rows = Cheque.objects.select_for_update(no_key=True).filter(pk__in=payments).order_by("pk")
    cheques = list(rows)
    move_all(
        cheques, ChequeState.DUE, CHEQUE_MOVES, {cheque.pk: payments[cheque.pk].pk for cheque in cheques},
        column="payment_id", trouble="",
    )  # fmt: skip
    for cheque in cheques:
        cheque.payment = payments[cheque.pk]
    return cheques


def _presented(cheque_ids: Sequence[int]) -> dict[int, int]:
    """How often cheques were presented so far."""
    if not cheque_ids:
        return {}
    rows = ChequePresentation.objects.filter(cheque_id__in=cheque_ids).order_by("cheque_id").values_list("cheque_id")
    return dict(rows.annotate(times=Count("id")))


def _cheque(payment: Payment, order: PaymentOrder, now: datetime, by: User | None) -> Cheque:
    paper = order.cheque
    assert paper is not None
    return Cheque(
        organization=payment.organization, customer_id=payment.customer_id, payment=payment, kind=paper.kind,
        number=paper.number, bank=paper.bank, branch=paper.branch, drawer=paper.drawer or payment.payer_name,
        cheque_date=paper.cheque_date, currency=payment.currency, amount=payment.amount,
        figures_amount=paper.figures_amount, received_on=payment.received_on, recorded_at=now, recorded_by=by,
        matures_on=max(paper.cheque_date, payment.received_on), reference=payment.reference, note=payment.note,
    )  # fmt: skip
