"""The comparison with Zoho at the console: what differs, both sides beside each other, one click to correct (R149)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import Field, Form, show_form
from billing.errors import DomainError, Sentence
from billing.money import format_money
from billing.office import clock
from billing.office.models.user import Mode
from billing.refusals import explained
from payments.models import GatewayAccount
from payments.models.gateway_account import GatewayKind
from reconciliation.admin.difference_deeds import may_explain
from reconciliation.admin.differences_words import FACTS, LAGS
from reconciliation.models import ZohoDiscrepancy
from reconciliation.rules.zoho_sides import lag_of
from reconciliation.selectors.differences import latest_comparisons, zoho_counts, zoho_queue
from reconciliation.services.differences import WORK
from reconciliation.services.zoho import correcting
from reconciliation.services.zoho.comparing import compare_zoho

PER_PAGE = 50
TABS: dict[str, tuple[Sentence, Sentence]] = {
    "open": (gettext_lazy("to look at"), gettext_lazy("Nothing differs between our records and Zoho's.")),
    "correcting": (gettext_lazy("being corrected"), gettext_lazy("Nothing waits to be done at Zoho.")),
    "seen": (gettext_lazy("just seen"), gettext_lazy("Nothing was seen so lately that word may be on its way.")),
    "explained": (gettext_lazy("explained"), gettext_lazy("No difference was explained.")),
    "resolved": (gettext_lazy("resolved"), gettext_lazy("No difference was resolved yet.")),
}  # fmt: skip


@console_path("zoho/comparison/", "zoho_comparison", "see_receivables")
@require_GET
def comparison(request: ConsoleRequest) -> HttpResponse:
    """The queue, and how far the latest comparison came. Five queries."""
    tab = request.GET.get("tab", "open")
    if tab not in TABS:
        raise Http404
    page = Paginator(zoho_queue(request.organization, tab), PER_PAGE).get_page(request.GET.get("page"))
    counts, now = zoho_counts(request.organization), clock.now()
    context = console_context(
        request, _("Zoho comparison"), tab=tab, page=page, empty=TABS[tab][1],
        tabs=[(name, words, counts[name]) for name, (words, _empty) in TABS.items()],
        rows=[(row, sides(row), LAGS[lag_of(row.first_seen_at, now, request.organization.time_zone)]) for row in page],
        runs=latest_comparisons(request.organization), may_work=may_here(request, WORK, Mode.DO),
    )  # fmt: skip
    return render(request, "console/zoho/comparison.html", context)


def sides(row: ZohoDiscrepancy) -> list[dict[str, Any]]:
    """Fact by fact: what it is called, here, there, and whether they differ."""
    names = [name for name in FACTS if name in row.ours or name in row.theirs]
    found = []
    for name in names:
        ours, theirs = row.ours.get(name, ""), row.theirs.get(name, "")
        found.append({"words": FACTS[name], "ours": ours, "theirs": theirs, "differs": ours != theirs})
    return found


@console_path("zoho/comparison/now/", "zoho_compare_now", WORK, Mode.DO)
@require_POST
def compare_now(request: ConsoleRequest) -> HttpResponse:
    """Compare all accounts at Zoho now."""
    now = clock.now()
    accounts = GatewayAccount.objects.filter(organization=request.organization, kind=GatewayKind.ZOHO, is_active=True)
    for account in accounts.select_related("organization"):
        run = compare_zoho(account=account, as_of=request.organization.today(now), now=now)
        if run.trouble:
            messages.warning(request, _("{account} could not be read to the end: {trouble}").format(
                account=account, trouble=run.trouble
            ))  # fmt: skip
        else:
            messages.success(request, _("{account} is compared.").format(account=account))
    return HttpResponseRedirect(reverse("admin:zoho_comparison"))


@console_path("zoho/differences/<int:pk>/", "zoho_difference", "see_receivables")
@require_GET
def zoho_difference(request: ConsoleRequest, pk: int) -> HttpResponse:
    row = _find(request, pk)
    possible = correcting.sides_to_correct(row) if may_here(request, WORK, Mode.DO) else set()
    context = console_context(
        request, row.get_kind_display(), row=row, sides=sides(row), kind="zoho",
        lag=LAGS[lag_of(row.first_seen_at, clock.now(), request.organization.time_zone)],
        stands=row.state != "resolved", may_here="ours" in possible, may_there="theirs" in possible,
        may_look=may_here(request, WORK, Mode.DO) and row.state != "resolved",
        may_work=may_here(request, WORK, Mode.DO, Mode.MAKE), may_tell=correcting.crm_is_told(row),
        may_explain=may_explain(request),
    )  # fmt: skip
    return render(request, "console/zoho/difference.html", context)


def _find(request: ConsoleRequest, pk: int) -> ZohoDiscrepancy:
    get_object_or_404(ZohoDiscrepancy, pk=pk, organization=request.organization)
    return correcting.reread(pk)


Work = Callable[..., ZohoDiscrepancy]


def _carry_out(request: ConsoleRequest, pk: int, work: Work) -> HttpResponse:
    """Do it and say how it stands."""
    row = _find(request, pk)
    try:
        with explained():
            row = work(row=row, now=clock.now())
    except DomainError as refusal:
        messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:zoho_difference", args=[pk]))
    if row.state == "resolved":
        messages.success(request, _("Both sides agree now."))
    else:
        messages.warning(request, _("They still differ: {state}.").format(state=row.get_state_display()))
    return HttpResponseRedirect(reverse("admin:zoho_difference", args=[pk]))


@console_path("zoho/differences/<int:pk>/here/", "zoho_correct_here", WORK, Mode.DO)
@require_POST
def correct_here(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Take in what Zoho has."""
    return _carry_out(request, pk, partial(correcting.correct_here, by=request.user))


@console_path("zoho/differences/<int:pk>/there/", "zoho_correct_there", WORK, Mode.DO)
@require_POST
def correct_there(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Have Zoho do what it lacks."""
    return _carry_out(request, pk, partial(correcting.correct_there, by=request.user))


@console_path("zoho/differences/<int:pk>/look/", "zoho_look_again", WORK, Mode.DO)
@require_POST
def look(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Read this one thing again."""
    return _carry_out(request, pk, correcting.look_again)


@console_path("zoho/differences/<int:pk>/crm/", "zoho_note_in_crm", WORK, Mode.DO, Mode.MAKE)
@require_http_methods(["GET", "POST"])
def crm(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Leave a note on the payer's record in CRM."""
    row = _find(request, pk)
    form = Form([Field("text", gettext_lazy("Note"), "area")])
    if request.method == "POST":
        form.read(request.POST)
        try:
            with explained():
                errand = correcting.note_in_crm(row=row, text=form.typed("text"), now=clock.now(), by=request.user)
        except DomainError as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, _("Note in CRM: {state}.").format(state=errand.get_state_display()))
            return HttpResponseRedirect(reverse("admin:zoho_difference", args=[pk]))
    facts = [(_("Customer"), row.customer), (_("Amount"), format_money(row.amount, row.currency))]
    return show_form(
        request, form, title=_("Note in CRM"), button=_("Leave the note"), facts=facts,
        back=reverse("admin:zoho_difference", args=[pk]),
    )  # fmt: skip
