"""Invoice numbers in what a payer wrote (bank.md §6 step 3)."""

import pytest

from reconciliation.rules.matching.finding import How, find_numbers
from reconciliation.rules.matching.numbers import NumberIndex, is_near, may_be
from tests.reconciliation.matching.cast import invoice

NUMBERS = (
    "INV-2026-000123", "INV-2026-000124", "INV-2026-000125", "INV-2026-000500", "INV-2026-045510", "AB12345678",
    "AB12345690", "4711998877", "A77",
)  # fmt: skip
INDEX = NumberIndex([invoice(pk, number, 1, "100") for pk, number in enumerate(NUMBERS, 1)])


def found(text: str) -> list[tuple[str, str]]:
    return [(mention.invoice.number, mention.how.name) for mention in find_numbers(text, INDEX).mentions]


@pytest.mark.parametrize(
    "text",
    [
        "INV-2026-000123", "inv-2026-000123", "INV2026000123", "INV 2026 000123", "INV/2026/000123",
        "IN V-2026-000123", "No.INV-2026-000123", "Rechnung INV-2026-0001\n23 danke", "貨款INV-2026-000123",
        "ＩＮＶ－２０２６－０００１２３",
    ],
)  # fmt: skip
def test_a_number_is_found_however_it_is_set(text: str) -> None:
    assert found(text) == [("INV-2026-000123", "EXACT")]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("INV-2026-000123, AB12345678", ["INV-2026-000123", "AB12345678"]),
        ("INV2026000123INV2026000500AB12345678", ["INV-2026-000123", "INV-2026-000500", "AB12345678"]),
        ("INV-2026-000123/0124", ["INV-2026-000123", "INV-2026-000124"]),
        ("INV-2026-000123/0124/0500", ["INV-2026-000123", "INV-2026-000124", "INV-2026-000500"]),
        ("INV-2026-000123 - 125", ["INV-2026-000123", "INV-2026-000124", "INV-2026-000125"]),
        ("AB12345678/5690", ["AB12345678", "AB12345690"]),
    ],
)
def test_several_numbers_are_found(text: str, numbers: list[str]) -> None:
    assert sorted(number for number, _how in found(text)) == sorted(numbers)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INV-2O26-OOO5OO", ("INV-2026-000500", "MISREAD")),
        ("ABl234S678", ("AB12345678", "MISREAD")),
        ("INV-2026-000560", ("INV-2026-000500", "MISTYPED")),  # one digit
        ("INV-2026-00500", ("INV-2026-000500", "MISTYPED")),  # one left out
        ("INV-2026-000050", ("INV-2026-000500", "MISTYPED")),  # two swapped
        ("AB12346578", ("AB12345678", "MISTYPED")),
        ("#2026-000500", ("INV-2026-000500", "DIGITS")),
        ("payment 45510", ("INV-2026-045510", "TAIL")),
        ("4711998877", ("4711998877", "EXACT")),
    ],
)
def test_a_damaged_number_is_read_if_only_one_fits(text: str, expected: tuple[str, str]) -> None:
    assert found(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "INV-2026-000126",  # one digit from three numbers
        "payment 0999", "thank you", "12.03.2026", "2026", "DE02120300000000202051",
        "94711998877", "47119988770", "A770", "BA77",
    ],
)  # fmt: skip
def test_what_fits_several_or_none_names_nothing(text: str) -> None:
    assert found(text) == []


def test_what_looks_like_a_number_and_names_none_is_told() -> None:
    assert find_numbers("INV-2026-000126", INDEX).unclear == ["INV-2026-000126"]
    assert find_numbers("INV-2026-000123", INDEX).unclear == []


@pytest.mark.parametrize(
    ("text", "is_cut"),
    [
        ("INV-2026-000500,INV-20", True), ("INV-2026-000500,IN", True), ("INV-2026-000500,", True),
        ("INV-2026-000500, thanks", False), ("INV-2026-000500, AB12345678", False), ("Kd-Nr INV-2026-000500", False),
    ],
)  # fmt: skip
def test_a_text_cut_off_in_the_middle_of_a_number_is_noticed(text: str, is_cut: bool) -> None:
    assert bool(find_numbers(text, INDEX).unclear) is is_cut


def test_the_same_invoice_named_twice_is_named_once() -> None:
    assert found("INV-2026-000123 INV-2026-000123") == [("INV-2026-000123", "EXACT")]


def test_pieces_that_are_accounts_are_not_read_as_numbers() -> None:
    assert found("45510") == [("INV-2026-045510", "TAIL")]
    assert find_numbers("45510", INDEX, skip=["45510"]).mentions == []


def test_a_creditor_reference_is_found_in_text() -> None:
    index = NumberIndex([invoice(1, "INV-1", 1, "100", creditor_reference="RF18539007547034")])
    (mention,) = find_numbers("pay RF18 5390 0754 7034 now", index).mentions
    assert (mention.invoice.number, mention.how) == ("INV-1", How.STRUCTURED)


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("INV-1234", "INV-1235", True), ("INV-1234", "INV-1324", True), ("INV-1234", "INV-123", True),
        ("INV-1234", "INV-12345", True), ("INV-1234", "INV-1234", False), ("INV-1234", "INV-1245", False),
        ("INV-1234", "INV-4231", False),
    ],
)  # fmt: skip
def test_one_slip_is_near_and_two_are_not(one: str, other: str, near: bool) -> None:
    assert is_near(one, other) is near


def test_a_piece_may_have_been_meant_as_a_number_it_begins() -> None:
    assert may_be("INV-20", "INV-2026-000123")
    assert may_be("INV-2026-00O124", "INV-2026-000123")
    assert not may_be("INV-2026-0005", "INV-2026-000123")
