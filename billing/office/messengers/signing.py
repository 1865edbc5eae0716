"""What proves a webhook: HMAC-SHA256 over its bytes, or our own over the address we gave a carrier to call."""

import hashlib
import hmac

from django.core import signing


def is_hmac(secret: str, data: bytes, given: str) -> bool:
    """given: in hex, "sha256=" before it or not."""
    expected = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.removeprefix("sha256=").encode())


def sign_key(key: str) -> str:
    """For a carrier that signs nothing: part of the address it calls, good for this message alone."""
    return signing.Signer(salt="messengers.callback").sign(key)


def signed_key(text: str) -> str:
    """The key that was signed, "" if it was not we who signed."""
    try:
        return signing.Signer(salt="messengers.callback").unsign(text)
    except signing.BadSignature:
        return ""
