"""Periods: the months of the books, asking for one to be closed or reopened (invariant 12)."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.columns import screen_url
from billing.admin.deeds import deed
from billing.admin.forms import carry, reason_field
from billing.errors import BadInput, Sentence
from billing.inputs import parse_day
from billing.ledger.models import PeriodState
from billing.office import clock, months
from billing.office.models import ApprovalRequest, User
from billing.office.models.approval import ApprovalState
from billing.office.models.user import Mode
from billing.services.books.closing import post_month


@console_path("periods/", "periods", "see_journal")
def periods(request: ConsoleRequest) -> HttpResponse:
    """Months with their figures and what waits. Four queries."""
    now = clock.now()
    rows = months.months_with_figures(request.organization)
    waiting = {
        asked.subject: asked
        for asked in ApprovalRequest.objects.filter(
            organization=request.organization, subject__startswith="period:", state=ApprovalState.REQUESTED,
            expires_at__gt=now,
        ).select_related("requested_by")
    }  # fmt: skip
    this_month = request.organization.today(now).replace(day=1)
    for row in rows:
        period = row["period"]
        row["waiting"] = waiting.get(f"period:{period.month:%Y-%m}")
        row["action"] = _possible(request, period.state, period.month, this_month)
    context = console_context(request, _("Periods"), rows=rows, inbox=screen_url("approvals"))
    return render(request, "console/office/periods.html", context)


def _possible(request: ConsoleRequest, state: str, month: date, this_month: date) -> str:
    """What this user may ask for here: "close_period", "reopen_period" or nothing."""
    action = {PeriodState.OPEN: months.CLOSE, PeriodState.CLOSED: months.REOPEN}.get(PeriodState(state), "")
    if not action or (action == months.CLOSE and month >= this_month):
        return ""
    return action if may_here(request, action, Mode.MAKE, Mode.CHECK) else ""


class MonthForm(forms.Form):
    reason = reason_field()


@console_path("periods/<str:month>/<str:action>/", "period_change", "see_journal")
def ask(request: ConsoleRequest, month: str, action: str) -> HttpResponse:
    """What closing or reopening would settle, and asking for it."""
    first = _month(month)
    if action not in months.FROM:
        raise Http404
    if not may_here(request, months.RIGHTS.get(action, action), Mode.MAKE, Mode.CHECK):
        raise PermissionDenied
    form = MonthForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        work: Any = lambda: months.ask_for_month(  # noqa: E731  one expression, run inside the transaction
            organization=request.organization, action=action, month=first, reason=form.cleaned_data["reason"],
            by=request.user, now=now,
        )  # fmt: skip
        if carry(form, work):
            messages.success(request, _("Asked for. A finance manager decides."))
            return redirect("admin:periods")
    facts = months.facts_of_month(request.organization, action, first)
    titles = {months.CLOSE: _("Ask to close %(month)s"), months.REOPEN: _("Ask to reopen %(month)s")}
    title = titles.get(action, _("Ask to lock %(month)s"))
    context = console_context(request, title % {"month": month}, form=form, facts=facts, deed=action)
    return render(request, "console/office/period_change.html", context, status=422 if form.errors else 200)


def _month(text: str) -> date:
    try:
        return parse_day(f"{text}-01")
    except BadInput:
        raise Http404 from None


@deed("close_period", months.CLOSE, label=gettext_lazy("Close the month"), facts=months.facts_now)
@deed("reopen_period", months.REOPEN, label=gettext_lazy("Reopen the month"), facts=months.facts_now)
def carry_out_month(request: ApprovalRequest, by: User, now: Any) -> Sentence:
    if request.action == months.CLOSE:
        post_month(organization=request.organization, month=months.month_of(request), now=now)
    period = months.carry_out_month(request=request, by=by, now=now)
    return _("%(month)s is %(state)s.") % {"month": period, "state": period.get_state_display()}
