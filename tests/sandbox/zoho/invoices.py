"""Billing: invoices, and charging the stored method for them."""

from typing import Any

from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request
from tests.sandbox.zoho.collecting import Collecting
from tests.sandbox.zoho.customers import ID, Customers
from tests.sandbox.zoho.gate import BILLING
from tests.sandbox.zoho.records import Invoice, Item, Method
from tests.sandbox.zoho.words import Refused, done, minor_units, missing, not_found, read_date, read_json

COLLECTED = "The payment has been collected."
ON_ITS_WAY = "The payment has been initiated."


class Invoices(Collecting, Customers):
    def read_items(self, rows: Any, currency: str) -> list[Item]:
        """Billing's items have a price, Books' a rate."""
        if not rows:
            raise missing("invoice_items")
        return [
            Item(
                str(row.get("name") or row.get("description") or ""), str(row.get("code") or row.get("item_id") or ""),
                minor_units(row.get("price", row.get("rate")), currency, "price", least=0),
                minor_units(row.get("quantity", 1), "JPY", "quantity"),
            )
            for row in rows
        ]  # fmt: skip

    def invoice_asked(self, asked: dict[str, Any], *, status: str) -> Invoice:
        customer = self.get(self.customers, asked.get("customer_id", ""), "Customer")
        items = self.read_items(asked.get("invoice_items") or asked.get("line_items"), customer.currency)
        due = read_date(asked["due_date"], "due_date") if asked.get("due_date") else None
        reference = str(asked.get("reference_number") or asked.get("reference_id") or "")
        invoice = self.make_invoice(customer, items, reference=reference, due_date=due, status=status)
        if asked.get("date") or asked.get("invoice_date"):
            invoice.on = read_date(asked.get("date") or asked["invoice_date"], "date")
        return invoice

    def invoices_asked(self, request: Request) -> list[Invoice]:
        """Filtered as Billing and Books filter: equal values, a range of dates, a status."""
        kept = []
        for row in self.seen(self.invoices.values()):
            row.settle_status(self.today())
            facts = {
                "customer_id": row.customer_id, "subscription_id": row.subscription_id, "status": row.status,
                "reference_number": row.reference, "invoice_number": row.number, "date": row.on.isoformat(),
            }  # fmt: skip
            fits = all(request.asked(key) in ("", value) for key, value in facts.items())
            wanted = request.asked("filter_by").removeprefix("Status.").lower()
            fits = fits and wanted in ("", "all", row.status.replace("_", ""), row.status)
            if fits and in_range(request, row.on.isoformat()):
                kept.append(row)
        return kept

    @route("POST", f"{BILLING}/invoices")
    def create_invoice(self, request: Request) -> Reply:
        invoice = self.invoice_asked(read_json(request.body), status="sent")
        return done("The invoice has been created.", 201, invoice=self.shown_invoice(invoice))

    @route("GET", f"{BILLING}/invoices")
    def list_invoices(self, request: Request) -> Reply:
        return self.paged(request, "invoices", [self.shown_invoice(row) for row in self.invoices_asked(request)])

    @route("GET", f"{BILLING}/invoices/{ID}")
    def get_invoice(self, request: Request) -> Reply:
        return done(invoice=self.shown_invoice(self.get(self.invoices, request.args["id"], "Invoice")))

    @route("PUT", f"{BILLING}/invoices/{ID}")
    def update_invoice(self, request: Request) -> Reply:
        """Of an invoice in force only the reference and the due date change here."""
        invoice = self.get(self.invoices, request.args["id"], "Invoice")
        asked = read_json(request.body)
        invoice.reference = str(asked.get("reference_number", invoice.reference))
        if asked.get("due_date"):
            invoice.due_date = read_date(asked["due_date"], "due_date")
        return done("The invoice has been updated.", invoice=self.shown_invoice(invoice))

    def method_for(self, invoice: Invoice, asked: dict[str, Any]) -> Method:
        """The method named; else that of the invoice's subscription; else the customer's newest."""
        for name, what in (("card_id", "Card"), ("account_id", "Bank account")):
            if asked.get(name):
                return self.method_of(invoice.customer_id, asked[name], what)
        subscription = self.subscriptions.get(invoice.subscription_id)
        if subscription is not None and subscription.method_id:
            return self.methods[subscription.method_id]
        stored = [row for row in self.methods.values() if row.customer_id == invoice.customer_id and not row.is_deleted]
        if not stored:
            raise not_found("Card")
        return stored[-1]

    @route("POST", f"{BILLING}/invoices/{ID}/collect")
    def collect_invoice(self, request: Request) -> Reply:
        """Charge the stored method now. A decline is an error here, and an event besides."""
        invoice = self.get(self.invoices, request.args["id"], "Invoice")
        if invoice.open_amount <= 0 or invoice.status in ("draft", "void"):
            raise Refused(9004, "The invoice has no balance that could be collected.")
        if invoice.ach_payment_id:
            raise Refused(9005, "A payment has already been initiated for this invoice.")
        payment = self.charge(invoice, self.method_for(invoice, read_json(request.body)))
        if payment.status == "failure":
            raise Refused(100502, payment.gateway_error)
        text = COLLECTED if payment.status == "success" else ON_ITS_WAY
        return done(text, payment=self.shown_payment(payment), invoice=self.shown_invoice(invoice))

    @route("POST", f"{BILLING}/invoices/{ID}/(?P<deed>converttoopen|void|writeoff|cancelwriteoff)")
    def change_invoice(self, request: Request) -> Reply:
        invoice = self.get(self.invoices, request.args["id"], "Invoice")
        self.turn_invoice(invoice, request.args["deed"])
        return done("The invoice has been updated.", invoice=self.shown_invoice(invoice))

    def turn_invoice(self, invoice: Invoice, what: str) -> None:
        if what == "converttoopen":
            invoice.status = "sent" if invoice.status in ("draft", "void") else invoice.status
        elif what == "void":
            if invoice.paid or invoice.credited or invoice.ach_payment_id:
                raise Refused(4002, "Payments have been recorded for this invoice. Hence it cannot be voided.")
            invoice.status = "void"
        elif what == "writeoff":
            if invoice.open_amount <= 0:
                raise Refused(4003, "This invoice has no balance to be written off.")
            invoice.written_off = invoice.open_amount
        else:
            invoice.written_off = 0
        invoice.settle_status(self.today())
        self.happened("invoice_updated", invoice=self.shown_invoice(invoice))


def in_range(request: Request, value: str) -> bool:
    """value: a date as YYYY-MM-DD. date_start and date_end both count."""
    return request.asked("date_start", value) <= value <= request.asked("date_end", value)
