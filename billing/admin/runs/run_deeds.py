"""What is done to a run: leaving bills out, preparing it anew, cancelling, letting it go out, carrying it out."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.customer_page import ASKING
from billing.admin.deeds import deed
from billing.admin.runs.run_page import find_run
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import DomainError, Sentence
from billing.models import BillingRun
from billing.models.billing_run import BillingRunItem
from billing.money import format_money
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.refusals import explained
from billing.selectors.run_facts import RunFigures, content_hash, run_figures
from billing.services.runs import approving, changing
from billing.services.runs.carrying_out import RunOutcome, carry_out_run
from billing.transactions import in_transaction

AT_ONCE = 1000  # agreements billed while somebody waits; the job bills the rest


def _reason() -> Field:
    return Field("reason", gettext_lazy("Reason"), "area")


@console_path("runs/<int:pk>/bills/<int:item>/leave-out/", "bill_leave_out", approving.ACTION, *ASKING)
@require_http_methods(["GET", "POST"])
def leave_out(request: ConsoleRequest, pk: int, item: int) -> HttpResponse:
    run = find_run(request, pk)
    rows = BillingRunItem.objects.select_related("agreement", "customer")
    bill = get_object_or_404(rows, pk=item, run=run)
    form = Form([_reason()])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, count = attempt(form, lambda: changing.leave_out(run=run, item_id=item, reason=form.typed("reason")))
        if done:
            words = ngettext("{n} bill is left out.", "{n} bills are left out.", count or 0).format(n=count)
            return back_to(request, "billing_run", pk, words)
    amount = format_money(bill.amount, bill.currency)
    effect = _("The bills of this period for all who pay it are left out. A supplement run bills them later.")
    return show_form(
        request, form, title=_("Leave a bill out"), back=reverse("admin:billing_run", args=[pk]),
        button=_("Leave out {amount} of {who}").format(amount=amount, who=bill.customer.shown_name),
        facts=[
            (_("Run"), run.number), (_("Agreement"), bill.agreement.number), (_("Customer"), bill.customer),
            (_("Amount"), amount), (_("What it does"), effect),
        ],
    )  # fmt: skip


@console_path("runs/<int:pk>/bills/<int:item>/take-in/", "bill_take_in", approving.ACTION, *ASKING)
@require_POST
def take_in(request: ConsoleRequest, pk: int, item: int) -> HttpResponse:
    run = find_run(request, pk)
    return _at_once(request, run, lambda: changing.take_in(run=run, item_id=item), _("It is billed after all."))


@console_path("runs/<int:pk>/refresh/", "billing_run_refresh", approving.ACTION, *ASKING)
@require_POST
def refresh(request: ConsoleRequest, pk: int) -> HttpResponse:
    run = find_run(request, pk)
    words = _("The run was prepared anew, as things are now.")
    return _at_once(request, run, lambda: changing.refresh_run(run=run), words)


def _at_once(request: HttpRequest, run: BillingRun, work: Callable[[], Any], words: str) -> HttpResponse:
    """A deed without a form: a refusal is told on the run's page."""
    try:
        with explained():
            in_transaction(work)
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:billing_run", args=[run.pk]))
    return back_to(request, "billing_run", run.pk, words)


@console_path("runs/<int:pk>/cancel/", "billing_run_cancel", approving.ACTION, *ASKING)
@require_http_methods(["GET", "POST"])
def cancel(request: ConsoleRequest, pk: int) -> HttpResponse:
    run = find_run(request, pk)
    form = Form([_reason()])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, _run = attempt(form, lambda: changing.cancel_run(run=run, reason=form.typed("reason"), now=clock.now()))
        if done:
            return back_to(request, "billing_run", pk, _("Cancelled. Nothing was billed."))
    return show_form(
        request, form, title=_("Cancel {number}").format(number=run.number), danger=True,
        button=_("Cancel {number}").format(number=run.number), back=reverse("admin:billing_run", args=[pk]),
        facts=[(_("What it does"), _("Nothing of it is billed. The next run takes everything up again."))],
    )  # fmt: skip


