"""One Ntry of camt.052, 053 or 054, with the details of the transactions in it."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Detail, Document, Entry, EntryState, Statement
from reconciliation.formats.camt_remittance import NOTHING_SAID, remittance_of
from reconciliation.formats.camt_words import (
    YES,
    account_of,
    amount_of,
    currency_of,
    day_of,
    deepest,
    every,
    first,
    parts,
    party_of,
    said,
    signed,
    text_at,
    text_of,
)  # fmt: skip

STATES = {
    "BOOK": EntryState.BOOKED, "PDNG": EntryState.PENDING, "FUTR": EntryState.PENDING, "INFO": EntryState.INFO,
}  # fmt: skip


SIDES = {"CRDT": "credit", "DBIT": "debit"}


@dataclass(slots=True)
class Transaction:
    """One TxDtls as it stands: what is said of the money, of the parties and of what came back."""

    detail: Detail
    direction: str = ""
    amounts: tuple[tuple[Decimal, str], ...] = ()
    instructed: tuple[Decimal, str] | None = None
    charges: Decimal | None = None
    mandate: str = ""
    cheque_number: str = ""
    instruction: str = ""
    paid_to: str = ""
    uetr: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What an entry has said before its transactions come."""

    currency: str
    direction: str
    is_reversal: bool
    own_account: str


def read_around(entry: Any, own_account: str) -> Around:
    block = parts(entry)
    return Around(
        currency_of(block.get("Amt")), text_of(block.get("CdtDbtInd")).upper(),
        text_of(block.get("RvslInd")).lower() in YES, own_account,
    )  # fmt: skip


def read_transaction(element: Any, around: Around) -> Transaction:
    said_parts = parts(element)
    refs, party_block = parts(said_parts.get("Refs")), parts(said_parts.get("RltdPties"))
    rtr = said_parts.get("RtrInf")
    return_code = _return_code(rtr)
    way = text_of(said_parts.get("CdtDbtInd")).upper()
    other, ours = _sides(
        party_block, way or around.direction, rtr is not None or around.is_reversal, around.own_account
    )  # fmt: skip
    told = remittance_of(said_parts.get("RmtInf"), around.currency) if "RmtInf" in said_parts else NOTHING_SAID
    e2e = said(text_of(refs.get("EndToEndId")))
    note = text_of(said_parts.get("AddtlTxInf"))
    detail = Detail(
        end_to_end_id=e2e, bank_reference=said(text_of(refs.get("AcctSvcrRef")) or text_of(refs.get("TxId"))),
        references=told.references, documents=told.documents,
        party_name=party_of(party_block.get(other)), party_account=account_of(party_block.get(other + "Acct")),
        ultimate_party=party_of(party_block.get("Ultmt" + other)), text=told.text or note,
        return_code=return_code, original_reference=e2e if rtr is not None else "",
    )  # fmt: skip
    return Transaction(
        detail, way, _amounts(said_parts), _instructed(said_parts.get("AmtDtls")), charges_of(said_parts.get("Chrgs")),
        said(text_of(refs.get("MndtId"))), text_of(refs.get("ChqNb")), said(text_of(refs.get("InstrId"))),
        account_of(party_block.get(ours + "Acct")) if ours == "Cdtr" else "", text_of(refs.get("UETR")), note,
    )  # fmt: skip


