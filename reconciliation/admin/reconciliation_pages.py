"""Bank accounts reconciled at the console: what is due, balances taken apart, every figure its list (R144, R145)."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.columns import screen_url
from billing.admin.working import REFUSED, Field, Form
from billing.errors import BadInput, Sentence
from billing.inputs import parse_day
from billing.office import clock
from billing.office.models import ApprovalRequest
from billing.office.models.approval import ApprovalState
from billing.office.models.user import Mode
from payments.models import BankAccount
from reconciliation.models import BankReconciliation, Match, ReconciliationState, VarianceState
from reconciliation.selectors.bank_position import Position, items_of, position_of
from reconciliation.selectors.frozen_content import BEFORE, SIGN, STEPS, equation_of, list_titles
from reconciliation.selectors.position_items import Item, describe
from reconciliation.selectors.reconciliations import reconciliations_of, standings, variances_of
from reconciliation.services.signing_off import subject_of

SEE = "see_journal"
PER_PAGE = 100
EARLIER = 24
CLEARED = gettext_lazy("Cleared")


def find_account(request: ConsoleRequest, pk: int) -> BankAccount:
    rows = BankAccount.objects.select_related("organization", "ledger_account")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


def find_reconciliation(request: ConsoleRequest, pk: int) -> BankReconciliation:
    rows = BankReconciliation.objects.select_related(
        "organization", "bank_account", "prepared_by", "signed_by", "opened_by", "approval", "open_approval"
    )
    return get_object_or_404(rows, pk=pk, organization=request.organization)


def may_prepare(request: ConsoleRequest) -> bool:
    return may_here(request, SIGN, Mode.MAKE, Mode.CHECK)


@console_path("reconciliations/", "reconciliations", SEE)
@require_GET
def reconciliations(request: ConsoleRequest) -> HttpResponse:
    """All accounts: reconciled up to when, what is due, by how much bank and books differ. Five queries an account."""
    today = request.organization.today(clock.now())
    rows = [(one, _now(one.account, today)) for one in standings(request.organization, today)]
    context = console_context(
        request, _("Reconciliation of bank accounts"), rows=rows, today=today, may_prepare=may_prepare(request)
    )
    return render(request, "console/reconciliation/accounts.html", context)


def _now(account: BankAccount, today: date) -> Position | None:
    """As of the last day a statement covers; None before the first."""
    position = position_of(account, today)
    if position.loaded_to is None:
        return None
    return position if position.loaded_to >= today else position_of(account, position.loaded_to)


@console_path("reconciliations/<int:pk>/", "reconcile_account", SEE)
@require_GET
def account_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One account as of ?on, the next closing day unless told otherwise. About twenty queries."""
    account = find_account(request, pk)
    on, trouble = read_day(request, account)
    return show_account(request, account, on, trouble=trouble)


def show_account(
    request: ConsoleRequest, account: BankAccount, on: date, form: Form | None = None, trouble: str = ""
) -> HttpResponse:
    today = request.organization.today(clock.now())
    standing = next((one for one in standings(request.organization, today) if one.account.pk == account.pk), None)
    position = position_of(account, on)
    context = console_context(
        request, str(account), account=account, on=on, position=position, steps=steps_of(position),
        standing=standing, trouble=trouble, form=form or prepare_form(), may_prepare=may_prepare(request),
        variances=variances_of(request.organization).filter(bank_account=account, state=VarianceState.OPEN),
        earlier=reconciliations_of(account)[:EARLIER], cleared=position.sums.get("cleared"), today=today,
        covered=position.loaded_to is not None and position.loaded_to >= on,
    )  # fmt: skip
    status = REFUSED if trouble or (form is not None and form.errors) else 200
    return render(request, "console/reconciliation/account.html", context, status=status)


def steps_of(position: Position) -> list[dict[str, Any]]:
    """The column from the bank's balance to the books'. list: the list a figure is made of, "" for none."""
    rows = [
        {"words": words, "amount": sign * position.amount(what), "count": position.count(what), "list": what}
        for what, words, sign in STEPS
    ]
    rows.append({
        "words": _("Balance before the first statement"), "amount": -position.taken_over,
        "count": position.count("before"), "list": "before",
    })  # fmt: skip
    rows.append({"words": _("What statements do not add up to"), "amount": -position.drift, "count": 0, "list": ""})
    return rows


