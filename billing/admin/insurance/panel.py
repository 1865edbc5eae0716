"""The section "Insurance policy" of an agreement's page: what is due and of what that is made, where it stands."""

from typing import Any

from billing.admin.base import ConsoleRequest, may_here
from billing.admin.customer_page import ASKING
from billing.admin.panels import panel
from billing.models import Agreement, AgreementKind, AgreementState, Invoice, PolicyLoan
from billing.office import clock
from billing.office.models import ApprovalRequest
from billing.office.models.approval import ApprovalState
from billing.office.models.user import Mode
from billing.rules.explaining import sentences
from billing.selectors.premiums import LatePremium, PolicyDue, amount_due
from billing.services.insurance.loans import LEND, due_of


@panel("agreement", "console/insurance/panel.html", order=10)
def insurance(request: ConsoleRequest, agreement: Agreement) -> dict[str, Any] | None:
    """Nothing for other agreements. Eight queries, and of a lapsed policy those of its quote."""
    if agreement.kind != AgreementKind.POLICY:
        return None
    alone = may_here(request, "manage_agreements", Mode.DO)
    policy = getattr(agreement, "insurance", None)
    if policy is None:
        return {"policy": None, "may_set_up": alone}
    today = request.organization.today(clock.now())
    due = amount_due(agreement, today)
    invoices = Invoice.objects.filter(agreement=agreement, number__in=due.amount.numbers).order_by("due_on", "id")
    return {
        "policy": policy, "due": due, "today": today, "parts": sentences(due.amount.steps, agreement.currency),
        "invoices": list(invoices), "late": _late(due, agreement), "over": _is_over(due, agreement, today),
        "loans": [_loan(loan, today) for loan in PolicyLoan.objects.filter(agreement=agreement).order_by("-id")],
        "waiting": _waiting(agreement), "to_revive": due.revival is not None and not due.revival.is_billed,
        "in_force": agreement.state == AgreementState.ACTIVE, "may_bill": alone,
        "may_lend": may_here(request, LEND, *ASKING), "may_receive": may_here(request, "enter_payment", Mode.DO),
    }  # fmt: skip


def _late(due: PolicyDue, agreement: Agreement) -> list[dict[str, Any]]:
    """What revival asks for, premium by premium, with how each late fee came about."""
    premiums: tuple[LatePremium, ...] = due.revival.premiums if due.revival is not None else ()
    return [
        {"premium": one, "sentences": sentences(one.fee.steps, agreement.currency), "invoice": one.invoice}
        for one in premiums
    ]


def _is_over(due: PolicyDue, agreement: Agreement, today: Any) -> bool:
    return due.revival is not None and today > due.revival.last_on


def _waiting(agreement: Agreement) -> list[ApprovalRequest]:
    """Loans that somebody asked for and nobody decided on."""
    rows = ApprovalRequest.objects.filter(
        organization=agreement.organization, subject__startswith=f"agreement:{agreement.pk}:loan:",
        state=ApprovalState.REQUESTED, expires_at__gt=clock.now(),
    )  # fmt: skip
    return list(rows.select_related("requested_by").order_by("id"))


def _loan(loan: PolicyLoan, today: Any) -> dict[str, Any]:
    return {"loan": loan, "due": due_of(loan, today)}
