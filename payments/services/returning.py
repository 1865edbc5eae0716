"""The bank sends a cheque back: one deed undoes all that its money did (R112, R115, fault F40, decision 0006)."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.ledger.models import JournalEntry
from billing.ledger.posting import open_day, post_entries
from billing.models import CreditItem, Customer, Invoice, InvoiceKind
from billing.money import ZERO, format_money
from billing.office import approvals
from billing.office.models import ApprovalRequest, User
from billing.office.numbers import hold_series
from billing.office.policies import PolicyBook, policies_for
from billing.services.credit_control import judge_hold, set_hold
from billing.services.moving import lock_touched
from billing.states import move
from billing.transactions import transaction_required
from payments.models import Cheque, ChequePresentation, Payment, PaymentState
from payments.models.cheque import CHEQUE_MOVES, ChequeState, PresentationResult, ReturnReason
from payments.models.payment import PAYMENT_MOVES
from payments.postings import payment_returned
from payments.services.clearing import check_answer_day
from payments.services.money_back import bill_now, undo_money
from payments.services.return_facts import (
    RETURN,
    Answer,
    answer_in,
    answered_presentation,
    preview_return,
)
from payments.services.telling import tell_of_return

# Asking


@transaction_required
def ask_for_return(
    *, cheque: Cheque, reason: str, returned_on: date, note: str, by: User, now: datetime
) -> ApprovalRequest:
    """Put a returned cheque before a supervisor, who approves exactly what is shown.

    reason: of ReturnReason. returned_on: the bank's day. Raises NotReturnable, BadInput, NotPermitted.
    """
    note = clean_text(note, field="note", longest=300)
    if reason not in ReturnReason.values:
        raise BadInput(gettext_lazy("Choose why the bank returned it."), field="reason", code="unknown_reason")
    answer = Answer(reason, returned_on, note)
    cheque, _customers = _lock(cheque)
    presentation = answered_presentation(cheque)
    check_answer_day(presentation, returned_on, cheque.organization.today(now), "returned_on")
    with override("en"):
        words = str(ReturnReason(reason).label)
        title = f"Return {cheque} ({format_money(cheque.amount, cheque.currency)})"
    return approvals.ask(
        organization=cheque.organization, action=RETURN, subject=f"cheque:{cheque.pk}", title=title[:200],
        shown=preview_return(cheque, answer), reason=f"{words}: {note}" if note else words, by=by, now=now,
        amount=cheque.amount, currency=cheque.currency,
    )  # fmt: skip


def _lock(cheque: Cheque) -> tuple[Cheque, dict[int, Customer]]:
    """Everybody whom the money reached, ascending, then the cheque."""
    organization = cheque.organization
    payments = Payment.objects.filter(cheque=cheque).select_related("credit_item")
    items = [payment.credit_item for payment in payments if payment.credit_item is not None]
    customers = lock_touched(organization, items, also=[cheque.customer_id])
    rows = Cheque.objects.select_for_update(no_key=True, of=("self",)).select_related("customer")
    cheque = rows.get(pk=cheque.pk)
    cheque.organization = organization
    cheque.customer = customers[cheque.customer_id]
    return cheque, customers


# Carrying it out


@transaction_required
def return_cheque(*, cheque: Cheque, approval: ApprovalRequest, by: User, now: datetime) -> ChequePresentation:
    """Carry out an approved return: the money leaves the bank, all that it did comes undone, the customer is told.

    Refunds not yet sent are withdrawn; what was sent stays refunded and is billed by a recovery invoice (decision
    0006). Invoices reopen at their own due dates, in an open month. The fee is billed and the hold set by policy, for
    a bounce only. Posts "Cheque returned" and what undoing and billing post. Raises NotReturnable and what
    approvals.use raises; then nothing was changed.
    """
    cheque, customers = _lock(cheque)
    answer = answer_in(approval.shown)
    shown = preview_return(cheque, answer)
    approvals.use(request=approval, action=RETURN, subject=f"cheque:{cheque.pk}", shown=shown, now=now)
    presentation, customer = answered_presentation(cheque), customers[cheque.customer_id]
    payment, item = presentation.payment, presentation.payment.credit_item
    assert item is not None
    book = policies_for(cheque.organization, customer_id=customer.pk)
    words = _reason_words(cheque, answer)
    hold_series(cheque.organization, cheque.organization.today(now), "INV")
    undo_money(organization=cheque.organization, item=item, words=words, now=now, by=by)
    refunded = [row["refund"] for row in shown["billed_again"] if row["customer"] == customer.code]
    recovery = _recover(cheque, customer, item, refunded, by, now)
    entry = _post(presentation, customer, words, by, now)
    move(payment, PaymentState.RETURNED, PAYMENT_MOVES)
    move(cheque, ChequeState.RETURNED, CHEQUE_MOVES)
    approvals.withdraw_waiting(f"payment:{payment.pk}")
    fee = _bill_fee(cheque, customer, book, by, now) if answer.is_bounce else None
    _write_answer(presentation, answer, approval, entry, fee, recovery, by, now)
    if answer.is_bounce and book.flag("cheques.hold_on_return"):
        set_hold(customer=customer, reason=words, now=now, by=by)
    else:
        judge_hold(customer=customer, now=now, by=by)
    tell_of_return(presentation=presentation, customer=customer, now=now)
    return presentation


def _recover(
    cheque: Cheque, customer: Customer, item: CreditItem, refunds: Sequence[str], by: User, now: datetime
) -> Invoice | None:
    """Ask back what was refunded of money that never came."""
    if not item.refunded_amount:
        return None
    with override(customer.language):
        text = _("Refunded from a cheque that was returned")
        explanation = _("{refunds} was paid from cheque {cheque}, which the bank returned.").format(
            refunds=", ".join(refunds), cheque=cheque
        )
    return bill_now(
        customer=customer, text=text, amount=item.refunded_amount, explanation=explanation, currency=item.currency,
        kind=InvoiceKind.RECOVERY, now=now, by=by,
    )  # fmt: skip


def _bill_fee(cheque: Cheque, customer: Customer, book: PolicyBook, by: User, now: datetime) -> Invoice | None:
    """The return fee of the policy, in the organization's currency, due at once."""
    fee = book.amount("cheques.return_fee") or ZERO
    if not fee:
        return None
    with override(customer.language):
        text = _("Fee for a returned cheque")
        explanation = _("The bank returned cheque {cheque} of {amount}.").format(
            cheque=cheque, amount=format_money(cheque.amount, cheque.currency)
        )
    return bill_now(
        customer=customer, text=text, amount=fee, explanation=explanation, currency=cheque.organization.currency,
        kind=InvoiceKind.RETURN_FEE, now=now, by=by,
    )  # fmt: skip


