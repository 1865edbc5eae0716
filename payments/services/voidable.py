"""Whether a payment may still be voided; every refusal says what to do instead (R102-R105, bad input 73)."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.selectors.moved import chain_of
from payments.models import ChequePresentation, Payment, PaymentState, Refund
from payments.models.cheque import ChequeState
from payments.models.deposit import DepositState
from payments.models.dispute import DisputeState
from payments.models.refund import RefundState
from payments.selectors.disputes import chargebacks_of
from payments.services.gateway_refunds import came_one_way

AT_BANK = (ChequeState.DEPOSITED, ChequeState.CLEARED)
# A failed refund can no longer be reserved once the money is gone; a withdrawn or rejected one never was.
LIVE = (RefundState.REQUESTED, RefundState.APPROVED, RefundState.SUBMITTED, RefundState.PROCESSED)
CONTESTED = (DisputeState.OPEN, DisputeState.ANSWERED)


class NotVoidable(DomainError):
    code = "not_voidable"
    sentence = _("{number} is {state}; only a processed or provisional payment can be voided.")


class PartlyRefunded(DomainError):
    code = "partly_refunded"
    sentence = _("{number} has refund {refund} ({state}); withdraw or reject it first.")


class IsContested(DomainError):
    code = "is_contested"
    sentence = _("The cardholder contests {number} ({dispute}); settle that first.")


class ChequeAtBank(DomainError):
    code = "cheque_at_bank"
    sentence = _(
        "{cheque} was deposited on {day} ({slip}), so {number} cannot be voided. "
        "Record what the bank says (return), or refund it."
    )


class OnSlip(DomainError):
    code = "on_slip"
    sentence = _("{cheque} is on deposit slip {slip}; cancel the slip first, then void {number}.")


class NotReconciled(DomainError):
    code = "not_reconciled"
    sentence = _("{number} is not matched to the bank; ask a manager for a plain void.")


def check_voidable(payment: Payment) -> None:
    """Raises NotVoidable, ChequeAtBank, OnSlip, PartlyRefunded, IsContested. Seven queries at most."""
    if payment.state not in (PaymentState.PROCESSED, PaymentState.PENDING):
        raise NotVoidable(number=payment.number, state=payment.get_state_display())
    _check_cheque(payment)
    if payment.gateway_account_id is not None and came_one_way(payment):
        sentence = _("{number} was taken by a processor that gives nothing back; refund it by bank transfer instead.")
        raise NotVoidable(sentence, number=payment.number)
    if payment.credit_item is not None:
        _check_refunds(payment)
        contested = chargebacks_of(payment).filter(state__in=CONTESTED).first()
        if contested is not None:
            raise IsContested(number=payment.number, dispute=contested.number)


def _check_cheque(payment: Payment) -> None:
    rows = ChequePresentation.objects.filter(payment=payment).select_related("cheque", "deposit")
    shown = rows.first()
    if shown is None or shown.deposit is None:
        return
    facts: dict[str, Any] = {"cheque": shown.cheque, "slip": shown.deposit.number, "number": payment.number}
    if shown.cheque.state in AT_BANK:
        raise ChequeAtBank(day=shown.deposit.deposited_on, **facts)
    if shown.deposit.state == DepositState.PREPARED:
        raise OnSlip(**facts)


def _check_refunds(payment: Payment) -> None:
    """Its own, and those of the money that was moved on from it."""
    assert payment.credit_item is not None
    items = [payment.credit_item, *(transfer.to_item for transfer in chain_of(payment.credit_item))]
    refund = Refund.objects.filter(credit_item__in=items, state__in=LIVE).order_by("-id").first()
    if refund is not None:
        sentence = PartlyRefunded.sentence
        if refund.state in (RefundState.SUBMITTED, RefundState.PROCESSED):
            sentence = _("{number} has refund {refund} ({state}); it can no longer be voided. Refund the rest instead.")
        state = refund.get_state_display()
        raise PartlyRefunded(sentence, number=payment.number, refund=refund.number, state=state)
    given = next((item for item in items if item.refunded_amount), None)
    if given is not None:
        sentence = _("Part of {number} was given back; it can no longer be voided. Refund the rest instead.")
        raise PartlyRefunded(sentence, number=payment.number)
