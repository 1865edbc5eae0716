"""Proofs of the books at the console: each night's, what each rule found, and the rows that break one."""

from typing import Any

from django.apps import apps
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.columns import screen_url
from billing.office import clock
from billing.office.models.user import Mode
from billing.transactions import in_transaction
from reconciliation.models import BooksProof, ProofRequest
from reconciliation.selectors.proofs import is_stale, last_proof, proofs_of, verify_proof
from reconciliation.services.proving import ask_for_proof

PER_PAGE = 60
SLOWEST = 5


@console_path("books/proofs/", "books_proofs", "see_journal")
@require_GET
def proofs(request: ConsoleRequest) -> HttpResponse:
    """Newest first. Five queries."""
    page = Paginator(proofs_of(request.organization), PER_PAGE).get_page(request.GET.get("page"))
    last = last_proof(request.organization)
    context = console_context(
        request, _("Proofs of the books"), page=page, last=last, stale=is_stale(last, clock.now()),
        waiting=ProofRequest.objects.filter(organization=request.organization, proof=None).order_by("pk").first(),
        may_ask=_may_ask(request),
    )  # fmt: skip
    return render(request, "console/closing/proofs.html", context)


def _may_ask(request: ConsoleRequest) -> bool:
    return may_here(request, "close_period", Mode.MAKE, Mode.CHECK)


@console_path("books/prove/", "prove_books", "close_period", Mode.MAKE, Mode.CHECK)
@require_POST
def prove(request: ConsoleRequest) -> HttpResponse:
    in_transaction(lambda: ask_for_proof(organization=request.organization, now=clock.now(), by=request.user))
    messages.success(request, _("Asked for. The worker proves the books within a minute or two."))
    return HttpResponseRedirect(reverse("admin:books_proofs"))


@console_path("books/proofs/<int:position>/", "books_proof", "see_journal")
@require_GET
def proof(request: ConsoleRequest, position: int) -> HttpResponse:
    """One proof: the broken rules with their rows, then all the others. Four queries."""
    rows = BooksProof.objects.select_related("organization", "asked_by")
    found = get_object_or_404(rows, organization=request.organization, position=position)
    broken = [one | {"table": _table(one["rows"])} for one in found.findings if one["broken"]]
    slow = sorted(found.findings, key=lambda one: one["seconds"].rjust(12), reverse=True)[:SLOWEST]
    context = console_context(
        request, found.number, proof=found, broken=broken, whole=[one for one in found.findings if not one["broken"]],
        verified=verify_proof(found), counts=sorted(found.counts.items()), slow=slow,
        newer=BooksProof.objects.filter(organization=request.organization, position=position + 1).exists(),
    )  # fmt: skip
    return render(request, "console/closing/proof.html", context)


def _table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Rows as a table whose cells lead to the record they name, where it has a page."""
    heads = list(rows[0]) if rows else []
    return {"heads": heads, "rows": [[(row.get(head), _link(head, row)) for head in heads] for row in rows]}


def _link(head: str, row: dict[str, Any]) -> str:
    """The page of the record in a cell: "invoice_id", "entry_id", "party", or a row_id beside its of_table."""
    value = row.get(head)
    if not isinstance(value, int):
        return ""
    if head == "row_id":
        return screen_url(f"{row.get('of_table')}_change", value)
    return next((url for name in SCREENS.get(head, _guesses(head)) if (url := screen_url(name, value))), "")


# Columns that do not say of what table they are.
SCREENS: dict[str, tuple[str, ...]] = {
    "party": ("customer",), "customer_id": ("customer",), "entry_id": ("ledger_journalentry_change",),
    "invoice_id": ("invoice",), "payment_id": ("payment",), "credit_item_id": ("credit",),
    "approval_id": ("office_approvalrequest_change",), "statement_line_id": ("bank_line",),
}  # fmt: skip


def _guesses(head: str) -> list[str]:
    """Screens of the models that a column like "policy_loan_id" may mean."""
    if not head.endswith("_id"):
        return []
    name = head.removesuffix("_id").replace("_", "")
    labels = [model._meta.app_label for model in apps.get_models() if model._meta.model_name == name]
    return [head.removesuffix("_id"), *(f"{label}_{name}_change" for label in labels)]
