"""Problems of a statement, so many of a kind and no more: a spoilt file may have one on each of its lines."""

from collections import Counter
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from reconciliation.formats.base import Statement

MOST_OF_A_KIND = 20


class Complaints:
    """Puts problems on a statement; those past the bound are only counted, which `close` says."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.counts: Counter[str] = Counter()
        self.flagged: set[str] = set()

    def flag(self, code: str, sentence: Sentence, place: str = "", **facts: Any) -> None:
        """Something that keeps the file from being taken without a look."""
        self.counts[code] += 1
        self.flagged.add(code)
        if self.counts[code] <= MOST_OF_A_KIND:
            self.statement.flag(code, sentence, place, **facts)

    def note(self, code: str, sentence: Sentence, place: str = "", **facts: Any) -> None:
        """Something worth telling that keeps nothing from going on."""
        self.counts[code] += 1
        if self.counts[code] <= MOST_OF_A_KIND:
            self.statement.note(code, sentence, place, **facts)

    def close(self) -> None:
        """Say how many more there were of each kind."""
        for code, count in self.counts.items():
            if count > MOST_OF_A_KIND:
                tell = self.statement.flag if code in self.flagged else self.statement.note
                tell("more_of_a_kind", _("{count} more of the kind {kind}."), count=count - MOST_OF_A_KIND, kind=code)
