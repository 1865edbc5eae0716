"""Amounts in words (R154): the words hold where figures differ, so each table row is a promise."""

from decimal import Decimal

import pytest

from billing.money import EXPONENTS
from billing.words import amount_in_words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0.00", "zero dollars and 00/100"),
        ("0.05", "zero dollars and 05/100"),
        ("1.00", "one dollar and 00/100"),
        ("1.01", "one dollar and 01/100"),
        ("21.50", "twenty-one dollars and 50/100"),
        ("101.00", "one hundred one dollars and 00/100"),
        ("1250.00", "one thousand two hundred fifty dollars and 00/100"),
        ("1000000.99", "one million dollars and 99/100"),
    ],
)
def test_us_dollars_are_written_as_on_american_cheques(amount: str, words: str) -> None:
    assert amount_in_words(Decimal(amount), "USD", "en") == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "rupees zero only"),
        ("1", "rupee one only"),
        ("0.01", "one paisa only"),
        ("0.50", "fifty paise only"),
        ("125000.00", "rupees one lakh twenty-five thousand only"),
        ("1234567.50", "rupees twelve lakh thirty-four thousand five hundred sixty-seven and fifty paise only"),
        ("10000000", "rupees one crore only"),
        ("12345678901", "rupees one thousand two hundred thirty-four crore fifty-six lakh seventy-eight thousand"
         " nine hundred one only"),
    ],
)  # fmt: skip
def test_rupees_count_in_lakh_and_crore(amount: str, words: str) -> None:
    assert amount_in_words(Decimal(amount), "INR", "en") == words


def test_new_taiwan_dollars_have_no_cents_in_english() -> None:
    words = amount_in_words(Decimal("1250.00"), "TWD", "en")
    assert words == "New Taiwan dollars one thousand two hundred fifty only"


# 正確填寫票據和結算憑證的基本規定 (annex 1 of 支付結算辦法), articles 2 and 4, in the characters used in Taiwan. The
# amounts of the second table are the rule's own examples; where it allows 零 or none before 角, none is written.
@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "零元整"),
        ("1", "壹元整"),
        ("10", "壹拾元整"),
        ("15", "壹拾伍元整"),
        ("101", "壹佰零壹元整"),
        ("110", "壹佰壹拾元整"),
        ("1001", "壹仟零壹元整"),
        ("1010", "壹仟零壹拾元整"),
        ("1250", "壹仟貳佰伍拾元整"),
        ("10000", "壹萬元整"),
        ("10010", "壹萬零壹拾元整"),
        ("100001", "壹拾萬零壹元整"),
        ("107000", "壹拾萬柒仟元整"),
        ("1000001", "壹佰萬零壹元整"),
        ("20030405", "貳仟零參萬零肆佰零伍元整"),
        ("100000000", "壹億元整"),
        ("100000001", "壹億零壹元整"),
        ("100010000", "壹億零壹萬元整"),
        ("101000000", "壹億零壹佰萬元整"),
        ("999999999999", "玖仟玖佰玖拾玖億玖仟玖佰玖拾玖萬玖仟玖佰玖拾玖元整"),
    ],
)
def test_formal_numerals_say_one_zero_for_a_run_of_empty_places(amount: str, words: str) -> None:
    assert amount_in_words(Decimal(amount), "TWD", "zh-hant") == f"新臺幣{words}"


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("1409.50", "壹仟肆佰零玖元伍角整"),
        ("6007.14", "陸仟零柒元壹角肆分"),
        ("1680.32", "壹仟陸佰捌拾元參角貳分"),
        ("16409.02", "壹萬陸仟肆佰零玖元零貳分"),
        ("325.04", "參佰貳拾伍元零肆分"),
        ("100.50", "壹佰元伍角整"),
        ("0.50", "伍角整"),
        ("0.05", "伍分"),
    ],
)
def test_cents_are_jiao_and_fen_and_only_fen_goes_without_the_closing_word(amount: str, words: str) -> None:
    assert amount_in_words(Decimal(amount), "USD", "zh-hant") == f"美元{words}"


@pytest.mark.parametrize("currency", EXPONENTS)
@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_every_currency_has_words_that_name_it(currency: str, language: str) -> None:
    words = amount_in_words(Decimal("1200"), currency, language)
    assert currency not in words
    assert ("one thousand two hundred" in words) == (language == "en")
    assert ("壹仟貳佰元整" in words) == (language == "zh-hant")


def test_an_amount_its_currency_does_not_have_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        amount_in_words(Decimal("1.50"), "TWD", "en")
    with pytest.raises(AssertionError):
        amount_in_words(Decimal("-1"), "USD", "en")
