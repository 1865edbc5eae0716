"""Auto-collect: renewals, retries of declined ones and bank debits, each at its own time on the clock."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from tests.sandbox.zoho.payments import Payments
from tests.sandbox.zoho.records import Invoice, Item, Payment, Subscription
from tests.sandbox.zoho.words import later

Due = tuple[date, str, Callable[[], None]]


class Engine(Payments):
    """What falls due on a day is done when that day begins, in UTC, in order; also after the clock jumped."""

    def run_due(self) -> None:
        today = self.clock.now().date()
        while True:
            due = min((row for row in self.waiting() if row[0] <= today), key=lambda row: row[:2], default=None)
            if due is None:
                return
            self.moment = datetime.combine(due[0], datetime.min.time(), UTC) if due[0] < today else None
            try:
                due[2]()
            finally:
                self.moment = None

    def waiting(self) -> Iterator[Due]:
        """Everything with a day: (day, id, what is then to do)."""
        for row in self.subscriptions.values():
            on = row.retry_on if row.status == "dunning" else row.next_billing
            if on is not None and row.status in ("future", "live", "non_renewing", "dunning"):
                yield on, row.id, lambda row=row: self.move_on(row)  # type: ignore[misc]
        for payment in self.payments.values():
            if payment.status == "pending" and payment.expected_on is not None:
                yield payment.expected_on, payment.id, lambda payment=payment: self.clear_debit(payment)  # type: ignore[misc]

    def move_on(self, row: Subscription) -> None:
        if row.status == "dunning":
            self.retry(row)
        elif row.status == "non_renewing":
            self.end(row, "cancelled")
        elif row.status == "live" and row.terms_before + row.terms == row.cycles:
            self.end(row, "expired")
        else:
            self.renew(row)

    def renew(self, row: Subscription) -> Invoice:
        """A term begins: its invoice, and the charge where Zoho collects."""
        is_first = row.terms_before + row.terms == 0
        if row.status == "future":
            row.status = "live"
        row.activated_on = row.activated_on or self.today()
        self.begin_term(row)
        if is_first:
            self.happened("subscription_activation", subscription=self.shown_subscription(row))
        invoice = self.bill(row, row.items)
        if not is_first:
            self.happened("subscription_renewed", subscription=self.shown_subscription(row))
        if row.auto_collect and row.method_id:
            self.collect_for(row, invoice)
        return invoice

    def begin_term(self, row: Subscription) -> None:
        row.term_start = later(row.anchor, row.unit, row.interval * row.terms)
        row.terms += 1
        row.next_billing = later(row.anchor, row.unit, row.interval * row.terms)
        row.last_billing = self.today()

    def bill(self, row: Subscription, items: list[Item], *, is_told: bool = True) -> Invoice:
        copied = [Item(item.name, item.code, item.price, item.quantity) for item in items]
        invoice = self.make_invoice(self.customers[row.customer_id], copied, subscription=row, is_told=is_told)
        row.invoice_id = invoice.id
        return invoice

    def collect_for(self, row: Subscription, invoice: Invoice) -> Payment:
        """Charge a renewal; a decline starts dunning."""
        payment = self.charge(invoice, self.methods[row.method_id])
        if payment.status == "failure":
            row.status, row.retries_done = "dunning", 0
            self.plan_retry(row)
        return payment

    # Dunning

    def plan_retry(self, row: Subscription) -> None:
        if row.retries_done < len(self.retry_days):
            row.retry_on = self.today() + timedelta(days=self.retry_days[row.retries_done])
            return
        row.retry_on = None
        if self.final_action == "cancel":
            self.end(row, "cancelled_from_dunning")
        else:
            row.status, row.next_billing = "unpaid", None
            self.happened("subscription_unpaid", subscription=self.shown_subscription(row))

    def retry(self, row: Subscription) -> None:
        """Charge what is still open; paid in another way meanwhile, the subscription is simply live again."""
        row.retries_done += 1
        invoice = self.invoices[row.invoice_id]
        if invoice.open_amount <= 0 or invoice.ach_payment_id:
            self.recover(row)
        elif row.method_id and self.charge(invoice, self.methods[row.method_id]).status != "failure":
            if row.status == "dunning":  # a bank debit: on its way, which is good enough to go on
                self.recover(row)
        else:
            self.plan_retry(row)

    def paid_up(self, invoice: Invoice) -> None:
        row = self.subscriptions.get(invoice.subscription_id)
        if row is not None and row.status in ("dunning", "unpaid") and row.invoice_id == invoice.id:
            self.recover(row)

    def recover(self, row: Subscription) -> None:
        row.status, row.retry_on, row.retries_done = "live", None, 0
        row.next_billing = later(row.anchor, row.unit, row.interval * row.terms)
        self.happened("subscription_updated", subscription=self.shown_subscription(row))

    def end(self, row: Subscription, status: str) -> None:
        row.status, row.next_billing, row.retry_on = status, None, None
        row.cancelled_on = self.today()
        name = "subscription_expired" if status == "expired" else "subscription_cancelled"
        self.happened(name, subscription=self.shown_subscription(row))

    # Bank debits

    def clear_debit(self, payment: Payment) -> None:
        payment.on = self.today()
        self.take(payment)

    def return_debit(self, payment: Payment, code: str) -> None:
        """Returned by the bank; a subscription that it paid for is in dunning from now on."""
        self.give_up_debit(payment, code)
        (invoice_id,) = payment.applied
        row = self.subscriptions.get(self.invoices[invoice_id].subscription_id)
        if row is not None and row.status == "live" and row.auto_collect:
            row.status, row.retries_done = "dunning", 0
            self.plan_retry(row)
