"""The work list of timelines, and the timeline of one invoice (R72, requirements §3 row 19)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.invoice_page import find_invoice, waiting_for
from billing.admin.panels import panel
from billing.errors import Sentence
from billing.models import DunningCase, DunningPause, DunningStep, Invoice, LateFee
from billing.office import clock
from billing.office.models.user import Mode
from billing.rules.explaining import sentences
from billing.rules.timeline import Planned
from billing.rules.words_chasing import HOLDS, REASONS, step_words
from billing.selectors.chasing.files import EVENTS, CaseFile, cases_with, read_files
from billing.selectors.chasing.gate import standing_pauses
from billing.selectors.chasing.queues import TABS, Wanted, open_timelines, timeline_counts
from billing.selectors.chasing.tries import tries_of
from billing.selectors.regularity import collected_share
from billing.services.chasing.collections import COLLECT
from billing.services.chasing.waiving import WAIVE

PER_PAGE = 50
TAB_WORDS: dict[str, tuple[Sentence, Sentence]] = {
    "due": (
        gettext_lazy("to do now"), gettext_lazy("Nothing is due. The runs take the steps as their days come."),
    ),
    "held": (gettext_lazy("on hold"), gettext_lazy("Nothing is held back.")),
    "chased": (gettext_lazy("overdue"), gettext_lazy("Nothing is overdue.")),
    "upcoming": (gettext_lazy("not due yet"), gettext_lazy("No open invoice is still to fall due.")),
    "all": (
        gettext_lazy("all"), gettext_lazy("No open invoice is followed. The next run opens the timelines of new ones."),
    ),
}  # fmt: skip


@console_path("timelines/", "timelines", "see_receivables")
@require_GET
def timelines(request: ConsoleRequest) -> HttpResponse:
    """Open timelines by what comes next. Four queries."""
    today = request.organization.today(clock.now())
    counts = timeline_counts(request.organization, today)
    tab = request.GET.get("tab") or next((name for name in TABS if counts[name]), "all")
    if tab not in TABS:
        raise Http404
    wanted = _wanted(request)
    rows = open_timelines(request.organization, tab, wanted, today)
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = console_context(
        request, _("Timelines"), tab=tab, tabs=[(name, TAB_WORDS[name][0], counts[name]) for name in TABS],
        empty=TAB_WORDS[tab][1], rows=[_row(case, today) for case in page], page=page, wanted=wanted,
        holds=HOLDS, levels=range(0, 11), today=today, collected=collected_share(request.organization, today),
    )  # fmt: skip
    return render(request, "console/chasing/timelines.html", context)


def _wanted(request: ConsoleRequest) -> Wanted:
    held, level = request.GET.get("held", ""), request.GET.get("level", "")
    return Wanted(
        held=held if held in {"any", *HOLDS} else "",
        level=int(level) if level.isascii() and level.isdigit() and len(level) < 3 else -1,
        text=request.GET.get("q", "").strip()[:80].replace("\x00", ""),
    )


def _row(case: DunningCase, today: Any) -> dict[str, Any]:
    return {
        "case": case, "days": case.invoice.days_overdue(today),
        "next": step_words(case.next_step) if case.next_step else "",
        "held": HOLDS.get(case.held_because, case.held_because), "state": f"timeline.{case.state}",
    }  # fmt: skip


# One invoice


@dataclass(frozen=True)
class Told:
    """One step as the page shows it. look: its state in words_and_colours. step: what was done, None if to come."""

    words: str
    look: str
    on: Any
    planned_on: Any = None
    why: Sentence = ""
    step: DunningStep | None = None
    reasons: Sequence[Sentence] = ()

    @property
    def is_coming(self) -> bool:
        return self.step is None and self.look != "step.tried"


@console_path("timelines/<int:pk>/", "timeline", "see_receivables")
@require_GET
def timeline_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """What was done to get one invoice paid and what will come. pk: of the invoice. About twenty-five queries."""
    invoice, now = find_invoice(request, pk), clock.now()
    file = file_of(invoice, now)
    fees = list(LateFee.objects.filter(invoice=invoice).select_related("fee_invoice").order_by("id"))
    context = console_context(
        request, _("Timeline of {number}").format(number=invoice.number), invoice=invoice, file=file,
        today=request.organization.today(now), steps=with_tries(file, invoice, now), fees=[_fee(fee) for fee in fees],
        hold=hold_words(file), pauses=_pauses(file), days=invoice.days_overdue(request.organization.today(now)),
        next_words=step_words(file.next.code) if file and file.next else "",
        may_chase=may_here(request, COLLECT, Mode.DO) and bool(file) and bool(invoice.open_amount),
        may_waive=may_here(request, WAIVE, *ASKING),
        may_skip=bool(file and file.next and file.next.kind != "late_fee"),
        waiting=waiting_for(request, [f"late_fee:{fee.pk}" for fee in fees]),
    )  # fmt: skip
    return render(request, "console/chasing/timeline.html", context)


def find_case(request: ConsoleRequest, pk: int) -> DunningCase:
    """The timeline of an invoice of the organization worked in, or 404."""
    rows = cases_with(DunningCase.objects.filter(organization=request.organization))
    return get_object_or_404(rows, invoice=pk)


def file_of(invoice: Invoice, now: Any) -> CaseFile | None:
    """The timeline of an invoice as it is now, if it was opened yet."""
    cases = list(cases_with(DunningCase.objects.filter(invoice=invoice)))
    if not cases:
        return None
    today = invoice.organization.today(now)
    return read_files(invoice.organization, cases, today, now)[cases[0].pk]


def told(file: CaseFile) -> list[Told]:
    """Everything that was done, all rounds, in its order; then what is to come."""
    done = [
        Told(
            step_words(step.step), "step.done" if step.step in EVENTS else f"step.{step.outcome}", step.taken_on,
            step.planned_on if step.planned_on != step.taken_on else None, REASONS.get(step.why, step.why), step,
        )
        for step in file.history
    ]  # fmt: skip
    return done + [_coming(step, file) for step in file.steps if step.taken is None]


def with_tries(file: CaseFile | None, invoice: Invoice, now: Any) -> list[Told]:
    """The timeline with the charges of the invoice between its steps: one object, so that no two clocks contradict."""
    tries = [
        Told(
            str(one.words), "step.coming" if one.is_coming else "step.tried", one.on, why=one.by, reasons=one.why
        )
        for one in tries_of(invoice, now)
    ]  # fmt: skip
    return sorted([*(told(file) if file else ()), *tries], key=lambda one: (one.is_coming, one.on))


def _coming(step: Planned, file: CaseFile) -> Told:
    """A step whose day has passed waits for what holds it, or for the next run."""
    if step.on > file.today:
        return Told(step_words(step.code), "step.coming", step.on)
    skipped = {one.code: why for one, why in file.due.skip}
    if step.code in skipped:
        return Told(step_words(step.code), "step.skipped", step.on, why=REASONS[skipped[step.code]])
    return Told(step_words(step.code), "timeline.held" if file.hold else "step.coming", step.on, why=hold_words(file))


def hold_words(file: CaseFile | None) -> Sentence:
    return HOLDS.get(file.hold.code, file.hold.code) if file is not None and file.hold is not None else ""


def _pauses(file: CaseFile | None) -> Sequence[DunningPause]:
    if file is None:
        return []
    pauses = standing_pauses([file.case.customer_id], file.today)
    return [pause for pause in pauses if pause.invoice_id in (None, file.case.invoice_id)]


def _fee(fee: LateFee) -> dict[str, Any]:
    return {"fee": fee, "how": sentences(fee.derivation, fee.currency)}


@panel("invoice", "console/chasing/of_invoice.html", order=15)
def _of_invoice(request: ConsoleRequest, invoice: Invoice) -> dict[str, Any] | None:
    """Where the invoice stands on its timeline. One query."""
    case = DunningCase.objects.filter(invoice=invoice).first()
    if case is None:
        return None
    words = step_words(case.next_step) if case.next_step else ""
    return {"case": case, "next": words, "held": HOLDS.get(case.held_because, ""), "state": f"timeline.{case.state}"}
