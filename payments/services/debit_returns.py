"""A processor or our bank says money is gone: a debit or transfer returned, or undone unsettled (R115, F15, F41).

Nobody approves it: the money has left already. Everything it did comes undone in one transaction, as with a cheque.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.ledger.models import JournalEntry
from billing.ledger.posting import open_day, post_entries
from billing.models import Customer, Invoice, InvoiceKind
from billing.money import ZERO, format_money
from billing.office import approvals
from billing.office.models import User
from billing.office.notices import queue_notices
from billing.office.numbers import hold_series
from billing.office.policies import PolicyBook, policies_for
from billing.services.credit_control import judge_hold
from billing.services.moving import lock_touched
from billing.services.telling.writing import message_to
from billing.states import move
from billing.transactions import transaction_required
from payments.gateways.ach_codes import is_return, return_of
from payments.gateways.base import Reason, State
from payments.models import AttemptClaim, DebitReturn, Payment, PaymentAttempt, PaymentState, WebhookEvent
from payments.models.payment import PAYMENT_MOVES, Method
from payments.postings import MONEY_ROLES, payment_returned
from payments.selectors.places import ledger_account_of
from payments.services.money_back import bill_now, refunds_of, undo_money

# Filled at start by the apps above and by recovery: what else follows, in this transaction.
FOLLOWS: list[Callable[..., None]] = []
# Where the payer's bank found too little; only then may a fee be asked (ach-returns.md §1).
FEE_CODES = ("R01", "R09", "04", "05")
VOIDED = "voided"


@transaction_required
def record_debit_return(
    *, attempt: PaymentAttempt, code: str, returned_on: date, event: WebhookEvent | None, now: datetime
) -> DebitReturn:  # fmt: skip
    """Undo a payment whose money the processor has no more; told again it changes nothing.

    attempt: succeeded, with its payment. code: of the bank, or "voided". Refunds not yet sent are withdrawn; what was
    sent is billed by a recovery invoice. Invoices reopen at their own due dates and may be charged again. Posts "Debit
    returned" and what undoing and billing post, in an open month. Tells the customer.
    """
    assert attempt.payment is not None
    return _record(attempt.payment, attempt, code, returned_on, event.event_id if event else "", now, None)


@transaction_required
def record_returned_transfer(
    *, payment: Payment, code: str, returned_on: date, now: datetime, by: User | None
) -> DebitReturn:
    """As record_debit_return, for a transfer that the bank's statement shows to be taken back; code: the bank's."""
    return _record(payment, None, code, returned_on, "", now, by)


def _record(
    payment: Payment, attempt: PaymentAttempt | None, code: str, returned_on: date, event: str, now: datetime,
    by: User | None,
) -> DebitReturn:  # fmt: skip
    organization, item = payment.organization, payment.credit_item
    assert item is not None
    item.organization = organization
    customers = lock_touched(organization, [item], also=[payment.customer_id])
    payment = Payment.objects.select_for_update(no_key=True, of=("self",)).get(pk=payment.pk)
    earlier = DebitReturn.objects.filter(payment=payment).first()
    if earlier is not None:
        return earlier
    customer, words = customers[payment.customer_id], f"{payment.number} returned: {code} {_meaning(code)}".strip()
    hold_series(organization, organization.today(now), "INV")
    given_back = refunds_of(item, customer)
    undo_money(organization=organization, item=item, words=words, now=now, by=by)
    recovery = _recover(payment, customer, item.refunded_amount, list(given_back), now)
    entry = _post(payment, customer, words, now)
    move(payment, PaymentState.RETURNED, PAYMENT_MOVES)
    if attempt is not None:
        _note_on(attempt, code)
        AttemptClaim.objects.filter(attempt=_claimer(attempt), holds=True).update(holds=False)
    approvals.withdraw_waiting(f"payment:{payment.pk}")
    book = policies_for(organization, customer_id=customer.pk)
    made = DebitReturn.objects.create(
        organization=organization, payment=payment, attempt=attempt, code=code[:20], reason=str(reason_of(code)),
        returned_on=returned_on, event=event, entry=entry, recovery_invoice=recovery,
        fee_invoice=_fee(payment, customer, book, code, now), recorded_at=now,
    )  # fmt: skip
    judge_hold(customer=customer, now=now, by=None)
    _tell(made, customer, now)
    for follow in FOLLOWS:
        follow(made=made, now=now)
    return made


def _note_on(attempt: PaymentAttempt, code: str) -> None:
    """What became of its money is told by the attempt as well; that it once succeeded stays."""
    state = State.VOIDED if code == VOIDED else State.RETURNED
    facts = {"reason": str(reason_of(code)), "raw_code": code[:40], "money_state": str(state)}
    PaymentAttempt.objects.filter(pk=attempt.pk).update(**facts)
    for name, value in facts.items():
        setattr(attempt, name, value)


def reason_of(code: str) -> Reason:
    """In our fifteen words; of a code in no list: gateway_error."""
    return return_of(code).reason if is_return(code) else Reason.GATEWAY_ERROR


def _meaning(code: str) -> str:
    return return_of(code).meaning if is_return(code) else ""


def _claimer(attempt: PaymentAttempt) -> PaymentAttempt:
    """Whose claims they are: of a capture, the authorisation's."""
    return attempt.follows if attempt.operation == "capture" and attempt.follows is not None else attempt


