"""Matching rules of the house: when they fit, and what they may do beside what is found out (bank.md §6; R144)."""

from decimal import Decimal
from typing import Any

import pytest

from reconciliation.rules.matching import deciding
from reconciliation.rules.matching.facts import Action, Decision, LineFacts, RuleDeed, RuleFacts
from reconciliation.rules.matching.house_rules import fits
from tests.reconciliation.matching import cast
from tests.reconciliation.matching.cast import codes, line


def rule(deed: RuleDeed = RuleDeed.ITEM, pk: int = 1, **facts: Any) -> RuleFacts:
    facts.setdefault("acts", True)
    if not facts.keys() & {"text_has", "payer_has", "bank_code"}:
        facts["text_has"] = ("MONTHLY RENT",)
    return RuleFacts(pk, 1, f"rule {pk}", deed, **facts)


def decide(facts: LineFacts, *rules: RuleFacts) -> Decision:
    book = cast.book()
    book.rules = rules
    return deciding.decide(facts, book)


class TestFits:
    @pytest.mark.parametrize(
        ("phrase", "text", "is_there"),
        [
            ("monthly rent", "THE MONTHLY  RENT 03/26", True),
            ("MONTHLY RENT", "ＭＯＮＴＨＬＹ　ＲＥＮＴ", True),
            ("Müller", "MUELLER AND SONS", True),
            ("mueller", "Müller", True),
            ("muller", "Müller", True),
            ("fee", "coffee", False),
            ("fee", "FEE-26", True),
            ("fee", "FEE26", False),
            ("手續費", "跨行手續費15元", True),
            ("ATM手續費", "ATM手續費", True),
            ("臺北", "台北分行", True),
            ("rent monthly", "monthly rent", False),
            ("a.b", "A/B", True),
        ],
    )
    def test_a_phrase_is_whole_words_however_it_is_written(self, phrase: str, text: str, is_there: bool) -> None:
        assert fits(line("10", text=text), rule(text_has=(phrase,))) is is_there

    def test_all_of_one_list_and_none_of_the_other(self) -> None:
        both = rule(text_has=("rent", "march"), text_lacks=("deposit",))
        assert fits(line("10", text="rent of march"), both)
        assert not fits(line("10", text="rent of april"), both)
        assert not fits(line("10", text="rent of march, deposit"), both)

    @pytest.mark.parametrize(("amount", "is_in"), [("9.99", False), ("10", True), ("20", True), ("20.01", False)])
    @pytest.mark.parametrize("sign", ["", "-"])
    def test_amounts_from_and_to_are_of_both_directions(self, amount: str, is_in: bool, sign: str) -> None:
        between = rule(amount_from=Decimal(10), amount_to=Decimal(20))
        assert fits(line(sign + amount, text="monthly rent"), between) is is_in

    @pytest.mark.parametrize(("direction", "amount", "is_in"), [
        ("in", "1", True), ("in", "-1", False), ("out", "-1", True), ("out", "1", False), ("", "-1", True),
    ])  # fmt: skip
    def test_a_direction_leaves_the_other_out(self, direction: str, amount: str, is_in: bool) -> None:
        assert fits(line(amount, text="monthly rent"), rule(direction=direction)) is is_in

    def test_the_payer_is_who_paid_or_for_whom(self) -> None:
        by = rule(payer_has="schmidt")
        assert fits(line("1", party_name="Peter Schmidt"), by)
        assert fits(line("1", party_name="Bank", ultimate_party="Schmidt, Peter"), by)
        assert not fits(line("1", text="Schmidt"), by)

    def test_the_banks_code_by_its_parts(self) -> None:
        assert fits(line("1", code="PMNT-RCDT-ESCT"), rule(bank_code="rcdt"))
        assert fits(line("1", code="PMNT-RCDT-ESCT"), rule(bank_code="PMNT RCDT"))
        assert not fits(line("1", code="PMNT-RCDT-ESCT"), rule(bank_code="PMNT-ESCT"))


