"""The answers of receipts.api.shapes, as the OpenAPI description tells them. The tests hold the two together."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from billing.api.schema import PAGING, Envelope, query
from billing.rules.premium import IN_GRACE
from billing.rules.premium import STATUS_WORDS as POLICY_WORDS
from payments.models import Method, PaymentState, Purpose
from payments.models.cheque import ChequeState
from payments.models.refund import Destination, RefundReason, RefundState
from receipts.api.words import REFUND_WORDS, STATUS_WORDS
from receipts.models.receipt import Delivery
from receipts.selectors.payment_search import SORTS

STATUSES = list(dict.fromkeys(STATUS_WORDS.values()))
REFUND_STATUSES = list(dict.fromkeys(REFUND_WORDS.values()))
PAYMENT_REFUND_STATUSES = ["Pending", "Processed"]
CREATED = ["success"]
POLICY_STATUSES = [IN_GRACE, *POLICY_WORDS.values()]


class Money(serializers.CharField):
    """A decimal as text, with the decimals of the currency beside it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Decimal, as text.")
        super().__init__(**kwargs)


@extend_schema_serializer(component_name="Allocation")
class AllocationShape(serializers.Serializer[Any]):
    invoice = serializers.CharField()
    amount = Money()
    discount = Money(help_text="Early-payment discount it won.")
    write_off = Money(help_text="Small remainder written off.")
    open_amount = Money(help_text="What the invoice has left now.")


class NextDueShape(serializers.Serializer[Any]):
    next_due_date = serializers.DateField(allow_null=True)
    next_due_amount = Money(allow_null=True)


class PolicyShape(NextDueShape):
    """Only of a payment for an insurance policy its number and where it stands; what falls due next is the policy's."""

    policy_number = serializers.CharField(required=False)
    policy_status = serializers.ChoiceField(choices=POLICY_STATUSES, required=False)


class PaymentHead(serializers.Serializer[Any]):
    payment_id = serializers.CharField(help_text="PAY-YYYY-MM-########")
    transaction_id = serializers.CharField(help_text="TXN-YYYYMMDD-######")
    customer = serializers.CharField()
    customer_name = serializers.CharField()
    payment_type = serializers.ChoiceField(choices=Purpose.choices)
    payment_method = serializers.ChoiceField(choices=Method.choices)
    payment_date = serializers.DateTimeField()
    received_on = serializers.DateField()
    currency = serializers.CharField()
    unapplied = Money(allow_null=True, help_text="Kept as credit; null while provisional.")
    receipt_number = serializers.CharField(allow_null=True)
    receipt_url = serializers.URLField(allow_null=True)


class PaymentCreated(PolicyShape, PaymentHead):
    status = serializers.ChoiceField(choices=CREATED)
    payment_status = serializers.ChoiceField(choices=STATUSES)
    amount_paid = Money()
    allocations = AllocationShape(many=True)
    waits_for = serializers.ListField(child=serializers.CharField(), help_text="Approvals it needs before it counts.")


class PaymentRow(PaymentHead):
    payer_name = serializers.CharField()
    amount = Money()
    status = serializers.ChoiceField(choices=STATUSES)
    state = serializers.ChoiceField(choices=PaymentState.choices)
    reference = serializers.CharField()


@extend_schema_serializer(component_name="Receipt")
class ReceiptShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    url = serializers.URLField()
    issued_at = serializers.DateTimeField()
    delivery = serializers.ChoiceField(choices=Delivery.choices)
    email = serializers.EmailField(allow_null=True)
    provisional = serializers.BooleanField()
    void = serializers.BooleanField()


@extend_schema_serializer(component_name="Reconciliation")
class ReconciliationShape(serializers.Serializer[Any]):
    reconciled = serializers.BooleanField()
    reconciled_on = serializers.DateField(allow_null=True)
    statement_reference = serializers.CharField(allow_null=True)
    accounting_reference = serializers.CharField(allow_null=True)
    discrepancy = serializers.CharField(allow_null=True)


@extend_schema_serializer(component_name="Cheque")
class ChequeShape(serializers.Serializer[Any]):
    number = serializers.CharField()
    bank = serializers.CharField()
    date = serializers.DateField()
    status = serializers.ChoiceField(choices=ChequeState.choices)


