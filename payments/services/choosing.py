"""Which of several ways a charge takes: one pure function, from what is known of each to a choice with its reasons.

Sieves, one after the other (R45, source 1 §5.3): the payer's own order first; then what works clearly more often; of
those the cheapest; then what can do more; then the school's rank; then the method that was there first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from billing.money import ZERO, round_money

# A success rate counts as well as tries before it say so: as if ten more had been made and nine had worked.
PRIOR_WON, PRIOR_TRIES = 9, 10
# Rates this near to the best are as good as it: the rest is chance.
NEAR = Decimal("0.02")
PERCENT = Decimal(100)


@dataclass(frozen=True)
class Candidate:
    """A stored method at one account. place: of the card or account in the payer's order, the same for the same card at
    two processors. won of tries: lately, at this account with this instrument. features: what its processor can do of
    what matters. refusal: a code with its facts, why it cannot be charged at all; None if it can.
    """

    method: int
    name: str
    account_name: str
    place: int = 1
    rank: int = 1
    cost_percent: Decimal = ZERO
    cost_fixed: Decimal = ZERO
    won: int = 0
    tries: int = 0
    features: frozenset[str] = frozenset()
    refusal: tuple[str, dict[str, Any]] | None = None

    @property
    def rate(self) -> Decimal:
        """Smoothed, so that three lucky tries do not beat a thousand."""
        return Decimal(self.won + PRIOR_WON) / (self.tries + PRIOR_TRIES)

    def cost(self, amount: Decimal, currency: str) -> Decimal:
        """What we pay for charging it (R43)."""
        return round_money(amount * self.cost_percent / PERCENT + self.cost_fixed, currency)


@dataclass(frozen=True)
class Verdict:
    """Why one candidate was or was not taken: a code, and facts as JSON keeps them."""

    candidate: Candidate
    code: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """winner: None where nothing can be charged. others: in the order in which they dropped out."""

    winner: Candidate | None
    because: Verdict | None
    others: Sequence[Verdict]


@dataclass(frozen=True)
class _Sieve:
    """keep: those that stay. lost: what a dropped one is told. won: what the last one left is told."""

    won: str
    lost: str
    keep: Callable[[Sequence[Candidate]], Sequence[Candidate]]
    facts: Callable[[Candidate], dict[str, Any]]


def choose(candidates: Sequence[Candidate], amount: Decimal, currency: str) -> Choice:
    """Pure. Of one candidate it says "only_way"; of several, by which sieve the last other one fell."""
    able = [one for one in candidates if one.refusal is None]
    others = [Verdict(one, *one.refusal) for one in candidates if one.refusal is not None]
    left: Sequence[Candidate] = able
    last = "only_way"
    for sieve in _sieves(amount, currency):
        kept = sieve.keep(left) if left else left
        for one in left:
            if one not in kept:
                others.append(Verdict(one, sieve.lost, sieve.facts(one)))
                last = sieve.won
        left = kept
    if not left:
        return Choice(None, None, others)
    winner = left[0]
    facts = _rated(winner) | {"cost_amount": f"{winner.cost(amount, currency)}"}
    return Choice(winner, Verdict(winner, last, facts), others)


def _sieves(amount: Decimal, currency: str) -> Sequence[_Sieve]:
    def cost(one: Candidate) -> Decimal:
        return one.cost(amount, currency)

    return (
        _Sieve("payers_order", "later_in_order", _least(lambda one: one.place), lambda one: {"place": one.place}),
        _Sieve("works_more", "works_less", _near_best, _rated),
        _Sieve("cheaper", "dearer", _least(cost), lambda one: {"cost_amount": f"{cost(one)}"}),
        _Sieve("can_more", "can_less", _least(lambda one: -len(one.features)), lambda one: {}),
        _Sieve("first_rank", "later_rank", _least(lambda one: one.rank), lambda one: {"rank": one.rank}),
        _Sieve("older", "newer", _least(lambda one: one.method), lambda one: {}),
    )


def _least(key: Callable[[Candidate], Any]) -> Callable[[Sequence[Candidate]], Sequence[Candidate]]:
    def keep(left: Sequence[Candidate]) -> Sequence[Candidate]:
        least = min(map(key, left))
        return [one for one in left if key(one) == least]

    return keep


def _near_best(left: Sequence[Candidate]) -> Sequence[Candidate]:
    best = max(one.rate for one in left)
    return [one for one in left if one.rate >= best - NEAR]


def _rated(one: Candidate) -> dict[str, Any]:
    return {"percent": int(one.rate * PERCENT), "won": one.won, "tries": one.tries}
