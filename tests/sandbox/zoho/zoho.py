"""The whole of Zoho, and what a person at the steering page may have it do."""

from datetime import timedelta

from tests.sandbox.processor import deed
from tests.sandbox.zoho.books import Books
from tests.sandbox.zoho.collecting import DECLINES
from tests.sandbox.zoho.crm import Crm
from tests.sandbox.zoho.pages import HostedPages
from tests.sandbox.zoho.records import Method, Payment, Subscription
from tests.sandbox.zoho.words import minor_units, money


class Zoho(HostedPages, Books, Crm):
    """Deeds take texts; an id left out means the newest that fits. Raises ValueError where there is none."""

    def newest_subscription(self, subscription_id: str, *statuses: str) -> Subscription:
        rows = [
            row
            for row in self.subscriptions.values()
            if subscription_id in ("", row.id) and (not statuses or row.status in statuses)
        ]
        if not rows:
            raise ValueError("there is no such subscription")
        return rows[-1]

    def newest_payment(self, payment_id: str, mode: str = "") -> Payment:
        rows = [
            row
            for row in self.payments.values()
            if payment_id in ("", row.id) and mode in ("", row.mode) and row.status in ("success", "pending")
        ]
        if not rows:
            raise ValueError("there is no such payment")
        return rows[-1]

    def newest_method(self, method_id: str) -> Method:
        rows = [row for row in self.methods.values() if method_id in ("", row.id) and not row.is_deleted]
        if not rows:
            raise ValueError("there is no such card or account")
        return rows[-1]

    @deed("Decline the next charges")
    def decline_next(self, times: str = "1", reason: str = "declined", method_id: str = "") -> str:
        """reason: one of DECLINES. method_id: only charges of this card or account."""
        if reason not in DECLINES:
            raise ValueError(f"unknown reason {reason!r}; one of {', '.join(DECLINES)}")
        self.declines += [(method_id, reason)] * int(times)
        return f"{len(self.declines)} to be declined"

    @deed("Have a stored card or account always be declined, or no more")
    def spoil_method(self, method_id: str = "", reason: str = "declined") -> str:
        """reason "" mends it."""
        if reason and reason not in DECLINES:
            raise ValueError(f"unknown reason {reason!r}; one of {', '.join(DECLINES)}")
        method = self.newest_method(method_id)
        method.decline = reason
        return method.id

    @deed("Let a stored card expire")
    def expire_card(self, method_id: str = "") -> str:
        """As of the month before this one."""
        last_month = self.today().replace(day=1) - timedelta(days=1)
        method = self.newest_method(method_id)
        method.expiry_year, method.expiry_month = last_month.year, last_month.month
        return method.id

    @deed("Renew a subscription now")
    def renew_now(self, subscription_id: str = "") -> str:
        """As if the term had ended today: the days of billing move."""
        row = self.newest_subscription(subscription_id, "live")
        row.terms_before, row.terms, row.anchor = row.terms_before + row.terms, 0, self.today()
        return self.renew(row).id

    @deed("Do what is due by now")
    def run_engine(self) -> str:
        self.run_due()
        return self.now().isoformat()

    @deed("Cancel a subscription in Zoho")
    def cancel_in_zoho(self, subscription_id: str = "", at_end: str = "") -> str:
        row = self.newest_subscription(subscription_id, "live", "dunning", "unpaid", "non_renewing", "future")
        self.cancel_subscription(row, at_end=at_end.lower() in ("1", "true", "yes"))
        return row.id

    @deed("Refund a payment in Zoho")
    def refund_in_zoho(self, payment_id: str = "", amount: str = "") -> str:
        """amount: in major units, "" for what is left."""
        payment = self.newest_payment(payment_id)
        minor = minor_units(amount, payment.currency) if amount else payment.amount - payment.refunded
        return self.refund_payment(payment, minor, payment.mode, "Refunded in Zoho").id

    @deed("Record a payment by cheque in Zoho")
    def record_cheque_in_zoho(self, invoice_id: str = "", reference: str = "", amount: str = "") -> str:
        """amount: in major units, "" for all that is open."""
        rows = [row for row in self.invoices.values() if invoice_id in ("", row.id) and row.open_amount > 0]
        if not rows:
            raise ValueError("there is no such invoice, or nothing open on it")
        invoice = rows[-1]
        minor = minor_units(amount, invoice.currency) if amount else invoice.open_amount
        paid = money(minor, invoice.currency)
        payment = self.record_payment({
            "customer_id": invoice.customer_id, "payment_mode": "check", "amount": paid, "reference_number": reference,
            "invoices": [{"invoice_id": invoice.id, "amount_applied": paid}],
        })  # fmt: skip
        return payment.id

    @deed("Delete a recorded payment in Zoho")
    def delete_in_zoho(self, payment_id: str) -> str:
        self.unrecord_payment(self.payments[payment_id])
        return payment_id

    @deed("Return a bank debit")
    def return_bank_debit(self, payment_id: str = "", code: str = "R01") -> str:
        payment = self.newest_payment(payment_id, "ach")
        self.return_debit(payment, code)
        return payment.id

    @deed("Change a record in CRM")
    def edit_in_crm(self, module: str, record_id: str, field: str, value: str) -> str:
        self.save_record(module, {field: value}, record_id)
        return record_id
