"""What a system sends to change a payment or to give it back, read strictly; one kind of change at a time (R105)."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from billing.api.fields import Amount, Choice, Day, Strict, Text, refuse
from billing.errors import BadInput, DomainError
from payments.models.cheque import ReturnReason
from payments.models.refund import Destination, RefundReason
from receipts.api.words import WISHED_STATUSES
from receipts.services.updating import CHEQUE_STATES

WISHED_WORDS = [(word, word.capitalize()) for word in WISHED_STATUSES]
CHEQUE_WORDS = [(name, name.capitalize()) for name in CHEQUE_STATES]
# The fields of each kind of change, by the field that names the kind.
KINDS = {
    "status": ("reason", "refund_reason"),
    "reconciled": ("reconciliation_date", "statement_reference", "accounting_reference", "discrepancy"),
    "payment_method": ("customer_authorisation",),
    "cheque_status": ("status_date", "reason", "return_reason", "bank_account", "slip_reference"),
}


class AmountFixed(DomainError):
    code = "amount_fixed"
    sentence = _("The amount of a recorded payment never changes; void or refund it, and take it anew.")


class MethodFixed(DomainError):
    code = "method_fixed"
    sentence = _(
        "The method of a recorded payment never changes. {number} is provisional: cancel it (DELETE), with the "
        "customer's authorisation as the reason, and take it anew."
    )


class Flag(serializers.BooleanField):
    """true or false themselves, not words that mean them."""

    def to_internal_value(self, data: Any) -> bool:
        if data is True or data is False:
            return bool(data)
        raise serializers.ValidationError(_("Write true or false."), code="not_a_flag")


@extend_schema_serializer(component_name="PaymentChangeRequest")
class ChangeRequest(Strict):  # context: currency
    """One change: a status, a match to the bank, or news of the cheque. Unknown fields are refused."""

    status = Choice(choices=WISHED_WORDS, required=False)
    reason = Text(max_length=400, required=False, help_text="Required for failed, refunded, bounced and cancelled.")
    refund_reason = Choice(choices=RefundReason.choices, required=False, help_text="With status refunded.")
    reconciled = Flag(required=False, help_text="true: the bank statement says the same.")
    reconciliation_date = Day(required=False, help_text="With reconciled. Required.")
    statement_reference = Text(max_length=80, free=False, required=False, help_text="With reconciled. Required.")
    accounting_reference = Text(max_length=80, free=False, required=False)
    discrepancy = Text(max_length=200, required=False, help_text="What differed, and why that is fine.")
    payment_method = Text(max_length=20, free=False, required=False, help_text="Refused: 409 method_fixed.")
    customer_authorisation = Text(max_length=400, required=False)
    cheque_status = Choice(choices=CHEQUE_WORDS, required=False)
    status_date = Day(required=False, help_text="The bank's day; required for deposited, cleared and bounced.")
    return_reason = Choice(choices=ReturnReason.choices, required=False, help_text="Required for bounced.")
    bank_account = Text(max_length=40, free=False, required=False, help_text="Code of ours; required for deposited.")
    slip_reference = Text(max_length=80, free=False, required=False)
    amount = serializers.JSONField(required=False, allow_null=True, help_text="Refused: 409 amount_fixed.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "amount" in attrs:
            raise AmountFixed(field="amount")
        refuse([*_one_kind(attrs), *_needed(attrs)])
        return attrs


@extend_schema_serializer(component_name="PaymentCancelRequest")
class CancelRequest(Strict):  # context: currency
    """Why a payment is cancelled or given back. Unknown fields are refused."""

    reason = Text(max_length=400)
    refund_reason = Choice(choices=RefundReason.choices, required=False)
    refund_method = Choice(choices=Destination.choices, required=False)
    amount = Amount(required=False)
    method_reason = Text(max_length=400, required=False)
    consent = Text(max_length=400, required=False)
    payee_name = Text(max_length=160, required=False)
    payee_account = Text(max_length=40, free=False, required=False)


def kind_of(asked: dict[str, Any]) -> str:
    return next(name for name in KINDS if name in asked)


def _one_kind(asked: dict[str, Any]) -> list[DomainError]:
    kinds = [name for name in KINDS if name in asked]
    if not kinds:
        known = ", ".join(KINDS)
        return [BadInput(_("Send one of: {known}."), field="status", code="nothing_to_change", known=known)]
    troubles: list[DomainError] = [
        BadInput(_("One change at a time; send this by itself."), field=name, code="one_change_at_a_time")
        for name in kinds[1:]
    ]
    return troubles + [
        BadInput(_("Not with {kind}."), field=name, code="not_with_this_change", kind=kinds[0])
        for name in asked
        if name not in KINDS and name not in KINDS[kinds[0]]
    ]


def _needed(asked: dict[str, Any]) -> list[DomainError]:
    needed: list[str] = []
    if asked.get("status") in ("failed", "refunded"):
        needed = ["reason"]
    if "reconciled" in asked:
        needed = ["reconciliation_date", "statement_reference"]
    if "cheque_status" in asked:
        needed = NEEDED_OF_CHEQUE[asked["cheque_status"]]
    if asked.get("reconciled") is False:
        sentence = _("A match is opened only together with a void, by the finance manager; send true or nothing.")
        return [BadInput(sentence, field="reconciled", code="not_opened_here")]
    return [
        BadInput(_("This field is required."), field=name, code="required") for name in needed if not asked.get(name)
    ]


NEEDED_OF_CHEQUE = {
    "deposited": ["status_date", "bank_account"], "cleared": ["status_date"],
    "bounced": ["status_date", "return_reason"], "cancelled": ["reason"],
}  # fmt: skip
