"""Which sets of amounts add up to a payment exactly: integers, few invoices, two answers are no answer."""

from collections.abc import Sequence
from itertools import combinations

MOST_INVOICES = 14
MOST_TOGETHER = 4
ENOUGH = 8


def covering_sets(
    amounts: Sequence[int], wanted: int, *, most: int = MOST_TOGETHER, among: int = MOST_INVOICES
) -> list[tuple[int, ...]]:
    """All sets of at most `most` positions whose amounts add up to wanted, smallest sets first; at most ENOUGH.

    amounts: in minor units, more than zero, oldest first; those beyond `among` are left out. No tolerance: with
    one, almost any payment fits something. Meets in the middle: pairs against pairs.
    """
    use = amounts[:among]
    found: list[tuple[int, ...]] = []
    for size in range(1, most + 1):
        found += _of_size(use, wanted, size)
        if len(found) >= ENOUGH:
            break
    return found[:ENOUGH]


def _of_size(amounts: Sequence[int], wanted: int, size: int) -> list[tuple[int, ...]]:
    if size == 1:
        return [(i,) for i, amount in enumerate(amounts) if amount == wanted]
    halves = _sums(amounts, size // 2)
    rest = size - size // 2
    found: list[tuple[int, ...]] = []
    for right in combinations(range(len(amounts)), rest):
        left_wanted = wanted - sum(amounts[i] for i in right)
        if left_wanted <= 0:
            continue
        # The left half lies wholly before the right one, so that every set is met once.
        found += [left + right for left in halves.get(left_wanted, ()) if left[-1] < right[0]]
    return sorted(found)


def _sums(amounts: Sequence[int], size: int) -> dict[int, list[tuple[int, ...]]]:
    made: dict[int, list[tuple[int, ...]]] = {}
    for chosen in combinations(range(len(amounts)), size):
        made.setdefault(sum(amounts[i] for i in chosen), []).append(chosen)
    return made