def prepare_form() -> Form:
    return Form([
        Field("note", gettext_lazy("What you looked at, and what the second person should know"), "area", longest=400),
    ])  # fmt: skip


def read_day(request: ConsoleRequest, account: BankAccount) -> tuple[date, str]:
    """The day asked for, else the next closing day that a statement covers, else today. With what is wrong with it."""
    today = request.organization.today(clock.now())
    typed = request.GET.get("on", "") or request.POST.get("on", "")
    if typed:
        try:
            return parse_day(typed, field="on"), ""
        except BadInput as refusal:
            return today, str(refusal)
    for one in standings(request.organization, today):
        if one.account.pk == account.pk and one.closing_on is not None:
            return min(one.closing_on, today), ""
    return today, ""


@console_path("reconciliations/<int:pk>/items/<slug:what>/", "reconciliation_items", SEE)
@require_GET
def items(request: ConsoleRequest, pk: int, what: str) -> HttpResponse:
    """The items a figure is made of, with what each opens. Ten queries."""
    account = find_account(request, pk)
    titles: dict[str, Sentence] = {**dict(list_titles()), "cleared": CLEARED, "before": BEFORE}
    if what not in titles:
        raise Http404
    on, _trouble = read_day(request, account)
    position = position_of(account, on)
    count, page = position.count(what), _page_number(request, position.count(what))
    refs = items_of(account, on, [what], start=position.start, offset=(page - 1) * PER_PAGE, limit=PER_PAGE)
    context = console_context(
        request, str(titles[what]), account=account, on=on, what=what, heading=titles[what], count=count,
        amount=position.amount(what), rows=[(item, link_of(item)) for item in describe(refs)],
        page=Paginator(range(count), PER_PAGE).get_page(page),
    )  # fmt: skip
    return render(request, "console/reconciliation/items.html", context)


def _page_number(request: ConsoleRequest, count: int) -> int:
    return Paginator(range(count), PER_PAGE).get_page(request.GET.get("page")).number


def link_of(item: Item) -> str:
    """The screen of what an item is about: the payment, the entry, or its bank line."""
    if item.payment:
        return screen_url("payment", item.payment)
    if item.entry:
        return screen_url("ledger_journalentry_change", item.entry)
    return line_url(item.line) if item.line else ""


def line_url(line_id: int) -> str:
    """The page of a bank line, where there is one."""
    return screen_url("bank_line", line_id) or screen_url("reconciliation_statementline_change", line_id)


@console_path("reconciliations/frozen/<int:pk>/", "reconciliation", SEE)
@require_GET
def reconciliation(request: ConsoleRequest, pk: int) -> HttpResponse:
    """A reconciliation as it was frozen: nothing here is computed anew."""
    row = find_reconciliation(request, pk)
    titles = dict(list_titles())
    lists = [(titles[what], _rows(row.content["lists"][what])) for what in titles if row.content["lists"].get(what)]
    asked = ApprovalRequest.objects.filter(
        organization=request.organization, subject__in=[subject_of(row), f"{subject_of(row)}:open"],
        state=ApprovalState.REQUESTED,
    ).first()  # fmt: skip
    context = console_context(
        request, str(row), row=row, equation=equation_of(row.content), lists=lists, asked=asked,
        cleared=_rows(row.content["cleared"]), variances=_variances(row.content["variances"]),
        matchers=[name for _key, name in row.content["matchers"]],
        may_ask_open=row.state == ReconciliationState.SIGNED and may_prepare(request),
        closed=Match.objects.filter(
            line__bank_account=row.bank_account, line__booked_on__lte=row.closing_on, pk__lte=row.last_match,
            undone_at__isnull=True,
        ).count() if row.state == ReconciliationState.SIGNED else 0,
        back=reverse("admin:reconcile_account", args=[row.bank_account_id]),
    )  # fmt: skip
    return render(request, "console/reconciliation/page.html", context)


def _rows(frozen: list[list[str]]) -> list[tuple[date, str, str, Decimal]]:
    return [
        (date.fromisoformat(day), number, words, Decimal(amount)) for day, number, words, _kind, amount, _ref in frozen
    ]


def _variances(frozen: list[list[str]]) -> list[tuple[str, Decimal, date, str, str, str]]:
    return [
        (kind, Decimal(amount), date.fromisoformat(since), owner, reason, note)
        for _subject, kind, amount, since, owner, reason, note in frozen
    ]
