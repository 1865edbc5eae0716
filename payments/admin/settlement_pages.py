"""Settlements of processors at the console: what they say they took, kept and paid out, beside our books (R151)."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.panels import panel
from billing.errors import Sentence
from billing.selectors.journal import entries_with_lines
from payments.gateways.base import Moved, State
from payments.models import GatewayAccount, Payment, PaymentAttempt, Settlement
from payments.selectors.settlements import days_missing, kinds_of, lines_of, lines_of_attempt, settlements_of

PER_PAGE, LINES_PER_PAGE = 50, 100
MOVED: dict[str, Sentence] = {
    Moved.CAPTURE: gettext_lazy("taken"), Moved.REFUND: gettext_lazy("refunded"),
    Moved.RETURN: gettext_lazy("returned"), Moved.CHARGEBACK: gettext_lazy("charged back"),
    Moved.CHARGEBACK_WON: gettext_lazy("chargeback won"), Moved.FEE: gettext_lazy("fee"),
    Moved.ADJUSTMENT: gettext_lazy("adjustment"), Moved.PAYOUT: gettext_lazy("paid out"),
}  # fmt: skip

# How far money is at the processor, in words.
STANDS: dict[str, Sentence] = {
    "": gettext_lazy("not told"), State.AUTHORIZED: gettext_lazy("authorised"),
    State.PENDING_SETTLEMENT: gettext_lazy("waits to be settled"), State.SETTLED: gettext_lazy("settled"),
    State.VOIDED: gettext_lazy("void"), State.REFUNDED: gettext_lazy("refunded"),
    State.RETURNED: gettext_lazy("returned"), State.CHARGED_BACK: gettext_lazy("charged back"),
    State.FAILED: gettext_lazy("failed"),
}  # fmt: skip


@panel("payment", "console/settlement/of_payment.html", order=34)
def _of_payment(request: ConsoleRequest, payment: Payment) -> dict[str, Any] | None:
    """How far the processor has come with a payment it took. Two queries; none for other payments."""
    attempt = PaymentAttempt.objects.filter(payment=payment).select_related("gateway_account").first()
    if attempt is None:
        return None
    return {
        "attempt": attempt, "stands": STANDS.get(attempt.money_state, attempt.money_state),
        "lines": [(MOVED.get(line.moved, line.moved), line) for line in lines_of_attempt(attempt)],
    }  # fmt: skip


@console_path("settlements/", "settlements", "see_receivables")
@require_GET
def settlements(request: ConsoleRequest) -> HttpResponse:
    """Newest first, of all accounts or of ?account. Four queries."""
    accounts = list(GatewayAccount.objects.filter(organization=request.organization))
    chosen = next((one for one in accounts if str(one.pk) == request.GET.get("account")), None)
    rows = settlements_of(request.organization)
    rows = rows.filter(gateway_account=chosen) if chosen else rows
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = console_context(
        request, _("Settlements"), page=page, accounts=accounts, chosen=chosen,
        missing=days_missing(request.organization),
    )  # fmt: skip
    return render(request, "console/settlement/list.html", context)


@console_path("settlements/<int:pk>/", "settlement", "see_receivables")
@require_GET
def settlement(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One settlement: the sum that its payout must be, and every line of it. About six queries."""
    rows = Settlement.objects.select_related("gateway_account")
    found = get_object_or_404(rows, pk=pk, organization=request.organization)
    page = Paginator(lines_of(found), LINES_PER_PAGE).get_page(request.GET.get("page"))
    for line in page:
        line.words = MOVED.get(line.moved, line.moved)  # type: ignore[attr-defined]
    journal = may_here(request, "see_journal")
    context = console_context(
        request, found.batch, settlement=found, page=page,
        kinds=[(MOVED.get(row["moved"], row["moved"]), row) for row in kinds_of(found)],
        differing=lines_of(found).exclude(trouble="").count(), show_journal=journal,
        entries=entries_with_lines(found.organization_id, {found.entry_id}) if journal and found.entry_id else [],
    )  # fmt: skip
    return render(request, "console/settlement/page.html", context)
