"""What goes wrong, scripted call by call."""

import re
from dataclasses import dataclass
from threading import Lock

# before: nothing was done. after: it was done, then the answer was lost or spoilt.
KINDS = (
    "delay",  # an honest answer, `seconds` late
    "hang_before", "hang_after",  # no answer for `seconds`, then the line is cut
    "drop_before", "drop_after",  # the line is cut at once
    "error_before", "error_after",  # HTTP 500 with an HTML page
    "truncated",  # done; half the answer's body, then the line is cut
    "html",  # done; HTTP 200 with an HTML page
    "empty",  # done; HTTP 200 with nothing
    "garbled",  # done; HTTP 200 with bytes that are no text
    "rate_limit",  # not done; the processor's own words for "too often"
    "expired",  # not done; the processor's own words for credentials that are no longer good
    "lie_amount",  # done; the answer names another amount
    "blind",  # queries do not see what was done during the last `seconds`
)  # fmt: skip


@dataclass
class Fault:
    """path, body: regular expressions that must be found in the request. times: how often, None for always."""

    kind: str
    path: str = ""
    body: str = ""
    times: int | None = 1
    seconds: float = 0.0
    hits: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind!r}; one of {', '.join(KINDS)}")

    def fits(self, path: str, body: bytes) -> bool:
        left = self.times is None or self.hits < self.times
        text = body.decode(errors="replace")
        return left and bool(re.search(self.path, path)) and bool(re.search(self.body, text))


class Faults:
    """The faults that wait for their call, in the order in which they were scripted."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: list[Fault] = []

    def add(
        self, kind: str, *, path: str = "", body: str = "", times: int | None = 1, seconds: float = 0.0
    ) -> Fault:  # fmt: skip
        fault = Fault(kind, path, body, times, seconds)
        with self._lock:
            self._rows.append(fault)
        return fault

    def take(self, path: str, body: bytes) -> Fault | None:
        """The fault that hits this call, "blind" excepted; it is used up by one."""
        with self._lock:
            for fault in self._rows:
                if fault.kind != "blind" and fault.fits(path, body):
                    fault.hits += 1
                    return fault
        return None

    def blindness(self) -> float:
        """For how many seconds queries do not see what was done, 0 for none."""
        with self._lock:
            return max((fault.seconds for fault in self._rows if fault.kind == "blind"), default=0.0)

    def clear(self) -> None:
        with self._lock:
            self._rows.clear()

    def rows(self) -> list[Fault]:
        with self._lock:
            return list(self._rows)
