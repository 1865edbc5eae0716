"""Zoho's invoices here: each becomes an invoice once, and is followed (R106; source 0 §1)."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from billing.errors import DomainError
from billing.models import Invoice
from billing.money import EXPONENTS, ZERO, fits, round_money, split
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices, void_invoice
from billing.transactions import transaction_required
from payments.gateways.zoho.objects import Bill
from payments.models import ZohoInvoice, ZohoSubscription
from payments.services.zoho.reading import bills_of
from payments.services.zoho.telling import tell_office

# Not yet, or no longer, owed by anybody.
NOT_OWED = ("draft", "pending", "void", "deleted")
PREFIX = "ZB-"


@transaction_required
def mirror_bills(*, link: ZohoSubscription, bills: Iterable[Bill], now: datetime) -> list[str]:
    """Take over invoices that are new and follow those that are known. link: locked. Posts "Invoice issued".

    Credit that waits here is not set against them: Zoho charges them by itself, and would charge them as well.
    """
    known, did = bills_of(link), []
    for bill in sorted(bills, key=lambda one: (one.issued_on, one.id)):
        if (row := known.get(bill.id)) is not None:
            did += _follow(link, row, bill, now)
        elif bill.status not in NOT_OWED and bill.total > ZERO:
            did.append(_take_over(link, bill, now))
    return did


def _take_over(link: ZohoSubscription, bill: Bill, now: datetime) -> str:
    if bill.currency not in EXPONENTS or not fits(bill.total, bill.currency):
        trouble = f"Invoice {bill.number} of {bill.total} {bill.currency} cannot be kept here."
        tell_office(link=link, trouble=trouble, now=now)
        return trouble
    order = InvoiceOrder(
        customer_id=link.agreement.customer_id, lines=_lines(bill), issued_on=bill.issued_on,
        due_on=max(bill.due_on, bill.issued_on), currency=bill.currency, number=_number(link, bill),
        agreement_id=link.agreement_id, creditor_reference=bill.id[:40],
    )  # fmt: skip
    (invoice,) = issue_invoices(
        organization=link.organization, orders=[order], now=now, by=None, use_waiting_credit=False
    )
    ZohoInvoice.objects.create(
        organization=link.organization, gateway_account=link.gateway_account, subscription=link, invoice=invoice,
        remote_id=bill.id, number=bill.number, status=bill.status, balance=bill.balance,
        debit_under_way=bill.debit_under_way, expected_on=bill.expected_on, read_at=now,
    )  # fmt: skip
    return f"invoice {invoice.number}"


def _number(link: ZohoSubscription, bill: Bill) -> str:
    """Zoho's, marked as such; two organisations there may count alike."""
    number = f"{PREFIX}{bill.number}"[:30]
    taken = Invoice.objects.filter(organization=link.organization, number=number).exists()
    return f"{number}-{bill.id[-8:]}" if taken else number


def _lines(bill: Bill) -> list[LineOrder]:
    """As Zoho has them where they add up, the tax shared among them; else one line of the whole."""
    net = bill.total - bill.tax
    lines = [line for line in bill.lines if line.net > ZERO and line.quantity > ZERO]
    if sum((line.net for line in lines), ZERO) != net or not lines or len(lines) != len(bill.lines):
        return [LineOrder(f"Zoho Billing {bill.number}", net, net=net, tax=bill.tax)]
    taxes = split(bill.tax, [line.net for line in lines], bill.currency)
    return [
        LineOrder(
            line.text or bill.number, round_money(line.net / line.quantity, bill.currency),
            quantity=line.quantity.quantize(Decimal("0.01")), net=line.net, tax=tax,
        )
        for line, tax in zip(lines, taxes, strict=True)
    ]  # fmt: skip


def _follow(link: ZohoSubscription, row: ZohoInvoice, bill: Bill, now: datetime) -> list[str]:
    changes = {
        "status": bill.status, "balance": max(bill.balance, ZERO), "debit_under_way": bill.debit_under_way,
        "expected_on": bill.expected_on,
    }  # fmt: skip
    ZohoInvoice.objects.filter(pk=row.pk).update(read_at=now, **changes)
    if bill.status not in ("void", "deleted") or row.invoice.voided_on is not None:
        return []
    try:
        void_invoice(invoice=row.invoice, reason=f"Void in Zoho Billing: {bill.number}", now=now, by=None)
    except DomainError as refusal:
        tell_office(link=link, trouble=f"{row.invoice.number} is void in Zoho: {refusal}", now=now)
        return []
    return [f"invoice {row.invoice.number} void"]
