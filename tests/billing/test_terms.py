"""Terms as people write them (R87)."""

from datetime import date
from decimal import Decimal

import pytest

from billing.errors import BadInput
from billing.terms import Terms, parse_terms

ISSUED = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("2/10 Net 30", Terms(30, Decimal("0.02"), 10)), ("2/10, n/30", Terms(30, Decimal("0.02"), 10)),
        ("1.5 / 7 net 14", Terms(14, Decimal("0.015"), 7)), ("NET 30", Terms(30)), ("net30", Terms(30)),
        ("due on receipt", Terms(0)), ("COD", Terms(0)), ("2/30 net 30", Terms(30, Decimal("0.02"), 30)), ("", None),
    ],
)  # fmt: skip
def test_R87_terms_are_read_as_people_write_them(text: str, terms: Terms | None) -> None:
    assert parse_terms(text) == terms


@pytest.mark.parametrize(
    ("text", "code"),
    [("2/31 net 30", "discount_too_long"), ("thirty days", "unknown_terms"), ("2/10", "unknown_terms"),
     ("100/10 net 30", "unknown_terms"), ("-2/10 net 30", "unknown_terms"), ("net 1000", "unknown_terms")],
)  # fmt: skip
def test_other_terms_are_refused(text: str, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_terms(text)
    assert (refusal.value.code, refusal.value.field) == (code, "terms")


def test_R87_the_tenth_day_counts_from_the_day_of_issue_and_is_the_last() -> None:
    terms = parse_terms("2/10 net 30")
    assert terms is not None
    assert (terms.discount_until(ISSUED), terms.due_on(ISSUED)) == (date(2026, 3, 11), date(2026, 3, 31))


def test_terms_without_a_discount_have_no_last_day_of_it() -> None:
    assert Terms(30).discount_until(ISSUED) is None
