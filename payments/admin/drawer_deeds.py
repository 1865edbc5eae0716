"""What is done to an open drawer: cash moved, counted, the difference explained and accepted (R12)."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path
from billing.admin.deeds import deed, subject_key
from billing.admin.working import REFUSED, Field, Form, attempt, back_to, say_why
from billing.errors import DomainError, Sentence
from billing.money import format_money, parse_amount
from billing.office import clock
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.models.user import Mode
from payments.admin.cash_form import counter, may_handle
from payments.admin.drawer_pages import find_session
from payments.models import BankAccount
from payments.models.cash import DrawerSession, MovementKind, SessionState
from payments.services.denominations import read_count
from payments.services.drawers import (
    ACCEPT,
    DEED,
    NotCounted,
    accept_difference,
    close_drawer,
    count_again,
    difference_facts,
    explain_difference,
    move_cash,
)
from payments.services.safe import check_open

KINDS = {
    MovementKind.TO_SAFE: gettext_lazy("Put into the safe"),
    MovementKind.FROM_SAFE: gettext_lazy("Take from the safe"),
    MovementKind.FROM_BANK: gettext_lazy("Fetched from the bank"),
}


def handled(request: ConsoleRequest, pk: int) -> DrawerSession:
    """The drawer, for those who may touch it; 403 for others."""
    session = find_session(request, pk)
    if not may_handle(request, session):
        raise PermissionDenied
    return session


def bank_field(organization: Organization, currency: str, *, required: bool = True) -> Field:
    """The account cash was fetched from."""
    rows = BankAccount.objects.filter(organization=organization, is_active=True, currency=currency).order_by("name")
    choices: list[tuple[str, Sentence]] = [
        ("", gettext_lazy("Choose…")),
        *((account.code, str(account.name)) for account in rows),
    ]
    value = choices[1][0] if len(choices) == 2 and required else ""
    help_text = gettext_lazy("Only for cash fetched from the bank.") if not required else ""
    label = gettext_lazy("Bank account")
    return Field("bank_account", label, "select", value, help=help_text, required=required, choices=choices)


def bank_account_of(request: ConsoleRequest, code: str) -> BankAccount | None:
    return BankAccount.objects.filter(organization=request.organization, code=code).first() if code else None


@console_path("cash/drawers/<int:pk>/move/", "drawer_move", "enter_payment", Mode.DO)
@require_http_methods(["GET", "POST"])
def move_drawer_cash(request: ConsoleRequest, pk: int) -> HttpResponse:
    session = handled(request, pk)
    form = Form(
        [
            Field("kind", gettext_lazy("What"), "select", request.GET.get("kind", "to_safe"), choices=KINDS.items()),
            Field("amount", gettext_lazy("Amount"), "amount"),
            bank_field(request.organization, session.currency, required=False),
            Field("reason", gettext_lazy("Reason"), required=False),
        ],
        hidden={"request_key": uuid4().hex},
    )
    if request.method == "POST":
        form.read(request.POST)
        done, moved = attempt(form, lambda: _move(request, session, form))
        if done and moved is not None:
            words = _("{what}: {amount}.").format(
                what=KINDS[MovementKind(moved.kind)], amount=format_money(moved.amount, moved.currency)
            )
            return back_to(request, "drawer", pk, words)
    context = console_context(
        request, _("Move cash of {name}").format(name=session.cash_point.name), form=form, currency=session.currency,
        button=_("Move the cash"), back=reverse("admin:drawer", args=[pk]), trouble=_why_not(session),
    )  # fmt: skip
    return render(request, "console/customer/deed.html", context, status=REFUSED if form.errors else 200)


def _move(request: ConsoleRequest, session: DrawerSession, form: Form) -> Any:
    kind = form.typed("kind")
    account = bank_account_of(request, form.typed("bank_account")) if kind == MovementKind.FROM_BANK else None
    return move_cash(
        organization=request.organization, session=session, kind=kind, currency=session.currency,
        amount=parse_amount(form.typed("amount"), session.currency), reason=form.typed("reason"),
        request_key=form.typed("request_key"), now=clock.now(), by=request.user, bank_account=account,
    )  # fmt: skip


def _why_not(session: DrawerSession) -> str:
    try:
        check_open(session)
    except DomainError as trouble:
        return str(trouble)
    return ""


@console_path("cash/drawers/<int:pk>/close/", "drawer_close", "enter_payment", Mode.DO)
@require_http_methods(["GET", "POST"])
def close(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The blind count: nothing on this page says what should be there."""
    session = handled(request, pk)
    form = Form(
        [
            Field(
                "reason", gettext_lazy("Remark"), required=False,
                help=gettext_lazy("What explains a difference, if you know of one; a second person may read it."),
            )
        ]
    )  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, counted = attempt(
            form,
            lambda: close_drawer(
                session=session, denominations=read_count(request.POST, session.currency),
                reason=form.typed("reason"), now=clock.now(), by=request.user,
            ),
        )  # fmt: skip
        if done and counted is not None:
            return back_to(request, "drawer", pk, _outcome(counted))
    context = console_context(
        request, _("Count and close {name}").format(name=session.cash_point.name), session=session, form=form,
        counter=counter(session.currency, request.POST, form), back=reverse("admin:drawer", args=[pk]),
        trouble=_why_not(session),
    )  # fmt: skip
    return render(request, "console/cash/close.html", context, status=REFUSED if form.errors else 200)


