"""What is done to a reconciliation: prepared, signed and opened by approval, printed (R144, R145)."""

from datetime import datetime
from functools import partial
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_path
from billing.admin.deeds import deed, subject_key
from billing.admin.facts import AMOUNTS, DEEDS, EVENTS, HIDDEN, LABELS, WORDS
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import Sentence
from billing.money import format_money
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.office.papers.answers import pdf_answer
from billing.office.papers.errors import PdfUnavailable
from billing.transactions import in_transaction
from reconciliation.admin.reconciliation_pages import (
    SEE,
    find_account,
    find_reconciliation,
    prepare_form,
    read_day,
    show_account,
)
from reconciliation.models import (
    BankReconciliation,
    Frequency,
    MatchKind,
    ReconciliationState,
    VarianceKind,
    VarianceReason,
)
from reconciliation.selectors.frozen_content import DEED, OPEN, SIGN, STEPS, freeze, shown_of
from reconciliation.services import signing_off
from reconciliation.services.variances import note_variances

MAKING = (Mode.MAKE, Mode.CHECK)
LABELS |= {
    "bank_account": gettext_lazy("Bank account"), "closing_on": gettext_lazy("As of"),
    "statement_balance": gettext_lazy("Balance of the bank"), **{what: words for what, words, _sign in STEPS},
    "difference": gettext_lazy("Difference"), "book_balance": gettext_lazy("Balance of the books"),
    "cleared_items": gettext_lazy("Cleared since the last reconciliation"),
    "standing_variances": gettext_lazy("Differences with an owner"), "matched_by": gettext_lazy("Lines matched by"),
    "signed_by": gettext_lazy("Signed by"),
}  # fmt: skip
AMOUNTS |= {"statement_balance", "book_balance", "difference", *(what for what, _words, _sign in STEPS)}
HIDDEN |= {"reconciliation_key"}
WORDS |= {
    "match_kind": dict(MatchKind.choices), "variance_kind": dict(VarianceKind.choices),
    "variance_reason": dict(VarianceReason.choices),
}  # fmt: skip
EVENTS |= {
    "bank_item_booked": gettext_lazy("bank item booked"), "held_in_suspense": gettext_lazy("held in suspense"),
}  # fmt: skip
DEEDS |= {
    DEED: gettext_lazy("sign a reconciliation of a bank account"),
    OPEN: gettext_lazy("open a signed reconciliation"),
}


