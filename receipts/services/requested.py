"""Payments that another system asks for: what it names must be open, and what is due must be covered (R4, R178)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.models import Agreement, Customer
from billing.money import ZERO
from billing.office.models import Organization, User
from billing.office.policies import policies_for
from billing.selectors.open_items import OpenInvoice, open_invoices
from billing.selectors.strategies import NotOpenHere, Rules, discount_for, propose
from billing.services.allocating import rules_for
from billing.services.insurance.paying import prepare_payment
from billing.services.locking import lock_customers
from billing.services.plans.scheduling import lock_agreements
from billing.transactions import transaction_required
from payments.models import Payment
from payments.services.orders import PaymentOrder
from receipts.models.receipt import Delivery
from receipts.services.counter import MAILED, ReceiptWish, Taken, take_payment


class LessThanDue(DomainError):
    code = "less_than_due"
    sentence = _("{due_amount} {currency} is due; less can only be kept as credit (strategy none).")


@transaction_required
def take_requested_payment(
    *, organization: Organization, order: PaymentOrder, wish: ReceiptWish, now: datetime, by: User,
    agreement: Agreement | None = None,
) -> Taken:  # fmt: skip
    """take_payment for a machine: nothing the rules would silently pass over at the counter passes here.

    order.strategy "": the customer's policy decides. wish.delivery "": likewise, as far as there is an address.
    agreement: the insurance policy it is for, whose invoices come first, as the purpose says; what it revives is in
    force again. A key known already gives the payment made the first time. Raises NotOpenHere, LessThanDue, and what
    prepare_payment and take_payment raise.
    """
    if agreement is not None:  # first of all, with whoever pays a share: customers are locked in one order
        lock_agreements(organization, [agreement.pk])
    customer = lock_customers(organization, [order.customer_id])[order.customer_id]
    book = policies_for(organization, customer_id=customer.pk)
    if not order.strategy:
        order = replace(order, strategy=book.text("allocation.strategy"))
    if not wish.delivery:
        usual = book.text("receipts.delivery")
        wish = replace(wish, delivery=_usual_delivery(usual, customer), by_phone=usual in MAILED)
    if not Payment.objects.filter(organization=organization, request_key=order.request_key).exists():
        by_rule = order.strategy != "none" and order.by_hand is None
        if agreement is not None and by_rule:
            order = _for_policy(order, agreement, now, by)
        invoices = open_invoices([customer.pk], order.currency)[customer.pk]
        check_named_are_open(order, invoices)
        forbids = not book.flag("payments.partial_allowed") or any(one.partial_allowed is False for one in invoices)
        if by_rule and forbids:
            rules = rules_for(organization, customer, order.currency, order.received_on.year)
            check_due_is_covered(order, invoices, rules)
    return take_payment(organization=organization, order=order, wish=wish, now=now, by=by)


def _for_policy(order: PaymentOrder, agreement: Agreement, now: datetime, by: User) -> PaymentOrder:
    """The invoices of the policy before all others, after those the payer named."""
    if order.currency != agreement.currency:
        raise BadInput(_("This policy is in {currency}."), field="currency", code="wrong_currency",
                       currency=agreement.currency)  # fmt: skip
    numbers = prepare_payment(
        agreement=agreement, purpose=order.purpose, amount=order.amount, on=order.received_on, now=now, by=by
    )
    return replace(order, first=tuple(dict.fromkeys((*order.first, *numbers))))


def check_named_are_open(order: PaymentOrder, invoices: Sequence[OpenInvoice]) -> None:
    """Raises NotOpenHere for an invoice number that is not open, of another customer, or in another currency."""
    known = {invoice.number for invoice in invoices}
    for place, number in enumerate(order.first):
        if number not in known:
            raise NotOpenHere(field=f"invoice_numbers[{place}]", number=number)


def check_due_is_covered(order: PaymentOrder, invoices: Sequence[OpenInvoice], rules: Rules) -> None:
    """Where part payment is not allowed: all named invoices, or else one invoice at least, must be settled.

    Raises LessThanDue with the amount that would do, early-payment discount taken off (requirements §2 row 2).
    """
    named = [invoice for invoice in invoices if invoice.number in order.first]
    proposal = propose(
        invoices, order.amount, strategy=order.strategy, rules=rules, on=order.received_on, first=order.first
    )
    short = proposal.kept_because_short
    if named:
        due = sum((_settles(invoice, rules, order.received_on) for invoice in named), ZERO)
        refused = order.amount < due and any(invoice.number in order.first for invoice in short)
    else:
        due = _settles(short[0], rules, order.received_on) if short else ZERO
        refused = bool(short) and not proposal.slices
    if refused:
        raise LessThanDue(field="amount", due_amount=due, currency=order.currency)


def _settles(invoice: OpenInvoice, rules: Rules, on: date) -> Decimal:
    return invoice.open_amount - discount_for(invoice, rules, on)


def _usual_delivery(policy: str, customer: Customer) -> str:
    """The policy's delivery, without the e-mail if the customer has no address (requirements §2 row 32)."""
    if customer.email:
        return policy
    return {Delivery.EMAIL.value: Delivery.NONE.value, Delivery.BOTH.value: Delivery.PRINT.value}.get(policy, policy)
