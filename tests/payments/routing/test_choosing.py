"""Which of several ways a charge takes, and what is said of the others (R43, R45, R51). Pure."""

from dataclasses import replace
from decimal import Decimal

import pytest

from payments.services.choosing import Candidate, Choice, choose

HUNDRED = Decimal("100.00")


def way(method: int, **facts: object) -> Candidate:
    return replace(Candidate(method, f"Card {method}", f"Gateway {method}"), **facts)  # type: ignore[arg-type]


def chosen(*ways: Candidate, amount: Decimal = HUNDRED) -> tuple[int | None, str]:
    choice = choose(ways, amount, "USD")
    return (choice.winner.method if choice.winner else None), (choice.because.code if choice.because else "")


def why_not(choice: Choice) -> dict[int, str]:
    return {one.candidate.method: one.code for one in choice.others}


def test_one_way_is_taken_and_none_is_none() -> None:
    assert chosen(way(1)) == (1, "only_way")
    assert chosen() == (None, "")
    assert chosen(way(1, refusal=("paused", {}))) == (None, "")


def test_the_payers_own_order_comes_before_everything_else() -> None:
    first = way(1, place=1, won=0, tries=100, cost_percent=Decimal(9), rank=9)
    second = way(2, place=2, won=100, tries=100)
    assert chosen(second, first) == (1, "payers_order")
    assert why_not(choose([first, second], HUNDRED, "USD")) == {2: "later_in_order"}


def test_what_cannot_be_charged_is_left_out_whatever_its_place() -> None:
    first = way(1, place=1, refusal=("closed_off", {}))
    choice = choose([first, way(2, place=2)], HUNDRED, "USD")
    assert choice.winner is not None and choice.winner.method == 2
    assert why_not(choice) == {1: "closed_off"}


@pytest.mark.parametrize(("won", "winner", "code"), [(970, 2, "cheaper"), (969, 1, "works_more")])
def test_R45_two_points_of_success_are_as_good_more_is_not(won: int, winner: int, code: str) -> None:
    """Of 990 tries the dear one works 990 times, smoothed 99.9 %; the cheap one 97.9 % (near) or 97.8 % (not)."""
    dear = way(1, won=990, tries=990, cost_percent=Decimal(3))
    cheap = way(2, won=won, tries=990, cost_percent=Decimal(1))
    assert chosen(dear, cheap) == (winner, code)


def test_a_few_lucky_tries_do_not_beat_many_good_ones() -> None:
    lucky, steady = way(1, won=3, tries=3, cost_fixed=Decimal("9.00")), way(2, won=950, tries=1000)
    assert lucky.rate < steady.rate
    assert chosen(lucky, steady)[0] == 2


@pytest.mark.parametrize(("amount", "winner"), [("24.00", 1), ("26.00", 2)])
def test_R43_the_cost_is_of_this_amount(amount: str, winner: int) -> None:
    """2.5 % without a fixed part is cheaper than 0.5 % and 0.50 below 25.00, dearer above."""
    small, large = way(1, cost_percent=Decimal("2.5")), way(2, cost_percent=Decimal("0.5"), cost_fixed=Decimal("0.50"))
    choice = choose([small, large], Decimal(amount), "USD")
    assert choice.winner is not None and choice.winner.method == winner


def test_then_what_can_do_more_then_the_rank_then_the_older() -> None:
    plain, able = way(1, rank=1), way(2, rank=2, features=frozenset({"find"}))
    assert chosen(plain, able) == (2, "can_more")
    assert chosen(way(1, rank=2), way(2, rank=1)) == (2, "first_rank")
    assert chosen(way(2), way(1)) == (1, "older")


def test_every_other_way_is_told_once_with_its_reason() -> None:
    ways = [
        way(1), way(2, place=2), way(3, cost_fixed=Decimal("0.30")), way(4, refusal=("not_taken", {})), way(5, rank=2),
    ]  # fmt: skip
    choice = choose(ways, HUNDRED, "USD")
    assert choice.winner == ways[0]
    assert why_not(choice) == {4: "not_taken", 2: "later_in_order", 3: "dearer", 5: "later_rank"}
    assert choice.because is not None and choice.because.facts["cost_amount"] == "0.00"
