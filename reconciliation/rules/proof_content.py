"""What a proof of the books says, as bytes to take a digest of. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

FORM = "quittance-proof-1"  # changes with the form, so that old proofs can still be told apart


def plain(value: Any) -> Any:
    """A value as JSON keeps it: text, whole numbers, lists and tables of them; everything else as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, Sequence):
        return [plain(one) for one in value]
    return str(value)


def content_of(
    *, organization_id: int, position: int, day: str, proved_at: datetime, findings: Any, counts: Any, seconds: Decimal,
    audit_position: int, audit_head: str, previous_digest: str,
) -> bytes:  # fmt: skip
    """The same facts give the same bytes: keys in order, no blanks, instants in UTC."""
    facts = {
        "form": FORM, "organization": organization_id, "position": position, "day": day,
        "proved_at": proved_at.astimezone(UTC).isoformat(timespec="microseconds"), "findings": findings,
        "counts": counts, "seconds": f"{seconds:.3f}", "audit": [audit_position, audit_head],
        "previous": previous_digest,
    }  # fmt: skip
    return json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
