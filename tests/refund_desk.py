"""Refunds through the console, for tests of its screens."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from billing.office import clock
from billing.office.models import ApprovalRequest, Organization
from payments.models import Payment, Refund
from tests import builders
from tests.console_desk import Desk


def paid(payer: Any, amount: str = "120.00", **details: Any) -> Payment:
    """A payment of today, nothing of it billed."""
    now = clock.now()
    details.setdefault("received_on", payer.organization.today(now))
    return builders.pay(payer, amount, now=now, **details).payment


def fields(amount: str = "40.00", **details: Any) -> dict[str, Any]:
    """What the form posts when little is filled in."""
    return {
        "gross_amount": amount, "reason_code": "overpaid", "reason": "Paid more than was billed", "via": "console",
        "charges_amount": "", "invoice_id": "", "destination": "source", "destination_reason": "", "payee_name": "",
        "payee_account": "", "consent": "", "request_key": "form-1", "step": "ask", **details,
    }  # fmt: skip


def ask(who: Desk, payment: Payment, amount: str = "40.00", **details: Any) -> Refund:
    who.post(f"refunds/new/?payment={payment.pk}", **fields(amount, **details))
    return Refund.objects.get(organization=payment.organization, request_key=details.get("request_key", "form-1"))


def asked_of(refund: Refund) -> ApprovalRequest:
    return ApprovalRequest.objects.get(subject=f"refund:{refund.pk}", state="requested")


def decide(who: Desk, asked: ApprovalRequest, status: int = 302, *, decision: str = "approve", reason: str = "") -> Any:
    return who.post(f"approvals/{asked.pk}/", status, decision=decision, shown_hash=asked.shown_hash, reason=reason)


def approved(clerk: Desk, checker: Desk, payment: Payment, amount: str = "40.00", **details: Any) -> Refund:
    refund = ask(clerk, payment, amount, **details)
    decide(checker, asked_of(refund))
    refund.refresh_from_db()
    assert refund.state == "approved"
    return refund


def small_refunds(organization: Organization) -> None:
    """Supervisors up to 100, cash up to 500."""
    builders.policy(organization, "refunds.small_limit", "100")
    builders.policy(organization, "refunds.cash_limit", "500")


def a_file(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)
