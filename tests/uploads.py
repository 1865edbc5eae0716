"""Files that people send: pictures, PDFs, and what pretends to be either."""

import io
import struct
import zlib
from typing import Any

from PIL import Image


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 20), colour: Any = "teal", **options: Any) -> bytes:
    mode = options.pop("mode", "RGB")
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind, **options)
    return out.getvalue()


def pdf(body: bytes = b"1 0 obj\n<< /Type /Catalog >>\nendobj\n") -> bytes:
    """As little of a PDF as a reader opens."""
    return b"%PDF-1.7\n" + body + b"trailer\n<< /Root 1 0 R >>\n%%EOF\n"


def packed(objects: bytes, head: bytes = b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode") -> bytes:
    """An object of a PDF whose content is compressed."""
    return b"7 0 obj\n<< " + head + b" >>\nstream\n" + zlib.compress(objects) + b"\nendstream\nendobj\n"


def padded(data: bytes, size: int) -> bytes:
    """The same file with a tail that makes it `size` bytes long; a PDF keeps its end mark."""
    tail = b"\n%%EOF\n" if data.startswith(b"%PDF-") else b""
    return data + b"\n" * (size - len(data) - len(tail)) + tail


def bomb(width: int, height: int, *, colour_type: int = 0) -> bytes:
    """A PNG of a few bytes that says it has width × height pixels. colour_type 3: of a palette that is not there."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 1, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
