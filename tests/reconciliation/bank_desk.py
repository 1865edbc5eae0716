"""A bank for tests: statements as camt.053 files, written by hand, and an account they are for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape

from django.db import transaction

from billing.office.models import Organization, User
from payments.models import BankAccount
from payments.services.bank_accounts import ensure_bank_account
from reconciliation.models import BankFile, StatementLine
from reconciliation.services.bank_files import hand_in
from reconciliation.services.importing import read_bank_file
from tests.builders import NOW

IBAN = "DE02120300000000202051"  # the standard's own example


@dataclass
class Booked:
    """An entry; amount signed, in the statement's currency."""

    amount: str
    day: date = date(2026, 3, 10)
    name: str = ""
    text: str = ""
    ref: str = ""
    account: str = ""
    value: date | None = None
    is_reversal: bool = False
    state: str = "BOOK"


@dataclass
class Sheet:
    """A statement. closing: None: what opening and entries make."""

    entries: Sequence[Booked]
    opening: str = "0.00"
    closing: str | None = None
    number: str = "1"
    currency: str = "USD"
    account: str = IBAN
    first: date = date(2026, 3, 10)
    last: date = date(2026, 3, 10)
    extra: str = field(default="")

    @property
    def net(self) -> Decimal:
        return sum((Decimal(entry.amount) for entry in self.entries if entry.state == "BOOK"), Decimal(self.opening))


def bank_account(org: Organization, code: str = "MAIN", number: str = IBAN, currency: str = "") -> BankAccount:
    with transaction.atomic():
        return ensure_bank_account(organization=org, code=code, currency=currency or org.currency, number=number)[0]


def camt(*sheets: Sheet) -> bytes:
    body = "".join(_statement(sheet) for sheet in sheets)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        f"<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-11T06:00:00</CreDtTm></GrpHdr>{body}</BkToCstmrStmt></Document>"
    ).encode()


def load(account: BankAccount, *sheets: Sheet, by: User | None = None, wishes: Sequence[str] = ()) -> BankFile:
    """Hand a file in and read it, as the worker does."""
    file, _new = hand_in(
        bank_account=account, file=BytesIO(camt(*sheets)), name="statement.xml", now=NOW, by=by, wishes=wishes
    )
    return read_bank_file(bank_file_id=file.pk, now=NOW) or file


def lines(account: BankAccount, *entries: Booked, opening: str = "0.00") -> list[StatementLine]:
    """Lines of a statement that was taken in, in their order."""
    file = load(account, Sheet(entries, opening=opening, currency=account.currency, account=account.number or IBAN))
    return list(StatementLine.objects.filter(statement__bank_file=file).order_by("ordinal"))


def write(path: Path, *sheets: Sheet) -> Path:
    path.write_bytes(camt(*sheets))
    return path


def _statement(sheet: Sheet) -> str:
    closing = Decimal(sheet.closing) if sheet.closing is not None else sheet.net
    return (
        f"<Stmt><Id>{sheet.number}</Id><ElctrncSeqNb>{sheet.number}</ElctrncSeqNb><CreDtTm>2026-03-11T06:00:00</CreDtTm>"
        f"<Acct><Id><IBAN>{sheet.account}</IBAN></Id><Ccy>{sheet.currency}</Ccy></Acct>"
        f"{_balance('OPBD', Decimal(sheet.opening), sheet.first, sheet.currency)}"
        f"{_balance('CLBD', closing, sheet.last, sheet.currency)}"
        + "".join(_entry(entry, sheet.currency) for entry in sheet.entries)
        + f"{sheet.extra}</Stmt>"
    )


def _balance(code: str, amount: Decimal, day: date, currency: str) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{abs(amount)}</Amt>"
        f"<CdtDbtInd>{'DBIT' if amount < 0 else 'CRDT'}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(entry: Booked, currency: str) -> str:
    amount = Decimal(entry.amount)
    mark, side, account = ("DBIT", "Cdtr", "CdtrAcct") if amount < 0 else ("CRDT", "Dbtr", "DbtrAcct")
    party = f"<{side}><Pty><Nm>{escape(entry.name)}</Nm></Pty></{side}>" if entry.name else ""
    if entry.account:
        party += f"<{account}><Id><Othr><Id>{entry.account}</Id></Othr></Id></{account}>"
    reversal = "<RvslInd>true</RvslInd>" if entry.is_reversal else ""
    return (
        f"<Ntry><Amt Ccy='{currency}'>{abs(amount)}</Amt><CdtDbtInd>{mark}</CdtDbtInd>{reversal}"
        f"<Sts><Cd>{entry.state}</Cd></Sts><BookgDt><Dt>{entry.day}</Dt></BookgDt>"
        f"<ValDt><Dt>{entry.value or entry.day}</Dt></ValDt>"
        + (f"<AcctSvcrRef>{entry.ref}</AcctSvcrRef>" if entry.ref else "")
        + f"<NtryDtls><TxDtls><RltdPties>{party}</RltdPties>"
        f"<RmtInf><Ustrd>{escape(entry.text)}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
    )
