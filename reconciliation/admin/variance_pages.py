"""Differences between banks and books: the list of them, and saying why one is there and who looks after it (R144)."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import Field, Form, attempt, back_to, say_why, show_form
from billing.errors import Sentence
from billing.money import format_money
from billing.office import clock
from billing.office.models.user import Mode
from reconciliation.admin.reconciliation_pages import SEE
from reconciliation.models import Variance, VarianceReason, VarianceState
from reconciliation.selectors.reconciliations import variances_of
from reconciliation.services.variances import name_variance, owners_in

PER_PAGE = 100
WORK = "match_bank_lines"


@console_path("reconciliations/differences/", "variances", SEE)
@require_GET
def variances(request: ConsoleRequest) -> HttpResponse:
    """Those that stand, the oldest first; ?state=cleared the others, ?mine one's own. Three queries."""
    state = "cleared" if request.GET.get("state") == "cleared" else "open"
    rows = variances_of(request.organization).filter(state=state)
    mine = "mine" in request.GET
    rows = rows.filter(owner=request.user) if mine else rows
    today = request.organization.today(clock.now())
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    for row in page:
        row.age = (today - row.since).days  # type: ignore[attr-defined]
    context = console_context(request, _("Differences at banks"), page=page, state=state, mine=mine, today=today)
    return render(request, "console/reconciliation/variances.html", context)


@console_path("reconciliations/differences/<int:pk>/", "variance", SEE)
@require_http_methods(["GET", "POST"])
def variance(request: ConsoleRequest, pk: int) -> HttpResponse:
    """One difference: what it is, why, and whose it is."""
    rows = Variance.objects.select_related("organization", "bank_account", "owner", "line__statement", "found_by")
    row = get_object_or_404(rows, pk=pk, organization=request.organization)
    form = _form(request, row)
    may = may_here(request, WORK, Mode.MAKE, Mode.DO) or may_here(
        request, "sign_off_reconciliation", Mode.MAKE, Mode.CHECK
    )
    if request.method == "POST" and may:
        form.read(request.POST)
        say_why(request, form.typed("note"))
        owner = next((one for one in owners_in(row.organization) if str(one.pk) == form.typed("owner")), None)
        done, _made = attempt(form, lambda: name_variance(
            variance=row, owner=owner, reason_code=form.typed("reason_code"), note=form.typed("note"),
            now=clock.now(), by=request.user,
        ))  # fmt: skip
        if done:
            return _back(request, row)
    trouble = "" if row.state == VarianceState.OPEN else str(_("This difference is cleared; it is kept as it was."))
    if not may:
        trouble = trouble or str(_("People who match bank lines or sign reconciliations say why it is there."))
    return show_form(
        request, form, title=row.get_kind_display(), button=_("Save"), back=reverse("admin:variances"),
        facts=_facts(row), trouble=trouble,
    )  # fmt: skip


def _back(request: ConsoleRequest, row: Variance) -> HttpResponse:
    return back_to(request, "reconcile_account", row.bank_account_id, _("Noted."), "variances")


def _form(request: ConsoleRequest, row: Variance) -> Form:
    reasons: list[tuple[str, Sentence]] = [("", gettext_lazy("choose")), *VarianceReason.choices]
    people = [(str(one.pk), str(one)) for one in owners_in(row.organization)]
    return Form([
        Field("reason_code", gettext_lazy("Why it is there"), "select", row.reason_code, choices=reasons),
        Field("owner", gettext_lazy("Who looks after it"), "select", str(row.owner_id), choices=people),
        Field("note", gettext_lazy("What was found out, what is done about it"), "area", row.note),
    ])  # fmt: skip


def _facts(row: Variance) -> list[tuple[Sentence, object]]:
    facts: list[tuple[Sentence, object]] = [
        (_("Bank account"), row.bank_account),
        (_("The bank is above the books by"), format_money(row.amount, row.currency)),
        (_("Since"), date_format(row.since)), (_("Noted"), f"{date_format(row.found_at)} · {row.found_by}"),
    ]  # fmt: skip
    if row.line is not None:
        facts.append((_("Bank line"), f"{row.line.statement} #{row.line.ordinal} {row.line}"))
    if row.entry is not None:
        facts.append((_("Journal entry"), f"{row.entry} {row.entry.memo}"))
    if row.cleared_at is not None:
        how = (
            _("its amount changed; another took its place")
            if row.cleared_why == "changed"
            else _("it is there no more")
        )
        facts.append((_("Cleared"), f"{date_format(row.cleared_at)} · {how}"))
    return facts
