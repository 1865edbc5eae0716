"""How often networks let a merchant try one card for one amount, as data (requirements §4.26; invariant 33)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MONTH, DAY = timedelta(days=30), timedelta(hours=24)


@dataclass(frozen=True)
class Cap:
    """At most `most` tries in any `window`."""

    most: int
    window: timedelta


# Visa's rules of April 2026; 15 before, which still holds for what we cannot name.
CAPS: Mapping[str, tuple[Cap, ...]] = {
    "visa": (Cap(20, MONTH),),
    "mastercard": (Cap(35, MONTH), Cap(10, DAY)),
}
OTHERS = (Cap(15, MONTH),)


def caps_for(brand: str, *, visa_most: int = 20) -> tuple[Cap, ...]:
    """visa_most: as the school's acquirer has it; never more than the network allows."""
    name = "".join(brand.lower().split())
    if name == "visa":
        return (Cap(min(visa_most, CAPS["visa"][0].most), MONTH),)
    return CAPS.get({"mc": "mastercard"}.get(name, name), OTHERS)


def allowed_from(tried_at: Iterable[datetime], caps: Sequence[Cap], at: datetime) -> datetime:
    """The first instant from `at` on at which one more try breaks no cap. tried_at: of the same card and amount."""
    times = sorted(tried_at)
    for cap in caps:
        if cap.most < 1:
            return datetime.max.replace(tzinfo=at.tzinfo)
        inside = [tried for tried in times if tried > at - cap.window]
        if len(inside) >= cap.most:
            at = max(at, inside[-cap.most] + cap.window)
    return at
