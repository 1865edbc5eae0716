"""What a system sends to have a payment taken: read strictly, checked across fields, made an order (R2, R7)."""

import re
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from billing.api.fields import Amount, Choice, Currency, Day, DayOrInstant, Email, Strict, Text, refuse
from billing.errors import BadInput, DomainError, NotFound
from billing.models import Customer, InsurancePolicy, Invoice
from billing.money import EXPONENTS
from billing.office.models import Organization
from billing.office.policies import STRATEGIES
from billing.selectors.premiums import find_policy
from payments.models import Method, Purpose
from payments.services.orders import ChequeOrder, PaymentOrder
from receipts.models.receipt import Delivery
from receipts.services.counter import ReceiptWish

# Ways to pay that leave a trace elsewhere: without its reference the trace cannot be followed.
TRACED = (Method.BANK_TRANSFER, Method.CARD, Method.ACH, Method.NET_BANKING, Method.AUTO_DEBIT)
UPI_ID = re.compile(r"[A-Za-z0-9._-]{2,64}@[A-Za-z][A-Za-z0-9.]{1,32}")


class UnknownCustomer(NotFound):
    code = "unknown_customer"
    sentence = _("There is no such customer.")


class UnknownPolicy(DomainError):
    code = "unknown_policy"
    sentence = _("Invalid policy number")


@extend_schema_serializer(component_name="ChequeRequest")
class ChequePart(Strict):
    """A current cheque, as handed over."""

    number = Text(max_length=30, free=False)
    bank = Text(max_length=80)
    branch = Text(max_length=80, required=False)
    date = Day()
    drawer = Text(max_length=160, required=False, help_text="The payer, unless told.")


@extend_schema_serializer(component_name="ReceiptRequest")
class ReceiptPart(Strict):
    """How the receipt is wanted."""

    delivery = Choice(choices=Delivery.choices, required=False, help_text="The organization's policy, unless told.")
    email = Email(required=False, max_length=254, help_text="The customer's, unless told.")
    form_number = Text(max_length=40, required=False, help_text="Of a pre-printed form.")


@extend_schema_serializer(component_name="AllocationRequest")
class AllocationPart(Strict):
    """So much of the payment to this invoice."""

    invoice = Text(max_length=40, free=False)
    amount = Amount()


