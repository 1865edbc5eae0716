"""Zoho Books and Zoho CRM, as far as they are read and told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from payments.gateways.zoho import objects
from payments.gateways.zoho.line import Json, Line
from payments.gateways.zoho.objects import Bill, Odd, Paid, Payer
from payments.gateways.zoho.trouble import Refused, Unreachable, Unsure

T = TypeVar("T")


@dataclass(frozen=True)
class Books:
    """Lists come page by page, as they are read. Raises Unreachable, Refused."""

    line: Line

    def receipts(self, first: date, last: date) -> list[Paid]:
        """Customer payments dated within the days, for the daily comparison. reference: of the processor that took it,
        else ours."""
        return list(self.payments(first, last))

    def payments(self, first: date, last: date) -> Iterator[Paid]:
        rows = self._dated("/customerpayments", "customerpayments", first, last)
        return _built(objects.paid, rows)

    def invoices(self, first: date, last: date) -> Iterator[Bill]:
        """Invoices dated within the days; without what a list leaves out: their lines and tax."""
        return _built(objects.bill, self._dated("/invoices", "invoices", first, last))

    def contacts(self) -> Iterator[Payer]:
        """All customers, as Books knows them."""
        return _built(objects.contact, self.line.pages("books", "/contacts", "contacts", contact_type="customer"))

    def payment(self, payment_id: str) -> Paid:
        return self._one(f"/customerpayments/{payment_id}", "payment", objects.paid)

    def invoice(self, invoice_id: str) -> Bill:
        return self._one(f"/invoices/{invoice_id}", "invoice", objects.bill)

    def contact(self, contact_id: str) -> Payer:
        return self._one(f"/contacts/{contact_id}", "contact", objects.contact)

    def _one(self, path: str, name: str, build: Callable[[objects.Row], T]) -> T:
        found = self.line.ask("GET", "books", path).get(name)
        if not isinstance(found, dict):
            raise Unreachable(f"no {name} in the answer")
        return next(_built(build, iter([found])))

    def _dated(self, path: str, name: str, first: date, last: date) -> Iterator[Json]:
        return self.line.pages(
            "books", path, name, date_start=first.isoformat(), date_end=last.isoformat(), sort_column="date"
        )


def _built(build: Callable[[objects.Row], T], rows: Iterator[Json]) -> Iterator[T]:
    for row in rows:
        try:
            yield build(row)
        except (Odd, AttributeError, TypeError) as trouble:
            raise Unreachable(f"unreadable: {trouble}") from None


@dataclass(frozen=True)
class Crm:
    """Raises Unreachable, Unsure, Refused."""

    line: Line

    def tell(self, email: str, name: str, status: str) -> str:
        """Add or change the payer's record, found by e-mail, with how its subscription stands. Returns its id.

        Each record of the answer has a verdict of its own, whatever the HTTP status.
        """
        return self._upsert(email, name, self.line.settings.get("crm_field", "Billing_Status"), status)

    def note(self, email: str, name: str, text: str) -> str:
        """Write on the payer's record what was done about its money, in a field of its own, so that nobody's words are
        lost and the same note twice is one."""
        return self._upsert(email, name, self.line.settings.get("crm_note_field", "Billing_Note"), text[:2000])

    def _upsert(self, email: str, name: str, field: str, value: str) -> str:
        module = self.line.settings.get("crm_module", "Contacts")
        record: Json = {"Last_Name": name[:80], "Email": email, field: value}
        found = self.line.ask(
            "POST", "crm", f"/{module}/upsert", {"data": [record], "duplicate_check_fields": ["Email"], "trigger": []}
        ).get("data")
        if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):
            raise Unsure("no record in the answer")
        (verdict,) = found
        if verdict.get("code") != "SUCCESS":
            raise Refused(str(verdict.get("code"))[:40], str(verdict.get("message", ""))[:400])
        return str((verdict.get("details") or {}).get("id", ""))
