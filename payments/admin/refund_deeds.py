"""What an approval of a refund carries out, alone or for a whole class (R92, R109, invariant 37)."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.deeds import deed, subject_key
from billing.admin.facts import AMOUNTS, HIDDEN, LABELS, WORDS
from billing.errors import Sentence
from billing.office.models import ApprovalRequest, User
from payments.models import Refund
from payments.models.refund import Destination, RefundReason
from payments.services import class_refunds, refunding

ACTIONS = ("refund_small", "refund_large", "refund_elsewhere")
LABELS |= {
    "cause": gettext_lazy("Cause"), "charges": gettext_lazy("Charges kept"),
    "fee": gettext_lazy("Processing fee"), "paid_out": gettext_lazy("Paid out"),
    "left_after": gettext_lazy("Left after it"), "destination": gettext_lazy("Way back"),
    "destination_reason": gettext_lazy("Why another way"), "consent": gettext_lazy("Consent"),
    "payee": gettext_lazy("Payee"), "account_ends_in": gettext_lazy("Account ends in"),
    "reduces": gettext_lazy("Invoices that are reduced"), "class": gettext_lazy("Class"),
    "sessions": gettext_lazy("Sessions cancelled of those sold"), "families": gettext_lazy("Families"),
    "line": gettext_lazy("Line"),
}  # fmt: skip
AMOUNTS |= {"charges", "fee", "paid_out", "left_after"}
HIDDEN |= {"line_key"}
WORDS |= {"cause": dict(RefundReason.choices), "destination": dict(Destination.choices)}


def _refund_of(asked: ApprovalRequest) -> Refund:
    rows = Refund.objects.select_related("organization", "customer", "credit_item", "payment")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _customer(asked: ApprovalRequest) -> int:
    return _refund_of(asked).customer_id


def _now(asked: ApprovalRequest) -> dict[str, Any]:
    return refunding.refund_facts(_refund_of(asked))


def _refused(asked: ApprovalRequest, by: User, now: datetime) -> None:
    """Rejecting the request says no to the refund; the customer reads why."""
    refunding.reject_refund(refund=_refund_of(asked), reason=asked.decision_reason, now=now, by=by)


def _carry_out(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    refund = refunding.approve_refund(refund=_refund_of(asked), approval=asked, by=by, now=now)
    return _("Approved; {number} can be paid out.").format(number=refund.number)


def _class_now(asked: ApprovalRequest) -> dict[str, Any]:
    return class_refunds.class_facts(asked)


def _class_customers(asked: ApprovalRequest) -> list[int]:
    return class_refunds.customers_of(asked)


def _carry_out_class(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    outcome = class_refunds.carry_out_class_refund(approval=asked, by=by, now=now)
    sentence = _("Approved: {approved} refunds can be paid out, {waiting} wait for another way, {left} were left out.")
    return sentence.format(approved=len(outcome.approved), waiting=len(outcome.waiting), left=len(outcome.left_out))


for _action in ACTIONS:
    deed(
        _action, "refund", label=gettext_lazy("Refund"), facts=_now, customer=_customer, refused=_refused
    )(_carry_out)  # fmt: skip
    deed(_action, "class_refund", label=gettext_lazy("Refund the class"), facts=_class_now, customer=_class_customers)(
        _carry_out_class
    )