def _post(payment: Payment, customer: Customer, words: str, now: datetime) -> JournalEntry:
    organization = customer.organization
    draft = payment_returned(
        key=f"payment:{payment.number}:returned", number=payment.number, customer_id=customer.pk,
        amount=payment.amount, currency=payment.currency, on=open_day(organization.pk, organization.today(now)),
        reason=words[:400], role=MONEY_ROLES[Method(payment.method)], ledger_account_id=ledger_account_of(payment),
    )  # fmt: skip
    return post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=None)[0]


def _recover(
    payment: Payment, customer: Customer, refunded: Decimal, refunds: list[str], now: datetime
) -> Invoice | None:
    if not refunded:
        return None
    with override(customer.language):
        text = _("Refunded from a payment that was returned")
        explanation = _("{refunds} was paid from {payment}, which your bank took back.").format(
            refunds=", ".join(refunds), payment=payment.number
        )
    return bill_now(
        customer=customer, text=text, amount=refunded, explanation=explanation,
        currency=payment.currency, kind=InvoiceKind.RECOVERY, now=now, by=None,
    )  # fmt: skip


def _fee(payment: Payment, customer: Customer, book: PolicyBook, code: str, now: datetime) -> Invoice | None:
    """The return fee of the policy: for too little money only, in the organization's currency, due at once."""
    fee = book.amount("debits.return_fee") or ZERO
    if not fee or code not in FEE_CODES:
        return None
    with override(customer.language):
        text = _("Fee for a returned debit")
        amount = format_money(payment.amount, payment.currency)
        explanation = _("Your bank returned the debit of {amount} ({code}).").format(amount=amount, code=code)
    return bill_now(
        customer=customer, text=text, amount=fee, explanation=explanation, currency=customer.organization.currency,
        kind=InvoiceKind.RETURN_FEE, now=now, by=None,
    )  # fmt: skip


def _tell(made: DebitReturn, customer: Customer, now: datetime) -> None:
    """What came back and what to do next; without an e-mail address the office is told."""
    payment = made.payment

    def values() -> Mapping[str, str]:
        sentence = _("Invoice {number} over {amount} was added.")
        added = [
            sentence.format(number=invoice.number, amount=format_money(invoice.invoiced_amount, invoice.currency))
            for invoice in (made.fee_invoice, made.recovery_invoice)
            if invoice is not None
        ]
        return {
            "number": payment.number, "amount": format_money(payment.amount, payment.currency),
            "day": date_format(made.returned_on), "added": "\n\n".join(added),
        }  # fmt: skip

    message = message_to(customer, "debit_returned", f"debit_return:{made.pk}", values)
    queue_notices(customer.organization, [message], now)
