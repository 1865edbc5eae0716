"""The journal export as its readers get it: customers by code, text that no spreadsheet takes for a formula."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from billing.inputs import safe_cell
from billing.ledger.export import ExportRow, export_rows
from billing.models import Customer
from billing.money import ZERO
from billing.office.models import Organization

HEADER = (
    "entry", "date", "event", "memo", "account_code", "account_name", "role", "debit", "credit", "currency",
    "customer_code", "department", "project", "key",
)  # fmt: skip


def cells(row: ExportRow, customer_code: str) -> list[object]:
    """A line under HEADER."""
    return [safe_cell(value) for value in (*row[:10], customer_code, row.department, row.project, row.key)]


class JournalExport:
    """Rows under HEADER; when they have all been read, `sums` has debits, credits and lines of each currency."""

    def __init__(self, organization: Organization, first: date, last: date) -> None:
        self.organization, self.first, self.last = organization, first, last
        self.sums: dict[str, tuple[Decimal, Decimal, int]] = {}

    def __iter__(self) -> Iterator[list[object]]:
        """Two queries."""
        codes = dict(Customer.objects.filter(organization=self.organization).values_list("pk", "code"))
        for row in export_rows(self.organization.pk, self.first, self.last):
            debits, credits, lines = self.sums.get(row.currency, (ZERO, ZERO, 0))
            self.sums[row.currency] = (debits + row.debit, credits + row.credit, lines + 1)
            yield cells(row, codes.get(row.party, "") if row.party is not None else "")
