"""What is done to a dispute: lines of its file, ticks, who looks after it, the answer (R107, R108)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import BadInput, Sentence
from billing.inputs import parse_day
from billing.money import format_money
from billing.office import clock
from billing.office.access import people_who
from billing.office.models import User
from billing.office.models.user import Mode
from payments.admin.dispute_lines import LINES, WORKING
from payments.admin.dispute_pages import find_dispute, show_dispute
from payments.models import Dispute, DisputeEvent
from payments.services import dispute_care, dispute_work
from payments.services.dispute_care import WORK
from payments.services.dispute_steps import tick_step


@console_path("disputes/<int:pk>/add/<slug:key>/", "dispute_add", WORK, *WORKING)
@require_POST
def add(request: ConsoleRequest, pk: int, key: str) -> HttpResponse:
    """Add a line to the file."""
    dispute = find_dispute(request, pk)
    line = LINES.get(key)
    if line is None:
        return show_dispute(request, dispute)
    form = Form(line.fields()).read(request.POST, request.FILES)
    now = clock.now()
    done, _made = attempt(form, lambda: line.work(request, dispute, form, now))
    if done:
        return back_to(request, "dispute", pk, line.done, "events")
    return show_dispute(request, dispute, form, key)


@console_path("disputes/<int:pk>/tick/<slug:key>/", "dispute_tick", WORK, *WORKING)
@require_POST
def tick(request: ConsoleRequest, pk: int, key: str) -> HttpResponse:
    """Tick a step of the checklist, or say why it does not apply."""
    dispute = find_dispute(request, pk)
    form = Form([], hidden={"reference": "", "applies": ""}).read(request.POST)
    done, _step = attempt(
        form,
        lambda: tick_step(
            dispute=dispute, key=key, reference=form.typed("reference"), applies=form.typed("applies") != "no",
            now=clock.now(), by=request.user,
        ),
    )  # fmt: skip
    if done:
        return back_to(request, "dispute", pk, _("Ticked."), f"step-{key}")
    return show_dispute(request, dispute, form, f"step:{key}")


@console_path("disputes/<int:pk>/done/<int:event>/", "dispute_done", WORK, *WORKING)
@require_POST
def done(request: ConsoleRequest, pk: int, event: int) -> HttpResponse:
    """Tick a follow-up as done."""
    dispute = find_dispute(request, pk)
    found = get_object_or_404(DisputeEvent, pk=event, dispute=dispute)
    form = Form([])
    finished, _event = attempt(
        form, lambda: dispute_work.finish_follow_up(event=found, now=clock.now(), by=request.user)
    )
    return back_to(request, "dispute", pk, _("Done.")) if finished else show_dispute(request, dispute, form)


# Deeds with a page of their own


@dataclass(frozen=True)
class Page:
    """title: with {number}."""

    title: Sentence
    button: Sentence
    fields: list[Field]
    work: Callable[[Form], Any]
    done: Sentence
    effect: Sentence


def _deed(request: ConsoleRequest, dispute: Dispute, page: Page) -> HttpResponse:
    form = Form([replace(item) for item in page.fields])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason") or form.typed("note"))
        finished, _result = attempt(form, lambda: page.work(form))
        if finished:
            return back_to(request, "dispute", dispute.pk, page.done)
    facts = [
        (_("Contested"), format_money(dispute.amount, dispute.currency)), (_("Customer"), dispute.customer),
        (_("What it does"), page.effect),
    ]  # fmt: skip
    return show_form(
        request, form, title=str(page.title).format(number=dispute.number), button=page.button, facts=facts,
        back=reverse("admin:dispute", args=[dispute.pk]),
    )  # fmt: skip


@console_path("disputes/<int:pk>/answer/", "dispute_answer", WORK, Mode.DO)
@require_http_methods(["GET", "POST"])
def answer(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The answer went out, with its evidence."""
    dispute = find_dispute(request, pk)
    now = clock.now()
    today = request.organization.today(now)
    none = gettext_lazy("Only where the file holds no evidence.")
    fields = [
        Field("sent_on", gettext_lazy("Sent on"), "date", value=today.isoformat()),
        Field("note", gettext_lazy("How it was sent, their confirmation"), "area"),
        Field("reason_without", gettext_lazy("Why no evidence is sent"), "area", required=False, help=none),
    ]
    return _deed(request, dispute, Page(
        gettext_lazy("Answer of {number}"), gettext_lazy("The answer was sent"), fields,
        lambda form: dispute_work.answer_dispute(
            dispute=dispute, sent_on=parse_day(form.typed("sent_on"), field="sent_on"), note=form.typed("note"),
            reason_without=form.typed("reason_without"), now=now, by=request.user,
        ),
        gettext_lazy("The answer is noted."), gettext_lazy("The deadline is met; the other side decides next."),
    ))  # fmt: skip


