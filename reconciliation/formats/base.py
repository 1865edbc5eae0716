"""What a bank's file says, whatever its format: the words that readers and those who use them share.

A reader is a generator over a Source. It yields each Statement before its entries and goes on filling it in; once
the generator moves on to the next statement or ends, the statement is complete. Readers never hold all entries of a
file: 200,000 of them must pass in bounded memory. A file that must not be taken raises FileRefused, at any time:
nothing may be stored before the generator has ended.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError, Sentence

if TYPE_CHECKING:
    from reconciliation.formats.source import Source


class Kind(StrEnum):
    """What a part of a file is good for. Only STATEMENT moves the bank's booked balance.

    INTERIM: intraday (camt.052, MT942, BAI2 same-day). NOTIFICATION: detail of entries that a statement has as well
    (camt.054). PAYMENTS: who paid into one deposit that the statement has as one line (lockbox, collections, MIS).
    RETURNS: what came back (NACHA returns, ACH R01, pain.002), or was corrected.
    """

    STATEMENT = "statement"
    INTERIM = "interim"
    NOTIFICATION = "notification"
    PAYMENTS = "payments"
    RETURNS = "returns"


class EntryState(StrEnum):
    BOOKED = "booked"
    PENDING = "pending"
    INFO = "info"


class FileRefused(DomainError):
    """The file is not taken; nothing of it may be stored. code: stable; the sentence names the place."""

    code = "file_refused"
    sentence = _("This is not a bank file that can be read.")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should know. flags: whether it keeps the file from being taken without a look.

    place: where, "line 12", "entry 3 of statement 2", "" for the whole. Facts fill the sentence when it is shown.
    """

    code: str
    sentence: Sentence
    place: str = ""
    flags: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        text = str(self.sentence)
        text = text.format(**self.facts) if self.facts else text
        return f"{self.place}: {text}" if self.place else text


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice that structured remittance names. Amounts in the entry's currency, None where not said."""

    number: str
    amount: Decimal | None = None
    discount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """One transaction inside a batch entry. For matching only: the entry is what moved the balance.

    amount: signed as entries are, None where the bank gives none.
    """

    amount: Decimal | None = None
    end_to_end_id: str = ""
    bank_reference: str = ""
    references: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()
    party_name: str = ""
    party_account: str = ""
    ultimate_party: str = ""
    text: str = ""
    return_code: str = ""
    original_reference: str = ""


@dataclass(slots=True)
class Entry:
    """One entry of a statement, as the bank wrote it. Text is NFC, never guessed at.

    ordinal: 1-based position in the file. place: where it stands, for messages. amount: signed, money into the
    account positive, 0 for what moves nothing (notices, prenotes); None where it cannot be read, which is a problem.
    currency: "" where the statement's holds. booked_on: the bank's booking day. code: the bank's own code of the
    kind of entry. references: structured creditor references (RF, QRR, ESR, UMRN). end_to_end_id: "" for NOTPROVIDED.
    party_*: the other side: who paid, or who was paid. ultimate_party: for whom they paid. text: remittance text,
    pieces joined without inventing blanks. is_reversal: takes an earlier entry back (RvslInd, RC/RD, REVERSAL).
    return_code: why it came back, in the scheme of the format (AC04, R01, 01). original_*: of the entry it answers.
    original_amount: before fees were taken. extra: what else the format says and a person may want to see.
    """

    ordinal: int
    place: str
    amount: Decimal | None
    booked_on: date | None = None
    value_on: date | None = None
    currency: str = ""
    state: EntryState = EntryState.BOOKED
    code: str = ""
    bank_reference: str = ""
    end_to_end_id: str = ""
    customer_reference: str = ""
    references: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()
    party_name: str = ""
    party_account: str = ""
    ultimate_party: str = ""
    text: str = ""
    virtual_account: str = ""
    cheque_number: str = ""
    mandate: str = ""
    is_reversal: bool = False
    return_code: str = ""
    original_reference: str = ""
    original_amount: Decimal | None = None
    details: tuple[Detail, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Statement:
    """One statement of a file: an account and a stretch of time. Balances signed, None where the file has none.

    account: as the file writes it, None where it says nothing. currency: ISO code, None where the file has none.
    opening, closing: booked balances (60F/60M, 62F/62M; OPBD or PRCD, CLBD; BAI2 010, 015; LEDGERBAL closes only).
    closing_available: where it differs. page, is_last_page: of one statement over several files. problems: of this
    statement; problems of the whole file go to its first statement, or to Source.problems where there is none.
    says_empty: the file itself says that it has no entries (count or totals of zero, closing equals opening).
    controls: totals as the file states them, by name, for people to see; readers check them.
    flips_reversals: entries marked as reversals carry the original's direction in this file: their sign is to be
    turned. Set once the statement is complete, because only its balances tell.
    """

    account: str | None = None
    currency: str | None = None
    kind: Kind = Kind.STATEMENT
    number: str = ""
    page: str = ""
    is_last_page: bool = True
    first_on: date | None = None
    last_on: date | None = None
    opening: Decimal | None = None
    closing: Decimal | None = None
    closing_available: Decimal | None = None
    opening_on: date | None = None
    closing_on: date | None = None
    says_empty: bool = False
    flips_reversals: bool = False
    controls: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def flag(self, code: str, sentence: Sentence, place: str = "", **facts: Any) -> None:
        """Note something that keeps the file from being taken without a look."""
        self.problems.append(Problem(code, sentence, place, True, facts))

    def note(self, code: str, sentence: Sentence, place: str = "", **facts: Any) -> None:
        """Note something worth telling that keeps nothing from going on."""
        self.problems.append(Problem(code, sentence, place, False, facts))


Piece = Statement | Entry
Pieces = Iterator[Piece]
Reader = Callable[["Source"], Pieces]
