"""Credit of a customer: what it brought, what it pays, applying what is left, redistributing it (R120, R126)."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.deeds import deed, subject_key
from billing.admin.invoice_page import standing_and_undone, waiting_for
from billing.admin.panels import CREDIT_HOMES
from billing.admin.working import REFUSED, Form, back_to, say_why
from billing.errors import DomainError, Refusals, Sentence
from billing.inputs import clean_text
from billing.models import CreditItem, Invoice
from billing.money import ZERO, format_money, parse_amount
from billing.office import clock
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from billing.selectors.customer_account import allocations_of, invoices_if_taken_back
from billing.selectors.journal import entries_with_lines
from billing.selectors.moved import transfers_of
from billing.selectors.open_items import open_invoices
from billing.selectors.strategies import Proposal
from billing.services import overrides
from billing.services.allocating import allocate_credit, reallocate
from billing.services.locking import lock_customers
from billing.services.move_requests import MOVE, movable_amount
from billing.transactions import in_transaction, rehearse

STRATEGIES = {
    "fifo": gettext_lazy("oldest first"), "due_date": gettext_lazy("by due date"),
    "amount": gettext_lazy("smallest first"), "manual": gettext_lazy("by hand"),
}  # fmt: skip


class Moved(DomainError):
    code = "changed_since_shown"
    sentence = gettext_lazy(
        "Something changed since this page was shown, or it was sent twice; look at the new figures."
    )


class NotPreviewed(DomainError):
    code = "not_previewed"
    sentence = gettext_lazy("The distribution was changed after the preview; nothing was done. Look at it once more.")


def find_credit(request: ConsoleRequest, pk: int) -> CreditItem:
    rows = CreditItem.objects.select_related("customer", "customer__organization", "organization")
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("credits/<int:pk>/", "credit_item", "see_receivables")
@require_http_methods(["GET"])
def credit_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """A credit memo; credit that a payment brought is shown on the payment's page."""
    item = find_credit(request, pk)
    home = CREDIT_HOMES.get(item.kind)
    if home is not None:
        return HttpResponseRedirect(home(pk))
    rows = allocations_of(credit_item=item)
    memo = getattr(item, "credit_memo", None)
    journal = may_here(request, "see_journal")
    transfers = transfers_of(item)
    entry_ids = {memo.entry_id if memo else None, *(row.entry_id for row in rows)}
    entry_ids |= {pk for transfer in transfers for pk in (transfer.entry_id, transfer.undo_entry_id)}
    context = console_context(
        request, item.number, item=item, memo=memo, allocations=standing_and_undone(rows), show_journal=journal,
        entries=entries_with_lines(item.organization_id, entry_ids) if journal else [], **credit_rights(request),
        waiting=waiting_for(request, [f"credit:{pk}", *(f"allocation:{row.pk}" for row in rows)]),
        transfers=transfers, may_move=may_here(request, MOVE, *ASKING) and not memo and movable_amount(item) > ZERO,
    )  # fmt: skip
    return render(request, "console/customer/credit.html", context)


def credit_rights(request: ConsoleRequest) -> dict[str, bool]:
    return {
        "may_apply": may_here(request, "allocate_by_hand", Mode.DO),
        "may_take_back": may_here(request, overrides.OVERRIDE, *ASKING),
        "alone": may_here(request, overrides.OVERRIDE, Mode.DO),
        "may_refund": may_here(request, "ask_refund", *ASKING),
    }


# Applying what is left


