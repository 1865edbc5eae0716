"""Days, instants and text (requirements' bad-input rows 21-46)."""

import unicodedata
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import BadInput
from billing.inputs import (
    clean_text,
    has_card_number,
    parse_day,
    parse_email,
    parse_instant,
    parse_period,
    parse_zone,
    safe_cell,
)
from tests.bad_inputs import DAYS, EMAILS, GOOD_TEXTS, TEXTS, Bad

NEW_YORK = ZoneInfo("America/New_York")


def refusal_of(reader, *arguments, **options) -> BadInput:
    with pytest.raises(BadInput) as refusal:
        reader(*arguments, **options)
    return refusal.value


class TestDays:
    @pytest.mark.parametrize("bad", DAYS, ids=str)
    def test_what_is_no_day_is_refused_in_its_own_words(self, bad: Bad) -> None:
        refusal = refusal_of(parse_day, bad.payload, field="due_on")
        assert (refusal.code, str(refusal), refusal.field) == (bad.code, bad.sentence, "due_on")

    @pytest.mark.parametrize("text", ["2000-01-01", "2100-12-31", "2028-02-29", " 2026-03-12 "])
    def test_the_first_and_last_day_and_a_leap_day_are_read(self, text: str) -> None:
        assert parse_day(text).isoformat() == text.strip()

    @given(st.text(max_size=20))
    def test_any_text_is_a_day_or_a_refusal(self, text: str) -> None:
        try:
            assert parse_day(text).isoformat() == text.strip()
        except BadInput as refusal:
            assert "{" not in str(refusal)

    @pytest.mark.parametrize(
        ("first", "last", "code", "sentence"),
        [
            ("2026-03-02", "2026-03-01", "period_reversed", "The first day is after the last."),
            ("1976-01-01", "2026-01-01", "year_out_of_range", "The year must be between 2000 and 2100."),
            ("2024-03-12", "2026-03-13", "period_too_long", "At most 24 months at a time."),
            ("2024-03-31", "2026-04-01", "period_too_long", "At most 24 months at a time."),
            ("2024-03-01", "2074-03-01", "period_too_long", "At most 24 months at a time."),
        ],
    )
    def test_a_period_has_an_order_and_a_length(self, first: str, last: str, code: str, sentence: str) -> None:
        refusal = refusal_of(parse_period, first, last)
        assert (refusal.code, str(refusal)) == (code, sentence)

    @pytest.mark.parametrize("last", ["2024-03-12", "2026-03-11", "2026-03-12"])
    def test_a_period_of_one_day_up_to_24_months_is_read(self, last: str) -> None:
        assert parse_period("2024-03-12", last) == (date(2024, 3, 12), date.fromisoformat(last))


class TestInstants:
    @pytest.mark.parametrize(
        ("text", "zone", "code", "sentence"),
        [
            ("2026-03-08T02:30:00", None, "zone_missing", "Add a zone, for example 2026-03-08T02:30:00-05:00."),
            ("2026-03-08T02:30", NEW_YORK, "no_such_time", "That time does not exist (clocks went forward)."),
            ("2026-11-01T01:30", NEW_YORK, "ambiguous_time", "That time happened twice; add the offset."),
            ("half past two", NEW_YORK, "not_an_instant", "Write the time as 2026-03-08T02:30:00-05:00."),
            ("0001-01-01T00:00", NEW_YORK, "year_out_of_range", "The year must be between 2000 and 2100."),
            (None, None, "not_an_instant", "Write the time as 2026-03-08T02:30:00-05:00."),
        ],
    )
    def test_a_time_without_a_meaning_is_refused(self, text, zone, code: str, sentence: str) -> None:
        refusal = refusal_of(parse_instant, text, zone=zone)
        assert (refusal.code, str(refusal)) == (code, sentence)

    def test_an_offset_settles_which_of_two(self) -> None:
        early = parse_instant("2026-11-01T01:30:00-04:00", zone=NEW_YORK)
        late = parse_instant("2026-11-01T01:30:00-05:00", zone=NEW_YORK)
        assert late - early == timedelta(hours=1)

    @pytest.mark.parametrize("name", ["Mars/Base", "", "../../etc/passwd", "America", "\x00", "\ud800"])
    def test_an_unknown_zone_is_refused(self, name: str) -> None:
        refusal = refusal_of(parse_zone, name)
        assert (refusal.code, str(refusal)) == ("unknown_zone", "Unknown time zone.")


class TestText:
    @pytest.mark.parametrize("bad", TEXTS, ids=str)
    def test_what_must_not_be_kept_is_refused_in_its_own_words(self, bad: Bad) -> None:
        refusal = refusal_of(clean_text, bad.payload, field="note", longest=40, required=True)
        assert (refusal.code, str(refusal), refusal.field) == (bad.code, bad.sentence, "note")

    @pytest.mark.parametrize(("text", "kept"), [g[1:] for g in GOOD_TEXTS], ids=[g[0] for g in GOOD_TEXTS])
    def test_what_people_write_is_kept_as_it_is(self, text: str, kept: str) -> None:
        assert clean_text(f" {text} ", field="note", longest=40) == kept

    def test_nothing_is_allowed_where_it_is_not_required(self) -> None:
        assert clean_text(None, field="note", longest=40) == clean_text(" ", field="note", longest=40) == ""

    def test_a_field_that_is_for_numbers_may_hold_one_that_looks_like_a_card(self) -> None:
        assert clean_text("4111111111111111", field="reference", longest=40, free=False) == "4111111111111111"

    @given(st.text(max_size=80))
    def test_what_is_kept_is_stored_and_composed(self, text: str) -> None:
        try:
            kept = clean_text(text, field="note", longest=40)
        except BadInput as refusal:
            assert "{" not in str(refusal)
        else:
            assert kept == unicodedata.normalize("NFC", kept) and "\x00" not in kept
            kept.encode()

    @given(st.integers(0, 10**14 - 1), st.text("abc ,;:()", max_size=8), st.text("abc ,;:()", max_size=8))
    def test_a_card_number_is_found_wherever_it_stands(self, body: int, before: str, after: str) -> None:
        digits = f"4{body:014d}"
        card = digits + next(str(c) for c in range(10) if _luhn(digits + str(c)))
        spaced = " ".join(card[i : i + 4] for i in range(0, 16, 4))
        assert has_card_number(f"{before}{card}{after}") and has_card_number(f"{before}{spaced}{after}")

    @pytest.mark.parametrize("bad", EMAILS, ids=str)
    def test_an_address_cannot_carry_a_header(self, bad: Bad) -> None:
        refusal = refusal_of(parse_email, bad.payload)
        assert (refusal.code, str(refusal)) == (bad.code, bad.sentence)


def _luhn(number: str) -> bool:
    doubled = [int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(number))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\x00=1"])
def test_a_cell_is_never_a_formula(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("value", [-5, "a=1", "", None])
def test_a_harmless_cell_stays_what_it_is(value: object) -> None:
    assert safe_cell(value) == value
