"""When a further try is made, inside the rules: the family's day, habits, hours, before the timeline goes on (R68)."""

from datetime import date, datetime, timedelta

import pytest

from payments.services.recovery.caps import Cap, allowed_from
from payments.services.recovery.slots import choose_slot
from tests.payments.recovery.rules import DAY, FIRST, HOUR, ZONE, terms

HABIT = tuple(datetime(2026, month, 14, 18, 30, tzinfo=ZONE) for month in (1, 2, 3))  # the 14th, in the evening


def local(at: datetime) -> datetime:
    return at.astimezone(ZONE)


def test_without_any_habit_it_is_the_earliest_instant() -> None:
    assert choose_slot(FIRST, 1, terms(), (), None).at == FIRST


@pytest.mark.parametrize(("hour", "expected"), [(6, 7), (7, 7), (20, 20), (21, 7)])
def test_R68_nobody_is_charged_at_night(hour: int, expected: int) -> None:
    at = datetime(2026, 3, 12, hour, 0, tzinfo=ZONE)
    found = local(choose_slot(at, 1, terms(), (), None).at)
    assert (found.hour, found >= at) == (expected, True)


def test_R68_it_goes_where_this_payers_charges_worked() -> None:
    slot = choose_slot(FIRST + DAY, 1, terms(), HABIT, None)
    assert local(slot.at) == datetime(2026, 3, 13, 17, 0, tzinfo=ZONE)
    assert [one.code for one in slot.because] == ["habit"]


def test_two_charges_are_no_habit() -> None:
    assert choose_slot(FIRST, 1, terms(), HABIT[:2], None).at == FIRST


def test_R68_the_day_that_the_family_chose_beats_habits() -> None:
    slot = choose_slot(FIRST + 3 * DAY, 2, terms(pay_day=17), HABIT, None)
    assert local(slot.at).day == 17
    assert [one.code for one in slot.because] == ["pay_day"]


def test_a_chosen_day_out_of_reach_does_not_delay_it() -> None:
    assert choose_slot(FIRST, 1, terms(pay_day=30), (), None).at == FIRST


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("hour", range(24))
def test_it_is_never_earlier_than_the_rules_and_never_later_than_it_may_move(number: int, hour: int) -> None:
    earliest = FIRST + hour * HOUR
    found = choose_slot(earliest, number, terms(pay_day=15), HABIT, None).at
    assert earliest <= found <= earliest + number * DAY


def test_it_comes_a_day_before_the_timeline_goes_on() -> None:
    """§3 row 19: retry one day before each escalation."""
    earliest = FIRST + DAY  # the 13th, 11:00
    for escalates_on, last in ((date(2026, 3, 15), 14), (date(2026, 3, 14), 13)):
        slot = choose_slot(earliest, 3, terms(pay_day=15), (), escalates_on)
        assert local(slot.at).day <= last
        assert "before_escalation" in [one.code for one in slot.because]


def test_an_escalation_that_comes_before_the_rules_allow_a_try_does_not_hasten_it() -> None:
    assert choose_slot(FIRST, 1, terms(), (), date(2026, 3, 12)).at == FIRST


class TestCaps:
    CAP = (Cap(2, timedelta(days=10)),)

    def test_33_one_below_the_cap_waits_for_nothing(self) -> None:
        assert allowed_from([FIRST - DAY], self.CAP, FIRST) == FIRST

    def test_33_at_the_cap_it_waits_until_the_oldest_is_out_of_the_window(self) -> None:
        assert allowed_from([FIRST - 9 * DAY, FIRST - DAY], self.CAP, FIRST) == FIRST + DAY

    def test_33_a_try_that_is_just_out_of_the_window_counts_no_more(self) -> None:
        edge = FIRST - 10 * DAY
        assert allowed_from([edge, FIRST - DAY], self.CAP, FIRST) == FIRST
        second = timedelta(seconds=1)
        assert allowed_from([edge + second, FIRST - DAY], self.CAP, FIRST) == FIRST + second
