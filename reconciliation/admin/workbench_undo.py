"""Undoing at the workbench: three separate verbs, each with what follows told above its button (§3 row 7)."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.working import Field, Form, say_why
from billing.errors import DomainError, NotPermitted
from billing.office import clock
from billing.refusals import explained
from billing.transactions import in_transaction, rehearse
from payments.models import PaymentState
from payments.services.voiding import VOID
from reconciliation.admin.workbench_desk import (
    MATCH,
    SINCE,
    WORKING,
    alone,
    filter_of,
    find_line,
    find_match,
    show,
    status_of,
)
from reconciliation.admin.workbench_line import onward
from reconciliation.models import Match, MatchKind
from reconciliation.selectors.workbench_effects import effects_of, history_of
from reconciliation.services.processors.payouts import undo_payout
from reconciliation.services.undoing import unmatch

OVERRIDE = "override_allocation"


@console_path("bank-lines/<int:pk>/history/", "bank_line_history", MATCH, *WORKING)
@require_GET
def history(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Every match of a line: who, when, why, what it did, and how each step of it is undone."""
    line = find_line(request, pk)
    effects = effects_of(history_of(line))
    rows = [{"effect": effect, "effects": [effect], **ways_back(request, effect.match)} for effect in effects]
    return show(request, "history", filter_of(request, line), line=line, history_rows=rows)


def ways_back(request: ConsoleRequest, match: Match) -> dict[str, Any]:
    """The three verbs, each where it may be used. No query beyond those of the rights."""
    stands = match.undone_at is None
    payment = match.payment
    lives = payment is not None and payment.state in (PaymentState.PROCESSED, PaymentState.PENDING)
    is_payment = match.kind == MatchKind.PAYMENT and lives
    return {
        "may_unmatch": stands and may_unmatch(request, match),
        "may_unallocate": is_payment and payment is not None and payment.credit_item_id
        and may_here(request, OVERRIDE, *ASKING),
        "may_void": is_payment and may_here(request, VOID, *ASKING),
    }  # fmt: skip


def may_unmatch(request: ConsoleRequest, match: Match) -> bool:
    """Alone: whoever matches alone; a clerk what the clerk matched in this very session."""
    return alone(request) or _is_own(request, match)


def _is_own(request: ConsoleRequest, match: Match) -> bool:
    since: str = request.session.get(SINCE, "")
    return bool(since) and match.made_by_id == request.user.pk and match.made_at >= datetime.fromisoformat(since)


@console_path("bank-lines/undo/", "workbench_undo", MATCH, *WORKING)
@require_GET
def undo_last(request: ConsoleRequest) -> HttpResponse:
    """To the page that undoes what this user matched last in this session; back to the work if there is nothing."""
    since = request.session.get(SINCE)
    rows = Match.objects.filter(organization=request.organization, made_by=request.user, undone_at__isnull=True)
    last = rows.filter(made_at__gte=datetime.fromisoformat(since)).order_by("-pk").first() if since else None
    wanted = filter_of(request)
    if last is None:
        return show(request, "nothing", wanted)
    return HttpResponseRedirect(reverse("admin:unmatch", args=[last.pk]) + f"?{request.GET.urlencode()}")


@console_path("matches/<int:pk>/unmatch/", "unmatch", MATCH, *WORKING)
@require_http_methods(["GET", "POST"])
def take_off(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Take a match off its line, with a reason. A payment stays as it is; what the match itself posted is mirrored."""
    match = find_match(request, pk)
    line = find_line(request, match.line_id)
    wanted = filter_of(request, line)
    assert wanted is not None
    form = Form([Field("reason", gettext_lazy("Why"), "area", longest=400)])
    if not may_unmatch(request, match):
        form.refuse(NotPermitted(gettext_lazy("Only a supervisor takes off what another has matched.")))
    elif request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        try:
            with explained():
                in_transaction(lambda: _take_off(request, match, form.typed("reason")))
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            return onward(request, wanted, line, _("Taken off. The line is to be explained again."))
    return show(
        request, "unmatch", wanted, line=line, status=status_of(form.errors), match=match, form=form,
        undone=_undone(request, match),
    )  # fmt: skip


def _take_off(request: ConsoleRequest, match: Match, reason: str) -> list[Match]:
    """The settlements of one payout are taken off together. Raises DomainError."""
    if match.kind == MatchKind.PAYOUT:
        return undo_payout(match=match, reason=reason, now=clock.now(), by=request.user)
    return [unmatch(match=match, reason=reason, now=clock.now(), by=request.user)]


def _undone(request: ConsoleRequest, match: Match) -> dict[str, Any]:
    """What unmatching would post: the service, run and taken back; nothing where it is refused."""
    effect = next(iter(effects_of([match])), None)
    try:
        with explained():
            gone = in_transaction(lambda: rehearse(lambda: _mirrored(request, match)))
    except DomainError as refusal:
        return {"effect": effect, "trouble": str(refusal)}
    return {"effect": effect, "mirror": gone}


def _mirrored(request: ConsoleRequest, match: Match) -> list[tuple[str, Any, Any]]:
    entries = [made.undo_entry for made in _take_off(request, match, str(_("preview"))) if made.undo_entry]
    lines = [row for entry in entries for row in entry.lines.select_related("account").order_by("ordinal")]
    return [(f"{row.account.code} {row.account.name}", row.debit, row.credit) for row in lines]
