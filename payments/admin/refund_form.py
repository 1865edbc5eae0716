"""The inputs of a refund: what is asked, by which way, with which papers (R91-R96)."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.admin.facts import WORDS
from billing.admin.working import Field, Form
from billing.errors import BadInput, DomainError, Refusals, Sentence
from billing.models import Allocation, AllocationKind, CreditItem, Invoice
from billing.money import ZERO, format_amount, format_money, parse_amount, parse_signed_amount
from payments.models import Payment
from payments.models.refund import Destination, RefundReason, RequestedVia
from payments.selectors.refunds import left_to_refund
from payments.services.eligibility import RefundOrder

LONGEST_REASON = 400
# File inputs with what they show; more are added on the refund's own page.
PAPERS: dict[str, Sentence] = {
    "letter": gettext_lazy("Customer's letter or e-mail"),
    "evidence": gettext_lazy("Another document"),
    "consent": gettext_lazy("Signed consent"),
}
BACK_BY: dict[str, Sentence] = {
    "cash": gettext_lazy("as it came: back in cash"),
    "cheque": gettext_lazy("by bank transfer to who drew the cheque"),
    "bank_transfer": gettext_lazy("as it came: back by bank transfer"),
    "card": gettext_lazy("as it came: back to the card"),
    "ach": gettext_lazy("as it came: back to the bank account"),
    "upi": gettext_lazy("as it came: back by UPI"),
    "net_banking": gettext_lazy("as it came: back by net banking"),
    "auto_debit": gettext_lazy("as it came: back to the bank account"),
}
OTHER_WAYS: dict[str, Sentence] = {
    Destination.BANK_TRANSFER: gettext_lazy("another way: bank transfer"),
    Destination.CHEQUE: gettext_lazy("another way: cheque"),
    Destination.CASH: gettext_lazy("another way: cash"),
    Destination.CREDIT: gettext_lazy("keep it for future charges"),
}
WORDS["document_kind"] = {**WORDS["document_kind"], "letter": gettext_lazy("letter")}


def ways_of(payment: Payment | None) -> list[tuple[str, Sentence]]:
    """The ways back in words, the way the money came first; credit that no payment brought has none of its own."""
    own = [(Destination.SOURCE.value, BACK_BY[payment.method])] if payment else []
    return [*own, *((str(way), words) for way, words in OTHER_WAYS.items())]


def refund_form(item: CreditItem, payment: Payment | None) -> Form:
    """The empty form with its defaults: all that is left, the way it came. Two queries."""
    left = left_to_refund(item)
    ways = ways_of(payment)
    all_of_it = format_amount(left, item.currency) if left else ""
    causes: list[tuple[str, Sentence]] = [("", gettext_lazy("choose …")), *RefundReason.choices]
    fields = [
        Field(
            "gross_amount", gettext_lazy("Amount to refund"), "amount", all_of_it,
            help=_("At most {left}: what is left of {number}.").format(
                left=format_money(left, item.currency), number=item.number
            ),
        ),
        Field("reason_code", gettext_lazy("Cause"), "select", choices=causes),
        Field(
            "reason", gettext_lazy("Reason"), "area", longest=LONGEST_REASON,
            help=gettext_lazy("In a sentence the customer may read: it is printed on the refund receipt."),
        ),
        Field(
            "via", gettext_lazy("Asked by"), "select", RequestedVia.CONSOLE,
            choices=[
                (RequestedVia.CONSOLE.value, gettext_lazy("the office")),
                (RequestedVia.PARENT.value, gettext_lazy("the customer")),
            ],
        ),
        Field(
            "charges_amount", gettext_lazy("Charges kept"), "amount", required=False,
            help=gettext_lazy("What the contract lets us keep of a cancelled service; empty for none."),
        ),
        Field(
            "invoice_id", gettext_lazy("Invoice that is reduced"), "select", required=False, choices=_invoices(item),
            help=gettext_lazy("Of a cancelled service: it is reduced by a credit memo instead of reopened."),
        ),
        Field("destination", gettext_lazy("Way back"), "select", ways[0][0], choices=ways),
        Field(
            "destination_reason", gettext_lazy("Why another way than it came"), "area", longest=LONGEST_REASON,
            help=gettext_lazy("Needed for every other way; a finance manager reads it."),
        ),
        Field("payee_name", gettext_lazy("Payee"), value=item.customer.name, longest=160),
        Field(
            "payee_account", gettext_lazy("Payee's bank account"), required=False, longest=60,
            help=gettext_lazy("For a transfer, where we do not know it yet; only its end is shown later."),
        ),
        Field(
            "consent", gettext_lazy("Consent to keep it for future charges"), "area", longest=LONGEST_REASON,
            help=gettext_lazy("Who agreed, when and how."),
        ),
        *(Field(f"paper_{kind}", words, "file", required=False) for kind, words in PAPERS.items()),
    ]  # fmt: skip
    return Form(fields, hidden={"request_key": uuid4().hex})


def _invoices(item: CreditItem) -> list[tuple[str, Sentence]]:
    """The invoices that the credit pays now. One query."""
    paid = Allocation.objects.filter(
        credit_item=item, kind=AllocationKind.CREDIT, reverses__isnull=True, reversed_by__isnull=True
    )
    rows = Invoice.objects.filter(pk__in=paid.values("invoice")).order_by("number")
    named = [(str(row.pk), f"{row.number} · {format_money(row.invoiced_amount, row.currency)}") for row in rows]
    return [("", gettext_lazy("none: what was paid is owed again")), *named]


def read_order(form: Form, item: CreditItem) -> RefundOrder:
    """What was typed as an order. Raises Refusals, one for each input that cannot be read."""
    refusals: list[DomainError] = []

    def read(work: Any) -> Any:
        try:
            return work()
        except DomainError as refusal:
            refusals.append(refusal)
            return None

    gross = read(lambda: parse_amount(form.typed("gross_amount"), item.currency, field="gross_amount", sign_hint=False))
    charges = read(lambda: _charges(form.typed("charges_amount"), item.currency))
    read(lambda: _check_cause(form.typed("reason_code")))
    invoice_id = read(lambda: _key(form.typed("invoice_id")))
    if refusals:
        raise Refusals(refusals)
    own_way = form.typed("destination") == Destination.SOURCE
    return RefundOrder(
        customer_id=item.customer_id, credit_item_id=item.pk, gross_amount=gross, charges_amount=charges,
        reason_code=form.typed("reason_code"), reason=form.typed("reason"), request_key=form.typed("request_key"),
        destination=form.typed("destination"), payee_name=form.typed("payee_name"), invoice_id=invoice_id,
        destination_reason="" if own_way else form.typed("destination_reason"),
        payee_account=form.typed("payee_account"),
        consent=form.typed("consent") if form.typed("destination") == Destination.CREDIT else "",
        via=form.typed("via"),
    )  # fmt: skip


def _charges(text: str, currency: str) -> Decimal:
    if not text.strip():
        return ZERO
    value = parse_signed_amount(text, currency, field="charges_amount")
    if value < 0:
        raise BadInput(gettext_lazy("Charges are 0 or more."), field="charges_amount", code="negative")
    return value


def _check_cause(code: str) -> None:
    if code not in RefundReason.values:
        raise BadInput(gettext_lazy("Choose why the money goes back."), field="reason_code", code="required")


def _key(text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadInput(gettext_lazy("Choose an invoice of the list."), field="invoice_id", code="unknown_invoice")
    return int(text) if text else None
