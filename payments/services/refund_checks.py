"""The checks on a refund in the order a person asks: the money, the amount, the cause, the way (R93, R97, R100)."""

from collections.abc import Callable
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.models import Invoice
from billing.money import ZERO, fits
from billing.services.freeing import standing_credit
from payments.models import Dispute, Method, Payment, PaymentState, Refund
from payments.models.cheque import ChequeState
from payments.models.dispute import DisputeKind, DisputeState
from payments.models.refund import RESERVED, Destination, RefundReason, RefundState
from payments.services.refund_cases import BILL_CAUSES, Case, Check, bill_to_reduce
from payments.services.refund_ways import check_account, check_cash, check_way, twin_of

# Why a payment that is not in the books has nothing to refund.
ALREADY = _("Already refunded: {numbers}.")
NOT_BOOKED = {
    PaymentState.PENDING: _("{number} is provisional and not in the books yet; cancel it instead."),
    PaymentState.FAILED: _("{number} failed; no money came in."),
    PaymentState.CANCELLED: _("{number} was cancelled; no money came in."),
}


def checks_of(case: Case) -> list[Check]:
    """Every check that applies. Where the money does not stand, the rest would only confuse."""
    found = [check for check in (check(case) for check in CHECKS) if check is not None]
    if not found[0].passed:
        return found[:1]
    return found


def check_standing(case: Case) -> Check:
    """The money came in, was not taken back and was not refunded already."""
    if case.payment is not None:
        trouble = payment_trouble(case.payment)
        if trouble is not None:
            return trouble
    item = case.item
    if item.reversed_on is not None:
        sentence = _("{number} was taken back on {day}; nothing of it is left.")
        return Check("reversed", False, sentence, {"number": item.number, "day": item.reversed_on})
    if case.left == ZERO and not _counts_itself(case):
        return _already_refunded(case)
    if case.origin is not None and case.origin.pk != (case.payment.pk if case.payment else None):
        trouble = payment_trouble(case.origin)
        if trouble is not None and case.origin.state != PaymentState.REFUNDED:
            return trouble
    return Check("standing", True, _("{number} stands in the books."), {"number": item.number})


def payment_trouble(payment: Payment) -> Check | None:
    """Why nothing of a payment can be refunded, by its state; None if it can. One query where it cannot."""
    if payment.state in NOT_BOOKED:
        return Check("not_booked", False, NOT_BOOKED[PaymentState(payment.state)], {"number": payment.number})
    if payment.state == PaymentState.REFUNDED:
        return Check("already_refunded", False, ALREADY, {"numbers": _numbers(payment.credit_item_id)})
    if payment.state in (PaymentState.VOIDED, PaymentState.RETURNED):
        item = payment.credit_item
        day = item.reversed_on if item is not None else None
        return Check("reversed", False, _("This payment was reversed on {day}."), {"day": day})
    return None


def _counts_itself(case: Case) -> bool:
    return case.refund is not None and case.refund.state in RESERVED


def _already_refunded(case: Case) -> Check:
    numbers = _numbers(case.item.pk)
    if not numbers:  # moved to another customer, or lost to a chargeback
        return Check("nothing_left", False, _("Nothing of {number} is left to refund."), {"number": case.item.number})
    return Check("already_refunded", False, ALREADY, {"numbers": numbers})


def _numbers(credit_item_id: int | None) -> str:
    rows = Refund.objects.filter(credit_item=credit_item_id, state__in=RESERVED).order_by("id")
    return ", ".join(rows.values_list("number", flat=True))


def check_amount(case: Case) -> Check:
    """More than 0, in units of the currency, and no more than is left (R93). What is reserved counts as gone."""
    gross, where = case.order.gross_amount, "gross_amount"
    if gross <= ZERO:
        return Check("not_positive", False, _("The amount must be more than 0."), field=where)
    if not fits(gross, case.currency):
        sentence = _("{currency} has no such fraction.")
        return Check("too_many_decimals", False, sentence, {"currency": case.currency}, where)
    facts = {"left": case.words(case.left), "amount": case.words(case.item.amount)}
    if gross > case.left:
        return Check("more_than_left", False, _("Only {left} of {amount} is left to refund."), facts, where)
    return Check("amount", True, _("{left} of {amount} is left to refund."), facts)


def check_minimum(case: Case) -> Check | None:
    """Less than refunds.minimum is kept as credit (R97)."""
    minimum = case.book.amount("refunds.minimum") if case.is_own_currency else None
    if minimum is None or case.order.destination == Destination.CREDIT:
        return None
    facts = {"minimum": case.words(minimum)}
    if case.order.gross_amount < minimum:
        sentence = _("The smallest refund is {minimum}; less is kept as credit.")
        return Check("below_minimum", False, sentence, facts, "gross_amount")
    return Check("minimum", True, _("Not below the smallest refund, {minimum}."), facts)


