"""Payments from a file, each with its receipt: known by their reference, applied as they say or by a strategy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text, parse_day
from billing.models import Customer, Invoice
from billing.money import ZERO, parse_amount
from billing.office.models import Organization, User
from billing.office.policies import policies_for_customers
from billing.services.loading import BadRow, ChangedRow, FileRow, LoadReport, Sheet, read_each, refuse
from billing.transactions import transaction_required
from payments.models import Cheque, Method, Payment
from payments.services.orders import ChequeOrder, PaymentOrder
from payments.services.vault import VaultOrder, take_in
from receipts.services.counter import ReceiptWish, Taken, take_payments

COLUMNS = (
    "reference", "customer_code", "method", "amount", "received_on", "invoice_numbers", "cheque_number",
    "cheque_bank", "cheque_date",
)  # fmt: skip
REQUIRED = ("reference", "customer_code", "method", "amount", "received_on")
CHEQUE_COLUMNS = ("cheque_number", "cheque_bank", "cheque_date")


@dataclass
class PaymentsReport(LoadReport):
    """applied, left_over: of the new payments, in the organization's currency. vaulted: new ones that wait."""

    applied: Decimal = ZERO
    left_over: Decimal = ZERO
    vaulted: int = 0

    def add(self, other: LoadReport) -> None:
        super().add(other)
        if isinstance(other, PaymentsReport):
            self.applied += other.applied
            self.left_over += other.left_over
            self.vaulted += other.vaulted


@dataclass(frozen=True)
class PaymentFacts:
    """A row of the file, read."""

    row: FileRow
    reference: str
    customer_code: str
    method: str
    amount: Decimal
    received_on: date
    invoice_numbers: tuple[str, ...]
    cheque: ChequeOrder | None = field(default=None)

    def compared(self) -> dict[str, str]:
        """What must be the same when the reference comes again, by column."""
        cheque = self.cheque
        return {
            "customer_code": self.customer_code,
            "method": self.method,
            "amount": f"{self.amount:.2f}",
            "received_on": self.received_on.isoformat(),
            "invoice_numbers": ";".join(self.invoice_numbers),
            "cheque_number": cheque.number if cheque else "",
            "cheque_bank": cheque.bank if cheque else "",
            "cheque_date": cheque.cheque_date.isoformat() if cheque else "",
        }


@transaction_required
def load_payments(
    *,
    organization: Organization,
    sheet: Sheet,
    rows: Sequence[FileRow | BadRow],
    strategy: str | None,
    now: datetime,
    by: User | None,
) -> PaymentsReport:
    """Take the payments of a file that are not there yet, in its order, with receipts that are not delivered.

    A cheque dated after today goes to the vault: no payment before its day.
    strategy: None for what the customer's policy says. A reference loaded before is compared, never taken twice; with
    other facts it is reported. Posts what take_payments posts.
    """
    report = PaymentsReport()
    facts = read_each(rows, lambda row: _read(row, organization.currency), report)
    facts = _not_yet_loaded(organization, sheet, facts, report)
    orders = _orders(organization, facts, strategy, report)
    today, wish = organization.today(now), ReceiptWish()
    current = [(fact, order) for fact, order in orders if not _is_post_dated(fact, today)]
    results = take_payments(
        organization=organization, orders=[(order, wish) for _fact, order in current], now=now, by=by, at_counter=False
    )
    for (fact, _order), result in zip(current, results, strict=True):
        _count(report, fact, result)
    later = [(fact, _vault_order(order)) for fact, order in orders if _is_post_dated(fact, today)]
    if later:
        cheques = take_in(organization=organization, orders=[order for _fact, order in later], now=now, by=by)
        for (fact, _paper), cheque in zip(later, cheques, strict=True):
            _count_vaulted(report, fact, cheque)
    return report


def _is_post_dated(fact: PaymentFacts, today: date) -> bool:
    return fact.cheque is not None and fact.cheque.cheque_date > today


def _vault_order(order: PaymentOrder) -> VaultOrder:
    """The same row as a cheque for the vault; it is known by its reference, as a payment is."""
    paper = order.cheque
    assert paper is not None
    return VaultOrder(
        customer_id=order.customer_id, number=paper.number, bank=paper.bank, cheque_date=paper.cheque_date,
        amount=order.amount, currency=order.currency, received_on=order.received_on, request_key=order.request_key,
        for_invoices=order.first, strategy=order.strategy, reference=order.reference,
    )  # fmt: skip


def _count_vaulted(report: PaymentsReport, fact: PaymentFacts, result: Cheque | DomainError) -> None:
    if isinstance(result, DomainError):
        report.refused.append(refuse(fact.row, result))
        return
    report.new += 1
    report.vaulted += 1


def _read(row: FileRow, currency: str) -> PaymentFacts:
    method = row.text("method").casefold()
    if method not in Method.values:
        sentence = _("There is no such method; there are: {methods}.")
        raise BadInput(sentence, field="method", code="unknown_method", methods=", ".join(Method.values))
    return PaymentFacts(
        row=row,
        reference=clean_text(row.text("reference"), field="reference", longest=80, required=True),
        customer_code=clean_text(
            row.text("customer_code"), field="customer_code", longest=40, required=True, free=False
        ),
        method=method,
        amount=parse_amount(row.text("amount"), currency),
        received_on=parse_day(row.text("received_on"), field="received_on"),
        invoice_numbers=_read_numbers(row.text("invoice_numbers")),
        cheque=_read_cheque(row, method),
    )


def _read_numbers(text: str) -> tuple[str, ...]:
    clean = clean_text(text, field="invoice_numbers", longest=4000, free=False)
    return tuple(dict.fromkeys(part.strip() for part in clean.split(";") if part.strip()))


