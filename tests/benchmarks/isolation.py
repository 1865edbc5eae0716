"""How long it takes to be told that a record is not there: another's beside one never made (security list 10).

Every address with an id, asked by somebody whom the record is not for. The two requests of a round follow each other at
once, by lot which comes first, so that whatever else the machine does meets both. Whether the times of an address
differ is told by the rank test of Mann and Whitney, two-sided. As hundreds are tested, some differ by luck: whatever is
suspected, and those furthest apart, are measured again, longer, and count only if that would be rare among all.
"""

import gc
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from math import erfc, sqrt
from time import perf_counter

from django.conf import settings

from tests.benchmarks.ground import Figure, analyze, median, percentile

ROUNDS, AGAIN = 16, 120
RARE = 0.01
NAMED = 5
Ask = Callable[[], object]


@dataclass(frozen=True)
class Pair:
    """Milliseconds for one address: theirs, of a record of somebody else; none, of one never made."""

    name: str
    theirs: Sequence[float]
    none: Sequence[float]

    @property
    def ratio(self) -> float:
        return median(self.theirs) / median(self.none)

    @property
    def chance(self) -> float:
        return mann_whitney(self.theirs, self.none)


def run() -> list[Figure]:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    logging.disable(logging.CRITICAL)  # thousands of lines that say "Not Found"
    asks = list(_asks())
    analyze()
    lot = random.Random(7)
    pairs = [measure(name, theirs, none, ROUNDS, lot) for name, theirs, none in asks]
    suspects = {pair.name for pair in pairs if pair.chance < RARE} | {pair.name for pair in _furthest(pairs)}
    again = [measure(name, theirs, none, AGAIN, lot) for name, theirs, none in asks if name in suspects]
    logging.disable(logging.NOTSET)
    told = [pair for pair in again if pair.chance < RARE / len(pairs)]
    ratios = [pair.ratio for pair in pairs]
    spread = "/".join(f"{percentile(ratios, share):.3f}" for share in (0.05, 0.25, 0.75, 0.95))
    return [
        Figure("another's ÷ never made, median", median(ratios) * 100, "%", note=f"p5/p25/p75/p95 {spread}"),
        Figure("addresses measured", len(pairs), "", note=f"{ROUNDS} rounds; {len(suspects)} again in {AGAIN}"),
        Figure("addresses told apart", len(told), "", goal="none", met=not told),
        *(_named(pair, told) for pair in _furthest(again)),
    ]


def _furthest(pairs: Sequence[Pair]) -> list[Pair]:
    """Whose two medians are furthest apart."""
    return sorted(pairs, key=lambda pair: max(pair.ratio, 1 / pair.ratio), reverse=True)[:NAMED]


def _named(pair: Pair, told: Sequence[Pair]) -> Figure:
    low, high = (percentile(pair.none, share) for share in (0.25, 0.75))
    note = f"chance {pair.chance:.2g}; p25–p75 of one never made {low:.2f}–{high:.2f} ms"
    floor = median(pair.none)
    met = False if pair in told else None
    return Figure(pair.name[-38:], median(pair.theirs), "ms", floor, pair.ratio, met=met, note=note)


def measure(name: str, theirs: Ask, none: Ask, rounds: int, lot: random.Random) -> Pair:
    """The first of each, which fills caches, is left out."""
    found: dict[bool, list[float]] = {True: [], False: []}
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds + 1):
            first = lot.random() < 0.5
            for is_theirs in (first, not first):
                began = perf_counter()
                (theirs if is_theirs else none)()
                if turn:
                    found[is_theirs].append((perf_counter() - began) * 1000)
    finally:
        gc.enable()
    return Pair(name, found[True], found[False])


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> float:
    """How probable a difference in rank as large as this is between samples of one source, both ways.

    By the normal approximation with its correction for ties, which is good from about ten of each.
    """
    n, m = len(one), len(other)
    ordered = sorted([(value, True) for value in one] + [(value, False) for value in other])
    ranks, ties, passed = 0.0, 0, 0
    for _value, group in groupby(ordered, key=lambda pair: pair[0]):
        alike = [is_one for _same, is_one in group]
        ranks += sum(alike) * (passed + (len(alike) + 1) / 2)
        ties += len(alike) ** 3 - len(alike)
        passed += len(alike)
    middle, total = n * m / 2, n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    away = abs(ranks - n * (n + 1) / 2 - middle) - 0.5
    return erfc(max(away, 0.0) / sqrt(2 * variance)) if variance > 0 else 1.0


def _asks() -> Iterator[tuple[str, Ask, Ask]]:
    """Each address with how somebody asks whom its record is not for; of the console's tables only work screens."""
    from tests.guards.isolation.addresses import addresses, of_platform
    from tests.guards.isolation.asking import all_staff, family_of, program, teacher_of
    from tests.guards.isolation.records import NEVER_MADE, School

    here, there = School("heron", ahead=3), School("magpie")
    people = {
        "console/": all_staff(there), "teacher/": teacher_of(there), "api/": program(there, "clerk"),
        "": family_of(there),
    }  # fmt: skip
    for address in addresses():
        if not address.record or of_platform(address) or "<path:object_id>" in address.route:
            continue
        own = here.value(address.record)
        never = NEVER_MADE if isinstance(own, int) else own[:-1] + ("8" if own.endswith("9") else "9")
        ask = next(who for room, who in people.items() if address.route.startswith(room))
        theirs, none = here.path(address), here.path(address, **{address.key: never})
        yield address.route, partial(ask, "get", theirs, None), partial(ask, "get", none, None)
