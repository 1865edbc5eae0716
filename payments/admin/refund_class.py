"""A cancelled group class: find its lines, tick the families, see what each gets back, ask once for all (R109)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.customer_page import ASKING
from billing.admin.invoice_page import waiting_for
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why
from billing.errors import BadInput, DomainError
from billing.inputs import clean_text, parse_period
from billing.money import format_money
from billing.office import clock
from billing.office.models import ApprovalRequest
from payments.admin.refund_new import APPROVERS
from payments.admin.refund_queue import state_of
from payments.models import RefundBatch
from payments.selectors.class_lines import MOST, lines_of_class
from payments.selectors.refund_queue import with_waiting
from payments.services.class_refunds import ClassPreview, ask_for_class_refund, outcome_of, preview_class_refund

MOST_SESSIONS = 999
LOOK_BACK = timedelta(days=120)


@console_path("refunds/class/", "refund_class", "ask_refund", *ASKING)
@require_http_methods(["GET", "POST"])
def refund_class(request: ConsoleRequest) -> HttpResponse:
    """GET looks lines up by what they say; POST shows what each family gets back, step "ask" asks."""
    search = _search_form(request)
    form = _form()
    lines, ticked, preview = _found(request, search), None, None
    if request.method == "POST":
        form.read(request.POST)
        ticked = {int(key) for key in request.POST.getlist("line_ids") if key.isascii() and key.isdigit()}
        if request.POST.get("step") == "ask":
            done = _ask(request, form, sorted(ticked))
            if done is not None:
                return done
        preview = _preview(request, form, sorted(ticked))
    context = console_context(
        request, _("Refund a cancelled class"), search=search, form=form, lines=lines[:MOST], more=len(lines) > MOST,
        ticked={line.pk for line in lines} if ticked is None else ticked, query=request.GET.urlencode(),
        looked=bool(request.GET), most=MOST, **_shown(preview),
    )  # fmt: skip
    bad = form.errors or search.errors
    return render(request, "console/refund/class.html", context, status=REFUSED if bad else 200)


def _search_form(request: ConsoleRequest) -> Form:
    today = request.organization.today(clock.now())
    form = Form([
        Field("text", gettext_lazy("The line says"), longest=80),
        Field("from", gettext_lazy("Billed from"), "date", (today - LOOK_BACK).isoformat()),
        Field("to", gettext_lazy("Billed to"), "date", today.isoformat()),
        Field("project", gettext_lazy("Project"), required=False, longest=40),
    ])  # fmt: skip
    return form.read(request.GET) if "text" in request.GET else form


def _form() -> Form:
    return Form(
        [
            Field("sessions_total", gettext_lazy("Sessions sold"), longest=3),
            Field("sessions_cancelled", gettext_lazy("Sessions cancelled"), longest=3),
            Field("title", gettext_lazy("What was cancelled"), longest=160),
            Field(
                "reason", gettext_lazy("Reason"), "area",
                help=gettext_lazy("The families may read it: it is printed on their refund receipts."),
            ),
        ],
        hidden={"request_key": uuid4().hex},
    )  # fmt: skip


def _found(request: ConsoleRequest, search: Form) -> list[Any]:
    """One more than are shown; none while nothing was looked for. One query."""
    if "text" not in request.GET:
        return []
    try:
        text = clean_text(search.typed("text"), field="text", longest=80, required=True)
        first, last = parse_period(search.typed("from"), search.typed("to"), months=36)
    except DomainError as refusal:
        search.refuse(refusal)
        return []
    return list(lines_of_class(request.organization, text, first, last, search.typed("project").strip())[: MOST + 1])


def _sessions(form: Form, name: str) -> int:
    """Raises BadInput at the input."""
    typed = form.typed(name).strip()
    if not typed.isascii() or not typed.isdigit() or not 0 < int(typed[:9]) <= MOST_SESSIONS:
        sentence = gettext_lazy("A whole number from 1 to {most} is expected.")
        raise BadInput(sentence, field=name, code="bad_count", most=MOST_SESSIONS)
    return int(typed)


def _preview(request: ConsoleRequest, form: Form, line_ids: list[int]) -> ClassPreview | None:
    quietly = bool(form.errors)
    try:
        return preview_class_refund(
            organization=request.organization, line_ids=line_ids, sessions_total=_sessions(form, "sessions_total"),
            sessions_cancelled=_sessions(form, "sessions_cancelled"), now=clock.now(),
        )  # fmt: skip
    except DomainError as refusal:
        if not quietly:
            form.refuse(refusal)
        return None


def _shown(preview: ClassPreview | None) -> dict[str, Any]:
    if preview is None:
        return {"preview": None}
    return {
        "preview": preview, "approver": APPROVERS.get(preview.action, preview.action),
        "families": len({row.customer.pk for row in preview.rows if row.gives_back}),
        "reduced": sum(row.reduces for row in preview.rows), "refunded": sum(row.refunded for row in preview.rows),
    }  # fmt: skip


def _ask(request: ConsoleRequest, form: Form, line_ids: list[int]) -> HttpResponse | None:
    say_why(request, form.typed("reason"))
    done, made = attempt(
        form,
        lambda: ask_for_class_refund(
            organization=request.organization, line_ids=line_ids, sessions_total=_sessions(form, "sessions_total"),
            sessions_cancelled=_sessions(form, "sessions_cancelled"), title=form.typed("title"),
            reason=form.typed("reason"), request_key=form.typed("request_key"), now=clock.now(), by=request.user,
        ),
    )  # fmt: skip
    if not done or made is None:
        return None
    return back_to(request, "refund_batch", made[0].pk, _("Asked. Another person decides on all families together."))


@console_path("refunds/class/<int:pk>/", "refund_batch", "see_receivables")
@require_GET
def batch_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """What was asked for a class, and once it was decided what became of every family."""
    batch = get_object_or_404(
        RefundBatch.objects.select_related("made_by", "approval"), pk=pk, organization=request.organization
    )
    outcome = outcome_of(batch) if batch.approval_id else None
    asked = ApprovalRequest.objects.filter(organization=request.organization, subject=f"refund_batch:{pk}").last()
    rows = with_waiting(batch.refunds.select_related("customer", "payment"), clock.now())
    context = console_context(
        request, batch.title, batch=batch, outcome=outcome, asked=asked,
        waiting=waiting_for(request, [f"refund_batch:{pk}"]),
        rows=[{"refund": row, "state": state_of(row)} for row in rows.order_by("customer__name", "pk")],
        families=_families(asked) if outcome is None else [], total=_total(asked), back=reverse("admin:refunds"),
    )  # fmt: skip
    return render(request, "console/refund/batch.html", context)


def _families(asked: ApprovalRequest | None) -> list[dict[str, str]]:
    return list(asked.shown.get("families", [])) if asked is not None else []


def _total(asked: ApprovalRequest | None) -> str:
    return format_money(asked.amount, asked.currency) if asked is not None and asked.amount is not None else ""
