"""What stands around the entries of a camt statement: account, days, pages, balances, the bank's own totals."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import Kind, Statement
from reconciliation.formats.camt_words import (
    account_of,
    amount_of,
    currency_of,
    day_of,
    deepest,
    first,
    parts,
    signed,
    text_at,
    text_of,
)  # fmt: skip
from reconciliation.formats.counting import Figures, Sums

OPENS, CLOSES, BETWEEN = ("OPBD", "PRCD"), ("CLBD",), "ITBD"
AVAILABLE = "CLAV"
COPIES = {
    "DUPL": _("The bank marks this as a duplicate of a message it has sent before."),
    "COPY": _("The bank marks this as a copy."),
    "CODU": _("The bank marks this as a copy of a duplicate."),
}
MOST_BALANCES = 500


@dataclass(slots=True)
class Balance:
    code: str
    amount: Decimal | None
    currency: str
    day: date | None


@dataclass(slots=True)
class Header:
    balances: list[Balance] = field(default_factory=list)
    account_currency: str = ""
    totals: Any = None
    numbers: dict[str, str] = field(default_factory=dict)


def read_header_part(part: Any, name: str, statement: Statement, header: Header) -> None:
    """One child of Stmt, Rpt or Ntfctn that is not an entry, wherever it stands."""
    match name:
        case "Acct":
            statement.account = account_of(part) or None
            header.account_currency = text_at(part, "Ccy").upper()
            statement.extra.update(_named(name=text_at(part, "Nm"), owner=text_at(part, "Ownr", "Nm")))
        case "Bal" if len(header.balances) < MOST_BALANCES:
            header.balances.append(_balance(part, statement))
        case "TxsSummry":
            header.totals = _totals(part)
            statement.controls.update(_controls(part))
        case "FrToDt":
            statement.first_on, statement.last_on = _span(part)
        case "StmtPgntn" | "RptPgntn" | "NtfctnPgntn":
            statement.page = text_at(part, "PgNb")
            statement.is_last_page = text_at(part, "LastPgInd").lower() not in ("false", "0")
        case "CpyDplctInd":
            statement.extra["copy"] = code = text_of(part).upper()
            if code in COPIES:
                statement.note("copy", COPIES[code])
        case "Id" | "ElctrncSeqNb" | "LglSeqNb":
            header.numbers[name] = text_of(part)


def settle_balances(statement: Statement, header: Header) -> None:
    """Opening and closing booked balance, and the currency, from what has been read so far."""
    numbers = header.numbers
    statement.number = numbers.get("ElctrncSeqNb") or numbers.get("LglSeqNb") or numbers.get("Id", "")
    if "Id" in numbers:
        statement.extra["id"] = numbers["Id"]
    # The account's own currency first: some banks give each balance in several.
    found = sorted(header.balances, key=lambda one: header.account_currency not in ("", one.currency))
    opening, closing = _pick(found, OPENS), _pick(found, CLOSES)
    if statement.kind is Kind.STATEMENT:
        opening, closing = _pages(found, opening, closing, statement)
    if opening is not None:
        statement.opening, statement.opening_on = opening.amount, opening.day
    if closing is not None:
        statement.closing, statement.closing_on = closing.amount, closing.day
    available = _pick(found, (AVAILABLE,))
    if available is not None and available.amount != statement.closing:
        statement.closing_available = available.amount
    currencies = (header.account_currency, *(one.currency for one in (opening, closing, *header.balances) if one))
    statement.currency = next(filter(None, currencies), None) or statement.currency
    statement.extra["balances"] = [[one.code, one.amount] for one in header.balances]


def check_totals(statement: Statement, header: Header, figures: Figures) -> None:
    """The bank's own totals against what was read: of all entries, or of the booked ones; banks do either."""
    if header.totals is None:
        statement.says_empty = _closes_as_it_opened(statement)
        return
    counted = [figures.all(), figures.booked(), figures.all(True), figures.booked(True)]
    wanted = header.totals
    counts = {wanted[0], wanted[1][0], wanted[2][0]} - {None}
    statement.says_empty = counts == {0} or _closes_as_it_opened(statement)
    if figures.unreadable or any(_agrees(wanted, sums) for sums in counted):
        return
    found = counted[0]
    # Where both balances tie nothing is missing and nothing too much: then the totals are what is wrong.
    tell = statement.note if figures.ties(statement) or figures.ties(statement, flips=True) else statement.flag
    tell(
        "totals_differ",
        _("The bank's totals do not fit: it counts {stated}; read were {entries} entries, {credits} in, {debits} out."),
        stated=", ".join(f"{name} {text}" for name, text in statement.controls.items()),
        entries=figures.entries, credits=found.total_credits, debits=found.total_debits,
    )  # fmt: skip


