"""The customer's page: what is owed, how late, what was paid and promised, and everything that happened."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, modes_of
from billing.admin.deeds import deed, subject_key
from billing.admin.panels import panels_of
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import BadInput, DomainError, Sentence
from billing.inputs import clean_text, parse_day
from billing.models import CreditHoldEvent, Customer, Invoice
from billing.money import ZERO, format_money, parse_amount, parse_signed_amount
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from billing.selectors.covered import covered_amounts
from billing.selectors.customer_account import BUCKETS, Position, positions, promises_of
from billing.selectors.customer_traces import with_traces
from billing.selectors.timeline import timeline
from billing.services import requests
from billing.services.promising import record_promise

PER_PAGE = 50
ASKING = (Mode.DO, Mode.MAKE, Mode.CHECK)


def find_customer(request: ConsoleRequest, pk: int) -> Customer:
    """The customer of the organization worked in, or 404."""
    rows = Customer.objects.select_related("household", "organization", "billing_profile")
    return get_object_or_404(with_traces(rows), pk=pk, organization=request.organization)


@console_path("customers/<int:pk>/", "customer", "see_receivables")
@require_http_methods(["GET"])
def customer_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Everything of one customer. About twenty queries, however long the history."""
    customer = find_customer(request, pk)
    today = request.organization.today(clock.now())
    on, trouble = _as_of(request, today)
    book = policies_for(request.organization, customer_id=customer.pk)
    accounts = positions(customer, book, on, today)
    for account in accounts if on == today else ():
        account.covered_amount = covered_amounts([customer.pk], account.currency).get(customer.pk, ZERO)
    facts, more = timeline(customer, page := _page_number(request))
    bucket = request.GET.get("bucket", "")
    context = console_context(
        request, customer.shown_name, customer=customer, today=today, on=on, is_today=on == today, trouble=trouble,
        accounts=accounts, main=accounts[0], bucket=bucket, available=_available(customer, accounts[0]),
        open_page=_open_page(request, accounts, bucket), buckets={key: words for key, _last, words in BUCKETS},
        hold=customer.holds_on(today), hold_events=list(customer.hold_events.select_related("by")[:10]),
        promises=promises_of(customer, today), promise_form=promise_form(),
        facts=facts, facts_page=page, facts_more=more,
        household=_household(customer), panels=panels_of("customer", request, customer),
        can=_rights(request), held_until=customer.hold_until,
    )  # fmt: skip
    return render(request, "console/customer/page.html", context)


def _as_of(request: ConsoleRequest, today: date) -> tuple[date, str]:
    """The day asked for, not after today, and what was wrong with it."""
    asked = request.GET.get("as_of", "")
    if not asked:
        return today, ""
    try:
        on = parse_day(asked, field="as_of")
        if on > today:
            raise BadInput(_("The future is not known yet; choose today or an earlier day."), field="as_of")
    except DomainError as refusal:
        return today, str(refusal)
    return on, ""


def _page_number(request: ConsoleRequest) -> int:
    asked = request.GET.get("facts", "1")
    return min(max(int(asked), 1), 1000) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1


def _open_page(request: ConsoleRequest, accounts: list[Position], bucket: str) -> Any:
    rows = [row for account in accounts for row in account.rows if not bucket or row.bucket == bucket]
    return Paginator(rows, PER_PAGE).get_page(request.GET.get("open"))


def _available(customer: Customer, position: Position) -> Decimal | None:
    if customer.credit_limit is None:
        return None
    left: Decimal = customer.credit_limit - position.owed
    return max(Decimal(0), left)


def _household(customer: Customer) -> list[Customer]:
    if customer.household is None:
        return []
    return list(customer.household.customers.exclude(pk=customer.pk).order_by("name"))


def _rights(request: ConsoleRequest) -> dict[str, bool]:
    """What the buttons of the page may offer. One query."""
    held = modes_of(request)

    def may(action: str, *modes: Mode) -> bool:
        return bool(held.get(action, frozenset()) & set(modes))

    return {
        "receive": may("enter_payment", Mode.DO),
        "promise": may("enter_payment", Mode.DO),
        "apply": may("allocate_by_hand", Mode.DO),
        "hold": may(requests.HOLD, *ASKING),
        "memo": may(requests.MEMO, *ASKING),
        "refund": may("ask_refund", *ASKING),
    }


# Promises


def promise_form() -> Form:
    return Form(
        [
            Field("amount", gettext_lazy("Amount promised"), "amount"),
            Field("promised_on", gettext_lazy("By"), "date"),
            Field("note", gettext_lazy("Note"), required=False, longest=200),
        ]
    )


@console_path("customers/<int:pk>/promise/", "promise", "enter_payment", Mode.DO)
@require_http_methods(["GET", "POST"])
def promise(request: ConsoleRequest, pk: int) -> HttpResponse:
    customer = find_customer(request, pk)
    form = promise_form()
    currency = request.organization.currency
    if request.method == "POST":
        form.read(request.POST)

        def work() -> Sentence:
            made = record_promise(
                customer=customer, amount=parse_amount(form.typed("amount"), currency),
                promised_on=parse_day(form.typed("promised_on"), field="promised_on"),
                note=clean_text(form.typed("note"), field="note", longest=200), now=clock.now(), by=request.user,
            )  # fmt: skip
            return _("Promise noted: {amount}.").format(amount=format_money(made.amount, currency))

        done, sentence = attempt(form, work)
        if done:
            return back_to(request, "customer", pk, sentence, "promises")
    return show_form(
        request, form, title=_("Promise to pay: {name}").format(name=customer), button=_("Note the promise"),
        back=reverse("admin:customer", args=[pk]), currency=currency,
    )  # fmt: skip


