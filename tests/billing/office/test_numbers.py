"""Number series (R9, R101, R153, invariants 14, 39)."""

from datetime import date

import pytest
from django.db import transaction

from billing.office.models import NumberSeries
from billing.office.numbers import take_numbers
from tests.builders import organization

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 31)


def take(org, day: date = DAY, **wanted: int) -> dict[str, list[str]]:
    with transaction.atomic():
        return take_numbers(org, day, wanted)


@pytest.mark.parametrize(
    ("series", "number", "same", "restarts"),
    [
        ("PAY", "PAY-2026-03-00000001", date(2026, 3, 1), date(2026, 4, 1)),
        ("REF", "REF-2026-03-00000001", date(2026, 3, 1), date(2026, 4, 1)),
        ("TXN", "TXN-20260331-000001", date(2026, 3, 31), date(2026, 3, 30)),
        ("RCP", "RCP-2026-00000001", date(2026, 12, 31), date(2027, 1, 1)),
        ("INV", "INV-2026-00000001", date(2026, 1, 1), date(2025, 12, 31)),
        ("CM", "CM-2026-00000001", date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_R9_R153_each_series_has_its_form_and_its_period(series, number, same: date, restarts: date) -> None:
    org = organization()
    assert take(org, DAY, **{series: 1})[series] == [number]
    assert take(org, same, **{series: 1})[series][0].endswith("2")
    assert take(org, restarts, **{series: 1})[series][0].endswith("1")


def test_several_come_in_a_row_and_none_is_none() -> None:
    org = organization()
    assert take(org, PAY=2, RCP=1, TXN=0) == {
        "PAY": ["PAY-2026-03-00000001", "PAY-2026-03-00000002"], "RCP": ["RCP-2026-00000001"], "TXN": [],
    }  # fmt: skip
    assert take(org, PAY=1)["PAY"] == ["PAY-2026-03-00000003"]
    assert take(org, PAY=0) == {"PAY": []}


def test_a_number_taken_in_vain_is_given_again() -> None:
    org = organization()
    with pytest.raises(RuntimeError), transaction.atomic():
        take_numbers(org, DAY, {"RCP": 3})
        raise RuntimeError
    assert take(org, RCP=1)["RCP"] == ["RCP-2026-00000001"]
    assert NumberSeries.objects.get().last == 1
