"""Embedded Chinese fonts cut down to the glyphs a paper uses.

WeasyPrint keeps every glyph's number when it takes glyphs out of a font, so what is left of a Chinese OpenType font
is sixty thousand empty places: 300 KB a receipt. In a CID-keyed font a viewer looks glyphs up by CID in the font's own
charset (PDF 32000-1, 9.7.4.2), so the empty places can go as long as the charset stays; HarfBuzz does just that.
"""

import ctypes
import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from fontTools.ttLib import TTFont, TTLibError

DESUBROUTINIZE = 0x4
POINTER = ctypes.c_void_p
SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "hb_blob_create": (POINTER, [ctypes.c_char_p, ctypes.c_uint, ctypes.c_int, POINTER, POINTER]),
    "hb_blob_destroy": (None, [POINTER]),
    "hb_blob_get_data": (POINTER, [POINTER, ctypes.POINTER(ctypes.c_uint)]),
    "hb_face_create": (POINTER, [POINTER, ctypes.c_uint]),
    "hb_face_destroy": (None, [POINTER]),
    "hb_face_reference_blob": (POINTER, [POINTER]),
    "hb_set_add": (None, [POINTER, ctypes.c_uint]),
    "hb_subset_input_create_or_fail": (POINTER, []),
    "hb_subset_input_destroy": (None, [POINTER]),
    "hb_subset_input_glyph_set": (POINTER, [POINTER]),
    "hb_subset_input_set_flags": (None, [POINTER, ctypes.c_uint]),
    "hb_subset_or_fail": (POINTER, [POINTER, POINTER]),
}


def compact_fonts(document: Any, pdf: Any) -> None:
    """A finisher for WeasyPrint: each CID-keyed font file loses its empty places, if HarfBuzz is there."""
    harfbuzz = _harfbuzz()
    if harfbuzz is None:
        return
    for stream, fonts in _font_files(pdf):
        outlines = _cid_keyed_outlines(stream.stream[0])
        if not outlines:
            continue
        small = _without_gaps(harfbuzz, stream.stream[0], {glyph for font in fonts for glyph in _glyphs(font["W"])})
        if small:
            # The bare CFF: around it some viewers trust the numbers of glyphs instead of the charset.
            stream.stream[0], stream.extra["Subtype"] = _cid_keyed_outlines(small), "/CIDFontType0C"
            for font in fonts:
                font.pop("CIDToGIDMap", None)


def _font_files(pdf: Any) -> Iterator[tuple[Any, list[Any]]]:
    """Each embedded OpenType font file once, with the font dictionaries that draw from it."""
    users: dict[str, list[Any]] = {}
    for item in pdf.objects:
        if isinstance(item, dict) and item.get("Subtype") == "/CIDFontType0":
            descriptor = _follow(pdf, item["FontDescriptor"])
            if "FontFile3" in descriptor:
                users.setdefault(descriptor["FontFile3"], []).append(item)
    for reference, fonts in users.items():
        yield _follow(pdf, reference), fonts


def _follow(pdf: Any, reference: Any) -> Any:
    return pdf.objects[int(reference.split()[0])]


def _glyphs(widths: list[Any]) -> Iterator[int]:
    """The W array of a CIDFont: first glyph, then the widths of it and its successors."""
    for first, run in zip(widths[::2], widths[1::2], strict=True):
        yield from range(first, first + len(run))


def _cid_keyed_outlines(font_file: bytes) -> bytes:
    """The CFF table of an OpenType font whose glyphs go by CID, else nothing."""
    try:
        font = TTFont(io.BytesIO(font_file), lazy=True)
        keyed = "ROS" in font["CFF "].cff[0].rawDict
    except (TTLibError, KeyError):
        return b""
    return bytes(font.reader["CFF "]) if keyed else b""


def _without_gaps(harfbuzz: Any, data: bytes, glyphs: set[int]) -> bytes | None:
    blob = harfbuzz.hb_blob_create(data, len(data), 0, None, None)
    face = harfbuzz.hb_face_create(blob, 0)
    wish = harfbuzz.hb_subset_input_create_or_fail()
    try:
        wanted = harfbuzz.hb_subset_input_glyph_set(wish)
        for glyph in glyphs:
            harfbuzz.hb_set_add(wanted, glyph)
        harfbuzz.hb_subset_input_set_flags(wish, DESUBROUTINIZE)
        made = harfbuzz.hb_subset_or_fail(face, wish)
        return _bytes_of(harfbuzz, made) if made else None
    finally:
        harfbuzz.hb_subset_input_destroy(wish)
        harfbuzz.hb_face_destroy(face)
        harfbuzz.hb_blob_destroy(blob)


def _bytes_of(harfbuzz: Any, face: int) -> bytes:
    blob, length = harfbuzz.hb_face_reference_blob(face), ctypes.c_uint()
    try:
        return ctypes.string_at(harfbuzz.hb_blob_get_data(blob, ctypes.byref(length)), length.value)
    finally:
        harfbuzz.hb_blob_destroy(blob)
        harfbuzz.hb_face_destroy(face)


@lru_cache(maxsize=1)
def _harfbuzz() -> Any:
    """The subsetter that WeasyPrint itself loads; it brings the rest of HarfBuzz along."""
    try:
        library = ctypes.CDLL("libharfbuzz-subset.so.0")
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None
    return library