def read_entry(element: Any, ordinal: int, place: str, statement: Statement, found: list[Transaction]) -> Entry:
    """The entry is what moved the balance; its details are taken where they add up to it.

    What cannot be read is flagged on the statement. found: its transactions, read while they passed.
    """
    block = parts(element)
    written = amount_of(block.get("Amt"))
    amount = signed(written, text_of(block.get("CdtDbtInd")))
    if amount is None or written is None:
        statement.flag("unreadable_amount", _("The amount or its direction cannot be read."), place)
    elif written.is_signed():
        statement.flag("negative_amount", _("The amount is negative; its direction is doubtful."), place)
    entry = Entry(
        ordinal, place, amount, booked_on=day_of(block.get("BookgDt")), value_on=day_of(block.get("ValDt")),
        currency=currency_of(block.get("Amt")), state=_state(block.get("Sts"), statement, place),
        code=_code(block.get("BkTxCd")), bank_reference=said(text_of(block.get("AcctSvcrRef"))),
        is_reversal=text_of(block.get("RvslInd")).lower() in YES,
    )  # fmt: skip
    if amount is None and (side := SIDES.get(text_of(block.get("CdtDbtInd")).upper())):
        entry.extra["direction"] = side
    for name in ("BookgDt", "ValDt"):
        if name in block and day_of(block[name]) is None and deepest(block[name]):
            statement.flag("unreadable_day", _("{day} is not a day."), place, day=deepest(block[name])[:40])
    _add_notes(entry, block)
    _add_transactions(entry, element, block, found, statement)
    if not entry.text:
        entry.text = text_of(block.get("AddtlNtryInf"))
    elif "AddtlNtryInf" in block:
        entry.extra["note"] = text_of(block["AddtlNtryInf"])
    return entry


def batch_of(element: Any) -> dict[str, str]:
    """What is said of a batch as a whole; it may count more transactions than are shown."""
    said_of = {
        "transactions": text_at(element, "NbOfTxs"), "batch": text_at(element, "PmtInfId") or text_at(element, "MsgId"),
    }  # fmt: skip
    return {name: text for name, text in said_of.items() if text}


def charges_of(element: Any) -> Decimal | None:
    """What the bank kept, in all: TtlChrgsAndTaxAmt, or the sum of the records."""
    if element is None:
        return None
    total = amount_of(first(element, "TtlChrgsAndTaxAmt"))
    if total is None:
        records = [*every(element, "Rcrd")] or [element]
        amounts = [amount_of(first(record, "Amt")) for record in records]
        total = sum((amount for amount in amounts if amount is not None), Decimal(0)) if any(amounts) else None
    return total


def _add_transactions(
    entry: Entry, element: Any, block: dict[str, Any], found: list[Transaction], statement: Statement
) -> None:
    if not found or entry.amount is None:
        return
    charges = charges_of(block.get("Chrgs"))
    counted = [_in_currency(one, entry) for one in found]
    adds_up = _add_up(counted, entry.amount, [charges, *(one.charges for one in found)])
    if len(found) == 1:
        if found[0].instructed is None:
            found[0].instructed = _instructed(block.get("AmtDtls"))
        _lift(entry, found[0], adds_up is not False, statement)
        return
    if adds_up is False:
        statement.note("details_differ", _("Its details do not add up to it and are left out."), entry.place)
        entry.extra["details"] = str(len(found))
        return
    entry.details = tuple(replace(one.detail, amount=amount) for one, amount in zip(found, counted, strict=True))
    codes = {one.detail.return_code for one in found}
    entry.return_code = codes.pop() if len(codes) == 1 else ""


def _lift(entry: Entry, one: Transaction, adds_up: bool, statement: Statement) -> None:
    """A single transaction is the entry itself. Amounts of invoices count only where its own amount is the entry's."""
    detail = one.detail
    entry.end_to_end_id, entry.references = detail.end_to_end_id, detail.references
    entry.bank_reference = entry.bank_reference or detail.bank_reference
    entry.party_name, entry.party_account = detail.party_name, detail.party_account
    entry.ultimate_party, entry.text = detail.ultimate_party, detail.text
    entry.return_code, entry.original_reference = detail.return_code, detail.original_reference
    entry.mandate, entry.cheque_number, entry.customer_reference = one.mandate, one.cheque_number, one.instruction
    if entry.amount is not None and not entry.amount.is_signed():
        entry.virtual_account = "" if one.paid_to in (statement.account, detail.party_account) else one.paid_to
    entry.documents = detail.documents if adds_up else tuple(Document(said.number) for said in detail.documents)
    if one.instructed and entry.amount is not None:
        value, currency = one.instructed
        if currency not in ("", entry.currency):
            entry.extra["instructed"] = f"{currency} {value}"
        elif value != abs(entry.amount):
            entry.original_amount = value if entry.amount > 0 else -value
    for name, text in (("uetr", one.uetr), ("transaction", one.note if one.note != detail.text else "")):
        if text:
            entry.extra[name] = text


