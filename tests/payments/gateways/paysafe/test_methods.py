"""Saved methods: stored, verified, forgotten."""

from dataclasses import replace

import pytest

from payments.gateways.base import Check, HostedToken, Instrument, Kind, MethodRef, Outcome, PayerRef, Reason
from tests.payments.gateways.paysafe import canned
from tests.payments.gateways.paysafe.desk import ADA, MASTERCARD, VISA, Desk, hint

BEN = PayerRef(key="payer-ben", name="Ben")


class TestStore:
    def test_a_card_is_saved_with_what_may_be_shown_of_it(self, desk: Desk) -> None:
        result = desk.gateway.store(desk.token(), ADA, "att-1")
        assert (result.outcome, result.kind, result.existing) == (Outcome.APPROVED, Kind.STORE, False)
        assert result.token and result.payer_id and result.token not in repr(result)
        assert result.view is not None
        assert (result.view.brand, result.view.last4) == ("visa", "1111")
        assert (result.view.exp_month, result.view.exp_year) == (12, 2030)

    def test_a_bank_account_is_saved_as_well(self, desk: Desk) -> None:
        result = desk.gateway.store(desk.ach(), ADA, "att-1")
        assert result.outcome == Outcome.APPROVED
        assert result.view is not None and result.view.last4 == "90"

    def test_a_payer_has_one_record_however_many_methods(self, desk: Desk) -> None:
        cards = [{"cardNum": number, "cardExpiry": {"month": 12, "year": 2030}} for number in (VISA, MASTERCARD)]
        first, second = (desk.gateway.store(desk.token(card=card), ADA, f"att-{card['cardNum']}") for card in cards)
        other = desk.gateway.store(desk.token(), BEN, "att-3")
        assert first.payer_id == second.payer_id != other.payer_id
        known = replace(ADA, vault_id=first.payer_id)
        assert desk.gateway.store(desk.ach(), known, "att-4").payer_id == first.payer_id

    def test_the_same_card_again_is_adopted_and_not_doubled(self, desk: Desk) -> None:
        """The processor tells that the card is there (7503); we never see its number."""
        first, second = (desk.gateway.store(desk.token(), ADA, f"att-{n}") for n in range(2))
        assert (second.outcome, second.existing) == (Outcome.APPROVED, True)
        assert (second.token, second.payer_id) == (first.token, first.payer_id)

    def test_a_customer_made_by_somebody_else_meanwhile_is_adopted(self, desk: Desk) -> None:
        """7505 names the record that has our key already."""
        first = desk.gateway.store(desk.token(), ADA, "att-1")
        desk.sandbox.faults.add("blind", seconds=60, times=None)
        second = desk.gateway.store(desk.ach(), ADA, "att-2")
        assert (second.outcome, second.payer_id) == (Outcome.APPROVED, first.payer_id)

    def test_a_token_that_was_spent_and_saved_nothing_is_an_error(self) -> None:
        customer = {"id": "cust-1", "paymentHandles": [{"id": "h-1", "paymentHandleToken": "MU1"}]}
        gateway, _wire = canned.gateway((200, customer), (402, canned.decline("5283")), (200, customer))
        result = gateway.store(HostedToken("SCxy12"), ADA, "att-2")
        assert (result.outcome, result.reason, result.token) == (Outcome.ERROR, Reason.DUPLICATE, "")

    def test_a_card_that_is_somebody_elses_is_told_and_not_taken_over(self) -> None:
        """The id that 7503 names is not among this payer's methods."""
        customer = {"id": "cust-1", "paymentHandles": [{"id": "handle-of-ada", "paymentHandleToken": "MU1"}]}
        refused = {"error": {"code": "7503", "message": "Card number already in use - handle-of-ben"}}
        gateway, _wire = canned.gateway((200, customer), (409, refused), (200, customer))
        result = gateway.store(HostedToken("SCxy12"), ADA, "att-2")
        assert (result.outcome, result.reason, result.token) == (Outcome.ERROR, Reason.DUPLICATE, "")

    def test_the_same_call_again_is_answered_with_the_method_it_saved(self, desk: Desk) -> None:
        token = desk.ach()
        first, second = (desk.gateway.store(token, ADA, "att-1") for _time in range(2))
        assert (second.outcome, second.token, second.existing) == (Outcome.APPROVED, first.token, True)

    def test_an_unknown_token_is_an_error(self, desk: Desk) -> None:
        result = desk.gateway.store(replace(desk.token(), value="SCnonesuch"), ADA, "att-1")
        assert (result.outcome, result.raw_code) == (Outcome.ERROR, "5068")


