"""Unidentified money and suspense at the console: how old, whose work, passed on; and asking a payer."""

from datetime import date
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.working import Field, Form, attempt
from billing.errors import BadInput, Sentence
from billing.inputs import parse_day
from billing.models import Customer
from billing.money import format_money
from billing.office import clock
from billing.office.access import people_who
from billing.office.models import User
from reconciliation.admin.workbench_desk import MATCH, WORKING, filter_of, find_line, show, status_of
from reconciliation.admin.workbench_forms import payer_of
from reconciliation.admin.workbench_line import onward
from reconciliation.models import LineWork, Match, PayerQuestion, StatementLine
from reconciliation.selectors.workbench_queue import ages, in_suspense, suspense_of, unidentified
from reconciliation.services.line_work import pass_on
from reconciliation.services.payer_questions import ANSWER_WITHIN, ask_payer

PER_PAGE = 50


@console_path("unidentified/", "bank_lines_unidentified", MATCH, *WORKING)
@require_GET
def queue(request: ConsoleRequest) -> HttpResponse:
    """Two tabs: lines to explain, and what is held in suspense. Seven queries."""
    today = request.organization.today(clock.now())
    tab = "suspense" if request.GET.get("tab") == "suspense" else "lines"
    lines, held = unidentified(request.organization), in_suspense(request.organization)
    if request.GET.get("owner") == "me":
        lines, held = lines.filter(work__owner=request.user), held.filter(line__work__owner=request.user)
    if tab == "lines":
        buckets = ages(lines, "booked_on", "open_amount", today)
    else:
        buckets = ages(held, "line__booked_on", "amount", today)
    page: Page[Any] = Paginator(lines if tab == "lines" else held, PER_PAGE).get_page(request.GET.get("page"))
    context = console_context(
        request, _("Unidentified money"), tab=tab, page=page, buckets=buckets, today=today,
        owner=request.GET.get("owner", ""), suspense=suspense_of(request.organization),
        rows=[_row(one, today) for one in page],
    )  # fmt: skip
    return render(request, "console/workbench/queue.html", context)


def _row(one: StatementLine | Match, today: date) -> dict[str, Any]:
    line, match = (one.line, one) if isinstance(one, Match) else (one, None)
    work: LineWork | None = getattr(line, "work", None)
    return {
        "line": line, "match": match, "amount": match.amount if match else line.open_amount, "work": work,
        "age": max(0, (today - line.booked_on).days), "late": bool(work and work.due_on and work.due_on < today),
    }  # fmt: skip


@console_path("bank-lines/<int:pk>/work/", "bank_line_work", MATCH, *WORKING)
@require_http_methods(["GET", "POST"])
def work(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Take a line, pass it on to a colleague, or give it back."""
    line = find_line(request, pk)
    wanted = filter_of(request, line)
    assert wanted is not None
    people = {str(one.pk): one for mode in WORKING for one in people_who(request.organization, MATCH, mode)}
    form = _work_form(line, people, request.user)
    if request.method == "POST":
        form.read(request.POST)
        done, _made = attempt(form, lambda: _pass_on(request, line, form, people))
        if done:
            return onward(request, wanted, line, _("Noted."))
    return show(request, "work", wanted, line=line, form=form, status=status_of(form.errors))


def _work_form(line: StatementLine, people: dict[str, User], by: User) -> Form:
    now = LineWork.objects.filter(line=line).first()
    named = sorted(people.items(), key=lambda one: one[1].username)
    choices: list[tuple[str, Sentence]] = [("", gettext_lazy("nobody"))]
    choices += [(key, one.get_full_name() or one.username) for key, one in named]
    owner = str(now.owner_id or "") if now else str(by.pk)
    return Form([
        Field("owner", gettext_lazy("Who looks after it"), "select", owner, choices=choices),
        Field("due_on", gettext_lazy("To be settled by"), "date", required=False,
              value=now.due_on.isoformat() if now and now.due_on else ""),
        Field("note", gettext_lazy("Note"), "area", required=False, value=now.note if now else ""),
    ])  # fmt: skip


def _pass_on(request: ConsoleRequest, line: StatementLine, form: Form, people: dict[str, User]) -> LineWork:
    chosen = form.typed("owner")
    if chosen and chosen not in people:
        raise BadInput(_("Choose one of the list."), field="owner", code="required")
    due_on = parse_day(form.typed("due_on"), field="due_on") if form.typed("due_on") else None
    return pass_on(
        line=line, owner=people.get(chosen), note=form.typed("note"), due_on=due_on, now=clock.now(), by=request.user
    )


@console_path("bank-lines/<int:pk>/ask/", "bank_line_ask", MATCH, *WORKING)
@require_http_methods(["GET", "POST"])
def ask(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask one customer whether a line is theirs: what the message tells stands above the button."""
    line = find_line(request, pk)
    wanted = filter_of(request, line)
    assert wanted is not None
    given = request.POST if request.method == "POST" else request.GET
    customer = payer_of(request, given.get("customer", ""))
    form = Form([], hidden={"customer": str(customer.pk) if customer else ""})
    if request.method == "POST" and customer is not None:
        done, _made = attempt(form, lambda: _ask(request, line, customer))
        if done:
            amount = format_money(line.amount, line.currency)
            sentence = _("{customer} is asked about {amount}.").format(customer=customer.name, amount=amount)
            return onward(request, wanted, line, sentence)
    if customer is None and request.method == "POST":
        form.refuse(BadInput(_("Choose a customer."), field="customer", code="required"))
    return show(
        request, "ask", wanted, line=line, form=form, customer=customer, days=ANSWER_WITHIN.days,
        status=status_of(form.errors),
    )  # fmt: skip


def _ask(request: ConsoleRequest, line: StatementLine, customer: Customer) -> PayerQuestion:
    return ask_payer(line=line, customer=customer, now=clock.now(), by=request.user)