def _outcome(session: DrawerSession) -> str:
    """What became of the count. Of a drawer that is not closed, no figure."""
    name = session.cash_point.name
    if session.state == SessionState.COUNTED:
        if session.variance_reason:
            return _("Counted. The difference needs a second person; they have been asked.")
        return _("Counted. It differs by more than one person may accept: explain it, or count again.")
    if not session.variance:
        return _("{name} is closed; it adds up.").format(name=name)
    amount = format_money(session.variance, session.currency)
    return _("{name} is closed; the difference of {amount} is posted.").format(name=name, amount=amount)


@console_path("cash/drawers/<int:pk>/explain/", "drawer_explain", "enter_payment", Mode.DO)
@require_POST
def explain(request: ConsoleRequest, pk: int) -> HttpResponse:
    session = handled(request, pk)
    form = Form([Field("reason", gettext_lazy("What explains the difference"), "area")]).read(request.POST)
    say_why(request, form.typed("reason"))
    done, asked = attempt(
        form,
        lambda: explain_difference(
            session=session, reason=form.typed("reason"), now=clock.now(), by=request.user
        ),
    )  # fmt: skip
    if done and asked is not None:
        return back_to(request, "drawer", pk, _("Asked. A second person decides."))
    context = console_context(
        request, _("Explain the difference"), form=form, button=_("Ask a second person"),
        back=reverse("admin:drawer", args=[pk]),
    )  # fmt: skip
    return render(request, "console/customer/deed.html", context, status=REFUSED)


@console_path("cash/drawers/<int:pk>/again/", "drawer_again", "enter_payment", Mode.DO)
@require_POST
def again(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Count once more: the drawer is open again, the first count stays on record."""
    session = handled(request, pk)
    form = Form([])
    done, _session = attempt(form, lambda: count_again(session=session))
    if done:
        return back_to(request, "drawer_close", pk, _("Count again. The earlier count stays on record."))
    messages.error(request, " ".join(form.errors))
    return HttpResponseRedirect(reverse("admin:drawer", args=[pk]))


def _session_of(asked: ApprovalRequest) -> DrawerSession:
    rows = DrawerSession.objects.select_related("organization", "cash_point", "opened_by")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _counted_now(asked: ApprovalRequest) -> dict[str, Any]:
    """Raises NotCounted."""
    session = _session_of(asked)
    if session.state != SessionState.COUNTED:
        raise NotCounted(drawer=session.cash_point.name, state=session.get_state_display())
    return difference_facts(session)


@deed(ACCEPT, DEED, label=gettext_lazy("Accept the difference"), facts=_counted_now)
def _carry_out(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    session = accept_difference(session=_session_of(asked), approval=asked, by=by, now=now)
    return _("Accepted; {name} is closed.").format(name=session.cash_point.name)
