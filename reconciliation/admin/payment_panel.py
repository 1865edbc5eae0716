"""Section of the payment's page: the bank lines it was matched to (R146)."""

from typing import Any

from billing.admin.base import ConsoleRequest
from billing.admin.panels import panel
from payments.models import Payment
from reconciliation.admin.reconciliation_pages import line_url
from reconciliation.selectors.reconciliations import covering, matches_of_payment


@panel("payment", "console/reconciliation/of_payment.html", order=36)
def _lines_of(request: ConsoleRequest, payment: Payment) -> dict[str, Any] | None:
    """Each line with its statement, and the signed reconciliation that holds it. Two queries; None without a line."""
    rows = [
        {"match": match, "url": line_url(match.line_id), "held": covering(match) if match.undone_at is None else None}
        for match in matches_of_payment(payment.pk)
    ]  # fmt: skip
    return {"rows": rows} if rows else None
