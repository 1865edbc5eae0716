"""Charges, holds, captures, voids and refunds at the sandbox, over HTTP (processor notes README §8)."""

import pytest

from payments.gateways.base import Check, Instrument, Kind, Money, Outcome, Reason, State, StoredCredential
from tests.payments.gateways.paysafe.desk import MASTERCARD, ORDER, Desk, hint, ref_of, usd

# Amounts that the processor's own simulator answers so (paysafe.md §6).
SIMULATED = [
    (4, Reason.DO_NOT_HONOR, "3015"), (5, Reason.DO_NOT_HONOR, "3009"), (11, Reason.INSUFFICIENT_FUNDS, "3022"),
    (12, Reason.LIMIT_EXCEEDED, "3023"), (13, Reason.DO_NOT_HONOR, "3024"), (23, Reason.FRAUD_SUSPECTED, "4002"),
    (24, Reason.AVS_MISMATCH, "3007"), (25, Reason.FRAUD_SUSPECTED, "4001"), (77, Reason.DO_NOT_HONOR, "3060"),
]  # fmt: skip
STEERED = [
    ("3006", Reason.EXPIRED_CARD), ("3017", Reason.INVALID_CARD), ("3019", Reason.CVV_MISMATCH),
    ("3016", Reason.LOST_OR_STOLEN), ("3026", Reason.INVALID_ACCOUNT), ("3033", Reason.AUTHORIZATION_REVOKED),
]  # fmt: skip


class TestCharge:
    def test_an_approved_charge_is_the_processors_capture(self, desk: Desk) -> None:
        result = desk.charge(desk.card(), 12550, "att-1")
        assert (result.outcome, result.state) == (Outcome.APPROVED, State.PENDING_SETTLEMENT)
        assert (result.money, desk.captured("att-1")) == (usd(12550), 12550)
        assert (result.avs, result.cvv) == (Check.MATCH, Check.MATCH)
        assert result.auth_code and result.related and result.occurred_at is not None
        assert result.view is not None and (result.view.brand, result.view.last4) == ("visa", "1111")

    @pytest.mark.parametrize(("minor", "reason", "code"), SIMULATED)
    def test_what_the_simulator_declines_takes_nothing(
        self, desk: Desk, minor: int, reason: Reason, code: str
    ) -> None:  # fmt: skip
        result = desk.charge(desk.card(), minor, "att-1")
        assert (result.outcome, result.reason, result.raw_code) == (Outcome.DECLINED, reason, code)
        assert result.ref and desk.captured("att-1") == 0
        assert [found.outcome for found in desk.gateway.find("att-1", hint(minor))] == [Outcome.DECLINED]

    @pytest.mark.parametrize(("code", "reason"), STEERED)
    def test_every_other_word_of_ours_for_a_decline_can_be_had(self, desk: Desk, code: str, reason: Reason) -> None:
        method = desk.card()
        desk.sandbox.do("decline_next", code=code)
        result = desk.charge(method, 1000, "att-1")
        assert (result.outcome, result.reason, desk.captured("att-1")) == (Outcome.DECLINED, reason, 0)

    @pytest.mark.parametrize("minor", [6, 20])
    def test_a_failure_inside_the_processor_is_unknown_until_it_is_asked(self, desk: Desk, minor: int) -> None:
        result = desk.charge(desk.card(), minor, "att-1")
        assert result.outcome == Outcome.UNKNOWN
        assert [found.outcome for found in desk.gateway.find("att-1", hint(minor))] == [Outcome.ERROR]
        assert desk.captured("att-1") == 0

    def test_an_unknown_code_is_unknown_and_then_a_decline_for_a_person(self, desk: Desk) -> None:
        method = desk.card()
        desk.sandbox.do("decline_next", code="9876")
        assert desk.charge(method, 1000, "att-1").outcome == Outcome.UNKNOWN
        (found,) = desk.gateway.find("att-1", hint(1000))
        assert (found.outcome, found.reason, found.raw_code) == (Outcome.DECLINED, Reason.GATEWAY_ERROR, "9876")

    def test_the_same_key_again_is_answered_with_the_first_charge(self, desk: Desk) -> None:
        method = desk.card()
        first, second = (desk.charge(method, 1000, "att-1") for _time in range(2))
        assert (second.outcome, second.ref, second.existing) == (Outcome.APPROVED, first.ref, True)
        assert desk.captured("att-1") == 1000

    def test_the_same_key_for_another_amount_shows_what_was_really_taken(self, desk: Desk) -> None:
        method = desk.card()
        desk.charge(method, 1000, "att-1")
        assert desk.charge(method, 2000, "att-1").money == usd(1000)
        assert desk.captured("att-1") == 1000

    def test_a_follow_up_refers_to_the_first_charge(self, desk: Desk) -> None:
        method = desk.card()
        first = desk.gateway.charge(method, usd(1000), "att-1", ORDER, StoredCredential(True, True))
        assert first.network_ref == first.ref
        later = StoredCredential(False, False, "recurring", first.network_ref)
        second = desk.gateway.charge(method, usd(1000), "att-2", ORDER, later)
        assert (second.outcome, second.network_ref) == (Outcome.APPROVED, "")
        assert f'"initialTransactionId":"{first.ref}"' in desk.wire.exchanges[-1].asked

    def test_each_currency_goes_to_its_own_account(self, desk: Desk) -> None:
        method = desk.card(currencyCode="CAD", accountId="1000000002")
        result = desk.gateway.charge(method, Money(1000, "CAD"), "att-1", ORDER, None)
        assert (result.outcome, result.money) == (Outcome.APPROVED, Money(1000, "CAD"))

    def test_a_withdrawn_method_is_declined(self, desk: Desk) -> None:
        method = desk.card()
        desk.sandbox.do("withdraw_handle", token=method.token)
        result = desk.charge(method, 1000, "att-1")
        assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.INVALID_CARD)

    def test_without_settlements_in_the_answer_they_are_found_when_they_are_needed(self, desk: Desk) -> None:
        desk.sandbox.embeds_settlements = False
        result = desk.charge(desk.card(), 1000, "att-1")
        assert (result.outcome, result.related) == (Outcome.APPROVED, "")
        (found,) = desk.gateway.find("att-1", hint(1000))
        assert found.related and desk.gateway.status(ref_of(result)).related == found.related
        desk.sandbox.do("run_batch")
        assert desk.gateway.refund(ref_of(result), usd(400), "att-2").outcome == Outcome.APPROVED


