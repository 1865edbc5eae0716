"""Quiet hours: their edges, midnight, and days on which clocks change (R172). No database."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from billing.rules.quiet import after_quiet, is_quiet

NEW_YORK, TAIPEI = ZoneInfo("America/New_York"), ZoneInfo("Asia/Taipei")
NIGHT = (time(21), time(8))


def at(text: str, zone: ZoneInfo = NEW_YORK, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).astimezone(ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("now", "goes"),
    [
        ("2026-03-12 20:59:59", "2026-03-12 20:59:59"), ("2026-03-12 21:00:00", "2026-03-13 08:00:00"),
        ("2026-03-12 23:59:59", "2026-03-13 08:00:00"), ("2026-03-13 00:00:00", "2026-03-13 08:00:00"),
        ("2026-03-13 07:59:59", "2026-03-13 08:00:00"), ("2026-03-13 08:00:00", "2026-03-13 08:00:00"),
    ],
)  # fmt: skip
def test_over_midnight(now, goes) -> None:
    assert after_quiet(at(now), NEW_YORK, *NIGHT) == at(goes)


@pytest.mark.parametrize(
    ("now", "goes"),
    [
        ("2026-03-12 12:59:59", "2026-03-12 12:59:59"), ("2026-03-12 13:00:00", "2026-03-12 15:00:00"),
        ("2026-03-12 14:59:59", "2026-03-12 15:00:00"), ("2026-03-12 15:00:00", "2026-03-12 15:00:00"),
    ],
)  # fmt: skip
def test_within_a_day(now, goes) -> None:
    assert after_quiet(at(now), NEW_YORK, time(13), time(15)) == at(goes)


def test_the_same_from_and_until_is_never() -> None:
    assert not any(is_quiet(at(f"2026-03-12 {hour:02}:00"), NEW_YORK, time(8), time(8)) for hour in range(24))


def test_it_is_the_familys_own_night() -> None:
    noon = at("2026-03-12 12:00")  # midnight in Taipei
    assert not is_quiet(noon, NEW_YORK, *NIGHT)
    assert after_quiet(noon, TAIPEI, *NIGHT) == at("2026-03-13 08:00", TAIPEI)


def test_an_end_that_clocks_skip_is_after_the_gap() -> None:
    """8 March 2026: 02:00 is followed by 03:00."""
    goes = after_quiet(at("2026-03-08 01:00"), NEW_YORK, time(21), time(2, 30))
    assert goes == at("2026-03-08 03:30")


def test_an_end_that_happens_twice_is_the_next_one() -> None:
    """1 November 2026: 01:00 to 02:00 happens twice."""
    first, second = at("2026-11-01 01:30", fold=0), at("2026-11-01 01:30", fold=1)
    assert after_quiet(at("2026-11-01 01:15", fold=0), NEW_YORK, time(21), time(1, 30)) == first
    assert after_quiet(at("2026-11-01 01:15", fold=1), NEW_YORK, time(21), time(1, 30)) == second


@pytest.mark.parametrize("night", ["2026-03-07 22:00", "2026-10-31 22:00"])
def test_a_night_that_is_shorter_or_longer_ends_at_eight(night) -> None:
    assert after_quiet(at(night), NEW_YORK, *NIGHT).astimezone(NEW_YORK).time() == time(8)