@console_path("credits/<int:pk>/apply/", "apply_credit", "allocate_by_hand", Mode.DO)
@require_http_methods(["GET", "POST"])
def apply_credit(request: ConsoleRequest, pk: int) -> HttpResponse:
    """By a strategy or by hand; the preview runs the very service that saves, and takes it back."""
    item = find_credit(request, pk)
    book = policies_for(request.organization, customer_id=item.customer_id)
    usual = book.text("allocation.strategy")
    form = Form([], hidden={"strategy": usual if usual in STRATEGIES else "fifo", "seen": "", "planned": ""})
    proposal: Proposal | None = None
    if request.method == "POST":
        form.read(request.POST)
    typed = _amounts_typed(request)
    try:
        if request.POST.get("step") == "save":
            if form.typed("planned") != _plan(form, typed):
                raise NotPreviewed()
            done = in_transaction(lambda: _apply(request, item, form, typed, check=True))
            words = _("{amount} of {number} applied.")
            amount = format_money(done.applied, item.currency)
            return back_to(
                request, "customer", item.customer_id, words.format(amount=amount, number=item.number), "credit"
            )
        if item.unapplied_amount:
            proposal = rehearse(lambda: _apply(request, item, form, typed, check=False))
    except DomainError as refusal:
        form.refuse(refusal)
    item = find_credit(request, pk)
    invoices = open_invoices([item.customer_id], item.currency)[item.customer_id]
    return _apply_page(
        request, item, form, proposal, title=_("Apply {number}").format(number=item.number), free=item.unapplied_amount,
        rows=[_row(invoice, invoice.open_amount, ZERO, typed, form, proposal) for invoice in invoices],
        strategies=STRATEGIES, seen=_seen_of(item, invoices), planned=_plan(form, typed),
    )  # fmt: skip


def _apply(request: ConsoleRequest, item: CreditItem, form: Form, typed: Mapping[str, str], *, check: bool) -> Proposal:
    if check:
        _check_seen(item, form)
    strategy = form.typed("strategy")
    by_hand = strategy == "manual"
    return allocate_credit(
        credit_item=item, strategy=strategy if strategy in STRATEGIES else "fifo", now=clock.now(),
        by=request.user, by_hand=_read_amounts(typed, item.currency) if by_hand else None,
    )  # fmt: skip


def _plan(form: Form, typed: Mapping[str, str]) -> str:
    """What the preview showed: saving anything else needs another look."""
    amounts = sorted((name, text.strip()) for name, text in typed.items() if text.strip())
    return hashlib.sha256(
        repr((form.typed("strategy"), amounts if form.typed("strategy") == "manual" else [])).encode()
    ).hexdigest()


def _check_seen(item: CreditItem, form: Form) -> None:
    """Under the customer's lock: the page's figures must still hold, so that a second click applies nothing."""
    lock_customers(item.organization, [item.customer_id])
    fresh = CreditItem.objects.get(pk=item.pk)
    if form.typed("seen") != _seen_of(fresh, open_invoices([item.customer_id], item.currency)[item.customer_id]):
        raise Moved()


def _seen_of(item: CreditItem, invoices: Any) -> str:
    facts = [item.applied_amount, item.unapplied_amount, *((i.id, i.open_amount, i.is_disputed) for i in invoices)]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _amounts_typed(request: ConsoleRequest) -> dict[str, str]:
    return {key: str(value) for key, value in request.POST.items() if key.startswith("apply-")}


def _read_amounts(typed: Mapping[str, str], currency: str) -> list[tuple[int, Decimal]]:
    """What was typed beside invoices, empty ones left out. Raises Refusals, one for each field that is wrong."""
    found: list[tuple[int, Decimal]] = []
    refusals: list[DomainError] = []
    for name, text in typed.items():
        key = name.removeprefix("apply-")
        if not text.strip() or not key.isdigit() or len(key) > 18:
            continue
        try:
            found.append((int(key), parse_amount(text, currency, field=name)))
        except DomainError as refusal:
            refusals.append(refusal)
    if refusals:
        raise Refusals(refusals)
    return found


def _row(
    invoice: Any, open_amount: Decimal, paid: Decimal, typed: Mapping[str, str], form: Form, proposal: Proposal | None
) -> dict[str, Any]:
    name = f"apply-{invoice.id}"
    part = next((s for s in proposal.slices if s.invoice.id == invoice.id), None) if proposal else None
    return {
        "invoice": invoice, "open": open_amount, "paid": paid, "name": name, "typed": typed.get(name, ""), "part": part,
        "error": form.placed.get(name, ""),
    }  # fmt: skip