class TestVerify:
    def test_the_cards_bank_is_asked_and_nothing_is_taken(self, desk: Desk) -> None:
        result = desk.gateway.verify(desk.card(), "att-1", ADA)
        assert (result.outcome, result.kind, result.money) == (Outcome.APPROVED, Kind.VERIFY, None)
        assert (result.avs, result.cvv) == (Check.MATCH, Check.MATCH)
        assert not list(desk.sandbox.ledger.of("auth", "capture"))

    @pytest.mark.parametrize(("code", "reason"), [("3019", Reason.CVV_MISMATCH), ("3007", Reason.AVS_MISMATCH)])
    def test_a_check_that_fails_is_a_decline(self, desk: Desk, code: str, reason: Reason) -> None:
        method = desk.card()
        desk.sandbox.do("decline_next", code=code)
        result = desk.gateway.verify(method, "att-1", ADA)
        assert (result.outcome, result.reason) == (Outcome.DECLINED, reason)

    def test_the_same_key_again_shows_the_first_verification(self, desk: Desk) -> None:
        method = desk.card()
        first, second = (desk.gateway.verify(method, "att-1", ADA) for _time in range(2))
        assert (second.outcome, second.ref, second.existing) == (Outcome.APPROVED, first.ref, True)


class TestDelete:
    def test_a_forgotten_method_cannot_be_charged(self, desk: Desk) -> None:
        method = desk.card()
        assert desk.gateway.delete_method(method, "att-1").outcome == Outcome.APPROVED
        assert desk.charge(method, 1000, "att-2").outcome == Outcome.ERROR
        assert desk.captured("att-2") == 0

    def test_only_that_one_is_forgotten(self, desk: Desk) -> None:
        card, bank = desk.card(), desk.bank()
        desk.gateway.delete_method(card, "att-1")
        assert desk.charge(bank, 1000, "att-2").outcome == Outcome.PENDING

    def test_one_that_is_gone_counts_as_forgotten(self, desk: Desk) -> None:
        method = desk.card()
        first, second = (desk.gateway.delete_method(method, f"att-{n}") for n in range(2))
        assert (first.existing, second.existing) == (False, True)
        assert second.outcome == Outcome.APPROVED

    def test_without_its_customer_it_is_not_looked_for(self, desk: Desk) -> None:
        assert desk.gateway.delete_method(MethodRef("MUx", Instrument.CARD), "att-1").outcome == Outcome.ERROR

    def test_a_lost_answer_is_found_by_what_is_left(self, desk: Desk) -> None:
        method = desk.card()
        asked = hint(0, Kind.DELETE, payer_id=method.payer_id)
        assert desk.gateway.find("att-1", asked) == []
        desk.sandbox.faults.add("drop_after", path="/customers/[^/]+/paymenthandles/")
        assert desk.gateway.delete_method(method, "att-1").outcome == Outcome.UNKNOWN
        assert [found.outcome for found in desk.gateway.find("att-1", asked)] == [Outcome.APPROVED]
        nothing_known = hint(0, Kind.DELETE)
        assert [found.outcome for found in desk.gateway.find("att-1", nothing_known)] == [Outcome.UNKNOWN]


def test_the_log_of_what_was_said_has_no_secret_in_it(desk: Desk) -> None:
    """Invariant 47: no token, no credential, no name."""
    token = desk.token()
    result = desk.gateway.store(token, ADA, "att-1")
    method = MethodRef(result.token, Instrument.CARD, result.payer_id)
    desk.gateway.verify(method, "att-2", ADA)
    desk.charge(method, 1000, "att-3")
    desk.gateway.find("att-3", hint(1000))
    desk.gateway.store(desk.ach(), ADA, "att-4")
    desk.gateway.delete_method(method, "att-5")
    said = repr(desk.wire.exchanges)
    assert "att-3" in said and len(desk.wire.exchanges) >= 8
    secrets = [
        token.value, result.token, desk.sandbox.password, desk.sandbox.hmac_key, desk.sandbox.user, VISA, "Lovelace",
        "ada@example.org", "122000247", "1234567890", "Springfield", "1 Main St",
    ]  # fmt: skip
    assert [secret for secret in secrets if secret in said] == []