@console_path("reconciliations/<int:pk>/differences/note/", "note_variances", SIGN, *MAKING)
@require_POST
def note(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Write the differences of a day down, each with an owner."""
    account = find_account(request, pk)
    on, trouble = read_day(request, account)
    form = Form([])
    done, made = attempt(
        form, partial(note_variances, bank_account=account, on=on, now=clock.now(), by=request.user)
    )  # fmt: skip
    if trouble or not done or made is None:
        return show_account(request, account, on, form, trouble)
    sentence = _("{count} differences stand as of {day}.").format(count=len(made), day=date_format(on))
    return back_to(request, "reconcile_account", pk, sentence, "variances")


@console_path("reconciliations/<int:pk>/prepare/", "prepare_reconciliation", SIGN, *MAKING)
@require_POST
def prepare(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Freeze the account as of a day and ask a second person to sign. Differences are noted even if it is refused."""
    account = find_account(request, pk)
    on, trouble = read_day(request, account)
    if trouble:
        return show_account(request, account, on, trouble=trouble)
    now = clock.now()
    form = prepare_form().read(request.POST)
    in_transaction(partial(note_variances, bank_account=account, on=on, now=now, by=request.user))

    def work() -> BankReconciliation:
        return signing_off.prepare(bank_account=account, on=on, note=form.typed("note"), now=now, by=request.user)

    done, made = attempt(form, work)
    if done and made is not None:
        return back_to(request, "reconciliation", made.pk, _("Prepared. Another person signs it."))
    return show_account(request, account, on, form)


def _row_of(asked: ApprovalRequest) -> BankReconciliation:
    rows = BankReconciliation.objects.select_related("organization", "bank_account__ledger_account", "signed_by")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _figures_now(asked: ApprovalRequest) -> dict[str, Any]:
    row = _row_of(asked)
    row.bank_account.organization = row.organization
    return shown_of(row, freeze(row.bank_account, row.closing_on)[1])


def _not_signed(asked: ApprovalRequest, by: User, now: datetime) -> None:
    row = _row_of(asked)
    if row.state == ReconciliationState.PREPARED:
        signing_off.drop(row)


@deed(SIGN, DEED, label=gettext_lazy("Sign the reconciliation"), facts=_figures_now, refused=_not_signed)
def _sign(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    row = signing_off.sign(request=asked, by=by, now=now)
    return _("{account} is reconciled as of {day}: {balance} at the bank.").format(
        account=row.bank_account.name, day=date_format(row.closing_on),
        balance=format_money(row.statement_balance, row.currency),
    )  # fmt: skip


@deed(SIGN, OPEN, label=gettext_lazy("Open the signed reconciliation"))
def _open(asked: ApprovalRequest, by: User, now: datetime) -> Sentence | None:
    row = signing_off.open_again(request=asked, now=now)
    return _("The reconciliation of {account} as of {day} is open; its matches may be undone.").format(
        account=row.bank_account.name, day=date_format(row.closing_on)
    )


@console_path("reconciliations/frozen/<int:pk>/open/", "open_reconciliation", SIGN, *MAKING)
@require_http_methods(["GET", "POST"])
def open_signed(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Ask the finance manager to open a signed reconciliation."""
    row = find_reconciliation(request, pk)
    form = Form([Field("reason", gettext_lazy("Why it must be opened"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))
        done, asked = attempt(form, lambda: signing_off.ask_to_open(
            reconciliation=row, reason=form.typed("reason"), now=clock.now(), by=request.user
        ))  # fmt: skip
        if done and asked is not None:
            return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
    effect = _(
        "Its matches may be undone again. What was signed stays readable, and it must be prepared and signed anew."
    )
    return show_form(
        request, form, title=_("Open {reconciliation}").format(reconciliation=row), button=_("Ask to open it"),
        back=f"../../{pk}/", danger=True, facts=[(_("Bank account"), row.bank_account), (_("What it does"), effect)],
    )  # fmt: skip


@console_path("reconciliations/frozen/<int:pk>/paper.pdf", "reconciliation-pdf", SEE)
@require_GET
def paper(request: ConsoleRequest, pk: int) -> HttpResponse:
    """The paper of a signed reconciliation, as it lies in the archive."""
    row = find_reconciliation(request, pk)
    if row.signed_at is None:
        raise Http404
    try:
        data = in_transaction(partial(signing_off.make_paper, row))
    except PdfUnavailable as trouble:
        return HttpResponse(str(trouble), status=503, content_type="text/plain; charset=utf-8")
    name = f"reconciliation-{row.bank_account.code}-{row.closing_on.isoformat()}.pdf"
    return pdf_answer(data, name, to_look_at=True)


@console_path("reconciliations/<int:pk>/how-often/", "reconciliation_routine", SIGN, *MAKING)
@require_http_methods(["GET", "POST"])
def how_often(request: ConsoleRequest, pk: int) -> HttpResponse:
    """How often an account is reconciled; each end of a month besides."""
    account = find_account(request, pk)
    routine = getattr(account, "routine", None)
    form = Form([
        Field("frequency", gettext_lazy("Reconciled"), "select", routine.frequency if routine else Frequency.DAILY,
              choices=Frequency.choices, help=gettext_lazy("Each end of a month besides, so that it can be closed.")),
    ])  # fmt: skip
    if request.method == "POST":
        form.read(request.POST)
        done, _made = attempt(form, lambda: signing_off.set_frequency(
            bank_account=account, frequency=form.typed("frequency"), now=clock.now(), by=request.user
        ))  # fmt: skip
        if done:
            return back_to(request, "reconcile_account", pk, _("Noted."))
    return show_form(
        request, form, title=_("How often {account} is reconciled").format(account=account), button=_("Save"),
        back="../",
    )  # fmt: skip
