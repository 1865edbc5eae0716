"""The journal in the columns that programs of accountants import: QuickBooks Online, Xero, Zoho Books (R143).

The headings are those of each program's own sample file, so that its import maps them by itself. Amounts are numbers,
every text is guarded so that no spreadsheet takes it for a formula.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.formats.gl_rows import BookFacts, PartyRow
from billing.inputs import safe_cell
from billing.ledger.export import ExportRow

# Intuit's sample of journal entries. A journal entry is the rows of one number; dates as month/day/year; the account
# by its name, since account numbers are switched off for the import.
QUICKBOOKS = (
    "*JournalNo", "*JournalDate", "*AccountName", "*Debits", "*Credits", "Description", "Name", "Currency", "Location",
    "Class",
)  # fmt: skip
# Xero's template of manual journals. A journal is the rows of one narration and date; debits are positive.
XERO = (
    "*Narration", "*Date", "Description", "*AccountCode", "*TaxRate", "*Amount", "TrackingName1", "TrackingOption1",
    "TrackingName2", "TrackingOption2",
)  # fmt: skip
# Zoho Books' sample of manual journals.
ZOHO = (
    "Journal Date", "Reference Number", "Journal Number Prefix", "Journal Number Suffix", "Notes", "Journal Type",
    "Currency", "Account", "Description", "Contact Name", "Debit", "Credit", "Project Name", "Status", "Exchange Rate",
)  # fmt: skip
# What Xero calls "no tax" in each edition: tax is a line of its own here and must not be reckoned again.
NO_TAX = {"US": "Tax Exempt (0%)", "GB": "No VAT", "AU": "BAS Excluded", "NZ": "No GST"}
NO_TAX_ELSEWHERE = "Tax Exempt"


def quickbooks(rows: Iterable[PartyRow], facts: BookFacts) -> Iterator[str]:
    return _sheet(QUICKBOOKS, (
        (
            line.entry, f"{line.date:%m/%d/%Y}", line.account_name, line.debit or "", line.credit or "",
            _told(row), row.customer_name, line.currency, line.department, line.project,
        )
        for row in rows
        for line in (row.line,)
    ))  # fmt: skip


def xero(rows: Iterable[PartyRow], facts: BookFacts) -> Iterator[str]:
    """Raises BadInput for a currency that is not the organization's: Xero's journals have no column for one."""
    tax = NO_TAX.get(facts.country, NO_TAX_ELSEWHERE)
    return _sheet(XERO, (
        (
            f"{line.entry} {line.event} {line.memo}".strip(), f"{line.date:%d/%m/%Y}", _told(row), line.account_code,
            tax, line.debit - line.credit, "Department" if line.department else "", line.department,
            "Project" if line.project else "", line.project,
        )
        for row in rows
        for line in (_in_own_currency(row, facts),)
    ))  # fmt: skip


def zoho(rows: Iterable[PartyRow], facts: BookFacts) -> Iterator[str]:
    """The department has no column of its own and is told in the description. Another currency goes at the rate that
    Zoho Books has for the day."""
    return _sheet(ZOHO, (
        (
            line.date.isoformat(), line.key, line.entry[:8], line.entry[8:], f"{line.event} {line.memo}".strip(),
            "both", line.currency, line.account_name,
            " · ".join(filter(None, (line.memo, line.department))), row.customer_name, line.debit or "",
            line.credit or "", line.project, "published", 1 if line.currency == facts.currency else "",
        )
        for row in rows
        for line in (row.line,)
    ))  # fmt: skip


def _told(row: PartyRow) -> str:
    return " · ".join(filter(None, (row.line.memo, row.line.event, row.customer_code)))


def _in_own_currency(row: PartyRow, facts: BookFacts) -> ExportRow:
    if row.line.currency != facts.currency:
        raise BadInput(
            _("{entry} is in {currency}: Xero takes journals in {own} only. Choose another layout."), field="layout",
            code="other_currency", entry=row.line.entry, currency=row.line.currency, own=facts.currency,
        )  # fmt: skip
    return row.line


def _sheet(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """RFC 4180, a piece of text at a time. The heads are ours and stay as the programs want them."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
        if out.tell() > 1 << 16:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()
