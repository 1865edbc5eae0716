"""Documents kept by the SHA-256 of their bytes, written once, checked on every reading (R155)."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings

from receipts.papers.errors import TamperedDocument


def keep(data: bytes) -> str:
    """Put a document into the archive for good and return its SHA-256. A crash leaves all of it or nothing."""
    digest = hashlib.sha256(data).hexdigest()
    path = path_of(digest)
    _make_folder(path.parent)
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o440)
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(file.name)
            raise
    _fsync_folder(path.parent)
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


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    """Without this the name of a file that was written can still be lost with the power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
