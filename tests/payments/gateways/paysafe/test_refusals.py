"""Refusals as the processor notes list them (paysafe.md §4, §5), parsed without a server."""

from typing import Any

import pytest

from payments.gateways.base import Advice, Check, GatewayRef, Instrument, Outcome, PayerRef, Reason
from payments.gateways.paysafe.codes import CODES, Meaning
from tests.payments.gateways.paysafe import canned
from tests.payments.gateways.paysafe.canned import CARD, ORDER, USD, charged, decline, payment

# The table of the notes by its columns: code, HTTP status, our word.
LISTED = """
3001 400 invalid_card|3002 400 invalid_card|3004 400 avs_mismatch|3005 400 cvv_mismatch|3006 400 expired_card
3007 402 avs_mismatch|3009 402 do_not_honor|3011 402 do_not_honor|3012 402 expired_card|3013 402 do_not_honor
3014 402 do_not_honor|3015 402 do_not_honor|3016 402 lost_or_stolen|3017 402 invalid_card|3018 402 gateway_error
3019 402 cvv_mismatch|3020 402 gateway_error|3022 402 insufficient_funds|3023 402 limit_exceeded
3024 402 do_not_honor|3025 402 gateway_error|3026 402 invalid_account|3027 402 limit_exceeded|3029 402 gateway_error
3206 402 gateway_error|3030 402 do_not_honor|3032 402 fraud_suspected|4001 402 fraud_suspected
3033 402 authorization_revoked|3035 402 do_not_honor|3036 402 invalid_card|3038 402 authorization_revoked
3040 402 do_not_honor|3049 402 lost_or_stolen|3050 402 fraud_suspected|3051 402 lost_or_stolen
3052 402 lost_or_stolen|3053 402 lost_or_stolen|3054 402 fraud_suspected|4002 402 fraud_suspected
3060 402 do_not_honor|5021 402 do_not_honor|5100 402 do_not_honor|5113 402 do_not_honor|5501 402 invalid_card
5502 400 invalid_card
"""
DECLINES = [row.split() for line in LISTED.split("\n") for row in line.split("|") if row]
ERRORS = [
    ("1200", 429), ("3008", 400), ("3703", 400), ("5003", 400), ("5000", 401), ("5275", 401), ("5279", 401),
    ("5280", 401), ("5010", 400), ("5001", 400), ("5016", 400), ("5017", 402), ("5023", 400), ("5040", 402),
    ("5042", 400), ("5050", 400), ("5068", 400), ("5269", 404), ("5270", 403), ("5281", 405),
]  # fmt: skip
UNKNOWNS = [
    ("1000", 500), ("1001", 502), ("1002", 500), ("1003", 500), ("1007", 500), ("1008", 500), ("3028", 502),
    ("3041", 402), ("3417", 409), ("8000", 500), ("8001", 500), ("PAYMENTHUB-1", 500),
]  # fmt: skip
CONFLICTS = [
    "3202", "3203", "3204", "3205", "3402", "3403", "3404", "3405", "3406", "3412", "3413", "3415", "3501", "3502",
    "3503", "3504", "3506", "3507",
]  # fmt: skip