def check_deductions(case: Case) -> Check | None:
    """Charges of a cancellation and the fee of a late refund leave something to pay out (R97, R99)."""
    if case.order.gross_amount <= ZERO:
        return None
    charges, fee = case.order.charges_amount, case.fee
    if charges < ZERO or not fits(charges, case.currency):
        return Check("charges", False, _("Charges must be 0 or more."), field="charges_amount")
    if charges and case.order.reason_code not in BILL_CAUSES:
        sentence = _("Charges are kept only where a service was cancelled.")
        return Check("charges", False, sentence, field="charges_amount")
    facts = {"fee": case.words(fee), "charges": case.words(charges)}
    if case.paid <= ZERO:
        sentence = _("Charges of {charges} and the fee of {fee} would take all of it; nothing is left to pay out.")
        return Check("nothing_to_pay", False, sentence, facts, "gross_amount")
    if fee:
        days = case.book.number("refunds.full_days")
        return Check("fee", True, _("More than {days} days after the payment: a fee of {fee}."), facts | {"days": days})
    return Check("fee", True, _("No fee is taken."))


def check_cause(case: Case) -> Check:
    cause = RefundReason(case.order.reason_code)
    if cause not in case.book.choices("refunds.eligible_reasons"):
        sentence = _("Money is not given back here for this cause: {cause}. See the setting refunds.eligible_reasons.")
        return Check("cause", False, sentence, {"cause": cause.label}, "reason_code")
    return Check("cause", True, _("Cause: {cause}."), {"cause": cause.label})


def check_unapplied(case: Case) -> Check | None:
    """Overpaid and unused money is what no invoice took."""
    if case.order.reason_code not in (RefundReason.OVERPAID, RefundReason.UNUSED_CREDIT):
        return None
    facts = {"free": case.words(case.item.unapplied_amount)}
    if case.item.unapplied_amount < case.order.gross_amount and not _counts_itself(case):
        sentence = _(
            "Only {free} is unapplied; invoices took the rest. Ask for less, choose another cause, or take the"
            " allocation back first."
        )
        return Check("not_unapplied", False, sentence, facts, "gross_amount")
    return Check("unapplied", True, _("{free} is unapplied."), facts)


def check_duplicate(case: Case) -> Check | None:
    if case.order.reason_code != RefundReason.DUPLICATE:
        return None
    twin = twin_of(case)
    if twin is None:
        return Check("no_twin", True, _("No second payment of this amount was found near it; a manager decides."))
    facts = {"number": twin.number, "day": twin.received_on}
    return Check("twin", True, _("{number} of {day} is of the same amount."), facts)


def check_bill(case: Case) -> Check | None:
    """The bill of a cancelled service: in force, of this currency, and paid by this money."""
    invoice = bill_to_reduce(case)
    if invoice is None:
        return None
    facts = {"number": invoice.number, "currency": invoice.currency, "day": invoice.voided_on}
    if invoice.voided_on is not None:
        return Check("bill_void", False, _("Invoice {number} was voided on {day}."), facts, "invoice_id")
    if invoice.currency != case.currency:
        return Check("bill_currency", False, _("Invoice {number} is in {currency}."), facts, "invoice_id")
    paid = _paid_of(case, invoice)
    if paid < case.order.gross_amount:
        sentence = _("Only {paid} of this money was set against invoice {number}; ask for less, or leave the bill out.")
        return Check("bill_not_paid", False, sentence, facts | {"paid": case.words(paid)}, "gross_amount")
    return Check("bill", True, _("Invoice {number} is reduced by a credit memo and does not reopen."), facts)


def _paid_of(case: Case, invoice: Invoice) -> Decimal:
    return sum((a.amount for a in standing_credit(case.item) if a.invoice_id == invoice.pk), ZERO)


def check_cleared(case: Case) -> Check | None:
    """A cheque is paper until the bank has honoured it; until then its money can only be kept here."""
    if case.origin is None or case.origin.method != Method.CHEQUE:
        return None
    presentation = getattr(case.origin, "presentation", None)
    state = presentation.cheque.state if presentation else ChequeState.CLEARED
    if state in (ChequeState.DUE, ChequeState.DEPOSITED) and case.order.destination != Destination.CREDIT:
        sentence = _("The cheque has not cleared yet; refund it afterwards, void it, or keep the money as credit.")
        return Check("not_cleared", False, sentence)
    return Check("cleared", True, _("The cheque has cleared, or the money stays here."))


def check_chargeback(case: Case) -> Check | None:
    """What the cardholder's bank holds is not ours to give back."""
    if case.origin is None:
        return None
    live = Dispute.objects.filter(
        payment=case.origin, kind=DisputeKind.CHARGEBACK, state__in=(DisputeState.OPEN, DisputeState.ANSWERED)
    ).first()
    if live is None:
        return None
    sentence = _("A chargeback of this payment is open ({number}); the cardholder's bank gives the money back, if so.")
    return Check("chargeback", False, sentence, {"number": live.number})


def check_others(case: Case) -> Check | None:
    """Other requests about the same money wait; they reserve nothing yet, so this only says so."""
    rows = Refund.objects.filter(credit_item=case.item, state=RefundState.REQUESTED)
    if case.refund is not None:
        rows = rows.exclude(pk=case.refund.pk)
    numbers = ", ".join(rows.order_by("id").values_list("number", flat=True))
    if not numbers:
        return None
    return Check("others", True, _("Also asked and not decided yet: {numbers}."), {"numbers": numbers})


CHECKS: tuple[Callable[[Case], Check | None], ...] = (
    check_standing, check_amount, check_minimum, check_cause, check_unapplied, check_duplicate, check_bill,
    check_deductions, check_cleared, check_chargeback, check_way, check_cash, check_account, check_others,
)  # fmt: skip
