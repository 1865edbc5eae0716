"""Money: one reader, one rounding, one way to share (requirements' bad-input rows 1-20, invariants 2, 22, 23)."""

import time
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.errors import BadInput
from billing.money import (
    EXPONENTS,
    fits,
    format_amount,
    format_money,
    parse_amount,
    parse_signed_amount,
    quantum,
    round_money,
    split,
)
from tests.bad_inputs import AMOUNTS, GOOD_AMOUNTS, Bad

D = Decimal
CURRENCIES = st.sampled_from(["USD", "TWD", "INR"])


class TestReading:
    @pytest.mark.parametrize("bad", AMOUNTS, ids=str)
    def test_what_is_no_amount_is_refused_in_its_own_words(self, bad: Bad) -> None:
        with pytest.raises(BadInput) as refusal:
            parse_amount(bad.payload, bad.currency)
        assert (refusal.value.code, str(refusal.value)) == (bad.code, bad.sentence)
        assert refusal.value.field == "amount"

    @pytest.mark.parametrize(
        ("text", "currency", "value"), [g[1:] for g in GOOD_AMOUNTS], ids=[g[0] for g in GOOD_AMOUNTS]
    )
    def test_what_people_write_is_read(self, text: object, currency: str, value: str) -> None:
        read = parse_amount(text, currency)
        assert (read, read.as_tuple().exponent) == (D(value), -2)

    def test_a_very_long_number_is_refused_at_once(self) -> None:
        started = time.perf_counter()
        for _n in range(100):
            with pytest.raises(BadInput):
                parse_amount("9" * 10_000, "USD")
        assert (time.perf_counter() - started) / 100 < 0.001

    @pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "0.001", "1e999999"])
    def test_a_decimal_that_is_no_amount_is_refused_like_its_text(self, value: str) -> None:
        with pytest.raises(BadInput):
            parse_signed_amount(D(value), "USD")

    @pytest.mark.parametrize(
        ("text", "value"), [("-40", "-40.00"), ("−40.00", "-40.00"), ("0", "0.00"), ("-0", "0.00")]
    )
    def test_signed_amounts_read_minus_and_zero(self, text: str, value: str) -> None:
        assert str(parse_signed_amount(text, "USD")) == value

    @given(st.decimals(min_value="0.01", max_value="999999999999.49", places=2), CURRENCIES)
    def test_what_is_written_is_read_back(self, value: Decimal, currency: str) -> None:
        value = max(round_money(value, currency), quantum(currency))
        assert parse_amount(format_amount(value, currency), currency) == value
        assert parse_amount(format_money(value, currency), currency) == value

    @given(st.text(max_size=60))
    def test_any_text_is_an_amount_or_a_refusal(self, text: str) -> None:
        try:
            read = parse_amount(text, "USD")
        except BadInput as refusal:
            assert "{" not in str(refusal)
        else:
            assert read > 0 and fits(read, "USD")


class TestRounding:
    @pytest.mark.parametrize(
        ("value", "currency", "rounded"),
        [
            ("2.675", "USD", "2.68"), ("0.125", "USD", "0.13"), ("0.005", "USD", "0.01"), ("0.0049", "USD", "0.00"),
            ("-0.125", "USD", "-0.13"), ("0.5", "TWD", "1"), ("1.5", "TWD", "2"), ("2.5", "TWD", "3"),
            ("2.49", "TWD", "2"),
        ],
    )  # fmt: skip
    def test_it_is_half_up_to_the_smallest_unit(self, value: str, currency: str, rounded: str) -> None:
        assert round_money(D(value), currency) == D(rounded)

    @given(st.decimals(min_value="-99999999", max_value="99999999", places=5), CURRENCIES)
    @settings(max_examples=25, deadline=None)
    @pytest.mark.django_db
    def test_python_and_the_database_round_alike(self, value: Decimal, currency: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT round(%s::numeric, money_exponent(%s))", [value, currency])
            assert cursor.fetchone()[0] == round_money(value, currency)

    @pytest.mark.django_db
    def test_python_and_the_database_know_the_same_minor_units(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT c, money_exponent(c) FROM unnest(%s::text[]) c", [list(EXPONENTS)])
            assert dict(cursor.fetchall()) == EXPONENTS


class TestSharing:
    """Invariant 22."""

    def test_a_hundred_in_three_gives_the_spare_cent_to_the_first(self) -> None:
        assert split(D(100), [D(1)] * 3) == [D("33.34"), D("33.33"), D("33.33")]

    def test_dollars_of_taiwan_are_not_cut(self) -> None:
        assert split(D(100), [D(1)] * 3, "TWD") == [D(34), D(33), D(33)]

    def test_a_zero_weight_gets_nothing(self) -> None:
        assert split(D("0.02"), [D(0), D(1), D(1), D(1)]) == [D(0), D("0.01"), D("0.01"), D(0)]

    def test_without_any_weight_there_is_nothing_to_share_by(self) -> None:
        with pytest.raises(ValueError, match="nothing to share by"):
            split(D(1), [D(0), D(0)])

    @given(
        st.decimals(min_value=0, max_value="999999999.99", places=2),
        st.lists(st.decimals(min_value=0, max_value=10_000, places=3), min_size=1, max_size=200).filter(any),
        CURRENCIES,
    )
    def test_the_parts_add_up_to_the_whole(self, total: Decimal, weights: list[Decimal], currency: str) -> None:
        total = round_money(total, currency)
        parts = split(total, weights, currency)
        assert sum(parts) == total
        assert all(fits(part, currency) and part >= 0 for part in parts)
        assert all(not part for part, weight in zip(parts, weights, strict=True) if not weight)
        fair = [total * weight / sum(weights) for weight in weights]
        assert all(abs(part - share) <= quantum(currency) for part, share in zip(parts, fair, strict=True))


class TestWriting:
    @pytest.mark.parametrize(
        ("value", "currency", "shown"),
        [
            ("1250", "USD", "US$1,250.00"), ("1250", "TWD", "NT$1,250"), ("125000", "INR", "₹1,25,000.00"),
            ("-40", "USD", "−US$40.00"), ("0", "USD", "US$0.00"), ("0.05", "INR", "₹0.05"), ("999", "INR", "₹999.00"),
            ("12345678901.5", "INR", "₹12,34,56,78,901.50"), ("1000000", "TWD", "NT$1,000,000"),
            ("1234.5", "CHF", "CHF 1,234.50"), ("-1", "TWD", "−NT$1"),
        ],
    )  # fmt: skip
    def test_each_currency_is_written_its_own_way(self, value: str, currency: str, shown: str) -> None:
        assert format_money(D(value), currency) == shown