@extend_schema_serializer(component_name="Accounting")
class AccountingShape(serializers.Serializer[Any]):
    posted = serializers.BooleanField()
    journal_entry = serializers.CharField(allow_null=True)
    entry_date = serializers.DateField(allow_null=True)


class PaymentPage(PolicyShape, PaymentRow):
    breakdown = serializers.DictField(
        child=Money(), help_text="Of what was paid: base, tax, late_fee; for a policy premium, gst, late_fee."
    )
    payment_for_period = serializers.CharField(allow_null=True)
    allocations = AllocationShape(many=True)
    waits_for = serializers.ListField(child=serializers.CharField())
    receipt = ReceiptShape(allow_null=True)
    cheque = ChequeShape(allow_null=True)
    refund_status = serializers.ChoiceField(choices=PAYMENT_REFUND_STATUSES, allow_null=True)
    reconciliation = ReconciliationShape()
    accounting = AccountingShape()


class PaymentChanged(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=CREATED)
    payment_id = serializers.CharField()
    message = serializers.CharField()
    previous_status = serializers.ChoiceField(choices=STATUSES)
    current_status = serializers.ChoiceField(choices=STATUSES)
    updated_at = serializers.DateTimeField()
    waits_for = serializers.ListField(child=serializers.CharField(), help_text="What a second person must approve.")
    refund_id = serializers.CharField(allow_null=True)
    cheque_status = serializers.ChoiceField(choices=ChequeState.choices, allow_null=True)


class RefundRow(serializers.Serializer[Any]):
    refund_id = serializers.CharField(help_text="REF-YYYY-MM-########")
    refund_amount = Money(help_text="What the payee gets.")
    processing_fee = Money()
    charges = Money(help_text="Kept for a cancelled service.")
    currency = serializers.CharField()
    refund_reason = serializers.ChoiceField(choices=RefundReason.choices)
    refund_method = serializers.ChoiceField(choices=Destination.choices)
    estimated_days = serializers.IntegerField(help_text="Business days promised.")
    expected_on = serializers.DateField()
    refund_status = serializers.ChoiceField(choices=REFUND_STATUSES)
    state = serializers.ChoiceField(choices=RefundState.choices)
    requested_at = serializers.DateTimeField()
    refunded_at = serializers.DateTimeField(allow_null=True, help_text="When it was paid out.")


class RefundStarted(RefundRow):
    status = serializers.ChoiceField(choices=CREATED)
    payment_id = serializers.CharField()


class RefundsOfPayment(serializers.Serializer[Any]):
    payment_id = serializers.CharField()
    refund_status = serializers.ChoiceField(choices=PAYMENT_REFUND_STATUSES, allow_null=True)
    left_to_refund = Money()
    currency = serializers.CharField()
    refunds = RefundRow(many=True)


class PaymentList(Envelope):
    results = PaymentRow(many=True)


REFERENCE = OpenApiParameter(
    "reference", OpenApiTypes.STR, OpenApiParameter.PATH, description="PAY-…, TXN-… or RCP-… number."
)
LIST_PARAMETERS = [
    *PAGING,
    query("sort", "With - in front: descending. -date unless told.",
          enum=[sign + name for name in SORTS for sign in ("", "-")]),
    query("method", "", enum=Method.values),
    query("status", "A status word, or a state.", enum=STATUSES),
    query("date_from", "First day; at most 24 months to the last.", OpenApiTypes.DATE),
    query("date_to", "Last day, inclusive; today unless told. Needs date_from.", OpenApiTypes.DATE),
    query("amount_min", "Inclusive, in the currency."),
    query("amount_max", "Inclusive, in the currency."),
    query("currency", "With an amount: the organization's, unless told."),
    query("customer", "The customer's code."),
    query("policy_number", "What paid invoices of this policy, or means to."),
    query("receipt_number", "RCP-…"),
    query("transaction_id", "TXN-…"),
    query("q", "A whole PAY-, TXN- or RCP- number, or part of a customer's code or name."),
]  # fmt: skip
LOOKUP_PARAMETERS = [
    query("customer", "The customer's code. This or policy_number is required."),
    query("policy_number", "Instead of customer."),
    query("date", "The day it was received.", OpenApiTypes.DATE, required=True),
]
