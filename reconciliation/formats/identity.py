"""What makes a bank line the same line when it is told again (invariant 43; F33, F38)."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from reconciliation.formats.base import Entry

SPACES = re.compile(r"\s+")


def fingerprint(entry: Entry) -> str:
    """32 hex digits over days, amount, bank's reference, end-to-end id, other side and text, spaces apart.

    The account is not in it: it stands beside it in the constraint. Signs are as the file has them, so that a file
    whose reversals are turned gives the same lines each time.
    """
    facts = (
        str(entry.booked_on), str(entry.value_on), f"{entry.amount:f}", entry.bank_reference, entry.end_to_end_id,
        entry.customer_reference, entry.party_account, entry.party_name, entry.text, entry.code, entry.cheque_number,
    )  # fmt: skip
    return hashlib.blake2b("\x1f".join(_plain(fact) for fact in facts).encode(), digest_size=16).hexdigest()


def digest_of(fingerprints: Iterable[str]) -> str:
    """SHA-256 over the lines of a statement in their order."""
    digest = hashlib.sha256()
    for one in fingerprints:
        digest.update(one.encode())
    return digest.hexdigest()


def _plain(text: str) -> str:
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return SPACES.sub(" ", text).strip().upper()
