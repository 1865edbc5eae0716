"""Opening the file of a contested invoice or of a chargeback, and who looks after it (R107, R124)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, KeyReused, NotFound
from billing.inputs import clean_text
from billing.ledger.models import JournalEntry
from billing.ledger.posting import open_day, post_entries
from billing.models import Invoice
from billing.money import ZERO, fits, format_money
from billing.office.access import may
from billing.office.calendar import add_business_days
from billing.office.models import Organization, User
from billing.office.models.user import Mode
from billing.office.numbers import take_numbers
from billing.office.policies import policies_for
from billing.services.invoicing import mark_disputed
from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import Dispute, Method, Payment, PaymentState
from payments.models.dispute import DisputeEventKind, DisputeKind, DisputeReason
from payments.postings import chargeback_held
from payments.selectors.disputes import OPEN, chargebacks_of, left_to_contest
from payments.selectors.places import ledger_account_of
from payments.services.dispute_care import WORK, add_event, check_deadline, tell_managers
from payments.services.dispute_steps import make_steps, tick_by_itself

# What a cardholder's or account holder's bank can take back. Cheques are returned, cash stays.
CONTESTABLE = (
    Method.CARD, Method.ACH, Method.UPI, Method.NET_BANKING, Method.AUTO_DEBIT, Method.BANK_TRANSFER,
)  # fmt: skip


class NotContestable(DomainError):
    code = "not_contestable"


class TooMuchContested(DomainError):
    code = "more_than_left"
    sentence = _("Only {left} of {number} can be contested.")


class AlreadyContested(DomainError):
    code = "already_contested"
    sentence = _("This is dispute {number} already; open that file.")


@dataclass(frozen=True)
class DisputeOrder:
    """A dispute to open, about one invoice or one payment.

    is_question: a customer says that the payment is not right; else a payment's dispute is a chargeback.
    amount: > 0, in the currency of what is contested. request_key: minted with the form; one key, one dispute.
    processor_reference: the bank's case number, needed for a chargeback. opened_on: when the customer or the bank came
    forward, today unless given. deadline_on: the bank's; without one the policy disputes.answer_days decides.
    """

    amount: Decimal
    reason_code: str
    description: str
    request_key: str
    invoice_id: int | None = None
    payment_id: int | None = None
    processor_reference: str = ""
    opened_on: date | None = None
    deadline_on: date | None = None
    is_question: bool = False


@transaction_required
def open_dispute(*, organization: Organization, order: DisputeOrder, now: datetime, by: User | None) -> Dispute:
    """Open the file. The same order with the same key gives the dispute made the first time.

    A contested invoice: up to what is still open on it, because what was paid of a bill comes back as a refund; it
    leaves automatic allocation. A chargeback: up to what is left of the payment after refunds and other chargebacks;
    posts "Chargeback held" on the day the bank came forward, or in the next open month. Above the policy
    disputes.escalate_above it goes to the managers at once. A question: up to what is left after refunds; holds
    nothing. by: None where the processor told of it.
    Raises BadInput, NotFound, NotContestable, TooMuchContested, AlreadyContested, KeyReused.
    """
    order = _cleaned(order)
    about = _find(organization, order)
    lock_customers(organization, [about.customer_id])
    earlier = Dispute.objects.filter(organization=organization, request_key=order.request_key).first()
    if earlier is not None:
        return _same(earlier, order)
    today = organization.today(now)
    dispute = _dispute(organization, order, today)
    about.refresh_from_db()
    left = check_askable(about) if isinstance(about, Payment) and order.is_question else check_contestable(about)
    if isinstance(about, Payment) and not order.is_question:
        _check_case(about, order, dispute.opened_on)
    _check_amount(order.amount, left, about)
    dispute.customer_id, dispute.currency = about.customer_id, about.currency
    dispute.opened_at, dispute.opened_by = now, by
    dispute.assigned_to = by if by is not None and may(by, organization, WORK, Mode.DO, Mode.MAKE) else None
    dispute.number = take_numbers(organization, today, {"DSP": 1})["DSP"][0]
    if isinstance(about, Payment) and not order.is_question:
        dispute.hold_entry = _hold(dispute, about, now, by)
    dispute.save(force_insert=True)
    make_steps(dispute=dispute)
    _begin(dispute, about, now, by)
    return dispute


def check_contestable(about: Invoice | Payment) -> Decimal:
    """How much of an invoice or payment can be contested now. Two queries. Raises NotContestable, AlreadyContested."""
    if isinstance(about, Invoice):
        return _left_of_invoice(about)
    if about.method not in CONTESTABLE:
        sentence = _("Money paid by {method} is not taken back by a bank's chargeback.")
        raise NotContestable(sentence, method=about.get_method_display())
    if about.state != PaymentState.PROCESSED:
        sentence = _("{number} is {state}; only a processed payment can be charged back.")
        raise NotContestable(sentence, number=about.number, state=about.get_state_display())
    left = left_to_contest(about)
    if not left:
        sentence = _("Nothing of {number} is left to contest: it was refunded or is contested already.")
        raise NotContestable(sentence, number=about.number)
    return left


def check_askable(payment: Payment) -> Decimal:
    """How much of a payment its payer can say is not right. Two queries. Raises NotContestable, AlreadyContested."""
    earlier = Dispute.objects.filter(payment=payment, kind=DisputeKind.QUESTION, state__in=OPEN).first()
    if earlier is not None:
        raise AlreadyContested(number=earlier.number)
    if payment.state != PaymentState.PROCESSED:
        sentence = _("{number} is {state}; nothing was taken, or all of it went back.")
        raise NotContestable(sentence, number=payment.number, state=payment.get_state_display())
    left = left_to_contest(payment)
    if not left:
        sentence = _("Nothing of {number} is left to contest: it was refunded or is contested already.")
        raise NotContestable(sentence, number=payment.number)
    return left


def _left_of_invoice(invoice: Invoice) -> Decimal:
    if invoice.voided_on is not None:
        raise NotContestable(_("Invoice {number} was voided on {day}."), number=invoice.number, day=invoice.voided_on)
    earlier = Dispute.objects.filter(invoice=invoice, state__in=OPEN).first()
    if earlier is not None:
        raise AlreadyContested(number=earlier.number)
    if not invoice.open_amount:
        sentence = _("Invoice {number} is settled; what was paid of it comes back as a refund.")
        raise NotContestable(sentence, number=invoice.number)
    left: Decimal = invoice.open_amount
    return left


def _cleaned(order: DisputeOrder) -> DisputeOrder:
    """The order with its texts trimmed. Raises BadInput."""
    if order.reason_code not in DisputeReason.values:
        raise BadInput(_("Choose a cause."), field="reason_code", code="unknown_choice")
    changes: dict[str, Any] = {
        "description": clean_text(order.description, field="description", longest=1000, required=True),
        "request_key": clean_text(order.request_key, field="request_key", longest=80, required=True),
        "processor_reference": clean_text(order.processor_reference, field="processor_reference", longest=80),
    }
    if order.payment_id and not order.is_question and not changes["processor_reference"]:
        sentence = _("Give the case number that the bank or processor writes.")
        raise BadInput(sentence, field="processor_reference", code="required")
    return DisputeOrder(**{**order.__dict__, **changes})


def _find(organization: Organization, order: DisputeOrder) -> Invoice | Payment:
    """What is contested. Raises NotFound, BadInput (both or neither)."""
    if bool(order.invoice_id) == bool(order.payment_id):
        raise BadInput(_("A dispute is about one invoice or one payment."), code="names_what")
    rows: Any = Invoice.objects if order.invoice_id else Payment.objects
    found: Invoice | Payment | None = rows.filter(
        organization=organization, pk=order.invoice_id or order.payment_id
    ).first()
    if found is None:
        raise NotFound()
    return found


def _same(earlier: Dispute, order: DisputeOrder) -> Dispute:
    told = (earlier.invoice_id, earlier.payment_id, earlier.amount, earlier.reason_code, earlier.description)
    if told != (order.invoice_id, order.payment_id, order.amount, order.reason_code, order.description):
        raise KeyReused()
    return earlier


def _dispute(organization: Organization, order: DisputeOrder, today: date) -> Dispute:
    """The row but for what it is about. Raises BadInput (days)."""
    opened_on = order.opened_on or today
    if opened_on > today:
        raise BadInput(_("This day is still to come."), field="opened_on", code="future_day")
    deadline_on = order.deadline_on
    if deadline_on is None:
        days = policies_for(organization).number("disputes.answer_days")
        deadline_on = add_business_days(organization, opened_on, days)
    check_deadline(deadline_on, opened_on)
    return Dispute(
        organization=organization, kind=_kind(order),
        invoice_id=order.invoice_id, payment_id=order.payment_id, amount=order.amount, reason_code=order.reason_code,
        description=order.description, processor_reference=order.processor_reference, opened_on=opened_on,
        deadline_on=deadline_on, request_key=order.request_key,
    )  # fmt: skip


def _kind(order: DisputeOrder) -> DisputeKind:
    if not order.payment_id:
        return DisputeKind.INVOICE
    return DisputeKind.QUESTION if order.is_question else DisputeKind.CHARGEBACK


def _check_amount(amount: Decimal, left: Decimal, about: Invoice | Payment) -> None:
    if amount <= ZERO:
        raise BadInput(_("The amount must be more than 0."), field="amount", code="not_positive")
    if not fits(amount, about.currency):
        sentence = _("{currency} has no such fraction.")
        raise BadInput(sentence, field="amount", code="too_many_decimals", currency=about.currency)
    if amount > left:
        raise TooMuchContested(field="amount", left=format_money(left, about.currency), number=about.number)


def _check_case(payment: Payment, order: DisputeOrder, opened_on: date) -> None:
    """One case of the bank is one dispute, and none is older than its payment. Raises AlreadyContested, BadInput."""
    earlier = chargebacks_of(payment).filter(processor_reference=order.processor_reference).first()
    if earlier is not None:
        raise AlreadyContested(field="processor_reference", number=earlier.number)
    if opened_on < payment.received_on:
        sentence = _("{number} was received on {day}; nothing can be charged back before.")
        raise BadInput(
            sentence, field="opened_on", code="before_payment", number=payment.number, day=payment.received_on
        )


def _hold(dispute: Dispute, payment: Payment, now: datetime, by: User | None) -> JournalEntry:
    draft = chargeback_held(
        key=f"dispute:{dispute.number}:held", number=dispute.number, amount=dispute.amount, currency=dispute.currency,
        on=open_day(dispute.organization_id, dispute.opened_on), method=payment.method,
        ledger_account_id=ledger_account_of(payment),
    )  # fmt: skip
    by_id = by.pk if by else None
    return post_entries(organization_id=dispute.organization_id, drafts=[draft], now=now, by_id=by_id)[0]


def _begin(dispute: Dispute, about: Invoice | Payment, now: datetime, by: User | None) -> None:
    """What follows from opening: the first line of the file, the invoice left alone, the managers told."""
    add_event(dispute, DisputeEventKind.STATE, dispute.description, now, by, channel="open")
    if isinstance(about, Invoice):
        about.organization = dispute.organization
        mark_disputed(invoice=about, is_disputed=True)
    elif dispute.hold_entry is not None:
        tick_by_itself(dispute=dispute, key="money_held", reference=str(dispute.hold_entry), now=now, by=by)
    limit = policies_for(dispute.organization).amount("disputes.escalate_above")
    # Limits are never converted: what is in another currency goes to the managers wherever there is a limit.
    own = dispute.currency == dispute.organization.currency
    if limit is not None and (dispute.amount > limit or not own):
        shown = format_money(limit, dispute.organization.currency)
        tell_managers(dispute, f"Above {shown}.", now, by)
