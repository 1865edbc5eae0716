"""Sets of invoices that add up to a payment (bank.md §6 step 7)."""

import itertools
import random

import pytest

from reconciliation.rules.matching.covering import covering_sets


@pytest.mark.parametrize(
    ("amounts", "wanted", "sets"),
    [
        ([100, 250, 400], 350, [(0, 1)]), ([100, 250, 400], 250, [(1,)]), ([100, 250, 400], 751, []),
        ([100, 100, 300], 400, [(0, 2), (1, 2)]), ([1, 2, 4, 8, 16], 15, [(0, 1, 2, 3)]),
        ([1, 2, 4, 8, 16], 31, []), ([10], 0, []), ([], 5, []),
    ],
)  # fmt: skip
def test_all_sets_of_at_most_four_are_found(amounts: list[int], wanted: int, sets: list[tuple[int, ...]]) -> None:
    assert covering_sets(amounts, wanted) == sets


def test_only_the_fourteen_oldest_are_looked_at() -> None:
    assert covering_sets([1] * 13 + [50, 7], 50) == [(13,)]
    assert covering_sets([1] * 14 + [50], 50) == []


def test_it_finds_what_trying_everything_finds() -> None:
    dice = random.Random(7)
    for _ in range(60):
        amounts = [dice.randrange(1, 60) * 100 for _ in range(9)]
        wanted = sum(dice.sample(amounts, dice.choice((1, 2, 3, 4))))
        every = [c for size in (1, 2, 3, 4) for c in itertools.combinations(range(9), size)
                 if sum(amounts[i] for i in c) == wanted]  # fmt: skip
        found = covering_sets(amounts, wanted)
        assert set(found) <= set(every)
        assert len(found) == min(len(every), 8)
