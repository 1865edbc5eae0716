"""A cheque that is not taken goes back with a slip that says why, in the customer's language (R110)."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.working import REFUSED, Field, Form, attempt
from billing.errors import BadInput, DomainError, Refusals, Sentence
from billing.inputs import clean_text, parse_day
from billing.models import Customer
from billing.money import EXPONENTS, parse_amount
from billing.office import clock
from billing.office.models.user import Mode
from billing.office.policies import PolicyBook, policies_for
from payments.models import ChequeRejection
from payments.services.vault import reject_cheque

# Why a cheque is handed back, as the customer reads it; {days} and {months} are the organization's own.
REASONS: dict[str, Sentence] = {
    "no_number": gettext_lazy("The cheque has no number, or it cannot be read."),
    "no_bank": gettext_lazy("The bank the cheque is drawn on is missing or cannot be read."),
    "no_date": gettext_lazy("The date is missing or is no date."),
    "too_far": gettext_lazy("The cheque is dated more than {vault_days} days ahead."),
    "stale": gettext_lazy("The cheque is older than {stale_days} days; the bank would not pay it."),
    "no_amount": gettext_lazy("The amount is missing or cannot be read."),
    "no_words": gettext_lazy("The amount is not written in words."),
    "not_signed": gettext_lazy("The drawer's signature is missing."),
    "payee": gettext_lazy("It is not made out to us."),
    "changed": gettext_lazy("It was changed, and the change is not signed."),
    "damaged": gettext_lazy("The paper is damaged."),
    "bounces": gettext_lazy("Cheques of this drawer were returned in the last {bounce_months} months."),
    "known": gettext_lazy("This cheque was handed in before."),
    "limit": gettext_lazy("The amount is above what we take by cheque."),
}
# What the rules refuse, by the code of the refusal, as a reason of the slip.
REASON_OF = {
    "too_far_ahead": "too_far", "stale_cheque": "stale", "too_many_bounces": "bounces", "past_limit": "limit",
    "cheque_entered": "known", "duplicate_cheque": "known", "not_a_date": "no_date", "year_out_of_range": "no_date",
}  # fmt: skip
LEFT_OUT = {"cheque_number": "no_number", "cheque_bank": "no_bank", "cheque_date": "no_date", "amount": "no_amount"}
OTHER = "other"


def rejection_url(customer: Customer, *, codes: Iterable[str], **typed: str) -> str:
    """The page that records the cheque as handed back, with what was typed of it and the reasons found."""
    reasons = list(dict.fromkeys(REASON_OF[code] for code in codes if code in REASON_OF))
    facts = [("customer", customer.code), *((name, value[:160]) for name, value in typed.items() if value)]
    return f"{reverse('admin:cheque_reject')}?{urlencode([*facts, *(('reason', one) for one in reasons)])}"


@console_path("vault/hand-back/", "cheque_reject", "enter_payment", Mode.DO)
@require_http_methods(["GET", "POST"])
def reject(request: ConsoleRequest) -> HttpResponse:
    """?customer=CODE and what was typed of the cheque. Saving it prints the slip; the same twice is one."""
    now = clock.now()
    customer = _customer(request)
    book = policies_for(request.organization, customer_id=customer.pk)
    form, ticked = _form(customer, request.GET), request.GET.getlist("reason")
    if request.method == "POST":
        form.read(request.POST)
        ticked = request.POST.getlist("reason")
        done, made = attempt(
            form, lambda: _save(request, customer, form, _sentences(customer, book, ticked, form), now)
        )
        if done and made is not None:
            messages.success(request, _("Recorded. Print the slip and hand it over with the cheque."))
            return HttpResponseRedirect(reverse("admin:cheque_rejection", args=[made.pk]))
    context = console_context(
        request, _("Hand a cheque back"), form=form, customer=customer, ticked=ticked, query=request.GET.urlencode(),
        reasons=[(code, said) for code, said in _reasons(book).items()], currency=form.typed("currency"),
        reason_error=form.placed.get("reasons", ""), back=f"{reverse('admin:vault_take_in')}?{_back(customer)}",
    )  # fmt: skip
    return render(request, "console/vault/reject.html", context, status=REFUSED if form.errors else 200)


def _back(customer: Customer) -> str:
    return urlencode({"customer": customer.code})


def _customer(request: ConsoleRequest) -> Customer:
    code = request.GET.get("customer", "")
    if "\0" in code:
        raise Http404
    return get_object_or_404(Customer, organization=request.organization, code=code)


def _form(customer: Customer, typed: Any) -> Form:
    """Nothing but a reason is required: what is wrong with the paper may be that it is not there."""
    organization = customer.organization
    currency = typed.get("currency", "")
    form = Form(
        [
            Field("number", gettext_lazy("Cheque number"), required=False, longest=30),
            Field("bank", gettext_lazy("Bank"), required=False, longest=80),
            Field("drawer", gettext_lazy("Drawer"), value=customer.name, required=False, longest=160),
            Field("cheque_date", gettext_lazy("Date on the cheque"), "date", required=False),
            Field("amount", gettext_lazy("Amount"), "amount", required=False),
            Field(OTHER, gettext_lazy("Another reason"), "area", required=False, longest=400,
                  help=gettext_lazy("The customer reads it as it stands here.")),
        ],
        hidden={"currency": currency if currency in EXPONENTS else organization.currency},
    )  # fmt: skip
    for item in form.fields:
        item.value = typed.get(item.name, item.value)[: item.longest]
    return form


def _reasons(book: PolicyBook) -> dict[str, str]:
    """The standard reasons in the language that is on, with the customer's own limits."""
    limits = {name: book.number(f"cheques.{name}") for name in ("vault_days", "stale_days", "bounce_months")}
    return {code: str(sentence).format(**limits) for code, sentence in REASONS.items()}


