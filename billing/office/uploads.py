"""What somebody uploads, made harmless: judged by its content, pictures drawn anew, PDFs with programs refused."""

import io
import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageFile, ImageOps

from billing.errors import BadInput, Sentence
from billing.inputs import has_bank_account, has_card_number

_STRICT = Lock()
LARGEST = 5_000_000
MEGABYTE = 1_000_000
MOST_PIXELS = 40_000_000
LONGEST_NAME = 120
JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
SUFFIXES = {JPEG: ".jpg", PNG: ".png", PDF: ".pdf"}
FORMATS = ("PNG", "JPEG", "WEBP", "HEIF")  # the last only where the machine can read it
JPEG_QUALITY = 90
# A picture has a dozen scans; one of thousands is small and takes minutes to draw.
SCAN, MOST_SCANS = b"\xff\xda", 100
# What damaged files make the picture library raise.
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    AssertionError,
    struct.error,
    zlib.error,
)

PROGRAMS = re.compile(rb"/(JavaScript|Launch|EmbeddedFiles?|RichMedia|Rendition|XFA)(?![A-Za-z0-9_])")
SCRIPT = re.compile(rb"/JS(?![A-Za-z0-9_])")
ENCRYPTED = re.compile(rb"/Encrypt(?![A-Za-z0-9_])")
ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
STREAM = re.compile(rb"(?<!end)stream\r?\n?")
# Objects packed together are announced so, and begin with pairs of whole numbers.
PACKED = re.compile(rb"/(ObjStm|First)(?![A-Za-z0-9_])")
PACKED_START = re.compile(rb"\s*\d+\s+\d+\s")
END = 2048
# Bounds of the search, far beyond what an honest file of this size has.
MOST_UNPACKED, MOST_STREAMS, LONGEST_HEAD, CHUNK = 20_000_000, 20_000, 4096, 16_384


