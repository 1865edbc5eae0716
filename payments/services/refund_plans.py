"""What giving money back does to invoices: which reopen, and which bill a credit memo reduces instead (R99)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from billing.models import Allocation, AllocationKind, CreditItem, CreditMemo, Invoice
from billing.money import ZERO, round_money
from billing.services.freeing import Freed, MoreThanIsThere, plan_freeing, shown_freeing, standing_credit
from payments.models import Refund


@dataclass(frozen=True)
class MemoPlan:
    """The credit memo that takes the place of the money on the bill of a cancelled service. amount = net + tax."""

    invoice: Invoice
    net: Decimal
    tax: Decimal

    @property
    def amount(self) -> Decimal:
        return self.net + self.tax

    def shown(self) -> dict[str, str]:
        return {
            "invoice": self.invoice.number, "net": f"{self.net:.2f}", "tax": f"{self.tax:.2f}",
            "amount": f"{self.amount:.2f}",
        }  # fmt: skip


@dataclass(frozen=True)
class RefundPlan:
    """The allocations to take back, and the credit memo, if the bill is reduced: then no invoice reopens."""

    freed: Sequence[Freed]
    memo: MemoPlan | None = None

    def reopens(self) -> list[dict[str, Any]]:
        return [] if self.memo else shown_freeing(self.freed)


def plan_refund(item: CreditItem, gross: Decimal, invoice: Invoice | None) -> RefundPlan:
    """How `gross` of a credit item becomes free. invoice: the bill that is reduced, None to let invoices reopen.

    Raises MoreThanIsThere. At most four queries.
    """
    if invoice is None:
        return RefundPlan(plan_freeing(item, gross))
    freed = _freed_of_invoice(item, gross, invoice)
    lost = won_with(freed)
    return RefundPlan(freed, split_memo(invoice, gross + lost))


def split_memo(invoice: Invoice, amount: Decimal) -> MemoPlan:
    """A credit memo of `amount` on an invoice, net and tax in the invoice's proportion (R99).

    Rounded over all its refunds together, so that several parts give back exactly the tax of the whole.
    """
    earlier = Refund.objects.filter(invoice=invoice, credit_memo__isnull=False).values("credit_memo")
    sums = invoice_memos(earlier)
    whole = round_money((sums[0] + sums[1] + amount) * invoice.tax_amount / invoice.invoiced_amount, invoice.currency)
    tax = min(max(whole - sums[1], ZERO), amount)
    if tax == amount:  # a memo has a net; the last unit of a bill may be all tax by rounding
        tax = ZERO
    return MemoPlan(invoice, amount - tax, tax)


def invoice_memos(memo_keys: Any) -> tuple[Decimal, Decimal]:
    """Net and tax of credit memos, summed. One query."""
    sums = CreditMemo.objects.filter(pk__in=memo_keys).aggregate(net=Sum("net_amount"), tax=Sum("tax_amount"))
    return sums["net"] or ZERO, sums["tax"] or ZERO


def _freed_of_invoice(item: CreditItem, gross: Decimal, invoice: Invoice) -> list[Freed]:
    """The item's allocations to one invoice, the latest first, until they make up `gross`."""
    wanted, plan = gross, []
    for allocation in standing_credit(item):
        if allocation.invoice_id == invoice.pk and wanted:
            taken = min(wanted, allocation.amount)
            plan.append(Freed(allocation, allocation.amount - taken))
            wanted -= taken
    if wanted:
        there = gross - wanted
        raise MoreThanIsThere(field="gross_amount", left=f"{there:.2f}", amount=f"{gross:.2f}")
    return plan


def won_with(freed: Sequence[Freed]) -> Decimal:
    """Discount and write-off that go when these allocations do. They stood for money, so the memo covers them too."""
    entries = [one.allocation.entry_id for one in freed]
    rows = Allocation.objects.filter(entry_id__in=entries, reverses__isnull=True, reversed_by__isnull=True)
    return rows.exclude(kind=AllocationKind.CREDIT).aggregate(total=Sum("amount"))["total"] or ZERO