def _sentences(customer: Customer, book: PolicyBook, ticked: Iterable[str], form: Form) -> list[str]:
    """What the slip will say."""
    with override(customer.language):
        known = _reasons(book)
    return [known[code] for code in ticked if code in known] + [form.typed(OTHER).strip()]


def _save(
    request: ConsoleRequest, customer: Customer, form: Form, reasons: list[str], now: datetime
) -> ChequeRejection:  # fmt: skip
    """Raises Refusals for a date or an amount that cannot be read: leave them empty if the paper's cannot."""
    refusals: list[DomainError] = []
    read: dict[str, Any] = {"cheque_date": None, "amount": None, "number": "", "bank": "", "drawer": ""}
    currency = form.typed("currency")
    for name, parse in (("cheque_date", _day), ("amount", lambda text: _amount(text, currency))):
        if form.typed(name).strip():
            try:
                read[name] = parse(form.typed(name))
            except DomainError as refusal:
                refusals.append(refusal)
    for name, longest in (("number", 30), ("bank", 80), ("drawer", 160)):
        try:
            read[name] = clean_text(form.typed(name), field=name, longest=longest, free=name != "number")
        except BadInput as refusal:
            refusals.append(refusal)
    if refusals:
        raise Refusals(refusals)
    return reject_cheque(
        organization=request.organization, customer_id=customer.pk, currency=currency, reasons=reasons, now=now,
        by=request.user, **read,
    )  # fmt: skip


def _day(text: str) -> date:
    return parse_day(text, field="cheque_date")


def _amount(text: str, currency: str) -> Decimal:
    return parse_amount(text, currency, field="amount")


@console_path("vault/handed-back/<int:pk>/", "cheque_rejection", "see_receivables")
@require_GET
def rejection(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The slip that goes back with the cheque: what is wrong with it and what to do next, with room to sign."""
    rows = ChequeRejection.objects.select_related("customer", "rejected_by")
    made = get_object_or_404(rows, pk=pk, organization=request.organization)
    bar = {
        "said": [str(message) for message in messages.get_messages(request)], "back": reverse("admin:vault"),
        "words": _("Back to the vault"), "more": _("Take in another cheque of this customer"), "print": _("Print"),
        "more_url": f"{reverse('admin:vault_take_in')}?{_back(made.customer)}",
    }  # fmt: skip
    with override(made.customer.language):
        context = {
            "organization": request.organization, "rejection": made, "customer": made.customer, "bar": bar,
            "now": made.rejected_at,
        }  # fmt: skip
        return render(request, "console/vault/rejection.html", context)
