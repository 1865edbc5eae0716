"""Our own payment reference on a bank line: read whole, repaired where it has a slip, never against what else is known.

The cast: Nord Foods is customer 1 and owes 5000, 3210 and 777; Müller Logistics is 2 and owes 4000.
"""

import pytest

from billing.rules.payment_codes import Names, build_code, customer_code, invoice_code
from reconciliation.rules.matching.facts import Action
from reconciliation.rules.words_matching import match_sentences
from tests.reconciliation.matching.cast import book, codes, decided, invoice, paid

AUTO, SUGGEST = Action.AUTO, Action.SUGGEST
NORD, MUELLER = {"party_name": "Nord Foods GmbH"}, {"party_name": "Müller Logistics Limited"}


def slipped(code: str) -> str:
    """With its fourth and fifth letters swapped."""
    plain = code.replace(" ", "")
    return plain[:3] + plain[4] + plain[3] + plain[5:]


@pytest.mark.parametrize("place", ["text", "references", "end_to_end_id"])
def test_the_customers_reference_names_them_though_a_stranger_pays(place: str) -> None:
    value = (customer_code(1),) if place == "references" else customer_code(1)
    decision = decided("777", party_name="Maria Rossi", **{place: value})
    assert (decision.action, decision.customer_id, paid(decision)) == (AUTO, 1, {"INV-2026-000250": "777"})
    assert "code_whole" in codes(decision)


def test_an_invoices_reference_settles_it() -> None:
    decision = decided("5000", text=f"fees {invoice_code(1)}", party_name="Maria Rossi")
    assert (decision.action, paid(decision)) == (AUTO, {"INV-2026-000101": "5000"})


def test_a_slip_is_repaired_and_said() -> None:
    decision = decided("777", text=slipped(customer_code(1)), party_name="Maria Rossi")
    assert (decision.action, paid(decision)) == (AUTO, {"INV-2026-000250": "777"})
    said = " ".join(match_sentences(decision.evidence, "TWD"))
    assert f"{slipped(customer_code(1))} is this customer's payment reference {customer_code(1)}" in said


def test_a_repaired_one_of_an_invoice_settles_it_only_exactly() -> None:
    slip = slipped(invoice_code(1))
    assert paid(decided("5000", text=slip)) == {"INV-2026-000101": "5000"}
    part = decided("2500", text=slip)
    assert (part.action, part.customer_id, codes(part)[-1]) == (SUGGEST, 1, "not_enough")


def test_a_repaired_one_posts_nothing_against_a_payer_who_is_known_to_be_another() -> None:
    slip = slipped(invoice_code(1))
    decision = decided("5000", text=slip, **MUELLER)
    assert (decision.action, codes(decision)[-1]) == (SUGGEST, "code_contradicted")
    assert {candidate.customer_id for candidate in decision.candidates} >= {1, 2}
    agreed = decided("5000", text=slip, **NORD)
    assert (agreed.action, agreed.customer_id) == (AUTO, 1)


@pytest.mark.parametrize(
    "facts",
    [{"virtual_account": "95678000000017"}, {"party_account": "DE02120300000000202051"},
     {"text": "INV-2026-000101 {slip}"}],
)  # fmt: skip
def test_nor_against_an_account_or_a_number_of_another(facts: dict[str, str]) -> None:
    """Account, virtual account and invoice are Nord's, the repaired reference is Müller's, and its amount would fit."""
    slip = slipped(customer_code(2))
    given = {"text": slip} | {name: value.format(slip=slip) for name, value in facts.items()}
    decision = decided("4000", **given)
    assert (decision.action, codes(decision)[-1]) == (SUGGEST, "code_contradicted")


def test_a_whole_one_and_a_virtual_account_of_another_are_for_a_person() -> None:
    decision = decided("4000", text=customer_code(2), virtual_account="95678000000017")
    assert (decision.action, codes(decision)[-1]) == (SUGGEST, "code_contradicted")


def test_references_of_two_customers_name_nobody() -> None:
    assert decided("9000", text=f"{customer_code(1)} {customer_code(2)}").action != AUTO


def test_one_of_nobody_here_is_mere_text() -> None:
    """Of a customer of another organization: the book does not know them."""
    decision = decided("777", text=customer_code(999), **NORD)
    assert (decision.action, decision.customer_id) == (AUTO, 1)
    assert not [code for code in codes(decision) if code.startswith("code_")]


def test_an_invoice_number_of_that_form_stays_an_invoice_number() -> None:
    number = build_code(Names.CUSTOMER, 2)
    into = book(invoice(70, number, 4, "450"))
    decision = decided("450", into=into, text=number)
    assert (decision.customer_id, paid(decision)) == (4, {number: "450"})