def _add_up(counted: list[Decimal | None], whole: Decimal, charges: list[Decimal | None]) -> bool | None:
    """None where the bank gives no amounts. The entry may be the sum with the charges taken off, or put on."""
    if all(amount is None for amount in counted):
        return None
    if any(amount is None for amount in counted):
        return False
    total = sum((amount for amount in counted if amount is not None), Decimal(0))
    taken = [charge for charge in charges if charge]
    return total == whole or any(abs(abs(total) - abs(whole)) == fee for fee in (*taken, sum(taken)) if fee)


def _in_currency(one: Transaction, entry: Entry) -> Decimal | None:
    """The transaction's amount in the entry's currency, signed as entries are. Banks write 0 where they give none."""
    assert entry.amount is not None
    value = next((value for value, currency in one.amounts if value and currency in ("", entry.currency)), None)
    if value is None:
        return None
    return signed(value, one.direction or ("DBIT" if entry.amount.is_signed() else "CRDT"))


def _amounts(block: dict[str, Any]) -> tuple[tuple[Decimal, str], ...]:
    """What the bank calls the transaction's amount, best first."""
    details = parts(block.get("AmtDtls"))
    elements = [block.get("Amt"), *(first(details.get(name), "Amt") for name in ("TxAmt", "CntrValAmt", "InstdAmt"))]
    pairs = ((amount_of(one), currency_of(one)) for one in elements if one is not None)
    return tuple((amount, currency) for amount, currency in pairs if amount is not None)


def _instructed(element: Any) -> tuple[Decimal, str] | None:
    found = first(element, "InstdAmt", "Amt")
    amount = amount_of(found)
    return None if amount is None else (amount, currency_of(found))


def _sides(block: dict[str, Any], direction: str, comes_back: bool, own_account: str) -> tuple[str, str]:
    """Which of Dbtr and Cdtr is the other side, and which is ours.

    Money in comes from the debtor, money out goes to the creditor. What comes back keeps the roles of the first
    payment. Where that side is empty, or is our own account, it is the other one.
    """
    other, ours = ("Dbtr", "Cdtr") if (direction == "CRDT") is not comes_back else ("Cdtr", "Dbtr")
    account = account_of(block.get(other + "Acct"))
    is_empty = not account and not party_of(block.get(other))
    has_else = ours in block or ours + "Acct" in block
    if has_else and (is_empty or (account and account == own_account)):
        return ours, other
    return other, ours


def _return_code(element: Any) -> str:
    return "" if element is None else deepest(first(element, "Rsn")) or deepest(first(element, "RtrRsn"))


def _state(element: Any, statement: Statement, place: str) -> EntryState:
    text = deepest(element).upper()
    if not text or text in STATES:
        return STATES.get(text, EntryState.BOOKED)
    statement.flag("unknown_state", _("{state} is not a known state; it is not counted as booked."), place, state=text)
    return EntryState.PENDING


def _code(element: Any) -> str:
    """PMNT-RCDT-ESCT, or the bank's own code where there is no other."""
    domain, family = first(element, "Domn"), first(element, "Domn", "Fmly")
    code = [text_at(domain, "Cd"), text_at(family, "Cd"), text_at(family, "SubFmlyCd")]
    return "-".join(code) if all(code) else text_at(element, "Prtry", "Cd") or "-".join(filter(None, code))


def _add_notes(entry: Entry, block: dict[str, Any]) -> None:
    charges = charges_of(block.get("Chrgs"))
    notes = {
        "entry": said(text_of(block.get("NtryRef"))),
        "charges": str(charges) if charges else "",
        "bank_code": text_at(block.get("BkTxCd"), "Prtry", "Cd"),
        **batch_of(block.get("Btch")),
        "details_in": text_at(block.get("AddtlInfInd"), "MsgId"),
    }
    entry.extra.update({name: text for name, text in notes.items() if text and text != entry.code})
