"""What another system says became of a payment: its status, its cheque, its match to the bank (source 2 §3, R103-R105).

Money in the books is never edited: what cannot be said by a new record is refused with what to do instead. What needs
a second person is asked for, not done.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, NotFound, Sentence
from billing.inputs import clean_text
from billing.money import ZERO
from billing.office import approvals
from billing.office.approvals import ApprovalNeeded
from billing.office.models import ApprovalRequest, User
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required
from payments.models import BankAccount, Cheque, Method, Payment, PaymentState, Refund
from payments.models.cheque import ChequeState
from payments.models.payment import PAYMENT_MOVES
from payments.services.clearing import clear_cheques
from payments.services.deposits import prepare_deposit, record_deposited
from payments.services.returning import ask_for_return
from payments.services.vault import cancel_cheque
from payments.services.voiding import ask_for_void
from receipts.services.counter import accept_pending
from receipts.services.voiding import mark_receipt_void

HANDED_OVER = (Method.CASH, Method.CHEQUE)


class InvalidTransition(DomainError):
    code = "invalid_transition"
    sentence = _("{number} is {old} and cannot become {new}.")


class NotRetryable(DomainError):
    code = "not_retryable"
    sentence = _("Nothing was tried that could be tried again: {number} was not charged by us. Take a new payment.")


class HandedOver(DomainError):
    code = "handed_over"
    sentence = _("{number} was handed over at the counter; cancel it (DELETE), which a manager approves.")


@dataclass
class Changed:
    """What was done or asked. message: for people. asked: waits for a second person, and nothing was done yet."""

    message: Sentence
    asked: ApprovalRequest | None = None
    refund: Refund | None = None
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        return str(self.message).format(**self.facts) if self.facts else str(self.message)


# Status


@transaction_required
def book_if_agreed(*, payment: Payment, now: datetime, by: User) -> Changed:
    """Pending to processed, where every second person it waits for has agreed. Raises ApprovalNeeded."""
    if accept_pending(payment=payment, now=now, by=by) is None:
        waits = payment.pending_for.split(",")
        given = {request.action for request in approvals.granted(f"payment:{payment.pk}", waits)}
        raise ApprovalNeeded(waits_for=[action for action in waits if action not in given])
    return Changed(_("Booked; the receipt is final."))


@transaction_required
def record_failed(*, payment: Payment, reason: str, now: datetime, by: User) -> Changed:
    """The bank or processor says that a provisional payment did not come. Nothing was in the books; nothing is posted.

    What was asked about it is withdrawn, its receipt is void and the payer told. Raises HandedOver (cash and cheques),
    InvalidTransition, BadInput (no reason).
    """
    reason = clean_text(reason, field="reason", longest=400, required=True)
    customer = lock_customers(payment.organization, [payment.customer_id])[payment.customer_id]
    fresh = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
    if fresh.state != PaymentState.PENDING:
        new = PaymentState.FAILED.label
        raise InvalidTransition(number=fresh.number, old=fresh.get_state_display(), new=new)
    if fresh.method in HANDED_OVER:
        raise HandedOver(number=fresh.number)
    move(fresh, PaymentState.FAILED, PAYMENT_MOVES, pending_for="")
    approvals.withdraw_waiting(f"payment:{fresh.pk}")
    mark_receipt_void(payment=fresh, customer=customer, now=now)
    return Changed(_("Recorded as failed; its receipt is void."))


@transaction_required
def ask_to_cancel(*, payment: Payment, reason: str, now: datetime, by: User) -> Changed:
    """A provisional payment shall not come to anything: a manager decides, as everywhere. Raises what it raises."""
    asked = ask_for_void(payment=payment, reason=reason, by=by, now=now)
    return Changed(_("Asked; a manager decides whether it is cancelled."), asked=asked)


# Cheques


@dataclass(frozen=True)
class ChequeNews:
    """What the bank or the counter says of a cheque. on: the bank's day. bank_account: the code of ours it went to."""

    status: str
    on: date
    reason: str = ""
    note: str = ""
    bank_account: str = ""
    slip_reference: str = ""
    request_key: str = ""


# Their word → our state. Said again of a cheque that is there already, nothing changes.
CHEQUE_STATES = {
    "deposited": ChequeState.DEPOSITED, "cleared": ChequeState.CLEARED, "bounced": ChequeState.RETURNED,
    "cancelled": ChequeState.CANCELLED,
}  # fmt: skip


@transaction_required
def update_cheque(*, payment: Payment, news: ChequeNews, now: datetime, by: User) -> Changed:
    """Record what became of the cheque a payment was made with.

    deposited: on a slip of its own. bounced, cancelled (before the bank had it): asked of a second person. Raises
    NotFound if there is no cheque, and what the deed itself raises.
    """
    cheque = Cheque.objects.filter(payment=payment).select_related("organization", "customer").first()
    if cheque is None:
        raise NotFound(_("{number} was not paid by cheque."), field="cheque_status", number=payment.number)
    if cheque.state == CHEQUE_STATES[news.status]:
        return Changed(_("It was so already; nothing changed."))
    if news.status == "deposited":
        return _deposit(cheque, news, now, by)
    if news.status == "cleared":
        clear_cheques(organization=cheque.organization, cheque_ids=[cheque.pk], cleared_on=news.on, now=now, by=by)
        return Changed(_("Cleared."))
    if news.status == "bounced":
        asked = ask_for_return(
            cheque=cheque, reason=news.reason, returned_on=news.on, note=news.note, by=by, now=now
        )  # fmt: skip
        return Changed(_("Asked; a supervisor decides on the return."), asked=asked)
    if cheque.state == ChequeState.RETURNED:
        cancel_cheque(cheque=cheque, reason=news.note, now=now, by=by)
        return Changed(_("Cancelled: handed back for good."))
    return ask_to_cancel(payment=payment, reason=news.note, now=now, by=by)


def _deposit(cheque: Cheque, news: ChequeNews, now: datetime, by: User) -> Changed:
    account = BankAccount.objects.filter(organization=cheque.organization, code=news.bank_account).first()
    if account is None:
        raise BadInput(_("Send the code of the bank account it went to."), field="bank_account", code="unknown_account")
    deposit = prepare_deposit(
        organization=cheque.organization, bank_account=account, cheque_ids=[cheque.pk], cash_amount=ZERO,
        denominations=(), note=news.note, request_key=news.request_key, now=now, by=by,
    )  # fmt: skip
    record_deposited(deposit=deposit, deposited_on=news.on, slip_reference=news.slip_reference, now=now, by=by)
    return Changed(_("Deposited with slip {number}."), facts={"number": deposit.number})


def rest_of(payment: Payment) -> Decimal:
    """What could still be given back."""
    item = payment.credit_item
    if item is None or item.reversed_on is not None:
        return ZERO
    left: Decimal = item.amount - item.refunded_amount - item.moved_amount
    return left
