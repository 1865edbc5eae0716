"""Cash points and their drawers: what is open, opening, the page of one drawer (R12; source 3 §1.1)."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.invoice_page import waiting_for
from billing.admin.working import REFUSED, Field, Form, attempt, back_to
from billing.office import clock
from billing.office.models import ApprovalRequest
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from billing.selectors.journal import entries_with_lines
from payments.admin.cash_form import (
    counter,
    currencies_of,
    currency_here,
    may_handle,
    may_supervise,
    sees_expected,
)
from payments.models.cash import CashPoint, CashPointKind, DrawerSession, SessionState
from payments.selectors.cash import expected_of, is_over_limit
from payments.services.cash_points import change_cash_point, create_cash_point
from payments.services.denominations import counted_of, read_count
from payments.services.drawers import open_drawer

SHOWN = 200


def find_session(request: ConsoleRequest, pk: int) -> DrawerSession:
    rows = DrawerSession.objects.select_related("organization", "cash_point", "opened_by", "closed_by", "approval")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


def find_point(request: ConsoleRequest, pk: int) -> CashPoint:
    return get_object_or_404(CashPoint.objects.select_related("organization"), pk=pk, organization=request.organization)


@console_path("cash/", "drawers", "see_receivables")
@require_http_methods(["GET"])
def drawers(request: ConsoleRequest) -> HttpResponse:
    """Every cash point with what is open. Four queries."""
    points = list(CashPoint.objects.filter(organization=request.organization).order_by("-is_active", "kind", "name"))
    standing: dict[int, list[DrawerSession]] = {}
    rows = DrawerSession.objects.filter(organization=request.organization).exclude(state=SessionState.CLOSED)
    for session in rows.select_related("cash_point", "opened_by").order_by("currency"):
        standing.setdefault(session.cash_point_id, []).append(session)
    expected = expected_of(request.organization) if may_here(request, "see_journal") else {}
    currencies = currencies_of(request)
    shown = [
        {
            "point": point,
            "sessions": [
                {"session": s, "holds": expected.get(s.pk) if sees_expected(request, s) else None}
                for s in standing.get(point.pk, [])
            ],
            "openable": [c for c in currencies if c not in {s.currency for s in standing.get(point.pk, [])}]
            if point.is_active
            else [],
        }
        for point in points
    ]
    context = console_context(
        request, _("Cash drawers"), rows=shown, sees=may_here(request, "see_journal"),
        may_open=may_here(request, "enter_payment", Mode.DO), may_supervise=may_supervise(request),
    )  # fmt: skip
    return render(request, "console/cash/drawers.html", context)


def _point_form(point: CashPoint | None = None) -> Form:
    fields = [Field("name", gettext_lazy("Name"), value=point.name if point else "", longest=80)]
    if point is None:
        fields.append(Field("kind", gettext_lazy("Kind"), "select", "drawer", choices=CashPointKind.choices))
    else:
        state = "yes" if point.is_active else "no"
        choices = [("yes", gettext_lazy("in use")), ("no", gettext_lazy("out of use"))]
        fields.append(Field("is_active", gettext_lazy("State"), "select", state, choices=choices))
    return Form(fields)


@console_path("cash/points/new/", "cash_point_new", "accept_cash_difference", Mode.CHECK)
@require_http_methods(["GET", "POST"])
def new_point(request: ConsoleRequest) -> HttpResponse:
    form = _point_form()
    if request.method == "POST":
        form.read(request.POST)
        done, point = attempt(
            form,
            lambda: create_cash_point(
                organization=request.organization, name=form.typed("name"), kind=form.typed("kind")
            ),
        )
        if done and point is not None:
            return _to_drawers(request, _("{name} is ready to be opened.").format(name=point.name))
    return _form_page(request, form, _("New cash point"), _("Add the cash point"))


@console_path("cash/points/<int:pk>/", "cash_point", "accept_cash_difference", Mode.CHECK)
@require_http_methods(["GET", "POST"])
def edit_point(request: ConsoleRequest, pk: int) -> HttpResponse:
    point = find_point(request, pk)
    form = _point_form(point)
    if request.method == "POST":
        form.read(request.POST)
        done, point_now = attempt(
            form,
            lambda: change_cash_point(
                cash_point=point, name=form.typed("name"), is_active=form.typed("is_active") != "no"
            ),
        )
        if done and point_now is not None:
            return _to_drawers(request, _("{name} is changed.").format(name=point_now.name))
    return _form_page(request, form, _("Change {name}").format(name=point.name), _("Save"))


def _form_page(request: ConsoleRequest, form: Form, title: str, button: str) -> HttpResponse:
    context = console_context(request, title, form=form, button=button, back=reverse("admin:drawers"))
    return render(request, "console/customer/deed.html", context, status=REFUSED if form.errors else 200)


def _to_drawers(request: ConsoleRequest, sentence: str) -> HttpResponse:
    messages.success(request, sentence)
    return HttpResponseRedirect(reverse("admin:drawers"))


@console_path("cash/points/<int:pk>/open/", "drawer_open", "enter_payment", Mode.DO)
@require_http_methods(["GET", "POST"])
def open_point(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The float, counted out of the safe; none for a bag or a box."""
    point, currency = find_point(request, pk), currency_here(request)
    form = Form([], hidden={"currency": currency})
    if request.method == "POST":
        done, session = attempt(
            form,
            lambda: open_drawer(
                cash_point=point, currency=currency, denominations=read_count(request.POST, currency),
                now=clock.now(), by=request.user,
            ),
        )  # fmt: skip
        if done and session is not None:
            return back_to(request, "drawer", session.pk, _("{name} is open.").format(name=point.name))
    context = console_context(
        request, _("Open {name}").format(name=point.name), point=point, currency=currency, form=form,
        counter=counter(currency, request.POST, form), back=reverse("admin:drawers"),
    )  # fmt: skip
    return render(request, "console/cash/open.html", context, status=REFUSED if form.errors else 200)


