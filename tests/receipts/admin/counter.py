"""A clerk at the receive screen, for tests through the door."""

from typing import Any

from django.test import Client

from billing.ledger.models import JournalEntry
from billing.models import Allocation, CreditItem, Customer, Invoice
from billing.office.models import ApprovalRequest, Organization, User
from payments.models import Cheque, Payment
from receipts.models import Receipt
from tests import builders

Error = tuple[str, str, str]
MONEY_TABLES = (Payment, Cheque, CreditItem, Allocation, JournalEntry, Receipt, ApprovalRequest)


def rows_written() -> dict[str, int | str]:
    """Rows of every table that money leaves traces in, and what invoices still come to."""
    counted: dict[str, int | str] = {model.__name__: model.objects.count() for model in MONEY_TABLES}
    return counted | {"open": str(list(Invoice.objects.order_by("pk").values_list("open_amount", flat=True)))}


class Counter:
    """Somebody signed in at the screen. fields: the form as rendered for a customer, with what is typed."""

    def __init__(self, organization: Organization, *roles: str) -> None:
        self.organization = organization
        self.user: User = builders.user(organization, *(roles or ("clerk",)))
        self.client = Client()
        self.client.force_login(self.user)
        self.serial = 0

    def fields(self, payer: Customer, amount: object = "100.00", **more: Any) -> dict[str, Any]:
        self.serial += 1
        by_hand = {f"apply-{invoice.pk}": part for invoice, part in more.pop("by_hand", [])}
        return {
            "customer": payer.code, "amount": amount, "currency": self.organization.currency, "method": "cash",
            "received_on": "2026-03-12", "payer_name": payer.name, "strategy": "manual" if by_hand else "fifo",
            "delivery": "none", "request_key": f"form-{self.user.pk}-{self.serial}", **by_hand, **more,
        }  # fmt: skip

    def post(self, path: str, fields: dict[str, Any], status: int = 200) -> Any:
        answer = self.client.post(f"/console/receive/{path}", fields)
        assert answer.status_code == status, (answer.status_code, answer.content.decode()[:3000])
        return answer

    def save(self, payer: Customer, amount: object = "100.00", **more: Any) -> Any:
        return self.post("save/", self.fields(payer, amount, **more)).json()

    def preview(self, payer: Customer, amount: object = "100.00", **more: Any) -> Any:
        return self.post("preview/", self.fields(payer, amount, **more)).json()

    def refused(self, status: int, payer: Customer, amount: object = "100.00", **more: Any) -> list[Error]:
        """Saving is refused with that status, and nothing was written: (field, code, sentence) of each error."""
        before = rows_written()
        errors = self.post("save/", self.fields(payer, amount, **more), status).json()["errors"]
        assert rows_written() == before
        return [(error["field"], error["code"], error["message"]) for error in errors]
