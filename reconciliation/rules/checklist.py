"""What a day's end and a month's close are asked, and what the answers amount to. Pure."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

from django.utils.translation import override

from billing.errors import Sentence
from billing.office.models import Organization
from billing.office.policies import PolicyBook


class Outcome(StrEnum):
    """ok: nothing to do. warn: closing needs a word about it. blocker: it must be gone first."""

    OK = "ok"
    WARN = "warn"
    BLOCKER = "blocker"


@dataclass(frozen=True)
class Asked:
    """Whose books, from which day to which, as of when. A day's end is about one day."""

    organization: Organization
    first: date
    last: date
    now: datetime
    book: PolicyBook

    @property
    def today(self) -> date:
        return self.organization.today(self.now)


@dataclass(frozen=True)
class Place:
    """A screen of the console by name, with what it is opened with; several names where it may not be there."""

    screens: tuple[str, ...]
    args: tuple[Any, ...] = ()
    query: Mapping[str, object] = field(default_factory=dict)


def place(*screens: str, args: tuple[Any, ...] = (), **query: object) -> Place:
    return Place(screens, args, query)


@dataclass(frozen=True)
class Answer:
    """count: how many are in the way. amounts: their money by currency. note: more, with facts to fill it."""

    outcome: Outcome
    count: int = 0
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    note: Sentence = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = None

    @property
    def words(self) -> str:
        text = str(self.note)
        return text.format(**self.facts) if self.facts else text


@dataclass(frozen=True)
class Check:
    """One line of a checklist. code: stable. sentence: what is true when it is ok. ask: the question; few queries."""

    code: str
    sentence: Sentence
    ask: Callable[[Asked], Answer]


@dataclass(frozen=True)
class Line:
    """A check with its answer."""

    check: Check
    answer: Answer


def found(worse: Outcome, count: int, **more: Any) -> Answer:
    """ok while there is none, else `worse`."""
    return Answer(worse if count else Outcome.OK, count, **more)


def blockers(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.answer.outcome == Outcome.BLOCKER]


def warnings(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if line.answer.outcome == Outcome.WARN]


def frozen(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The checklist as it is kept: codes, counts, amounts as text, words in English as all stored notes are."""
    with override("en"):
        return [
            {
                "code": line.check.code, "sentence": str(line.check.sentence), "outcome": line.answer.outcome.value,
                "count": line.answer.count, "note": line.answer.words,
                "amounts": {currency: f"{amount:.2f}" for currency, amount in sorted(line.answer.amounts.items())},
            }
            for line in lines
        ]  # fmt: skip


def signed_digest(checks: Any, figures: Any) -> str:
    """SHA-256 of a close: of the checklist and the figures, whatever order their keys are kept in."""
    return sha256(json.dumps([checks, figures], sort_keys=True, ensure_ascii=False).encode()).hexdigest()
