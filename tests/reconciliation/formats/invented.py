"""Invented bank files, read in one go: what came of them, for tests to look at."""

import io
from dataclasses import dataclass, field
from decimal import Decimal
from types import ModuleType

from reconciliation.formats.base import Entry, Problem, Statement
from reconciliation.formats.source import Source


@dataclass
class Reading:
    statements: list[Statement] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def flags(self) -> list[str]:
        return [problem.code for problem in self.problems if problem.flags]

    @property
    def notes(self) -> list[str]:
        return [problem.code for problem in self.problems if not problem.flags]

    @property
    def amounts(self) -> list[Decimal | None]:
        return [entry.amount for entry in self.entries]

    @property
    def statement(self) -> Statement:
        assert len(self.statements) == 1
        return self.statements[0]

    @property
    def entry(self) -> Entry:
        assert len(self.entries) == 1
        return self.entries[0]


def read(module: ModuleType, raw: bytes, *encodings: str) -> Reading:
    """All of a file that its own reader takes for its own."""
    source, reading = Source(io.BytesIO(raw), "invented", encodings), Reading()
    assert module.sniff(source.head(), "invented")
    for piece in module.read(source):
        (reading.statements if isinstance(piece, Statement) else reading.entries).append(piece)
    reading.problems = [problem for one in reading.statements for problem in one.problems] + source.problems
    assert all(str(problem) for problem in reading.problems)  # every sentence has its facts
    return reading
