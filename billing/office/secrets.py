"""Text and files that must not be readable in a dump: encrypted at rest, text found by a keyed hash.

The keys come from settings.FIELD_KEYS (newest first) and are not in the database. A wrong key fails loudly.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import models


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(urlsafe_b64encode(hashlib.sha256(key.encode()).digest())) for key in keys])


def encrypt(text: str) -> str:
    return encrypt_bytes(text.encode()).decode()


def decrypt(sealed: str) -> str:
    """Raises cryptography.fernet.InvalidToken if no key fits."""
    return decrypt_bytes(sealed.encode()).decode()


def encrypt_bytes(plain: bytes) -> bytes:
    """For files: printable, a third longer than what goes in."""
    return _box(tuple(settings.FIELD_KEYS)).encrypt(plain)


def decrypt_bytes(sealed: bytes) -> bytes:
    """Raises cryptography.fernet.InvalidToken if no key fits or the bytes were changed."""
    return _box(tuple(settings.FIELD_KEYS)).decrypt(sealed)


def keyed_hash(text: str) -> str:
    """The same text gives the same hash, which nobody without the key can compute. The oldest key, so it stays."""
    plain = "".join(text.split()).upper()
    return hmac.new(settings.FIELD_KEYS[-1].encode(), plain.encode(), hashlib.sha256).hexdigest()


class EncryptedTextField(models.TextField[Any, Any]):
    """A text column that holds ciphertext; Python sees the text. Empty stays empty."""

    def get_prep_value(self, value: Any) -> Any:
        return encrypt(value) if value else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return decrypt(value) if value else value
