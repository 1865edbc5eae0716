"""The page of one cheque: what is on the paper, its pictures, its life, what may be done with it (R110-R116)."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Min, Sum
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.invoice_page import waiting_for
from billing.admin.panels import panel, panels_of
from billing.admin.working import REFUSED, Field, Form, attempt, back_to
from billing.errors import BadInput, Sentence
from billing.models import Customer
from billing.office import clock
from billing.office.documents import documents_of, keep_document
from billing.office.models import AuditEntry
from billing.office.models.user import Mode
from payments.admin.cheque_life import life_of
from payments.admin.vault_form import in_words
from payments.admin.vault_slip import slip_url
from payments.models import Cheque
from payments.models.cheque import ChequeState

ENDABLE = (ChequeState.IN_VAULT, ChequeState.RETURNED)
WHERE: dict[str, Sentence] = {
    ChequeState.IN_VAULT: gettext_lazy("In the vault until its day; it is no payment yet."),
    ChequeState.DUE: gettext_lazy("In hand and booked as received; it waits for a deposit slip."),
    ChequeState.DEPOSITED: gettext_lazy("At the bank, which has not answered yet."),
    ChequeState.CLEARED: gettext_lazy("Paid by the bank."),
    ChequeState.RETURNED: gettext_lazy("The bank sent it back: present it again, have it replaced, or hand it back."),
    ChequeState.REPLACED: gettext_lazy("Something else came for it; the paper goes back to the customer."),
    ChequeState.CANCELLED: gettext_lazy("Handed back for good."),
}


def find_cheque(request: ConsoleRequest, pk: int) -> Cheque:
    """The cheque of the organization worked in, or 404."""
    rows = Cheque.objects.select_related(
        "organization", "customer", "customer__organization", "payment", "recorded_by", "replaces",
        "replacement_payment",
    )  # fmt: skip
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("cheques/<int:pk>/", "cheque", "see_receivables")
@require_GET
def cheque_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """About fifteen queries, however long its life."""
    return _page(request, find_cheque(request, pk), picture_form())


def _page(request: ConsoleRequest, cheque: Cheque, form: Form) -> HttpResponse:
    today = cheque.organization.today(clock.now())
    ends = cheque.state in ENDABLE and may_here(request, "deposit_cheques", Mode.DO)
    context = console_context(
        request, str(cheque), cheque=cheque, customer=cheque.customer, where=WHERE[cheque.state], today=today,
        days=(cheque.matures_on - today).days, steps=life_of(cheque), form=form, may_end=ends,
        in_words=in_words(cheque.amount, cheque.currency),
        may_replace=ends and may_here(request, "enter_payment", Mode.DO),
        may_keep=may_here(request, "enter_payment", Mode.DO), slip=slip_url([cheque]),
        documents=documents_of(request.organization, f"cheque:{cheque.pk}"),
        waiting=waiting_for(request, [f"cheque:{cheque.pk}"]), panels=panels_of("cheque", request, cheque),
        changes=_changes(cheque) if may_here(request, "see_audit") else None,
    )  # fmt: skip
    return render(request, "console/vault/cheque.html", context, status=REFUSED if form.errors else 200)


def _changes(cheque: Cheque) -> list[AuditEntry]:
    rows = AuditEntry.objects.filter(table_name="payments_cheque", row_id=cheque.pk)
    return list(rows.order_by("-id")[:50])


# Its pictures


def picture_form() -> Form:
    return Form(
        [
            Field("photo", gettext_lazy("Picture or PDF"), "file"),
            Field(
                "kind", gettext_lazy("Shows"), "select", "front",
                choices=[("front", gettext_lazy("front")), ("back", gettext_lazy("back")),
                         ("evidence", gettext_lazy("evidence"))],
            ),
        ]
    )  # fmt: skip


@console_path("cheques/<int:pk>/pictures/", "cheque_picture", "enter_payment", Mode.DO)
@require_POST
def add_picture(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Keep one more picture of the cheque; the same one again is kept once."""
    cheque = find_cheque(request, pk)
    form = picture_form().read(request.POST, request.FILES)

    def work() -> Any:
        if form.typed("kind") not in ("front", "back", "evidence"):
            raise BadInput(gettext_lazy("Choose what it shows."), field="kind", code="required")
        sent = form.uploaded("photo")
        assert sent is not None, "a required file is there, or uploaded() has refused"
        return keep_document(
            organization=request.organization, subject=f"cheque:{pk}", kind=form.typed("kind"), name=sent[0],
            data=sent[1], now=clock.now(), by=request.user, field="photo",
        )  # fmt: skip

    done, _kept = attempt(form, work)
    if done:
        return back_to(request, "cheque", pk, _("Kept."), "pictures")
    return _page(request, cheque, form)


# On the customer's page


@panel("customer", "console/vault/of_customer.html", order=30)
def cheques_of_customer(request: ConsoleRequest, customer: Customer) -> dict[str, Any] | None:
    """What cheques in the house will bring, and when. None without any. Two queries."""
    rows = Cheque.objects.filter(customer=customer, state__in=(ChequeState.IN_VAULT, ChequeState.DUE))
    cheques = list(rows.order_by("matures_on", "pk")[:6])
    if not cheques:
        return None
    totals: Any = (
        rows.order_by().values_list("currency").annotate(n=Count("id"), total=Sum("amount"), on=Min("matures_on"))
    )
    sums: list[tuple[str, int, Decimal, date]] = list(totals.order_by("currency"))
    today = customer.organization.today(clock.now())
    return {
        "cheques": cheques, "sums": sums, "more": sum(n for _c, n, _t, _on in sums) - len(cheques), "today": today,
        "may_take": may_here(request, "enter_payment", Mode.DO),
    }  # fmt: skip
