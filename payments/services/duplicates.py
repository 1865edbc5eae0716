"""Duplicates: a true double is a hard stop, a look-alike needs a reason (R11, requirements §2 row 19)."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.office.models import Organization
from payments.models import Cheque, Payment, PaymentState
from payments.models.cheque import ChequeState
from payments.services.orders import PaymentOrder

GONE = (PaymentState.VOIDED, PaymentState.CANCELLED, PaymentState.FAILED, PaymentState.RETURNED)


class TrueDouble(DomainError):
    code = "duplicate_payment"
    sentence = _("This payment was already entered: {number} of {day}.")


class ChequeEntered(DomainError):
    code = "duplicate_cheque"
    sentence = _("This cheque was entered on {day} ({number}).")


class LooksAlike(DomainError):
    """Not refused for good: with a reason it goes on, and the reason is kept."""

    code = "looks_like_duplicate"
    sentence = _("Looks like {number} of {day} (same customer and amount); enter a reason to go on.")


def find_true_double(organization: Organization, order: PaymentOrder) -> DomainError | None:
    """The same identity in its source, or the same cheque, was entered before. At most two queries."""
    if order.source_reference:
        earlier = Payment.objects.filter(organization=organization, source_reference=order.source_reference).first()
        if earlier is not None:
            return TrueDouble(field="reference", number=earlier.number, day=earlier.received_on)
    if order.cheque is not None and order.cheque.held_id is None:
        cheque = (
            Cheque.objects.filter(
                organization=organization, number=order.cheque.number, bank__iexact=order.cheque.bank,
                drawer__iexact=order.cheque.drawer or order.payer_name,
            )
            .exclude(state=ChequeState.CANCELLED)
            .select_related("payment")
            .first()
        )  # fmt: skip
        if cheque is not None:
            return cheque_entered(cheque)
    return None


def cheque_entered(cheque: Cheque) -> ChequeEntered:
    """The hard stop for a cheque we have: when it was entered, and its payment or where it lies."""
    return ChequeEntered(
        field="cheque_number", number=cheque.payment or cheque.get_state_display(), day=cheque.received_on
    )


def known_cheques(organization: Organization, numbers: Iterable[str]) -> dict[tuple[str, str, str], Cheque]:
    """The cheques of these numbers that were not cancelled, by number, bank and drawer in capitals. One query."""
    rows = Cheque.objects.filter(organization=organization, number__in=set(numbers)).exclude(
        state=ChequeState.CANCELLED
    )
    return {(c.number, c.bank.upper(), c.drawer.upper()): c for c in rows.select_related("payment")}


def find_lookalike(
    organization: Organization, order: PaymentOrder, days: int, but: Iterable[int] = ()
) -> Payment | None:
    """The nearest standing payment of the same customer and amount within `days` of the day. One query if none."""
    span = timedelta(days=days)
    keys = (
        Payment.objects.filter(
            Q(received_on__gte=order.received_on - span, received_on__lte=order.received_on + span),
            organization=organization, customer_id=order.customer_id, amount=order.amount, currency=order.currency,
        )
        .exclude(state__in=GONE)
        .exclude(pk__in=list(but))
        .order_by("-received_on", "-id")
        .values_list("pk", flat=True)[:1]
    )  # fmt: skip
    found = list(keys)
    return Payment.objects.get(pk=found[0]) if found else None


def known_requests(organization: Organization, orders: Sequence[PaymentOrder]) -> dict[str, Payment]:
    """Payments already made for these request keys. One query if there are none, as is usual."""
    rows = Payment.objects.filter(organization=organization, request_key__in=[o.request_key for o in orders])
    keys = list(rows.values_list("pk", flat=True))
    if not keys:
        return {}
    known = Payment.objects.filter(pk__in=keys).select_related("credit_item", "customer")
    return {payment.request_key: payment for payment in known}
