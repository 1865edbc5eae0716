"""What a collector does about a case: notes, handing over, taking back, closing; and an agency's statuses."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.chasing.collection_pages import (
    assign_form,
    close_form,
    find_collection,
    hand_over_form,
    note_form,
)
from billing.admin.customer_page import find_customer
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why, show_form
from billing.errors import BadInput, DomainError
from billing.models import CollectionCase, Customer, Invoice
from billing.money import format_money
from billing.office import clock
from billing.office.access import people_who
from billing.office.models import User
from billing.office.models.user import Mode
from billing.refusals import explained
from billing.services.chasing import collections
from billing.services.chasing.agency import COLUMNS, StatusReport, import_statuses
from billing.services.chasing.collecting import open_amount_of
from billing.services.chasing.collections import COLLECT
from billing.transactions import in_transaction


def _deed(
    request: ConsoleRequest, pk: int, form: Form, work: Callable[[CollectionCase, Form], Any], title: str, said: str,
    facts: Any = (),
) -> HttpResponse:  # fmt: skip
    """The form of one deed about a case; what the service refuses stands in it."""
    case = find_collection(request, pk)
    if request.method == "POST":
        form.read(request.POST)
        done, _made = attempt(form, lambda: work(case, form))
        if done:
            return back_to(request, "collection", pk, said)
    words = title.format(number=case.number, amount=format_money(open_amount_of(case), case.currency))
    return show_form(request, form, title=words, button=words, back=reverse("admin:collection", args=[pk]), facts=facts)


@console_path("collections/<int:pk>/note/", "collection_note", COLLECT, Mode.DO)
@require_http_methods(["GET", "POST"])
def note(request: ConsoleRequest, pk: int) -> HttpResponse:
    def work(case: CollectionCase, form: Form) -> Any:
        return collections.add_note(
            case=case, kind=form.typed("kind"), text=form.typed("text"), now=clock.now(), by=request.user
        )

    return _deed(request, pk, note_form(), work, _("Note about {number}"), _("Noted."))


@console_path("collections/<int:pk>/assign/", "collection_assign", COLLECT, Mode.DO)
@require_http_methods(["GET", "POST"])
def assign(request: ConsoleRequest, pk: int) -> HttpResponse:
    def work(case: CollectionCase, form: Form) -> Any:
        return collections.assign(
            case=case, collector=_chosen(case, form.typed("collector")), now=clock.now(), by=request.user
        )

    form = assign_form(request, find_collection(request, pk))
    return _deed(request, pk, form, work, _("Assign {number}"), _("Assigned."))


def _chosen(case: CollectionCase, typed: str) -> User:
    """Of those who work on collections here; whether there is somebody else of this key is not told."""
    key = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 18 else 0
    found = next((one for one in people_who(case.organization, COLLECT, Mode.DO) if one.pk == key), None)
    if found is None:
        raise BadInput(_("Choose a collector."), field="collector", code="required")
    return found


@console_path("collections/<int:pk>/hand-over/", "collection_hand_over", COLLECT, Mode.DO)
@require_http_methods(["GET", "POST"])
def hand_over(request: ConsoleRequest, pk: int) -> HttpResponse:
    def work(case: CollectionCase, form: Form) -> Any:
        return collections.hand_over(
            case=case, agency=form.typed("agency"), reference=form.typed("reference"), now=clock.now(), by=request.user
        )

    form = hand_over_form(find_collection(request, pk))
    return _deed(request, pk, form, work, _("Hand {number} over ({amount})"), _("Handed over."))


@console_path("collections/<int:pk>/take-back/", "collection_take_back", COLLECT, Mode.DO)
@require_http_methods(["GET", "POST"])
def take_back(request: ConsoleRequest, pk: int) -> HttpResponse:
    def work(case: CollectionCase, form: Form) -> Any:
        return collections.take_back(case=case, now=clock.now(), by=request.user)

    return _deed(request, pk, Form([]), work, _("Take {number} back from the agency"), _("Taken back."))


@console_path("collections/<int:pk>/close/", "collection_close", COLLECT, Mode.DO)
@require_http_methods(["GET", "POST"])
def close(request: ConsoleRequest, pk: int) -> HttpResponse:
    def work(case: CollectionCase, form: Form) -> Any:
        return collections.close_case(case=case, outcome=form.typed("outcome"), now=clock.now(), by=request.user)

    effect = _("What is still open goes back to its timeline. Nothing is written off by closing.")
    facts = [(_("What it does"), effect)]
    return _deed(request, pk, close_form(), work, _("Close {number}"), _("Closed."), facts)


@console_path("customers/<int:pk>/collection/", "collection_new", COLLECT, Mode.DO)
@require_http_methods(["GET", "POST"])
def open_case(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Open a collection case about all that is overdue, before the timelines do."""
    customer = find_customer(request, pk)
    form = Form([Field("reason", gettext_lazy("Why now"), "area")])
    overdue = _overdue(customer)
    if request.method == "POST":
        form.read(request.POST)

        def work() -> CollectionCase:
            say_why(request, form.typed("reason"))
            return collections.open_by_hand(
                customer=customer, invoice_ids=[invoice.pk for invoice in overdue], reason=form.typed("reason"),
                now=clock.now(), by=request.user,
            )  # fmt: skip

        done, made = attempt(form, work)
        if done and made is not None:
            return back_to(request, "collection", made.pk, _("Collection case {number} is open.").format(number=made))
    trouble = "" if overdue else _("Nothing of this customer is overdue.")
    return show_form(
        request, form, title=_("Collection case for {customer}").format(customer=customer), trouble=trouble,
        button=_("Open a collection case"), back=reverse("admin:customer", args=[pk]),
        facts=[(invoice.number, format_money(invoice.open_amount, invoice.currency)) for invoice in overdue],
    )  # fmt: skip


def _overdue(customer: Customer) -> list[Invoice]:
    today, currency = customer.organization.today(clock.now()), customer.organization.currency
    return list(Invoice.objects.filter(customer=customer, currency=currency).overdue(today).order_by("due_on", "id"))


@console_path("collections/statuses/", "collections_import", COLLECT, Mode.DO)
@require_http_methods(["GET", "POST"])
def statuses(request: ConsoleRequest) -> HttpResponse:
    """Take in what an agency says about its cases: the same file twice adds nothing."""
    field = Field("file", gettext_lazy("CSV file of the agency"), "file")
    form, report = Form([field]), None
    if request.method == "POST":
        form.read(request.POST, request.FILES)
        try:
            uploaded = form.uploaded("file")
            assert uploaded is not None
            with explained():
                report = _import(request, uploaded[1])
        except DomainError as refusal:
            form.refuse(refusal)
    context = console_context(
        request, _("Statuses from an agency"), form=form, report=report, columns=", ".join(COLUMNS)
    )
    return render(request, "console/chasing/statuses.html", context, status=REFUSED if form.errors else 200)


def _import(request: ConsoleRequest, content: bytes) -> StatusReport:
    return in_transaction(
        lambda: import_statuses(organization=request.organization, content=content, now=clock.now(), by=request.user)
    )
