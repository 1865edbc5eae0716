"""A person says what the processor's own screen says of a charge; another person agrees (invariant 34)."""

from datetime import datetime

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.customer_page import ASKING
from billing.admin.deeds import deed
from billing.admin.facts import said_code
from billing.admin.working import Field, Form, back_to, say_why, show_form
from billing.admin.working import attempt as try_to
from billing.errors import Sentence
from billing.money import format_money, parse_amount
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from payments.admin.attempt_pages import find_attempt
from payments.models import PaymentAttempt
from payments.services import resolving
from payments.services.resolving import ACTION, SAID, TAKES, Finding


@console_path("attempts/<int:pk>/resolve/", "attempt_resolve", ACTION, *ASKING)
@require_http_methods(["GET", "POST"])
def resolve(request: ConsoleRequest, pk: int) -> HttpResponse:
    attempt = find_attempt(request, pk)
    form = _form(attempt)
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, _asked = try_to(form, lambda: resolving.ask_to_resolve(
            attempt=attempt, finding=_finding(attempt, form), reason=form.typed("reason"), by=request.user,
            now=clock.now(),
        ))  # fmt: skip
        if done:
            return back_to(request, "attempt", pk, _("Asked. Another person looks too and decides."))
    amount = format_money(attempt.amount, attempt.currency)
    facts = [
        (_("Asked for"), f"{attempt.get_operation_display()} · {amount}"), (_("Customer"), attempt.customer),
        (_("Gateway account"), f"{attempt.gateway_account} · {attempt.gateway_account.get_kind_display()}"),
        (_("Find it by"), attempt.key), (_("What follows"), _("It is booked as if the processor had said it.")),
    ]  # fmt: skip
    trouble = (
        ""
        if resolving.may_be_resolved(attempt) or form.errors
        else str(resolving.NotUnknown(number=attempt.number, state=said_code("attempt_state", attempt.state)))
    )
    return show_form(
        request, form, title=_("What came of {number}?").format(number=attempt.number), facts=facts, trouble=trouble,
        button=_("Ask another person to agree about {number} ({amount})").format(number=attempt.number, amount=amount),
        back=reverse("admin:attempt", args=[pk]), currency=attempt.currency,
    )  # fmt: skip


def _form(attempt: PaymentAttempt) -> Form:
    choices = [("", gettext_lazy("choose")), *((one, SAID[one]) for one in resolving.findings_for(attempt))]
    part = Field(
        "part", gettext_lazy("Carried out for"), "amount", required=False,
        help=gettext_lazy("Only where the bank allowed less than was asked."),
    )  # fmt: skip
    return Form([
        Field("said", gettext_lazy("The processor's screen says"), "select", choices=choices),
        Field("reference", gettext_lazy("Processor's reference"), required=False, longest=200,
              help=gettext_lazy("Of what was carried out, as it stands there.")),
        *([part] if attempt.operation in TAKES else []),
        Field("reason", gettext_lazy("What you saw, and where"), "area"),
    ])  # fmt: skip


def _finding(attempt: PaymentAttempt, form: Form) -> Finding:
    """Raises BadInput."""
    typed = form.typed("part").strip()
    part = parse_amount(typed, attempt.currency, field="part") if typed else None
    return Finding(form.typed("said"), form.typed("reference").strip(), part)


@deed(
    ACTION, resolving.DEED, label=gettext_lazy("Take it in as the processor's word"), facts=resolving.facts_now,
    customer=resolving.customer_of,
)  # fmt: skip
def carry_out(request: ApprovalRequest, by: User, now: datetime) -> Sentence:
    attempt = resolving.carry_out_resolution(request=request, by=by, now=now)
    return _("{number}: {state}.").format(number=attempt.number, state=attempt.get_state_display())
