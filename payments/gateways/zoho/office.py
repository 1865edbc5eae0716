"""Zoho Books and Zoho CRM, as far as they are read and told."""

from dataclasses import dataclass
from datetime import date

from payments.gateways.zoho import objects
from payments.gateways.zoho.line import Json, Line
from payments.gateways.zoho.objects import Odd, Paid
from payments.gateways.zoho.trouble import Refused, Unreachable, Unsure


@dataclass(frozen=True)
class Books:
    """Raises Unreachable, Refused."""

    line: Line

    def receipts(self, first: date, last: date) -> list[Paid]:
        """Customer payments dated within the days, for the daily comparison. reference: of the processor that took it,
        else ours."""
        rows = self.line.pages(
            "books", "/customerpayments", "customerpayments", date_start=first.isoformat(), date_end=last.isoformat(),
            sort_column="date",
        )  # fmt: skip
        try:
            return [objects.paid(row) for row in rows]
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
        settings = self.line.settings
        module = settings.get("crm_module", "Contacts")
        record: Json = {"Last_Name": name[:80], "Email": email, settings.get("crm_field", "Billing_Status"): status}
        found = self.line.ask(
            "POST", "crm", f"/{module}/upsert", {"data": [record], "duplicate_check_fields": ["Email"], "trigger": []}
        ).get("data")
        if not isinstance(found, list) or len(found) != 1 or not isinstance(found[0], dict):
            raise Unsure("no record in the answer")
        (verdict,) = found
        if verdict.get("code") != "SUCCESS":
            raise Refused(str(verdict.get("code"))[:40], str(verdict.get("message", ""))[:400])
        return str((verdict.get("details") or {}).get("id", ""))
