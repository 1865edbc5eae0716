"""Lines that are no fresh payment: bank items, repetitions, returns (bank.md §6 step 0)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from reconciliation.rules.matching.book import Book
from reconciliation.rules.matching.deciding import decide
from reconciliation.rules.matching.facts import Action, Decision, LineFacts
from tests.reconciliation.matching.cast import TODAY, book, codes, decided, line

PAID = {
    "party_name": "Nord Foods GmbH",
    "text": "INV-2026-000101",
    "bank_reference": "B100200300",
    "end_to_end_id": "E7",
}


def after(first: LineFacts, **facts: Any) -> tuple[Decision, Book]:
    """The decision for a second line once a first one was decided."""
    known = book()
    known.use_up(first, decide(first, known))
    return decide(line(**{"amount": "5000", "id": 2, **facts}), known), known


@pytest.mark.parametrize(
    ("amount", "facts"),
    [
        ("-15", {"party_name": "BANK CHARGES", "text": "BANK CHARGES"}), ("12", {"text": "INTEREST CREDIT"}),
        ("-900", {"party_name": "SALARY RUN"}), ("-77", {"text": "TAX OFFICE 統一繳稅"}),
        ("2000", {"party_name": "CARD SETTLEMENT"}), ("-30", {"code": "NCHG"}), ("3", {"code": "PMNT/MCRD/INTR"}),
        ("-5", {"text": "Kontoführungsgebühr 03/2026"}),
    ],
)  # fmt: skip
def test_the_banks_own_items_are_nobodys_payment(amount: str, facts: dict[str, Any]) -> None:
    decision = decided(amount, **facts)
    assert (decision.action, codes(decision)) == (Action.IGNORE, ["bank_item"])


@pytest.mark.parametrize(
    "facts",
    [
        {"party_name": "Nord Foods GmbH", "text": "interest on INV-2026-000101 refused"},
        {"party_name": "Interest Group Holding", "text": "INV-2026-000101"},
        {"party_name": "Nord Foods GmbH", "code": "PMNT/RCDT/ESCT", "text": "INV-2026-000101"},
    ],
)
def test_a_customers_payment_is_no_bank_item_for_a_word_in_it(facts: dict[str, Any]) -> None:
    assert decided("5000", **facts).action == Action.AUTO


def test_money_that_left_is_left_alone() -> None:
    assert decided("-5000", party_name="Nord Foods GmbH", text="INV-2026-000101").action == Action.NONE


def test_what_the_bank_posted_twice_is_a_duplicate_of_the_first() -> None:
    decision, _book = after(line("5000", **PAID), **PAID)
    assert (decision.action, decision.other_line) == (Action.DUPLICATE, 1)


@pytest.mark.parametrize(
    "other",
    [{"amount": "4999"}, {"text": "INV-2026-000102"}, {"bank_reference": "B100200301"}, {"end_to_end_id": "E8"}],
)
def test_a_shared_reference_alone_makes_no_duplicate(other: dict[str, str]) -> None:
    """Bundesbank's own example has one reference on a cheque and on its fee."""
    decision, _book = after(line("5000", **PAID), **{**PAID, **other})
    assert decision.action != Action.DUPLICATE


def test_a_duplicate_is_not_repeated_by_a_third() -> None:
    first = line("5000", **PAID)
    decision, known = after(first, **PAID)
    known.use_up(replace(first, id=2), decision)
    assert decide(line("5000", id=3, **PAID), known).other_line == 1


def test_what_the_import_suspects_is_never_posted_by_itself() -> None:
    decision = decided("5000", is_suspected_duplicate=True, party_name="Nord Foods GmbH", text="INV-2026-000101")
    assert (decision.action, codes(decision)) == (Action.NONE, ["suspected_duplicate"])


@pytest.mark.parametrize(
    "facts",
    [
        {"text": "RETURN AC04 B100200300"}, {"is_reversal": True, "end_to_end_id": "E7"},
        {"return_code": "MD06", "original_reference": "B100200300"},
        {"text": "Retoure", "party_name": "Nord Foods GmbH"},
    ],
)  # fmt: skip
def test_a_return_names_the_line_it_takes_back_and_reopens_its_invoices(facts: dict[str, Any]) -> None:
    first = line("5000", **PAID)
    decision, known = after(first, amount="-5000", bank_reference="B9", **facts)
    assert (decision.action, decision.other_line, decision.customer_id) == (Action.REVERSAL, 1, 1)
    assert known.open_amounts[1] == 0
    known.use_up(line("-5000", id=2), decision)
    assert known.open_amounts[1] == 5000


@pytest.mark.parametrize(
    "facts",
    [
        {"amount": "-4999", "text": "RETURN AC04 B100200300"},
        {"amount": "-5000", "text": "RETURN AC04", "party_name": "Somebody else"},
        {"amount": "-5000", "text": "RETURN B100200300", "booked_on": TODAY + timedelta(days=91)},
    ],
)
def test_a_return_of_nothing_known_is_for_a_person(facts: dict[str, Any]) -> None:
    decision, _book = after(line("5000", **PAID), **facts)
    assert (decision.action, codes(decision)) == (Action.NONE, ["return_without_original"])


def test_a_payment_is_taken_back_once() -> None:
    first = line("5000", **PAID)
    back: dict[str, Any] = {"amount": "-5000", "text": "RETURN AC04 B100200300"}
    decision, known = after(first, **back)
    known.use_up(line("-5000", id=2, text=back["text"]), decision)
    assert decide(line("-5000", id=3, text=back["text"]), known).action == Action.NONE


def test_the_same_day_boundary_of_returns_is_ninety_days() -> None:
    decision, _book = after(
        line("5000", **PAID), amount="-5000", text="RETURN B100200300", booked_on=TODAY + timedelta(days=90)
    )
    assert decision.action == Action.REVERSAL
    assert decision.score == Decimal("0.990")