class TestRefusals:
    @pytest.mark.parametrize(("code", "status", "reason"), DECLINES)
    def test_every_listed_decline_has_our_word(self, code: str, status: str, reason: str) -> None:
        """R46: one vocabulary, whatever the processor says."""
        result = charged((int(status), decline(code)))
        assert (result.outcome, result.reason, result.raw_code) == (Outcome.DECLINED, Reason(reason), code)
        assert (result.ref, result.cvv) == ("pay-1", Check.NO_MATCH)

    @pytest.mark.parametrize(("code", "status"), ERRORS)
    def test_what_is_our_or_the_gateways_fault_is_an_error_and_moved_nothing(self, code: str, status: int) -> None:
        result = charged((status, {"error": {"code": code, "message": "No."}}))
        assert (result.outcome, result.reason, result.raw_code) == (Outcome.ERROR, Reason.GATEWAY_ERROR, code)

    @pytest.mark.parametrize(("code", "status"), UNKNOWNS)
    def test_what_may_have_been_done_is_unknown(self, code: str, status: int) -> None:
        """Never told as declined: the money may have moved."""
        result = charged((status, decline(code)))
        late = code in ("1007", "3041")
        assert result.outcome == Outcome.UNKNOWN
        assert result.reason == (Reason.GATEWAY_TIMEOUT if late else Reason.GATEWAY_ERROR)

    @pytest.mark.parametrize("code", CONFLICTS)
    def test_a_state_that_does_not_allow_it_is_a_refusal(self, code: str) -> None:
        gateway, _wire = canned.gateway((402, {"error": {"code": code, "message": "No."}}))
        result = gateway.refund(GatewayRef("pay-1", Instrument.CARD, "set-1"), USD, "att-9")
        assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.GATEWAY_ERROR)

    def test_the_code_decides_and_not_the_status_of_http(self) -> None:
        assert charged((200, {"error": {"code": "3022", "message": "No."}})).reason == Reason.INSUFFICIENT_FUNDS
        assert charged((402, decline("1000"))).outcome == Outcome.UNKNOWN
        assert charged((500, decline("3009"))).outcome == Outcome.DECLINED

    @pytest.mark.parametrize("status", [400, 402, 409, 500])
    def test_an_unlisted_code_does_not_prove_that_nothing_moved(self, status: int) -> None:
        result = charged((status, decline("9876", "New trouble")))
        assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.GATEWAY_ERROR)
        assert (result.raw_code, result.raw_text) == ("9876", "New trouble")

    @pytest.mark.parametrize(
        ("status", "outcome"), [(402, Outcome.DECLINED), (400, Outcome.ERROR), (500, Outcome.UNKNOWN)]
    )
    def test_an_unlisted_code_for_what_moves_no_money_is_read_by_its_status(
        self, status: int, outcome: Outcome
    ) -> None:  # fmt: skip
        gateway, _wire = canned.gateway((status, decline("9876")))
        assert gateway.verify(CARD, "att-7", PayerRef("p", "Ada")).outcome == outcome

    def test_an_unlisted_code_of_a_payment_that_failed_is_a_decline(self) -> None:
        result = charged((200, payment(status="FAILED", error={"code": "9876", "message": "?"})))
        assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.GATEWAY_ERROR)

    def test_a_payment_that_failed_by_the_hubs_own_fault_is_no_fault_of_the_payers(self) -> None:
        result = charged((200, payment(status="FAILED", error={"code": "1007", "message": "?"})))
        assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_TIMEOUT)

    def test_it_passes_on_what_to_do_next(self) -> None:
        advice = {code: charged((402, decline(code))).advice for code in ("3006", "3016", "3033", "3009", "3020")}
        assert advice == {
            "3006": Advice.UPDATE_METHOD, "3016": Advice.DO_NOT_RETRY, "3033": Advice.REAUTHORISE, "3009": None,
            "3020": Advice.RETRY_AFTER,
        }  # fmt: skip

    def test_its_words_are_kept_without_numbers_of_cards(self) -> None:
        error = {
            "code": "5068", "message": "Card 4111111111111111 is odd", "details": ["detail"],
            "fieldErrors": [{"field": "card.cardNum", "error": "invalid"}],
        }  # fmt: skip
        assert charged((400, {"error": error})).raw_text == "Card •••1111 is odd; detail; card.cardNum"

    def test_every_code_of_the_table_is_known(self) -> None:
        told = {row[0] for row in DECLINES} | {code for code, _s in ERRORS + UNKNOWNS} | set(CONFLICTS)
        assert told <= set(CODES)
        looked_up = {code for code, verdict in CODES.items() if verdict.meaning == Meaning.LOOK_UP}
        assert looked_up == {"5031", "3044", "5283", "7503", "7505"}


class TestDuplicate:
    def test_a_key_that_was_used_is_looked_up_and_the_completed_payment_adopted(self) -> None:
        rows = [payment(id="pay-0", status="FAILED", error={"code": "3022"}), payment()]
        gateway, wire = canned.gateway((409, decline("5031")), (200, {"payments": rows}))
        result = gateway.charge(CARD, USD, "att-7", ORDER, None)
        assert (result.outcome, result.ref, result.existing) == (Outcome.APPROVED, "pay-1", True)
        assert wire.asked[1][0] == "GET" and wire.asked[1][2]["merchantRefNum"] == "att-7"

    @pytest.mark.parametrize("lookup", [(200, {"payments": []}), (500, decline("1000")), (200, b"<html>")])
    def test_where_nothing_shows_it_stays_unknown_and_is_never_declined(self, lookup: tuple[int, Any]) -> None:
        result = charged((409, decline("5031")), lookup)
        assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.DUPLICATE)
