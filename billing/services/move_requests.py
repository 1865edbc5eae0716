"""Asking to move money to another customer, and carrying it out as it was approved (R127, requirements §2 row 24)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.models import CreditItem, CreditTransfer, Customer
from billing.money import ZERO
from billing.office import approvals
from billing.office.approvals import fingerprint
from billing.office.documents import keep_document, read_document
from billing.office.models import ApprovalRequest, KeptDocument, User
from billing.selectors.open_items import open_invoices
from billing.selectors.strategies import NotOpenHere, Proposal, propose, propose_by_hand
from billing.services.allocating import rules_for, why_not_open
from billing.services.freeing import plan_freeing, shown_freeing
from billing.services.locking import lock_customers
from billing.services.moving import MoveOrder, check_move, move_credit
from billing.transactions import transaction_required

MOVE = "reallocate_to_other"


def move_facts(credit_item: CreditItem, order: MoveOrder, now: datetime) -> dict[str, Any]:
    """From whom, to whom, how much, on whose word, what reopens and what it pays: what is approved. Nine queries.

    Raises what check_move, plan_freeing and propose_by_hand raise.
    """
    check_move(credit_item, order)
    other = _other(credit_item, order)
    plan = plan_freeing(credit_item, order.amount)
    proposal = plan_at_other(credit_item, order, other, now)
    letter = KeptDocument.objects.filter(organization=credit_item.organization_id, pk=order.letter_id or 0).first()
    return {
        "deed": "move_credit",
        "credit": credit_item.number,
        "customer": f"{credit_item.customer.code} {credit_item.customer.name}",
        "to_customer": f"{other.code} {other.name}",
        "to_customer_key": other.pk,
        "currency": credit_item.currency,
        "amount": f"{order.amount:.2f}",
        "consent": order.consent,
        "letter": letter.name if letter else "",
        "letter_key": letter.pk if letter else None,
        "reopens": shown_freeing(plan),
        "pays_by": order.strategy,
        "pays": [
            {"invoice": part.invoice.number, "invoice_key": part.invoice.id, "kind": kind, "amount": f"{amount:.2f}"}
            for part in proposal.slices
            for kind, amount in (("credit", part.credit), ("discount", part.discount), ("write_off", part.write_off))
            if amount
        ],
    }


def plan_at_other(credit_item: CreditItem, order: MoveOrder, other: Customer, now: datetime) -> Proposal:
    """What the moved money would pay at the other customer, as allocate_credit will do it."""
    organization = credit_item.organization
    today = organization.today(now)
    rules = rules_for(organization, other, credit_item.currency, today.year)
    invoices = open_invoices([other.pk], credit_item.currency)[other.pk]
    if order.strategy != "manual":
        return propose(invoices, order.amount, strategy=order.strategy, rules=rules, on=today)
    try:
        return propose_by_hand(invoices, order.amount, order.by_hand, rules=rules, on=today)
    except NotOpenHere as refusal:
        raise why_not_open(refusal, other, credit_item.currency) from None


def _other(credit_item: CreditItem, order: MoveOrder) -> Customer:
    """Raises BadInput."""
    rows = Customer.objects.filter(organization=credit_item.organization_id, pk=order.to_customer_id)
    other = rows.select_related("organization").first()
    if other is None:
        raise BadInput(_("Choose a customer of this organization."), field="to_customer", code="unknown_customer")
    if not other.is_active:
        raise BadInput(_("This customer is closed."), field="to_customer", code="customer_closed")
    return other


def order_of(request: ApprovalRequest) -> MoveOrder:
    """The order that was asked for, read from what was shown."""
    shown = request.shown
    by_hand = [(int(row["invoice_key"]), Decimal(row["amount"])) for row in shown["pays"] if row["kind"] == "credit"]
    return MoveOrder(
        to_customer_id=int(shown["to_customer_key"]), amount=Decimal(shown["amount"]), consent=shown["consent"],
        strategy=shown["pays_by"], by_hand=tuple(by_hand) if shown["pays_by"] == "manual" else (),
        letter_id=shown["letter_key"],
    )  # fmt: skip


@transaction_required
def keep_letter(*, credit_item: CreditItem, name: str, data: bytes, now: datetime, by: User) -> KeptDocument:
    """Keep the customer's letter with the credit it is about; the transfer gets a copy. Raises BadInput at "letter"."""
    return keep_document(
        organization=credit_item.organization, subject=f"credit:{credit_item.pk}", kind="consent", name=name, data=data,
        now=now, by=by, field="letter",
    )  # fmt: skip


@transaction_required
def ask_to_move(*, credit_item: CreditItem, order: MoveOrder, reason: str, by: User, now: datetime) -> ApprovalRequest:
    """Ask a manager to move money to another customer. Raises what move_facts raises, BadInput (no reason)."""
    clean_text(reason, field="reason", longest=400, required=True)
    _other(credit_item, order)
    lock_customers(credit_item.organization, [credit_item.customer_id, order.to_customer_id])
    credit_item = _fresh(credit_item)
    shown = move_facts(credit_item, order, now)
    return approvals.ask(
        organization=credit_item.organization, action=MOVE, subject=f"credit:{credit_item.pk}", shown=shown,
        title=f"Move money of {credit_item.number} to {shown['to_customer']}"[:200], reason=reason, by=by, now=now,
        amount=order.amount, currency=credit_item.currency,
    )  # fmt: skip


@transaction_required
def carry_out_move(*, request: ApprovalRequest, credit_item: CreditItem, by: User, now: datetime) -> CreditTransfer:
    """Spend the approval and move the money, with the letter kept beside it. Raises what approvals.use raises."""
    order = order_of(request)
    lock_customers(credit_item.organization, [credit_item.customer_id, order.to_customer_id])
    credit_item = _fresh(credit_item)
    shown = move_facts(credit_item, order, now)
    approvals.use(request=request, action=MOVE, subject=f"credit:{credit_item.pk}", shown=shown, now=now)
    transfer = move_credit(credit_item=credit_item, order=order, approval=request, now=now, by=by)
    letter = KeptDocument.objects.filter(organization=credit_item.organization_id, pk=order.letter_id or 0).first()
    if letter is not None:
        keep_document(
            organization=credit_item.organization, subject=f"credit_transfer:{transfer.pk}", kind="consent",
            name=letter.name, data=read_document(letter), now=now, by=letter.kept_by,
        )  # fmt: skip
    return transfer


def movable_amount(credit_item: CreditItem) -> Decimal:
    """All that may still leave the item: what is unapplied, and what is set against invoices."""
    left: Decimal = credit_item.amount - credit_item.refunded_amount - credit_item.moved_amount
    return ZERO if credit_item.reversed_on else left


def _fresh(credit_item: CreditItem) -> CreditItem:
    rows = CreditItem.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("organization", "customer", "customer__organization").get(pk=credit_item.pk)


__all__ = [
    "MOVE", "ask_to_move", "carry_out_move", "fingerprint", "keep_letter", "movable_amount", "move_facts", "order_of",
]  # fmt: skip
