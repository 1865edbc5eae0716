"""Who may pass to Zoho at the moment: one access token for each set of credentials, and the rest after "too often".

Zoho throttles tokens as it throttles calls, so a process asks for one and keeps it for its hour. Seconds are of a clock
that only goes forward, not of the day.
"""

from collections.abc import Callable
from threading import Lock
from time import monotonic

from payments.gateways.zoho.trouble import Unreachable

EARLY = 60  # seconds before its end a token is no longer used
LONGEST_REST = 86_400


class Gate:
    """One set of credentials in this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._token = ""
        self._good_until = 0
        self._closed_until = 0
        self._why = ""

    def check(self) -> None:
        """Raises Unreachable while Zoho said "too often"."""
        left = self._closed_until - seconds()
        if left > 0:
            raise Unreachable(self._why, left)

    def close(self, why: str, wait: int) -> None:
        """Let nobody through for `wait` seconds; a longer rest that was asked for before stands."""
        with self._lock:
            until = seconds() + min(max(wait, 1), LONGEST_REST)
            if until > self._closed_until:
                self._closed_until, self._why = until, why

    def token(self, ask: Callable[[], tuple[str, int]], spent: str = "") -> str:
        """The token that is good now; asked for by one thread while the others wait.

        ask: gives (token, seconds it lives). spent: one that was just refused, so that it is not handed out again.
        """
        with self._lock:
            if not self._token or self._token == spent or seconds() >= self._good_until:
                self._token = ""
                token, lives = ask()
                self._token, self._good_until = token, seconds() + max(lives - EARLY, 1)
            return self._token


def seconds() -> int:
    return int(monotonic())


_GATES: dict[tuple[str, ...], Gate] = {}
_FINDING = Lock()


def gate_of(*credentials: str) -> Gate:
    with _FINDING:
        return _GATES.setdefault(credentials, Gate())


def forget_gates() -> None:
    """As after a restart."""
    with _FINDING:
        _GATES.clear()
