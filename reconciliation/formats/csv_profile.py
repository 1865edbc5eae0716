"""How one bank writes its CSV exports, as data: named columns and a few rules. Stored, versioned, shown to people.

Columns are found by their header's words, never by position. What a profile leaves open ("") is decided over all
rows of a file and never guessed from one: date order, decimal sign, which side is money in, which end is newest.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput

Names = tuple[str, ...]
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = (
    "utf-8", "cp950", "big5hkscs", "big5", "cp1252", "latin-1", "iso-8859-15", "cp1250", "cp850", "cp852", "gb18030",
)  # fmt: skip


class Column(StrEnum):
    """What a column of the file holds. DEBIT is the side that takes from the bank's customer, unless `books` differ."""

    BOOKED_ON = "booked_on"
    VALUE_ON = "value_on"
    AMOUNT = "amount"
    DEBIT = "debit"
    CREDIT = "credit"
    FLAG = "flag"
    BALANCE = "balance"
    BALANCE_FLAG = "balance_flag"
    CURRENCY = "currency"
    BANK_REFERENCE = "bank_reference"
    END_TO_END_ID = "end_to_end_id"
    CUSTOMER_REFERENCE = "customer_reference"
    REFERENCE = "reference"
    PARTY_NAME = "party_name"
    PAYER = "payer"
    PAYEE = "payee"
    PARTY_ACCOUNT = "party_account"
    VIRTUAL_ACCOUNT = "virtual_account"
    CHEQUE_NUMBER = "cheque_number"
    MANDATE = "mandate"
    CODE = "code"
    TEXT = "text"
    STATUS = "status"
    IGNORED = "ignored"


COLUMN_WORDS = {
    Column.BOOKED_ON: _("booking date"),
    Column.VALUE_ON: _("value date"),
    Column.AMOUNT: _("amount"),
    Column.DEBIT: _("money out"),
    Column.CREDIT: _("money in"),
    Column.FLAG: _("mark for in or out"),
    Column.BALANCE: _("balance after the entry"),
    Column.BALANCE_FLAG: _("mark of the balance"),
    Column.CURRENCY: _("currency"),
    Column.BANK_REFERENCE: _("bank's reference"),
    Column.END_TO_END_ID: _("end-to-end id"),
    Column.CUSTOMER_REFERENCE: _("customer's reference"),
    Column.REFERENCE: _("structured reference"),
    Column.PARTY_NAME: _("who paid or was paid"),
    Column.PAYER: _("who paid"),
    Column.PAYEE: _("who was paid"),
    Column.PARTY_ACCOUNT: _("their account"),
    Column.VIRTUAL_ACCOUNT: _("virtual account"),
    Column.CHEQUE_NUMBER: _("cheque number"),
    Column.MANDATE: _("mandate"),
    Column.CODE: _("kind of entry"),
    Column.TEXT: _("text"),
    Column.STATUS: _("booked or pending"),
    Column.IGNORED: _("not used"),
}
SEVERAL = (Column.TEXT, Column.IGNORED)  # a file may have more than one of these


class DateOrder(StrEnum):
    """ROC: years counted from 1911, as Taiwan's banks write them."""

    OPEN = ""
    DMY = "dmy"
    MDY = "mdy"
    YMD = "ymd"
    ROC = "roc"


class Books(StrEnum):
    """Whose books the words debit and credit mean. HOLDER: debit raises the balance. A signed amount: it is turned."""

    OPEN = ""
    BANK = "bank"
    HOLDER = "holder"


class Signs(StrEnum):
    """OWN: a minus in an amount turns its side. DROPPED: the side decides alone, a minus says nothing."""

    OPEN = ""
    OWN = "own"
    DROPPED = "dropped"


class BalanceKind(StrEnum):
    """RUNNING: after each entry. CLOSING: the same figure in every row."""

    OPEN = ""
    RUNNING = "running"
    CLOSING = "closing"


class RowOrder(StrEnum):
    OPEN = ""
    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"


BRACKET = re.compile(r"[(（][^()（）]{0,6}[)）]")  # a currency, mostly


def header_key(text: str) -> str:
    """A header's words as they are compared: width, case, blanks, signs and a currency in brackets do not count."""
    bare = BRACKET.sub("", text).strip() or text
    folded = unicodedata.normalize("NFKC", bare).casefold()
    return "".join(letter for letter in folded if letter.isalnum() or letter == "?")


