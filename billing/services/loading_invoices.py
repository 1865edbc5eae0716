"""Taking over open invoices from a file, with the customers they name."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text, parse_day
from billing.models import Customer, Invoice
from billing.money import EXPONENTS, parse_amount
from billing.office.models import Organization, User
from billing.office.policies import policies_for
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
from billing.services.loading import BadRow, ChangedRow, FileRow, LoadReport, Sheet, read_each, read_flag
from billing.services.locking import lock_customers
from billing.terms import Terms, parse_terms
from billing.transactions import transaction_required

COLUMNS = (
    "customer_code", "customer_name", "invoice_number", "issued_on", "due_on", "amount", "currency", "terms",
    "disputed", "creditor_reference",
)  # fmt: skip
REQUIRED = ("customer_code", "invoice_number", "issued_on", "due_on", "amount")
# What must be the same when an invoice comes again; the customer's name is the customer master's business.
COMPARED = (
    "customer_code", "issued_on", "due_on", "amount", "currency", "terms", "disputed", "creditor_reference",
)  # fmt: skip
OUR_SERIES = re.compile(r"(INV|CM)-\d{4}-\d{8,}")


@dataclass(frozen=True)
class InvoiceFacts:
    """A row of the file, read."""

    row: FileRow
    customer_code: str
    customer_name: str
    invoice_number: str
    issued_on: date
    due_on: date
    amount: Decimal
    currency: str
    terms: str
    read_terms: Terms | None
    disputed: bool
    creditor_reference: str


@transaction_required
def load_invoices(
    *, organization: Organization, sheet: Sheet, rows: Sequence[FileRow | BadRow], is_opening: bool, now: datetime,
    by: User | None,
) -> LoadReport:  # fmt: skip
    """Issue the invoices of a file that are not there yet; one there already is compared, never changed.

    is_opening: taken over from other books, where they were revenue: posted against opening balances.
    Posts "Invoice issued". Customers the file names and nobody knows are added.
    """
    report = LoadReport()
    currencies = {organization.currency, *policies_for(organization).choices("payments.currencies")}
    facts = read_each(rows, lambda row: _read(row, organization.currency, currencies), report)
    customers = _ensure_customers(organization, facts)
    lock_customers(organization, customers.values())
    stored = _stored(organization, facts)
    orders = []
    for fact in facts:
        earlier = stored.get(fact.invoice_number)
        if earlier is not None:
            _compare(report, sheet, earlier, fact)
        elif OUR_SERIES.fullmatch(fact.invoice_number):
            sentence = _("This number is of our own series; a loaded invoice needs another.")
            report.refused.append(BadRow(fact.row.line, str(sentence), fact.row.values, "invoice_number"))
        else:
            stored[fact.invoice_number] = _compared(fact)
            orders.append(_order(fact, customers[fact.customer_code], is_opening))
    issue_invoices(organization=organization, orders=orders, now=now, by=by)
    report.new = len(orders)
    return report


def _read(row: FileRow, own: str, currencies: Iterable[str]) -> InvoiceFacts:
    currency = _read_currency(row.text("currency"), own, currencies)
    issued_on = parse_day(row.text("issued_on"), field="issued_on")
    terms_text = clean_text(row.text("terms"), field="terms", longest=40)
    terms = parse_terms(terms_text)
    if not row.text("due_on") and terms is not None:
        due_on = terms.due_on(issued_on)
    else:
        due_on = parse_day(row.text("due_on"), field="due_on")
    if due_on < issued_on:
        raise BadInput(_("The due day is before the day of issue."), field="due_on", code="due_before_issue")
    return InvoiceFacts(
        row=row, customer_code=_code(row, "customer_code"), invoice_number=_code(row, "invoice_number"),
        customer_name=clean_text(row.text("customer_name"), field="customer_name", longest=160),
        issued_on=issued_on, due_on=due_on, amount=parse_amount(row.text("amount"), currency), currency=currency,
        terms=terms_text, read_terms=terms, disputed=read_flag(row.text("disputed"), column="disputed"),
        creditor_reference=clean_text(
            row.text("creditor_reference"), field="creditor_reference", longest=40, free=False
        ),
    )  # fmt: skip


def _code(row: FileRow, column: str) -> str:
    return clean_text(row.text(column), field=column, longest=40, required=True, free=False)


def _read_currency(text: str, own: str, currencies: Iterable[str]) -> str:
    currency = text.upper() or own
    if currency not in EXPONENTS:
        raise BadInput(_("Unknown currency {currency}."), field="currency", code="unknown_currency", currency=currency)
    if currency not in currencies:
        sentence = _("This organization works in {currency}.")
        raise BadInput(sentence, field="currency", code="wrong_currency", currency=own)
    return currency


def _ensure_customers(organization: Organization, facts: Sequence[InvoiceFacts]) -> dict[str, int]:
    """Keys by code of all customers the rows name; unknown ones are added. Two or three queries."""
    names: dict[str, str] = {}
    for fact in facts:
        names[fact.customer_code] = names.get(fact.customer_code) or fact.customer_name
    known = _customer_ids(organization, names)
    unknown = [code for code in names if code not in known]
    if not unknown:
        return known
    Customer.objects.bulk_create(
        [Customer(organization=organization, code=code, name=names[code] or code) for code in unknown],
        ignore_conflicts=True,
    )
    return _customer_ids(organization, names)


def _customer_ids(organization: Organization, codes: Iterable[str]) -> dict[str, int]:
    rows = Customer.objects.filter(organization=organization, code__in=list(codes))
    return dict(rows.values_list("code", "pk"))


def _stored(organization: Organization, facts: Sequence[InvoiceFacts]) -> dict[str, tuple[object, ...]]:
    numbers = [fact.invoice_number for fact in facts]
    rows = Invoice.objects.filter(organization=organization, number__in=numbers).values_list(
        "number", "customer__code", "issued_on", "due_on", "invoiced_amount", "currency", "terms", "is_disputed",
        "creditor_reference",
    )  # fmt: skip
    return {row[0]: tuple(row[1:]) for row in rows}


def _compared(fact: InvoiceFacts) -> tuple[object, ...]:
    return tuple(getattr(fact, name) for name in COMPARED)


def _compare(report: LoadReport, sheet: Sheet, earlier: tuple[object, ...], fact: InvoiceFacts) -> None:
    changes = [
        ChangedRow(fact.row, fact.invoice_number, column, _shown(old), _shown(new))
        for column, old, new in zip(COMPARED, earlier, _compared(fact), strict=True)
        if old != new and sheet.has(column)
    ]
    report.changed += changes
    report.known += not changes


def _shown(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _order(fact: InvoiceFacts, customer_id: int, is_opening: bool) -> InvoiceOrder:
    return InvoiceOrder(
        customer_id=customer_id, lines=[LineOrder("As invoiced", fact.amount)], issued_on=fact.issued_on,
        due_on=fact.due_on, currency=fact.currency, terms=fact.read_terms, terms_text=fact.terms,
        number=fact.invoice_number, is_disputed=fact.disputed, is_opening=is_opening,
        creditor_reference=fact.creditor_reference,
    )  # fmt: skip
