"""Zoho Billing: customers, hosted pages, subscriptions, invoices, payments, refunds read back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from payments.gateways.zoho import objects
from payments.gateways.zoho.line import Json, Line, lost
from payments.gateways.zoho.objects import Bill, Odd, Page, Paid, Payer, Row, Subscription

T = TypeVar("T")


@dataclass(frozen=True)
class Billing:
    """Raises Unreachable, Unsure (only what changes something), Refused, NotThere. It charges nothing by itself."""

    line: Line

    # Customers

    def customer(self, customer_id: str) -> Payer:
        return self._one("GET", f"/customers/{customer_id}", "customer", objects.payer)

    def find_customer(self, key: str, email: str) -> Payer | None:
        """The customer that we made with this key, looked for by e-mail. None where there is none."""
        query = {"email": email} if email else {"reference_id": key}
        found = [one for one in self._list("/customers", "customers", objects.payer, **query) if one.reference == key]
        return found[0] if found else None

    def make_customer(self, key: str, name: str, email: str, currency: str) -> Payer:
        body = {"display_name": name[:100], "email": email, "reference_id": key, "currency_code": currency}
        return self._one("POST", "/customers", "customer", objects.payer, body)

    def change_customer(self, customer_id: str, name: str, email: str) -> Payer:
        body = {"display_name": name[:100], "email": email}
        return self._one("PUT", f"/customers/{customer_id}", "customer", objects.payer, body)

    # Hosted pages: the payer types a card at Zoho, never here

    def page_for_subscription(
        self, customer_id: str, plan_code: str, key: str, return_url: str, starts_on: date | None = None
    ) -> Page:
        """key: becomes the subscription's reference, by which it is found."""
        body: Json = {
            "customer_id": customer_id, "plan": {"plan_code": plan_code}, "reference_id": key,
            "redirect_url": return_url,
        }  # fmt: skip
        if starts_on is not None:
            body["starts_at"] = starts_on.isoformat()
        return self._one("POST", "/hostedpages/newsubscription", "hostedpage", objects.page, body)

    def page_for_method(self, subscription_id: str, return_url: str) -> Page:
        """A new card or account for a subscription."""
        body = {"subscription_id": subscription_id, "redirect_url": return_url}
        return self._one("POST", "/hostedpages/updatecard", "hostedpage", objects.page, body)

    def page(self, page_id: str) -> Page:
        return _read(objects.page, self.line.ask("GET", "billing", f"/hostedpages/{page_id}"), reading=True)

    # Subscriptions

    def subscription(self, subscription_id: str) -> Subscription:
        return self._one("GET", f"/subscriptions/{subscription_id}", "subscription", objects.subscription)

    def find_subscriptions(self, key: str, customer_id: str) -> list[Subscription]:
        """All of a customer that carry our key."""
        rows = self._list("/subscriptions", "subscriptions", objects.subscription, customer_id=customer_id)
        return [one for one in rows if one.reference == key]

    def subscriptions(self) -> Iterator[Subscription]:
        """All there are, page by page."""
        return self._list("/subscriptions", "subscriptions", objects.subscription)

    def cancel(self, subscription_id: str, *, at_end: bool) -> Subscription:
        return self._one(
            "POST", f"/subscriptions/{subscription_id}/cancel", "subscription", objects.subscription, {},
            cancel_at_end="true" if at_end else "false",
        )  # fmt: skip

    def reactivate(self, subscription_id: str) -> Subscription:
        path = f"/subscriptions/{subscription_id}/reactivate"
        return self._one("POST", path, "subscription", objects.subscription, {})

    # Invoices and payments

    def invoice(self, invoice_id: str) -> Bill:
        return self._one("GET", f"/invoices/{invoice_id}", "invoice", objects.bill)

    def invoices(self, subscription_id: str) -> list[Bill]:
        rows = self._list("/invoices", "invoices", objects.bill, subscription_id=subscription_id)
        return [one for one in rows if subscription_id in one.subscription_ids]

    def payment(self, payment_id: str) -> Paid:
        return self._one("GET", f"/payments/{payment_id}", "payment", objects.paid)

    def payments(self, customer_id: str) -> list[Paid]:
        rows = self._list("/payments", "payments", objects.paid, customer_id=customer_id)
        return [one for one in rows if one.customer_id == customer_id]

    def find_payments(self, reference: str) -> list[Paid]:
        """What was recorded with our reference."""
        rows = self._list("/payments", "payments", objects.paid, reference_number=reference)
        return [one for one in rows if one.reference == reference]

    def record_payment(
        self, customer_id: str, mode: str, amount: Decimal, on: date, reference: str, shares: list[tuple[str, Decimal]]
    ) -> Paid:
        """Write down money that was collected elsewhere. Zoho takes the same reference again: look first."""
        body: Json = {
            "customer_id": customer_id, "payment_mode": mode, "amount": amount, "date": on.isoformat(),
            "reference_number": reference,
            "invoices": [{"invoice_id": invoice_id, "amount_applied": part} for invoice_id, part in shares],
        }  # fmt: skip
        return self._one("POST", "/payments", "payment", objects.paid, body)

    def _one(
        self, method: str, path: str, name: str, build: Callable[[Row], T], body: Json | None = None, **query: str
    ) -> T:  # fmt: skip
        found = self.line.ask(method, "billing", path, body, query).get(name)
        reading = method == "GET"
        if not isinstance(found, dict):
            raise lost(reading, f"no {name} in the answer")
        return _read(build, found, reading=reading)

    def _list(self, path: str, name: str, build: Callable[[Row], T], **query: str) -> Iterator[T]:
        for row in self.line.pages("billing", path, name, **query):
            yield _read(build, row, reading=True)


def _read(build: Callable[[Row], T], row: Row, *, reading: bool) -> T:
    try:
        return build(row)
    except (Odd, AttributeError, TypeError) as trouble:
        raise lost(reading, f"unreadable: {trouble}") from None
