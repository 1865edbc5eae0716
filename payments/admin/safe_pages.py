"""The safe: what it was counted to hold, cash fetched into it, its blind count (R12)."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.deeds import deed, subject_key
from billing.admin.invoice_page import waiting_for
from billing.admin.working import REFUSED, Field, Form, attempt, say_why
from billing.errors import Sentence
from billing.money import format_money, parse_amount
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.approval import ApprovalState
from billing.office.models.user import Mode
from payments.admin.cash_form import counter, currencies_of, currency_here, may_supervise
from payments.admin.drawer_deeds import bank_account_of, bank_field
from payments.models.cash import CashCount, MovementKind
from payments.selectors.cash import cash_in_house
from payments.services.cash_counts import (
    SAFE_DEED,
    accept_safe_difference,
    count_safe,
    explain_safe_count,
    safe_facts,
    subject_of,
)
from payments.services.denominations import read_count
from payments.services.drawers import ACCEPT, move_cash

PER_PAGE = 20


@console_path("cash/safe/", "safe", "see_receivables")
@require_http_methods(["GET"])
def safe(request: ConsoleRequest) -> HttpResponse:
    """Counts of a currency, the newest first. What lies there is told to those who read the books. Seven queries."""
    currency = currency_here(request)
    tells = may_here(request, "see_journal")
    rows = CashCount.objects.filter(organization=request.organization, currency=currency, session=None)
    page = Paginator(rows.select_related("counted_by", "organization").order_by("-id"), PER_PAGE).get_page(
        request.GET.get("page")
    )
    decided = _requests(page.object_list)
    counts = [_count_row(count, decided.get(subject_of(count)), tells) for count in page.object_list]
    last = counts[0] if counts and page.number == 1 else None
    context = console_context(
        request, _("Safe"), currency=currency, currencies=currencies_of(request), counts=counts, page=page,
        house=cash_in_house(request.organization, currency) if tells else None,
        waiting=waiting_for(request, list(decided)), may_count=may_here(request, "enter_payment", Mode.DO),
        may_fetch=may_here(request, "deposit_cheques", Mode.DO), may_supervise=may_supervise(request),
        unexplained=last["count"] if last and last["state"] == "differs" else None,
        explain=Form([Field("reason", gettext_lazy("What explains the difference"), "area")]),
    )  # fmt: skip
    return render(request, "console/cash/safe.html", context)


def _requests(counts: Any) -> dict[str, ApprovalRequest]:
    """The newest request about each count, by subject. One query."""
    subjects = [subject_of(count) for count in counts]
    rows = ApprovalRequest.objects.filter(subject__in=subjects, action=ACCEPT).select_related("decided_by")
    return {request.subject: request for request in rows.order_by("id")}


# What became of a count, in words with their colours.
STATES = {
    "even": (gettext_lazy("adds up"), "drawer.closed"),
    "posted": (gettext_lazy("difference posted"), "drawer.closed"),
    "differs": (gettext_lazy("difference to explain"), "drawer.counted"),
    "waits": (gettext_lazy("difference to accept"), "drawer.counted"),
    "rejected": (gettext_lazy("not accepted: count again"), "drawer.counted"),
}


def _count_row(count: CashCount, asked: ApprovalRequest | None, tells: bool) -> dict[str, Any]:
    difference = count.counted_amount - count.expected_amount
    state = "posted" if count.entry_id else "differs"
    if not difference:
        state = "even"
    elif asked is not None and asked.state == ApprovalState.USED:
        state = "posted"
    elif asked is not None and asked.state == ApprovalState.REQUESTED:
        state = "waits"
    elif asked is not None and asked.state == ApprovalState.REJECTED:
        state = "rejected"
    settled = state in ("even", "posted")
    words, look = STATES[state]
    return {
        "count": count, "state": state, "words": words, "look": look, "asked": asked,
        "expected": count.expected_amount if tells or settled else None,
        "difference": difference if tells or settled else None,
    }  # fmt: skip


@console_path("cash/safe/count/", "safe_count", "enter_payment", Mode.DO)
@require_http_methods(["GET", "POST"])
def count(request: ConsoleRequest) -> HttpResponse:
    """The blind count: nothing on this page says what should be there."""
    currency = currency_here(request)
    form = Form(
        [
            Field(
                "note", gettext_lazy("Remark"), required=False,
                help=gettext_lazy("What explains a difference, if you know of one; a second person may read it."),
            )
        ],
        hidden={"currency": currency},
    )  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("note"))
        done, counted = attempt(
            form,
            lambda: count_safe(
                organization=request.organization, currency=currency, note=form.typed("note"),
                denominations=read_count(request.POST, currency), now=clock.now(), by=request.user,
            ),
        )  # fmt: skip
        if done and counted is not None:
            return back_to_safe(request, _outcome(counted), currency)
    context = console_context(
        request, _("Count the safe"), form=form, currency=currency, counter=counter(currency, request.POST, form),
        back=reverse("admin:safe"), is_safe=True,
    )  # fmt: skip
    return render(request, "console/cash/close.html", context, status=REFUSED if form.errors else 200)


def _outcome(count: CashCount) -> str:
    difference = count.counted_amount - count.expected_amount
    if not difference:
        return _("The safe adds up.")
    if count.entry_id:
        return _("The difference of {amount} is posted.").format(amount=format_money(difference, count.currency))
    if count.note:
        return _("Counted. The difference needs a second person; they have been asked.")
    return _("Counted. It differs by more than one person may accept: explain it, or count again.")


@console_path("cash/safe/<int:pk>/explain/", "safe_explain", "enter_payment", Mode.DO)
@require_POST
def explain(request: ConsoleRequest, pk: int) -> HttpResponse:
    rows = CashCount.objects.select_related("organization", "counted_by")
    count = get_object_or_404(rows, pk=pk, organization=request.organization, session=None)
    form = Form([Field("reason", gettext_lazy("What explains the difference"), "area")]).read(request.POST)
    say_why(request, form.typed("reason"))
    done, asked = attempt(
        form,
        lambda: explain_safe_count(count=count, reason=form.typed("reason"), now=clock.now(), by=request.user),
    )
    if done and asked is not None:
        return back_to_safe(request, _("Asked. A second person decides."), count.currency)
    context = console_context(
        request, _("Explain the difference"), form=form, button=_("Ask a second person"), back=reverse("admin:safe"),
    )  # fmt: skip
    return render(request, "console/customer/deed.html", context, status=REFUSED)


def back_to_safe(request: ConsoleRequest, sentence: str, currency: str) -> HttpResponse:
    messages.success(request, sentence)
    return HttpResponseRedirect(f"{reverse('admin:safe')}?currency={currency}")


@console_path("cash/safe/fetch/", "safe_fetch", "deposit_cheques", Mode.DO)
@require_http_methods(["GET", "POST"])
def fetch(request: ConsoleRequest) -> HttpResponse:
    """Change and floats fetched from the bank."""
    currency = currency_here(request)
    form = Form(
        [
            Field("amount", gettext_lazy("Amount"), "amount"), bank_field(request.organization, currency),
            Field("reason", gettext_lazy("Reason"), required=False),
        ],
        hidden={"request_key": uuid4().hex, "currency": currency},
    )  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)
        done, moved = attempt(
            form,
            lambda: move_cash(
                organization=request.organization, session=None, kind=MovementKind.FROM_BANK, currency=currency,
                amount=parse_amount(form.typed("amount"), currency), reason=form.typed("reason"),
                request_key=form.typed("request_key"), now=clock.now(), by=request.user,
                bank_account=bank_account_of(request, form.typed("bank_account")),
            ),
        )  # fmt: skip
        if done and moved is not None:
            words = _("{amount} fetched into the safe.").format(amount=format_money(moved.amount, currency))
            return back_to_safe(request, words, currency)
    context = console_context(
        request, _("Fetch cash from the bank"), form=form, currency=currency, button=_("Fetch the cash"),
        back=reverse("admin:safe"),
    )  # fmt: skip
    return render(request, "console/customer/deed.html", context, status=REFUSED if form.errors else 200)


def _count_of(asked: ApprovalRequest) -> CashCount:
    rows = CashCount.objects.select_related("organization", "counted_by")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _facts_now(asked: ApprovalRequest) -> dict[str, Any]:
    return safe_facts(_count_of(asked))


@deed(ACCEPT, SAFE_DEED, label=gettext_lazy("Accept the difference"), facts=_facts_now)
def _carry_out(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    accept_safe_difference(count=_count_of(asked), approval=asked, by=by, now=now)
    return _("Accepted; the difference of the safe is posted.")
