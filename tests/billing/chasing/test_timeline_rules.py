"""The timeline as a table: what happens on every day from eight before the due day to 120 after it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.rules.fee_months import FeeDue, FeeTerms, first_day_of_month, next_fee
from billing.rules.timeline import FOREVER, Item, Ladder, Taken, due_steps, next_consequence, next_step, timeline

DUE = date(2026, 3, 12)
DAY = timedelta(days=1)
ITEM = Item(due_on=DUE, issued_on=DUE - 30 * DAY)
DEFAULT = Ladder(before=(7, 3, 1), after=(1, 10, 20))
LESSONS = replace(DEFAULT, grace_days=10, suspend_days=30, collections_days=90)
PREMIUMS = replace(DEFAULT, grace_days=30, lapses=True)
FLAT = FeeTerms("flat", Decimal(0), Decimal(15), None, None, 10)
MONTHLY = FeeTerms("percent_a_month", Decimal("0.01"), None, Decimal(50), Decimal(5000), 30)

Held = Callable[[int], bool]


def never(day: int) -> bool:
    return False


def play(
    ladder: Ladder, item: Item, *, fee: FeeTerms | None = None, base: str = "100", held: Held = never,
    first: int = -8, last: int = 120,
) -> dict[str, int | str]:  # fmt: skip
    """What became of each step when somebody looks every day: the day it was taken on, or why it was passed over."""
    taken: dict[str, Taken] = {}
    story: dict[str, int | str] = {}
    billed, period = Decimal(0), 0
    for day in range(first, last + 1):
        today = DUE + day * DAY
        found = _fee(fee, base, billed, period, today)
        now = replace(item, taken=taken, fee=(found.period, found.on) if found else None)
        due = due_steps(timeline(ladder, now, today), now, today)
        if held(day):
            continue
        for step, why in due.skip:
            taken[step.code], story[step.code] = Taken(step.on, today, False, why), why
        for step in due.take:
            taken[step.code], story[step.code] = Taken(step.on, today), day
            if step.kind == "late_fee" and found is not None:
                billed, period = billed + found.amount, found.period
    return story


def _fee(terms: FeeTerms | None, base: str, billed: Decimal, period: int, today: date) -> FeeDue | None:
    if terms is None:
        return None
    return next_fee(
        terms, base=Decimal(base), due_on=DUE, currency="USD", billed=billed, last_period=period, today=today
    )


Story = Mapping[str, int | str]
BEFORE: dict[str, int | str] = {"before_7": -7, "before_3": -3, "before_1": -1}
LATE: dict[str, int | str] = {"before_7": "overdue", "before_3": "overdue", "before_1": "overdue"}
LEVELS: dict[str, int | str] = {"level_1": 1, "level_2": 10, "level_3": 20}
BURST: dict[str, int | str] = {"before_7": "higher_level", "before_3": -2, "before_1": -1}

STORIES: dict[str, tuple[Ladder, Item, FeeTerms | None, Story]] = {
    "reminders 7, 3 and 1 days before, levels after (R72, R174)": (DEFAULT, ITEM, None, BEFORE | LEVELS),
    "no reminders at all": (Ladder(), ITEM, None, {}),
    "nothing on the due day itself: overdue begins the day after": (
        replace(DEFAULT, before=(), after=(0, 5)), ITEM, None, {"level_1": 1, "level_2": 5},
    ),
    "a lesson school: fee on day 11, final notice on day 27, service stops on day 30, collections on day 90": (
        LESSONS, replace(ITEM, ending="suspend"), FLAT,
        BEFORE | LEVELS | {"late_fee_1": 11, "final": 27, "suspend": 30, "collections": 90},
    ),
    "without an agreement nothing can be suspended": (
        LESSONS, ITEM, FLAT, BEFORE | LEVELS | {"late_fee_1": 11, "collections": 90},
    ),
    "a policy: warned on day 28, in grace on day 30, lapsed on day 31 (R73)": (
        PREMIUMS, replace(ITEM, ending="lapse"), None, BEFORE | LEVELS | {"final": 28, "lapse": 31},
    ),
    # 100 × 1 % = 1.00, at least 50: the minimum swallows all but the first month, billed on the first day after grace.
    "a fee at its minimum is billed once": (
        PREMIUMS, replace(ITEM, ending="lapse"), MONTHLY,
        BEFORE | LEVELS | {"final": 28, "lapse": 31, "late_fee_1": 31},
    ),
    "a policy that may not lapse but whose service stops": (
        replace(PREMIUMS, lapses=False, suspend_days=20), replace(ITEM, ending="lapse"), None,
        BEFORE | LEVELS | {"final": 28, "suspend": 31},
    ),
    "service never stops inside grace: no clock contradicts another (§3 row 19)": (
        replace(LESSONS, suspend_days=5, collections_days=0), replace(ITEM, ending="suspend"), None,
        {**BEFORE, "level_1": 1, "final": 8, "suspend": 11, "level_2": 10, "level_3": 20},
    ),
    "what Zoho owns is not chased here (R76)": (LESSONS, replace(ITEM, is_chased=False, ending="suspend"), FLAT, {}),
    "what is paid is not chased": (LESSONS, replace(ITEM, is_open=False, ending="suspend"), None, {}),
    "an invoice issued two days before it is due is not told of days that came before it": (
        DEFAULT, replace(ITEM, issued_on=DUE - 2 * DAY), None,
        {"before_1": -1} | LEVELS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_R72_every_day_from_8_before_to_120_after(name: str) -> None:
    ladder, item, fee, story = STORIES[name]
    assert play(ladder, item, fee=fee) == story


# Held from one day to another (both included), then looked at again.
HELD: dict[str, tuple[range, Story]] = {
    "a reminder that waited goes out late by itself": (
        range(1, 5), BEFORE | {"level_1": 5, "level_2": 10, "level_3": 20},
    ),
    "of three that waited only the highest goes out": (
        range(1, 25), BEFORE | {"level_1": "higher_level", "level_2": "higher_level", "level_3": 25},
    ),
    "reminders before the due day are not sent after it": (
        range(-8, 3), LATE | {"level_1": 3, "level_2": 10, "level_3": 20},
    ),
    "nor in a burst before it": (
        range(-8, -2), BURST | LEVELS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HELD)
def test_R72_what_was_held_is_not_sent_in_a_burst(name: str) -> None:
    days, story = HELD[name]
    assert play(DEFAULT, ITEM, held=days.__contains__) == story


def test_R72_service_stops_only_after_the_final_notice_even_when_both_waited() -> None:
    """Held to day 39: the final notice goes out on day 40, service stops three days later."""
    story = play(LESSONS, replace(ITEM, ending="suspend"), held=range(1, 40).__contains__)
    assert story == BEFORE | {
        "level_1": "higher_level", "level_2": "higher_level", "level_3": "higher_level", "final": 40, "suspend": 43,
        "collections": 90,
    }  # fmt: skip


@pytest.mark.parametrize(("held", "levels"), [
    (range(12, 21), {"level_1": 1, "level_2": 10, "level_3": "higher_level"}),  # level 3 of day 20 waited as well
    (range(1, 25), {"level_1": "higher_level", "level_2": "higher_level", "level_3": "higher_level"}),
])  # fmt: skip
def test_R72_a_final_notice_that_waited_is_not_passed_over_for_a_later_level(
    held: range, levels: dict[str, int | str]
) -> None:
    """It was due on day 12, service would have stopped on day 15: told first, it stops three days later."""
    ladder = replace(LESSONS, suspend_days=15, collections_days=0)
    story = play(ladder, replace(ITEM, ending="suspend"), held=held.__contains__)
    assert story == BEFORE | levels | {"final": held.stop, "suspend": held.stop + 3}


def test_R72_a_final_notice_is_sent_though_later_levels_went_out_before_service_could_stop() -> None:
    """The office lets service stop on day 15 from day 25 on: who had level 3 on day 20 is still warned."""
    told = {code: Taken(DUE + day * DAY, DUE + day * DAY) for code, day in LEVELS.items() if isinstance(day, int)}
    item, today = replace(ITEM, ending="suspend", taken=told), DUE + 25 * DAY
    steps = timeline(replace(LESSONS, suspend_days=15, grace_days=0), item, today)
    assert [step.code for step in due_steps(steps, item, today).take] == ["final"]
    assert {step.code: (step.on - DUE).days for step in steps}["suspend"] == 28


def test_R73_a_lapse_is_the_contracts_and_waits_for_no_letter() -> None:
    story = play(PREMIUMS, replace(ITEM, ending="lapse"), held=range(1, 31).__contains__)
    assert (story["final"], story["lapse"]) == (31, 31)


def test_a_final_notice_passed_over_by_hand_does_not_keep_service_running() -> None:
    item = replace(ITEM, ending="suspend", taken={"final": Taken(DUE + 27 * DAY, DUE + 27 * DAY, False, "by_hand")})
    found = {step.code: step.on for step in timeline(LESSONS, item, DUE + 28 * DAY)}
    assert found["suspend"] == DUE + 30 * DAY


def test_row_15_steps_of_the_days_of_rest_move_behind_it() -> None:
    rests = replace(ITEM, rests_until=DUE + 14 * DAY)
    coming = {step.code: (step.on - DUE).days for step in timeline(DEFAULT, rests, DUE)}
    assert (coming["level_1"], coming["level_2"], coming["level_3"]) == (15, 15, 20)
    assert timeline(DEFAULT, replace(ITEM, rests_until=FOREVER), DUE) == []


def test_the_next_step_and_what_follows_when_nothing_is_paid() -> None:
    item = replace(ITEM, ending="suspend", fee=(1, DUE + 11 * DAY))
    steps = timeline(LESSONS, item, DUE + 2 * DAY)
    first, consequence = next_step(steps), next_consequence(steps, DUE + 2 * DAY)
    assert first is not None and first.code == "before_7"  # nobody has looked yet
    assert consequence is not None and (consequence.code, consequence.on) == ("late_fee_1", DUE + 11 * DAY)


def test_a_shorter_ladder_does_not_remind_twice_of_what_was_told() -> None:
    """Level 3 went out on day 20; then the policy becomes 1 15: level 2 of day 15 is behind it."""
    item = replace(ITEM, taken={"level_3": Taken(DUE + 20 * DAY, DUE + 20 * DAY)})
    steps = timeline(replace(DEFAULT, after=(1, 15)), item, DUE + 21 * DAY)
    assert due_steps(steps, item, DUE + 21 * DAY).take == ()


# Late fees: (policy, base, day looked at) → what is billed on top: month, amount, and the day it was due.
FEES: dict[str, tuple[FeeTerms, str, int, str, int, tuple[int, str, int] | None]] = {
    "inside grace the first day after it is still to come": (FLAT, "100", 10, "0", 0, (1, "15", 11)),
    "after grace": (FLAT, "100", 11, "0", 0, (1, "15", 11)),
    "a flat fee is billed once": (FLAT, "100", 100, "15", 1, None),
    # 9,000 × 1 % × 1 = 90 from 12 April on (day 31): the month of 12 March is the first.
    "1 % of 9,000 for one month": (MONTHLY, "9000", 31, "0", 0, (1, "90", 31)),
    # 13 April (day 32) begins the second month: 9,000 × 1 % × 2 = 180, of which 90 was billed.
    "the second month adds its share": (MONTHLY, "9000", 31, "90", 1, (2, "90", 32)),
    # Looked at on day 100 only (20 June): four months have begun: 9,000 × 1 % × 4 = 360.
    "months nobody looked are billed in one": (MONTHLY, "9000", 100, "0", 0, (4, "360", 93)),
    # 3,000 × 1 % = 30 and × 2 = 60: month 2 lifts it above the minimum of 50 that was billed.
    "the minimum swallows the difference": (MONTHLY, "3000", 31, "50", 1, (2, "10", 32)),
    # 300,000 × 1 % × 2 = 6,000, at most 5,000.
    "the maximum cuts it": (MONTHLY, "300000", 40, "3000", 1, (2, "2000", 32)),
    "and ends it": (MONTHLY, "300000", 100, "5000", 2, None),
    "no fee by policy": (replace(FLAT, kind="none"), "100", 40, "0", 0, None),
}


@pytest.mark.parametrize("name", FEES)
def test_R74_the_next_late_fee(name: str) -> None:
    terms, base, day, billed, period, expected = FEES[name]
    found = next_fee(
        terms, base=Decimal(base), due_on=DUE, currency="USD", billed=Decimal(billed), last_period=period,
        today=DUE + day * DAY,
    )  # fmt: skip
    assert (found and (found.period, found.amount, (found.on - DUE).days)) == (
        expected and (expected[0], Decimal(expected[1]), expected[2])
    )


def test_R74_months_begin_the_day_after_the_due_day_of_each_month() -> None:
    assert [first_day_of_month(date(2026, 1, 31), n) for n in (1, 2, 3, 4)] == [
        date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1),
    ]  # fmt: skip
