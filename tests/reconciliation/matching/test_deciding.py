"""Who paid and what for, step by step (bank.md §6): each rule with both its sides."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from reconciliation.rules.matching.book import build_book
from reconciliation.rules.matching.deciding import decide
from reconciliation.rules.matching.facts import Action, Alias, AliasKind, DocumentFacts, MatchingPolicy
from tests.reconciliation.matching.cast import HOUSE, PEOPLE, book, codes, customer, decided, invoice, line, paid

NORD = {"party_name": "Nord Foods GmbH"}
AUTO, SUGGEST, NONE = Action.AUTO, Action.SUGGEST, Action.NONE


class TestReferences:
    @pytest.mark.parametrize(
        "facts",
        [
            {"references": ("RF18539007547034",)}, {"text": "RF18 5390 0754 7034"},
            {"documents": (DocumentFacts("INV-2026-000101", Decimal(5000)),)}, {"end_to_end_id": "INV2026000101"},
            {"text": "INV-2026-000101", **NORD}, {"text": "INV-2026-000101"},
        ],
    )  # fmt: skip
    def test_an_invoice_named_and_paid_exactly_is_settled(self, facts: dict[str, Any]) -> None:
        decision = decided("5000", **facts)
        assert (decision.action, decision.customer_id, paid(decision)) == (AUTO, 1, {"INV-2026-000101": "5000"})
        assert decision.unapplied == 0

    def test_several_named_invoices_are_settled_by_their_sum(self) -> None:
        decision = decided("8210", text="INV-2026-000101/0102", **NORD)
        assert paid(decision) == {"INV-2026-000101": "5000", "INV-2026-000102": "3210"}

    def test_somebody_else_may_pay_exactly_but_not_in_part(self) -> None:
        assert decided("5000", text="INV-2026-000101", party_name="Maria Rossi").action == AUTO
        assert decided("2500", text="INV-2026-000101", party_name="Maria Rossi").action == SUGGEST

    def test_a_tail_only_one_number_has_names_it(self) -> None:
        assert decided("777", text="Zahlung 000250", **NORD).action == AUTO
        assert decided("777", text="Zahlung 000250", party_name="Maria Rossi").action == AUTO
        assert decided("700", text="Zahlung 000250", party_name="Maria Rossi").action == SUGGEST


class TestConflicts:
    """The number is of one customer, the payer another: the amount decides only if it fits one side."""

    def test_the_amount_fits_the_payer(self) -> None:
        decision = decided("4000", text="INV-2026-000101", party_name="Müller Logistics Limited")
        assert (decision.action, decision.customer_id, paid(decision)) == (AUTO, 2, {"INV-2026-000311": "4000"})

    def test_the_amount_fits_the_number(self) -> None:
        decision = decided("5000", text="INV-2026-000101", party_name="Müller Logistics Limited")
        assert (decision.action, decision.customer_id) == (AUTO, 1)

    @pytest.mark.parametrize("amount", ["4711", "5000"])
    def test_it_fits_neither_or_both(self, amount: str) -> None:
        both = (invoice(50, "INV-2026-000777", 2, "5000"),)
        decision = decided(amount, *both, text="INV-2026-000101", party_name="Müller Logistics Limited")
        assert (decision.action, codes(decision)[-1]) == (SUGGEST, "conflict")
        assert {c.customer_id for c in decision.candidates} >= {1, 2}

    def test_numbers_of_two_customers_are_for_a_person_even_if_their_sum_fits(self) -> None:
        assert decided("9000", text="INV-2026-000101 INV-2026-000311").action == SUGGEST


class TestPayers:
    def test_a_virtual_account_is_its_customers(self) -> None:
        for facts in ({"virtual_account": "95678000000017"}, {"text": "SVWZ 95678000000017"}):
            decision = decided("777", party_name="Maria Rossi", **facts)
            assert (decision.action, paid(decision)) == (AUTO, {"INV-2026-000250": "777"})

    @pytest.mark.parametrize("account", ["DE02 1203 0000 0000 2020 51", "DE02120300000000202051"])
    def test_a_known_account_is_its_customers(self, account: str) -> None:
        assert decided("777", party_account=account).customer_id == 1

    def test_an_account_of_two_customers_tells_nothing(self) -> None:
        agent = [Alias(AliasKind.ACCOUNT, "99887766554433", pk, 9) for pk in (1, 2)]
        assert decided("777", into=book(aliases=tuple(agent)), party_account="99887766554433").action != AUTO

    @pytest.mark.parametrize(("times", "is_loaded", "action"), [(1, False, NONE), (2, False, AUTO), (1, True, AUTO)])
    def test_R144_what_people_confirmed_is_used_from_the_second_time(
        self, times: int, is_loaded: bool, action: Action
    ) -> None:
        alias = Alias(AliasKind.NAME, "Maria Rossi", 4, times, date(2026, 1, 5), is_loaded)
        found = decided("900", into=book(aliases=(alias,)), party_name="MARIA ROSSI")
        assert (found.action == AUTO) is (action is AUTO)

    def test_for_whom_it_was_paid_counts_before_who_paid(self) -> None:
        decision = decided("900", party_name="Nord Foods GmbH", ultimate_party="Anna Becker")
        assert (decision.action, decision.customer_id) == (AUTO, 4)

    def test_a_name_that_is_merely_alike_is_shown_to_a_person(self) -> None:
        decision = decided("900", party_name="Anna Bekker")
        assert (decision.action, decision.customer_id) == (SUGGEST, 4)

    def test_a_name_in_a_narration_is_found(self) -> None:
        decision = decided("900", text="NEFT CR-HDFC0001234-ANNA BECKER-N123456789012345")
        assert (decision.action, decision.customer_id) == (AUTO, 4)

    def test_the_longest_name_in_a_narration_counts(self) -> None:
        smith = customer(9, "Anna Becker-Smith")
        bill = invoice(50, "INV-2026-000777", 9, "900")
        decision = decided("900", into=book(bill, people=(smith,)), text="NEFT CR-Anna Becker-Smith-thanks")
        assert (decision.action, decision.customer_id) == (AUTO, 9)

    def test_the_amount_alone_posts_nothing(self) -> None:
        decision = decided("12345", party_name="Maria Rossi")
        assert decision.action in (NONE, SUGGEST)
        assert [c.reason for c in decision.candidates] == ["amount"]


class TestNamedInvoices:
    @pytest.mark.parametrize(
        ("amount", "cash", "write_off", "last"),
        [("4901", "4901", "99", "fee_written_off"), ("4900", "4900", "0", "part_of_named")],
    )
    def test_a_shortage_below_the_limit_is_written_off(self, amount: str, cash: str, write_off: str, last: str) -> None:
        decision = decided(amount, text="INV-2026-000101", **NORD)
        assert decision.action == AUTO
        assert (decision.parts[0].cash, decision.parts[0].write_off) == (Decimal(cash), Decimal(write_off))
        assert codes(decision)[-1] == last

    def test_a_fee_that_the_house_does_not_write_off_stays_open(self) -> None:
        house = MatchingPolicy(fee_allowance=Decimal(100))
        decision = decided("4990", into=book(policy=house), text="INV-2026-000101", **NORD)
        assert (codes(decision)[-1], decision.parts[0].write_off) == ("fee_left_open", 0)

    def test_more_than_was_named_is_kept_as_credit(self) -> None:
        decision = decided("5300", text="INV-2026-000101", **NORD)
        assert (decision.action, decision.unapplied, paid(decision)) == (AUTO, 300, {"INV-2026-000101": "5000"})

    def test_the_rest_settles_the_only_invoices_that_make_it_up(self) -> None:
        decision = decided("5777", text="INV-2026-000101", **NORD)
        assert paid(decision) == {"INV-2026-000101": "5000", "INV-2026-000250": "777"}

    def test_an_invoice_paid_already_makes_a_credit_if_the_amount_is_its_own(self) -> None:
        decision = decided("640", text="INV-2025-009999", **NORD)
        assert (decision.action, decision.parts, decision.unapplied) == (AUTO, (), 640)
        assert decided("641", text="INV-2025-009999", **NORD).action == SUGGEST

    def test_a_disputed_invoice_gets_nothing_by_itself(self) -> None:
        disputed = invoice(50, "INV-2026-000777", 1, "5100", is_disputed=True)
        decision = decided("5100", disputed, text="INV-2026-000777", **NORD)
        assert (decision.action, codes(decision)[-1]) == (SUGGEST, "invoice_disputed")

    def test_an_invoice_that_may_not_be_paid_in_part_is_not(self) -> None:
        premium = invoice(50, "INV-2026-000777", 1, "5100", partial_allowed=False)
        assert codes(decided("2000", premium, text="INV-2026-000777", **NORD))[-1] == "part_not_allowed"
        assert decided("5100", premium, text="INV-2026-000777", **NORD).action == AUTO

    def test_less_than_several_named_ask_for_is_for_a_person(self) -> None:
        assert codes(decided("7000", text="INV-2026-000101/0102", **NORD))[-1] == "less_than_named"

    def test_a_number_that_slipped_into_another_of_the_same_customer_is_seen_by_the_amount(self) -> None:
        decision = decided("3210", text="INV-2026-000101", **NORD)
        assert (decision.action, paid(decision)) == (AUTO, {"INV-2026-000102": "3210"})
        assert decided("777", text="INV-2026-000101", **NORD).action == SUGGEST  # 000250 is no slip of 000101

    def test_a_cut_text_does_not_make_an_overpayment(self) -> None:
        decision = decided("5900", text="INV-2026-000101,INV-20", **NORD)
        assert (decision.action, codes(decision)[-1]) == (SUGGEST, "text_unclear")

    @pytest.mark.parametrize(("short", "is_tax"), [(500, True), (100, True), (501, True), (502, False), (600, False)])
    def test_a_share_kept_back_as_tax_is_a_deduction_of_its_own_in_india(self, short: int, is_tax: bool) -> None:
        bill = invoice(50, "INV-2026-000777", 1, "5000", currency="INR")
        house = MatchingPolicy(write_off_below=Decimal(120), fee_allowance=Decimal(120))
        decision = decide(
            line(str(5000 - short), currency="INR", text="INV-2026-000777", **NORD), book(bill, policy=house)
        )
        assert ("tax_withheld" in codes(decision)) is is_tax
        assert decision.action == (SUGGEST if is_tax else AUTO)


class TestDiscounts:
    """2/10: two per cent off up to the tenth day and the grace of the house."""

    BILL = invoice(
        50, "INV-2026-000777", 2, "9000", issued_on=date(2026, 3, 8), discount_amount=Decimal(180),
        discount_until=date(2026, 3, 18),
    )  # fmt: skip

    @pytest.mark.parametrize(("day", "fits"), [(18, True), (20, True), (21, False)])
    def test_it_is_won_exactly_inside_the_time(self, day: int, fits: bool) -> None:
        decision = decided("8820", self.BILL, text="INV-2026-000777", value_on=date(2026, 3, day))
        assert (decision.parts[0].discount == 180) is fits

    @pytest.mark.parametrize(("amount", "discount"), [("8819", 0), ("8820", 180), ("8821", 179), ("8822", 0)])
    def test_it_is_exact_but_for_the_rounding(self, amount: str, discount: int) -> None:
        """98 % rounded up is one more than what is left once 2 % rounded up are taken off."""
        assert decided(amount, self.BILL, text="INV-2026-000777").parts[0].discount == discount

    def test_without_a_number_it_counts_if_nothing_else_explains_the_amount(self) -> None:
        other = invoice(51, "INV-2026-000888", 2, "8870")
        facts = {"party_name": "Müller Logistics Limited"}
        assert decided("8820", self.BILL, **facts).parts[0].discount == 180
        assert codes(decided("8820", self.BILL, other, **facts))[-1] == "several_explain"


class TestUnnamed:
    def test_the_only_invoice_of_that_amount(self) -> None:
        assert paid(decided("777", **NORD)) == {"INV-2026-000250": "777"}

    def test_of_equal_ones_the_longest_due(self) -> None:
        decision = decided("1580", party_name="鴻永科技")
        assert (decision.action, paid(decision)) == (AUTO, {"AB12345678": "1580"})

    def test_the_only_set_that_adds_up(self) -> None:
        assert paid(decided("3987", **NORD)) == {"INV-2026-000102": "3210", "INV-2026-000250": "777"}

    def test_a_set_beside_an_invoice_less_a_fee_is_for_a_person(self) -> None:
        assert codes(decided("3987", invoice(50, "INV-2026-000777", 1, "4000"), **NORD))[-1] == "several_explain"
        assert decided("3987", invoice(50, "INV-2026-000777", 1, "4087"), **NORD).action == AUTO

    def test_two_sets_are_none(self) -> None:
        decision = decided("13925", party_name="鴻永科技")
        assert (decision.action, codes(decision)[-1]) == (SUGGEST, "several_sets")

    def test_a_fee_on_the_only_invoice_that_explains_it(self) -> None:
        decision = decided("3870", party_name="Müller Logistics Limited")
        assert decision.action == SUGGEST
        decision = decided("3970", party_name="Müller Logistics Limited")
        assert (decision.action, decision.parts[0].write_off) == (AUTO, 30)

    def test_a_round_sum_goes_to_the_longest_due(self) -> None:
        decision = decided("7000", **NORD)
        assert (decision.action, paid(decision)) == (AUTO, {"INV-2026-000101": "5000", "INV-2026-000102": "2000"})
        assert decided("7001", **NORD).action == SUGGEST

    def test_a_round_sum_by_name_alone_waits_while_an_earlier_line_waits(self) -> None:
        known = book()
        first = line("7001", id=7, **NORD)
        known.use_up(first, decide(first, known))
        assert codes(decide(line("7000", **NORD), known))[-1] == "earlier_line_waits"
        assert decide(line("7000", party_account="DE02120300000000202051"), known).action == AUTO

    def test_what_was_paid_by_an_earlier_line_is_not_paid_again(self) -> None:
        known = book()
        first = line("1580", id=7, party_name="鴻永科技")
        known.use_up(first, decide(first, known))
        assert paid(decide(line("1580", party_name="鴻永科技"), known)) == {"AB12345790": "1580"}

    def test_the_second_number_that_contradicts_one_guess_is_for_a_person(self) -> None:
        """A round sum went to the longest due; then both are named one by one: that sum was for something else."""
        known = book()
        for pk, (amount, text) in enumerate((("7000", ""), ("5000", "INV-2026-000101")), 7):
            known.use_up(line(amount, id=pk), decide(line(amount, id=pk, text=text, **NORD), known))
        decision = decide(line("3210", text="INV-2026-000102", **NORD), known)
        assert (decision.action, codes(decision)[-1]) == (SUGGEST, "guessed_before")

    def test_a_round_sum_passes_over_what_a_fee_left_of_an_invoice(self) -> None:
        bills = [invoice(1, "INV-2026-000101", 1, "5000", open_amount="30"), invoice(2, "INV-2026-000102", 1, "3210"),
                 invoice(3, "INV-2026-000103", 1, "9000")]  # fmt: skip
        decision = decide(line("7000", **NORD), build_book(PEOPLE, bills, (), HOUSE))
        assert paid(decision) == {"INV-2026-000102": "3210", "INV-2026-000103": "3790"}

    def test_a_round_sum_takes_in_what_a_discount_taken_too_late_left(self) -> None:
        late = invoice(1, "INV-2026-000101", 1, "9000", open_amount="180", discount_amount=Decimal(180),
                       discount_until=date(2026, 2, 10))  # fmt: skip
        bills = [late, invoice(2, "INV-2026-000102", 1, "9000")]
        decision = decide(line("7000", **NORD), build_book(PEOPLE, bills, (), HOUSE))
        assert paid(decision) == {"INV-2026-000101": "180", "INV-2026-000102": "6820"}

    @pytest.mark.parametrize(("count", "action"), [(14, AUTO), (15, SUGGEST)])
    def test_a_round_sum_over_more_invoices_than_anybody_has_in_mind_is_for_a_person(
        self, count: int, action: Action
    ) -> None:
        bills = [invoice(n, f"INV-2026-{n:06d}", 1, f"{1000 + n}") for n in range(1, 21)]
        amount = {14: "14000", 15: "15000"}[count]
        decision = decide(line(amount, **NORD), build_book(PEOPLE, bills, (), HOUSE))
        assert (len(decision.parts), decision.action) == (count, action)


class TestLimits:
    @pytest.mark.parametrize(("amount", "action"), [("1000000", AUTO), ("1000001", SUGGEST)])
    def test_above_the_limit_a_person_looks(self, amount: str, action: Action) -> None:
        bill = invoice(50, "INV-2026-000777", 1, amount)
        assert decided(amount, bill, text="INV-2026-000777", **NORD).action == action

    def test_a_name_from_a_file_that_lost_characters_is_not_enough(self) -> None:
        assert decided("777", has_lost_characters=True, **NORD).action == SUGGEST
        assert decided("777", has_lost_characters=True, text="INV-2026-000250", **NORD).action == AUTO

    def test_another_currency_is_not_paid(self) -> None:
        assert decided("777", currency="USD", **NORD).action == SUGGEST

    def test_cash_and_rest_are_the_amount(self) -> None:
        for amount, text in (("5000", "INV-2026-000101"), ("5300", "INV-2026-000101"), ("640", "INV-2025-009999")):
            decision = decided(amount, text=text, **NORD)
            assert sum(part.cash for part in decision.parts) + decision.unapplied == Decimal(amount)

    def test_the_policy_sets_from_where_it_is_posted(self) -> None:
        strict = MatchingPolicy(write_off_below=HOUSE.write_off_below, auto_from=Decimal("0.99"))
        assert decided("5000", into=book(policy=strict), text="INV-2026-000101", **NORD).action == AUTO
        assert decided("777", into=book(policy=strict), **NORD).action == SUGGEST


def test_two_customers_of_one_name_are_both_suggested() -> None:
    twin = customer(8, "ANNA BECKER")
    decision = decided("900", into=book(people=(twin,)), party_name="Anna Becker")
    assert (decision.action, sorted(c.customer_id for c in decision.candidates)) == (SUGGEST, [4, 8])
