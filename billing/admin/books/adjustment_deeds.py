"""What can be done with an adjustment: ask again, withdraw, take back; and what its approval carries out."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.books.adjustment_pages import find_adjustment
from billing.admin.books.filters import ADJUST, today_of
from billing.admin.deeds import deed
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import Sentence
from billing.inputs import clean_text, parse_day
from billing.ledger.models import AdjustmentEntry
from billing.money import format_money
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.services.books import adjusting


def _named(found: AdjustmentEntry, words: str) -> str:
    return words.format(number=found.number, amount=format_money(found.amount, found.currency))


@console_path("ledger/adjustments/<int:pk>/ask/", "adjustment_ask", ADJUST, Mode.MAKE, Mode.CHECK)
@require_POST
def ask_again(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The first request lapsed: ask anew."""
    found = find_adjustment(request, pk)
    form = Form([])
    done, _asked = attempt(form, lambda: adjusting.ask_again(adjustment=found, by=request.user, now=clock.now()))
    if done:
        return back_to(request, "adjustment", pk, _("Asked for. Another finance manager decides."))
    words = _named(found, _("Ask for {number} ({amount})"))
    return show_form(request, form, title=words, button=words, back=reverse("admin:adjustment", args=[pk]))


@console_path("ledger/adjustments/<int:pk>/withdraw/", "adjustment_withdraw", ADJUST, Mode.MAKE, Mode.CHECK)
@require_http_methods(["GET", "POST"])
def withdraw(request: ConsoleRequest, pk: int) -> HttpResponse:
    found = find_adjustment(request, pk)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))

        def work() -> AdjustmentEntry:
            clean_text(form.typed("reason"), field="reason", longest=400, required=True)
            return adjusting.withdraw_adjustment(adjustment=found)

        done, _given = attempt(form, work)
        if done:
            return back_to(request, "adjustment", pk, _("Withdrawn; nothing was posted."))
    words = _named(found, _("Withdraw {number} ({amount})"))
    return show_form(request, form, title=words, button=words, back=reverse("admin:adjustment", args=[pk]), danger=True)


@console_path("ledger/adjustments/<int:pk>/reverse/", "adjustment_reverse", ADJUST, Mode.MAKE, Mode.CHECK)
@require_http_methods(["GET", "POST"])
def take_back(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask for a document that mirrors this one."""
    found = find_adjustment(request, pk)
    form = Form(
        [
            Field("entry_date", gettext_lazy("Date in the books"), "date", today_of(request).isoformat()),
            Field("reason", gettext_lazy("Reason"), "area"),
        ],
        hidden={"request_key": uuid4().hex},
    )
    if request.method == "POST":
        form.read(request.POST)
        done, made = attempt(
            form,
            lambda: adjusting.reverse_adjustment(
                adjustment=found, entry_date=parse_day(form.typed("entry_date"), field="entry_date"),
                reason=form.typed("reason"), request_key=form.typed("request_key"), now=clock.now(), by=request.user,
            ),
        )  # fmt: skip
        if done and made is not None:
            return back_to(request, "adjustment", made.pk, _("Asked for. Another finance manager decides."))
    words = _named(found, _("Ask to take back {number} ({amount})"))
    return show_form(
        request, form, title=words, button=words, back=reverse("admin:adjustment", args=[pk]), danger=True,
        facts=[(_("What it does"), _("A new document with debits and credits swapped; this one stays as it is."))],
    )  # fmt: skip


def _facts_now(asked: ApprovalRequest) -> dict[str, Any]:
    return adjusting.adjustment_facts(adjusting.adjustment_of(asked))


def _refused(asked: ApprovalRequest, by: User, now: datetime) -> None:
    adjusting.reject_adjustment(request=asked)


@deed(ADJUST, "adjustment", label=gettext_lazy("Post the adjustment"), facts=_facts_now, refused=_refused)
def _carry_out(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    posted = adjusting.post_adjustment(request=asked, by=by, now=now)
    return _("{number} is posted as {entry}.").format(number=posted.number, entry=posted.entry)