def check_size(size: int, *, field: str = "document") -> None:
    """Raises BadInput: empty_file, too_large. Doors ask before they read the bytes."""
    if not size:
        raise BadInput(_("The file is empty."), field=field, code="empty_file")
    if size > LARGEST:
        tenths = -(-size * 10 // MEGABYTE)  # rounded up: never "5.0 MB" of at most 5
        sentence = _("At most {largest} MB; this file has {size} MB.")
        facts = {"largest": LARGEST // MEGABYTE, "size": f"{tenths // 10}.{tenths % 10}"}
        raise BadInput(sentence, field=field, code="too_large", **facts)


def make_safe(data: bytes, *, name: str, field: str = "document") -> tuple[bytes, str]:
    """(what may be kept, its media type). Raises BadInput: empty_file, too_large, not_a_picture, unsafe_pdf."""
    check_size(len(data), field=field)
    if data.startswith(b"%PDF-") and b"%%EOF" in data[-END:]:
        _check_pdf(data, field)
        return data, PDF
    return _drawn_anew(data, name, field)


def clean_name(name: str) -> str:
    """The last part of the path without what does not print or turns text around; never with a card number in it."""
    kept = "".join(
        " " if c.isspace() else c for c in name if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    last = unicodedata.normalize("NFC", re.split(r"[/\\]", kept)[-1])
    words = " ".join(last.split()).lstrip(".").strip()
    if not words or has_card_number(words) or has_bank_account(words):
        return str(_("document"))
    if len(words) > LONGEST_NAME:
        stem, dot, suffix = words.rpartition(".")
        tail = dot + suffix if stem and len(suffix) <= 10 else ""
        words = words[: LONGEST_NAME - len(tail)] + tail
    return words


def file_name(name: str, media_type: str) -> str:
    """The name under which it may be saved: the suffix is that of its content, whatever it was called."""
    stem, _dot, suffix = name.rpartition(".")
    return (stem if stem and suffix.isalnum() and not suffix.isdigit() else name) + SUFFIXES[media_type]


@contextmanager
def _whole_only() -> Iterator[None]:
    """Half a picture is refused, although the library that draws papers allows it for its whole process."""
    with _STRICT:
        before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def _drawn_anew(data: bytes, name: str, field: str) -> tuple[bytes, str]:
    """A new picture of the same pixels, upright: what was said about it, and what stood behind it, is gone."""
    Image.init()  # else a process that has not opened a picture yet knows no format
    try:
        with _whole_only(), Image.open(io.BytesIO(data), formats=[f for f in FORMATS if f in Image.OPEN]) as picture:
            _check_pixels(*picture.size, field=field)
            if picture.format == "JPEG" and data.count(SCAN) > MOST_SCANS:
                raise _not_a_picture(name, field)
            return _saved(picture)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(field) from None
    except BROKEN:
        raise _not_a_picture(name, field) from None


def _saved(picture: Image.Image) -> tuple[bytes, str]:
    """At most two copies of the pixels at a time: a large photo takes 160 MB each."""
    ImageOps.exif_transpose(picture, in_place=True)
    has_holes = picture.has_transparency_data
    media_type = PNG if picture.format == "PNG" or has_holes else JPEG
    drawn: Image.Image = picture
    if drawn.mode == "I;16":  # a scanner's shades of grey, which would all turn white
        drawn = drawn.point(lambda shade: shade / 256).convert("L")
    wanted = "RGBA" if has_holes else drawn.mode if drawn.mode in ("1", "L") else "RGB"
    if drawn.mode != wanted:
        drawn = drawn.convert(wanted)
    drawn.info.clear()
    out = io.BytesIO()
    drawn.save(out, "PNG" if media_type == PNG else "JPEG", quality=JPEG_QUALITY)
    return out.getvalue(), media_type


def _check_pixels(width: int, height: int, *, field: str) -> None:
    if width * height > MOST_PIXELS:
        raise _too_many_pixels(field)


def _too_many_pixels(field: str) -> BadInput:
    sentence = _("The picture has more than {most} megapixels; take it again smaller.")
    return BadInput(sentence, field=field, code="too_large", most=MOST_PIXELS // 1_000_000)


def _not_a_picture(name: str, field: str) -> BadInput:
    sentence = _("A photo (PNG, JPEG, WebP) or a PDF is expected; {name} is neither.")
    return BadInput(sentence, field=field, code="not_a_picture", name=name)


def _check_pdf(data: bytes, field: str) -> None:
    """Refuse what a reader would run or unpack, also where its name is spelled in escapes or packed away.

    /JS alone is looked for outside streams only: its three letters turn up by chance in pictures, and whatever
    runs a script names JavaScript or Rendition as well, which are looked for everywhere.
    """
    plain = _unescaped(data)
    if ENCRYPTED.search(plain):
        raise _unsafe(_("This PDF is encrypted; print it to a new PDF and send that."), field)
    found = PROGRAMS.search(plain) or SCRIPT.search(_outside_streams(plain))
    for objects in _packed_objects(data, field):
        found = found or PROGRAMS.search(objects) or SCRIPT.search(objects)
    if found is not None:
        sentence = _("This PDF has {part} in it, which may run programs or hide files; print it to a new PDF.")
        raise _unsafe(sentence, field, part=found[0].decode("ascii"))


def _outside_streams(plain: bytes) -> bytes:
    *pieces, rest = plain.split(b"endstream")
    return b" ".join([*(piece.partition(b"stream")[0] for piece in pieces), rest])


def _packed_objects(data: bytes, field: str) -> Iterator[bytes]:
    """What compressed object streams hold. One that does not unpack, or unpacks without end, is refused."""
    left = MOST_UNPACKED
    for count, start in enumerate(STREAM.finditer(data), 1):
        if count > MOST_STREAMS:
            raise _sealed(field)
        window = max(0, start.start() - LONGEST_HEAD)
        head = _unescaped(data[max(window, data.rfind(b"obj", window, start.start())) : start.start()])
        announced = PACKED.search(head) is not None and b"/Filter" in head
        if not announced and not PACKED_START.match(_inflated(data, start.end(), 64)[0]):
            continue
        objects, is_whole = _inflated(data, start.end(), left)
        left -= len(objects)
        if left <= 0 or (announced and (not is_whole or b"/DecodeParms" in head)):
            raise _sealed(field)
        yield _unescaped(objects)


def _inflated(data: bytes, start: int, most: int) -> tuple[bytes, bool]:
    """(at most so many bytes of what was compressed there, whether it ended well)."""
    machine, found = zlib.decompressobj(), b""
    try:
        while not machine.eof and start < len(data) and len(found) < most:
            found += machine.decompress(data[start : start + CHUNK], most - len(found))
            start += CHUNK
    except zlib.error:
        pass
    return found, machine.eof


def _sealed(field: str) -> BadInput:
    return _unsafe(_("This PDF cannot be looked into; print it to a new PDF and send that."), field)


def _unescaped(data: bytes) -> bytes:
    """/J#53 is /JS."""
    return ESCAPE.sub(lambda code: bytes([int(code[1], 16)]), data)


def _unsafe(sentence: Sentence, field: str, **facts: object) -> BadInput:
    return BadInput(sentence, field=field, code="unsafe_pdf", **facts)
