"""The matching workbench (R144): the bank's lines at the left, at the right what the chosen one may be."""

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_GET

from billing.admin.base import LARGEST_KEY, ConsoleRequest, console_path
from billing.office import clock
from reconciliation.admin.workbench_desk import MATCH, WORKING, filter_of, find_line, show
from reconciliation.admin.workbench_line import show_line
from reconciliation.models import StatementLine
from reconciliation.selectors.workbench import rows_of
from reconciliation.selectors.workbench_finding import find


@console_path("bank-lines/", "workbench", MATCH, *WORKING)
@require_GET
def workbench(request: ConsoleRequest) -> HttpResponse:
    """The list as filtered; ?line= chooses one, else its first. At most 25 queries with the frame of the page."""
    wanted = filter_of(request)
    if wanted is None:
        return show(request, "none", None)
    line = _chosen(request)
    if line is None and (first := rows_of(wanted, request.user).first()) is not None:
        line = find_line(request, first.pk)
    if line is not None and line.bank_account_id != wanted.account.pk:
        wanted = filter_of(request, line)
        assert wanted is not None
    return show_line(request, wanted, line)


def _chosen(request: ConsoleRequest) -> StatementLine | None:
    text = request.GET.get("line", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > LARGEST_KEY:
        raise Http404
    return find_line(request, int(text))


@console_path("bank-lines/<int:pk>/", "bank_line", MATCH, *WORKING)
@require_GET
def bank_line(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One line with its whole history, whatever its state; to the script the panel of the line alone."""
    line = find_line(request, pk)
    wanted = filter_of(request, line)
    assert wanted is not None
    return show_line(request, wanted, line)


@console_path("bank-lines/<int:pk>/find/", "bank_line_find", MATCH, *WORKING)
@require_GET
def bank_line_find(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Customers, invoices, and whatever of ours no bank line shows yet."""
    line = find_line(request, pk)
    wanted = filter_of(request, line)
    text = request.GET.get("find", "").replace("\x00", "").strip()[:80]
    found = find(line, text, on=request.organization.today(clock.now()))
    return show(request, "find", wanted, line=line, text=text, found=found)


@console_path("bank-lines/help/", "workbench_help", MATCH, *WORKING)
@require_GET
def workbench_help(request: ConsoleRequest) -> HttpResponse:
    """The keys and what each does."""
    wanted = filter_of(request)
    return show(request, "help", wanted)