def _read_cheque(row: FileRow, method: str) -> ChequeOrder | None:
    if method != Method.CHEQUE:
        for column in CHEQUE_COLUMNS:
            if row.text(column):
                raise BadInput(_("Only a cheque has this; the method is {method}."), field=column, method=method)
        return None
    return ChequeOrder(
        number=clean_text(row.text("cheque_number"), field="cheque_number", longest=30, required=True, free=False),
        bank=clean_text(row.text("cheque_bank"), field="cheque_bank", longest=80, required=True),
        cheque_date=parse_day(row.text("cheque_date"), field="cheque_date"),
    )


def _not_yet_loaded(
    organization: Organization, sheet: Sheet, facts: Sequence[PaymentFacts], report: LoadReport
) -> list[PaymentFacts]:
    """The rows whose reference is new; the others are counted as known, or reported as changed. Two queries."""
    stored = _stored(organization, [fact.reference for fact in facts])
    fresh = []
    for fact in facts:
        compared = fact.compared()
        earlier = stored.get(fact.reference)
        if earlier is None:
            stored[fact.reference] = compared
            fresh.append(fact)
            continue
        changes = [
            ChangedRow(fact.row, fact.reference, column, earlier[column], compared[column])
            for column in compared
            if sheet.has(column) and earlier[column] != compared[column]
        ]
        report.changed += changes
        report.known += not changes
    return fresh


def _stored(organization: Organization, references: Sequence[str]) -> dict[str, dict[str, str]]:
    rows = Payment.objects.filter(organization=organization, source_reference__in=references)
    found = {}
    for payment in rows.select_related("customer", "cheque"):
        cheque = getattr(payment, "cheque", None)
        found[payment.source_reference] = {
            "customer_code": payment.customer.code,
            "method": payment.method,
            "amount": f"{payment.amount:.2f}",
            "received_on": payment.received_on.isoformat(),
            "invoice_numbers": ";".join(str(number) for number in payment.plan),
            "cheque_number": cheque.number if cheque else "",
            "cheque_bank": cheque.bank if cheque else "",
            "cheque_date": cheque.cheque_date.isoformat() if cheque else "",
        }
    cheques = Cheque.objects.filter(organization=organization, request_key__in=references)
    for held in cheques.select_related("customer"):
        found[held.request_key] = {
            "customer_code": held.customer.code,
            "method": Method.CHEQUE.value,
            "amount": f"{held.amount:.2f}",
            "received_on": held.received_on.isoformat(),
            "invoice_numbers": ";".join(held.for_invoices),
            "cheque_number": held.number,
            "cheque_bank": held.bank,
            "cheque_date": held.cheque_date.isoformat(),
        }
    return found


def _orders(
    organization: Organization, facts: Sequence[PaymentFacts], strategy: str | None, report: LoadReport
) -> list[tuple[PaymentFacts, PaymentOrder]]:
    """What to ask the counter for; rows that name no customer of ours or a wrong invoice are refused."""
    codes = {fact.customer_code for fact in facts}
    customers = dict(Customer.objects.filter(organization=organization, code__in=codes).values_list("code", "pk"))
    owners = _invoice_owners(organization, facts)
    books = {} if strategy else policies_for_customers(organization, customers.values())
    orders = []
    for fact in facts:
        try:
            customer_id = _check_row(fact, customers, owners)
        except DomainError as trouble:
            report.refused.append(refuse(fact.row, trouble))
            continue
        chosen = strategy or books[customer_id].text("allocation.strategy")
        orders.append((fact, _order(fact, organization.currency, customer_id, chosen)))
    return orders


def _invoice_owners(organization: Organization, facts: Iterable[PaymentFacts]) -> dict[str, int]:
    numbers = {number for fact in facts for number in fact.invoice_numbers}
    rows = Invoice.objects.filter(organization=organization, number__in=numbers)
    return dict(rows.values_list("number", "customer_id"))


def _check_row(fact: PaymentFacts, customers: Mapping[str, int], owners: Mapping[str, int]) -> int:
    customer_id = customers.get(fact.customer_code)
    if customer_id is None:
        sentence = _("There is no customer {wanted}.")
        raise BadInput(sentence, field="customer_code", code="unknown_customer", wanted=fact.customer_code)
    for number in fact.invoice_numbers:
        if number not in owners:
            sentence = _("There is no invoice {number}.")
            raise BadInput(sentence, field="invoice_numbers", code="unknown_invoice", number=number)
        if owners[number] != customer_id:
            sentence = _("Invoice {number} is another customer's.")
            raise BadInput(sentence, field="invoice_numbers", code="invoice_of_other", number=number)
    return customer_id


def _order(fact: PaymentFacts, currency: str, customer_id: int, strategy: str) -> PaymentOrder:
    return PaymentOrder(
        customer_id=customer_id, method=fact.method, amount=fact.amount, currency=currency,
        received_on=fact.received_on, request_key=fact.reference, reference=fact.reference,
        source_reference=fact.reference, strategy=strategy, first=fact.invoice_numbers, cheque=fact.cheque,
        channel="file",
    )  # fmt: skip


def _count(report: PaymentsReport, fact: PaymentFacts, result: Taken | DomainError) -> None:
    if isinstance(result, DomainError):
        report.refused.append(refuse(fact.row, result))
        return
    received = result.received
    if not received.is_new:
        report.known += 1
        return
    report.new += 1
    if received.proposal is None:
        report.waiting += 1
        return
    report.applied += received.proposal.applied
    report.left_over += received.proposal.left_over
