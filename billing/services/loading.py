"""Reading files of rows by column name: what cannot be read is refused as a row, an unreadable file as a whole."""

import codecs
import csv
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError

LARGEST_FILE = 256 * 1024 * 1024
LONGEST_ROW = 20_000
T = TypeVar("T")


class UnreadableFile(DomainError):
    """Nothing of the file was taken."""

    code = "unreadable_file"


@dataclass(frozen=True)
class FileRow:
    """A row as written: line is where it begins in the file, values are trimmed text by column name."""

    line: int
    values: dict[str, str]

    def text(self, column: str) -> str:
        return self.values.get(column, "")


@dataclass(frozen=True)
class BadRow:
    """A row that was not taken: where, which column, why, and what was written."""

    line: int
    reason: str
    values: dict[str, str]
    column: str = ""

    @property
    def raw(self) -> str:
        """What was written, on one line, without characters that a terminal would obey."""
        text = ",".join(self.values.values())
        return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") else c for c in text)[:200]


@dataclass(frozen=True)
class ChangedRow:
    """A row loaded before that now says something else; what was loaded stays."""

    row: FileRow
    key: str
    column: str
    old: str
    new: str


@dataclass
class LoadReport:
    """What became of the rows of a file. waiting: taken, but only stored until a second person agrees."""

    new: int = 0
    known: int = 0
    waiting: int = 0
    refused: list[BadRow] = field(default_factory=list)
    changed: list[ChangedRow] = field(default_factory=list)

    def add(self, other: "LoadReport") -> None:
        self.new += other.new
        self.known += other.known
        self.waiting += other.waiting
        self.refused += other.refused
        self.changed += other.changed

    @property
    def rows(self) -> int:
        return self.new + self.known + len(self.refused) + len({change.row.line for change in self.changed})


@dataclass(frozen=True)
class Sheet:
    """A file whose text and header are in order."""

    path: Path
    header: tuple[str, ...]

    def has(self, column: str) -> bool:
        return column in self.header

    def rows(self) -> Iterator[FileRow | BadRow]:
        """The rows in the order of the file; blank lines are passed over."""
        with self.path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, strict=True)
            next(reader)
            while True:
                line = reader.line_num + 1
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as trouble:
                    yield BadRow(line, str(_("The row cannot be read: {why}.")).format(why=trouble), {})
                    continue
                if any(cell.strip() for cell in cells):
                    yield self._row(line, cells)

    def _row(self, line: int, cells: Sequence[str]) -> FileRow | BadRow:
        values = dict(zip(self.header, (cell.strip() for cell in cells), strict=False))
        if len(cells) != len(self.header):
            sentence = str(_("The row has {found} columns; the header has {expected}."))
            return BadRow(line, sentence.format(found=len(cells), expected=len(self.header)), values)
        if sum(map(len, cells)) > LONGEST_ROW:
            return BadRow(line, str(_("The row is too long.")), {name: text[:40] for name, text in values.items()})
        return FileRow(line, values)


def open_sheet(path: Path, *, columns: Sequence[str], required: Sequence[str]) -> Sheet:
    """Check a CSV file before a row of it is taken: size, UTF-8, column names. Raises UnreadableFile."""
    _check_text(path)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        try:
            header = [name.strip() for name in next(csv.reader(handle, strict=True), [])]
        except csv.Error as trouble:
            raise UnreadableFile(_("Line 1: the header cannot be read: {why}."), why=trouble) from None
    if not any(header):
        raise UnreadableFile(_("The file has no lines."), code="empty_file")
    _check_header(header, columns, required)
    return Sheet(path, tuple(header))


def chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(rows)
    while chunk := list(islice(source, size)):
        yield chunk


def read_each(rows: Iterable[FileRow | BadRow], read: Callable[[FileRow], T], report: LoadReport) -> list[T]:
    """What `read` makes of each good row; the others go to the report."""
    taken = []
    for row in rows:
        if isinstance(row, BadRow):
            report.refused.append(row)
            continue
        try:
            taken.append(read(row))
        except DomainError as trouble:
            report.refused.append(refuse(row, trouble))
    return taken


def refuse(row: FileRow, trouble: DomainError) -> BadRow:
    return BadRow(row.line, str(trouble), row.values, column=trouble.field if trouble.field in row.values else "")


def read_flag(text: str, *, column: str) -> bool:
    """yes or no; empty is no. Raises BadInput."""
    word = text.casefold()
    if word in ("yes", "y", "true", "1"):
        return True
    if word in ("", "no", "n", "false", "0"):
        return False
    raise BadInput(_("Say yes or no."), field=column, code="not_a_flag")


def _check_text(path: Path) -> None:
    """The whole file is small enough and UTF-8. Raises UnreadableFile with a sample of what is not."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise UnreadableFile(_("{path} is not a file."), path=path)
        if size > LARGEST_FILE:
            raise UnreadableFile(_("The file is larger than {most} MB."), most=LARGEST_FILE // 1024 // 1024)
        with path.open("rb") as handle:
            _decode_all(handle)
    except OSError as trouble:
        raise UnreadableFile(_("{path} cannot be read: {why}."), path=path, why=trouble.strerror) from None


def _decode_all(lines: Iterable[bytes]) -> None:
    for number, line in enumerate(lines, 1):
        if number == 1 and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise UnreadableFile(_("The file is UTF-16. Save it as UTF-8 and load it again."), code="not_utf8")
        try:
            line.decode()
        except UnicodeDecodeError as trouble:
            sample = line[max(0, trouble.start - 12) : trouble.start + 12]
            sentence = _("The file is not UTF-8; line {line} has {sample}. Save it as UTF-8 and load it again.")
            raise UnreadableFile(sentence, code="not_utf8", line=number, sample=repr(sample)[2:-1]) from None


def _check_header(header: Sequence[str], columns: Sequence[str], required: Sequence[str]) -> None:
    expected = ", ".join(columns)
    unknown = [name for name in header if name not in columns]
    if unknown:
        sentence = _("Line 1: unknown column {names}. Columns are: {expected}.")
        raise UnreadableFile(sentence, code="unknown_column", names=", ".join(map(repr, unknown)), expected=expected)
    missing = [name for name in required if name not in header]
    if missing:
        raise UnreadableFile(
            _("Line 1: column {names} is missing."), code="missing_column", names=", ".join(map(repr, missing))
        )
    twice = sorted({name for name in header if list(header).count(name) > 1})
    if twice:
        raise UnreadableFile(_("Line 1: column {names} is there twice."), code="column_twice", names=", ".join(twice))
