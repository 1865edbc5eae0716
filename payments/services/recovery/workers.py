"""Many charges at once in one job: each thread has a database connection of its own, and closes it."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

import structlog
from django.conf import settings
from django.db import connection, connections

from billing.errors import DomainError
from billing.office.acting import acting

log = structlog.get_logger(__name__)

# One piece of work: (key, what to do). It returns a word for what came of it.
Work = tuple[str, Callable[[], str]]


@dataclass(frozen=True)
class Crew:
    """Who works how long. origin: for the trail. workers: at once, settings.CHARGE_WORKERS if None. seconds: after
    which nothing new is begun, so that a job ends before its queue gives it up; None: until all is done."""

    origin: str
    workers: int | None = None
    seconds: int | None = None
    began: int = field(default_factory=time.monotonic_ns)

    @property
    def is_tired(self) -> bool:
        return self.seconds is not None and time.monotonic_ns() - self.began > self.seconds * 10**9


def work_off(pieces: Iterable[Work], crew: Crew) -> Counter[str]:
    """Do the pieces, several at a time; how often each word came of them.

    A piece that another worker of this or another process has in hand is "busy"; one that is refused is its code, one
    that fails "failed". None keeps the others from being done.
    """
    queue, lock = list(pieces)[::-1], Lock()
    count = min(crew.workers or settings.CHARGE_WORKERS, len(queue))
    if count <= 1:
        return _drain(queue, lock, crew)
    with ThreadPoolExecutor(count, "charge") as pool:
        done = [pool.submit(_thread, queue, lock, crew) for _n in range(count)]
    return sum((one.result() for one in done), Counter[str]())


def _thread(queue: list[Work], lock: Lock, crew: Crew) -> Counter[str]:
    try:
        with acting(None, crew.origin):
            return _drain(queue, lock, crew)
    finally:
        connections.close_all()


def _drain(queue: list[Work], lock: Lock, crew: Crew) -> Counter[str]:
    came: Counter[str] = Counter()
    while not crew.is_tired and (piece := _next(queue, lock)) is not None:
        came[_do(*piece)] += 1
    return came


def _next(queue: list[Work], lock: Lock) -> Work | None:
    with lock:
        return queue.pop() if queue else None


def _do(key: str, work: Callable[[], str]) -> str:
    try:
        with only_one(key) as is_mine:
            return work() if is_mine else "busy"
    except DomainError as refusal:
        log.info("not_charged", key=key, why=refusal.code)
        return refusal.code
    except Exception:  # the border between charges: whatever one does, the others must be made
        log.exception("charge_failed", key=key)
        connections.close_all()
        return "failed"


@contextmanager
def only_one(key: str) -> Iterator[bool]:
    """Whether nobody else has this key in hand, anywhere. A process that dies lets go of it with its connection.

    It only saves work: that nothing is charged twice is held by the keys of attempts and their claims.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 7))", [key])
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        if is_mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 7))", [key])
