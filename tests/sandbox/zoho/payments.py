"""Billing: payments, refunds and credit notes; the last two are the same in Books."""

from tests.sandbox.processor import route
from tests.sandbox.wire import Reply, Request
from tests.sandbox.zoho.customers import ID
from tests.sandbox.zoho.gate import BILLING, BOOKS
from tests.sandbox.zoho.invoices import Invoices, in_range
from tests.sandbox.zoho.records import CreditNote, Payment, Refund
from tests.sandbox.zoho.words import Refused, done, minor_units, read_date, read_json

EITHER = f"(?:{BILLING}|{BOOKS})"


class Payments(Invoices):
    def payments_asked(self, request: Request) -> list[Payment]:
        """What counts as paid; failed and returned attempts are in no list."""
        kept = []
        for row in self.seen(self.payments.values()):
            facts = {
                "customer_id": row.customer_id, "reference_number": row.reference, "payment_mode": row.mode,
                "date": row.on.isoformat(), "payment_number": row.number,
            }  # fmt: skip
            if row.status == "success" and all(request.asked(key) in ("", value) for key, value in facts.items()):
                kept += [row] if in_range(request, row.on.isoformat()) else []
        return kept

    @route("POST", f"{BILLING}/payments")
    def create_payment(self, request: Request) -> Reply:
        payment = self.record_payment(read_json(request.body))
        return done("The payment has been recorded.", 201, payment=self.shown_payment(payment))

    @route("GET", f"{BILLING}/payments")
    def list_payments(self, request: Request) -> Reply:
        return self.paged(request, "payments", [self.shown_payment(row) for row in self.payments_asked(request)])

    @route("GET", f"{BILLING}/payments/{ID}")
    def get_payment(self, request: Request) -> Reply:
        return done(payment=self.shown_payment(self.get(self.payments, request.args["id"], "Payment")))

    @route("PUT", f"{BILLING}/payments/{ID}")
    def update_payment(self, request: Request) -> Reply:
        payment = self.get(self.payments, request.args["id"], "Payment")
        asked = read_json(request.body)
        payment.reference = str(asked.get("reference_number", payment.reference))
        payment.description = str(asked.get("description", payment.description))
        return done("The payment has been updated.", payment=self.shown_payment(payment))

    @route("DELETE", f"{BILLING}/payments/{ID}")
    @route("DELETE", f"{BOOKS}/customerpayments/{ID}")
    def delete_payment(self, request: Request) -> Reply:
        payment = self.get(self.payments, request.args["id"], "Payment")
        if payment.method_id or payment.refunded:
            raise Refused(24012, "Payments made through a gateway or refunded cannot be deleted.")
        self.unrecord_payment(payment)
        return done("The payment has been deleted.")

    @route("POST", f"{BILLING}/payments/{ID}/refunds")
    def create_refund(self, request: Request) -> Reply:
        payment = self.get(self.payments, request.args["id"], "Payment")
        asked = read_json(request.body)
        amount = minor_units(asked.get("amount"), payment.currency)
        mode = str(asked.get("refund_mode") or payment.mode)
        refund = self.refund_payment(payment, amount, mode, str(asked.get("description", "")))
        return done("The refund has been made.", 201, refund=self.shown_refund(refund))

    # Credit notes

    @route("POST", f"{EITHER}/creditnotes")
    def create_creditnote(self, request: Request) -> Reply:
        asked = read_json(request.body)
        customer = self.get(self.customers, asked.get("customer_id", ""), "Customer")
        items = self.read_items(asked.get("creditnote_items") or asked.get("line_items"), customer.currency)
        on = read_date(asked["date"], "date") if asked.get("date") else self.today()
        note = CreditNote(
            self.new_id(), self.new_number("CN"), customer.id, customer.currency, items, on, self.now(),
            reference=str(asked.get("reference_number", "")),
        )  # fmt: skip
        self.creditnotes[note.id] = note
        self.happened("creditnote_created", creditnote=self.shown_creditnote(note))
        return done("The credit note has been created.", 201, creditnote=self.shown_creditnote(note))

    @route("GET", f"{EITHER}/creditnotes")
    def list_creditnotes(self, request: Request) -> Reply:
        rows = [
            self.shown_creditnote(row)
            for row in self.seen(self.creditnotes.values())
            if request.asked("customer_id") in ("", row.customer_id)
            and request.asked("reference_number") in ("", row.reference)
        ]
        return self.paged(request, "creditnotes", rows)

    @route("GET", f"{EITHER}/creditnotes/{ID}")
    def get_creditnote(self, request: Request) -> Reply:
        return done(creditnote=self.shown_creditnote(self.get(self.creditnotes, request.args["id"], "Credit note")))

    @route("POST", f"{EITHER}/creditnotes/{ID}/invoices")
    def apply_creditnote(self, request: Request) -> Reply:
        note = self.get(self.creditnotes, request.args["id"], "Credit note")
        rows = read_json(request.body).get("invoices") or []
        for row in rows:
            row["amount_applied"] = row.get("amount_applied", row.get("amount"))
        uses = self.read_uses(rows, self.customers[note.customer_id], note.balance)
        for invoice_id, part in uses.items():
            note.applied[invoice_id] = note.applied.get(invoice_id, 0) + part
            self.invoices[invoice_id].credited += part
            self.invoices[invoice_id].settle_status(self.today())
        note.status = "closed" if note.balance == 0 else "open"
        return done("Credits have been applied to the invoice(s).", creditnote=self.shown_creditnote(note))

    @route("POST", f"{EITHER}/creditnotes/{ID}/refunds")
    def refund_creditnote(self, request: Request) -> Reply:
        note = self.get(self.creditnotes, request.args["id"], "Credit note")
        asked = read_json(request.body)
        amount = minor_units(asked.get("amount"), note.currency)
        if amount > note.balance:
            raise Refused(12023, "The refund amount is more than the credits that remain.")
        refund = Refund(
            self.new_id(), amount, note.currency, self.today(), self.now(), str(asked.get("refund_mode") or "cash"),
            str(asked.get("description", "")), str(asked.get("reference_number", "")), creditnote_id=note.id,
            creditnote_number=note.number,
        )  # fmt: skip
        self.refunds[refund.id] = refund
        note.refunded += amount
        note.status = "closed" if note.balance == 0 else "open"
        self.happened("payment_refunded", refund=self.shown_refund(refund))
        shown = self.shown_refund(refund)
        return done("The refund has been made.", 201, refund=shown, creditnote_refund=shown)

    @route("GET", f"{EITHER}/creditnotes/refunds/{ID}")
    def get_refund(self, request: Request) -> Reply:
        return done(refund=self.shown_refund(self.get(self.refunds, request.args["id"], "Refund")))

    @route("POST", f"{EITHER}/creditnotes/{ID}/(?P<deed>void|converttoopen)")
    def change_creditnote(self, request: Request) -> Reply:
        note = self.get(self.creditnotes, request.args["id"], "Credit note")
        if note.applied or note.refunded:
            raise Refused(12008, "Credits of this credit note have been used.")
        note.status = "void" if request.args["deed"] == "void" else "open"
        return done("The credit note has been updated.", creditnote=self.shown_creditnote(note))
