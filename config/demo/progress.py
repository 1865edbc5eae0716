"""How far a long load is: a bar that redraws itself on a terminal, a line now and then elsewhere."""

from time import monotonic
from typing import Protocol


class Stream(Protocol):
    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...
    def isatty(self) -> bool: ...


class Progress:
    WIDTH = 30

    def __init__(self, stream: Stream, total: int) -> None:
        self.stream, self.total = stream, total
        self.done, self.said = 0, 0
        self.is_terminal = stream.isatty()
        self.began = self.drawn = monotonic()

    def step(self, what: str) -> None:
        """One more of the total is done."""
        self.done += 1
        if self.is_terminal:
            self._draw(what)
        elif self.done * 4 // self.total > self.said:
            self.said = self.done * 4 // self.total
            self._write(f"Demo: {self.said * 25} % ({what})\n")

    def end(self, what: str) -> None:
        clear = "\r\x1b[K" if self.is_terminal else ""
        self._write(f"{clear}{what} ({monotonic() - self.began:.0f} s)\n")

    def _draw(self, what: str) -> None:
        if monotonic() - self.drawn < 0.1:
            return
        self.drawn = monotonic()
        full = self.WIDTH * self.done // self.total
        bar = "█" * full + "░" * (self.WIDTH - full)
        self._write(f"\r\x1b[KDemo {bar} {100 * self.done // self.total:3d} %  {what}")

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