def _apply_page(
    request: ConsoleRequest, item: CreditItem, form: Form, proposal: Proposal | None, **context: Any
) -> HttpResponse:
    page = console_context(request, context.pop("title"), item=item, form=form, proposal=proposal, **context)
    return render(request, "console/customer/apply.html", page, status=REFUSED if form.errors else 200)


# Redistributing inside the customer (R126)


@console_path("credits/<int:pk>/reallocate/", "reallocate", overrides.OVERRIDE, *ASKING)
@require_http_methods(["GET", "POST"])
def redistribute(request: ConsoleRequest, pk: int) -> HttpResponse:
    """Undo all of it and apply by hand; who may do that alone does it, others ask."""
    item = find_credit(request, pk)
    alone = may_here(request, overrides.OVERRIDE, Mode.DO)
    form = Form([], hidden={"reason": "", "seen": ""})
    proposal: Proposal | None = None
    rows = invoices_if_taken_back(item)
    typed = {f"apply-{invoice.pk}": f"{paid.normalize():f}" for invoice, paid, _open in rows if paid}
    if request.method == "POST":
        form.read(request.POST)
        typed = _amounts_typed(request)
        try:
            if request.POST.get("step") == "save":
                return _redistribute(request, item, form, typed, alone)
            proposal = rehearse(
                lambda: reallocate(
                    credit_item=item, by_hand=_read_amounts(typed, item.currency), now=clock.now(), by=request.user,
                    reason=str(_("preview")),
                )
            )  # fmt: skip
        except DomainError as refusal:
            form.refuse(refusal)
        rows = invoices_if_taken_back(item)
    return _apply_page(
        request, item, form, proposal, title=_("Redistribute {number}").format(number=item.number),
        free=item.amount - item.refunded_amount, alone=alone, is_redistribution=True,
        rows=[_row(invoice, left, paid, typed, form, proposal) for invoice, paid, left in rows],
        seen=_distribution(rows),
    )  # fmt: skip


def _redistribute(
    request: ConsoleRequest, item: CreditItem, form: Form, typed: Mapping[str, str], alone: bool
) -> HttpResponse:
    now = clock.now()
    reason = clean_text(form.typed("reason"), field="reason", longest=400, required=True)
    by_hand = _read_amounts(typed, item.currency)
    say_why(request, reason)

    def work() -> ApprovalRequest | None:
        lock_customers(item.organization, [item.customer_id])
        if form.typed("seen") != _distribution(invoices_if_taken_back(CreditItem.objects.get(pk=item.pk))):
            raise Moved()
        if not alone:
            rehearse(lambda: reallocate(credit_item=item, by_hand=by_hand, now=now, by=request.user, reason=reason))
            return overrides.ask_for_reallocation(
                credit_item=item, by_hand=by_hand, reason=reason, by=request.user, now=now
            )
        reallocate(credit_item=item, by_hand=by_hand, now=now, by=request.user, reason=reason)
        return None

    asked = in_transaction(work)
    if asked is not None:
        return back_to(request, "approval", asked.pk, _("Asked. Another person decides."))
    return back_to(request, "credit_item", item.pk, _("Redistributed."))


def _distribution(rows: list[tuple[Invoice, Decimal, Decimal]]) -> str:
    facts = [(i.pk, paid, left, i.is_disputed) for i, paid, left in rows]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _credit_of(asked: ApprovalRequest) -> CreditItem:
    rows = CreditItem.objects.select_related("organization", "customer", "customer__organization")
    return rows.get(pk=subject_key(asked), organization=asked.organization)


def _now(asked: ApprovalRequest) -> dict[str, Any]:
    return overrides.reallocation_facts(_credit_of(asked), overrides.by_hand_of(asked))


def _payer(asked: ApprovalRequest) -> int:
    return _credit_of(asked).customer_id


@deed(overrides.OVERRIDE, "reallocate", label=gettext_lazy("Redistribute"), facts=_now, customer=_payer)
def _carry_out(asked: ApprovalRequest, by: User, now: Any) -> Sentence | None:
    overrides.carry_out_reallocation(request=asked, credit_item=_credit_of(asked), by=by, now=now)
    return None
