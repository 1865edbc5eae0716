"""PayU's signatures: hex of SHA-512 over fields in a fixed order with the salt at one end. Source: notes §5."""

import hashlib
import hmac
from collections.abc import Mapping

UDF = tuple(f"udf{number}" for number in range(1, 6))
FORM = ("key", "txnid", "amount", "productinfo", "firstname", "email", *UDF)
SPARE = [""] * 5  # udf6 to udf10, which nobody uses
EXTRA = "additionalCharges"


def _hex(parts: list[str]) -> str:
    return hashlib.sha512("|".join(parts).encode()).hexdigest()


def of_form(fields: Mapping[str, str], salt: str) -> str:
    """Of what the payer's browser posts."""
    return _hex([*(fields.get(name, "") for name in FORM), *SPARE, salt])


def of_answer(fields: Mapping[str, str], salt: str) -> str:
    """Of what comes back: the same the other way round, with the status; charges on top stand before it all."""
    told = [salt, fields.get("status", ""), *SPARE, *(fields.get(name, "") for name in reversed(FORM))]
    extra = fields.get(EXTRA, "")
    return _hex([extra, *told] if extra else told)


def of_command(key: str, command: str, first: str, salt: str) -> str:
    """Of a question between servers."""
    return _hex([key, command, first, salt])


def is_signed(fields: Mapping[str, str], key: str, salt: str) -> bool:
    """Whether an answer is PayU's, to us. In constant time."""
    own = of_answer(fields, salt).encode()
    is_same = hmac.compare_digest(own, fields.get("hash", "").strip().lower().encode())
    return bool(salt) and is_same and hmac.compare_digest(fields.get("key", "").encode(), key.encode())