# Credit hold: always two people


@console_path("customers/<int:pk>/hold/", "hold", requests.HOLD, *ASKING)
@require_http_methods(["GET", "POST"])
def hold(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask to set or to release the credit hold."""
    customer = find_customer(request, pk)
    release = request.GET.get("do", request.POST.get("do")) == "release"
    fields = [Field("reason", gettext_lazy("Reason"), "area")]
    if not release:
        last = gettext_lazy("Empty: until somebody releases it.")
        fields.append(Field("until", gettext_lazy("Last day of the hold"), "date", required=False, help=last))
    form = Form(fields, hidden={"do": "release" if release else "set"})
    if request.method == "POST":
        form.read(request.POST)

        def work() -> ApprovalRequest:
            until = parse_day(form.typed("until"), field="until") if form.typed("until").strip() else None
            return requests.ask_for_hold(
                customer=customer,
                release=release,
                until=until,
                reason=form.typed("reason"),
                by=request.user,
                now=clock.now(),
            )

        done, asked = attempt(form, work)
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
    name = str(customer)
    return show_form(
        request, form, back=reverse("admin:customer", args=[pk]), facts=_hold_facts(customer), danger=not release,
        title=_("Release the credit hold of {name}").format(name=name) if release
        else _("Set a credit hold on {name}").format(name=name),
        button=_("Ask to release the hold") if release else _("Ask to set the hold"),
    )  # fmt: skip


def _hold_facts(customer: Customer) -> list[tuple[str, object]]:
    last: CreditHoldEvent | None = customer.hold_events.first()
    rows: list[tuple[str, object]] = [(_("On hold now"), _("yes") if customer.is_on_hold else _("no"))]
    if last is not None:
        rows.append((_("Last word on it"), f"{last.get_change_display()}: {last.explanation}"))
    rows.append((_("What it means"), _("New orders stop until the hold is released; payments are still taken.")))
    return rows


def _customer_of(asked: ApprovalRequest) -> Customer:
    return requests.customer_of(asked.organization, asked)


def _hold_now(asked: ApprovalRequest) -> dict[str, Any]:
    return requests.hold_facts_of(asked, _customer_of(asked))


@deed(requests.HOLD, "set_hold", label=gettext_lazy("Set the credit hold"), facts=_hold_now, customer=subject_key)
@deed(
    requests.HOLD, "release_hold", label=gettext_lazy("Release the credit hold"), facts=_hold_now, customer=subject_key
)
def _carry_out_hold(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    requests.carry_out_hold(request=asked, customer=_customer_of(asked), by=by, now=now)
    return gettext_lazy("Approved and carried out.")


# Credit memo


@console_path("customers/<int:pk>/credit-memo/", "credit_memo", requests.MEMO, *ASKING)
@require_http_methods(["GET", "POST"])
def credit_memo(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask to give back part of what was billed."""
    customer = find_customer(request, pk)
    form = _memo_form(customer, request.GET.get("invoice", ""))
    effect = _("Lowers revenue and tax, and gives the customer credit to set against invoices.")
    if request.method == "POST":
        form.read(request.POST)
        done, asked = attempt(form, lambda: _ask_for_memo(request, customer, form))
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
    return show_form(
        request, form, title=_("Credit memo for {name}").format(name=customer), button=_("Ask for the credit memo"),
        back=reverse("admin:customer", args=[pk]), currency=request.organization.currency,
        facts=[(_("What it does"), effect)],
    )  # fmt: skip


def _memo_form(customer: Customer, invoice: str) -> Form:
    open_ones = Invoice.objects.filter(customer=customer, open_amount__gt=0).order_by("due_on", "id")[:200]
    choices = [("", _("none: keep it as credit"))]
    choices += [(str(i.pk), f"{i.number} ({format_money(i.open_amount, i.currency)})") for i in open_ones]
    return Form(
        [
            Field("net", gettext_lazy("Amount before tax"), "amount"),
            Field("tax", gettext_lazy("Tax"), "amount", value="0"),
            Field("invoice", gettext_lazy("Set against"), "select", value=invoice, choices=choices, required=False),
            Field("reason", gettext_lazy("Reason"), "area"),
        ],
        hidden={"key": get_random_string(20)},
    )


def _ask_for_memo(request: ConsoleRequest, customer: Customer, form: Form) -> ApprovalRequest:
    invoice = None
    if form.typed("invoice"):
        rows = Invoice.objects.filter(customer=customer)
        invoice = rows.filter(pk=form.typed("invoice")).first() if form.typed("invoice").isdigit() else None
        if invoice is None:
            raise BadInput(_("Choose one of the open invoices."), field="invoice", code="not_open_here")
    currency = invoice.currency if invoice else request.organization.currency
    say_why(request, form.typed("reason"))
    return requests.ask_for_credit_memo(
        customer=customer, net=parse_amount(form.typed("net"), currency, field="net"),
        tax=parse_signed_amount(form.typed("tax") or "0", currency, field="tax"), invoice=invoice,
        reason=form.typed("reason"), key=form.typed("key"), by=request.user, now=clock.now(),
    )  # fmt: skip


def _memo_now(asked: ApprovalRequest) -> dict[str, Any]:
    return requests.memo_facts_of(asked, _customer_of(asked))


@deed(requests.MEMO, "credit_memo", label=gettext_lazy("Issue the credit memo"), facts=_memo_now, customer=subject_key)
def _carry_out_memo(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    memo = requests.issue_requested_memo(request=asked, customer=_customer_of(asked), by=by, now=now)
    return _("Approved; credit memo {number} was issued.").format(number=memo.number)