@console_path("disputes/<int:pk>/escalate/", "dispute_escalate", WORK, *WORKING)
@require_http_methods(["GET", "POST"])
def escalate(request: ConsoleRequest, pk: int) -> HttpResponse:
    dispute = find_dispute(request, pk)
    return _deed(request, dispute, Page(
        gettext_lazy("Escalate {number}"), gettext_lazy("Bring it before the managers"),
        [Field("reason", gettext_lazy("Reason"), "area")],
        lambda form: dispute_care.escalate_dispute(
            dispute=dispute, reason=form.typed("reason"), now=clock.now(), by=request.user
        ),
        gettext_lazy("The managers are told."), gettext_lazy("The managers get a message; the file is marked."),
    ))  # fmt: skip


@console_path("disputes/<int:pk>/assign/", "dispute_assign", WORK, Mode.DO)
@require_http_methods(["GET", "POST"])
def assign(request: ConsoleRequest, pk: int) -> HttpResponse:
    dispute = find_dispute(request, pk)
    people = {user.pk: user for mode in WORKING for user in people_who(request.organization, WORK, mode)}
    choices: list[tuple[str, Sentence]] = [
        ("", gettext_lazy("nobody")),
        *((str(key), str(user)) for key, user in sorted(people.items())),
    ]
    now_owner = str(dispute.assigned_to_id or "")

    def work(form: Form) -> Dispute:
        owner = _chosen(people, form.typed("owner"))
        return dispute_care.assign_dispute(dispute=dispute, owner=owner, now=clock.now(), by=request.user)

    return _deed(request, dispute, Page(
        gettext_lazy("Owner of {number}"), gettext_lazy("Give it to them"),
        [Field("owner", gettext_lazy("Owner"), "select", value=now_owner, choices=choices, required=False)],
        work, gettext_lazy("The owner is noted."), gettext_lazy("It is on their list of disputes."),
    ))  # fmt: skip


def _chosen(people: dict[int, User], typed: str) -> User | None:
    if not typed:
        return None
    owner = people.get(int(typed)) if typed.isascii() and typed.isdigit() and len(typed) < 19 else None
    if owner is None:
        raise BadInput(_("Choose one of the people who work on disputes."), field="owner", code="unknown_choice")
    return owner


@console_path("disputes/<int:pk>/deadline/", "dispute_deadline", WORK, Mode.DO)
@require_http_methods(["GET", "POST"])
def deadline(request: ConsoleRequest, pk: int) -> HttpResponse:
    dispute = find_dispute(request, pk)
    return _deed(request, dispute, Page(
        gettext_lazy("Deadline of {number}"), gettext_lazy("Move the deadline"),
        [
            Field("deadline_on", gettext_lazy("Answer by"), "date", value=dispute.deadline_on.isoformat()),
            Field("reason", gettext_lazy("Who gave this day, and why"), "area"),
        ],
        lambda form: dispute_care.move_deadline(
            dispute=dispute, deadline_on=parse_day(form.typed("deadline_on"), field="deadline_on"),
            reason=form.typed("reason"), now=clock.now(), by=request.user,
        ),
        gettext_lazy("The deadline is moved."), gettext_lazy("The queue and its warnings follow the new day."),
    ))  # fmt: skip
