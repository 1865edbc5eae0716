"""Discounts as rules (requirements §4 row 22; factors: §2 row 30)."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.money import ZERO, round_money
from billing.rules.discounts import Circumstances, Class, Discount, applying, factor_of, places, steps_of
from billing.rules.priced import PricedLine, split_line

ON = date(2026, 3, 12)


def rule(key: int, percent: str, cause: str = "staff", **more) -> Discount:
    return Discount(key, f"rule {key}", cause, Decimal(percent), **more)


def facts(**more) -> Circumstances:
    return Circumstances(plan=1, since=date(2025, 3, 12), **more)


@pytest.mark.parametrize(
    ("one", "about", "holds"),
    [
        (rule(1, "10", "sibling"), facts(child_place=1), False),
        (rule(1, "10", "sibling"), facts(child_place=2), True),
        (rule(1, "10", "sibling", from_nth=3), facts(child_place=2), False),
        (rule(1, "10", "sibling", from_nth=3), facts(child_place=4), True),
        (rule(1, "10", "sibling"), facts(), False),
        (rule(1, "10", "multi_class"), facts(class_place=1), False),
        (rule(1, "10", "multi_class"), facts(class_place=2), True),
        (rule(1, "10", "staff"), facts(), False),
        (rule(1, "10", "staff"), facts(is_staff_child=True), True),
        (rule(1, "10", "loyalty", after_months=12), facts(), True),  # a year ago today
        (rule(1, "10", "loyalty", after_months=13), facts(), False),
        (rule(1, "10", "granted"), facts(), False),
        (rule(1, "10", "granted"), facts(granted=frozenset({1})), True),
        (rule(1, "10", "staff", plans=frozenset({2})), facts(is_staff_child=True), False),
        (rule(1, "10", "staff", plans=frozenset({1})), facts(is_staff_child=True), True),
        (rule(1, "10", "staff", starts_on=date(2026, 3, 13)), facts(is_staff_child=True), False),
        (rule(1, "10", "staff", ends_on=date(2026, 3, 11)), facts(is_staff_child=True), False),
        (rule(1, "10", "staff", starts_on=ON, ends_on=ON), facts(is_staff_child=True), True),
    ],
)
def test_when_a_rule_holds(one, about, holds) -> None:
    assert bool(applying([one], about, ON)) is holds


def test_of_those_that_do_not_stack_the_best_counts_and_the_others_are_taken_off_what_is_left() -> None:
    """100.00: best of 10 % and 20 % is 80.00; 5 % of it off: 76.00; 10 % of that off: 68.40."""
    rules = [rule(1, "10"), rule(2, "20"), rule(3, "5", stacks=True), rule(4, "10", stacks=True)]
    found = applying(rules, facts(is_staff_child=True), ON)
    assert [one.key for one in found] == [2, 3, 4]
    assert Decimal(100) * factor_of(found) == Decimal("68.40")
    shown = [one.facts["discount_amount"] for one in steps_of(found, facts(), Decimal(100), "USD")]
    assert shown == ["20.00", "4.00", "7.60"]


def test_a_whole_discount_leaves_nothing_and_never_less() -> None:
    assert factor_of([rule(1, "100"), rule(2, "10", stacks=True)]) == 0


@given(
    st.decimals("0.01", "9999", places=2),
    st.lists(st.decimals("0.01", "100", places=2), min_size=1, max_size=5),
)
def test_the_amounts_shown_add_up_to_what_is_taken_off(price: Decimal, percents: list[Decimal]) -> None:
    rules = [rule(n, f"{percent}", stacks=True) for n, percent in enumerate(percents)]
    shown = sum(Decimal(str(one.facts["discount_amount"])) for one in steps_of(rules, facts(), price, "USD"))
    factor = factor_of(rules)
    assert 0 <= factor < 1
    assert shown == round_money(price, "USD") - round_money(price * factor, "USD")


def test_children_and_classes_are_ordered_dearest_first() -> None:
    """Anna (1): 600 and 900 a year; Bert (2): 900, agreed later than Anna's; what is for nobody counts for none."""
    found = places(
        [
            Class(10, 1, Decimal(600)), Class(11, 1, Decimal(900)), Class(12, 2, Decimal(900)),
            Class(13, None, Decimal(9999)),
        ]
    )  # fmt: skip
    assert found == {11: (1, 1), 10: (1, 2), 12: (2, 1), 13: (0, 0)}


amounts = st.decimals("-99", "99", places=2)


@given(amounts, amounts)
def test_a_shared_line_adds_up_whatever_the_signs_of_net_and_tax(net, tax) -> None:
    """An adjustment may give back a cent of tax while its net stays."""
    parts = split_line(PricedLine("Adjustment", net, tax), [Decimal(60), Decimal(40)], "USD")
    assert (sum((part.net for part in parts), ZERO), sum((part.tax for part in parts), ZERO)) == (net, tax)
    assert not any("-0.00" in part.to_json().values() for part in parts)
