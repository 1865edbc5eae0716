"""What a person does about one timeline: send now, pass over, pause, lift, waive a late fee."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.chasing.timeline_pages import find_case
from billing.admin.customer_page import ASKING, find_customer
from billing.admin.deeds import deed
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import Sentence
from billing.inputs import parse_day
from billing.models import Customer, DunningPause, Invoice, LateFee
from billing.money import format_money
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.rules.explaining import explanation
from billing.rules.words_chasing import step_words
from billing.services.chasing import by_hand, waiving
from billing.services.chasing.collections import COLLECT
from billing.services.chasing.pausing import lift_pause, pause_reminders


@console_path("timelines/<int:pk>/send/", "timeline_send", COLLECT, Mode.DO)
@require_POST
def send(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Take what is due now and send at once the reminder that was shown as the next."""
    case, form, step = find_case(request, pk), Form([]), _shown_step(request)
    done, _made = attempt(form, lambda: by_hand.send_now(case=case, step=step, now=clock.now(), by=request.user))
    if done:
        return back_to(request, "timeline", pk, _("Sent."))
    return _refused(request, pk, form)


@console_path("timelines/<int:pk>/skip/", "timeline_skip", COLLECT, Mode.DO)
@require_POST
def skip(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Pass over the step that was shown as the next."""
    case, form, step = find_case(request, pk), Form([]), _shown_step(request)
    done, _made = attempt(form, lambda: by_hand.skip_step(case=case, step=step, now=clock.now(), by=request.user))
    if done:
        return back_to(request, "timeline", pk, _("Passed over: {step}.").format(step=step_words(step)))
    return _refused(request, pk, form)


def _shown_step(request: ConsoleRequest) -> str:
    return str(request.POST.get("step", ""))[:24]


def _refused(request: ConsoleRequest, pk: int, form: Form) -> HttpResponse:
    """Deeds without a form of their own say on the page why they were refused."""
    for error in form.errors:
        messages.error(request, error)
    return HttpResponseRedirect(reverse("admin:timeline", args=[pk]))


# Pauses


@console_path("timelines/<int:pk>/pause/", "timeline_pause", COLLECT, Mode.DO)
@require_http_methods(["GET", "POST"])
def pause_invoice(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Let the chasing of one invoice rest."""
    case = find_case(request, pk)
    title = _("Pause reminders for {number}").format(number=case.invoice.number)
    return _pause(request, case.customer, case.invoice, title, ("timeline", pk))


@console_path("customers/<int:pk>/pause-reminders/", "pause_reminders", COLLECT, Mode.DO)
@require_http_methods(["GET", "POST"])
def pause_customer(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Let all chasing of a customer rest."""
    customer = find_customer(request, pk)
    title = _("Pause all reminders for {customer}").format(customer=customer)
    return _pause(request, customer, None, title, ("customer", pk))


def _pause(
    request: ConsoleRequest, customer: Customer, invoice: Invoice | None, title: str, home: tuple[str, int]
) -> HttpResponse:  # fmt: skip
    last = gettext_lazy("Empty: until somebody lifts it.")
    form = Form(
        [
            Field("until", gettext_lazy("Last day"), "date", required=False, help=last),
            Field("reason", gettext_lazy("Reason"), "area", longest=200),
        ]
    )
    if request.method == "POST":
        form.read(request.POST)

        def work() -> DunningPause:
            until = parse_day(form.typed("until"), field="until") if form.typed("until").strip() else None
            say_why(request, form.typed("reason"))
            return pause_reminders(
                customer=customer, invoice=invoice, until=until, reason=form.typed("reason"), now=clock.now(),
                by=request.user,
            )  # fmt: skip

        done, pause = attempt(form, work)
        if done and pause is not None:
            words = _("Reminders rest until the pause is lifted.")
            if pause.until_on:
                words = _("Reminders rest until {day}.").format(day=date_format(pause.until_on))
            return back_to(request, home[0], home[1], words, "chasing")
    effect = _(
        "No reminder, late fee, suspension or lapse while it rests; afterwards only the highest reminder goes out."
    )
    return show_form(
        request, form, title=title, button=title, back=reverse(f"admin:{home[0]}", args=[home[1]]),
        facts=[(_("What it does"), effect)],
    )  # fmt: skip


@console_path("pauses/<int:pk>/lift/", "pause_lift", COLLECT, Mode.DO)
@require_POST
def lift(request: ConsoleRequest, pk: int) -> HttpResponse:
    """End a pause now."""
    rows = DunningPause.objects.select_related("customer", "organization")
    pause, form = get_object_or_404(rows, pk=pk, organization=request.organization), Form([])
    done, _made = attempt(form, lambda: lift_pause(pause=pause, now=clock.now(), by=request.user))
    if done:
        messages.success(request, _("The pause is lifted."))
    for error in form.errors:
        messages.error(request, error)
    home = ("timeline", pause.invoice_id) if pause.invoice_id else ("customer", pause.customer_id)
    return HttpResponseRedirect(reverse(f"admin:{home[0]}", args=[home[1]]))


# Late fees


@console_path("late-fees/<int:pk>/waive/", "late_fee_waive", waiving.WAIVE, *ASKING)
@require_http_methods(["GET", "POST"])
def waive(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask to let a customer off a late fee."""
    rows = LateFee.objects.select_related("invoice", "fee_invoice", "organization")
    fee = get_object_or_404(rows, pk=pk, organization=request.organization, fee_invoice__isnull=False)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)

        def work() -> ApprovalRequest:
            say_why(request, form.typed("reason"))
            return waiving.ask_to_waive(fee=fee, reason=form.typed("reason"), by=request.user, now=clock.now())

        done, asked = attempt(form, work)
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
    assert fee.fee_invoice is not None
    amount = format_money(fee.fee_invoice.open_amount, fee.currency)
    effect = _("The fee's invoice is voided, or a credit memo is set against it where something was paid already.")
    return show_form(
        request, form, title=_("Waive late fee {number}").format(number=fee.fee_invoice.number),
        button=_("Ask to waive {amount}").format(amount=amount), back=reverse("admin:timeline", args=[fee.invoice_id]),
        facts=[
            (_("Invoice"), fee.invoice.number), (_("Open of the fee"), amount),
            (_("How it came about"), explanation(fee.derivation, fee.currency)), (_("What it does"), effect),
        ],
    )  # fmt: skip


def _fee_now(asked: ApprovalRequest) -> dict[str, Any]:
    return waiving.waiver_facts(waiving.fee_of_request(asked))


def _payer(asked: ApprovalRequest) -> int:
    return waiving.fee_of_request(asked).invoice.customer_id


@deed(waiving.WAIVE, waiving.WAIVE, label=gettext_lazy("Waive the late fee"), facts=_fee_now, customer=_payer)
def _carry_out_waiver(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    memo = waiving.carry_out_waiver(request=asked, fee=waiving.fee_of_request(asked), by=by, now=now)
    if memo is None:
        return _("Approved; the late fee is voided.")
    return _("Approved; credit memo {number} was issued.").format(number=memo.number)