def _post(presentation: ChequePresentation, customer: Customer, words: str, by: User, now: datetime) -> JournalEntry:
    """Dated today or on the first open day after it, whatever day the bank says (invariant 12)."""
    payment, deposit = presentation.payment, presentation.deposit
    assert deposit is not None
    organization = customer.organization
    draft = payment_returned(
        key=f"payment:{payment.number}:returned", number=payment.number, customer_id=customer.pk,
        amount=payment.amount, currency=payment.currency, on=open_day(organization.pk, organization.today(now)),
        reason=words, ledger_account_id=deposit.bank_account.ledger_account_id,
    )  # fmt: skip
    return post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk)[0]


def _write_answer(
    presentation: ChequePresentation, answer: Answer, approval: ApprovalRequest, entry: JournalEntry,
    fee: Invoice | None, recovery: Invoice | None, by: User, now: datetime,
) -> None:  # fmt: skip
    presentation.result, presentation.result_on = PresentationResult.RETURNED, answer.returned_on
    presentation.reason, presentation.note = answer.reason, answer.note
    presentation.entry, presentation.approval = entry, approval
    presentation.fee_invoice, presentation.recovery_invoice = fee, recovery
    presentation.recorded_at, presentation.recorded_by = now, by
    presentation.save(
        update_fields=[
            "result", "result_on", "reason", "note", "entry", "approval", "fee_invoice", "recovery_invoice",
            "recorded_at", "recorded_by",
        ]
    )  # fmt: skip


def _reason_words(cheque: Cheque, answer: Answer) -> str:
    with override("en"):
        return f"Cheque {cheque} returned: {ReturnReason(answer.reason).label}"
