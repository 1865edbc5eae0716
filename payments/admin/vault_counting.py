"""Counting the cheques in the house blind: the counter sees nothing of the books until the count is made (R113)."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.working import REFUSED, Field, Form, attempt, say_why
from billing.errors import BadInput, DomainError, NotPermitted, Refusals, Sentence
from billing.money import format_money, parse_amount
from billing.office import clock
from billing.office.models import Organization
from billing.office.models.user import Mode
from payments.models import Cheque, VaultCount
from payments.services.vault_count import FoundCheque, count_vault

SHOWN_COUNTS = 30
LONGEST = 2_000_000
# The same count sent again within this time is the same count: a double click, or the browser's back button.
SAME_COUNT = timedelta(minutes=10)
SEPARATORS = re.compile(r"\t|;|,")
KINDS: dict[str, tuple[Sentence, str]] = {
    "missing": (gettext_lazy("in the books, not found"), "bad"),
    "unknown": (gettext_lazy("found, not in the books"), "warn"),
    "amount": (gettext_lazy("another amount"), "warn"),
}


@console_path("vault/count/", "vault_count", "see_receivables")
@require_http_methods(["GET", "POST"])
def vault_count(request: ConsoleRequest) -> HttpResponse:
    """The form and the earlier counts. Nothing of what should be there is shown here."""
    may_count = may_here(request, "deposit_cheques", Mode.DO)
    form = Form(
        [
            Field("found", gettext_lazy("Cheques found"), "area", longest=LONGEST),
            Field("note", gettext_lazy("Note"), required=False, longest=400),
        ]
    )
    if request.method == "POST":
        form.read(request.POST)
        if not may_count:
            form.refuse(NotPermitted(action="deposit_cheques"))
        else:
            say_why(request, form.typed("note"))
            now = clock.now()
            done, made = attempt(form, lambda: _count(request, form, now))
            if done and made is not None:
                return HttpResponseRedirect(reverse("admin:vault_counted", args=[made.pk]))
    rows = VaultCount.objects.filter(organization=request.organization).select_related("counted_by")
    context = console_context(
        request, _("Count the vault"), form=form, may_count=may_count, counts=rows.order_by("-pk")[:SHOWN_COUNTS],
    )  # fmt: skip
    return render(request, "console/vault/count.html", context, status=REFUSED if form.errors else 200)


def _count(request: ConsoleRequest, form: Form, now: datetime) -> VaultCount:
    """Keep the count; the same one sent twice, with the books as they were, is kept once."""
    organization = request.organization
    found = read_found(form.typed("found"), organization)
    if not found and not request.POST.get("is_empty"):
        sentence = _("Type the cheques you found, or tick that there is none.")
        raise BadInput(sentence, field="found", code="required")
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    rows = VaultCount.objects.filter(
        organization=organization, counted_by=request.user, counted_at__gt=now - SAME_COUNT
    )
    earlier = rows.order_by("-pk").first()
    with transaction.atomic():
        made = count_vault(organization=organization, found=found, note=form.typed("note"), now=now, by=request.user)
        if earlier is None or _facts(earlier) != _facts(made):
            return made
        transaction.set_rollback(True)
    return earlier


def _facts(count: VaultCount) -> tuple[Any, ...]:
    return (count.found, count.note, count.differences, count.expected_count)


def read_found(text: str, organization: Organization) -> list[FoundCheque]:
    """Lines of "number, bank, amount"; a tab or a semicolon separates as well, and the amount may be grouped.

    Raises Refusals at "found", one sentence for each line that cannot be read.
    """
    found: list[FoundCheque] = []
    refusals: list[DomainError] = []
    for place, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found.append(_found(line, organization))
        except DomainError as refusal:
            refusals.append(_at_line(place, refusal))
    if refusals:
        raise Refusals(refusals)
    return found


def _found(line: str, organization: Organization) -> FoundCheque:
    mark = SEPARATORS.search(line)
    parts = [part.strip() for part in line.split(mark.group(), 2)] if mark else [line.strip()]
    if len(parts) < 3:
        raise BadInput(_("write number, bank and amount, with commas between."), field="found", code="not_a_line")
    if not parts[0] or not parts[1]:
        raise BadInput(_("the number and the bank are needed."), field="found", code="required")
    return FoundCheque(parts[0], parts[1], parse_amount(parts[2], organization.currency, field="found"))


def _at_line(place: int, refusal: DomainError) -> BadInput:
    return BadInput(_("Line {place}: {why}"), field="found", code=refusal.code, place=place, why=str(refusal))


@console_path("vault/count/<int:pk>/", "vault_counted", "see_receivables")
@require_GET
def counted(request: ConsoleRequest, pk: int) -> HttpResponse:
    """What a count found, and how it differs from the books; printable."""
    rows = VaultCount.objects.select_related("counted_by")
    made = get_object_or_404(rows, pk=pk, organization=request.organization)
    known = set(
        Cheque.objects.filter(
            organization=request.organization, pk__in=[row["cheque"] for row in made.differences if row.get("cheque")]
        ).values_list("pk", flat=True)
    )
    context = console_context(
        request, _("Count of {day}").format(day=date_format(made.counted_on)), count=made,
        rows=[_difference(row, request.organization, known) for row in made.differences],
        agreed=made.expected_count - sum(row["kind"] != "unknown" for row in made.differences),
    )  # fmt: skip
    return render(request, "console/vault/counted.html", context)


def _difference(row: dict[str, Any], organization: Organization, known: set[int]) -> dict[str, Any]:
    currency = row.get("currency") or organization.currency
    words, tone = KINDS[row["kind"]]
    said = {name: format_money(Decimal(row[name]), currency) for name in ("amount", "found_amount") if row.get(name)}
    on_paper = said.get("found_amount") or (said["amount"] if row["kind"] == "unknown" else "")
    return {
        **row, "words": words, "tone": tone, "on_paper": on_paper, "pk": row.get("cheque") if row.get("cheque") in known
        else None, "in_books": "" if row["kind"] == "unknown" else said["amount"],
    }  # fmt: skip
