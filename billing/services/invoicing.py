"""Issuing invoices and credit memos, marking disputes, voiding what nothing was set against."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.bulk import insert_rows
from billing.errors import BadInput, DomainError
from billing.ledger.models import JournalLine
from billing.ledger.posting import open_day, post_entries, reversal_of
from billing.models import CreditItem, CreditKind, CreditMemo, Invoice, InvoiceKind, InvoiceLine
from billing.money import ZERO, fits, round_money
from billing.office.models import Organization, User
from billing.office.numbers import take_numbers
from billing.postings import credit_memo_issued, invoice_issued
from billing.rules.explaining import explanation
from billing.rules.priced import PricedLine
from billing.services.allocating import apply_waiting_credit, tell_after_money
from billing.services.insurance.voiding import release_loan_bill
from billing.services.locking import hold_customers, lock_customers
from billing.services.runs.voiding import release_bill
from billing.terms import Terms
from billing.transactions import transaction_required


class NotVoidable(DomainError):
    code = "not_voidable"
    sentence = _("Money was set against invoice {number}; take it back first, or issue a credit memo.")


class FileOpen(DomainError):
    code = "dispute_file_open"
    sentence = _("Dispute {number} is open about this invoice; settle it first.")


# Filled by the app that keeps dispute files: invoice key → number of the file that is open about it, "" for none.
DISPUTE_FILES: list[Callable[[int], str]] = []


@dataclass(frozen=True)
class LineOrder:
    """One line to bill. unit_price before tax; tax_rate 0.05 for 5 %.

    net, tax: where a rule of pricing has made them; else quantity times unit price, and the rate of that. derivation:
    how they came about, Step as JSON, in whose words the explanation is. tax_code: the key of its TaxCode, if any.
    """

    description: str
    unit_price: Decimal
    quantity: Decimal = Decimal(1)
    tax_rate: Decimal = Decimal(0)
    explanation: str = ""
    net: Decimal | None = None
    tax: Decimal | None = None
    derivation: Sequence[Mapping[str, Any]] = ()
    tax_code: int | None = None

    @classmethod
    def of(cls, line: PricedLine, currency: str) -> "LineOrder":
        """A priced line, explained in the language that is on."""
        return cls(
            description=line.text[:200], unit_price=line.unit_price, quantity=line.quantity, tax_rate=line.tax_rate,
            explanation=explanation(line.steps, currency), net=line.net, tax=line.tax,
            derivation=[one.to_json() for one in line.steps], tax_code=line.tax_code,
        )  # fmt: skip


@dataclass(frozen=True)
class InvoiceOrder:
    """An invoice to issue. number empty: the next of the series. due_on empty: from the terms."""

    customer_id: int
    lines: Sequence[LineOrder]
    issued_on: date
    currency: str
    due_on: date | None = None
    terms: Terms | None = None
    terms_text: str = ""
    number: str = ""
    kind: str = InvoiceKind.SALE
    is_disputed: bool = False
    is_opening: bool = False
    creditor_reference: str = ""
    department: str = ""
    project: str = ""
    agreement_id: int | None = None
    period_start: date | None = None
    period_end: date | None = None


@transaction_required
def issue_invoices(
    *, organization: Organization, orders: Sequence[InvoiceOrder], now: datetime, by: User | None,
    use_waiting_credit: bool = True,
) -> list[Invoice]:  # fmt: skip
    """Issue invoices, all or none, in the order given. Posts "Invoice issued". Set-based.

    Where the customer's policy says so, credit that waits is applied to them at once; use_waiting_credit False: the
    caller settles them itself.

    Raises BadInput, NotFound (a customer of another organization), PeriodClosed.
    """
    if not orders:
        return []
    customer_ids = {order.customer_id for order in orders}
    hold_customers(organization, customer_ids)
    lines = [[_line(line, order.currency) for line in order.lines] for order in orders]
    invoices = [_invoice(organization, order, made, now) for order, made in zip(orders, lines, strict=True)]
    unnumbered = [invoice for invoice in invoices if not invoice.number]
    numbers = take_numbers(organization, organization.today(now), {"INV": len(unnumbered)})["INV"]
    for invoice, number in zip(unnumbered, numbers, strict=True):
        invoice.number = number
    days = {day: open_day(organization.pk, day) for day in {invoice.issued_on for invoice in invoices}}
    drafts = [
        invoice_issued(
            key=f"invoice:{invoice.number}:issued", number=invoice.number, customer_id=invoice.customer_id,
            net=invoice.net_amount, tax=invoice.tax_amount, currency=invoice.currency, on=days[invoice.issued_on],
            opening=invoice.is_opening, kind=invoice.kind, department=invoice.department,
            project=invoice.project,
        )
        for invoice in invoices
    ]  # fmt: skip
    entries = post_entries(organization_id=organization.pk, drafts=drafts, now=now, by_id=by.pk if by else None)
    for invoice, entry in zip(invoices, entries, strict=True):
        invoice.entry = entry
    insert_rows(Invoice, invoices)
    for invoice, made in zip(invoices, lines, strict=True):
        for ordinal, line in enumerate(made, 1):
            line.invoice_id, line.ordinal = invoice.pk, ordinal
    insert_rows(InvoiceLine, (line for made in lines for line in made))
    customer_ids = {order.customer_id for order in orders} if use_waiting_credit else set()
    if apply_waiting_credit(organization=organization, customer_ids=customer_ids, now=now, by=by):
        _reread(invoices)
    return invoices


def _reread(invoices: Sequence[Invoice]) -> None:
    """Counters as they are after credit was applied. One query."""
    columns = ("applied_amount", "discounted_amount", "written_off_amount", "open_amount")
    rows = Invoice.objects.filter(pk__in=[invoice.pk for invoice in invoices])
    found = {row[0]: row[1:] for row in rows.values_list("pk", *columns)}
    for invoice in invoices:
        for name, value in zip(columns, found[invoice.pk], strict=True):
            setattr(invoice, name, value)


@transaction_required
def issue_credit_memo(
    *, organization: Organization, customer_id: int, net: Decimal, tax: Decimal, currency: str, issued_on: date,
    reason: str, now: datetime, by: User | None,
) -> CreditMemo:  # fmt: skip
    """Give back part of what was billed as credit to allocate. Posts "Credit memo issued". Raises BadInput."""
    if net <= ZERO or tax < ZERO or not (fits(net, currency) and fits(tax, currency)):
        raise BadInput(_("The amount must be more than 0."), field="amount", code="not_positive")
    if not reason.strip():
        raise BadInput(_("A reason is needed."), field="reason", code="reason_required")
    lock_customers(organization, [customer_id])
    number = take_numbers(organization, organization.today(now), {"CM": 1})["CM"][0]
    item = CreditItem.objects.create(
        organization=organization, customer_id=customer_id, kind=CreditKind.CREDIT_MEMO, number=number,
        currency=currency, amount=net + tax, available_on=issued_on,
    )  # fmt: skip
    draft = credit_memo_issued(
        key=f"credit_memo:{number}:issued", number=number, customer_id=customer_id, net=net, tax=tax,
        currency=currency, on=open_day(organization.pk, issued_on), reason=reason,
    )  # fmt: skip
    entry = post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk if by else None)[0]
    return CreditMemo.objects.create(
        organization=organization, credit_item=item, number=number, issued_on=issued_on, net_amount=net,
        tax_amount=tax, reason=reason, entry=entry, issued_at=now, issued_by=by,
    )  # fmt: skip


@transaction_required
def mark_disputed(*, invoice: Invoice, is_disputed: bool) -> Invoice:
    """Leave an invoice out of automatic allocation, or take it in again (R124). Raises FileOpen."""
    lock_customers(invoice.organization, [invoice.customer_id])
    if not is_disputed:
        check_no_file(invoice)
    Invoice.objects.filter(pk=invoice.pk).update(is_disputed=is_disputed)
    invoice.is_disputed = is_disputed
    return invoice


@transaction_required
def void_invoice(*, invoice: Invoice, reason: str, now: datetime, by: User | None) -> Invoice:
    """Take back an invoice nothing was set against; it keeps its number. Posts the mirror, dated today.

    What a billing run billed with it can be billed again (release_bill), and so can what it asked back of a loan.

    Raises NotVoidable, FileOpen, BadInput (no reason).
    """
    if not reason.strip():
        raise BadInput(_("A reason is needed."), field="reason", code="reason_required")
    lock_customers(invoice.organization, [invoice.customer_id])
    check_no_file(invoice)
    invoice = (
        Invoice.objects.select_for_update(no_key=True, of=("self",))
        .select_related("entry", "organization")
        .get(pk=invoice.pk)
    )
    if invoice.open_amount != invoice.invoiced_amount:
        raise NotVoidable(number=invoice.number)
    organization = invoice.organization
    today = organization.today(now)
    lines = JournalLine.objects.filter(entry=invoice.entry).select_related("account").order_by("ordinal")
    draft = reversal_of(
        invoice.entry, list(lines), key=f"{invoice.entry.key}:voided", reason=reason,
        on=max(open_day(organization.pk, today), invoice.entry.entry_date),
    )  # fmt: skip
    entry = post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk if by else None)[0]
    Invoice.objects.filter(pk=invoice.pk).update(voided_on=max(today, invoice.issued_on), void_entry=entry)
    invoice.refresh_from_db()
    release_bill(invoice=invoice, reason=reason)
    release_loan_bill(invoice=invoice)
    tell_after_money([invoice.pk], now, by)
    return invoice


def check_no_file(invoice: Invoice) -> None:
    """Raises FileOpen while a dispute about the invoice is being worked on."""
    for find in DISPUTE_FILES:
        if number := find(invoice.pk):
            raise FileOpen(number=number)


def _line(order: LineOrder, currency: str) -> InvoiceLine:
    """One rounding for the net, one for the tax, at the line."""
    net = round_money(order.unit_price * order.quantity, currency) if order.net is None else order.net
    return InvoiceLine(
        description=order.description, explanation=order.explanation, quantity=order.quantity,
        unit_price=order.unit_price, net_amount=net, tax_rate=order.tax_rate,
        tax_amount=round_money(net * order.tax_rate, currency) if order.tax is None else order.tax,
        derivation=list(order.derivation), tax_code_id=order.tax_code,
    )  # fmt: skip


def _invoice(organization: Organization, order: InvoiceOrder, lines: Sequence[InvoiceLine], now: datetime) -> Invoice:
    net = sum((line.net_amount for line in lines), ZERO)
    tax = sum((line.tax_amount for line in lines), ZERO)
    if net + tax <= ZERO:
        raise BadInput(_("The amount must be more than 0."), field="amount", code="not_positive")
    terms = order.terms
    due_on = order.due_on or (terms.due_on(order.issued_on) if terms else order.issued_on)
    if due_on < order.issued_on:
        raise BadInput(_("The due day is before the day of issue."), field="due_on", code="due_before_issue")
    return Invoice(
        organization=organization, customer_id=order.customer_id, number=order.number, kind=order.kind,
        issued_on=order.issued_on, due_on=due_on, currency=order.currency, net_amount=net, tax_amount=tax,
        invoiced_amount=net + tax, terms=order.terms_text,
        discount_rate=terms.discount_rate if terms else Decimal(0),
        discount_until=terms.discount_until(order.issued_on) if terms else None, is_disputed=order.is_disputed,
        is_opening=order.is_opening, creditor_reference=order.creditor_reference, department=order.department,
        project=order.project, agreement_id=order.agreement_id, period_start=order.period_start,
        period_end=order.period_end, issued_at=now,
    )  # fmt: skip
