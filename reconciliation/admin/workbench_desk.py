"""What every view of the matching workbench stands on: the line, the filter it was found with, whole page or fragment.

Everything works by links and forms. The script asks for the same addresses with the header X-Workbench, gets the
panel of one line alone, and puts it in place.
"""

import secrets
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.admin.base import ConsoleRequest, console_context, may_here
from billing.admin.working import REFUSED
from billing.office import clock
from billing.office.models.user import Mode
from payments.models import BankAccount
from reconciliation.models import EXPLAINED, Match, StatementLine
from reconciliation.rules.workbench import Suggestion
from reconciliation.selectors.workbench import STATES, Filter, accounts_of, read_filter, rows_of
from reconciliation.selectors.workbench_strip import strip_of
from reconciliation.selectors.workbench_suggestions import suggestions_for

MATCH, BY_HAND = "match_bank_lines", "match_by_hand"
WORKING = (Mode.MAKE, Mode.DO)
FRAGMENT = "X-Workbench"
LISTED = 100
SINCE = "workbench_since"
CONFLICT = 409


@dataclass(frozen=True)
class Listed:
    """The lines at the left, and what each may be."""

    lines: list[StatementLine]
    found: dict[int, list[Suggestion]]


def find_line(request: ConsoleRequest, pk: int) -> StatementLine:
    rows = StatementLine.objects.standing().filter(kind__in=EXPLAINED).select_related(
        "organization", "bank_account__organization", "statement", "looks_like", "work__owner"
    )  # fmt: skip
    return get_object_or_404(rows, pk=pk, organization=request.organization)


def find_match(request: ConsoleRequest, pk: int) -> Match:
    rows = Match.objects.select_related("line__bank_account__organization", "organization", "payment", "customer")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


def filter_of(request: ConsoleRequest, line: StatementLine | None = None) -> Filter | None:
    """The filter as the address or the form says it; of a line's own account. None while there is no account."""
    given = request.POST if request.method == "POST" and "account" in request.POST else request.GET
    if line is not None:
        return read_filter(line.bank_account, given)
    accounts, code = accounts_here(request), given.get("account", "")
    account = next((one for one in accounts if one.code == code), None)
    if account is None and code:
        raise Http404
    if not accounts:
        return None
    return read_filter(account or accounts[0], given)


def alone(request: ConsoleRequest) -> bool:
    """Whether the user may move money at the workbench without asking."""
    return may_here(request, MATCH, Mode.DO)


def is_fragment(request: ConsoleRequest) -> bool:
    return FRAGMENT in request.headers


def new_key() -> str:
    return secrets.token_hex(16)


def show(
    request: ConsoleRequest, panel: str, wanted: Filter | None, *, line: StatementLine | None = None, status: int = 200,
    listed: Listed | None = None, **context: Any,
) -> HttpResponse:  # fmt: skip
    """The panel of one line; around it, unless the script asked, the strip, the filter and the list."""
    now = clock.now()
    request.session.setdefault(SINCE, now.isoformat())
    common = {
        "panel": f"console/workbench/{panel}.html", "wanted": wanted, "line": line, "alone": alone(request), "now": now,
        "currency": wanted.account.currency if wanted else "", "today": request.organization.today(now),
        "strip": strip_of(wanted.account, now) if wanted else None, "request_key": new_key(), **context,
    }  # fmt: skip
    if is_fragment(request):
        return render(request, "console/workbench/fragment.html", common, status=status)
    if wanted is not None:
        shown = listed or list_lines(request, wanted)
        common |= {
            "rows": [(one, next(iter(shown.found.get(one.pk, ())), None)) for one in shown.lines],
            "states": STATES.items(), "accounts": accounts_here(request),
        }  # fmt: skip
    whole = console_context(request, _("Bank lines"), **common)
    return render(request, "console/workbench/page.html", whole, status=status)


def list_lines(request: ConsoleRequest, wanted: Filter, chosen: StatementLine | None = None) -> Listed:
    """The page's lines, with suggestions for them and for the chosen one. Five queries."""
    lines = list(rows_of(wanted, request.user).select_related("work__owner")[:LISTED])
    for line in lines:
        line.organization = request.organization
    others = [] if chosen is None or any(line.pk == chosen.pk for line in lines) else [chosen]
    return Listed(lines, suggestions_for([*lines, *others]))


def accounts_here(request: ConsoleRequest) -> list[BankAccount]:
    """One query a request."""
    if not hasattr(request, "_bank_accounts"):
        request._bank_accounts = accounts_of(request.organization)  # type: ignore[attr-defined]
    found: list[BankAccount] = request._bank_accounts  # type: ignore[attr-defined]
    return found


def address_of(wanted: Filter, pk: int | None) -> str:
    query = QueryDict(wanted.query, mutable=True)
    if pk is not None:
        query["line"] = str(pk)
    return f"{reverse('admin:workbench')}?{query.urlencode()}" + ("#wb-line" if pk else "")


def status_of(errors: object) -> int:
    return REFUSED if errors else 200
