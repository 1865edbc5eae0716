"""Plans that customers ask for on their own page: those that wait, and deciding on one (requirements §4 row 16)."""

from collections.abc import Callable
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why
from billing.errors import Sentence
from billing.models import PlanRequest
from billing.models.plan_request import PlanRequestState
from billing.money import format_money
from billing.office import clock
from billing.office.models.user import Mode
from billing.services.chasing.collections import COLLECT
from billing.services.chasing.plan_asking import agree_to_request, parts_of, refuse_request

PER_PAGE = 50
TABS: dict[str, Sentence] = {
    PlanRequestState.REQUESTED: gettext_lazy("waiting"), PlanRequestState.AGREED: gettext_lazy("agreed"),
    PlanRequestState.REFUSED: gettext_lazy("not agreed"), PlanRequestState.WITHDRAWN: gettext_lazy("withdrawn"),
}  # fmt: skip
# Why a request was not agreed to at once, by the codes it is kept with.
WHY: dict[str, Sentence] = {
    "parts": gettext_lazy("more parts than customers may agree on by themselves"),
    "days": gettext_lazy("the last part is further away than the setting allows"),
    "amount": gettext_lazy("the debt is larger than the setting allows"),
    "currency": gettext_lazy("the debt is in another currency"),
    "broken": gettext_lazy("a plan was broken within a year"),
    "active": gettext_lazy("another plan is being kept"),
    "collections": gettext_lazy("an invoice is in a collection case"),
}
Deed = Callable[..., PlanRequest]
DEEDS: dict[str, Deed] = {"agree": agree_to_request, "refuse": refuse_request}


@console_path("plan-requests/", "plan_requests", COLLECT)
@require_GET
def plan_requests(request: ConsoleRequest) -> HttpResponse:
    """Those of one state, the oldest that waits first. Three queries."""
    tab = request.GET.get("tab") or str(PlanRequestState.REQUESTED)
    if tab not in TABS:
        raise Http404
    rows = PlanRequest.objects.filter(organization=request.organization, state=tab).select_related("customer")
    rows = rows.order_by("id" if tab == PlanRequestState.REQUESTED else "-id")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = console_context(
        request, _("Plans asked for"), tab=tab, tabs=TABS.items(), page=page,
        rows=[(row, parts_of(row)) for row in page],
    )  # fmt: skip
    return render(request, "console/chasing/plan_requests.html", context)


@console_path("plan-requests/<int:pk>/", "plan_request", COLLECT)
@require_http_methods(["GET", "POST"])
def plan_request(request: ConsoleRequest, pk: int) -> HttpResponse:
    """What is proposed and why a person decides; POST decides, by whoever works on collections."""
    rows = PlanRequest.objects.select_related("organization", "customer__organization", "plan", "asked_by",
                                              "decided_by")  # fmt: skip
    asked = get_object_or_404(rows, pk=pk, organization=request.organization)
    form = Form([Field("answer", gettext_lazy("Answer, which the customer reads"), "area", required=False)])
    deciding = may_here(request, COLLECT, Mode.DO) and asked.state == PlanRequestState.REQUESTED
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("answer"))
        done, _made = attempt(form, lambda: _decide(request, asked, form))
        if done:
            return back_to(request, "plan_request", pk, _("Decided; the customer is told."))
        asked = get_object_or_404(rows, pk=pk, organization=request.organization)
    context = console_context(
        request, _("Plan asked for by {customer}").format(customer=asked.customer.name), asked=asked, form=form,
        parts=parts_of(asked), why=[WHY.get(code, code) for code in asked.why], deciding=deciding,
        invoices=list(asked.invoices.order_by("due_on", "id")), today=request.organization.today(clock.now()),
        state_key=f"plan_request.{asked.state}", money=format_money(asked.amount, asked.currency),
        other_url=reverse("admin:debt_plan_new", args=[asked.customer_id]),
    )  # fmt: skip
    return render(request, "console/chasing/plan_request.html", context, status=REFUSED if form.errors else 200)


def _decide(request: ConsoleRequest, asked: PlanRequest, form: Form) -> Any:
    deed = DEEDS.get(request.POST.get("decision", ""))
    if deed is None:
        raise Http404
    return deed(request=asked, answer=form.typed("answer"), now=clock.now(), by=request.user)
