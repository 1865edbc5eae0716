"""What the workbench shows of a suggestion: plain facts, whatever found it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from billing.money import ZERO


@dataclass(frozen=True)
class Share:
    """What an invoice gets: of the money, and besides as discount or write-off. open_amount: before."""

    invoice_id: int
    number: str
    amount: Decimal
    open_amount: Decimal
    discount: Decimal = ZERO
    write_off: Decimal = ZERO

    @property
    def difference(self) -> Decimal:
        """What stays open of it."""
        return self.open_amount - self.amount - self.discount - self.write_off


@dataclass(frozen=True)
class Suggestion:
    """A way to explain a line, ready to be done. verb, typed: what the form of the workbench would ask for.

    customer_id, name, code, other_name: whose money, where it is somebody's. unapplied: what would stay as credit.
    score: 0 to 1. sentences: why, in the reader's language. evidence: the same as the match keeps it. is_sure: at or
    above the score from which lines are matched without a person. rule: key and version of the matching rule that says
    so.
    """

    verb: str
    typed: Mapping[str, str]
    score: Decimal
    sentences: Sequence[str] = ()
    evidence: Sequence[Any] = ()
    customer_id: int | None = None
    name: str = ""
    code: str = ""
    other_name: str = ""
    shares: Sequence[Share] = ()
    unapplied: Decimal = ZERO
    is_sure: bool = False
    rule: tuple[int, int] | None = None

    @property
    def digest(self) -> str:
        """Names what was shown, so that nothing else is accepted by it."""
        shown = [self.verb, dict(self.typed), str(self.score), self.rule]
        text = json.dumps(shown, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def asks_for(self) -> Decimal:
        """What the invoices it names have open."""
        return sum((share.open_amount for share in self.shares), ZERO)