@console_path("runs/<int:pk>/approve/", "billing_run_approve", approving.ACTION, *ASKING)
@require_http_methods(["GET", "POST"])
def approve(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask another person, or where none is needed let it go out."""
    run = find_run(request, pk)
    second = approving.needs_second_person(request.organization)
    form = Form([_reason()]) if second else Form([], hidden={"shown_hash": ""})
    if request.method == "POST":
        form.read(request.POST)
        done = _ask(request, run, form) if second else _go(request, run, form)
        if done is not None:
            return done
    if not second:
        form.hidden["shown_hash"] = content_hash(run)  # before the figures: never newer than they are
    figures = run_figures(run)
    what = _what(figures)
    effect = _(
        "Another person decides. Until then it can still be changed; what is approved is exactly what was shown."
    )
    goes = _("The invoices are issued at once; a large run is finished by the job within minutes.")
    return show_form(
        request, form, title=_("Let {number} go out").format(number=run.number),
        button=(_("Ask to issue {what}") if second else _("Issue {what}")).format(what=what),
        back=reverse("admin:billing_run", args=[pk]),
        facts=[
            (_("Invoices"), figures.invoices), (_("Credit memos"), figures.memos), (_("Amount"), figures.words),
            (_("Left out"), figures.by_state.get("excluded", 0)), (_("Unusual"), figures.odd),
            (_("What it does"), effect if second else goes),
        ],
    )  # fmt: skip


def _what(figures: RunFigures) -> str:
    """ "12 invoices and 1 credit memo, US$1,080.00"."""
    words = ngettext("{n} invoice", "{n} invoices", figures.invoices).format(n=figures.invoices)
    if figures.memos:
        memos = ngettext("{n} credit memo", "{n} credit memos", figures.memos).format(n=figures.memos)
        words = _("{invoices} and {memos}").format(invoices=words, memos=memos)
    return f"{words}, {figures.words}"


def _ask(request: ConsoleRequest, run: BillingRun, form: Form) -> HttpResponse | None:
    say_why(request, form.typed("reason"))
    done, asked = attempt(
        form,
        lambda: approving.ask_for_run(run=run, reason=form.typed("reason"), by=request.user, now=clock.now()),
    )
    if not done or asked is None:
        return None
    return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))


def _go(request: ConsoleRequest, run: BillingRun, form: Form) -> HttpResponse | None:
    now = clock.now()
    done, _run = attempt(
        form,
        lambda: approving.approve_alone(run=run, shown_hash=form.typed("shown_hash"), by=request.user, now=now),
    )
    return _carry_out(request, run, now) if done else None


@console_path("runs/<int:pk>/carry-out/", "billing_run_carry_out", approving.ACTION, *ASKING)
@require_POST
def carry_out(request: ConsoleRequest, pk: int) -> HttpResponse:
    """An approved run now, instead of with the next round of the job."""
    return _carry_out(request, find_run(request, pk), clock.now())


def _carry_out(request: ConsoleRequest, run: BillingRun, now: datetime) -> HttpResponse:
    outcome = carry_out_run(run=run, now=now, by=request.user, most=AT_ONCE)
    return back_to(request, "billing_run", run.pk, _told(outcome))


def _told(outcome: RunOutcome) -> str:
    words = _("{invoices} invoices and {memos} credit memos issued, {refused} bills refused.").format(
        invoices=outcome.invoices, memos=outcome.memos, refused=outcome.refused
    )
    rest = _("The job bills the rest within minutes.")
    return words if outcome.is_done else f"{words} {rest}"


@deed(approving.ACTION, "billing_run", label=gettext_lazy("Let the run go out"), facts=approving.facts_now)
def _carry_out_approval(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    approving.carry_out_approval(request=asked, now=now)
    return gettext_lazy("Approved. Its invoices are issued within a minute.")
