"""The time in the sandbox: real, until a test or a person at the steering page moves it on."""

from datetime import UTC, datetime, timedelta
from threading import Lock


class Clock:
    """Aware UTC. frozen_at: stands still at an instant; else the machine's time moved on by `ahead`."""

    def __init__(self, frozen_at: datetime | None = None) -> None:
        self._lock = Lock()
        self._frozen_at = frozen_at
        self._ahead = timedelta()

    def now(self) -> datetime:
        with self._lock:
            return (self._frozen_at or datetime.now(UTC)) + self._ahead

    def ahead(self) -> float:
        """Seconds by which it was moved on so far."""
        with self._lock:
            return self._ahead.total_seconds()

    def advance(self, **how_far: float) -> datetime:
        """Move on by a timedelta's arguments: days=1, seconds=30."""
        with self._lock:
            self._ahead += timedelta(**how_far)
        return self.now()
