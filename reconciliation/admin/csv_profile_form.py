"""The mapping form of a CSV profile: what is posted, as a profile; a profile, as what the form shows."""

import base64
import binascii
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.admin.working import Field, Form
from billing.errors import BadInput, Sentence
from reconciliation.formats.csv_profile import COLUMN_WORDS, ENCODINGS, Column, CsvProfile, Names

KINDS = frozenset(column.value for column in Column)
LARGEST_SAMPLE = 262_144  # of a file, as it travels with the form
LONGEST_HIDDEN = 600_000
OPEN = _("decided over all rows")
Choices = Iterable[tuple[str, Sentence]]
DELIMITERS: Choices = (
    ("", _("found by itself")), (",", _("comma")), (";", _("semicolon")), ("\t", _("tab")), ("|", _("bar")),
)  # fmt: skip
ORDERS: Choices = (
    ("", OPEN), ("dmy", _("day, month, year")), ("mdy", _("month, day, year")), ("ymd", _("year, month, day")),
    ("roc", _("year of the Republic, month, day")),
)  # fmt: skip
DECIMALS: Choices = (("", OPEN), (".", _("point: 1,234.50")), (",", _("comma: 1.234,50")))
BOOKS: Choices = (
    ("", _("by the balance")), ("bank", _("debit takes money out")), ("holder", _("debit brings money in")),
)  # fmt: skip
SIGNS: Choices = (
    ("", _("by the balance")), ("own", _("a minus turns the side")), ("dropped", _("a minus says nothing")),
)  # fmt: skip
ROWS: Choices = (
    ("", _("by the balance and the dates")), ("oldest_first", _("oldest first")), ("newest_first", _("newest first")),
)  # fmt: skip


def reading_form() -> Form:
    """How cells are read. Field names are those of a profile, so that its refusals find their place."""
    return Form([
        Field("encodings", _("Encoding"), "select", required=False,
              choices=(("", _("found by itself")), *((name, name) for name in ENCODINGS[1:]))),
        Field("delimiter", _("Columns are parted by"), "select", required=False, choices=DELIMITERS),
        Field("line", _("Line of the header"), required=False, longest=6, help=_("Empty: found by its words.")),
        Field("date_order", _("Dates"), "select", required=False, choices=ORDERS),
        Field("decimal", _("Decimal sign"), "select", required=False, choices=DECIMALS),
        Field("books", _("Debit and credit"), "select", required=False, choices=BOOKS),
        Field("signs", _("Minus signs"), "select", required=False, choices=SIGNS),
        Field("row_order", _("Rows"), "select", required=False, choices=ROWS),
        Field("currency", _("Currency, where the file does not say it"), required=False, longest=3),
    ])  # fmt: skip


def fill(form: Form, profile: CsvProfile) -> None:
    """Show a profile in the form; the line of the header stays as it was typed."""
    data = profile.as_json()
    for field in form.fields:
        if field.name == "encodings":
            field.value = profile.encodings[0] if profile.encodings else ""
        elif field.name != "line":
            field.value = str(data[field.name])


def columns_posted(header: Sequence[str], posted: Mapping[str, Any]) -> dict[Column, Names]:
    """What each column of the sample was taken for. Raises BadInput for an unknown kind, or one taken twice."""
    columns: dict[Column, Names] = {}
    for index, name in enumerate(header):
        chosen = str(posted.get(f"col_{index}", ""))
        if not chosen:
            continue
        if chosen not in KINDS:
            raise BadInput(_("This is not one of the choices."), field=f"col_{index}")
        column = Column(chosen)
        if column in columns and column not in (Column.TEXT, Column.IGNORED):
            raise BadInput(_("Two columns are taken for {kind}; only one can be."), field=f"col_{index}",
                           kind=COLUMN_WORDS[column])  # fmt: skip
        columns[column] = (*columns.get(column, ()), name)
    return columns


def profile_posted(form: Form, columns: Mapping[Column, Names], before: CsvProfile) -> CsvProfile:
    """The profile as the person left it. Raises BadInput that names the field."""
    data = before.as_json() | {"name": "", "columns": {column.value: list(names) for column, names in columns.items()}}
    for field in form.fields:
        if field.name == "encodings":
            data["encodings"] = [field.value] if field.value else []
        elif field.name == "currency":
            data["currency"] = field.value.strip().upper()
        elif field.name != "line":
            data[field.name] = field.value
    return CsvProfile.from_json(data)


def pack(sample: bytes) -> str:
    """A sample as a form carries it from look to look; a long one loses rows at its end."""
    if len(sample) > LARGEST_SAMPLE:
        sample = sample[: sample.rfind(b"\n", 0, LARGEST_SAMPLE) + 1]
    return base64.b64encode(zlib.compress(sample)).decode("ascii")


def unpack(text: str) -> bytes:
    """Raises BadInput for what is no sample of ours, or a larger one."""
    try:
        packed = base64.b64decode(text[:LONGEST_HIDDEN], validate=True)
        opener = zlib.decompressobj()
        sample = opener.decompress(packed, LARGEST_SAMPLE)
    except (binascii.Error, ValueError, zlib.error):
        sample = b""
    if not sample:
        raise BadInput(_("Choose a sample of the bank's file."), field="file", code="required")
    return sample
