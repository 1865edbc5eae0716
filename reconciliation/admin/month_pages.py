"""The month's close at the console: the months, a month's checklist and what it may take, its pack."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import Form, attempt
from billing.errors import BadInput
from billing.inputs import parse_day
from billing.ledger.models import Period, PeriodState
from billing.office import clock, months
from billing.office.models import ApprovalRequest
from billing.office.models.approval import ApprovalState
from billing.office.models.user import Mode
from billing.office.sealed_files import PIECE, FileGone, open_sealed
from payments.models import Method
from reconciliation.admin.checklists import drawn, kept
from reconciliation.models import MonthClose, MonthPack, PackState
from reconciliation.rules.checklist import Line, blockers, warnings
from reconciliation.selectors.closed_months import months_of, pack_of, prediction, start_of
from reconciliation.selectors.closing_checks_month import MONTH_CHECKS, ask_month
from reconciliation.services.closing_months import begin_month


@console_path("books/months/", "month_closes", "see_journal")
@require_GET
def month_closes(request: ConsoleRequest) -> HttpResponse:
    """Every month, newest first. About four queries."""
    context = console_context(
        request, _("Month closes"), rows=months_of(request.organization), predicted=prediction(request.organization)
    )
    return render(request, "console/closing/months.html", context)


@console_path("books/months/<str:month>/", "month_close", "see_journal")
@require_GET
def month_close(request: ConsoleRequest, month: str) -> HttpResponse:
    """One month: its checklist as things stand, or as it was closed on. About fifty queries."""
    first = _month(month)
    organization, now = request.organization, clock.now()
    period = get_object_or_404(Period, organization=organization, month=first)
    is_open = period.state == PeriodState.OPEN
    lines: list[Line] = ask_month(organization, first, now) if is_open else []
    closes = MonthClose.objects.filter(organization=organization, month=first).select_related("closed_by", "proof")
    history = list(closes.order_by("-round"))
    close = history[0] if history and not is_open else None
    waiting = ApprovalRequest.objects.filter(
        organization=organization, subject=f"period:{month}", state=ApprovalState.REQUESTED, expires_at__gt=now
    )
    context = console_context(
        request, f"{first:%Y-%m}", period=period, month=month, is_open=is_open, close=close,
        history=history[0 if is_open else 1:],
        checks=drawn(lines) if is_open else kept(close.checks if close else [], MONTH_CHECKS),
        blockers=len(blockers(lines)), warnings=len(warnings(lines)), start=start_of(organization, first),
        predicted=prediction(organization), waiting=waiting.first(), pack=pack_of(organization, first),
        may_ask=may_here(request, months.CLOSE, Mode.MAKE, Mode.CHECK), may_download=_may_download(request),
        **_figures(close),
    )  # fmt: skip
    return render(request, "console/closing/month.html", context)


def _figures(close: MonthClose | None) -> dict[str, Any]:
    methods = dict(Method.choices)
    rows = close.figures["payments"] if close else []
    return {
        "figures": close.figures if close else None,
        "methods": [(methods.get(row["method"], row["method"]), row) for row in rows],
    }


def _month(text: str) -> date:
    try:
        return parse_day(f"{text}-01")
    except BadInput:
        raise Http404 from None


@console_path("books/months/<str:month>/begin/", "month_begin", "close_period", Mode.MAKE, Mode.CHECK)
@require_POST
def begin(request: ConsoleRequest, month: str) -> HttpResponse:
    first = _month(month)
    done, _start = attempt(
        Form([]),
        lambda: begin_month(organization=request.organization, month=first, now=clock.now(), by=request.user),
    )
    if not done:
        raise Http404
    return HttpResponseRedirect(reverse("admin:month_close", args=[month]))


def _may_download(request: ConsoleRequest) -> bool:
    return may_here(request, "export_accounting", Mode.DO)


@console_path("books/months/<str:month>/pack.zip", "month_pack", "see_journal")
@require_GET
def pack(request: ConsoleRequest, month: str) -> Any:
    """The pack, read from disk piece by piece. Refused unless every byte is as it was kept."""
    if not _may_download(request):
        raise PermissionDenied
    rows = MonthPack.objects.filter(organization=request.organization, state=PackState.MADE)
    found = get_object_or_404(rows, month=_month(month))
    name = f"{request.organization.code}-{month}.zip"
    pieces = _pieces(found, name)
    try:
        head = next(pieces)  # a file that was changed is refused before anything is sent
    except FileGone as trouble:
        back = reverse("admin:month_close", args=[month])
        context = console_context(request, _("Pack of the month"), trouble=trouble, back=back)
        return render(request, "console/customer/deed.html", context, status=409)
    answer = StreamingHttpResponse(_after(head, pieces), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Content-Length"] = str(found.size)
    return answer


def _pieces(pack: MonthPack, name: str) -> Iterator[bytes]:
    with open_sealed(pack.stored_as, sha256=pack.sha256, name=name) as file:
        while piece := file.read(PIECE):
            yield piece


def _after(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from rest
