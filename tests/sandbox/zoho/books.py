"""Zoho Books on the same organisation: what Billing took appears here, and what is written down here appears there."""

from typing import Any

from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request
from tests.sandbox.zoho.customers import ID
from tests.sandbox.zoho.gate import BOOKS
from tests.sandbox.zoho.invoices import in_range
from tests.sandbox.zoho.payments import Payments
from tests.sandbox.zoho.records import Customer, Invoice, Journal, Payment, Refund
from tests.sandbox.zoho.words import Refused, done, invalid, minor_units, missing, money, read_date, read_json, stamp

CHART = (
    ("903000000000361", "Undeposited Funds", "cash", "101"),
    ("903000000000364", "Checking", "bank", "102"),
    ("903000000000370", "Accounts Receivable", "accounts_receivable", "110"),
    ("903000000000376", "Unearned Revenue", "other_current_liability", "210"),
    ("903000000000388", "Tuition Income", "income", "401"),
    ("903000000000391", "Late Fee Income", "income", "405"),
    ("903000000000400", "Bank Fees and Charges", "expense", "601"),
)


class Books(Payments):
    # Contacts: Billing's customers

    def shown_contact(self, customer: Customer) -> dict[str, Any]:
        shown = self.shown_customer(customer)
        return shown | {
            "contact_id": customer.id, "contact_name": customer.display_name, "contact_type": "customer",
            "custom_fields": customer.given.get("custom_fields", []),
        }  # fmt: skip

    @route("POST", f"{BOOKS}/contacts")
    def create_contact(self, request: Request) -> Reply:
        customer = self.add_customer(read_json(request.body), "contact_name")
        return done("The contact has been added.", 201, contact=self.shown_contact(customer))

    @route("GET", f"{BOOKS}/contacts")
    def list_contacts(self, request: Request) -> Reply:
        """Filters: contact_name, email, and cf_… as custom fields are asked for."""
        custom = {key: value for key, value in request.query if key.startswith("cf_")}
        rows = []
        for row in self.seen(self.customers.values()):
            fields = {f.get("api_name"): str(f.get("value")) for f in row.given.get("custom_fields") or []}
            if (
                request.asked("contact_name") in ("", row.display_name)
                and request.asked("email") in ("", row.given.get("email", ""))
                and all(fields.get(key) == value for key, value in custom.items())
            ):
                rows.append(self.shown_contact(row))
        return self.paged(request, "contacts", rows)

    @route("GET", f"{BOOKS}/contacts/{ID}")
    def get_contact(self, request: Request) -> Reply:
        return done(contact=self.shown_contact(self.get(self.customers, request.args["id"], "Contact")))

    @route("PUT", f"{BOOKS}/contacts/{ID}")
    def update_contact(self, request: Request) -> Reply:
        customer = self.get(self.customers, request.args["id"], "Contact")
        asked = read_json(request.body)
        customer.given |= asked
        customer.display_name = str(asked.get("contact_name") or customer.display_name)
        return done("The contact details have been saved.", contact=self.shown_contact(customer))

    # Receipts

    def shown_receipt(self, row: Payment) -> dict[str, Any]:
        names = {key: name for key, name, *_rest in CHART}
        account_id = row.account_id or CHART[0][0]
        shown = self.shown_payment(row) | {
            "account_id": account_id, "account_name": names.get(account_id, ""),
            "invoice_numbers": ", ".join(self.invoices[key].number for key in row.applied),
        }  # fmt: skip
        if row.gateway_ref:
            shown["reference_number"] = row.reference or row.gateway_ref
        return shown

    @route("POST", f"{BOOKS}/customerpayments")
    def create_receipt(self, request: Request) -> Reply:
        asked = read_json(request.body)
        if asked.get("account_id") and str(asked["account_id"]) not in {row[0] for row in CHART}:
            raise invalid("account_id")
        payment = self.record_payment(asked)
        text = "The payment from the customer has been recorded"
        return done(text, 201, payment=self.shown_receipt(payment))

    @route("GET", f"{BOOKS}/customerpayments")
    def list_receipts(self, request: Request) -> Reply:
        """Newest first, or by date with sort_column=date."""
        rows = self.payments_asked(request)
        if request.asked("sort_column") == "date":
            rows.sort(key=lambda row: (row.on, row.id), reverse=request.asked("sort_order") == "D")
        return self.paged(request, "customerpayments", [self.shown_receipt(row) for row in rows])

    @route("GET", f"{BOOKS}/customerpayments/{ID}")
    def get_receipt(self, request: Request) -> Reply:
        return done(payment=self.shown_receipt(self.get(self.payments, request.args["id"], "Payment")))

    @route("POST", f"{BOOKS}/customerpayments/{ID}/refunds")
    def refund_receipt(self, request: Request) -> Reply:
        """Books gives back only what is set against no invoice; the rest goes by way of a credit note."""
        payment = self.get(self.payments, request.args["id"], "Payment")
        asked = read_json(request.body)
        amount = minor_units(asked.get("amount"), payment.currency)
        if amount > payment.unused:
            raise Refused(24011, "The amount to be refunded is more than the excess amount of the payment.")
        refund = self.refund_payment(
            payment, amount, str(asked.get("refund_mode") or "cash"), str(asked.get("description", ""))
        )
        refund.reference = str(asked.get("reference_number", ""))
        if asked.get("date"):
            refund.on = read_date(asked["date"], "date")
        return done("The refund information has been saved.", 201, payment_refund=self.shown_receipt_refund(refund))

    def shown_receipt_refund(self, refund: Refund) -> dict[str, Any]:
        return self.shown_refund(refund) | {"payment_refund_id": refund.id}

    @route("GET", f"{BOOKS}/customerpayments/{ID}/refunds")
    def list_receipt_refunds(self, request: Request) -> Reply:
        payment = self.get(self.payments, request.args["id"], "Payment")
        rows = [self.shown_receipt_refund(r) for r in self.refunds.values() if r.payment_id == payment.id]
        return self.paged(request, "payment_refunds", rows)

    # Invoices

    def shown_document(self, invoice: Invoice) -> dict[str, Any]:
        lines = [
            {
                "name": item.name, "item_id": item.code, "rate": money(item.price, invoice.currency),
                "quantity": item.quantity, "item_total": money(item.total, invoice.currency),
            }
            for item in invoice.items
        ]  # fmt: skip
        return self.shown_invoice(invoice) | {"line_items": lines}

    @route("POST", f"{BOOKS}/invoices")
    def create_document(self, request: Request) -> Reply:
        """A draft, unless it is sent with ?send=true."""
        status = "sent" if request.asked("send") == "true" else "draft"
        invoice = self.invoice_asked(read_json(request.body), status=status)
        return done("The invoice has been created.", 201, invoice=self.shown_document(invoice))

    @route("GET", f"{BOOKS}/invoices")
    def list_documents(self, request: Request) -> Reply:
        return self.paged(request, "invoices", [self.shown_document(row) for row in self.invoices_asked(request)])

    @route("GET", f"{BOOKS}/invoices/{ID}")
    def get_document(self, request: Request) -> Reply:
        return done(invoice=self.shown_document(self.get(self.invoices, request.args["id"], "Invoice")))

    @route("POST", f"{BOOKS}/invoices/{ID}/status/(?P<status>sent|void)")
    def mark_document(self, request: Request) -> Reply:
        invoice = self.get(self.invoices, request.args["id"], "Invoice")
        self.turn_invoice(invoice, "void" if request.args["status"] == "void" else "converttoopen")
        return done(f"Invoice status has been changed to {invoice.status.capitalize()}.")

    # The general ledger

    @route("GET", f"{BOOKS}/chartofaccounts")
    def list_accounts(self, request: Request) -> Reply:
        return self.paged(request, "chartofaccounts", [self.shown_account(row) for row in CHART])

    def shown_account(self, row: tuple[str, str, str, str]) -> dict[str, Any]:
        account_id, name, kind, code = row
        return {
            "account_id": account_id, "account_name": name, "account_type": kind, "account_code": code,
            "is_active": True, "currency_code": self.currency,
        }  # fmt: skip

    @route("GET", f"{BOOKS}/bankaccounts")
    def list_bank_accounts(self, request: Request) -> Reply:
        rows = [self.shown_account(row) for row in CHART if row[2] in ("bank", "cash")]
        return self.paged(request, "bankaccounts", rows)

    def shown_journal(self, row: Journal) -> dict[str, Any]:
        return {
            "journal_id": row.id, "entry_number": row.number, "journal_date": row.on.isoformat(),
            "reference_number": row.reference, "notes": row.notes, "status": row.status,
            "total": money(row.total, self.currency), "line_items": row.lines, "created_time": stamp(row.made_at),
        }  # fmt: skip

    @route("POST", f"{BOOKS}/journals")
    def create_journal(self, request: Request) -> Reply:
        """Refused unless debits equal credits. Draft until published, or with status published."""
        asked = read_json(request.body)
        if not asked.get("journal_date"):
            raise missing("journal_date")
        names, sums = {row[0]: row[1] for row in CHART}, {"debit": 0, "credit": 0}
        lines = []
        for line in asked.get("line_items") or []:
            account_id, side = str(line.get("account_id", "")), str(line.get("debit_or_credit", ""))
            if account_id not in names or side not in sums:
                raise invalid("account_id" if account_id not in names else "debit_or_credit")
            amount = minor_units(line.get("amount"), self.currency)
            sums[side] += amount
            told = {"line_id": self.new_id(), "account_name": names[account_id], "amount": money(amount, self.currency)}
            lines.append({**line, "account_id": account_id, "debit_or_credit": side, **told})
        if not lines or sums["debit"] != sums["credit"]:
            raise Refused(13001, "The debits and credits of the journal are not equal.")
        row = Journal(
            self.new_id(), self.new_number("JRN"), read_date(asked["journal_date"], "journal_date"), lines,
            sums["debit"], self.now(), str(asked.get("reference_number", "")), str(asked.get("notes", "")),
            "published" if asked.get("status") == "published" else "draft",
        )  # fmt: skip
        self.journals[row.id] = row
        return done("The journal entry has been created.", 201, journal=self.shown_journal(row))

    @route("GET", f"{BOOKS}/journals")
    def list_journals(self, request: Request) -> Reply:
        rows = [
            self.shown_journal(row)
            for row in self.seen(self.journals.values())
            if request.asked("reference_number") in ("", row.reference) and in_range(request, row.on.isoformat())
        ]
        return self.paged(request, "journals", rows)

    @route("GET", f"{BOOKS}/journals/{ID}")
    def get_journal(self, request: Request) -> Reply:
        return done(journal=self.shown_journal(self.get(self.journals, request.args["id"], "Journal")))

    @route("POST", f"{BOOKS}/journals/{ID}/status/publish")
    def publish_journal(self, request: Request) -> Reply:
        self.get(self.journals, request.args["id"], "Journal").status = "published"
        return done("The journal has been published.")
