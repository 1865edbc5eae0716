"""Documents kept by the SHA-256 of their bytes, written once, checked on every reading (R155)."""

import hashlib
from pathlib import Path

from django.conf import settings

from billing.office.files import write_whole
from billing.office.papers.errors import TamperedDocument


def keep(data: bytes) -> str:
    """Put a document into the archive for good and return its SHA-256. A crash leaves all of it or nothing."""
    digest = hashlib.sha256(data).hexdigest()
    write_whole(path_of(digest), data)
    return digest


def read(digest: str) -> bytes:
    """Raises TamperedDocument unless the very bytes that were kept are still there."""
    try:
        data = path_of(digest).read_bytes()
    except OSError as trouble:
        raise TamperedDocument(sha256=digest) from trouble
    if hashlib.sha256(data).hexdigest() != digest:
        raise TamperedDocument(sha256=digest)
    return data


def forget(digest: str) -> None:
    """Take back a document that no record names: another one was kept for the same paper at the same moment."""
    path_of(digest).unlink(missing_ok=True)


def path_of(digest: str) -> Path:
    """Two levels of folders, so that none grows too long to list."""
    return Path(settings.ARCHIVE_DIR) / digest[:2] / digest[2:4] / f"{digest}.pdf"
