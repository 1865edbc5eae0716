"""Deeds about policy loans: asking for one, what its approval carries out, billing it back (source 2 §1.2)."""

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.customer_page import ASKING
from billing.admin.deeds import deed, subject_key
from billing.admin.facts import AMOUNTS, DEEDS, EVENTS, HIDDEN, LABELS
from billing.admin.insurance.deeds import facts_of, find_insured, show_deed
from billing.admin.plans.reading import key_of
from billing.admin.working import Field, Form, attempt, back_to, say_why
from billing.errors import BadInput, Sentence
from billing.inputs import parse_day
from billing.ledger.models import LedgerAccount, Role
from billing.models import Agreement, PolicyLoan
from billing.money import ZERO, format_money, parse_amount
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.services.insurance.loans import (
    DEED,
    LEND,
    LoanOrder,
    ask_for_loan,
    bill_loan,
    due_of,
    fingerprint_of,
    lend,
    loan_facts,
    order_of,
)

PERCENT = re.compile(r"\d{1,3}(\.\d{1,2})?", re.ASCII)
LABELS |= {
    "policy_number": gettext_lazy("Policy number"), "percent_a_year": gettext_lazy("Percent interest a year"),
    "lent_on": gettext_lazy("Lent on"), "bank": gettext_lazy("From bank account"),
}  # fmt: skip
HIDDEN |= {"account_key"}
AMOUNTS |= {"principal"}
DEEDS[DEED] = gettext_lazy("lend against a policy")
EVENTS["loan_lent"] = gettext_lazy("money lent against a policy")


@console_path("agreements/<int:pk>/lend/", "policy_lend", LEND, *ASKING)
@require_http_methods(["GET", "POST"])
def policy_lend(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask for a loan; a second person decides, and it is booked with their word."""
    agreement = find_insured(request, pk)
    today = request.organization.today(clock.now())
    banks = LedgerAccount.objects.filter(organization=request.organization, role=Role.BANK).order_by("code")
    form = Form(
        [
            Field("amount", gettext_lazy("Amount lent"), "amount"),
            Field("rate", gettext_lazy("Percent interest a year"), longest=6,
                  help=gettext_lazy("Simple interest by the day, for example 9 or 9.5.")),
            Field("lent_on", gettext_lazy("Paid out on"), "date", today.isoformat()),
            Field("account", gettext_lazy("From bank account"), "select",
                  choices=[(str(bank.pk), str(bank)) for bank in banks]),
            Field("reason", gettext_lazy("Reason"), "area"),
        ],
        hidden={"request_key": uuid4().hex},
    )  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)

        def work() -> ApprovalRequest:
            order = LoanOrder(
                parse_amount(form.typed("amount"), agreement.currency, field="amount"), _rate(form),
                parse_day(form.typed("lent_on"), field="lent_on"), key_of(form, "account"),
            )  # fmt: skip
            return ask_for_loan(
                agreement=agreement, order=order, reason=form.typed("reason"),
                request_key=form.typed("request_key")[:32], now=clock.now(), by=request.user,
            )  # fmt: skip

        say_why(request, form.typed("reason"))
        done, asked = attempt(form, work)
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
    return show_deed(
        request, agreement, form, title=_("Lend against the policy"), button=_("Ask for the loan"),
        facts=facts_of(agreement),
    )  # fmt: skip


def _rate(form: Form) -> Decimal:
    typed = form.typed("rate").strip().removesuffix("%").strip()
    if not PERCENT.fullmatch(typed):
        sentence = gettext_lazy("A percentage such as 9 or 9.5 is expected.")
        raise BadInput(sentence, field="rate", code="not_a_percent")
    return Decimal(typed) / 100


def _agreement_of(asked: ApprovalRequest) -> Agreement:
    rows = Agreement.objects.select_related("organization", "customer", "insurance", "plan")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _customer(asked: ApprovalRequest) -> int:
    return _agreement_of(asked).customer_id


def _now(asked: ApprovalRequest) -> dict[str, Any]:
    return loan_facts(_agreement_of(asked), order_of(asked))


@deed(LEND, DEED, label=gettext_lazy("Lend"), facts=_now, customer=_customer)
def _carry_out(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    loan = lend(agreement=_agreement_of(asked), request=asked, now=now, by=by)
    return _("{number} is booked; pay {amount} out.").format(
        number=loan.number, amount=format_money(loan.principal_amount, loan.currency)
    )


@console_path("policy-loans/<int:pk>/bill/", "policy_loan_bill", "manage_agreements", Mode.DO)
@require_http_methods(["GET", "POST"])
def policy_loan_bill(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Bill part of a loan back, with the interest that ran up to today."""
    rows = PolicyLoan.objects.select_related("organization", "agreement", "customer")
    loan = get_object_or_404(rows, pk=pk, organization=request.organization)
    agreement = find_insured(request, loan.agreement_id)
    today = request.organization.today(clock.now())
    due = due_of(loan, today)
    form = Form(
        [Field("amount", gettext_lazy("Principal to pay back"), "amount", required=False,
               help=gettext_lazy("Empty: the interest alone."))],
        hidden={"seen": fingerprint_of(loan)},
    )  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)

        def work() -> Any:
            typed = form.typed("amount").strip()
            principal = parse_amount(typed, loan.currency, field="amount") if typed else ZERO
            return bill_loan(
                loan=loan, principal=principal, on=today, now=clock.now(), by=request.user, seen=form.typed("seen")
            )

        done, invoices = attempt(form, work)
        if done and invoices is not None:
            numbers = ", ".join(invoice.number for invoice in invoices)
            words = _("Billed with {numbers}.").format(numbers=numbers)
            return back_to(request, "agreement", agreement.pk, words, "insurance")
    facts = facts_of(
        agreement, (_("Loan"), f"{loan.number} · {date_format(loan.lent_on)}"),
        (_("Left to bill back"), format_money(due.principal, loan.currency)),
        (_("Interest up to today"), format_money(due.interest, loan.currency)),
    )  # fmt: skip
    button = _("Bill it, with {interest} interest").format(interest=format_money(due.interest, loan.currency))
    return show_deed(request, agreement, form, title=_("Bill a loan back"), button=button, facts=facts)
