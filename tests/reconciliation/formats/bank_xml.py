"""Invented camt and pain.002 messages, in the shapes of their versions."""

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from reconciliation.formats.base import Entry, Statement
from reconciliation.formats.reading import Reading, open_reading

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.{message}.001.{version}"
ROOTS = {
    "052": ("BkToCstmrAcctRpt", "Rpt"),
    "053": ("BkToCstmrStmt", "Stmt"),
    "054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}
IBAN = "DE02120300000000202051"


def balance(code: str, amount: str, direction: str = "CRDT", currency: str = "EUR", day: str = "2026-03-02") -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}</Amt>'
        f"<CdtDbtInd>{direction}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def entry(
    amount: str,
    direction: str = "CRDT",
    inner: str = "",
    *,
    status: str = "BOOK",
    before: str = "",
    currency: str = "EUR",
) -> str:
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{before}<Sts>{status}</Sts>'
        f"<BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt>{inner}</Ntry>"
    )


def details(*transactions: str, batch: str = "") -> str:
    return "<NtryDtls>" + batch + "".join(f"<TxDtls>{one}</TxDtls>" for one in transactions) + "</NtryDtls>"


def balances(opening: str, closing: str) -> str:
    return balance("OPBD", opening) + balance("CLBD", closing)


def statement(
    *parts: str, message: str = "053", account: str = f"<IBAN>{IBAN}</IBAN>", currency: str = "<Ccy>EUR</Ccy>"
) -> str:
    name = ROOTS[message][1]
    return f"<{name}><Id>S1</Id><Acct><Id>{account}</Id>{currency}</Acct>{''.join(parts)}</{name}>"


def document(*statements: str, message: str = "053", version: str = "08", head: str = "") -> str:
    root, namespace = ROOTS[message][0], NAMESPACE.format(message=message, version=version)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{head}<Document xmlns="{namespace}">\n<{root}><GrpHdr>'
        f"<MsgId>M1</MsgId><CreDtTm>2026-03-02T20:00:00.000000000+01:00</CreDtTm></GrpHdr>\n{''.join(statements)}\n</{root}></Document>"
    )


def whole(*parts: str, message: str = "053", version: str = "08") -> bytes:
    """A message with one statement of these parts."""
    return document(statement(*parts, message=message), message=message, version=version).encode()


def begin(data: bytes, name: str = "file.xml", **options: Any) -> Reading:
    return open_reading(BytesIO(data), name, **options)


def finish(data: bytes, **options: Any) -> tuple[Reading, list[Entry]]:
    """Read to the end."""
    reading = begin(data, **options)
    return reading, [piece for piece in reading.pieces() if isinstance(piece, Entry)]


def one_entry(data: bytes) -> Entry:
    (found,) = finish(data)[1]
    return found


def one_statement(data: bytes) -> Statement:
    (found,) = finish(data)[0].statements
    return found.statement


def codes(reading: Reading) -> Iterable[str]:
    return [problem.code for problem in reading.problems]
