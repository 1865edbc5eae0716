"""Which format a file is of: by what is in it, never by its name alone (bad inputs 75, 76)."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from reconciliation.formats import (
    bai2,
    camt,
    csv_bank,
    india,
    india_nach,
    lockbox,
    mt940,
    nacha,
    ofx,
    pain002,
    taiwan,
    taiwan_ach,
)
from reconciliation.formats.base import FileRefused, Reader
from reconciliation.formats.source import BOMS, Source
from reconciliation.formats.xml_stream import doctype_refused, has_doctype, is_xml

HEAD = 65_536
AUTO = "auto"
TABLES = (".csv", ".txt", ".tsv", ".xls")  # ".xls" of banks is often text
KINDS = "camt.052, camt.053, camt.054, pain.002, MT940, MT942, BAI2, lockbox, OFX, NACHA, CSV, ACH P01/R01, MIS"
# What a file begins with that is no text at all.
SIGNATURES = (
    (b"MZ", _("a program")), (b"\x7fELF", _("a program")), (b"PK\x03\x04", _("a ZIP archive or a workbook")),
    (b"PK\x05\x06", _("a ZIP archive or a workbook")), (b"\xd0\xcf\x11\xe0", _("an Office document")),
    (b"\x1f\x8b", _("a compressed file")), (b"BZh", _("a compressed file")), (b"7z\xbc\xaf", _("a compressed file")),
    (b"Rar!", _("a compressed file")), (b"\xfd7zXZ", _("a compressed file")), (b"\x89PNG", _("a picture")),
    (b"\xff\xd8\xff", _("a picture")), (b"GIF8", _("a picture")), (b"{\\rtf", _("an Office document")),
    (b"%PDF-", _("a PDF")), (b"<html", _("a web page")), (b"<!doctype html", _("a web page")),
    (b"<script", _("a web page")),
)  # fmt: skip
# A PDF may begin a little further on. One sign alone may stand in what a payer wrote, who must not stop a file by it.
PDF, PDF_END = b"%PDF-", b"%%EOF"
ZIP_END = b"PK\x05\x06"
FURTHEST_ZIP_END = 66_000
# Control characters that banks do write: start and end of text, tab, line ends, form feed, end of file, separators.
HARMLESS = frozenset({1, 2, 3, 4, 9, 10, 11, 12, 13, 26, 27, 28, 29, 30, 31})


PADDING = b"\0\x1a \r\n"  # at the end of what comes from a mainframe


@dataclass(frozen=True, slots=True)
class Format:
    """name: as commands and records write it. sniff: from the first bytes and the file's name."""

    name: str
    sniff: Callable[[bytes, str], bool]
    read: Reader


def _camt(name: str) -> Format:
    return Format(name, lambda head, _name: camt.message_of(head) == name, camt.read)


# In the order in which they are asked: what cannot be mistaken first, anything with columns last.
FORMATS = (
    *(_camt(name) for name in camt.MESSAGES),
    Format("pain002", pain002.sniff, pain002.read), Format("ofx", ofx.sniff, ofx.read),
    Format("mt942", mt940.sniff_942, mt940.read), Format("mt940", mt940.sniff, mt940.read),
    Format("bai2", bai2.sniff, bai2.read), Format("tw_ach", taiwan_ach.sniff, taiwan_ach.read),
    Format("in_nach", lambda head, _name: india_nach.sniff(head), india.read),
    Format("nacha", nacha.sniff, nacha.read), Format("lockbox", lockbox.sniff, lockbox.read),
    Format("tw_virtual_account", taiwan.sniff, taiwan.read),
    Format("in_mis", india.sniff, india.read),
    Format("csv", csv_bank.sniff, csv_bank.read),
)  # fmt: skip


def detect(source: Source, wanted: str = AUTO, *, has_profile: bool = False) -> Format:
    """The format of a file. wanted: its name, where a person or a profile has said so.

    has_profile: it is said how this account's CSV files are read, whatever words their header has.

    Raises FileRefused for what is no statement of any kind; BadInput for a name that there is not.
    """
    head = source.head(HEAD)
    refuse_foreign(source, head)
    if wanted != AUTO:
        return named(wanted)
    lines = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = next((one for one in FORMATS if one.sniff(lines, source.name)), None)
    if found is None and has_profile and source.name.casefold().endswith(TABLES):
        return named("csv")
    if found is None:
        raise not_a_statement()
    return found


def named(name: str) -> Format:
    for one in FORMATS:
        if one.name == name:
            return one
    raise BadInput(
        _("There is no format {name}; there are {names}."), field="format", name=name,
        names=", ".join([AUTO, *(one.name for one in FORMATS)]),
    )  # fmt: skip


def refuse_foreign(source: Source, head: bytes) -> None:
    """Nothing in it, no text, or text that is something else as well: a PDF, an archive, a page, a DOCTYPE."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if len(text) < 2:
        raise FileRefused(_("The file has no lines."), code="empty_file")
    start, tail = text[:16].lower(), source.tail(FURTHEST_ZIP_END)
    for mark, what in SIGNATURES:
        if (head.startswith(mark) or start.startswith(mark.lower())) and (mark != b"MZ" or b"\0" in head):
            raise not_a_statement(what)
    if PDF in head[:1024] and PDF_END in tail[-2048:]:
        raise not_a_statement(_("a PDF"))
    if ZIP_END in tail:
        raise not_a_statement(_("a ZIP archive or a workbook"))
    if is_xml(head) and has_doctype(head):
        raise doctype_refused()
    if not _is_wide(head) and any(byte < 32 and byte not in HARMLESS for byte in set(head.rstrip(PADDING))):
        raise not_a_statement(_("not a text"))


def not_a_statement(what: object = None) -> FileRefused:
    if what is None:
        return FileRefused(_("Not a bank statement of the kind {kinds}."), code="not_a_statement", kinds=KINDS)
    return FileRefused(
        _("Not a bank statement of the kind {kinds}. It is {what}."), code="not_a_statement", kinds=KINDS, what=what
    )


def _is_wide(head: bytes) -> bool:
    marks = tuple(mark for mark, name in BOMS if name != "utf-8")
    return head.startswith(marks) or (is_xml(head) and head[:2] in (b"<\0", b"\0<"))
