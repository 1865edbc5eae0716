"""A refund being looked at: what is asked, and everything it is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, NotFound, Sentence
from billing.models import CreditItem, Customer, Invoice
from billing.money import ZERO, format_amount
from billing.office.calendar import WorkCalendar
from billing.office.models import Organization
from billing.office.policies import PolicyBook, policies_for
from payments.models import Payment, Refund
from payments.models.refund import Destination, RefundReason, RequestedVia
from payments.selectors.refunds import left_to_refund, origin_of

# Causes for which the bill itself is reduced, if it is named, and charges may be kept.
BILL_CAUSES = (RefundReason.CANCELLED, RefundReason.FREE_LOOK)


@dataclass(frozen=True)
class RefundOrder:
    """What is asked: how much of which credit goes back, why, and by which way.

    gross_amount: taken off the credit, before charges and fee. invoice_id: the bill of a cancelled service, which is
    reduced instead of reopened. payee_account: where a bank transfer goes. destination_reason: for any way but source.
    """

    customer_id: int
    credit_item_id: int
    gross_amount: Decimal
    reason_code: str
    reason: str
    request_key: str
    destination: str = Destination.SOURCE
    destination_reason: str = ""
    consent: str = ""
    payee_name: str = ""
    payee_account: str = ""
    charges_amount: Decimal = ZERO
    invoice_id: int | None = None
    via: str = RequestedVia.CONSOLE


@dataclass(frozen=True)
class Check:
    """One thing looked at. sentence: what was found, and where it failed, what to do. field: the input it is about."""

    code: str
    passed: bool
    template: Sentence
    facts: Mapping[str, Any] = field(default_factory=dict)
    field: str = ""

    @property
    def sentence(self) -> str:
        text = str(self.template)
        return text.format(**self.facts) if self.facts else text


@dataclass(frozen=True)
class Case:
    """A refund being looked at, with all that is looked at. item: read now, under the customer's lock if one is held.

    payment: the one that brought the credit itself. origin: where its money came from, however often it moved since.
    refund: the one that asks, where it exists already; its fee stays what was said when it was asked.
    way_later: whether the way back is the office's to find after the request. of_batch: one of many that we cancelled
    ourselves: its bill is reduced already, and no fee is taken.
    """

    organization: Organization
    customer: Customer
    item: CreditItem
    payment: Payment | None
    origin: Payment | None
    invoice: Invoice | None
    book: PolicyBook
    order: RefundOrder
    today: date
    refund: Refund | None = None
    way_later: bool = False
    of_batch: bool = False

    @property
    def currency(self) -> str:
        currency: str = self.item.currency
        return currency

    @property
    def is_own_currency(self) -> bool:
        """Limits and fees are in the organization's currency and are never converted."""
        return bool(self.item.currency == self.organization.currency)

    @property
    def left(self) -> Decimal:
        return left_to_refund(self.item)

    @property
    def fee(self) -> Decimal:
        """From the day after refunds.full_days on, the policy's fee (requirements §2 row 7); none on a credit memo."""
        if self.refund is not None:
            asked: Decimal = self.refund.fee_amount
            return asked
        if self.origin is None or not self.is_own_currency or self.of_batch:
            return ZERO
        days = (self.today - self.origin.received_on).days
        return (self.book.amount("refunds.fee") or ZERO) if days > self.book.number("refunds.full_days") else ZERO

    @property
    def paid(self) -> Decimal:
        return self.order.gross_amount - self.order.charges_amount - self.fee

    def words(self, amount: Decimal) -> str:
        return format_amount(amount, self.currency)


def open_case(
    organization: Organization, order: RefundOrder, today: date, *, refund: Refund | None = None,
    way_later: bool = False, of_batch: bool = False,
) -> Case:  # fmt: skip
    """Read what a refund is judged by. Up to nine queries. Raises NotFound, BadInput (unknown cause or way)."""
    if order.reason_code not in RefundReason.values:
        raise BadInput(_("There is no such cause."), field="reason_code", code="unknown_cause")
    if order.destination not in Destination.values:
        raise BadInput(_("There is no such way back."), field="destination", code="unknown_destination")
    customer = Customer.objects.filter(organization=organization, pk=order.customer_id).first()
    if customer is None:
        raise NotFound(field="customer")
    customer.organization = organization
    items = CreditItem.objects.filter(organization=organization, customer=customer).select_related("payment")
    item = items.filter(pk=order.credit_item_id).first()
    if item is None:
        raise NotFound(field="credit_item")
    item.organization = organization
    payment = getattr(item, "payment", None)
    return Case(
        organization, customer, item, payment, payment or origin_of(item), _invoice_of(customer, order),
        policies_for(organization, customer_id=customer.pk), order, today, refund, way_later, of_batch,
    )  # fmt: skip


def _invoice_of(customer: Customer, order: RefundOrder) -> Invoice | None:
    if order.invoice_id is None:
        return None
    invoice = Invoice.objects.filter(customer=customer, pk=order.invoice_id).first()
    if invoice is None:
        raise NotFound(field="invoice_id")
    if order.reason_code not in BILL_CAUSES:
        sentence = _(
            "A bill is reduced only where the service was cancelled; choose that cause, or leave the bill out."
        )
        raise BadInput(sentence, field="invoice_id", code="bill_not_for_cause")
    return invoice


def bill_to_reduce(case: Case) -> Invoice | None:
    """The bill a credit memo still has to reduce; none if that was done before the refund was asked."""
    done = case.refund is not None and case.refund.credit_memo_id is not None
    return None if done or case.of_batch else case.invoice


def promised_day(case: Case) -> date:
    """Within refunds.promise_days business days of the request (R98, R189)."""
    start = case.refund.requested_on if case.refund is not None else case.today
    return WorkCalendar(case.organization).add_business_days(start, case.book.number("refunds.promise_days"))


def order_of(refund: Refund) -> RefundOrder:
    """The order a stored refund came from."""
    return RefundOrder(
        customer_id=refund.customer_id, credit_item_id=refund.credit_item_id, gross_amount=refund.gross_amount,
        reason_code=refund.reason_code, reason=refund.reason, request_key=refund.request_key,
        destination=refund.destination, destination_reason=refund.destination_reason, consent=refund.consent,
        payee_name=refund.payee_name, payee_account=refund.payee_account, charges_amount=refund.charges_amount,
        invoice_id=refund.invoice_id, via=refund.requested_via,
    )  # fmt: skip
