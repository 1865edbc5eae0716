"""Large files kept as they came: encrypted on disk piece by piece, so that none is ever whole in memory.

As with documents, the file is written before its row; where the transaction rolls back, a file stays that no row names.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO
from uuid import uuid4

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.office.files import writing_whole
from billing.office.secrets import decrypt_bytes, encrypt_bytes

PIECE = 1 << 20


class FileGone(DomainError):
    """What lies on disk is not what was kept."""

    code = "tampered_file"
    sentence = _("The kept file {name} was changed or is missing; it cannot be read.")


def digest_of(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 and size of a file, which is left at its start."""
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := file.read(PIECE):
        digest.update(piece)
        size += len(piece)
    file.seek(0)
    return digest.hexdigest(), size


def keep_sealed(file: BinaryIO) -> str:
    """Write a file encrypted, in pieces. Returns the name it has on disk."""
    stored_as = uuid4().hex
    file.seek(0)
    with writing_whole(sealed_path(stored_as)) as out:
        while piece := file.read(PIECE):
            out.write(encrypt_bytes(piece) + b"\n")
    file.seek(0)
    return stored_as


@contextmanager
def open_sealed(stored_as: str, *, sha256: str, name: str) -> Iterator[BinaryIO]:
    """The file as it came, seekable; gone from disk when closed. Raises FileGone unless every byte is as it was."""
    with TemporaryFile() as plain:
        try:
            with sealed_path(stored_as).open("rb") as sealed:
                for line in sealed:
                    plain.write(decrypt_bytes(line.rstrip(b"\n")))
        except (OSError, InvalidToken) as trouble:
            raise FileGone(name=name) from trouble
        if digest_of(plain)[0] != sha256:
            raise FileGone(name=name)
        yield plain


def forget_sealed(stored_as: str) -> None:
    """Delete a file that no row names any more."""
    if stored_as:
        sealed_path(stored_as).unlink(missing_ok=True)


def sealed_path(stored_as: str) -> Path:
    return Path(settings.DOCUMENTS_DIR) / stored_as[:2] / stored_as
