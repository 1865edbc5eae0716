"""What a sandbox processor itself knows of money: the oracle that tests compare our books with."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock

# Money that came to the merchant, and money that went.
IN = ("capture", "chargeback_won", "refund_returned")
OUT = ("refund", "return", "chargeback", "fee", "payout")
# Digits after the point, where they are not two.
DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "BHD": 3, "KWD": 3, "OMR": 3}


def major(minor: int, currency: str) -> str:
    """1234567 of USD is 12,345.67."""
    digits = DIGITS.get(currency, 2)
    whole, rest = divmod(minor, 10**digits)
    return f"{whole:,}.{rest:0{digits}}" if digits else f"{whole:,}"


@dataclass(frozen=True)
class Entry:
    """One movement. minor: integer minor units, never negative; kind says which way. key: the merchant's own key.

    kind: auth, capture, void, refund, refund_returned, settle, return, chargeback, chargeback_won, fee, payout, store,
    verify.
    A void takes back the capture or refund named in `ref`.
    """

    at: datetime
    kind: str
    ref: str
    key: str
    minor: int
    currency: str
    note: str = ""


@dataclass
class Ledger:
    """Entries in the order in which they came about; none is ever changed."""

    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock = RLock()

    def __getstate__(self) -> dict[str, list[Entry]]:
        return {"entries": self.entries}

    def __setstate__(self, state: dict[str, list[Entry]]) -> None:
        self.entries = state["entries"]
        self._lock = RLock()

    def add(self, at: datetime, kind: str, ref: str, key: str, minor: int, currency: str, note: str = "") -> Entry:
        entry = Entry(at, kind, ref, key, minor, currency, note)
        with self._lock:
            self.entries.append(entry)
        return entry

    def of(self, *kinds: str, key: str | None = None, ref: str | None = None) -> Iterator[Entry]:
        with self._lock:
            rows = list(self.entries)
        for entry in rows:
            if (not kinds or entry.kind in kinds) and key in (None, entry.key) and ref in (None, entry.ref):
                yield entry

    def captures(self, key: str | None = None) -> list[Entry]:
        """Captures that stand: money that was really taken and not voided since."""
        voided = Counter(entry.ref for entry in self.of("void"))
        return [entry for entry in self.of("capture", key=key) if not voided[entry.ref]]

    def held(self, currency: str) -> int:
        """What the processor owes the merchant: captured and won back, less refunded, returned, charged, paid out."""
        voided = {entry.ref for entry in self.of("void")}
        total = 0
        for entry in self.of():
            if entry.currency == currency and not (entry.kind in ("capture", "refund") and entry.ref in voided):
                total += entry.minor if entry.kind in IN else -entry.minor if entry.kind in OUT else 0
        return total
