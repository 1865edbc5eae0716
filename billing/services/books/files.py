"""The journal of some days as the bytes of a file (R143)."""

import csv
import io
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.formats.gl_beancount import beancount
from billing.formats.gl_csv import quickbooks, xero, zoho
from billing.formats.gl_rows import BookFacts, PartyRow
from billing.ledger.export import export_rows
from billing.ledger.models import ExportLayout
from billing.models import Customer
from billing.money import ZERO
from billing.office.models import Organization
from billing.selectors.journal_export import HEADER, cells

Sums = dict[str, tuple[Decimal, Decimal, int]]


@dataclass
class Counted:
    """Rows as they pass by. sums: currency → debits, credits, lines."""

    rows: Iterable[PartyRow]
    sums: Sums = field(default_factory=dict)
    entries: int = 0
    lines: int = 0

    def __iter__(self) -> Iterator[PartyRow]:
        last = ""
        for row in self.rows:
            debits, credits, lines = self.sums.get(row.line.currency, (ZERO, ZERO, 0))
            self.sums[row.line.currency] = (debits + row.line.debit, credits + row.line.credit, lines + 1)
            self.lines += 1
            self.entries += row.line.entry != last
            last = row.line.entry
            yield row


@dataclass(frozen=True)
class Built:
    data: bytes
    sums: Sums
    entries: int
    lines: int


def build(organization: Organization, layout: str, first: date, last: date, *, posted_only: bool) -> Built:
    """The file: the same journal gives the same bytes. Two queries. Raises BadInput if the layout cannot say it."""
    facts = BookFacts(organization.name, organization.currency, organization.country, first, last)
    with closing(party_rows(organization, first, last, posted_only=posted_only)) as source:
        rows = Counted(source)
        data = "".join(LAYOUTS[layout](rows, facts)).encode()
    return Built(data, rows.sums, rows.entries, rows.lines)


def party_rows(
    organization: Organization, first: date, last: date, *, posted_only: bool
) -> Generator[PartyRow, None, None]:
    """Lines by date, number and ordinal, with the customer of each. Two queries.

    Whoever reads closes it, also half-way: a cursor of the database stands behind it.
    """
    names = {
        key: (code, name)
        for key, code, name in Customer.objects.filter(organization=organization).values_list("pk", "code", "name")
    }
    with closing(export_rows(organization.pk, first, last, posted_only=posted_only)) as lines:
        for line in lines:
            code, name = names.get(line.party, ("", "")) if line.party is not None else ("", "")
            yield PartyRow(line, code, name)


def _journal_csv(rows: Iterable[PartyRow], facts: BookFacts) -> Iterator[str]:
    """The columns that `export_gl --format csv` writes."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(cells(row.line, row.customer_code) for row in rows)
    yield out.getvalue()


LAYOUTS: Mapping[str, Callable[[Iterable[PartyRow], BookFacts], Iterator[str]]] = {
    ExportLayout.CSV: _journal_csv, ExportLayout.QUICKBOOKS: quickbooks, ExportLayout.XERO: xero,
    ExportLayout.ZOHO: zoho, ExportLayout.BEANCOUNT: beancount,
}  # fmt: skip
SUFFIXES = {ExportLayout.BEANCOUNT: "beancount"}


def file_name(number: str, layout: str, first: date, last: date) -> str:
    return f"{number}-{layout}-{first}-{last}.{SUFFIXES.get(ExportLayout(layout), 'csv')}"