@console_path("cash/drawers/<int:pk>/", "drawer", "see_receivables")
@require_http_methods(["GET"])
def drawer_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One session: its payments without a sum, its movements, what may be done; closed, its sheet. Ten queries."""
    session = find_session(request, pk)
    sees = sees_expected(request, session)
    payments = session.payments.select_related("customer").order_by("id")
    is_closed = session.state == SessionState.CLOSED
    journal = may_here(request, "see_journal") and session.entry_id is not None
    context = console_context(
        request, f"{session.cash_point.name} · {session.currency}", session=session, sees=sees, is_closed=is_closed,
        payments=payments[:SHOWN], payment_count=payments.count(), shown=SHOWN,
        movements=session.movements.select_related("moved_by", "bank_account").order_by("id"),
        counts=_counts(session, sees), float_notes=counted_of(session.opening_denominations),
        expected=expected_of(request.organization).get(session.pk) if sees and not is_closed else None,
        over_limit=_over_limit(session), may_handle=may_handle(request, session),
        asked=_last_request(session), waiting=waiting_for(request, [f"drawer:{pk}"]),
        show_journal=journal,
        entries=entries_with_lines(session.organization_id, {session.entry_id}) if journal else [],
        explain=Form([Field("reason", gettext_lazy("What explains the difference"), "area")]),
    )  # fmt: skip
    return render(request, "console/cash/drawer.html", context)


def _counts(session: DrawerSession, sees: bool) -> list[dict[str, Any]]:
    """Every count with its notes; what was expected only for those who may be told."""
    rows = session.counts.select_related("counted_by").order_by("id")
    return [
        {
            "count": count,
            "notes": [(face, pieces, face * pieces) for face, pieces in counted_of(count.denominations)],
            "difference": count.counted_amount - count.expected_amount if sees else None,
        }
        for count in rows
    ]


def _over_limit(session: DrawerSession) -> bool:
    return session.state == SessionState.OPEN and is_over_limit(session, policies_for(session.organization))


def _last_request(session: DrawerSession) -> ApprovalRequest | None:
    rows = ApprovalRequest.objects.filter(organization=session.organization, subject=f"drawer:{session.pk}")
    return rows.select_related("decided_by", "requested_by").order_by("-id").first()
