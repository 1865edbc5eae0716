"""Collection cases: the queue, one case, the list for an agency (R134, R136)."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import Field, Form
from billing.errors import Sentence
from billing.models import CollectionCase
from billing.models.dunning import CollectionState, NoteKind
from billing.office import clock
from billing.office.models import Grant, User
from billing.office.models.user import Mode
from billing.selectors.chasing.queues import agencies, collection_counts, collection_queue
from billing.services.chasing.agency import agency_list
from billing.services.chasing.collecting import open_amount_of
from billing.services.chasing.collections import COLLECT, OUTCOMES

PER_PAGE = 50
TAB_WORDS: dict[str, tuple[Sentence, Sentence]] = {
    CollectionState.OPEN: (
        pgettext_lazy("collection", "open"),
        gettext_lazy(
            "No case is open. The timeline opens one when an invoice is overdue for as long as the setting"
            " dunning.collections_days says; on a customer's page one is opened by hand."
        ),
    ),
    CollectionState.AGENCY: (
        gettext_lazy("with the agency"), gettext_lazy("No case is with an agency. Hand one over on its page."),
    ),
    CollectionState.CLOSED: (gettext_lazy("closed"), gettext_lazy("No case was closed yet.")),
}  # fmt: skip


@console_path("collections/", "collections", COLLECT)
@require_GET
def collections(request: ConsoleRequest) -> HttpResponse:
    """Collection cases of one state. Four queries."""
    counts = collection_counts(request.organization)
    tab = request.GET.get("tab") or next((name for name in TAB_WORDS if counts[name]), CollectionState.OPEN)
    if tab not in TAB_WORDS:
        raise Http404
    page = Paginator(collection_queue(request.organization, tab), PER_PAGE).get_page(request.GET.get("page"))
    context = console_context(
        request, _("Collections"), tab=tab, tabs=[(name, words[0], counts[name]) for name, words in TAB_WORDS.items()],
        empty=TAB_WORDS[tab][1], page=page, rows=list(page), agencies=agencies(request.organization),
        may_collect=may_here(request, COLLECT, Mode.DO), outcomes=OUTCOMES,
    )  # fmt: skip
    return render(request, "console/chasing/collections.html", context)


def find_collection(request: ConsoleRequest, pk: int) -> CollectionCase:
    """The case of the organization worked in, or 404."""
    rows = CollectionCase.objects.select_related("customer", "customer__organization", "collector", "organization")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("collections/<int:pk>/", "collection", COLLECT)
@require_GET
def collection_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One case: what is owed, who works on it, what was done. Seven queries."""
    case = find_collection(request, pk)
    context = console_context(
        request, _("Collection case {number}").format(number=case.number), case=case,
        left=open_amount_of(case), invoices=list(case.invoices.order_by("due_on", "id")),
        notes=list(case.notes.select_related("made_by")), outcome=OUTCOMES.get(case.outcome, ""),
        today=request.organization.today(clock.now()), state_key=f"collection.{case.state}",
        may_work=may_here(request, COLLECT, Mode.DO) and case.state != CollectionState.CLOSED,
        note_form=note_form(), assign_form=assign_form(request, case),
    )  # fmt: skip
    return render(request, "console/chasing/collection.html", context)


def note_form() -> Form:
    kinds = [(kind.value, kind.label) for kind in NoteKind if kind != NoteKind.STATUS]
    return Form(
        [
            Field("kind", gettext_lazy("What was done"), "select", value=NoteKind.CALL, choices=kinds),
            Field("text", gettext_lazy("What came of it"), "area"),
        ]
    )


def assign_form(request: ConsoleRequest, case: CollectionCase) -> Form:
    people = [(str(user.pk), str(user)) for user in collectors(request)]
    value = str(case.collector_id or "")
    return Form([Field("collector", gettext_lazy("Collector"), "select", value=value, choices=people)])


def collectors(request: ConsoleRequest) -> Any:
    """Who may work on collections here. One query."""
    roles = Grant.objects.filter(action=COLLECT, mode=Mode.DO).values("role")
    people = User.objects.filter(
        is_active=True, memberships__organization=request.organization, memberships__withdrawn_at__isnull=True,
        memberships__role__in=roles,
    )  # fmt: skip
    return people.distinct().order_by("username")


def hand_over_form(case: CollectionCase) -> Form:
    return Form(
        [
            Field("agency", gettext_lazy("Agency"), value=case.agency, longest=80),
            Field("reference", gettext_lazy("Its number for the case"), required=False, longest=60),
        ]
    )


def close_form() -> Form:
    return Form([Field("outcome", gettext_lazy("What came of it"), "select", choices=list(OUTCOMES.items()))])


@console_path("collections/agency.csv", "collections_list", COLLECT)
@require_GET
def agency_csv(request: ConsoleRequest) -> HttpResponse:
    """The list for one agency; asked for again it is the same list."""
    agency = request.GET.get("agency", "").replace("\x00", "")[:80]
    if agency not in agencies(request.organization):
        raise Http404
    answer = HttpResponse(agency_list(request.organization, agency), content_type="text/csv; charset=utf-8")
    day = request.organization.today(clock.now())
    answer["Content-Disposition"] = f'attachment; filename="collections-{request.organization.code}-{day}.csv"'
    return answer
