"""What the screen says after a save."""

from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from billing.models import Allocation, AllocationKind
from billing.money import ZERO, format_money
from payments.selectors.cash import is_over_limit
from receipts.admin.receive_page import taken_row
from receipts.services.counter import Taken


def answer(taken: Taken, deed: str) -> dict[str, Any]:
    """What became of a payment, read from what was written, so that a repeat is answered the same."""
    payment, receipt = taken.payment, taken.receipt
    customer = taken.received.customer
    applied = payment.credit_item.applied_amount if payment.credit_item else ZERO
    receipt.payment, payment.customer = payment, customer
    row = taken_row(receipt)
    return {
        "payment": {"number": payment.number, "state": payment.state, "url": row["url"]},
        "receipt": {
            "number": receipt.number, "url": reverse("admin:receipt-pdf", args=[receipt.pk]),
            "is_provisional": receipt.is_provisional,
        },
        "customer": {"code": customer.code, "name": customer.shown_name},
        "amount": format_money(payment.amount, payment.currency),
        "applied": format_money(applied, payment.currency),
        "left_over": format_money(payment.amount - applied, payment.currency),
        "message": _sentence(taken),
        "open_receipt": deed == "print",
        "row": render_to_string("console/receive/taken_row.html", {"row": row}),
    }  # fmt: skip


def _sentence(taken: Taken) -> str:
    payment, customer = taken.payment, taken.received.customer
    start = _("{payment}: {amount} from {customer}, receipt {receipt}.").format(
        payment=payment.number, amount=format_money(payment.amount, payment.currency), customer=customer.shown_name,
        receipt=taken.receipt.number,
    )  # fmt: skip
    if payment.pending_for:
        return " ".join((start, _("It is provisional until a second person agrees; they have been asked.")))
    parts = [start, _applied_to(taken)]
    if taken.received.hold is not None and taken.received.hold.released:
        parts.append(_("The credit hold is released."))
    session = payment.drawer_session
    if session is not None and is_over_limit(session, taken.received.book):
        words = _("There is more in {drawer} than should be: put some of it into the safe (Cash → Drawers).")
        parts.append(words.format(drawer=session.cash_point.name))
    return " ".join(part for part in parts if part)


def _applied_to(taken: Taken) -> str:
    payment = taken.payment
    rows = Allocation.objects.filter(
        credit_item=payment.credit_item, kind=AllocationKind.CREDIT, reverses__isnull=True, reversed_by__isnull=True
    )
    numbers = list(rows.order_by("id").values_list("invoice__number", flat=True))
    if not numbers:
        return _("Kept as credit.")
    shown = ", ".join(numbers[:3]) + (_(" and {n} more").format(n=len(numbers) - 3) if len(numbers) > 3 else "")
    words = _("Applied to {invoices}.").format(invoices=shown)
    item = payment.credit_item
    left = payment.amount - item.applied_amount if item else ZERO
    kept = _("{amount} kept as credit.").format(amount=format_money(left, payment.currency)) if left else ""
    return f"{words} {kept}".strip()
