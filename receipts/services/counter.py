"""The counter: one transaction writes payment, allocation, journal, receipt, audit and notices (R18, R20)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.bulk import insert_rows
from billing.errors import BadInput, DomainError
from billing.inputs import parse_email
from billing.models import Customer
from billing.money import format_money
from billing.office import approvals
from billing.office.models import Organization, User
from billing.office.notices import Message, queue_notices
from billing.office.numbers import take_numbers
from billing.services.locking import lock_customers
from billing.services.telling.writing import message_to
from billing.transactions import transaction_required
from payments.models import Payment
from payments.services.orders import PaymentOrder
from payments.services.receiving import Received, process_pending, receive_payments
from receipts.models import Receipt
from receipts.models.receipt import Delivery
from receipts.services.content import receipt_content
from receipts.services.telling import phone_messages, receipt_values

MAILED = (Delivery.EMAIL, Delivery.BOTH)


@dataclass(frozen=True)
class ReceiptWish:
    """What the customer wants of the receipt: how to get it, where to, and the pre-printed form used, if any.

    by_phone: who has no e-mail address is told by the confirmed phone where to find it.
    """

    delivery: str = Delivery.NONE
    email: str = ""
    form_number: str = ""
    by_phone: bool = False


@dataclass
class Taken:
    """A payment with its receipt. proposal, hold: see Received."""

    received: Received
    receipt: Receipt

    @property
    def payment(self) -> Payment:
        return self.received.payment


@transaction_required
def take_payment(
    *, organization: Organization, order: PaymentOrder, wish: ReceiptWish, now: datetime, by: User | None
) -> Taken:
    """One payment at the counter, with its receipt. Raises DomainError; then nothing was written.

    A payment that needs a second person gets a provisional receipt and asks for the approvals it needs.
    """
    result = take_payments(organization=organization, orders=[(order, wish)], now=now, by=by)[0]
    if isinstance(result, DomainError):
        raise result
    return result


@transaction_required
def take_payments(
    *,
    organization: Organization,
    orders: Sequence[tuple[PaymentOrder, ReceiptWish]],
    now: datetime,
    by: User | None,
    at_counter: bool = True,
) -> list[Taken | DomainError]:
    """Payments with their receipts, in the order given; a refused one comes back as its DomainError."""
    refusals = _check_wishes(organization, orders)
    good = [pair for place, pair in enumerate(orders) if place not in refusals]
    received = iter(
        receive_payments(
            organization=organization, orders=[order for order, _wish in good], now=now, by=by, at_counter=at_counter
        )
    )
    results = [refusals.get(place) or next(received) for place in range(len(orders))]
    fresh = [
        (result, wish)
        for result, (_order, wish) in zip(results, orders, strict=True)
        if isinstance(result, Received) and result.is_new
    ]
    made = {r.payment_id: r for r in _issue_receipts(organization, fresh, now, by)}
    known = [r.payment.pk for r in results if isinstance(r, Received) and not r.is_new]
    made |= {r.payment_id: r for r in Receipt.objects.filter(payment_id__in=known)} if known else {}
    for result, _wish in fresh:
        if result.payment.pending_for:
            ask_for_approvals(result.payment, now=now, by=by)
    return [result if isinstance(result, DomainError) else Taken(result, made[result.payment.pk]) for result in results]


@transaction_required
def accept_pending(*, payment: Payment, now: datetime, by: User) -> Taken | None:
    """After an approval: book a waiting payment once every second person it needs has agreed (R13, R14).

    Returns None while another approval is missing. The receipt loses its provisional mark and says what was paid.
    """
    lock_customers(payment.organization, [payment.customer_id])
    payment = (
        Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("organization").get(pk=payment.pk)
    )
    needed = payment.pending_for.split(",")
    granted = {request.action: request for request in approvals.granted(f"payment:{payment.pk}", needed)}
    if set(granted) != set(needed):
        return None
    for action in needed:
        approvals.use(
            request=granted[action], action=action, subject=f"payment:{payment.pk}", shown=shown_of(payment), now=now
        )
    received = process_pending(payment=payment, now=now, by=by)
    receipt = Receipt.objects.select_for_update(no_key=True).get(payment=payment)
    receipt.content = _content(payment.organization, received, receipt.issued_at, receipt.issued_by)
    receipt.is_provisional = False
    receipt.save(update_fields=["content", "is_provisional"])
    return Taken(received, receipt)


def shown_of(payment: Payment) -> dict[str, Any]:
    """What a second person reads of a waiting payment, and what their approval covers."""
    return {
        "payment": payment.number,
        "customer": f"{payment.customer.code} {payment.customer.name}",
        "amount": f"{payment.amount:.2f}",
        "currency": payment.currency,
        "method": payment.method,
        "received_on": payment.received_on.isoformat(),
        "payer": payment.payer_name,
        "reference": payment.reference,
        "recorded_by": payment.recorded_by.get_username() if payment.recorded_by else "",
    }


@transaction_required
def ask_for_approvals(payment: Payment, *, now: datetime, by: User | None) -> None:
    """Put a waiting payment before those who may agree; asking again while it waits changes nothing.

    A file loaded without a person asks nobody: whoever enters payments asks from the payment's page.
    """
    if by is None:
        return
    for action in payment.pending_for.split(","):
        with override("en"):
            title = _("Accept {number}: {amount} by {method}").format(
                number=payment.number, amount=format_money(payment.amount, payment.currency),
                method=payment.get_method_display(),
            )  # fmt: skip
        approvals.ask(
            organization=payment.organization, action=action, subject=f"payment:{payment.pk}", title=title,
            shown=shown_of(payment), reason=payment.note or WAITING_REASONS[action], by=by, now=now,
            amount=payment.amount, currency=payment.currency,
        )  # fmt: skip


WAITING_REASONS = {
    "verify_large_payment": "Above the amount that one person may take alone.",
    "accept_unusual_method": "An unusual way to pay for this organization.",
    "accept_risky_cheque": "Cheques of this payer came back before.",
}


def _check_wishes(
    organization: Organization, orders: Sequence[tuple[PaymentOrder, ReceiptWish]]
) -> dict[int, DomainError]:
    """What cannot be done about a receipt, by place (R7, R155). At most two queries."""
    found: dict[int, DomainError] = {}
    no_address = [order.customer_id for order, wish in orders if wish.delivery in MAILED and not wish.email]
    forms = [wish.form_number for _order, wish in orders if wish.form_number]
    reachable: set[int] = set()
    used: dict[str, str] = {}
    if no_address:
        rows = Customer.objects.filter(pk__in=no_address).exclude(email="")
        reachable = set(rows.values_list("pk", flat=True))
    if forms:
        receipts = Receipt.objects.filter(organization=organization, form_number__in=forms)
        used = dict(receipts.values_list("form_number", "payment__request_key"))
    for place, (order, wish) in enumerate(orders):
        try:
            _check_wish(wish, order.customer_id in reachable)
            if used.get(wish.form_number, order.request_key) != order.request_key:
                sentence = _("Form {number} was already used.")
                raise BadInput(sentence, field="form_number", code="form_used", number=wish.form_number)
            used |= {wish.form_number: order.request_key} if wish.form_number else {}
        except DomainError as refusal:
            found[place] = refusal
    return found


def _check_wish(wish: ReceiptWish, customer_has_address: bool) -> None:
    if wish.delivery not in Delivery.values:
        raise BadInput(_("There is no such delivery."), field="delivery", code="unknown_delivery")
    if wish.email:
        parse_email(wish.email)
    elif wish.delivery in MAILED and not customer_has_address:
        raise BadInput(_("Enter the e-mail address for the receipt."), field="email", code="required")


def _issue_receipts(
    organization: Organization, taken: Sequence[tuple[Received, ReceiptWish]], now: datetime, by: User | None
) -> list[Receipt]:
    if not taken:
        return []
    contents = [_content(organization, received, now, by) for received, _wish in taken]
    numbers = take_numbers(organization, organization.today(now), {"RCP": len(taken)})["RCP"]
    receipts = [
        Receipt(
            organization=organization, payment=received.payment, number=number, form_number=wish.form_number,
            issued_at=now, issued_by=by, delivery=wish.delivery, email=_address(received, wish),
            content=content, is_provisional=bool(received.payment.pending_for),
        )
        for (received, wish), content, number in zip(taken, contents, numbers, strict=True)
    ]  # fmt: skip
    insert_rows(Receipt, receipts)
    mailed = [
        _mail(received, receipt) for (received, _wish), receipt in zip(taken, receipts, strict=True) if receipt.email
    ]
    mailed += phone_messages(
        organization, [
            (received.customer, receipt) for (received, wish), receipt in zip(taken, receipts, strict=True)
            if wish.by_phone and not receipt.email
        ],
    )  # fmt: skip
    if mailed:
        queue_notices(organization, mailed, now)
    return receipts


def _content(organization: Organization, received: Received, issued_at: datetime, by: User | None) -> dict[str, Any]:
    proposal = received.proposal
    return receipt_content(
        organization=organization, customer=received.customer, payment=received.payment, cheque=received.cheque,
        slices=proposal.slices if proposal else (),
        left_over=proposal.left_over if proposal else received.payment.amount,
        customer_open_after=received.open_after, issued_at=issued_at, issued_by=by, book=received.book,
    )  # fmt: skip


def _address(received: Received, wish: ReceiptWish) -> str:
    if wish.delivery not in MAILED:
        return ""
    return wish.email or received.customer.email


def _mail(received: Received, receipt: Receipt) -> Message:
    return message_to(
        received.customer, "receipt", f"receipt:{receipt.pk}", lambda: receipt_values(receipt), recipient=receipt.email,
        attachment=f"receipt:{receipt.pk}",
    )  # fmt: skip
