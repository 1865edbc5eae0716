"""The check code: number, day and amount cannot be changed without it showing."""

from decimal import Decimal

import pytest

from receipts.papers.codes import check_code, is_genuine, qr_svg, qr_text

FACTS = {
    "organization": "allegro", "number": "RCP-2026-00000107", "issued_on": "2026-03-12", "currency": "USD",
    "amount": "1250.00",
}  # fmt: skip


def test_the_code_of_a_receipt_stays_the_same() -> None:
    facts = {key: value for key, value in FACTS.items() if key != "amount"}
    assert check_code(**FACTS) == check_code(**facts, amount=Decimal("1250"))


@pytest.mark.parametrize(
    ("fact", "other"),
    [("organization", "other"), ("number", "RCP-2026-00000108"), ("issued_on", "2026-03-13"), ("currency", "EUR"),
     ("amount", "1250.01")],
)  # fmt: skip
def test_it_belongs_to_no_other_facts(fact: str, other: str) -> None:
    assert not is_genuine(check_code(**FACTS), **FACTS | {fact: other})


def test_it_may_be_typed_as_people_type() -> None:
    code = check_code(**FACTS)
    typed = f" {code.lower().replace('-', ' ')} ".replace("o", "0").replace("i", "1").replace("b", "8")
    assert is_genuine(typed, **FACTS)
    assert not is_genuine("", **FACTS)


def test_it_needs_our_key(settings: object) -> None:
    code = check_code(**FACTS)
    settings.FIELD_KEYS = ["another key"]  # type: ignore[attr-defined]
    assert check_code(**FACTS) != code


def test_the_qr_carries_all_four_and_has_no_size_of_its_own() -> None:
    text = qr_text(**FACTS)
    assert text == f"quittance:allegro:RCP-2026-00000107:2026-03-12:USD1250.00:{check_code(**FACTS)}"
    svg = qr_svg(text)
    assert svg.startswith("<svg ")
    assert "viewBox" in svg
    assert "width=" not in svg