class TestHold:
    def test_a_hold_takes_nothing_until_it_is_captured(self, desk: Desk) -> None:
        held = desk.gateway.authorize(desk.card(), usd(900), "att-1", ORDER, None)
        assert (held.outcome, held.state, held.related) == (Outcome.APPROVED, State.AUTHORIZED, "")
        assert desk.captured("att-1") == 0
        captured = desk.gateway.capture(ref_of(held), usd(500), "att-2")
        assert (captured.outcome, captured.money, desk.captured("att-2")) == (Outcome.APPROVED, usd(500), 500)
        (found,) = desk.gateway.find("att-2", hint(500, Kind.CAPTURE))
        assert (found.outcome, found.ref) == (Outcome.APPROVED, captured.ref)
        assert desk.gateway.status(ref_of(captured)).kind == Kind.CAPTURE

    def test_it_captures_all_of_a_hold_and_not_a_cent_more(self, desk: Desk) -> None:
        held = desk.gateway.authorize(desk.card(), usd(900), "att-1", ORDER, None)
        refused = desk.gateway.capture(ref_of(held), usd(901), "att-2")
        assert (refused.outcome, refused.raw_code) == (Outcome.DECLINED, "3204")
        assert desk.gateway.capture(ref_of(held), usd(900), "att-3").outcome == Outcome.APPROVED

    def test_a_hold_is_given_up_once(self, desk: Desk) -> None:
        held = desk.gateway.authorize(desk.card(), usd(900), "att-1", ORDER, None)
        given_up = desk.gateway.void(ref_of(held), usd(900), "att-2")
        assert (given_up.outcome, given_up.state) == (Outcome.APPROVED, State.VOIDED)
        assert [found.outcome for found in desk.gateway.find("att-2", hint(900, Kind.VOID))] == [Outcome.APPROVED]
        assert desk.gateway.void(ref_of(held), usd(900), "att-3").outcome == Outcome.DECLINED
        assert desk.gateway.capture(ref_of(held), usd(1), "att-4").outcome == Outcome.DECLINED
        assert desk.gateway.status(ref_of(held)).state == State.VOIDED


