"""The approvals inbox: what waits for my decision, what I asked for, what was decided lately (invariant 37)."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, modes_of
from billing.admin.columns import screen_url
from billing.admin.deeds import Deed, find_deed, title_of
from billing.admin.facts import changes, readable
from billing.admin.working import REFUSED, Field, Form, attempt, say_why
from billing.errors import DomainError, Sentence
from billing.money import parse_amount
from billing.office import approvals, clock
from billing.office.access import READING
from billing.office.models import ApprovalRequest
from billing.office.models.approval import ApprovalState
from billing.office.models.user import Mode
from billing.services.locking import lock_customers

LATELY = timedelta(days=30)
MOST = 100


class AmountDiffers(DomainError):
    code = "amount_differs"
    sentence = gettext_lazy(
        "This is not the amount that was recorded. Nothing was decided; check the paper and reject if it differs."
    )


@console_path("approvals/", "approvals", "")
@require_http_methods(["GET"])
def inbox(request: ConsoleRequest) -> HttpResponse:
    """Three lists. Seven queries."""
    now = clock.now()
    modes = modes_of(request)
    mine = [action for action, held in modes.items() if Mode.CHECK in held]
    known = [action for action, held in modes.items() if held & READING]
    rows = _requests(request)
    waiting = rows.filter(state=ApprovalState.REQUESTED, expires_at__gt=now, action__in=mine)
    context = console_context(
        request, _("Approvals"), now=now,
        waiting=_listed(waiting.exclude(requested_by=request.user).order_by("requested_at"), now),
        asked=_listed(rows.filter(requested_by=request.user).order_by("-requested_at")[:MOST], now),
        decided=_listed(
            rows.filter(action__in=known, decided_at__gte=now - LATELY).order_by("-decided_at")[:MOST], now
        ),
    )  # fmt: skip
    return render(request, "console/approvals/inbox.html", context)


@console_path("approvals/<int:pk>/", "approval", "")
@require_http_methods(["GET", "POST"])
def detail(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Exactly what is to be approved; approving carries it out in the same transaction."""
    asked = get_object_or_404(_requests(request), pk=pk)
    held = modes_of(request).get(asked.action, frozenset())
    if asked.requested_by_id != request.user.pk and not held & READING:
        raise PermissionDenied
    now = clock.now()
    form = _form(find_deed(asked))
    if request.method == "POST":
        if Mode.CHECK not in held and asked.requested_by_id != request.user.pk:
            raise PermissionDenied
        done = _decide(request, asked, form.read(request.POST), now)
        if done is not None:
            messages.success(request, str(done))
            return HttpResponseRedirect(reverse("admin:approval", args=[pk]))
        asked = get_object_or_404(_requests(request), pk=pk)
    return _page(request, asked, form, now, held)


def _decide(request: ConsoleRequest, asked: ApprovalRequest, form: Form, now: datetime) -> Sentence | None:
    approve = request.POST.get("decision") == "approve"
    shown_hash, deed = request.POST.get("shown_hash", ""), find_deed(asked)

    def work() -> Sentence:
        if deed is not None and deed.customer is not None:
            keys = deed.customer(asked)
            lock_customers(request.organization, [keys] if isinstance(keys, int) else keys or [])
        decided = approvals.decide(
            request=asked, approve=approve, shown_hash=shown_hash, by=request.user, now=now, reason=form.typed("reason")
        )
        if not approve:
            if deed is not None and deed.refused is not None:
                deed.refused(decided, request.user, now)
            return gettext_lazy("Rejected. Nothing was changed; whoever asked can read why.")
        if deed is None:
            return gettext_lazy("Approved.")
        if deed.retype:
            _check_typed(decided, form.typed("typed_amount"))
        return deed.carry_out(decided, request.user, now) or gettext_lazy("Approved and carried out.")

    say_why(request, asked.reason if approve else form.typed("reason"))
    _done, sentence = attempt(form, work)
    return sentence


