"""The reading room: one file of any format, read in a stream, counted, proved by its own balances, judged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _

from reconciliation.formats import csv_bank
from reconciliation.formats.base import Entry, FileRefused, Kind, Piece, Problem, Statement
from reconciliation.formats.counting import Figures, Sums
from reconciliation.formats.csv_builtin import BUILTIN
from reconciliation.formats.csv_profile import CsvProfile
from reconciliation.formats.detecting import AUTO, Format, detect
from reconciliation.formats.source import MOST_ENTRIES, Source, too_large

CSV = "csv"
MOST_PROBLEMS = 1_000  # of one statement; half of them may be notes


class Verdict(StrEnum):
    """accept: nothing to say. flag: it can be taken, and somebody must look. reject: nothing of it is taken."""

    ACCEPT = "accept"
    FLAG = "flag"
    REJECT = "reject"


@dataclass(slots=True)
class StatementRead:
    """A statement with what was counted of it. balance_ties: None without both balances."""

    statement: Statement
    figures: Figures = field(default_factory=Figures)
    undated: int = 0
    foreign: int = 0  # entries in another currency than the statement

    @property
    def sums(self) -> Sums:
        return self.figures.all(self.statement.flips_reversals)

    @property
    def booked(self) -> Sums:
        return self.figures.booked(self.statement.flips_reversals)

    @property
    def balance_ties(self) -> bool | None:
        return self.figures.ties(self.statement)


class Reading:
    """One file being read. Statements are kept, entries pass by.

    Once `pieces` has ended, `statements`, `problems`, `verdict` and the sums are complete. A FileRefused out of
    `pieces` means that nothing of the file may be stored.
    """

    def __init__(self, source: Source, found: Format, profile: CsvProfile | None = None) -> None:
        self.source, self.format = source, found.name
        self.statements: list[StatementRead] = []
        self.entries = 0
        self._found, self._profile = found, profile

    def pieces(self) -> Iterator[Piece]:
        """Each statement before its entries; a statement is complete when the next one comes, or at the end.

        Raises FileRefused, also after many entries have passed: too many, broken off, nothing in it.
        """
        latest: StatementRead | None = None
        try:
            for piece in self._read():
                if isinstance(piece, Statement):
                    self._close(latest)
                    latest = StatementRead(piece)
                    self.statements.append(latest)
                else:
                    assert latest is not None, "an entry before its statement"
                    self._count(piece, latest)
                yield piece
        except UnicodeError:
            raise self._breaks_off() from None
        self._close(latest)
        self._refuse_nothing()

    @property
    def problems(self) -> list[Problem]:
        """Of the file, then of each statement in turn."""
        return [*self.source.problems, *(problem for one in self.statements for problem in one.statement.problems)]

    @property
    def verdict(self) -> Verdict:
        return Verdict.FLAG if any(problem.flags for problem in self.problems) else Verdict.ACCEPT

    @property
    def sums(self) -> Sums:
        """Of every entry of the file, pending ones too."""
        whole = Sums()
        for one in self.statements:
            whole += one.sums
        return whole

    @property
    def unreadable(self) -> int:
        return sum(one.figures.unreadable for one in self.statements)

    def _read(self) -> Iterator[Piece]:
        if self.format == CSV:
            return csv_bank.read(self.source, self._profile)
        return self._found.read(self.source)

    def _count(self, entry: Entry, latest: StatementRead) -> None:
        self.entries += 1
        if self.entries > MOST_ENTRIES:
            raise too_large()
        latest.figures.add(entry)
        if entry.booked_on is None and entry.value_on is None:
            latest.undated += 1
        currency = latest.statement.currency
        if currency and entry.currency and entry.currency not in currency:
            latest.foreign += 1
        if len(latest.statement.problems) > MOST_PROBLEMS:
            _keep_few(latest.statement)

    def _close(self, latest: StatementRead | None) -> None:
        """What only the whole statement tells: unreadable amounts, days, and whether its balances tie."""
        if latest is None:
            return
        statement, figures = latest.statement, latest.figures
        has_flag = any(problem.flags for problem in statement.problems)
        if figures.unreadable and not has_flag:
            statement.flag("unreadable_amount", _("{count} amounts cannot be read."), count=figures.unreadable)
        if latest.undated and statement.kind in (Kind.STATEMENT, Kind.INTERIM):
            statement.note("undated", _("{count} entries have no day."), count=latest.undated)
        if latest.foreign:
            statement.note(
                "other_currency", _("{count} entries are in another currency than {currency}."), count=latest.foreign,
                currency=statement.currency,
            )  # fmt: skip
        if latest.balance_ties is False:
            statement.flag(
                "does_not_tie", _("Opening {opening} plus entries {net} is {reached}, but it closes at {closing}."),
                opening=statement.opening, net=latest.booked.net, closing=statement.closing,
                reached=(statement.opening or Decimal(0)) + latest.booked.net,
            )  # fmt: skip

    def _refuse_nothing(self) -> None:
        """No entries is an error unless the file says so itself, or something else was said of it already.

        A statement of a known account with a balance may be one of a quiet day: for a person to see.
        """
        if self.entries or self.verdict is Verdict.FLAG:
            return
        statements = [one.statement for one in self.statements]
        if any(one.statement.says_empty or one.balance_ties for one in self.statements):
            return
        if not any(one.account and (one.opening, one.closing) != (None, None) for one in statements):
            raise FileRefused(_("The file has no lines."), code="no_entries")
        statements[0].flag("no_entries", _("It has no entries and does not say that there are none."))

    def _breaks_off(self) -> FileRefused:
        return FileRefused(
            _("After entry {count} the text breaks off or is in another encoding."), code="unknown_encoding",
            count=self.entries,
        )  # fmt: skip


def _keep_few(statement: Statement) -> None:
    """A file with a problem in every line needs not tell each; what flags is not pushed out by what does not."""
    half = MOST_PROBLEMS // 2
    flagging = [problem for problem in statement.problems if problem.flags][:half]
    statement.problems[:] = flagging + [problem for problem in statement.problems if not problem.flags][:half]


def open_reading(
    file: BinaryIO,
    name: str = "",
    *,
    format: str = AUTO,
    profile: CsvProfile | str | None = None,
    encodings: Sequence[str] = (),
) -> Reading:
    """Begin to read a file of a bank. Nothing is stored, nothing is kept but statements.

    file: seekable. name: as it was given, for messages. format: "auto", or the name of one. profile: how to read a
    CSV of this account, or the name of a built-in one. encodings: what may be tried where the text is not UTF-8.
    Raises FileRefused for what cannot be a bank's file; BadInput for an unknown format.
    """
    source = Source(file, name, encodings)
    found = detect(source, format, has_profile=isinstance(profile, CsvProfile))
    return Reading(source, found, find_profile(profile, source) if found.name == CSV else None)


def find_profile(profile: CsvProfile | str | None, source: Source) -> CsvProfile | None:
    """A profile by its name; one that there is not is told of, and the file is read by what it proves."""
    if not isinstance(profile, str):
        return profile
    if profile and profile not in BUILTIN:
        sentence = _("There is no CSV profile {name}; the file was read by what it proves itself.")
        source.problems.append(Problem("unknown_profile", sentence, "", False, {"name": profile}))
    return BUILTIN.get(profile)
