"""Overrides that may need two people: allocations taken back or redistributed, disputes, voided invoices (R126)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.inputs import clean_text
from billing.models import Allocation, CreditItem, Invoice
from billing.money import ZERO
from billing.office import approvals
from billing.office.models import ApprovalRequest, User
from billing.selectors.strategies import Proposal
from billing.services.allocating import AlreadyUndone, reallocate, unallocate
from billing.services.invoicing import NotVoidable, mark_disputed, void_invoice
from billing.services.locking import lock_customers
from billing.services.requests import AlreadySo
from billing.transactions import transaction_required

OVERRIDE, VOID = "override_allocation", "void_payment"
ByHand = Iterable[tuple[int, Decimal]]


def unallocation_facts(allocation: Allocation) -> dict[str, Any]:
    """What taking an allocation back takes with it: the discount and write-off of the same entry. One query.

    Raises AlreadyUndone.
    """
    together = Allocation.objects.filter(entry_id=allocation.entry_id, reverses__isnull=True)
    parts = list(together.select_related("invoice", "credit_item", "customer", "reversed_by").order_by("id"))
    if any(hasattr(part, "reversed_by") for part in parts):
        raise AlreadyUndone()
    first = parts[0]
    return {
        "deed": "unallocate",
        "customer": f"{first.customer.code} {first.customer.name}",
        "credit": first.credit_item.number,
        "currency": first.currency,
        "reopens": [
            {"invoice": part.invoice.number, "kind": part.kind, "amount": f"{part.amount:.2f}"} for part in parts
        ],
    }


@transaction_required
def ask_for_unallocation(*, allocation: Allocation, reason: str, by: User, now: datetime) -> ApprovalRequest:
    """Ask a second person to take an allocation back. Raises AlreadyUndone, BadInput (no reason), NotPermitted."""
    lock_customers(allocation.organization, [allocation.customer_id])
    shown = unallocation_facts(allocation)
    return approvals.ask(
        organization=allocation.organization, action=OVERRIDE, subject=f"allocation:{allocation.pk}", shown=shown,
        title=f"Take back {shown['credit']} from {shown['reopens'][0]['invoice']}", reason=reason, by=by, now=now,
        amount=sum((Decimal(part["amount"]) for part in shown["reopens"]), ZERO), currency=allocation.currency,
    )  # fmt: skip


@transaction_required
def carry_out_unallocation(*, request: ApprovalRequest, allocation: Allocation, by: User, now: datetime) -> None:
    """Take an allocation back as approved. Raises what approvals.use and unallocate raise."""
    lock_customers(allocation.organization, [allocation.customer_id])
    shown = unallocation_facts(allocation)
    approvals.use(request=request, action=OVERRIDE, subject=f"allocation:{allocation.pk}", shown=shown, now=now)
    unallocate(allocations=[allocation], now=now, by=by, reason=request.reason)


def reallocation_facts(credit_item: CreditItem, by_hand: ByHand) -> dict[str, Any]:
    """What stands now and what shall stand instead. Two queries."""
    standing = Allocation.objects.filter(credit_item=credit_item, reverses__isnull=True, reversed_by__isnull=True)
    wanted = dict(by_hand)
    numbers = dict(
        Invoice.objects.filter(customer_id=credit_item.customer_id, pk__in=wanted).values_list("pk", "number")
    )
    return {
        "deed": "reallocate",
        "customer": f"{credit_item.customer.code} {credit_item.customer.name}",
        "credit": credit_item.number,
        "currency": credit_item.currency,
        "amount": f"{credit_item.amount:.2f}",
        "stands_now": [
            {"invoice": a.invoice.number, "kind": a.kind, "amount": f"{a.amount:.2f}"}
            for a in standing.select_related("invoice").order_by("invoice__number", "kind", "id")
        ],
        "shall_stand": [
            {"invoice": numbers.get(pk, "?"), "invoice_key": pk, "amount": f"{amount:.2f}"}
            for pk, amount in sorted(wanted.items())
        ],
    }


@transaction_required
def ask_for_reallocation(
    *, credit_item: CreditItem, by_hand: ByHand, reason: str, by: User, now: datetime
) -> ApprovalRequest:
    """Ask a second person to redistribute a payment or credit memo inside its customer."""
    lock_customers(credit_item.organization, [credit_item.customer_id])
    return approvals.ask(
        organization=credit_item.organization, action=OVERRIDE, subject=f"credit:{credit_item.pk}",
        title=f"Redistribute {credit_item.number}", shown=reallocation_facts(credit_item, by_hand), reason=reason,
        by=by, now=now, amount=credit_item.amount, currency=credit_item.currency,
    )  # fmt: skip


@transaction_required
def carry_out_reallocation(*, request: ApprovalRequest, credit_item: CreditItem, by: User, now: datetime) -> Proposal:
    """Set a payment's money anew as approved. Raises what approvals.use and reallocate raise."""
    lock_customers(credit_item.organization, [credit_item.customer_id])
    by_hand = by_hand_of(request)
    shown = reallocation_facts(credit_item, by_hand)
    approvals.use(request=request, action=OVERRIDE, subject=f"credit:{credit_item.pk}", shown=shown, now=now)
    return reallocate(credit_item=credit_item, by_hand=by_hand, now=now, by=by, reason=request.reason)