class TestDeeds:
    def test_the_first_that_fits_wins(self) -> None:
        made = decide(line("-10", text="monthly rent"), rule(text_has=("nothing",)), rule(pk=2), rule(pk=3))
        assert (made.action, made.reason, made.rule and made.rule.id) == (Action.AUTO, "rule+item", 2)
        assert codes(made) == ["rule_fits"]

    def test_one_that_only_suggests_posts_nothing(self) -> None:
        made = decide(line("-10", text="monthly rent"), rule(acts=False))
        assert (made.action, made.rule and made.rule.id) == (Action.SUGGEST, 1)
        assert made.score < decide(line("-10", text="monthly rent"), rule()).score

    def test_what_no_rule_fits_is_decided_as_ever(self) -> None:
        pays = line("5000", text="INV-2026-000101", party_name="Nord Foods GmbH")
        assert decide(pays, rule(text_has=("nothing",))) == decide(pays)
        assert decide(pays).action == Action.AUTO

    @pytest.mark.parametrize("deed", [RuleDeed.ITEM, RuleDeed.SUSPENSE])
    def test_a_sure_payment_is_only_suggested_otherwise(self, deed: RuleDeed) -> None:
        pays = line("5000", text="INV-2026-000101 monthly rent", party_name="Nord Foods GmbH")
        made = decide(pays, rule(deed))
        assert (made.action, made.customer_id) == (Action.SUGGEST, None)
        assert codes(made) == ["rule_fits", "rule_against_payer"]
        assert made.candidates[0].customer_id == 1
        assert made.candidates[0].score > made.score, "the likelier comes first"

    def test_a_payment_of_another_customer_is_only_suggested(self) -> None:
        pays = line("5000", text="INV-2026-000101 monthly rent", party_name="Nord Foods GmbH")
        made = decide(pays, rule(RuleDeed.PAYMENT, customer_id=2, direction="in"))
        assert (made.action, made.customer_id) == (Action.SUGGEST, 2)
        assert "rule_against_payer" in codes(made)

    def test_of_the_rules_customer_the_amount_decides_the_invoices(self) -> None:
        made = decide(line("777", text="monthly rent", party_name="Grandma"),
                      rule(RuleDeed.PAYMENT, customer_id=1, direction="in"))  # fmt: skip
        assert (made.action, made.reason, [part.number for part in made.parts]) == (
            Action.AUTO, "rule+single", ["INV-2026-000250"],
        )  # fmt: skip
        assert codes(made)[0] == "rule_fits"

    def test_a_payment_that_fits_nothing_waits_for_a_person(self) -> None:
        made = decide(line("17", text="monthly rent"), rule(RuleDeed.PAYMENT, customer_id=1, direction="in"))
        assert (made.action, made.customer_id, made.parts) == (Action.SUGGEST, 1, ())

    def test_what_is_posted_the_same_without_the_rule_is_not_the_rules(self) -> None:
        pays = line("5000", text="INV-2026-000101 monthly rent", party_name="Nord Foods GmbH")
        made = decide(pays, rule(RuleDeed.PAYMENT, customer_id=1, direction="in", acts=False))
        assert made == decide(pays)
        assert (made.action, made.rule) == (Action.AUTO, None)

    def test_what_the_bank_calls_its_own_is_no_payment_by_itself(self) -> None:
        made = decide(line("777", text="x", code="INTR"), rule(RuleDeed.PAYMENT, bank_code="INTR", customer_id=1,
                                                              direction="in"))  # fmt: skip
        assert (made.action, codes(made)[-1]) == (Action.SUGGEST, "rule_against_bank")

    def test_left_to_a_person_is_the_best_guess_and_no_more(self) -> None:
        pays = line("5000", text="INV-2026-000101 monthly rent", party_name="Nord Foods GmbH")
        made = decide(pays, rule(RuleDeed.PERSON))
        assert (made.action, made.customer_id, codes(made)[0]) == (Action.SUGGEST, 1, "rule_person")
        assert made.candidates

    def test_a_return_is_no_rules_matter(self) -> None:
        made = decide(line("-10", text="monthly rent returned", is_reversal=True), rule())
        assert (made.reason, made.rule) == ("return_without_original", None)
        assert decide(line("-10", text="monthly rent", is_suspected_duplicate=True), rule()).rule is None

    @pytest.mark.parametrize(("amount", "action"), [
        ("-1000000", Action.AUTO), ("-1000000.01", Action.SUGGEST), ("1000000.01", Action.SUGGEST),
    ])  # fmt: skip
    def test_above_the_limit_a_person_looks(self, amount: str, action: Action) -> None:
        assert decide(line(amount, text="monthly rent"), rule()).action == action

    def test_a_name_that_lost_characters_proves_little(self) -> None:
        lost = line("-1", party_name="Schmidt", has_lost_characters=True)
        assert decide(lost, rule(payer_has="schmidt")).action == Action.SUGGEST
        assert decide(line("-1", text="monthly rent", has_lost_characters=True), rule()).action == Action.AUTO