def _check_typed(asked: ApprovalRequest, typed: str) -> None:
    """The blind second key: the checker's own reading of the amount must agree with the maker's."""
    amount = parse_amount(typed, asked.currency, field="typed_amount")
    if amount != asked.amount:
        raise AmountDiffers(field="typed_amount")


def _form(deed: Deed | None) -> Form:
    fields = [Field("reason", gettext_lazy("Reason of the decision (needed to reject)"), "area", required=False)]
    if deed is not None and deed.retype:
        hint = gettext_lazy("Read it from the slip, the cheque or the bank's line; it is not shown here on purpose.")
        fields.insert(0, Field("typed_amount", gettext_lazy("Amount, typed anew"), "amount", help=hint))
    return Form(fields)


def _page(
    request: ConsoleRequest, asked: ApprovalRequest, form: Form, now: datetime, held: frozenset[str]
) -> HttpResponse:
    deed = find_deed(asked)
    waits = asked.state == ApprovalState.REQUESTED and asked.expires_at > now
    checker = Mode.CHECK in held and asked.requested_by_id != request.user.pk
    blind = bool(deed and deed.retype and asked.state == ApprovalState.REQUESTED and Mode.CHECK in held)
    trouble, moved = _moved(asked, deed) if waits else (None, [])
    context = console_context(
        request, _("Approval"), asked=asked, form=form, now=now, deed=deed, blind=blind, state=_state(asked, now),
        rows=readable(asked.shown, frozenset({"amount"}) if blind else frozenset()), moved=moved, trouble=trouble,
        may_decide=waits and checker, own=waits and asked.requested_by_id == request.user.pk, links=_links(asked),
        heading=_heading(asked, blind),
    )  # fmt: skip
    return render(request, "console/approvals/detail.html", context, status=REFUSED if form.errors else 200)


def _moved(asked: ApprovalRequest, deed: Deed | None) -> tuple[DomainError | None, list[Any]]:
    """What changed since it was shown, or why the deed is no longer possible at all."""
    if deed is None or deed.facts is None:
        return None, []
    try:
        fresh: Mapping[str, Any] = json.loads(json.dumps(deed.facts(asked), default=str))
    except DomainError as trouble:
        return trouble, []
    return None, changes(asked.shown, fresh)


def _requests(request: ConsoleRequest) -> QuerySet[ApprovalRequest]:
    rows = ApprovalRequest.objects.filter(organization=request.organization)
    return rows.select_related("requested_by", "decided_by", "organization")


def _listed(rows: QuerySet[ApprovalRequest], now: datetime) -> list[dict[str, Any]]:
    found = []
    for asked in rows[:MOST] if not rows.query.is_sliced else rows:
        deed = find_deed(asked)
        blind = bool(deed and deed.retype and asked.state == ApprovalState.REQUESTED)
        found.append({"asked": asked, "state": _state(asked, now), "blind": blind, "title": _heading(asked, blind)})
    return found


def _heading(asked: ApprovalRequest, blind: bool) -> str:
    """The title; while the amount is to be typed anew, up to where it names it."""
    title = title_of(asked)
    return title.partition(":")[0] if blind else title


def _state(asked: ApprovalRequest, now: datetime) -> tuple[str, Sentence]:
    if asked.state == ApprovalState.REQUESTED and asked.expires_at <= now:
        return "expired", gettext_lazy("lapsed")
    return asked.state, asked.get_state_display()


def _links(asked: ApprovalRequest) -> list[tuple[Sentence, str]]:
    """The records it is about, to look at before deciding."""
    kind, _colon, rest = asked.subject.partition(":")
    key = rest.partition(":")[0]
    url = screen_url({"credit": "credit_item"}.get(kind, kind), int(key)) if key.isdigit() else ""
    links: list[tuple[Sentence, str]] = [(gettext_lazy("Open the record"), url)] if url else []
    letter = asked.shown.get("letter_key")
    if letter:
        links.append((gettext_lazy("Read the letter"), reverse("admin:document", args=[letter])))
    return links