def by_hand_of(request: ApprovalRequest) -> list[tuple[int, Decimal]]:
    return [(int(row["invoice_key"]), Decimal(row["amount"])) for row in request.shown["shall_stand"]]


# Disputes and voided invoices


def invoice_facts(invoice: Invoice, deed: str) -> dict[str, Any]:
    return {
        "deed": deed,
        "invoice": invoice.number,
        "customer": f"{invoice.customer.code} {invoice.customer.name}",
        "currency": invoice.currency,
        "amount": f"{invoice.invoiced_amount:.2f}",
        "invoice_open": f"{invoice.open_amount:.2f}",
        "disputed_now": invoice.is_disputed,
    }


TITLES: Mapping[str, str] = {
    "dispute": "Mark {number} disputed", "undispute": "Clear the dispute of {number}", "void_invoice": "Void {number}",
}  # fmt: skip


@transaction_required
def ask_about_invoice(*, invoice: Invoice, deed: str, reason: str, by: User, now: datetime) -> ApprovalRequest:
    """Ask a second person to mark or clear a dispute, or to void an invoice. deed: a key of TITLES.

    Raises NotVoidable, AlreadySo, BadInput (no reason), NotPermitted.
    """
    lock_customers(invoice.organization, [invoice.customer_id])
    invoice.refresh_from_db()
    if deed == "void_invoice":
        check_voidable(invoice)
    elif invoice.is_disputed == (deed == "dispute"):
        raise AlreadySo(_("The invoice is that way already."))
    action = VOID if deed == "void_invoice" else OVERRIDE
    return approvals.ask(
        organization=invoice.organization, action=action, subject=f"invoice:{invoice.pk}", reason=reason, by=by,
        now=now, title=TITLES[deed].format(number=invoice.number), shown=invoice_facts(invoice, deed),
        amount=invoice.invoiced_amount, currency=invoice.currency,
    )  # fmt: skip


def check_voidable(invoice: Invoice) -> None:
    """Raises NotVoidable, AlreadySo."""
    if invoice.voided_on:
        raise AlreadySo(_("This invoice is void already."))
    if invoice.open_amount != invoice.invoiced_amount:
        raise NotVoidable(number=invoice.number)


@transaction_required
def carry_out_about_invoice(*, request: ApprovalRequest, invoice: Invoice, by: User, now: datetime) -> None:
    """Void or dispute an invoice, or settle its dispute, as approved. Raises what approvals.use and the deed raise."""
    lock_customers(invoice.organization, [invoice.customer_id])
    invoice.refresh_from_db()
    deed = request.shown["deed"]
    shown = invoice_facts(invoice, deed)
    approvals.use(request=request, action=request.action, subject=f"invoice:{invoice.pk}", shown=shown, now=now)
    if deed == "void_invoice":
        void_invoice(invoice=invoice, reason=request.reason, now=now, by=by)
    else:
        mark_disputed(invoice=invoice, is_disputed=deed == "dispute")


@transaction_required
def set_dispute(*, invoice: Invoice, is_disputed: bool, reason: str) -> Invoice:
    """Mark or clear a dispute alone. The reason goes to the audit trail with the change. Raises BadInput."""
    clean_text(reason, field="reason", longest=400, required=True)
    return mark_disputed(invoice=invoice, is_disputed=is_disputed)
