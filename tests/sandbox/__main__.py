"""`python -m tests.sandbox`: every sandbox processor in one process, and a page to steer them.

--port      of the steering page; the processors answer at the ports after it, in the order of catalog.py
--keep-in   a directory in which they remember over a restart
--webhooks  an address of the merchant, below which each processor's name is one more step
"""

import errno
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event

from tests.sandbox.catalog import CALLED, PROCESSORS, find
from tests.sandbox.clock import Clock
from tests.sandbox.processor import Processor
from tests.sandbox.server import Server, serve, stop
from tests.sandbox.steering.page import Steering


class Taken(RuntimeError):
    """Somebody else listens at a port that a sandbox needs."""


class Sandboxes:
    """All processors that there are, on one clock, each at its port. Raises Taken, and then serves none of them."""

    def __init__(self, port: int, keep_in: Path | None, webhooks: str) -> None:
        self.clock = Clock()
        self.file = keep_in / "clock.txt" if keep_in else None
        if self.file is not None and self.file.exists():
            self.clock.advance(seconds=float(self.file.read_text()))
        self._open = ExitStack()
        running: dict[str, tuple[Processor, str]] = {}
        with ExitStack() as started:
            for place, name in enumerate(PROCESSORS, start=1):
                kind = _found(name)
                if kind is not None:
                    processor = kind(self.clock, keep_in)
                    processor.webhooks.url = f"{webhooks}{CALLED.get(name, name)}/" if webhooks else ""
                    running[name] = processor, self._serve(started, processor, port + place).url
            self.steering = Steering(self.clock, running, self.remember)
            self.url = self._serve(started, self.steering, port).url
            self._open = started.pop_all()
        self.processors = running

    def _serve(self, started: ExitStack, processor: Processor, port: int) -> Server:
        try:
            server = serve(processor, port)
        except (OSError, OverflowError) as refused:
            reason = "is taken" if getattr(refused, "errno", 0) == errno.EADDRINUSE else f"cannot be used: {refused}"
            raise Taken(f"port {port}, for {processor.title}, {reason}") from refused
        started.callback(stop, server)
        return server

    def remember(self) -> None:
        """How far the clock was moved on: what is dated by it must not lie in the future after a restart."""
        if self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(str(self.clock.ahead()))

    def close(self) -> None:
        self.remember()
        self._open.close()


def _found(name: str) -> type[Processor] | None:
    try:
        return find(name)
    except (ImportError, AttributeError, SyntaxError) as missing:
        print(f"sandbox {name} is left out: {missing}", file=sys.stderr, flush=True)
        return None


def main(arguments: Sequence[str] | None = None) -> None:
    asked = _asked(arguments)
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, frame: ended.set())
    try:
        sandboxes = Sandboxes(asked.port, asked.keep_in, asked.webhooks)
    except Taken as taken:
        sys.exit(f"The sandbox processors do not start: {taken}")
    print(f"Sandboxes: {sandboxes.url}/", flush=True)
    ended.wait()
    sandboxes.close()


def _asked(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.sandbox", description="Sandbox processors and their steering page.")
    parser.add_argument("--port", type=int, default=8100)
    parser.add_argument("--keep-in", type=Path)
    parser.add_argument("--webhooks", default="")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
