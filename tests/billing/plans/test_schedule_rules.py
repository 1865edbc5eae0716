"""From terms to periods: nothing is charged twice, nothing is forgotten (R54, R55)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import ZERO
from billing.rules.discounts import Circumstances, Discount
from billing.rules.priced import NO_TAX, Tax, total_of
from billing.rules.proration import Rest
from billing.rules.schedule import Agreed, Customs, Item, Terms, plan, price_of

FIRST = date(2026, 1, 1)


class Everywhere:
    """A world without weekends; with a tax and discounts as told."""

    def __init__(self, tax: Tax = NO_TAX, *discounts: Discount) -> None:
        self.work, self._tax, self._discounts = self, tax, discounts

    def next_business_day(self, day: date) -> date:
        return day

    previous_business_day = next_business_day

    def tax(self, tax_code, customer, on) -> Tax:
        return self._tax

    def discounts(self, agreement, of, on):
        return list(self._discounts), Circumstances(plan=1, since=FIRST)


def terms(price: str = "90.00", frequency: str = "monthly", on: date = FIRST, **more) -> Terms:
    return Terms(on, 1, frequency, Decimal(price), "Tuition", **more)


def agreed(*of: Terms, ends_on: date | None = date(2026, 12, 31), **more) -> Agreed:
    more.setdefault("starts_on", FIRST)
    more.setdefault("anchor_on", FIRST)
    more.setdefault("basis", "schedule")
    return Agreed(1, 1, "USD", ends_on=ends_on, terms=of or (terms(),), **more)


def total(of: Agreed, customs: Customs = Customs(), world: Everywhere = Everywhere()) -> Decimal:  # noqa: B008
    return sum((line.net for one in plan(of, customs, world, until=date(2030, 1, 1)) for line in one.lines), ZERO)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        # From 10 January to 20 March, monthly from the 1st, 90.00: 90 × 22/31 + 90 + 90 × 20/31.
        ("day", ["63.87", "90.00", "58.06"]),
        ("full", ["90.00", "90.00", "90.00"]),
        ("none", [None, "90.00", None]),
    ],
)
def test_R54_the_policy_decides_what_a_part_costs(policy, expected) -> None:
    one = agreed(starts_on=date(2026, 1, 10), ends_on=date(2026, 3, 20))
    found = plan(one, Customs(proration=policy), Everywhere(), until=date(2030, 1, 1))
    assert [f"{line.net}" if (line := next(iter(p.lines), None)) else None for p in found] == expected
    assert [p.skipped for p in found] == ["part" if amount is None else "" for amount in expected]


def test_R54_where_nothing_is_divided_a_price_holds_from_the_next_period() -> None:
    of = agreed(terms(), terms("120.00", on=date(2026, 2, 10)), ends_on=date(2026, 3, 31))
    assert total(of, Customs(proration="full")) == 90 + 90 + 120
    # By the day: 90 + (90 × 9 + 120 × 19) / 28 + 120 = 90 + 28.93 + 81.43 + 120
    assert total(of) == Decimal("320.36")


def test_an_inclusive_tax_is_inside_the_discounted_price() -> None:
    """100.00 less 10 % is 90.00, which contains 5 %: 85.71 and 4.29."""
    off = Discount(1, "Staff", "staff", Decimal(10))
    (line,) = price_of(agreed(terms("100.00")), Customs(), Everywhere(Tax(Decimal("0.05"), True, 7, "VAT"), off),
                       (FIRST, date(2026, 1, 31)))  # fmt: skip
    assert (line.net, line.tax, line.tax_code, line.discount) == (Decimal("85.71"), Decimal("4.29"), 7, Decimal("9.52"))


def test_items_are_billed_with_the_first_day_of_a_period_and_once_with_their_terms() -> None:
    items = (Item("Sheets", Decimal(5)), Item("Registration", Decimal(25), once=True))
    of = agreed(terms(items=items), ends_on=date(2026, 2, 28))
    found = plan(of, Customs(), Everywhere(), until=date(2030, 1, 1))
    assert [[line.text for line in one.lines] for one in found] == [
        ["Tuition", "Sheets", "Registration"], ["Tuition", "Sheets"],
    ]  # fmt: skip


def test_what_rests_whole_is_skipped_but_what_comes_once_is_not_forgotten() -> None:
    rest = Rest("hold", FIRST, date(2026, 1, 31))
    once = (Item("Registration", Decimal(25), once=True),)
    (january, february) = plan(agreed(ends_on=date(2026, 2, 28), rests=(rest,)), Customs(), Everywhere(),
                               until=date(2030, 1, 1))  # fmt: skip
    assert (january.skipped, january.lines, february.skipped) == ("hold", (), "")
    assert total(agreed(terms(items=once), ends_on=date(2026, 1, 31), rests=(rest,))) == 25


def test_a_lapsed_policy_begins_no_further_period() -> None:
    found = plan(agreed(stop_on=date(2026, 3, 1)), Customs(), Everywhere(), until=date(2030, 1, 1))
    assert [one.start.month for one in found] == [1, 2, 3]


days = st.integers(0, 500).map(lambda n: FIRST + timedelta(n))
frequencies = st.sampled_from(["weekly", "fortnightly", "monthly", "quarterly", "half_yearly", "annual"])
prices = st.decimals("0.01", "999", places=2).map(str)
changes = st.lists(st.tuples(days, frequencies, prices), max_size=3)


@given(days, days, frequencies, prices, changes, st.sampled_from(["day", "full", "none"]))
def test_periods_cover_every_day_of_an_agreement_once(start, end, frequency, price, more, policy) -> None:
    first, last = min(start, end), max(start, end)
    rows = [terms(price, frequency, first), *(terms(p, f, on) for on, f, p in sorted(more))]
    of = agreed(*rows, starts_on=first, anchor_on=first, ends_on=last)
    found = plan(of, Customs(proration=policy), Everywhere(), until=last)
    covered = [one.start + timedelta(n) for one in found for n in range((one.end - one.start).days + 1)]
    assert covered == [first + timedelta(n) for n in range((last - first).days + 1)]
    assert all(one.bill_on <= one.due_on for one in found)
    again = plan(of, Customs(proration=policy), Everywhere(), until=last)
    assert again == found


@given(days, days, st.integers(0, 400), frequencies, prices, st.sampled_from(["0", "10", "33.33", "100"]))
def test_what_is_settled_and_what_is_left_add_up_to_the_whole(start, end, cut, frequency, price, percent) -> None:
    """However a schedule is cut in two, the days before and after cost together what they cost undivided."""
    first, last = min(start, end), max(start, end)
    world = Everywhere(NO_TAX, Discount(1, "Staff", "staff", Decimal(percent)))
    of = agreed(terms(price, frequency, first), starts_on=first, anchor_on=first, ends_on=last)
    day = min(first + timedelta(cut), last)
    before = price_of(of, Customs(), world, (first, day))
    after = plan(of, Customs(), world, until=last, taken=[(first, day)])
    left = [line for one in after for line in one.lines]
    assert total_of(before)[0] + total_of(left)[0] == total(of, world=world)
