"""A CSV file as a table: which encoding, which delimiter, where the header stands and what its columns hold."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import FileRefused
from reconciliation.formats.csv_profile import DELIMITERS, SEVERAL, Column, CsvProfile, header_key
from reconciliation.formats.csv_words import FLAG_IN, FLAG_OUT, column_of, fits_word
from reconciliation.formats.source import BOMS, Source

HEAD_ROWS = 120  # the header is looked for among these
HAN = ("cp950", "big5hkscs", "big5", "gb18030")
DEFAULT_ENCODINGS = ("cp950", "big5hkscs", "cp1252")
# Readings that no text has: a Chinese letter inside a Latin word, a currency sign or broken bar before a letter.
NOT_HAN = re.compile("[A-Za-z][^\x00-\u024f\u2000-\u206f][a-z]")
NOT_WESTERN = re.compile("[¡-¿×÷]{2}|[¤¥¦¨¬¯±¶][^\\W\\d_]")
BINARY = (b"MZ", b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x7fELF", b"\x89PNG", b"\x1f\x8b", b"<?xml", b"{1:")
MINOR = frozenset((
    Column.VALUE_ON, Column.BALANCE_FLAG, Column.CURRENCY, Column.BANK_REFERENCE, Column.END_TO_END_ID, Column.IGNORED,
    Column.CUSTOMER_REFERENCE, Column.CHEQUE_NUMBER, Column.MANDATE, Column.STATUS, Column.CODE, Column.VIRTUAL_ACCOUNT,
))  # fmt: skip
Rows = Iterator[tuple[int, list[str]]]


@dataclass(frozen=True)
class Layout:
    """How one file is laid out. line: of the header. columns: index of each, several only for TEXT and IGNORED.

    unknown: headers that mean nothing here, with their index. preamble: rows above the header, with their lines.
    """

    encoding: str
    delimiter: str
    quote: str
    line: int
    header: tuple[str, ...]
    columns: Mapping[Column, tuple[int, ...]] = field(default_factory=dict)
    unknown: tuple[int, ...] = ()
    preamble: tuple[tuple[int, list[str]], ...] = ()

    def index(self, column: Column) -> int | None:
        found = self.columns.get(column)
        return found[0] if found else None


class _Lines:
    """Lines for the csv module, with their ends; remembers those of the row being read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.pending = lines, [""]

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.pending.append(line)
            yield line + "\n"


