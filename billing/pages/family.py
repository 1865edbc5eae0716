"""The family's page: every child at every school, what is owed, what comes next and why."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_GET

from billing.errors import Sentence
from billing.models import InvoiceLine
from billing.office import clock
from billing.office.access import staff_organizations
from billing.office.models import User
from billing.rules.explaining import sentences
from billing.rules.priced import PricedLine
from billing.selectors.family import Child, Owed, Period, Running, School, fill, schools_of, totals

# A state in a parent's words, with a shape beside it so that colour alone says nothing.
STATES: Mapping[str, tuple[Sentence, str, str]] = {
    "planned": (pgettext_lazy("instalment", "to come"), "○", "info"),
    "billed": (pgettext_lazy("instalment", "to pay"), "◐", "info"),
    "part_paid": (_("part-paid"), "◐", "info"),
    "paid": (_("paid"), "●", "good"),
    "overdue": (_("overdue"), "▲", "bad"),
    "in_grace": (pgettext_lazy("instalment", "late, still in time"), "▲", "warn"),
    "skipped": (_("not charged"), "–", "quiet"),
}
TROUBLES: Mapping[str, Sentence] = {
    "paused": _("This rests at the moment."),
    "suspended": _("This is suspended because something is unpaid. It goes on when what is owed is paid."),
    "lapsed": _("This policy has lapsed. The office tells you what it takes to revive it."),
}


@require_GET
@login_required
def family(request: HttpRequest) -> HttpResponse:
    """Own accounts alone, whatever is asked for: ?school= leaves one of them, anything else does not exist."""
    assert isinstance(request.user, User)
    schools = schools_of(request.user, clock.now())
    chosen = request.GET.get("school", "")
    shown = [school for school in schools if school.organization.code == chosen] if chosen else schools
    if chosen and not shown:
        raise Http404
    if shown:
        fill(shown)
    context = {
        "schools": [_school(school) for school in shown], "all_schools": [school.organization for school in schools],
        "chosen": chosen, "totals": totals(shown), "name": str(request.user),
        "is_staff": not schools and any(staff_organizations(request.user)),
    }  # fmt: skip
    return render(request, "pages/family.html", context)


def _school(school: School) -> dict[str, Any]:
    return {
        "organization": school.organization,
        "sums": sorted(school.sums.values(), key=lambda sums: sums.currency),
        "owed": [_owed(row) for row in school.owed],
        "children": [_child(child) for child in school.children],
    }


def _owed(row: Owed) -> dict[str, Any]:
    currency = row.invoice.currency
    lines = [(line.description, line.net_amount + line.tax_amount, _why(line, currency)) for line in row.lines]
    return {"invoice": row.invoice, "days": row.days_overdue, "child": row.child, "lines": lines}


def _why(line: InvoiceLine, currency: str) -> Sequence[str]:
    """In the reader's language where it was derived, else as it was written."""
    if line.derivation:
        return sentences(line.derivation, currency)
    return [line.explanation] if line.explanation else []


def _child(child: Child) -> dict[str, Any]:
    return {"student": child.student, "agreements": [_running(running) for running in child.agreements]}


def _running(running: Running) -> dict[str, Any]:
    agreement = running.agreement
    return {
        "agreement": agreement, "may_choose": running.may_choose, "trouble": TROUBLES.get(agreement.state, ""),
        "coming": _period(running.coming, agreement.currency) if running.coming else None,
        "periods": [_period(period, agreement.currency) for period in running.periods],
    }  # fmt: skip


def _period(period: Period, currency: str) -> dict[str, Any]:
    word, shape, tone = STATES[period.state]
    return {
        "period": period, "word": word, "shape": shape, "tone": tone,
        "lines": [priced(line, currency) for line in period.lines],
    }  # fmt: skip


def priced(line: PricedLine, currency: str) -> tuple[str, Any, Sequence[str]]:
    return line.text, line.total, sentences(line.steps, currency)
