"""The right side of the workbench: one bank line, what it may be and why, and what may be done with it."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from billing.admin.base import ConsoleRequest
from billing.errors import DomainError
from billing.office import clock
from reconciliation.admin.workbench_desk import (
    address_of,
    alone,
    find_line,
    is_fragment,
    list_lines,
    show,
)
from reconciliation.models import Direction, Match, PayerQuestion, StatementLine
from reconciliation.rules.workbench import Suggestion
from reconciliation.rules.workbench_differences import beside
from reconciliation.rules.workbench_text import mark_text
from reconciliation.selectors.workbench import Filter, next_after, rows_of
from reconciliation.selectors.workbench_effects import history_of
from reconciliation.selectors.workbench_finding import Record, in_the_books
from reconciliation.selectors.workbench_suggestions import suggestions_for, why_not
from reconciliation.services.workbench_verbs import VERBS

SHOWN = 5


def show_line(
    request: ConsoleRequest, wanted: Filter, line: StatementLine | None, *, said: str = "", done: int | None = None,
    refusal: DomainError | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    """The workbench at one line. done: the key of the line that was worked last, off the list with it."""
    context: dict[str, Any] = {"said": said, "done": done, "refusal": refusal}
    listed = None if is_fragment(request) else list_lines(request, wanted, line)
    if line is not None:
        found = listed.found if listed is not None else suggestions_for([line])
        context |= line_context(request, line, found.get(line.pk, []))
    return show(request, "line", wanted, line=line, status=status, listed=listed, **context)


def line_context(request: ConsoleRequest, line: StatementLine, suggested: Sequence[Suggestion]) -> dict[str, Any]:
    """Six or seven queries for a line that is open, two for one that is explained."""
    history = history_of(line)
    context: dict[str, Any] = {
        "standing": [match for match in history if match.undone_at is None], "history": history,
        "work": getattr(line, "work", None),
        "questions": list(PayerQuestion.objects.filter(line=line).select_related("customer").order_by("-pk")),
        "pieces": mark_text(line.text, []), "age": _age(request, line),
    }  # fmt: skip
    if not line.open_amount:
        return context
    found = suggested[:SHOWN]
    records = in_the_books(line)
    return context | {
        "suggestions": [_shown(request, line, one, n) for n, one in enumerate(found)],
        "records": _besides(records, found), "pieces": mark_text(line.text, _known(line, found, records)),
        "why_not": [] if found else why_not(line), "seen": f"{line.open_amount:f}",
        "is_in": line.direction == Direction.IN,
    }  # fmt: skip


def _shown(request: ConsoleRequest, line: StatementLine, one: Suggestion, n: int) -> dict[str, Any]:
    party = line.ultimate_party or line.party_name
    return {
        "n": n, "it": one, "may": may_accept(request, one), "label": VERBS[one.verb].label,
        "beside": beside(one, amount=line.open_amount, currency=line.currency, party=party),
        "percent": int(one.score * 100),
    }  # fmt: skip


def may_accept(request: ConsoleRequest, suggestion: Suggestion) -> bool:
    """A clerk accepts what would be matched without a person too; the rest is asked of a supervisor."""
    return alone(request) or suggestion.is_sure or not VERBS[suggestion.verb].by_hand


def _besides(records: Sequence[Record], found: Sequence[Suggestion]) -> list[Record]:
    """What fits to the cent and is not suggested already."""
    told = {(one.verb, one.typed.get("record") or one.typed.get("other")) for one in found}
    return [row for row in records if not row.difference and (row.verb, row.key) not in told][:SHOWN]


def _known(line: StatementLine, found: Sequence[Suggestion], records: Sequence[Record]) -> list[tuple[str, str]]:
    """What is to be marked in the text, the weightier first."""
    numbers = [(share.number, "number") for one in found for share in one.shares]
    numbers += [(row.number, "number") for row in records if row.verb == "record"]
    names = [(one.name, "name") for one in found if one.name] + [(one.code, "name") for one in found if one.code]
    figures = [(f"{line.amount:.2f}", "amount")]
    return [*numbers, *names, *figures]


def _age(request: ConsoleRequest, line: StatementLine) -> int:
    return max(0, (request.organization.today(clock.now()) - line.booked_on).days)


def onward(
    request: ConsoleRequest, wanted: Filter, line: StatementLine, sentence: object, status: int = 200
) -> HttpResponse:
    """After a deed: the next line that is to be explained, with what was done said above it."""
    fresh = find_line(request, line.pk)
    following = fresh if fresh.open_amount else next_after(rows_of(wanted, request.user), line)
    if is_fragment(request):
        shown = find_line(request, following.pk) if following else None
        done = None if fresh.open_amount else line.pk
        return show_line(request, wanted, shown, said=str(sentence), done=done, status=status)
    messages.success(request, str(sentence))
    return HttpResponseRedirect(address_of(wanted, following.pk if following else None))


def quicker_words(line: StatementLine) -> str:
    """What became of a line that somebody else worked meanwhile. One query."""
    last = Match.objects.filter(line=line, undone_at__isnull=True).select_related("made_by").order_by("-pk").first()
    if last is None:
        return _("This line was changed meanwhile; nothing was done. Look at it once more.")
    who = last.made_by.username if last.made_by else _("the system")
    at = last.made_at.astimezone(line.organization.zone)
    sentence = _("Somebody was quicker: {who} explained this line as {what} at {time}. Nothing was done twice.")
    return sentence.format(who=who, what=last.get_kind_display(), time=f"{at:%H:%M}")