def rows(source: Source, encoding: str, delimiter: str, quote: str = '"') -> Rows:
    """All rows with the line each begins on. Raises FileRefused for a row that the end of the file cuts."""
    lines = _Lines(source.lines(encoding))
    reader = csv.reader(lines, delimiter=delimiter, quotechar=quote)
    start, last = 1, [""]
    try:
        for row in reader:
            last, lines.pending = lines.pending, []
            yield start, row
            start = reader.line_num + 1
    except csv.Error:
        raise FileRefused(_("Line {line} cannot be read as a row."), code="unreadable_row", line=start) from None
    try:
        list(csv.reader((f"{line}\n" for line in last), delimiter=delimiter, quotechar=quote, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise cut_off(start) from None


def cut_off(line: int) -> FileRefused:
    return FileRefused(_("The file ends in the middle of a row, near line {line}. Nothing of it is taken."),
                       code="truncated", line=line)  # fmt: skip


def lay_out(source: Source, profile: CsvProfile | None) -> Layout:
    """Find encoding, delimiter and header. Raises FileRefused where that cannot be done without guessing."""
    if source.head(8).startswith(BINARY) or (b"\0" in source.head() and not _has_mark(source)):
        raise FileRefused(_("This is not a bank statement of the kind CSV."), code="not_csv")
    if profile and profile.encodings:
        return _find(source, _strict_encoding(source, profile.encodings), profile)
    named = _marked_or_utf8(source)
    if named:
        return _find(source, named, profile)
    found = {name: layout for name in DEFAULT_ENCODINGS if (layout := _fits(source, name, profile))}
    families = {name in HAN: name for name in reversed(found)}
    if len(families) == 1:
        return found[families.popitem()[1]]
    raise FileRefused(
        _("The encoding of the text cannot be told from the file: choose a profile that names it. It reads: {sample}"),
        code="unknown_encoding", sample=_samples(source, tuple(families.values()) or DEFAULT_ENCODINGS),
    )  # fmt: skip


def look_at(source: Source, encoding: str = "", delimiter: str = "", line: int = 0) -> Layout:
    """The layout for a person to correct: by the encoding, delimiter and header line they gave, else found.

    At a line they gave the header may mean nothing: then no column is known. Raises FileRefused.
    """
    if not (encoding or delimiter or line):
        return lay_out(source, None)
    named = _marked_or_utf8(source) or (
        _strict_encoding(source, (encoding,)) if encoding else lay_out(source, None).encoding
    )
    for mark in (delimiter,) if delimiter else DELIMITERS:
        head = head_rows(source, named, mark, '"')
        for position, (start, row) in enumerate(head):
            if start == line and len(row) > 1:
                header = tuple(cell.strip() for cell in row)
                after = [cells for _line, cells in head[position + 1 :]]
                return Layout(named, mark, '"', line, header, known_columns(header, line, after))
    found = [layout for mark in ((delimiter,) if delimiter else DELIMITERS)
             if (layout := _find_header(source, named, mark, '"', None))]  # fmt: skip
    if not found:
        raise _no_header(source, named, (delimiter,) if delimiter else DELIMITERS, '"', None)
    return max(found, key=lambda layout: len(layout.columns))


def _has_mark(source: Source) -> bool:
    return any(source.head(4).startswith(mark) for mark, _name in BOMS)


def _marked_or_utf8(source: Source) -> str:
    """The encoding that a mark at the start or strict UTF-8 gives; "" for neither."""
    if not _has_mark(source) and not source.decodes("utf-8"):
        return ""
    return source.encoding()


def _strict_encoding(source: Source, names: Sequence[str]) -> str:
    """The first of a profile's encodings by which the whole file can be read, with nothing no text has."""
    if named := _marked_or_utf8(source):
        return named
    for name in names:
        if source.decodes(name) and _is_text(source, name):
            return name
    source.encodings = tuple(names)
    raise FileRefused(
        _("The text is not in an encoding that is expected here ({expected}). It begins: {sample}"),
        code="unknown_encoding", expected=", ".join(("utf-8", *names)), sample=_samples(source, ("ascii",)),
    )  # fmt: skip


def _is_text(source: Source, name: str) -> bool:
    wrong = NOT_HAN if name in HAN else NOT_WESTERN
    return not any(wrong.search(line) for line in source.lines(name) if not line.isascii())


def _fits(source: Source, name: str, profile: CsvProfile | None) -> Layout | None:
    """The layout under an encoding, None where it cannot be the right one: text or header read as nonsense."""
    if not source.decodes(name) or not _is_text(source, name):
        return None
    try:
        layout = _find(source, name, profile)
    except FileRefused:
        return None
    nonsense = any(not layout.header[index].isascii() for index in layout.unknown)
    return None if nonsense else layout


def _samples(source: Source, names: Sequence[str]) -> str:
    lines = [line for line in source.head(4096).splitlines() if not line.isascii()][:3]
    return " / ".join(line.decode(name, "backslashreplace")[:100] for name in names for line in lines)[:700]


def _find(source: Source, encoding: str, profile: CsvProfile | None) -> Layout:
    """The header under an encoding, with the delimiter that makes most of it."""
    said = _said_delimiter(source, encoding)
    choices = [profile.delimiter] if profile and profile.delimiter else [said] if said else list(DELIMITERS)
    quote = profile.quote if profile else '"'
    found = [layout for mark in choices if (layout := _find_header(source, encoding, mark, quote, profile))]
    if found:
        return max(found, key=lambda layout: (len(layout.columns), -layout.line))
    raise _no_header(source, encoding, choices, quote, profile)


def _said_delimiter(source: Source, encoding: str) -> str:
    """Spreadsheets may write "sep=;" on the first line."""
    first = next(source.lines(encoding), "").strip().casefold()
    return first[4] if first.startswith("sep=") and len(first) == 5 else ""


def head_rows(source: Source, encoding: str, delimiter: str, quote: str) -> list[tuple[int, list[str]]]:
    """The first rows; fewer where one of them cannot be read, which is said when the file is."""
    head: list[tuple[int, list[str]]] = []
    with suppress(FileRefused):
        head.extend(islice(rows(source, encoding, delimiter, quote), HEAD_ROWS))
    return head


def _find_header(source: Source, encoding: str, mark: str, quote: str, profile: CsvProfile | None) -> Layout | None:
    head = head_rows(source, encoding, mark, quote)
    for position, (line, row) in enumerate(head):
        header = tuple(cell.strip() for cell in row)
        after = [cells for _line, cells in head[position + 1 :]]
        columns = _columns(header, line, after, profile)
        if is_enough(columns) and not (profile and Column.FLAG in profile.columns and Column.FLAG not in columns):
            used = {index for indexes in columns.values() for index in indexes}
            unknown = tuple(i for i, cell in enumerate(header) if cell and i not in used)
            return Layout(encoding, mark, quote, line, header, columns, unknown, tuple(head[:position]))
    return None


def _columns(
    header: Sequence[str], line: int, after: Sequence[Sequence[str]], profile: CsvProfile | None
) -> dict[Column, tuple[int, ...]]:
    if not profile:
        return known_columns(header, line, after)
    columns = match_columns(header, line, profile)
    if profile.name and is_enough(columns):
        with suppress(FileRefused):
            columns = with_known(columns, known_columns(header, line, after))
    return columns


def with_known(
    columns: Mapping[Column, tuple[int, ...]], known: Mapping[Column, tuple[int, ...]]
) -> dict[Column, tuple[int, ...]]:
    """A built-in profile's columns and, of what else the vocabulary knows in the header, what does not touch them."""
    used = {index for found in columns.values() for index in found}
    more = {column: tuple(i for i in found if i not in used) for column, found in known.items() if column in MINOR}
    ignored = tuple(dict.fromkeys((*columns.get(Column.IGNORED, ()), *more.get(Column.IGNORED, ()))))
    return {**{column: found for column, found in more.items() if found}, **columns} | (
        {Column.IGNORED: ignored} if ignored else {}
    )


def is_enough(columns: Mapping[Column, object]) -> bool:
    """Whether these columns make a statement: a date and an amount."""
    dated = Column.BOOKED_ON in columns or Column.VALUE_ON in columns
    return dated and (Column.AMOUNT in columns or (Column.DEBIT in columns and Column.CREDIT in columns))


def match_columns(header: Sequence[str], line: int, profile: CsvProfile) -> dict[Column, tuple[int, ...]]:
    """The columns that a profile names, where they stand in this header. Raises FileRefused for a doubled one."""
    keys = [header_key(cell) for cell in header]
    columns: dict[Column, tuple[int, ...]] = {}
    for column, names in profile.columns.items():
        found: list[int] = []
        for word in map(header_key, names):
            at = [i for i, key in enumerate(keys) if key == word or ("?" in key and word and fits_word(key, word))]
            found += [i for i in at if i not in found]
            if at and column not in SEVERAL:
                found = at
                break
        if found:
            columns[column] = tuple(found)
    return {column: _single(column, found, columns, header, line) for column, found in columns.items()}


def known_columns(
    header: Sequence[str], line: int, after: Sequence[Sequence[str]]
) -> dict[Column, tuple[int, ...]]:  # fmt: skip
    """The columns that the vocabulary knows in this header, seen with some rows below it."""
    ranked: dict[Column, list[tuple[int, int]]] = {}
    for index, cell in enumerate(header):
        if known := column_of(cell):
            ranked.setdefault(known[0], []).append((known[1], index))
    columns: dict[Column, tuple[int, ...]] = {}
    for column, found in ranked.items():
        best = min(found)[0]
        columns[column] = tuple(i for rank, i in found if column in SEVERAL or rank == best)
    if not is_enough(columns):
        return columns
    if Column.DEBIT in columns and Column.CREDIT in columns:
        columns.pop(Column.AMOUNT, None)
    else:
        columns.pop(Column.DEBIT, None)
        columns.pop(Column.CREDIT, None)
    spare = [i for rank_found in ranked.values() for _rank, i in rank_found]
    taken = {i for column, found in columns.items() for i in found if column != Column.IGNORED}
    columns[Column.IGNORED] = tuple(sorted({*columns.get(Column.IGNORED, ()), *(i for i in spare if i not in taken)}))
    columns = {column: _single(column, found, columns, header, line) for column, found in columns.items() if found}
    _find_flag(header, columns, after)
    return columns


def _single(
    column: Column, found: tuple[int, ...], columns: Mapping[Column, tuple[int, ...]], header: Sequence[str], line: int
) -> tuple[int, ...]:
    """One place for a column that may stand once; of doubled marks and currencies, the one beside the amount."""
    if column in SEVERAL or len(found) == 1:
        return found
    amount = columns.get(Column.AMOUNT, columns.get(Column.CREDIT, (-2,)))[0]
    beside = [i for i in found if i == amount + 1]
    if column in (Column.FLAG, Column.CURRENCY, Column.BALANCE_FLAG) and beside:
        rest = [i for i in found if i != amount + 1]
        return tuple(rest[:1] if column == Column.BALANCE_FLAG else beside)
    raise FileRefused(_('Column "{column}" occurs twice (line {line}).'), code="doubled_column",
                      column=header[found[0]] or str(found[0] + 1), line=line)  # fmt: skip


def _find_flag(header: Sequence[str], columns: dict[Column, tuple[int, ...]], after: Sequence[Sequence[str]]) -> None:
    """A column without a name, or of the kind of entry, that says in or out and nothing else."""
    amount = columns.get(Column.AMOUNT)
    balance = columns.get(Column.BALANCE)
    if amount is None:
        return
    places = [columns.get(Column.CODE, (-1,))[0], amount[0] + 1]
    for place in places if Column.FLAG not in columns else []:
        named = 0 <= place < len(header) and header[place] and place != places[0]
        marks = {mark_key(row[place]) for row in after if 0 <= place < len(row) and row[place].strip()}
        if not named and marks and marks <= FLAG_IN | FLAG_OUT:
            columns[Column.FLAG] = (place,)
            if columns.get(Column.CODE) == (place,):
                del columns[Column.CODE]
            break
    place = balance[0] + 1 if balance else len(header)
    said = header_key(header[place]) if place < len(header) and columns.get(Column.FLAG) != (place,) else ""
    if said in ("drcr", "crdr", "dc", "sh") and Column.BALANCE_FLAG not in columns:
        columns[Column.BALANCE_FLAG] = (place,)


def mark_key(cell: str) -> str:
    return cell.strip().casefold().strip(".()")


def _no_header(
    source: Source, encoding: str, choices: Sequence[str], quote: str, profile: CsvProfile | None
) -> FileRefused:
    """Which column is missing, said of the row that looks most like a header."""
    best: tuple[int, int, dict[Column, tuple[int, ...]]] = (0, 1, {})
    empty = True
    for mark in choices:
        head = head_rows(source, encoding, mark, quote)
        for position, (line, row) in enumerate(head):
            empty = empty and not any(cell.strip() for cell in row)
            after = [cells for _line, cells in head[position + 1 :]]
            found = match_columns(row, line, profile) if profile else known_columns(row, line, after)
            best = max(best, (len(found), line, found), key=lambda each: (each[0], -each[1]))
    if empty:
        return FileRefused(_("The file has no lines."), code="empty_file")
    if best[0] < 2:
        sample = " / ".join(line[:120] for line in islice(source.lines(encoding), 3))
        return FileRefused(_("No row names the columns of a bank statement. It begins: {sample}"),
                           code="no_header", sample=sample)  # fmt: skip
    if profile and is_enough(best[2]):
        return missing_column(profile.columns[Column.FLAG][0], best[1])
    missing = Column.AMOUNT if Column.BOOKED_ON in best[2] or Column.VALUE_ON in best[2] else Column.BOOKED_ON
    if missing == Column.AMOUNT and Column.DEBIT in best[2]:
        missing = Column.CREDIT
    elif missing == Column.AMOUNT and (Column.CREDIT in best[2] or (profile and Column.DEBIT in profile.columns)):
        missing = Column.DEBIT
    names = profile.columns.get(missing, ()) if profile else ()
    return missing_column(names[0] if names else _ENGLISH[missing], best[1])


_ENGLISH = {Column.AMOUNT: "Amount", Column.BOOKED_ON: "Date", Column.DEBIT: "Debit", Column.CREDIT: "Credit"}


def missing_column(name: str, line: int) -> FileRefused:
    return FileRefused(_('Column "{column}" is missing (line {line}).'), code="missing_column", column=name, line=line)


def is_csv(source: Source) -> bool:
    """Whether some row of this start of a file names columns of a bank statement, in any encoding known here.

    Also true where one is missing or doubled: the reader then says which.
    """
    if source.head(8).startswith(BINARY):
        return False
    named = _marked_or_utf8(source)
    for name in (named,) if named else DEFAULT_ENCODINGS:
        try:
            _find(source, name, None)
            return True
        except FileRefused as refusal:
            if refusal.code in ("missing_column", "doubled_column"):
                return True
        except UnicodeError:
            continue
    return False
