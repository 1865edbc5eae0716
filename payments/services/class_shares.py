"""What each family gets back of a cancelled group class: its share of the line, off the bill or paid back (R109)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, Sum
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, NotFound
from billing.models import Allocation, AllocationKind, CreditItem, CreditKind, Invoice, InvoiceLine
from billing.money import ZERO, round_money
from billing.office.models import ApprovalRequest, Organization
from billing.office.models.approval import ApprovalState
from billing.services.freeing import Freed
from payments.services.refund_plans import MemoPlan, RefundPlan, split_memo, won_with

MONEY = (CreditKind.PAYMENT, CreditKind.TRANSFER)


@dataclass(frozen=True)
class Share:
    """One line of one invoice and what of it goes back. trouble: why nothing does, "" if something does."""

    line: InvoiceLine
    net: Decimal
    tax: Decimal
    trouble: str = ""

    @property
    def amount(self) -> Decimal:
        return self.net + self.tax


@dataclass(frozen=True)
class BillPlan:
    """How one bill gives its shares back: `reduces` is still open and only owed less, the parts were paid.

    parts: of which credit item how much becomes free to be refunded, the latest payment first. plan: the credit memo
    and the allocations it takes the place of.
    """

    invoice: Invoice
    reduces: Decimal
    parts: Sequence[tuple[CreditItem, Decimal]]
    plan: RefundPlan


def read_shares(
    organization: Organization, line_ids: Iterable[int], sessions_total: int, sessions_cancelled: int
) -> list[Share]:
    """The share of each line, by customer and invoice: M of N sessions of its net and of its tax, each rounded once.

    What the line gave back before counts: never more than the whole. Three queries.
    Raises NotFound, BadInput (no line, sessions, lines of several currencies).
    """
    wanted = list(dict.fromkeys(line_ids))
    if not wanted:
        raise BadInput(_("Choose at least one line."), field="line_ids", code="required")
    if not 0 < sessions_cancelled <= sessions_total:
        sentence = _("At least one session was cancelled, and no more than were sold.")
        raise BadInput(sentence, field="sessions_cancelled", code="sessions")
    lines = InvoiceLine.objects.filter(pk__in=wanted, invoice__organization=organization)
    found = list(lines.select_related("invoice__customer").order_by("invoice__customer_id", "invoice_id", "ordinal"))
    if len(found) != len(wanted):
        raise NotFound(field="line_ids")
    if len({line.invoice.currency for line in found}) > 1:
        raise BadInput(_("Choose lines of one currency."), field="line_ids", code="several_currencies")
    before = given_before(organization, wanted)
    return [_share(line, sessions_total, sessions_cancelled, before.get(line.pk, ZERO)) for line in found]


def _share(line: InvoiceLine, total: int, cancelled: int, before: Decimal) -> Share:
    invoice = line.invoice
    net = round_money(line.net_amount * cancelled / total, invoice.currency)
    tax = round_money(line.tax_amount * cancelled / total, invoice.currency)
    if invoice.voided_on is not None:
        sentence = _("Invoice {number} was voided on {day}.")
        return Share(line, ZERO, ZERO, str(sentence).format(number=invoice.number, day=invoice.voided_on))
    whole = line.net_amount + line.tax_amount
    if net + tax > whole - before:
        sentence = _("Of this line {before} was given back already, of {whole}.")
        return Share(line, ZERO, ZERO, str(sentence).format(before=f"{before:.2f}", whole=f"{whole:.2f}"))
    if net + tax <= ZERO:
        return Share(line, ZERO, ZERO, str(_("Nothing was billed for it.")))
    return Share(line, net, tax)


def given_before(organization: Organization, line_ids: Sequence[int]) -> dict[int, Decimal]:
    """What lines gave back in cancelled classes that were approved, from what was approved. One query."""
    about = Q()
    for key in line_ids:
        about |= Q(shown__contains={"families": [{"line_key": key}]})
    rows = ApprovalRequest.objects.filter(
        about, organization=organization, subject__startswith="refund_batch:", state=ApprovalState.USED
    )
    found: dict[int, Decimal] = {}
    for shown in rows.values_list("shown", flat=True):
        for row in shown["families"]:
            found[row["line_key"]] = found.get(row["line_key"], ZERO) + Decimal(row["amount"])
    return found


def plan_bill(invoice: Invoice, net: Decimal, tax: Decimal) -> BillPlan:
    """How a bill gives `net` and `tax` back: first off what is open, then out of the payments that paid it.

    A discount or write-off the bill had is shared alike: what was never paid does not come back. Four queries.
    """
    reduces = min(invoice.open_amount, net + tax)
    standing = Allocation.objects.filter(invoice=invoice, reverses__isnull=True, reversed_by__isnull=True)
    paid = standing.filter(kind=AllocationKind.CREDIT, credit_item__kind__in=MONEY)
    money = list(paid.select_related("credit_item", "invoice", "organization").order_by("-id"))
    brought = sum((a.amount for a in money), ZERO)
    won = standing.exclude(kind=AllocationKind.CREDIT).aggregate(total=Sum("amount"))["total"] or ZERO
    wanted = _refundable(net + tax - reduces, brought, won, invoice.currency)
    freed = _free_latest(money, wanted)
    amount = reduces + wanted + won_with(freed)
    memo = MemoPlan(invoice, net, tax) if amount == net + tax else split_memo(invoice, amount) if amount else None
    return BillPlan(invoice, reduces, _by_item(freed), RefundPlan(freed, memo))


def _refundable(wanted: Decimal, brought: Decimal, won: Decimal, currency: str) -> Decimal:
    if not wanted or not brought:
        return ZERO
    return min(round_money(wanted * brought / (brought + won), currency), brought)


def _free_latest(money: Iterable[Allocation], wanted: Decimal) -> list[Freed]:
    plan = []
    for allocation in money:
        if not wanted:
            break
        taken = min(wanted, allocation.amount)
        plan.append(Freed(allocation, allocation.amount - taken))
        wanted -= taken
    return plan


def _by_item(freed: Iterable[Freed]) -> list[tuple[CreditItem, Decimal]]:
    sums: dict[int, tuple[CreditItem, Decimal]] = {}
    for one in freed:
        item, amount = sums.get(one.allocation.credit_item_id, (one.allocation.credit_item, ZERO))
        sums[item.pk] = (item, amount + one.freed)
    return list(sums.values())
