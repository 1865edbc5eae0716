"""Ledger accounts that are no longer used: what names one is not posted to the general ledger (R140)."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_path, may_here
from billing.admin.books.filters import ADJUST, SEE
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.inputs import clean_text
from billing.ledger.models import LedgerAccount
from billing.office.models.user import Mode
from billing.services.books.accounts import set_in_use


@console_path("ledger/accounts/<int:pk>/use/", "ledger_account_use", SEE)
@require_http_methods(["GET", "POST"])
def account_use(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Take an account out of use, or into use again, with a reason that the audit trail keeps."""
    if not may_here(request, ADJUST, Mode.MAKE, Mode.CHECK):
        raise PermissionDenied
    account = get_object_or_404(LedgerAccount, pk=pk, organization=request.organization)
    form = Form([Field("reason", gettext_lazy("Reason"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        say_why(request, form.typed("reason"))

        def work() -> LedgerAccount:
            clean_text(form.typed("reason"), field="reason", longest=400, required=True)
            return set_in_use(account=account, in_use=not account.is_active)

        done, changed = attempt(form, work)
        if done and changed is not None:
            words = _("{account} is in use again.") if changed.is_active else _("{account} is no longer used.")
            return back_to(request, "ledger_ledgeraccount_change", pk, words.format(account=account))
    words = _("No longer use {account}") if account.is_active else _("Use {account} again")
    follows = (
        _("Batches with entries that name it are suspended.")
        if account.is_active
        else _("Suspended batches that name it can be tried again.")
    )
    named = words.format(account=account)
    return show_form(
        request, form, title=named, button=named, back=reverse("admin:ledger_ledgeraccount_change", args=[pk]),
        danger=account.is_active, facts=[(_("What it does"), follows)],
    )  # fmt: skip
