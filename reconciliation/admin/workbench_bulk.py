"""Several suggestions accepted at once, each in a transaction of its own, told line by line."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.errors import DomainError
from billing.money import ZERO, format_money
from reconciliation.admin.workbench_deeds import take_up
from reconciliation.admin.workbench_desk import LISTED, MATCH, WORKING, address_of, filter_of, find_line
from reconciliation.admin.workbench_line import quicker_words
from reconciliation.models import StatementLine
from reconciliation.services.matching import AlreadyExplained
from reconciliation.services.working_lines import DoneBefore, Quicker


@console_path("bank-lines/accept/", "bank_lines_accept", MATCH, *WORKING)
@require_POST
def accept_many(request: ConsoleRequest) -> HttpResponse:
    """pick: the key of a line and the digest of what was suggested for it, with a colon. At most a page of them."""
    wanted = filter_of(request)
    key = request.POST.get("request_key", "")
    picks = [_picked(request, pick) for pick in request.POST.getlist("pick")[:LISTED]]
    results = [_one(request, line, digest, key) for line, digest in picks]
    done = [row for row in results if row["done"]]
    whole = sum((row["line"].open_amount for row in done), ZERO)
    currency = wanted.account.currency if wanted else request.organization.currency
    words = ngettext("{n} line matched, {amount}.", "{n} lines matched, {amount}.", len(done))
    context = console_context(
        request, _("Matched together"), results=results, wanted=wanted, currency=currency,
        told=words.format(n=len(done), amount=format_money(whole, currency)),
        failed=len(results) - len(done), back=address_of(wanted, None) if wanted else "",
    )  # fmt: skip
    return render(request, "console/workbench/together.html", context)


def _picked(request: ConsoleRequest, pick: str) -> tuple[StatementLine, str]:
    """Raises Http404, before anything is done."""
    text, _colon, digest = pick.partition(":")
    return find_line(request, int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0), digest


def _one(request: ConsoleRequest, line: StatementLine, digest: str, key: str) -> dict[str, Any]:
    """A line with what became of it."""
    try:
        _suggestion, words = take_up(request, line, digest, f"{key}:{line.pk}", f"{line.open_amount:f}")
    except DoneBefore as refusal:
        return {"line": line, "done": False, "words": str(refusal)}
    except (Quicker, AlreadyExplained):
        return {"line": line, "done": False, "words": quicker_words(line)}
    except DomainError as refusal:
        return {"line": line, "done": False, "words": str(refusal)}
    return {"line": line, "done": True, "words": words}
