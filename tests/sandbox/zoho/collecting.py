"""Money in Zoho: invoices made, stored methods charged through the gateway, payments recorded, refunds."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tests.sandbox.zoho.records import CreditNote, Customer, Invoice, Item, Method, Payment, Refund, Subscription
from tests.sandbox.zoho.views import Views
from tests.sandbox.zoho.words import Refused, invalid, minor_units, missing, read_date, weekdays_later

# What the gateway, Authorize.Net, says to each reason.
DECLINES = {
    "declined": "This transaction has been declined.",
    "insufficient_funds": "This transaction has been declined.",
    "expired_card": "The credit card has expired.",
    "pick_up_card": "The code returned from the processor indicating that the card used needs to be picked up.",
    "avs_mismatch": "The transaction has been declined because of an AVS mismatch. The address provided does not "
    "match billing address of cardholder.",
    "cvv_mismatch": "The transaction has been declined because the card code did not match.",
    "gateway_error": "An error occurred during processing. Please try again.",
}
BANK_DEBIT_DAYS = 4  # working days until a bank debit counts as paid
TOO_MUCH = "The amount entered is more than the balance due for the selected invoices."


class Collecting(Views):
    def make_invoice(
        self, customer: Customer, items: list[Item], *, subscription: Subscription | None = None,
        reference: str = "", due_date: date | None = None, status: str = "sent", is_told: bool = True,
    ) -> Invoice:  # fmt: skip
        today = self.today()
        invoice = Invoice(
            self.new_id(), self.new_number("INV"), customer.id, customer.currency, items, today, due_date or today,
            self.now(), status, subscription.id if subscription else "", reference,
        )  # fmt: skip
        self.invoices[invoice.id] = invoice
        if is_told and status != "draft":
            self.happened("invoice_notification", invoice=self.shown_invoice(invoice))
        return invoice

    def charge(self, invoice: Invoice, method: Method) -> Payment:
        """Take what is open on an invoice from a stored method. A "no" is a payment with status failure."""
        reason = self.reason_to_decline(method)
        payment = Payment(
            self.new_id(), self.new_number("PMT"), invoice.customer_id, invoice.currency, invoice.open_amount,
            "creditcard" if method.kind == "card" else "ach", self.today(), self.now(),
            {invoice.id: invoice.open_amount}, method_id=method.id, autotransaction_id=self.new_id(),
        )  # fmt: skip
        self.payments[payment.id] = payment
        if reason:
            payment.status, payment.gateway_error = "failure", DECLINES[reason]
            self.happened("payment_declined", payment=self.shown_payment(payment))
            return payment
        payment.gateway_ref = self.new_gateway_ref()
        if method.kind == "bank":
            payment.status, payment.expected_on = "pending", weekdays_later(self.today(), BANK_DEBIT_DAYS)
            invoice.ach_payment_id, invoice.expected_on = payment.id, payment.expected_on
        else:
            self.take(payment)
        return payment

    def new_gateway_ref(self) -> str:
        self.numbers["gateway"] = self.numbers.get("gateway", 60_190_000_000) + 11
        return str(self.numbers["gateway"])

    def reason_to_decline(self, method: Method) -> str:
        """Scripted ones first, each used once; then what is wrong with the method itself. "" where nothing is."""
        for scripted in self.declines:
            if scripted[0] in ("", method.id):
                self.declines.remove(scripted)
                return scripted[1]
        today = self.today()
        if method.kind == "card" and (method.expiry_year, method.expiry_month) < (today.year, today.month):
            return "expired_card"
        return method.decline

    def take(self, payment: Payment) -> None:
        """Money of a stored method is in."""
        (invoice_id,) = payment.applied
        invoice = self.invoices[invoice_id]
        payment.status = "success"
        invoice.paid += payment.applied[invoice_id]
        invoice.ach_payment_id, invoice.expected_on = "", None
        invoice.settle_status(self.today())
        self.ledger.add(
            self.now(), "capture", payment.id, self.key_of(invoice), payment.amount, payment.currency,
            payment.gateway_ref,
        )  # fmt: skip
        self.happened("payment_thankyou", payment=self.shown_payment(payment))
        if invoice.open_amount == 0:
            self.paid_up(invoice)

    def paid_up(self, invoice: Invoice) -> None:
        """Overridden by the engine: nothing is open on this invoice any more."""

    def key_of(self, invoice: Invoice) -> str:
        """The merchant's own key: of the invoice, else of its subscription."""
        subscription = self.subscriptions.get(invoice.subscription_id)
        return invoice.reference or (subscription.reference_id if subscription else "")

    def give_up_debit(self, payment: Payment, code: str) -> None:
        """The bank returned a debit, on its way or long counted as paid; the invoice is open again."""
        (invoice_id,) = payment.applied
        invoice = self.invoices[invoice_id]
        if payment.status == "success":
            invoice.paid -= payment.applied[invoice_id]
            self.ledger.add(
                self.now(), "return", payment.id, self.key_of(invoice), payment.amount, payment.currency, code
            )
        invoice.ach_payment_id, invoice.expected_on = "", None
        payment.status, payment.gateway_error = "failure", f"{code}: the debit was returned by the bank."
        invoice.settle_status(self.today())
        self.happened("payment_declined", payment=self.shown_payment(payment))

    # Payments that others took and that are only written down here

    def record_payment(self, asked: Mapping[str, Any]) -> Payment:
        """Nothing keeps the same reference_number from being written down twice."""
        customer = self.get(self.customers, asked.get("customer_id", ""), "Customer")
        if not asked.get("payment_mode"):
            raise missing("payment_mode")
        amount = minor_units(asked.get("amount"), customer.currency)
        charges = minor_units(asked.get("bank_charges") or 0, customer.currency, "bank_charges", least=0)
        applied = self.read_uses(asked.get("invoices") or [], customer, amount)
        on = read_date(asked["date"], "date") if asked.get("date") else self.today()
        payment = Payment(
            self.new_id(), self.new_number("PMT"), customer.id, customer.currency, amount, str(asked["payment_mode"]),
            on, self.now(), applied, reference=str(asked.get("reference_number", "")),
            description=str(asked.get("description", "")), bank_charges=charges,
            account_id=str(asked.get("account_id", "")),
        )  # fmt: skip
        self.payments[payment.id] = payment
        for invoice_id, part in applied.items():
            self.invoices[invoice_id].paid += part
            self.invoices[invoice_id].settle_status(self.today())
        self.happened("payment_thankyou", payment=self.shown_payment(payment))
        for invoice_id in applied:
            if self.invoices[invoice_id].open_amount == 0:
                self.paid_up(self.invoices[invoice_id])
        return payment

    def read_uses(self, rows: list[dict[str, Any]], customer: Customer, most: int) -> dict[str, int]:
        """[{invoice_id, amount_applied}] as invoice id → minor units, checked against what is open."""
        found: dict[str, int] = {}
        for row in rows:
            invoice = self.get(self.invoices, row.get("invoice_id", ""), "Invoice")
            if invoice.customer_id != customer.id or invoice.status == "draft":
                raise invalid("invoice_id")
            part = minor_units(row.get("amount_applied"), customer.currency, "amount_applied")
            found[invoice.id] = found.get(invoice.id, 0) + part
            if found[invoice.id] > invoice.open_amount:
                raise Refused(24016, TOO_MUCH)
        if sum(found.values()) > most:
            raise Refused(24016, TOO_MUCH)
        return found

    def unrecord_payment(self, payment: Payment) -> None:
        """A recorded payment is deleted: its invoices are open again."""
        for invoice_id, part in payment.applied.items():
            self.invoices[invoice_id].paid -= part
            self.invoices[invoice_id].settle_status(self.today())
        del self.payments[payment.id]
        self.happened("payment_deleted", payment={"payment_id": payment.id, "customer_id": payment.customer_id})

    # Refunds

    def refund_payment(self, payment: Payment, amount: int, mode: str, description: str = "") -> Refund:
        """Give money back: what is set against no invoice first, the rest by a credit note made and closed for it.

        Through the gateway where the money came that way.
        """
        if payment.status != "success" or amount > payment.amount - payment.refunded:
            raise Refused(24011, "The amount to be refunded is more than the amount that can be refunded.")
        loose = min(payment.unused, amount)
        note_id = note_number = ""
        if amount > loose:
            item = Item("Refund", "", amount - loose)
            note = CreditNote(
                self.new_id(), self.new_number("CN"), payment.customer_id, payment.currency, [item], self.today(),
                self.now(), "closed", refunded=amount - loose,
            )  # fmt: skip
            self.creditnotes[note.id] = note
            note_id, note_number = note.id, note.number
        payment.refunded += amount
        payment.refunded_loose += loose
        refund = Refund(
            self.new_id(), amount, payment.currency, self.today(), self.now(), mode, description, payment_id=payment.id,
            creditnote_id=note_id, creditnote_number=note_number,
        )  # fmt: skip
        self.refunds[refund.id] = refund
        if payment.gateway_ref:
            refund.gateway_ref = self.new_gateway_ref()
            key = self.key_of(self.invoices[next(iter(payment.applied))])
            self.ledger.add(self.now(), "refund", payment.id, key, amount, payment.currency, refund.gateway_ref)
        self.happened("payment_refunded", payment=self.shown_payment(payment), refund=self.shown_refund(refund))
        return refund
