"""What can be done with a payout batch: ask for approval, pay, cancel."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.deeds import deed
from billing.admin.earning.payout_pages import find_batch
from billing.admin.earning.rights import PAY
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import BadInput, Sentence
from billing.inputs import clean_text, parse_day
from billing.models import PayoutBatch
from billing.money import format_money
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.services.earning import payouts


def _facts(batch: PayoutBatch) -> list[tuple[str, object]]:
    people = batch.payouts.count()
    return [
        (_("Batch"), batch.number),
        (_("Earned up to"), batch.earned_until),
        (_("Paid to"), ngettext("%(n)d provider", "%(n)d providers", people) % {"n": people}),
        (_("Amount"), format_money(batch.amount, batch.currency)),
    ]


def _named(batch: PayoutBatch, words: str) -> str:
    return words.format(number=batch.number, amount=format_money(batch.amount, batch.currency))


@console_path("payouts/<int:pk>/ask/", "payout_ask", PAY, Mode.MAKE)
@require_http_methods(["GET", "POST"])
def ask(request: ConsoleRequest, pk: int) -> HttpResponse:
    batch = find_batch(request, pk)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, asked = attempt(
            form,
            lambda: payouts.ask_to_pay(batch=batch, reason=form.typed("reason"), by=request.user, now=clock.now()),
        )
        if done and asked is not None:
            return back_to(request, "payout_batch", pk, _("Asked. Another person decides."))
    words = _named(batch, _("Ask for approval of {number} ({amount})"))
    return show_form(
        request, form, title=words, button=words, back=reverse("admin:payout_batch", args=[pk]), facts=_facts(batch)
    )


@console_path("payouts/<int:pk>/pay/", "payout_pay", PAY, Mode.MAKE, Mode.CHECK)
@require_http_methods(["GET", "POST"])
def pay(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Note that the bank has sent it."""
    batch = find_batch(request, pk)
    accounts = payouts.bank_accounts(request.organization).order_by("-is_default", "code")
    form = Form([
        Field("paid_on", gettext_lazy("Sent on"), "date", request.organization.today(clock.now()).isoformat()),
        Field("account", gettext_lazy("From bank account"), "select", choices=[(str(a.pk), str(a)) for a in accounts]),
        Field("bank_reference", gettext_lazy("The bank's reference"), longest=80),
    ])  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)
        done, _paid = attempt(form, lambda: _pay(request, batch, form))
        if done:
            return back_to(request, "payout_batch", pk, _named(batch, _("{amount} is paid out and booked.")))
    words = _named(batch, _("Pay out {number} ({amount})"))
    return show_form(
        request, form, title=words, button=words, back=reverse("admin:payout_batch", args=[pk]), facts=_facts(batch)
    )


def _pay(request: ConsoleRequest, batch: PayoutBatch, form: Form) -> PayoutBatch:
    account = form.typed("account")
    if not account.isascii() or not account.isdigit() or len(account) > 18:
        raise BadInput(gettext_lazy("Choose one of our bank accounts."), field="account", code="unknown_account")
    return payouts.pay_batch(
        batch=batch, paid_on=parse_day(form.typed("paid_on"), field="paid_on"), account_id=int(account),
        bank_reference=form.typed("bank_reference"), now=clock.now(), by=request.user,
    )  # fmt: skip


@console_path("payouts/<int:pk>/cancel/", "payout_cancel", PAY, Mode.MAKE)
@require_http_methods(["GET", "POST"])
def cancel(request: ConsoleRequest, pk: int) -> HttpResponse:
    batch = find_batch(request, pk)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))

        def work() -> PayoutBatch:
            clean_text(form.typed("reason"), field="reason", longest=400, required=True)
            return payouts.cancel_batch(batch=batch, now=clock.now())

        done, _batch = attempt(form, work)
        if done:
            return back_to(request, "payout_batch", pk, _("Cancelled. What was in it goes into the next batch."))
    words = _named(batch, _("Cancel {number} ({amount})"))
    return show_form(
        request, form, title=words, button=words, back=reverse("admin:payout_batch", args=[pk]), danger=True,
        facts=[*_facts(batch), (_("What it does"), _("What was in it is free for the next batch."))],
    )  # fmt: skip


def _facts_now(asked: ApprovalRequest) -> dict[str, Any]:
    return payouts.batch_facts(payouts.batch_of(asked))


@deed(PAY, "pay_out", label=gettext_lazy("Approve the payout"), facts=_facts_now)
def _carry_out(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    batch = payouts.approve_batch(request=asked, by=by, now=now)
    return _("Approved; {number} may be paid out.").format(number=batch.number)
