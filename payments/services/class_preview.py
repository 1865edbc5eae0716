"""What a cancelled class would give back to whom, before anybody is asked (R109)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from billing.models import CreditItem, Customer, Invoice, InvoiceLine
from billing.money import ZERO
from billing.office.models import Organization
from billing.office.policies import policies_for
from payments.models.refund import RefundReason
from payments.services.class_shares import BillPlan, Share, plan_bill, read_shares
from payments.services.eligibility import judge_case
from payments.services.refund_cases import RefundOrder, open_case
from payments.services.refund_ways import LARGE, SMALL


@dataclass(frozen=True)
class PartBack:
    """Part of a share that goes back to one payment. way: in words; trouble: why it has to wait for the office."""

    credit_number: str
    amount: Decimal
    way: str = ""
    trouble: str = ""


@dataclass(frozen=True)
class ClassRow:
    """One bill of one family, with its lines. gives_back: their share; reduces: off what is still open of the bill.

    parts: what goes back to payments, the latest first. trouble: why nothing is given back, "" if something is.
    """

    customer: Customer
    invoice: Invoice
    lines: Sequence[InvoiceLine]
    net: Decimal
    tax: Decimal
    reduces: Decimal = ZERO
    parts: Sequence[PartBack] = ()
    trouble: str = ""

    @property
    def gives_back(self) -> Decimal:
        return self.net + self.tax

    @property
    def refunded(self) -> Decimal:
        return sum((part.amount for part in self.parts), ZERO)


@dataclass(frozen=True)
class ClassPreview:
    """What a cancelled class would give back. action: of the matrix, by which another person decides on all of it."""

    rows: list[ClassRow]
    total: Decimal
    currency: str
    action: str


def preview_class_refund(
    *, organization: Organization, line_ids: Sequence[int], sessions_total: int, sessions_cancelled: int, now: datetime
) -> ClassPreview:
    """What each family would get back; nothing is written. Raises what read_shares raises."""
    shares = read_shares(organization, line_ids, sessions_total, sessions_cancelled)
    rows = [_row(organization, group, now) for group in by_bill(shares)]
    total = sum((row.gives_back for row in rows), ZERO)
    currency = rows[0].invoice.currency
    return ClassPreview(rows, total, currency, class_action(organization, total, currency))


def by_bill(shares: Iterable[Share]) -> list[list[Share]]:
    return [list(group) for _key, group in groupby(shares, key=lambda share: share.line.invoice_id)]


def _row(organization: Organization, shares: Sequence[Share], now: datetime) -> ClassRow:
    invoice = shares[0].line.invoice
    net, tax = sum((s.net for s in shares), ZERO), sum((s.tax for s in shares), ZERO)
    lines = [share.line for share in shares]
    trouble = " ".join(filter(None, (share.trouble for share in shares)))
    if not net + tax:
        return ClassRow(invoice.customer, invoice, lines, net, tax, trouble=trouble)
    plan = plan_bill(invoice, net, tax)
    parts = [_part(organization, plan, item, amount, now) for item, amount in plan.parts]
    return ClassRow(invoice.customer, invoice, lines, net, tax, plan.reduces, parts, trouble)


def _part(
    organization: Organization, plan: BillPlan, item: CreditItem, amount: Decimal, now: datetime
) -> PartBack:  # fmt: skip
    case = open_case(
        organization, part_order(plan.invoice, item, amount, "-", "-"), organization.today(now), of_batch=True
    )
    found = judge_case(case)
    return PartBack(item.number, amount, found.way, " ".join(check.sentence for check in found.failed))


def part_order(invoice: Invoice, item: CreditItem, amount: Decimal, reason: str, key: str) -> RefundOrder:
    return RefundOrder(
        customer_id=invoice.customer_id, credit_item_id=item.pk, gross_amount=amount, invoice_id=invoice.pk,
        reason_code=RefundReason.CANCELLED, reason=reason, request_key=key,
    )  # fmt: skip


def class_action(organization: Organization, total: Decimal, currency: str) -> str:
    book = policies_for(organization)
    limit = book.amount("refunds.small_limit") if currency == organization.currency else None
    by_manager = RefundReason.CANCELLED in book.choices("refunds.manager_reasons")
    return LARGE if limit is None or total > limit or by_manager else SMALL