def turn_reversals(statement: Statement, figures: Figures) -> None:
    """Note [Reversals that keep their direction]: by the standard CdtDbtInd is the direction of the reversal itself.

    Some banks leave the original's. Only the balances can tell: where the sum does not tie as it stands and does
    with the reversals turned, they are turned.
    """
    if not figures.has_reversals or figures.ties(statement) is not False or not figures.ties(statement, flips=True):
        return
    statement.flips_reversals = True
    statement.note(
        "reversals_turned", _("Reversals carry the direction of what they reverse; by the balances they are turned.")
    )


def _closes_as_it_opened(statement: Statement) -> bool:
    return statement.opening is not None and statement.opening == statement.closing


def _balance(part: Any, statement: Statement) -> Balance:
    """Tp/CdOrPrtry/Cd, in the first versions Tp/Cd. A balance of nothing needs no direction."""
    block = parts(part)
    number = amount_of(block.get("Amt"))
    amount = signed(number, text_of(block.get("CdtDbtInd"))) if number else number
    code = deepest(block.get("Tp"))
    if amount is None and code in (*OPENS, *CLOSES):
        statement.flag("unreadable_balance", _("Balance {name} cannot be read."), name=code)
    return Balance(code, amount, currency_of(block.get("Amt")), day_of(block.get("Dt")))


def _pick(balances: list[Balance], codes: tuple[str, ...]) -> Balance | None:
    """The first balance of the first code that there is."""
    for code in codes:
        for one in balances:
            if one.code == code and one.amount is not None:
                return one
    return None


def _pages(
    balances: list[Balance], opening: Balance | None, closing: Balance | None, statement: Statement
) -> tuple[Balance | None, Balance | None]:
    """Between the pages of one statement stand ITBD: the first is what a page opens with, the last what it ends on."""
    between = [one for one in balances if one.code == BETWEEN and one.amount is not None]
    if not between or (opening is not None and closing is not None):
        return opening, closing
    if opening is None and (closing is not None or len(between) > 1):
        opening = between[0]
    if closing is None and not statement.is_last_page and between[-1] is not opening:
        closing = between[-1]
    return opening, closing


def _totals(part: Any) -> list[Any]:
    """[entries, (credit entries, sum), (debit entries, sum)], None where the file does not say."""
    whole = text_at(part, "TtlNtries", "NbOfNtries")
    sides = [
        (_count(text_at(part, name, "NbOfNtries")), amount_of(first(part, name, "Sum")))
        for name in ("TtlCdtNtries", "TtlDbtNtries")
    ]
    return [_count(whole), *sides]


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _agrees(wanted: list[Any], sums: Sums) -> bool:
    entries, (credits, total_credits), (debits, total_debits) = wanted
    pairs = (
        (entries, sums.credits + sums.debits), (credits, sums.credits), (total_credits, sums.total_credits),
        (debits, sums.debits), (total_debits, sums.total_debits),
    )  # fmt: skip
    return all(stated is None or stated == counted for stated, counted in pairs)


def _controls(part: Any) -> dict[str, str]:
    names = {"TtlNtries": "entries", "TtlCdtNtries": "credits", "TtlDbtNtries": "debits"}
    stated = {}
    for tag, name in names.items():
        stated[f"{name}_count"] = text_at(part, tag, "NbOfNtries")
        stated[f"{name}_sum"] = text_at(part, tag, "Sum")
    return {name: text for name, text in stated.items() if text}


def _span(part: Any) -> tuple[date | None, date | None]:
    block = parts(part)
    first_on = day_of(block.get("FrDtTm")) or day_of(block.get("FrDt"))
    return first_on, day_of(block.get("ToDtTm")) or day_of(block.get("ToDt"))


def _named(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}
