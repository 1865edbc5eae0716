"""What people do about a difference: explain it, give it to somebody, open it again (R151, R152, R149)."""

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_path, may_here
from billing.admin.deeds import deed, subject_key
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import BadInput, Sentence
from billing.money import format_money
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from reconciliation.models import DiscrepancyReason, ProcessorDiscrepancy, ZohoDiscrepancy
from reconciliation.services import differences
from reconciliation.services.differences import DEED, NAMES, SIGN, WORK

Row = ProcessorDiscrepancy | ZohoDiscrepancy
MODELS: dict[str, type[ProcessorDiscrepancy] | type[ZohoDiscrepancy]] = {
    "processor": ProcessorDiscrepancy, "zoho": ZohoDiscrepancy,
}  # fmt: skip


def find_row(request: ConsoleRequest, kind: str, pk: int) -> Any:
    if kind not in MODELS:
        raise Http404
    rows = MODELS[kind].objects.select_related("organization", "gateway_account", "owner")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


def may_explain(request: ConsoleRequest) -> bool:
    """Whether somebody may explain small ones, or ask for agreement to large ones."""
    return may_here(request, WORK, Mode.DO) or may_here(request, SIGN, Mode.MAKE, Mode.CHECK)


@console_path("differences/<slug:kind>/<int:pk>/explain/", "difference_explain", "see_receivables")
@require_http_methods(["GET", "POST"])
def explain(request: ConsoleRequest, kind: str, pk: int) -> HttpResponse:
    """Say why it is none. Above a sum the finance manager is asked to agree."""
    row = find_row(request, kind, pk)
    if not may_explain(request):
        raise PermissionDenied
    alone = differences.may_alone(row, request.organization)
    choices: list[tuple[str, Sentence]] = [(value, label) for value, label in DiscrepancyReason.choices]
    form = Form([
        Field("reason_code", gettext_lazy("Reason"), "select", choices=choices),
        Field("note", gettext_lazy("Explanation"), "area", help=gettext_lazy("What happened, and where it is seen.")),
    ])  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("note"))
        facts: dict[str, Any] = {
            "row": row, "reason_code": form.typed("reason_code"), "note": form.typed("note"), "now": clock.now(),
            "by": request.user,
        }  # fmt: skip
        work = differences.explain if alone else differences.ask_explanation
        done, _result = attempt(form, lambda: work(**facts))
        if done:
            said = _("Explained.") if alone else _("The finance manager is asked to agree.")
            return back_to(request, f"{kind}_difference", pk, said)
    effect = _("Nothing is posted. It counts as explained until its amount changes.")
    asks = _("It is above the sum that one person explains: the finance manager must agree.")
    button = _("Explain {amount}") if alone else _("Ask the finance manager about {amount}")
    return show_form(
        request, form, title=_("Explain a difference"),
        button=button.format(amount=format_money(row.amount, row.currency)),
        back=reverse(f"admin:{kind}_difference", args=[pk]),
        facts=[(_("Difference"), f"{row.get_kind_display()} · {row.gateway_account}"),
               (_("Amount"), format_money(row.amount, row.currency)), (_("What it does"), effect if alone else asks)],
    )  # fmt: skip


@console_path("differences/<slug:kind>/<int:pk>/owner/", "difference_owner", WORK, Mode.DO, Mode.MAKE)
@require_http_methods(["GET", "POST"])
def owner(request: ConsoleRequest, kind: str, pk: int) -> HttpResponse:
    """Who looks after it."""
    row = find_row(request, kind, pk)
    people = {str(user.pk): user for user in differences.workers(request.organization)}
    choices: list[tuple[str, Sentence]] = [("", gettext_lazy("nobody")), *((key, str(u)) for key, u in people.items())]
    held = str(row.owner_id or "")
    form = Form([Field("owner", gettext_lazy("Owner"), "select", value=held, choices=choices, required=False)])
    if request.method == "POST":
        form.read(request.POST)

        def work() -> Row:
            chosen = people.get(form.typed("owner"))
            if form.typed("owner") and chosen is None:
                raise BadInput(_("Choose one of the people who work on differences."), field="owner", code="unknown")
            given: Row = differences.give_to(row=row, owner=chosen, now=clock.now(), by=request.user)
            return given

        done, _row = attempt(form, work)
        if done:
            return back_to(request, f"{kind}_difference", pk, _("The owner is noted."))
    return show_form(
        request, form, title=_("Owner of a difference"), button=_("Give it to them"),
        back=reverse(f"admin:{kind}_difference", args=[pk]), facts=[(_("Difference"), row.get_kind_display())],
    )  # fmt: skip


@console_path("differences/<slug:kind>/<int:pk>/open/", "difference_open", WORK, Mode.DO, Mode.MAKE)
@require_POST
def open_again(request: ConsoleRequest, kind: str, pk: int) -> HttpResponse:
    """The explanation does not hold."""
    row = find_row(request, kind, pk)
    form = Form([])
    done, _row = attempt(form, lambda: differences.open_again(row=row, now=clock.now(), by=request.user))
    said = _("It is open again.") if done else "; ".join(form.errors)
    return back_to(request, f"{kind}_difference", pk, said)


# What the finance manager's agreement carries out


def _row_of(asked: ApprovalRequest) -> Row:
    name = asked.subject.split(":")[0]
    model = next(model for model in MODELS.values() if NAMES[model] == name)
    rows = model.objects.select_related("organization", "gateway_account")
    found: Row = rows.get(pk=subject_key(asked), organization=asked.organization)
    return found


def _facts_now(asked: ApprovalRequest) -> dict[str, Any]:
    return differences.facts_of(_row_of(asked), str(asked.shown["cause"]), str(asked.shown["note"]))


@deed(SIGN, DEED, label=gettext_lazy("Agree to the explanation"), facts=_facts_now)
def _carry_out(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    row: Any = _row_of(asked)
    differences.explain(
        row=row, reason_code=str(asked.shown["cause"]), note=str(asked.shown["note"]), now=now, by=asked.requested_by,
        approval=asked,
    )  # fmt: skip
    return _("Explained.")