@extend_schema_serializer(component_name="PaymentRequest")
class PaymentRequest(Strict):  # context: organization, and the currency that amounts are read in
    """A payment to be taken. Unknown fields are refused."""

    customer = Text(max_length=40, free=False, required=False, help_text="The customer's code. Required.")
    policy_number = Text(
        max_length=40, free=False, required=False, help_text="Instead of customer; the policy's invoices come first."
    )
    amount = Amount()
    currency = Currency(required=False, max_length=3, help_text="The organization's, unless told.")
    method = Choice(choices=Method.choices)
    received_on = Day(required=False, help_text="The day the money was received. This or payment_date is required.")
    payment_date = DayOrInstant(required=False, help_text="The same, as a day or an instant with its zone.")
    payer_name = Text(max_length=160)
    reference = Text(
        max_length=80, required=False,
        help_text="The bank's or processor's reference. Required unless cash, cheque or UPI.",
    )  # fmt: skip
    upi_id = Text(max_length=80, required=False, help_text="Required for UPI; kept with the reference.")
    payment_type = Choice(choices=Purpose.choices, default=Purpose.ON_ACCOUNT.value)
    strategy = Choice(
        choices=STRATEGIES, required=False,
        help_text="How invoices are paid; the organization's policy, unless told. none: keep it as credit.",
    )  # fmt: skip
    invoice_numbers = serializers.ListField(
        child=Text(max_length=40, free=False), required=False, max_length=200, help_text="Paid first, in this order."
    )
    allocations = serializers.ListField(
        child=AllocationPart(), required=False, max_length=200, help_text="Applied by hand, instead."
    )
    cheque = ChequePart(required=False, help_text="Required for a cheque.")
    receipt = ReceiptPart(required=False)
    note = Text(max_length=400, required=False)
    override_reason = Text(
        max_length=400, required=False, help_text="Why it is no duplicate, after looks_like_duplicate."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        refuse([*_who(attrs), *_when(attrs), *_how(attrs), *_where_to(attrs)])
        return attrs


def currency_of(data: dict[str, Any], organization: Organization) -> str:
    """The currency amounts are read in, before anything else is."""
    sent = data.get("currency")
    return sent if isinstance(sent, str) and sent in EXPONENTS else organization.currency


def _who(asked: dict[str, Any]) -> list[DomainError]:
    if asked.get("customer") and asked.get("policy_number"):
        return [BadInput(_("Name the customer or the policy, not both."), field="policy_number", code="twice")]
    if not asked.get("customer") and not asked.get("policy_number"):
        return [BadInput(_("This field is required."), field="customer", code="required")]
    return []


def _when(asked: dict[str, Any]) -> list[DomainError]:
    days = {asked[name] for name in ("received_on", "payment_date") if name in asked}
    if not days:
        return [BadInput(_("Enter a date."), field="received_on", code="required")]
    if len(days) > 1:
        sentence = _("received_on and payment_date are different days.")
        return [BadInput(sentence, field="payment_date", code="two_dates")]
    return []


def _how(asked: dict[str, Any]) -> list[DomainError]:
    """What each way to pay needs (R7)."""
    method: str = asked["method"]
    troubles: list[DomainError] = []
    if method == Method.CHEQUE and "cheque" not in asked:
        sentence = _("A cheque has a number, a bank and a date; send them.")
        troubles.append(BadInput(sentence, field="cheque", code="required"))
    if method != Method.CHEQUE and "cheque" in asked:
        troubles.append(BadInput(_("Only for the method cheque."), field="cheque", code="not_for_this_method"))
    if method in TRACED and not asked.get("reference"):
        sentence = _("Send the bank's or processor's reference.")
        troubles.append(BadInput(sentence, field="reference", code="required"))
    if method == Method.UPI and not asked.get("upi_id"):
        troubles.append(BadInput(_("Send the UPI id it was paid from."), field="upi_id", code="required"))
    if method == Method.UPI and asked.get("upi_id") and not UPI_ID.fullmatch(asked["upi_id"]):
        troubles.append(BadInput(_("Not a valid UPI id."), field="upi_id", code="not_a_upi_id"))
    if method != Method.UPI and asked.get("upi_id"):
        troubles.append(BadInput(_("Only for the method UPI."), field="upi_id", code="not_for_this_method"))
    return troubles


def _where_to(asked: dict[str, Any]) -> list[DomainError]:
    sentence = _("Allocations say it all; leave this out.")
    return [
        BadInput(sentence, field=name, code="not_with_allocations")
        for name in ("strategy", "invoice_numbers")
        if "allocations" in asked and asked.get(name)
    ]


def policy_from(asked: dict[str, Any], organization: Organization) -> InsurancePolicy | None:
    """The policy that was named; None if a customer was. One query. Raises UnknownPolicy."""
    if not asked.get("policy_number"):
        return None
    policy = find_policy(organization, asked["policy_number"])
    if policy is None:
        raise UnknownPolicy(field="policy_number")
    return policy


def order_from(
    asked: dict[str, Any], organization: Organization, request_key: str, policy: InsurancePolicy | None = None
) -> PaymentOrder:
    """The order that was meant. Three queries at most. Raises UnknownCustomer, BadInput."""
    customer = policy.agreement.customer if policy is not None else _customer(asked, organization)
    by_hand = asked.get("allocations")
    return PaymentOrder(
        customer_id=customer.pk,
        method=asked["method"],
        amount=asked["amount"],
        currency=asked.get("currency") or organization.currency,
        received_on=asked.get("received_on") or asked["payment_date"],
        request_key=request_key,
        payer_name=asked["payer_name"],
        reference=_reference(asked),
        strategy="manual" if by_hand is not None else asked.get("strategy", ""),
        by_hand=None if by_hand is None else _by_hand(by_hand, customer),
        first=tuple(dict.fromkeys(asked.get("invoice_numbers", ()))),
        cheque=_cheque(asked.get("cheque")),
        purpose=asked["payment_type"],
        channel="api",
        note=asked.get("note", ""),
        lookalike_reason=asked.get("override_reason", ""),
    )


def wish_from(asked: dict[str, Any], customer_email: str) -> ReceiptWish:
    """How the receipt is wanted; delivery "" leaves it to the policy. Raises BadInput if an address is missing (R7)."""
    part = asked.get("receipt", {})
    delivery, email = part.get("delivery", ""), part.get("email", "")
    if delivery in (Delivery.EMAIL, Delivery.BOTH) and not (email or customer_email):
        raise BadInput(_("Send an e-mail address for the receipt."), field="receipt.email", code="required")
    return ReceiptWish(delivery=delivery, email=email, form_number=part.get("form_number", ""))


def _customer(asked: dict[str, Any], organization: Organization) -> Customer:
    customer = Customer.objects.filter(organization=organization, code=asked["customer"]).first()
    if customer is None:
        raise UnknownCustomer(field="customer")
    return customer


def _reference(asked: dict[str, Any]) -> str:
    text = " ".join(part for part in (asked.get("reference"), asked.get("upi_id")) if part)
    if len(text) > 80:
        raise BadInput(_("Reference and UPI id together: at most 80 characters."), field="reference", code="too_long")
    return text


def _by_hand(parts: list[dict[str, Any]], customer: Customer) -> tuple[tuple[int, Any], ...]:
    """Pairs of invoice key and amount; an unknown invoice has the key 0, which the rules refuse by its place."""
    keys = dict(
        Invoice.objects.filter(
            organization=customer.organization_id, customer=customer, number__in=[part["invoice"] for part in parts]
        ).values_list("number", "pk")
    )
    for place, part in enumerate(parts):
        if part["invoice"] not in keys:
            sentence = _("Invoice {number} is not an open invoice of this customer.")
            field = f"allocations[{place}].invoice"
            raise DomainError(sentence, field=field, code="not_open_here", number=part["invoice"])
    return tuple((keys[part["invoice"]], part["amount"]) for part in parts)


def _cheque(part: dict[str, Any] | None) -> ChequeOrder | None:
    if part is None:
        return None
    return ChequeOrder(
        number=part["number"], bank=part["bank"], cheque_date=part["date"], drawer=part.get("drawer", ""),
        branch=part.get("branch", ""),
    )  # fmt: skip
