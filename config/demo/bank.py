"""What the bank says in the demo: a statement of three weeks, read as a worker reads it, matched as far as is sure.

Most of it the office knows already; on top of that comes what keeps a clerk busy: transfers with and without a number,
one from a stranger, one the bank posted twice, a fee, a return, and money the office has and the bank not yet.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from xml.sax.saxutils import escape

from django.db.models import F, Sum

from billing.ledger.models import JournalLine
from billing.models import Customer, Invoice
from billing.money import ZERO, round_money
from billing.office.acting import acting
from billing.office.models import Organization
from config.demo.cast import House
from payments.models import BankAccount, Deposit, Payment
from reconciliation.models import BankFile
from reconciliation.services.auto_matching import match_open_lines
from reconciliation.services.bank_files import hand_in
from reconciliation.services.importing import read_bank_file

DAYS = timedelta(days=21)
LATE = timedelta(days=2)  # what was booked later is not on the statement yet
NEW_PAYERS = 9
FEE = Decimal("12.50")


@dataclass(frozen=True)
class Entry:
    """One entry of the statement; amount signed."""

    day: date
    amount: Decimal
    name: str = ""
    text: str = ""
    ref: str = ""


def bring_statement(house: House, now: datetime) -> BankFile:
    """Hand in a statement of the house's main account and match it. Its opening balance is what the books had then."""
    organization = Organization.objects.get(code=house.code)
    account = BankAccount.objects.get(organization=organization, code="main")
    last = organization.today(now) - timedelta(days=1)
    first = last - DAYS
    entries = sorted([*_known(account, first, last), *_new(organization, last)], key=lambda entry: entry.day)
    data = _camt(account, _balance(account, first), entries, first, last).encode()
    with acting(None, "demo"):
        file, _is_new = hand_in(
            bank_account=account, file=BytesIO(data), name=f"statement-{last.isoformat()}.xml", now=now, by=None
        )
        read = read_bank_file(bank_file_id=file.pk, now=now)
        assert read is not None and read.state == "stored", read and read.problems
        match_open_lines(bank_account=account, now=now)
    return read


def _balance(account: BankAccount, before: date) -> Decimal:
    sums = JournalLine.objects.filter(account=account.ledger_account, entry__entry_date__lt=before).aggregate(
        total=Sum(F("debit") - F("credit"))
    )
    return sums["total"] or ZERO


def _known(account: BankAccount, first: date, last: date) -> Iterator[Entry]:
    """Everything the books have of these days, as the bank would write it."""
    rows = (
        JournalLine.objects.filter(account=account.ledger_account, entry__entry_date__range=(first, last - LATE))
        .values_list("entry_id", "entry__entry_date", "entry__memo", "entry__event")
        .annotate(amount=Sum(F("debit") - F("credit")))
        .order_by("entry__entry_date", "entry_id")
    )
    payments = {payment.entry_id: payment for payment in Payment.objects.filter(entry__in=[row[0] for row in rows])}
    slips = {slip.entry_id: slip for slip in Deposit.objects.filter(entry__in=[row[0] for row in rows])}
    for entry_id, day, memo, event, amount in rows:
        payment, slip = payments.get(entry_id), slips.get(entry_id)
        if payment is not None:
            yield Entry(day, amount, payment.payer_name, payment.reference or payment.number, f"T{entry_id}")
        elif slip is not None:
            text = f"DEPOSIT {slip.slip_reference or slip.number}"
            yield Entry(min(day + timedelta(days=1), last), amount, "", text, f"D{entry_id}")
        else:
            yield Entry(day, amount, "", f"{memo} {event.replace('_', ' ')}"[:120], f"B{entry_id}")


def _new(organization: Organization, last: date) -> Iterator[Entry]:
    """Transfers nobody has entered, and what only the bank knows."""
    currency = organization.currency
    owed = Invoice.objects.filter(
        organization=organization, currency=currency, open_amount__gt=0, is_disputed=False, issued_on__lte=last
    ).select_related("customer")  # fmt: skip
    chosen: list[Invoice] = []
    seen: set[int] = set()
    for invoice in owed.order_by("-issued_on", "pk"):
        if invoice.customer_id not in seen and len(chosen) < NEW_PAYERS:
            seen.add(invoice.customer_id)
            chosen.append(invoice)
    for place, invoice in enumerate(chosen):
        day = last - timedelta(days=place % 3)
        yield Entry(day, *_as_paid(place, invoice, invoice.customer), f"N{invoice.pk}")
    yield Entry(last, round_money(Decimal("431.00"), currency), "M. Whitlock", "with thanks", "N-stranger")
    yield Entry(last, -round_money(FEE, currency), "", "ACCOUNT MAINTENANCE FEE", "F-fee")
    twice = round_money(Decimal("88.00"), currency)
    for _time in range(2):
        yield Entry(last - timedelta(days=1), twice, "Harbour Music Supplies", "refund of a deposit", "N-twice")


def _as_paid(place: int, invoice: Invoice, customer: Customer) -> tuple[Decimal, str, str]:
    """(amount, payer, text) as people pay: with the number, without it, a little short, in another's name."""
    whole, name, currency = invoice.open_amount, customer.latin_name or customer.name, invoice.currency
    ways: Sequence[tuple[Decimal, str, str]] = (
        (whole, name, invoice.number),
        (whole, name.upper(), f"Invoice {invoice.number.replace('-', ' ')}"),
        (whole, name, ""),
        (whole, "Stepfather of a student", f"for {invoice.number}"),
        (round_money(whole / 2, currency), name, f"half of {invoice.number}"),
        (whole + round_money(Decimal(10), currency), name, invoice.number),
    )
    return ways[place % len(ways)]


def _camt(account: BankAccount, opening: Decimal, entries: Sequence[Entry], first: date, last: date) -> str:
    closing = opening + sum((entry.amount for entry in entries), ZERO)
    number = account.number or "000000"
    body = "".join(_entry(entry, account.currency) for entry in entries)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>DEMO</MsgId>'
        f"<CreDtTm>{last}T23:00:00</CreDtTm></GrpHdr><Stmt><Id>{last:%Y-%m}</Id><CreDtTm>{last}T23:00:00</CreDtTm>"
        f"<Acct><Id><Othr><Id>{escape(number)}</Id></Othr></Id><Ccy>{account.currency}</Ccy></Acct>"
        f"{_camt_balance('OPBD', opening, first, account.currency)}"
        f"{_camt_balance('CLBD', closing, last, account.currency)}{body}</Stmt></BkToCstmrStmt></Document>"
    )


def _camt_balance(code: str, amount: Decimal, day: date, currency: str) -> str:
    mark = "DBIT" if amount < 0 else "CRDT"
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{abs(amount)}</Amt>"
        f"<CdtDbtInd>{mark}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _entry(entry: Entry, currency: str) -> str:
    mark, side = ("DBIT", "Cdtr") if entry.amount < 0 else ("CRDT", "Dbtr")
    party = f"<RltdPties><{side}><Pty><Nm>{escape(entry.name)}</Nm></Pty></{side}></RltdPties>" if entry.name else ""
    return (
        f"<Ntry><Amt Ccy='{currency}'>{abs(entry.amount)}</Amt><CdtDbtInd>{mark}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{entry.day}</Dt></BookgDt><ValDt><Dt>{entry.day}</Dt></ValDt><AcctSvcrRef>{entry.ref}"
        f"</AcctSvcrRef><NtryDtls><TxDtls>{party}<RmtInf><Ustrd>{escape(entry.text)}</Ustrd></RmtInf></TxDtls></NtryDtls>"
        "</Ntry>"
    )