class TestVoid:
    @pytest.mark.parametrize("embeds", [True, False])
    def test_a_sale_is_cancelled_before_the_batch(self, desk: Desk, embeds: bool) -> None:
        desk.sandbox.embeds_settlements = embeds
        sale = desk.charge(desk.card(), 1000, "att-1")
        result = desk.gateway.void(ref_of(sale), usd(1000), "att-2")
        assert (result.outcome, result.state, desk.captured("att-1")) == (Outcome.APPROVED, State.VOIDED, 0)
        stands = desk.gateway.status(ref_of(sale))
        assert (stands.outcome, stands.state) == (Outcome.DECLINED, State.VOIDED)

    def test_a_capture_is_cancelled_as_well(self, desk: Desk) -> None:
        held = desk.gateway.authorize(desk.card(), usd(900), "att-1", ORDER, None)
        captured = desk.gateway.capture(ref_of(held), usd(500), "att-2")
        assert desk.gateway.void(ref_of(captured), usd(500), "att-3").outcome == Outcome.APPROVED
        assert desk.captured("att-2") == 0

    def test_after_the_batch_it_is_refused_and_the_money_stays(self, desk: Desk) -> None:
        sale = desk.charge(desk.card(), 1000, "att-1")
        desk.sandbox.do("run_batch")
        result = desk.gateway.void(ref_of(sale), usd(1000), "att-2")
        assert (result.outcome, result.raw_code, desk.captured("att-1")) == (Outcome.DECLINED, "3415", 1000)
        assert desk.gateway.find("att-2", hint(1000, Kind.VOID, related=sale.ref)) == []


class TestRefund:
    def test_it_gives_back_in_parts_until_nothing_is_left(self, desk: Desk) -> None:
        sale = desk.charge(desk.card(), 1000, "att-1")
        desk.sandbox.do("run_batch")
        assert desk.gateway.status(ref_of(sale)).state == State.SETTLED
        first = desk.gateway.refund(ref_of(sale), usd(400), "att-2")
        assert (first.outcome, first.money, first.state) == (Outcome.APPROVED, usd(400), State.PENDING_SETTLEMENT)
        assert desk.gateway.refund(ref_of(sale), usd(601), "att-3").raw_code == "3402"
        assert desk.gateway.refund(ref_of(sale), usd(600), "att-4").outcome == Outcome.APPROVED
        assert desk.gateway.refund(ref_of(sale), usd(1), "att-5").outcome == Outcome.DECLINED
        assert desk.gateway.status(ref_of(sale)).state == State.REFUNDED
        assert sum(entry.minor for entry in desk.sandbox.ledger.of("refund")) == 1000

    def test_a_refund_is_done_after_the_next_batch(self, desk: Desk) -> None:
        sale = desk.charge(desk.card(), 1000, "att-1")
        desk.sandbox.do("run_batch")
        refund = desk.gateway.refund(ref_of(sale), usd(400), "att-2")
        desk.sandbox.do("run_batch")
        for found in (desk.gateway.status(ref_of(refund)), *desk.gateway.find("att-2", hint(400, Kind.REFUND))):
            assert (found.outcome, found.kind, found.state) == (Outcome.APPROVED, Kind.REFUND, State.REFUNDED)
            assert (found.ref, found.related) == (refund.ref, sale.related)

    def test_the_same_refund_twice_gives_back_once(self, desk: Desk) -> None:
        sale = desk.charge(desk.card(), 1000, "att-1")
        desk.sandbox.do("run_batch")
        first, second = (desk.gateway.refund(ref_of(sale), usd(400), "att-2") for _time in range(2))
        assert (second.outcome, second.ref, second.existing) == (Outcome.APPROVED, first.ref, True)
        assert len(list(desk.sandbox.ledger.of("refund"))) == 1

    def test_before_the_batch_it_is_refused(self, desk: Desk) -> None:
        sale = desk.charge(desk.card(), 1000, "att-1")
        result = desk.gateway.refund(ref_of(sale), usd(400), "att-2")
        assert (result.outcome, result.raw_code) == (Outcome.DECLINED, "3406")

    def test_a_hold_has_nothing_to_give_back(self, desk: Desk) -> None:
        held = desk.gateway.authorize(desk.card(), usd(900), "att-1", ORDER, None)
        assert desk.gateway.refund(ref_of(held), usd(900), "att-2").outcome == Outcome.DECLINED


