"""The payment reference repairs what people slip on: every single wrong or swapped character, all of them tried."""

import itertools
import random

import pytest

from billing.rules.payment_codes import (
    ALPHABET,
    LENGTH,
    NUMBERS,
    Names,
    build_code,
    customer_code,
    find_codes,
    invoice_code,
    read_code,
)

TYPED = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NUMBERED = (1, 2, 31, 1_000_003, NUMBERS - 1)


def wrong(code: str) -> list[str]:
    """Every text that differs in one character, from all that a keyboard has, those we never print among them."""
    return [
        code[:at] + char + code[at + 1 :] for at in range(LENGTH) for char in TYPED if char != code[at]
    ]  # fmt: skip


def swapped(code: str) -> list[str]:
    """Every text in which two neighbours that differ have changed places."""
    pairs = [at for at in range(LENGTH - 1) if code[at] != code[at + 1]]
    return [code[:at] + code[at + 1] + code[at] + code[at + 2 :] for at in pairs]


@pytest.mark.parametrize("names", Names)
@pytest.mark.parametrize("number", NUMBERED)
def test_every_single_slip_is_repaired(names: Names, number: int) -> None:
    code = build_code(names, number)
    slips = [*wrong(code), *swapped(code)]
    assert len(slips) >= LENGTH * 35
    for slip in slips:
        read = read_code(slip)
        assert read is not None, slip
        assert (read.names, read.number, read.code, read.is_repaired) == (names, number, code, True), slip


def test_the_whole_reference_is_read_as_it_is() -> None:
    for number in (*NUMBERED, *random.Random(7).sample(range(1, NUMBERS), 500)):
        read = read_code(build_code(Names.CUSTOMER, number))
        assert read is not None
        assert (read.number, read.is_repaired) == (number, False)


def test_two_wrong_characters_are_never_repaired_into_another_reference_as_if_one_were_wrong() -> None:
    """Four places apart: what is two substitutions from a reference is one from no other."""
    code = build_code(Names.CUSTOMER, 4711)
    for first, second in itertools.combinations(range(LENGTH), 2):
        for a, b in itertools.product(ALPHABET[::5], ALPHABET[::7]):
            letters = list(code)
            letters[first], letters[second] = a, b
            text = "".join(letters)
            read = read_code(text)
            if read is None or read.code == code or text == code:
                continue
            assert sum(x != y for x, y in zip(text, read.code, strict=True)) == 2, (text, read)  # a swap, never one


def test_references_differ_and_are_printed_in_groups_without_look_alikes() -> None:
    codes = {build_code(names, number) for names in Names for number in range(1, 5001)}
    assert len(codes) == 10_000
    assert not set("".join(codes)) & set("01ILO")
    assert [len(group) for group in customer_code(1).split()] == [3, 3, 3]
    assert (customer_code(1)[0], invoice_code(1)[0]) == ("K", "N")


@pytest.mark.parametrize("number", [0, -1, NUMBERS])
def test_a_key_that_does_not_fit_has_none(number: int) -> None:
    assert build_code(Names.CUSTOMER, number) == ""
    assert build_code(Names.CUSTOMER, NUMBERS - 1) != ""


@pytest.mark.parametrize(
    "text",
    ["{0} {1} {2}", "{0}{1}{2}", "{0}-{1}-{2}", "SCHOOL FEES {0}/{1}/{2} ANNA", "FEES{0}{1}{2}ANNA", "{0} {1}\n{2}",
     "ref.: {0} {1} {2}, thank you"],
)  # fmt: skip
def test_it_is_found_however_a_bank_writes_it(text: str) -> None:
    written = text.format(*customer_code(4711).split()).lower()
    (found,) = find_codes(written)
    assert (found.names, found.number, found.is_repaired) == (Names.CUSTOMER, 4711, False)


def test_a_slip_is_repaired_where_the_reference_stands_alone_and_not_inside_words() -> None:
    slip = swapped(build_code(Names.CUSTOMER, 4711))[3]
    (found,) = find_codes(f"for {slip} thanks")
    assert (found.number, found.is_repaired) == (4711, True)
    assert find_codes(f"FOR{slip}THANKS") == []


def test_nothing_else_is_taken_for_one() -> None:
    texts = ["INV-2026-00001871", "DE02120300000000202051", "RF18539007547034", "school fees march", "KATHARINA",
             "123456789", "", "K", "康 KNN 222 222"]  # fmt: skip
    assert [find_codes(text) for text in texts] == [[] for _text in texts]
