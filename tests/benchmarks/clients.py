"""Clients at the counter: processes of their own, so that Python's one lock per process distorts neither side."""

import gc
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

from tests.benchmarks import ground


@dataclass(frozen=True)
class Job:
    """One payment to take: from whom, how much; for the floor, against which invoices."""

    customer_id: int
    key: str
    amount: str = "180.00"
    invoice_ids: tuple[int, ...] = ()
    lookalike_reason: str = ""


@dataclass(frozen=True)
class Desk:
    """What a client needs to know besides its jobs."""

    organization_id: int
    clerk_id: int
    sample_id: int


class Clients:
    """Client processes, started once, that work when told to."""

    def __init__(self, desk: Desk, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.barriers = {n: context.Barrier(n) for n in range(1, count + 1)}
        self.pipes: list[Connection] = []
        self.processes = []
        for _n in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_client, args=(theirs, desk, self.barriers), daemon=True)
            process.start()
            self.pipes.append(ours)
            self.processes.append(process)
        for pipe in self.pipes:
            assert pipe.recv() == "ready"

    def work(self, side: str, shares: Sequence[Sequence[Job]]) -> tuple[float, list[float]]:
        """All shares at once, one client each: wall seconds of the slowest, and the latency of every payment."""
        for pipe, jobs in zip(self.pipes, shares, strict=False):
            pipe.send((side, len(shares), list(jobs)))
        answers = [pipe.recv() for pipe, _jobs in zip(self.pipes, shares, strict=False)]
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        began, ended = min(answer[0] for answer in answers), max(answer[1] for answer in answers)
        return ended - began, [latency for answer in answers for latency in answer[2]]

    def stop(self) -> None:
        for pipe in self.pipes:
            pipe.send(None)
        for process in self.processes:
            process.join(timeout=20)


def _client(pipe: Connection, desk: Desk, barriers: Any) -> None:
    ground.prepare()
    from tests.benchmarks.taking import takers

    sides = takers(desk)
    pipe.send("ready")
    while (order := pipe.recv()) is not None:
        side, count, jobs = order
        try:
            pipe.send(_run(sides[side], jobs, barriers[count]))
        except Exception as trouble:  # told to the parent, which fails with it
            pipe.send(RuntimeError(f"{type(trouble).__name__}: {trouble}"))


def _run(take: Any, jobs: Sequence[Job], barrier: Any) -> tuple[float, float, list[float]]:
    """perf_counter is the machine's monotonic clock, the same for all processes."""
    gc.collect()
    latencies = []
    barrier.wait(timeout=60)
    began = last = perf_counter()
    for job in jobs:
        take(job)
        now = perf_counter()
        latencies.append(now - last)
        last = now
    return began, last, latencies
