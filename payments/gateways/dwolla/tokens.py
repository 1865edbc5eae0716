"""The application's access token: one for the process, shared by all adapters of the same credentials."""

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock

from billing.office import clock
from payments.gateways.wire import Lost, NotSent, Wire

MARGIN = timedelta(seconds=60)  # before its end, from when on a token is no longer used
LONGEST = 86_400  # seconds
NEVER = datetime.min.replace(tzinfo=UTC)


class NoToken(NotSent):
    """There is no token to be had, so the call itself never left. code: of the processor, "" for none."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


@dataclass
class _Held:
    lock: Lock = field(default_factory=Lock)
    token: str = ""
    until: datetime = NEVER


_held: dict[tuple[str, str, str], _Held] = {}
_all = Lock()


def bearer(base: str, key: str, secret: str, wire: Wire, *, stale: str = "") -> str:
    """A token that is good by all we know. stale: one that was refused, and is to be replaced. Raises NoToken."""
    with _all:
        held = _held.setdefault((base, key, hashlib.sha256(secret.encode()).hexdigest()), _Held())
    with held.lock:
        if not held.token or held.token == stale or clock.now() >= held.until:
            held.token, held.until = "", NEVER
            held.token, good_for = _ask(base, key, secret, wire)
            held.until = clock.now() + good_for - MARGIN
        return held.token


def _ask(base: str, key: str, secret: str, wire: Wire) -> tuple[str, timedelta]:
    """A fresh token and for how long it is good. An answer that was lost harms nobody: it is asked again."""
    try:
        answer = wire.send("POST", f"{base}/token", data={"grant_type": "client_credentials"}, auth=(key, secret))
        said = json.loads(answer.text)
    except NotSent as trouble:
        raise NoToken(f"token: {trouble}") from None
    except (Lost, ValueError) as trouble:
        raise NoToken(f"token: {type(trouble).__name__}") from None
    found = said if isinstance(said, dict) else {}
    token, seconds = found.get("access_token"), found.get("expires_in")
    if answer.status != 200 or not isinstance(token, str) or not token:
        code = str(found.get("code") or found.get("error") or "")[:40]
        raise NoToken(f"token: HTTP {answer.status}", code)
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return token, MARGIN
    return token, timedelta(seconds=min(seconds, LONGEST))
