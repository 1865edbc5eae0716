"""ISO 20022 camt.052, camt.053 and camt.054, versions 1 to 13, by local names and streamed.

Source: ISO 20022 message definitions; what banks do differently is said where it is met.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Entry, Kind, Statement
from reconciliation.formats.camt_entry import Around, Transaction, batch_of, read_around, read_entry, read_transaction
from reconciliation.formats.camt_statement import (
    Header,
    check_totals,
    read_header_part,
    settle_balances,
    turn_reversals,
)
from reconciliation.formats.camt_words import first, text_at
from reconciliation.formats.counting import Figures
from reconciliation.formats.source import MOST_ENTRIES, Source, too_large
from reconciliation.formats.xml_stream import NAMES, OF_ANOTHER_KIND, is_xml, namespace_of, plain, release, stream

KINDS = {"Stmt": Kind.STATEMENT, "Rpt": Kind.INTERIM, "Ntfctn": Kind.NOTIFICATION}
# Of an entry that is still open, what must be there at its end; earlier transactions are let go of.
ENTRY_PARTS = (
    "Amt", "CdtDbtInd", "RvslInd", "Sts", "BookgDt", "ValDt", "AcctSvcrRef", "BkTxCd", "NtryRef", "AddtlInfInd",
    "AddtlNtryInf", "Chrgs", "Btch", "AmtDtls",
)  # fmt: skip
TAGS = ("GrpHdr", *KINDS, "Ntry", "NtryDtls", "TxDtls")
MESSAGES = {
    "camt052": (b"BkToCstmrAcctRpt", b"camt.052."), "camt053": (b"BkToCstmrStmt", b"camt.053."),
    "camt054": (b"BkToCstmrDbtCdtNtfctn", b"camt.054."),
}  # fmt: skip
VERSION = re.compile(r"camt\.05[234]\.\d{3}\.\d{2}")


def message_of(head: bytes) -> str | None:
    """camt052, camt053 or camt054, by the message's element, else by its namespace."""
    if not is_xml(head):
        return None
    text = plain(head)
    for which in (0, 1):
        for name, signs in MESSAGES.items():
            if signs[which] in text:
                return name
    return None


def sniff(head: bytes, name: str) -> bool:
    return message_of(head) is not None


@dataclass(slots=True)
class _Open:
    """The statement that is being read."""

    statement: Statement
    header: Header
    place: str
    figures: Figures = field(default_factory=Figures)
    is_told: bool = False


def read(source: Source) -> Iterator[Statement | Entry]:
    """Statements and entries of one message. Sign by CdtDbtInd; see Note [Reversals that keep their direction]."""
    reader = _Reader()
    for event, element in stream(source, TAGS):
        yield from reader.take(event, element)


class _Reader:
    """Follows the stream. One statement is open at a time, one entry in it, and its transactions so far."""

    def __init__(self) -> None:
        self.page: tuple[str, bool] = ("", True)
        self.open: _Open | None = None
        self.entry: Any = None
        self.found: list[Transaction] = []
        self.around: Around | None = None
        self.batch: dict[str, str] = {}
        self.ordinal = self.statements = self.transactions = 0

    def take(self, event: str, element: Any) -> Iterator[Statement | Entry]:
        name = NAMES[element.tag]
        if name in KINDS:
            if event == "start":
                self._statement_begins(element, name)
            elif self.open is not None:
                yield from self._statement_ends(element)
        elif name == "GrpHdr" and event == "end":
            self._group_header(element)
        elif self.open is None:
            return
        elif name == "Ntry":
            yield from self._entry_begins(element) if event == "start" else self._entry_ends(element)
        elif event == "end" and self.entry is not None:
            if name == "TxDtls":
                self._transaction_ends(element)
            else:
                self.batch = self.batch or batch_of(first(element, "Btch"))
                release(element, keep=ENTRY_PARTS)

    def _group_header(self, element: Any) -> None:
        page = first(element, "MsgPgntn")
        if page is not None:
            self.page = text_at(page, "PgNb"), text_at(page, "LastPgInd").lower() != "false"
        release(element)

    def _statement_begins(self, element: Any, name: str) -> None:
        self.statements += 1
        statement = Statement(kind=KINDS[name], page=self.page[0], is_last_page=self.page[1])
        found, namespace = VERSION.search(element.tag), namespace_of(element)
        if found:
            statement.extra["version"] = found[0]
        elif namespace:
            statement.flag("unknown_namespace", OF_ANOTHER_KIND, namespace=namespace)
        place = str(_("entry {entry} of statement {statement}"))
        self.open = _Open(statement, Header(), place.replace("{statement}", str(self.statements)))

    def _tell(self) -> Iterator[Statement]:
        """The statement goes before its entries, with what its head has said."""
        assert self.open is not None
        if not self.open.is_told:
            self.open.is_told = True
            settle_balances(self.open.statement, self.open.header)
            yield self.open.statement

    def _absorb(self, elements: Iterator[Any]) -> None:
        assert self.open is not None
        for part in elements:
            read_header_part(part, NAMES[part.tag], self.open.statement, self.open.header)

    def _entry_begins(self, element: Any) -> Iterator[Statement]:
        assert self.open is not None
        self._absorb(reversed(list(element.itersiblings(preceding=True))))
        self.entry, self.around, self.found, self.batch = element, None, [], {}
        return self._tell()

    def _transaction_ends(self, element: Any) -> None:
        assert self.open is not None
        self.transactions += 1
        if self.transactions > MOST_ENTRIES * 2:
            raise too_large()
        if self.around is None:
            self.around = read_around(self.entry, self.open.statement.account or "")
        self.found.append(read_transaction(element, self.around))
        release(element, keep=ENTRY_PARTS)

    def _entry_ends(self, element: Any) -> Iterator[Entry]:
        assert self.open is not None
        self.ordinal += 1
        statement, figures = self.open.statement, self.open.figures
        place = self.open.place.format(entry=figures.entries + 1)
        entry = read_entry(element, self.ordinal, place, statement, self.found)
        entry.extra |= self.batch
        figures.add(entry)
        self.entry, self.around, self.found, self.batch = None, None, [], {}
        if statement.currency is None and entry.currency:
            statement.currency = entry.currency
        release(element)
        yield entry

    def _statement_ends(self, element: Any) -> Iterator[Statement]:
        assert self.open is not None
        self._absorb(part for part in element if NAMES[part.tag] != "Ntry")
        opened = self.open
        settle_balances(opened.statement, opened.header)
        check_totals(opened.statement, opened.header, opened.figures)
        turn_reversals(opened.statement, opened.figures)
        told = list(self._tell())
        self.open = None
        release(element)
        return iter(told)