class TestBankDebit:
    def test_it_is_pending_until_the_bank_settled_it(self, desk: Desk) -> None:
        result = desk.charge(desk.bank(), 2500, "att-1")
        ref = ref_of(result, Instrument.BANK)
        assert (result.outcome, result.state) == (Outcome.PENDING, State.PENDING_SETTLEMENT)
        assert desk.gateway.status(ref).outcome == Outcome.PENDING
        desk.sandbox.do("run_batch")
        for found in (desk.gateway.status(ref), *desk.gateway.find("att-1", hint(2500, instrument=Instrument.BANK))):
            assert (found.outcome, found.state, found.money) == (Outcome.APPROVED, State.SETTLED, usd(2500))

    def test_without_settlements_in_the_answer_it_is_settled_by_their_list(self, desk: Desk) -> None:
        desk.sandbox.embeds_settlements = False
        ref = ref_of(desk.charge(desk.bank(), 2500, "att-1"), Instrument.BANK)
        assert desk.gateway.status(ref).outcome == Outcome.PENDING
        desk.sandbox.do("run_batch")
        assert desk.gateway.status(ref).outcome == Outcome.APPROVED

    def test_one_that_the_bank_refuses_tells_why(self, desk: Desk) -> None:
        result = desk.charge(desk.bank(), 2500, "att-1")
        desk.sandbox.do("fail_debit", payment=result.ref, code="R02")
        for found in (desk.gateway.status(ref_of(result)), *desk.gateway.find("att-1", hint(2500))):
            assert (found.outcome, found.state) == (Outcome.DECLINED, State.RETURNED)
            assert (found.reason, found.return_code) == (Reason.ACCOUNT_CLOSED, "R02")

    def test_it_can_be_called_back_before_the_batch(self, desk: Desk) -> None:
        result = desk.charge(desk.bank(), 2500, "att-1")
        voided = desk.gateway.void(ref_of(result, Instrument.BANK), usd(2500), "att-2")
        assert (voided.outcome, desk.captured("att-1")) == (Outcome.APPROVED, 0)
        assert desk.gateway.status(ref_of(result, Instrument.BANK)).state == State.VOIDED

    def test_giving_it_back_is_pending_as_well(self, desk: Desk) -> None:
        result = desk.charge(desk.bank(), 2500, "att-1")
        desk.sandbox.do("run_batch")
        ref = ref_of(result, Instrument.BANK)
        refund = desk.gateway.refund(ref, usd(500), "att-2")
        again = desk.gateway.refund(ref, usd(500), "att-2")
        assert (refund.outcome, again.outcome, again.ref) == (Outcome.PENDING, Outcome.PENDING, refund.ref)
        desk.sandbox.do("run_batch")
        assert desk.gateway.status(ref_of(refund, Instrument.BANK)).outcome == Outcome.APPROVED


class TestCards:
    def test_brands_are_named_in_our_words(self, desk: Desk) -> None:
        card = {"cardNum": MASTERCARD, "cardExpiry": {"month": 1, "year": 2031}, "cvv": "123", "holderName": "Ada"}
        view = desk.charge(desk.card(card=card), 1000, "att-1").view
        assert view is not None
        assert (view.brand, view.last4, view.exp_month, view.exp_year) == ("mastercard", "0009", 1, 2031)
