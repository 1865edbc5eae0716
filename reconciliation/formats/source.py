"""The bytes of a bank file: bounded before they are read, decoded by rule and never by guess (F33-F36)."""

import codecs
import unicodedata
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from django.utils.translation import gettext_lazy as _

from reconciliation.formats.base import FileRefused, Problem

LARGEST = 50_000_000
MOST_ENTRIES = 200_000
MOST_LINES = 2_000_000  # an entry takes several lines in some formats
LONGEST_LINE = 65_536
CHUNK = 1 << 16
BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Source:
    """A seekable file of bytes, with its name and the encodings that may be tried after UTF-8, in order.

    problems: what there is to say of the file as a whole. Raises FileRefused for what is empty or too large.
    """

    def __init__(self, file: BinaryIO, name: str = "", encodings: Sequence[str] = ()) -> None:
        self.file, self.name, self.encodings = file, name, tuple(encodings)
        self.problems: list[Problem] = []
        file.seek(0, 2)
        self.size = file.tell()
        file.seek(0)
        if not self.size:
            raise FileRefused(_("The file has no lines."), code="empty_file")
        if self.size > LARGEST:
            raise too_large()

    def head(self, length: int = 4096) -> bytes:
        """The first bytes; the place of reading goes back to the start."""
        self.file.seek(0)
        start = self.file.read(length)
        self.file.seek(0)
        return start

    def tail(self, length: int = 4096) -> bytes:
        """The last bytes; the place of reading goes back to the start."""
        self.file.seek(max(0, self.size - length))
        end = self.file.read(length)
        self.file.seek(0)
        return end

    def chunks(self) -> Iterator[bytes]:
        """All bytes, from the start."""
        self.file.seek(0)
        while chunk := self.file.read(CHUNK):
            yield chunk

    def byte_lines(self) -> Iterator[bytes]:
        """Lines without their ends, whichever ends they have. Raises FileRefused past the bounds."""
        count = 0
        for line in self._returned_lines() if b"\n" not in self.head(CHUNK) else self._fed_lines():
            if len(line) > LONGEST_LINE:
                raise too_large()
            for part in line.rstrip(b"\n").removesuffix(b"\r").split(b"\r"):
                count += 1
                if count > MOST_LINES:
                    raise too_large()
                yield part

    def _fed_lines(self) -> Iterator[bytes]:
        self.file.seek(0)
        while line := self.file.readline(LONGEST_LINE + 1):
            yield line

    def _returned_lines(self) -> Iterator[bytes]:
        """Of a file whose lines end in carriage returns alone."""
        waiting = b""
        for chunk in self.chunks():
            *lines, waiting = (waiting + chunk.replace(b"\n", b"\r")).split(b"\r")
            yield from lines
            if len(waiting) > LONGEST_LINE:
                raise too_large()
        if waiting:
            yield waiting

    def encoding(self) -> str:
        """BOM, else strict UTF-8, else the first of `encodings` that decodes the whole file without a fault.

        Reads the file through once. Raises FileRefused where none fits, with a sample of up to three lines.
        """
        start = self.head(4)
        for mark, name in BOMS:
            if start.startswith(mark):
                return "utf-8-sig" if name == "utf-8" else name
        for name in ("utf-8", *self.encodings):
            if self.decodes(name):
                return name
        raise FileRefused(
            _("The text is not in an encoding that is expected here ({expected}). It begins: {sample}"),
            code="unknown_encoding", expected=", ".join(("utf-8", *self.encodings)), sample=self._sample(),
        )  # fmt: skip

    def lines(self, encoding: str | None = None) -> Iterator[str]:
        """Text lines (NFC) without their ends. Raises FileRefused past the bounds, or for an unfit encoding."""
        name = encoding or self.encoding()
        if name.startswith(("utf-16", "utf-32")):
            yield from self._wide_lines(name)
            return
        first = True
        for line in self.byte_lines():
            if first and name == "utf-8-sig":
                line = line.removeprefix(codecs.BOM_UTF8)
            first = False
            yield unicodedata.normalize("NFC", line.decode("utf-8" if name == "utf-8-sig" else name))

    def _wide_lines(self, name: str) -> Iterator[str]:
        """UTF-16 and UTF-32: their line ends are not single bytes."""
        self.file.seek(0)
        reader = codecs.getreader(name)(self.file)
        count = 0
        while line := reader.readline(LONGEST_LINE + 1):
            count += 1
            if count > MOST_LINES or len(line) > LONGEST_LINE:
                raise too_large()
            yield unicodedata.normalize("NFC", line.rstrip("\r\n"))

    def decodes(self, name: str) -> bool:
        """Whether the whole file can be read by this encoding without a fault."""
        decoder = codecs.getincrementaldecoder(name)()
        try:
            for chunk in self.chunks():
                decoder.decode(chunk)
            decoder.decode(b"", True)
        except UnicodeDecodeError:
            return False
        return True

    def _sample(self) -> str:
        lines = self.head(600).decode("ascii", "backslashreplace").splitlines()[:3]
        return " / ".join(line[:120] for line in lines)


def too_large() -> FileRefused:
    return FileRefused(
        _("At most {megabytes} MB / {lines} lines, and {longest} KB in one line."), code="too_large",
        megabytes=LARGEST // 1_000_000, lines=f"{MOST_ENTRIES:,}", longest=LONGEST_LINE // 1024,
    )  # fmt: skip
