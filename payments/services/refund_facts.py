"""A stored refund as a checker reads it, and by which action of the matrix it is decided (R92, invariant 37)."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.services.freeing import MoreThanIsThere
from payments.models import Refund
from payments.services.refund_cases import Case, RefundOrder, bill_to_reduce, open_case, order_of
from payments.services.refund_plans import plan_refund
from payments.services.refund_ways import approval_action_of


def subject_of(refund: Refund) -> str:
    return f"refund:{refund.pk}"


def case_of(refund: Refund, now: datetime, order: RefundOrder | None = None) -> Case:
    """A stored refund as a case to judge anew. order: another way back for it."""
    organization = refund.organization
    return open_case(organization, order or order_of(refund), organization.today(now), refund=refund)


def approval_action(refund: Refund) -> str:
    """The action of the matrix that decides on a refund: refund_small, refund_large or refund_elsewhere."""
    return approval_action_of(open_case(refund.organization, order_of(refund), refund.requested_on, refund=refund))


def refund_facts(refund: Refund) -> dict[str, Any]:
    """What a checker reads and approves, and what must still be true when it is done. shown["deed"] is "refund".

    Raises MoreThanIsThere if the money is no longer there.
    """
    case = open_case(refund.organization, order_of(refund), refund.requested_on, refund=refund)
    if refund.gross_amount > case.left:
        raise MoreThanIsThere(
            _("Only {left} of {amount} is left to refund."), field="gross_amount", left=case.words(case.left),
            amount=case.words(case.item.amount),
        )  # fmt: skip
    plan = plan_refund(case.item, refund.gross_amount, bill_to_reduce(case))
    return {
        "deed": "refund",
        "refund": refund.number,
        "customer": f"{case.customer.code} {case.customer.name}",
        "payment": case.payment.number if case.payment else "",
        "credit": "" if case.payment else case.item.number,
        "received_on": case.payment.received_on.isoformat() if case.payment else "",
        "cause": refund.reason_code,
        "currency": refund.currency,
        "amount": f"{refund.gross_amount:.2f}",
        "charges": f"{refund.charges_amount:.2f}",
        "fee": f"{refund.fee_amount:.2f}",
        "paid_out": f"{refund.paid_amount:.2f}",
        "left_after": f"{case.left - refund.gross_amount:.2f}",
        "destination": refund.destination,
        "destination_reason": refund.destination_reason,
        "consent": refund.consent,
        "payee": refund.payee_name,
        "account_ends_in": refund.payee_account_tail,
        "reopens": plan.reopens(),
        "reduces": [plan.memo.shown()] if plan.memo else [],
    }
