"""A deposit slip: the paper for the bank, handing it in, and what the bank says of its cheques (R112)."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, Field, Form, attempt, back_to
from billing.errors import BadInput
from billing.inputs import parse_day
from billing.money import ZERO, format_money
from billing.office import clock
from billing.office.models.user import Mode
from billing.selectors.journal import entries_with_lines
from billing.words import amount_in_words
from payments.admin.deposit_form import cash_rows, ticked
from payments.models import Cheque, ChequePresentation, Deposit
from payments.models.cheque import ChequeState
from payments.selectors.deposits import slip_of
from payments.services.clearing import clear_cheques
from payments.services.deposits import cancel_deposit, record_deposited

Slip = list[ChequePresentation]


def find_deposit(request: ConsoleRequest, pk: int) -> Deposit:
    """The slip of the organization worked in, or 404."""
    rows = Deposit.objects.select_related("organization", "bank_account", "prepared_by", "deposited_by")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("deposits/<int:pk>/", "deposit", "see_receivables")
@require_GET
def deposit_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """About eight queries, however many cheques are on it."""
    return _page(request, find_deposit(request, pk))


def _page(
    request: ConsoleRequest, deposit: Deposit, handing: Form | None = None, clearing: Form | None = None
) -> HttpResponse:
    slip = slip_of(deposit)
    for place, row in enumerate(slip, 1):
        row.place = place  # type: ignore[attr-defined]
    waiting = [row for row in slip if _at_bank(row)]
    today = deposit.organization.today(clock.now()).isoformat()
    journal = may_here(request, "see_journal")
    ticks = request.POST.getlist("cheque") if clearing else [str(row.cheque_id) for row in waiting]
    context = console_context(
        request, deposit.number, deposit=deposit, slip=slip, cash=cash_rows(deposit), waiting=waiting, ticks=ticks,
        words=_words(deposit), may_handle=may_here(request, "deposit_cheques", Mode.DO),
        may_ask_return=may_here(request, "return_cheque", Mode.DO, Mode.MAKE), answers=_answers(slip),
        handing=handing or _handing(today), clearing=clearing or _clearing(today), show_journal=journal,
        waiting_amount=sum((row.payment.amount for row in waiting), ZERO),
        entries=entries_with_lines(deposit.organization_id, {deposit.entry_id}) if journal else [],
    )  # fmt: skip
    refused = any(form and form.errors for form in (handing, clearing))
    return render(request, "console/deposit/page.html", context, status=REFUSED if refused else 200)


def _words(deposit: Deposit) -> str:
    language = "zh-hant" if (get_language() or "en").startswith("zh") else "en"
    return amount_in_words(deposit.total_amount, deposit.currency, language)


def _at_bank(row: ChequePresentation) -> bool:
    return row.cheque.payment_id == row.payment_id and row.cheque.state == ChequeState.DEPOSITED


def _answers(slip: Slip) -> dict[str, int]:
    """How many cleared, came back, and have no answer yet."""
    results = [row.result for row in slip]
    return {"cleared": results.count("cleared"), "returned": results.count("returned"), "open": results.count("")}


def _handing(today: str = "") -> Form:
    return Form(
        [
            Field("deposited_on", gettext_lazy("Handed in on"), "date", today),
            Field("slip_reference", gettext_lazy("Bank's slip number"), required=False, longest=80),
        ]
    )


def _clearing(today: str = "") -> Form:
    return Form([Field("cleared_on", gettext_lazy("Cleared on (the bank's day)"), "date", today)])


# What is done with it


@console_path("deposits/<int:pk>/hand-in/", "deposit_hand_in", "deposit_cheques", Mode.DO)
@require_POST
def hand_in(request: ConsoleRequest, pk: int) -> HttpResponse:
    deposit = find_deposit(request, pk)
    form = _handing().read(request.POST)

    def work() -> Deposit:
        day = parse_day(form.typed("deposited_on"), field="deposited_on")
        return record_deposited(
            deposit=deposit, deposited_on=day, slip_reference=form.typed("slip_reference"), now=clock.now(),
            by=request.user,
        )  # fmt: skip

    done, made = attempt(form, work)
    if done and made is not None:
        amount = format_money(made.total_amount, made.currency)
        said = _("{number} is at the bank: {amount} into {account}.")
        return back_to(
            request, "deposit", pk, said.format(number=made.number, amount=amount, account=deposit.bank_account.name)
        )
    return _page(request, deposit, handing=form)


@console_path("deposits/<int:pk>/cancel/", "deposit_cancel", "deposit_cheques", Mode.DO)
@require_POST
def cancel(request: ConsoleRequest, pk: int) -> HttpResponse:
    deposit = find_deposit(request, pk)
    form = Form([])
    done, _made = attempt(form, lambda: cancel_deposit(deposit=deposit, now=clock.now(), by=request.user))
    if done:
        said = _("{number} is cancelled; its cheques and its cash are free for another slip.")
        return back_to(request, "deposit", pk, said.format(number=deposit.number))
    return _refused(request, form, reverse("admin:deposit", args=[pk]))


@console_path("deposits/<int:pk>/clear/", "deposit_clear", "deposit_cheques", Mode.DO)
@require_POST
def clear(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The ticked cheques of the slip were honoured by the bank."""
    deposit = find_deposit(request, pk)
    form = _clearing().read(request.POST)

    def work() -> list[Cheque]:
        chosen = set(ticked(request.POST)) & {row.cheque_id for row in slip_of(deposit)}
        if not chosen:
            raise BadInput(_("Tick the cheques that the bank honoured."), field="cheques", code="required")
        return _clear(request, chosen, form)

    done, cleared = attempt(form, work)
    if not done or cleared is None:
        return _page(request, find_deposit(request, pk), clearing=form)
    count = len(cleared)
    said = ngettext("%(count)d cheque is cleared.", "%(count)d cheques are cleared.", count) % {"count": count}
    return back_to(request, "deposit", pk, said)


@console_path("cheques/<int:pk>/clear/", "cheque_clear", "deposit_cheques", Mode.DO)
@require_POST
def clear_one(request: ConsoleRequest, pk: int) -> HttpResponse:
    cheque = get_object_or_404(Cheque, pk=pk, organization=request.organization)
    form = _clearing().read(request.POST)
    done, _cleared = attempt(form, lambda: _clear(request, {pk}, form))
    if done:
        return back_to(request, "cheque", pk, _("{cheque} is cleared.").format(cheque=cheque))
    return _refused(request, form, reverse("admin:cheque", args=[pk]))


def _clear(request: ConsoleRequest, keys: set[int], form: Form) -> list[Cheque]:
    day = parse_day(form.typed("cleared_on"), field="cleared_on")
    return clear_cheques(
        organization=request.organization, cheque_ids=keys, cleared_on=day, now=clock.now(), by=request.user
    )


def _refused(request: ConsoleRequest, form: Form, back: str) -> HttpResponse:
    for error in form.errors:
        messages.error(request, error)
    return HttpResponseRedirect(back)
