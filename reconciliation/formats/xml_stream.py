"""XML of strangers, read in a stream: no DOCTYPE, no entities, no network, bounded depth, bounded memory (F37)."""

import codecs
import re
from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_lazy as _
from lxml import etree

from reconciliation.formats.base import FileRefused
from reconciliation.formats.source import BOMS, Source

LARGEST_PIECE = 2_000_000  # between two elements that a reader asks for; what it has read is let go of
MOST_KEPT = 1_000
DECLARED = re.compile(rb"^<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
DOCTYPE = b"<!DOCTYPE"
WHITE = b" \t\r\n"

OF_ANOTHER_KIND = _("It looks like the message, and says that it is one of another kind: {namespace}.")

Event = tuple[str, Any]


class _Names(dict[str, str]):
    """Local names of tags; forgets them all when a hostile file invents too many."""

    def __missing__(self, tag: str) -> str:
        if len(self) > 5_000:
            self.clear()
        self[tag] = name = tag.rpartition("}")[2]
        return name


NAMES = _Names()


def is_xml(head: bytes) -> bool:
    """Whether it begins as XML does, in whichever width of characters."""
    return plain(head).lstrip(WHITE).startswith(b"<")


def plain(head: bytes) -> bytes:
    """The beginning without byte order mark and without the zero bytes of wide characters: names can be looked for."""
    for mark, _name in BOMS:
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"")


def has_doctype(head: bytes) -> bool:
    return DOCTYPE in plain(head).upper()


def doctype_refused() -> FileRefused:
    return FileRefused(_("XML with a DOCTYPE is not accepted."), code="doctype")


def stream(source: Source, tags: tuple[str, ...]) -> Iterator[Event]:
    """("start" | "end", element) of elements with these local names, and of the root.

    The caller lets go of what it has read (`release`). Raises FileRefused: DOCTYPE, not well-formed (with the line),
    too deep, one text or one element too large.
    """
    # Note [Two looks for a DOCTYPE]: bytes are looked at before the parser sees them, wide ones without their zeros;
    # an encoding in which "<!DOCTYPE" is spelt with other bytes is caught by asking the parser what it found.
    parser = etree.XMLPullParser(
        events=("start", "end"), tag=["{*}" + tag for tag in tags], resolve_entities=False, no_network=True,
        load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True, encoding=_encoding(source),
    )  # fmt: skip
    before, waiting, asked = b"", 0, False
    try:
        for chunk in _from_first_sign(source):
            if has_doctype(before + chunk):
                raise doctype_refused()
            before = chunk[-64:]
            parser.feed(chunk)
            waiting += len(chunk)
            for event, element in parser.read_events():
                if not asked and _declares_types(element):
                    raise doctype_refused()
                waiting, asked = 0, True
                yield event, element
            if waiting > LARGEST_PIECE:
                raise _piece_too_large()
        parser.close()
    except etree.XMLSyntaxError as trouble:
        raise _not_well_formed(trouble) from None


def namespace_of(element: Any) -> str:
    """ "" for none."""
    return str(element.tag).rpartition("}")[0].removeprefix("{")


def release(element: Any, keep: tuple[str, ...] = ()) -> None:
    """Let go of an element that has ended, and of what stands before it, but for a few that are to be kept."""
    element.clear(keep_tail=True)
    parent, earlier, kept = element.getparent(), element.getprevious(), 0
    while earlier is not None:
        further = earlier.getprevious()
        if NAMES[earlier.tag] in keep:
            kept += 1
        else:
            parent.remove(earlier)
        earlier = further
    if kept > MOST_KEPT:
        raise _piece_too_large()


def _declares_types(element: Any) -> bool:
    return element.getroottree().docinfo.internalDTD is not None


def _encoding(source: Source) -> str | None:
    """None: as the file declares. UTF-8 is believed only where it is true; "utf-16" not where bytes are single."""
    head = source.head(256).lstrip(WHITE)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or head[:2] in (b"<\0", b"\0<"):
        return None
    found = DECLARED.match(head.removeprefix(codecs.BOM_UTF8))
    declared = found[1].decode("ascii").lower() if found else "utf-8"
    if head.startswith(codecs.BOM_UTF8) or declared.startswith(("utf-8", "utf8", "utf-16", "ucs-2", "us-ascii")):
        try:
            return source.encoding().removesuffix("-sig")
        except FileRefused:
            return None  # the parser names the line
    return None


def _from_first_sign(source: Source) -> Iterator[bytes]:
    """All bytes, without blank ones before the declaration, where XML allows none."""
    begun = False
    for chunk in source.chunks():
        part = chunk if begun else chunk.lstrip(WHITE)
        if part:
            begun = True
            yield part


def _piece_too_large() -> FileRefused:
    return FileRefused(
        _("One element is larger than {megabytes} MB."), code="too_large", megabytes=LARGEST_PIECE // 1_000_000
    )


def _not_well_formed(trouble: etree.XMLSyntaxError) -> FileRefused:
    line, column = trouble.position
    return FileRefused(
        _("Line {line}, column {column}: the XML ends or breaks off here. Ask the bank for the file again. ({detail})"),
        code="not_well_formed", line=line, column=column, detail=str(trouble.msg)[:200],
    )  # fmt: skip