@dataclass(frozen=True)
class CsvProfile:
    """How one bank's export is read.

    name: stable, of a built-in one; "" for one made for an account. columns: for each kind of column the headers it
    may have, the first found counts; all found for TEXT, joined. flag_in, flag_out: what the mark column says.
    encodings: strict list tried after UTF-8, in order. currency: where the file does not say it.
    piece: width at which the bank cuts its text; pieces that full are joined without a blank.
    opening_words, closing_words, stop_words: of rows that are not entries; added to those every reader knows.
    """

    name: str = ""
    title: str = ""
    columns: Mapping[Column, Names] = field(default_factory=dict)
    encodings: Names = ()
    delimiter: str = ""
    quote: str = '"'
    date_order: DateOrder = DateOrder.OPEN
    decimal: str = ""
    books: Books = Books.OPEN
    signs: Signs = Signs.OPEN
    flag_in: Names = ()
    flag_out: Names = ()
    balance: BalanceKind = BalanceKind.OPEN
    row_order: RowOrder = RowOrder.OPEN
    currency: str = ""
    piece: int = 27
    opening_words: Names = ()
    closing_words: Names = ()
    stop_words: Names = ()

    def as_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back whole."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        plain["columns"] = {column.value: list(names) for column, names in self.columns.items()}
        return {name: list(value) if isinstance(value, tuple) else _bare(value) for name, value in plain.items()}

    @staticmethod
    def from_json(data: Any) -> "CsvProfile":
        """Read and check a stored profile. Raises BadInput that names the field."""
        return _read_profile(data)

    def check(self) -> "CsvProfile":
        """Refuse a profile by which no file could be read. Raises BadInput that names the field."""
        has = {column for column, names in self.columns.items() if names}
        if not has & {Column.BOOKED_ON, Column.VALUE_ON}:
            raise BadInput(_("Say which column is the booking date."), field="columns.booked_on")
        if not (Column.AMOUNT in has or {Column.DEBIT, Column.CREDIT} <= has):
            raise BadInput(_("Say which column is the amount, or which two are money in and out."),
                           field="columns.amount")  # fmt: skip
        if Column.AMOUNT in has and has & {Column.DEBIT, Column.CREDIT}:
            raise BadInput(_("One amount, or money in and money out: not both."), field="columns.amount")
        if Column.FLAG in has and Column.AMOUNT not in has:
            raise BadInput(_("A mark for in or out needs an amount column."), field="columns.flag")
        self._check_headers()
        return self

    def _check_headers(self) -> None:
        seen: dict[str, Column] = {}
        for column, names in self.columns.items():
            for key in map(header_key, names):
                shared = {seen.get(key), column} == {Column.FLAG, Column.BALANCE_FLAG}  # told apart by where they stand
                if key and not shared and seen.setdefault(key, column) != column:
                    raise BadInput(_("The same column is taken for two things."), field=f"columns.{column.value}")


def _bare(value: Any) -> Any:
    return value.value if isinstance(value, StrEnum) else value


def _read_profile(data: Any) -> CsvProfile:
    if not isinstance(data, Mapping):
        raise BadInput(_("A profile is a set of named fields."), field="profile")
    known = {each.name for each in fields(CsvProfile)}
    for name in data:
        if name not in known:
            raise BadInput(_("There is no such field."), field=str(name))
    given: dict[str, Any] = {}
    for name, value in data.items():
        given[name] = _read_field(name, value)
    return CsvProfile(**given).check()


ENUMS: Mapping[str, type[StrEnum]] = MappingProxyType({
    "date_order": DateOrder, "books": Books, "signs": Signs, "balance": BalanceKind, "row_order": RowOrder,
})  # fmt: skip
ONE_OF: Mapping[str, Sequence[str]] = MappingProxyType({
    "delimiter": ("", *DELIMITERS), "decimal": ("", ".", ","), "quote": ('"', "'"),
})  # fmt: skip
LISTS = ("encodings", "flag_in", "flag_out", "opening_words", "closing_words", "stop_words")


def _read_field(name: str, value: Any) -> Any:
    if name == "columns":
        return _read_columns(value)
    if name == "piece":
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 400:
            raise BadInput(_("A whole number from 1 to 400."), field=name)
        return value
    if name in LISTS:
        return _read_names(name, value)
    if not isinstance(value, str) or len(value) > 120:
        raise BadInput(_("A text of at most 120 characters."), field=name)
    if name in ENUMS:
        return _read_choice(name, value, ENUMS[name])
    if name in ONE_OF and value not in ONE_OF[name]:
        raise BadInput(_("This is not one of the choices."), field=name)
    if name == "currency" and value and not (len(value) == 3 and value.isascii() and value.isupper()):
        raise BadInput(_("Three capital letters, like EUR."), field=name)
    return value


def _read_choice(name: str, value: str, kind: type[StrEnum]) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        raise BadInput(_("This is not one of the choices."), field=name) from None


def _read_names(name: str, value: Any) -> Names:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) and len(each) <= 120 for each in value):
        raise BadInput(_("A list of texts."), field=name)
    if name == "encodings" and (unknown := [each for each in value if each not in ENCODINGS]):
        raise BadInput(_("{encoding} is not an encoding that is read here."), field=name, encoding=unknown[0])
    return tuple(value)


def _read_columns(value: Any) -> dict[Column, Names]:
    if not isinstance(value, Mapping):
        raise BadInput(_("A set of columns with their headers."), field="columns")
    columns: dict[Column, Names] = {}
    for name, headers in value.items():
        column = _read_choice(f"columns.{name}", str(name), Column)
        columns[Column(column)] = _read_names(f"columns.{name}", headers)
    return columns
