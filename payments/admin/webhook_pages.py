"""The inbox of processors at the console: what was told, what came of it, what waits for a person (R182)."""

from datetime import timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why
from billing.errors import Sentence
from billing.office import clock
from billing.office.models.user import Mode
from payments.models import WebhookEvent
from payments.models.webhook import EventState
from payments.selectors.webhooks import TABS, attempts_named, counts_of, events_of, refused_calls
from payments.services import inbox

PER_PAGE = 50
REFUSED_DAYS = 30
# Each tab with its words and what an empty one says.
WORDS: dict[str, tuple[Sentence, Sentence]] = {
    "person": (gettext_lazy("for a person"), gettext_lazy("Everything that was told could be worked on.")),
    "waiting": (gettext_lazy("to work on"), gettext_lazy("Nothing waits to be worked on.")),
    "done": (gettext_lazy("worked on"), gettext_lazy("No processor has told anything yet. Its webhook must be set.")),
    "ignored": (gettext_lazy("not acted on"), gettext_lazy("Nothing was told that means nothing here.")),
}
HIDDEN = ("update", "items")


@console_path("webhooks/", "webhooks", "tend_webhooks")
@require_GET
def webhooks(request: ConsoleRequest) -> HttpResponse:
    """One tab of the inbox; without ?tab the first that has something. Four queries."""
    rows = events_of(request.organization)
    counts, now = counts_of(rows), clock.now()
    tab = request.GET.get("tab") or next((name for name in WORDS if counts[name]), "done")
    if tab not in TABS:
        raise Http404
    page = Paginator(rows.filter(TABS[tab]).order_by("-received_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    context = console_context(
        request, _("Webhooks"), tab=tab, page=page, now=now, empty=WORDS[tab][1],
        refused=refused_calls(request.organization, now.date() - timedelta(days=REFUSED_DAYS)), days=REFUSED_DAYS,
        tabs=[(name, words, counts[name]) for name, (words, _empty) in WORDS.items()],
    )  # fmt: skip
    return render(request, "console/webhook/list.html", context)


def find_event(request: ConsoleRequest, pk: int) -> WebhookEvent:
    """What was told to the organization worked in, or 404."""
    return get_object_or_404(events_of(request.organization), pk=pk)


@console_path("webhooks/<int:pk>/", "webhook", "tend_webhooks")
@require_GET
def webhook(request: ConsoleRequest, pk: int) -> HttpResponse:
    return _page(request, find_event(request, pk))


def _page(request: ConsoleRequest, event: WebhookEvent, form: Form | None = None) -> HttpResponse:
    is_open = event.state != EventState.PROCESSED
    context = console_context(
        request, event.name, event=event, form=form or _reason(), facts=_shown(event),
        attempts=attempts_named(event, request.organization),
        may_tend=is_open and may_here(request, "tend_webhooks", Mode.DO),
    )  # fmt: skip
    refused = form is not None and bool(form.errors)
    return render(request, "console/webhook/page.html", context, status=REFUSED if refused else 200)


def _shown(event: WebhookEvent) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in sorted(event.facts.items()) if name not in HIDDEN and value != ""]


def _reason() -> Form:
    return Form([Field("reason", gettext_lazy("Why nothing follows from it"), longest=120)])


@console_path("webhooks/<int:pk>/replay/", "webhook_replay", "tend_webhooks", Mode.DO)
@require_POST
def replay(request: ConsoleRequest, pk: int) -> HttpResponse:
    event, form = find_event(request, pk), Form([])
    done, _made = attempt(form, lambda: inbox.replay(event=event, now=clock.now()))
    if done:
        return back_to(request, "webhook", pk, _("It is worked on again within a minute."))
    return _page(request, find_event(request, pk), form)


@console_path("webhooks/<int:pk>/set-aside/", "webhook_set_aside", "tend_webhooks", Mode.DO)
@require_POST
def set_aside(request: ConsoleRequest, pk: int) -> HttpResponse:
    event, form = find_event(request, pk), _reason().read(request.POST)
    reason = form.typed("reason")
    say_why(request, reason)
    done, _made = attempt(form, lambda: inbox.set_aside(event=event, reason=reason, now=clock.now(), by=request.user))
    if done:
        return back_to(request, "webhook", pk, _("It is set aside."))
    return _page(request, find_event(request, pk), form)
