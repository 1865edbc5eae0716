"""Golden replies (processor notes paysafe.md §2, §5), parsed without a server."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from payments.gateways.base import (
    Check,
    GatewayRef,
    Instrument,
    Kind,
    Money,
    OrderHint,
    Outcome,
    Reason,
    State,
    StoredCredential,
)
from payments.gateways.paysafe import Gateway
from payments.gateways.wire import Wire
from tests.payments.gateways.paysafe import canned
from tests.payments.gateways.paysafe.canned import (
    CARD,
    ORDER,
    SETTINGS,
    USD,
    charged,
    decline,
    payment,
    settlement,
)


class TestSale:
    def test_it_says_the_amount_in_minor_units_and_all_that_the_notes_ask_for(self) -> None:
        gateway, wire = canned.gateway((200, payment()))
        gateway.charge(CARD, USD, "att-7", ORDER, None)
        assert wire.asked == [
            (
                "POST", "https://api.test.paysafe.com/paymenthub/v1/payments",
                {
                    "merchantRefNum": "att-7", "amount": 1100, "currencyCode": "USD", "paymentHandleToken": "MUxy12",
                    "settleWithAuth": True, "dupCheck": True, "accountId": "1001234560", "customerIp": "203.0.113.9",
                },
            )
        ]  # fmt: skip

    def test_it_authenticates_with_the_private_pair_and_names_no_simulator_unless_told(self) -> None:
        gateway, wire = canned.gateway((200, payment()), (200, payment()))
        gateway.charge(CARD, USD, "att-7", ORDER, None)
        assert wire.sent_headers[0]["authorization"] == "Basic cG1sZS0xOkItcWEyLTAtNWY="
        assert "simulator" not in wire.sent_headers[0]
        gateway, wire = canned.gateway((200, payment()), simulator="INTERNAL")
        gateway.charge(CARD, USD, "att-7", ORDER, None)
        assert wire.sent_headers[0]["simulator"] == "INTERNAL"

    def test_each_currency_has_its_account_and_one_without_is_not_sent(self) -> None:
        gateway, wire = canned.gateway((200, payment()), account_id_cad="1009999990")
        gateway.charge(CARD, Money(5, "CAD"), "att-7", ORDER, None)
        assert wire.asked[0][2]["accountId"] == "1009999990"
        only_cad = {name: value for name, value in SETTINGS.items() if name != "account_id"} | {"account_id_cad": "1"}
        wire = canned.Canned().answering()
        result = Gateway("north", only_cad, wire).charge(CARD, USD, "att-7", ORDER, None)
        assert (result.outcome, wire.asked) == (Outcome.ERROR, [])

    def test_a_completed_card_payment_is_approved_with_its_facts(self) -> None:
        result = charged((200, payment()))
        assert result.outcome == Outcome.APPROVED and result.reason is None
        assert (result.ref, result.related, result.auth_code) == ("pay-1", "set-1", "804513")
        assert (result.money, result.state) == (USD, State.PENDING_SETTLEMENT)
        assert (result.avs, result.cvv) == (Check.PARTIAL_ZIP, Check.MATCH)
        assert result.occurred_at == datetime(2026, 3, 9, 14, 5, 6, tzinfo=UTC)
        assert result.view is not None
        assert (result.view.brand, result.view.last4) == ("visa", "1111")
        assert (result.view.exp_month, result.view.exp_year) == (9, 2029)

    def test_an_expiry_as_text_is_read_too(self) -> None:
        view = charged((200, payment(card={"lastDigits": "1111", "cardExpiry": {"month": "09", "year": "2029"}}))).view
        assert view is not None and (view.exp_month, view.exp_year) == (9, 2029)

    @pytest.mark.parametrize("status", ["RECEIVED", "PROCESSING", "PENDING", "HELD"])
    def test_what_is_not_completed_is_pending(self, status: str) -> None:
        result = charged((200, payment(status=status)))
        assert (result.outcome, result.ref) == (Outcome.PENDING, "pay-1")
        assert result.reason == (Reason.FRAUD_SUSPECTED if status == "HELD" else None)

    @pytest.mark.parametrize(
        "body",
        [
            payment(status="SOMETHING_NEW"), payment(status=None), payment(id=""), payment(merchantRefNum="att-8"), {},
            [], "COMPLETED", b"", b"<html>", b"\xff\xfe", b'{"status":"COMPL',
        ],
    )  # fmt: skip
    def test_an_answer_that_says_neither_yes_nor_no_is_unknown(self, body: Any) -> None:
        assert charged((200, body)).outcome == Outcome.UNKNOWN

    def test_another_amount_than_asked_is_passed_on_as_it_was_said(self) -> None:
        assert charged((200, payment(amount=1101))).money == Money(1101, "USD")

    def test_an_amount_that_is_no_whole_number_is_no_amount(self) -> None:
        assert charged((200, payment(amount=11.5))).money is None

    def test_a_payment_that_answers_failed_is_declined_by_its_code(self) -> None:
        result = charged((200, payment(status="FAILED", error={"code": "3022", "message": "Funds"})))
        assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.INSUFFICIENT_FUNDS)

    def test_a_cancelled_settlement_means_that_no_money_came(self) -> None:
        result = charged((200, payment(settlements=[{"id": "set-1", "status": "CANCELLED", "amount": 1100}])))
        assert (result.outcome, result.state) == (Outcome.DECLINED, State.VOIDED)

    @pytest.mark.parametrize(("refunded", "state"), [(1099, State.SETTLED), (1100, State.REFUNDED)])
    def test_it_counts_as_refunded_once_all_of_it_went_back(self, refunded: int, state: State) -> None:
        row = {"id": "set-1", "status": "COMPLETED", "amount": 1100, "refundedAmount": refunded}
        assert charged((200, payment(settlements=[row]))).state == state


class TestStoredCredentials:
    @pytest.mark.parametrize(
        ("credential", "said"),
        [
            (StoredCredential(True, True, "recurring"), {"type": "RECURRING", "occurrence": "INITIAL"}),
            (StoredCredential(True, True, "unscheduled"), {"type": "ADHOC", "occurrence": "INITIAL"}),
            (
                StoredCredential(False, False, "recurring", "pay-1"),
                {"type": "RECURRING", "occurrence": "SUBSEQUENT", "initialTransactionId": "pay-1"},
            ),
            (
                StoredCredential(False, False, "unscheduled", "pay-1"),
                {"type": "TOPUP", "occurrence": "SUBSEQUENT", "initialTransactionId": "pay-1"},
            ),
            (StoredCredential(False, False), {"type": "RECURRING", "occurrence": "SUBSEQUENT"}),
        ],
    )
    def test_they_are_told_in_paysafes_words(self, credential: StoredCredential, said: dict[str, str]) -> None:
        gateway, wire = canned.gateway((200, payment()))
        gateway.charge(CARD, USD, "att-7", ORDER, credential)
        assert wire.asked[0][2]["storedCredential"] == said

    def test_the_first_one_is_what_later_ones_refer_to(self) -> None:
        first = {"type": "RECURRING", "occurrence": "INITIAL"}
        assert charged((200, payment(storedCredential=first))).network_ref == "pay-1"
        assert charged((200, payment(storedCredential=first | {"occurrence": "SUBSEQUENT"}))).network_ref == ""


class TestFollowUps:
    def test_a_capture_names_its_amount_and_its_settlement(self) -> None:
        gateway, wire = canned.gateway((200, settlement(merchantRefNum="att-8", amount=500)))
        result = gateway.capture(GatewayRef("pay-1", Instrument.CARD), Money(500, "USD"), "att-8")
        assert wire.asked[0][1].endswith("/payments/pay-1/settlements")
        assert wire.asked[0][2] == {"merchantRefNum": "att-8", "amount": 500}
        assert (result.outcome, result.ref, result.related) == (Outcome.APPROVED, "set-1", "set-1")

    def test_a_void_of_a_part_of_a_settlement_is_refused_before_anything_is_cancelled(self) -> None:
        gateway, wire = canned.gateway((200, settlement()))
        result = gateway.void(GatewayRef("pay-1", Instrument.CARD, "set-1"), Money(1099, "USD"), "att-8")
        assert (result.outcome, len(wire.asked)) == (Outcome.DECLINED, 1)

    def test_a_void_that_was_done_before_is_done(self) -> None:
        gateway, wire = canned.gateway((200, settlement(status="CANCELLED")))
        result = gateway.void(GatewayRef("pay-1", Instrument.CARD, "set-1"), USD, "att-8")
        assert (result.outcome, result.existing, len(wire.asked)) == (Outcome.APPROVED, True, 1)

    def test_a_void_whose_answer_does_not_say_cancelled_is_unknown(self) -> None:
        gateway, _wire = canned.gateway((200, settlement()), (200, settlement()))
        result = gateway.void(GatewayRef("pay-1", Instrument.CARD, "set-1"), USD, "att-8")
        assert result.outcome == Outcome.UNKNOWN

    @pytest.mark.parametrize("reply", [(500, decline("1000")), (200, b"<html>"), (404, decline("5269"))])
    def test_a_void_that_cannot_look_first_changes_nothing(self, reply: tuple[int, Any]) -> None:
        gateway, wire = canned.gateway(reply)
        result = gateway.void(GatewayRef("pay-1", Instrument.CARD, "set-1"), USD, "att-8")
        assert (result.outcome, [method for method, _u, _b in wire.asked]) == (Outcome.ERROR, ["GET"])

    @pytest.mark.parametrize(
        ("status", "to", "outcome", "state"),
        [
            ("PENDING", Instrument.CARD, Outcome.APPROVED, State.PENDING_SETTLEMENT),
            ("PENDING", Instrument.BANK, Outcome.PENDING, State.PENDING_SETTLEMENT),
            ("COMPLETED", Instrument.BANK, Outcome.APPROVED, State.REFUNDED),
            ("FAILED", Instrument.CARD, Outcome.DECLINED, State.FAILED),
            ("CANCELLED", Instrument.CARD, Outcome.DECLINED, State.VOIDED),
            ("NEW", Instrument.CARD, Outcome.UNKNOWN, None),
        ],
    )
    def test_a_refund_is_as_good_as_where_it_goes(
        self, status: str, to: Instrument, outcome: Outcome, state: State | None
    ) -> None:  # fmt: skip
        row = {"id": "ref-1", "merchantRefNum": "att-9", "amount": 100, "currencyCode": "USD", "status": status}
        gateway, wire = canned.gateway((200, row))
        result = gateway.refund(GatewayRef("pay-1", to, "set-1"), Money(100, "USD"), "att-9")
        assert wire.asked[0][1].endswith("/settlements/set-1/refunds")
        assert (result.outcome, result.state, result.ref) == (outcome, state, "ref-1")


class TestQuestions:
    def hint(self, kind: Kind = Kind.SALE, **more: Any) -> OrderHint:
        return OrderHint(kind, USD, "1111", datetime(2026, 3, 9, tzinfo=UTC), **more)

    def test_rows_of_another_key_are_not_ours(self) -> None:
        gateway, _wire = canned.gateway((200, {"payments": [payment(merchantRefNum="att-77")]}))
        assert gateway.find("att-7", self.hint()) == []

    def test_an_authorisation_that_was_given_up_is_no_longer_good(self) -> None:
        row = payment(settleWithAuth=False, settlements=[], availableToSettle=0)
        gateway, _wire = canned.gateway(
            (200, {"payments": [row]}), (200, {"payments": [row | {"availableToSettle": 1}]})
        )
        given_up, open_still = (gateway.find("att-7", self.hint(Kind.AUTHORIZE))[0] for _time in range(2))
        assert (given_up.outcome, given_up.state) == (Outcome.DECLINED, State.VOIDED)
        assert (open_still.outcome, open_still.state) == (Outcome.APPROVED, State.AUTHORIZED)

    @pytest.mark.parametrize(
        "reply", [(500, decline("1000")), (200, b"<html>"), (401, decline("5279")), (200, {"rows": []}), (200, {})]
    )
    def test_a_question_without_an_answer_is_one_unknown_and_no_absence(self, reply: tuple[int, Any]) -> None:
        """Else two of them would count as proof that nothing was done, and the payer be charged twice."""
        for kind in (Kind.SALE, Kind.CAPTURE, Kind.REFUND, Kind.VOID, Kind.VERIFY, Kind.STORE):
            gateway, _wire = canned.gateway(reply)
            assert [one.outcome for one in gateway.find("att-7", self.hint(kind))] == [Outcome.UNKNOWN]

    def test_the_status_of_what_is_nowhere_is_unknown(self) -> None:
        gateway, wire = canned.gateway(*[(404, decline("5269"))] * 3)
        assert gateway.status(GatewayRef("x/..", Instrument.CARD)).outcome == Outcome.UNKNOWN
        assert wire.asked[0][1].endswith("/payments/x%2F..")


class TestSettings:
    @pytest.mark.parametrize("name", ["base_url", "user", "password", "public_key", "hmac_key", "account_id"])
    def test_a_missing_one_is_named(self, name: str) -> None:
        with pytest.raises(KeyError, match=name):
            Gateway("north", {key: value for key, value in SETTINGS.items() if key != name}, Wire())

    @pytest.mark.parametrize(
        ("base_url", "library", "environment"),
        [
            ("https://api.paysafe.com", "https://hosted.paysafe.com/js/v1/latest/paysafe.min.js", "LIVE"),
            ("https://api.test.paysafe.com/", "https://hosted.test.paysafe.com/js/v1/latest/paysafe.min.js", "TEST"),
            ("http://127.0.0.1:8102", "http://127.0.0.1:8102/js/v1/latest/paysafe.min.js", "TEST"),
        ],
    )
    def test_the_payers_page_gets_public_values_only(self, base_url: str, library: str, environment: str) -> None:
        gateway, _wire = canned.gateway(base_url=base_url)
        fields = gateway.hosted_fields("fr-CA")
        assert fields == {
            "kind": "paysafe", "library": library, "public_key": "cHViOmtleQ==", "environment": environment,
            "locale": "fr_CA", "account_id": "1001234560",
        }  # fmt: skip
        assert not {SETTINGS["user"], SETTINGS["password"], SETTINGS["hmac_key"]} & set(fields.values())

    def test_numbers_with_a_point_are_read_exactly(self) -> None:
        gateway, _wire = canned.gateway((200, b'{"id":"c","rate":0.1}'))
        assert (gateway.hub.read("monitor") or {})["rate"] == Decimal("0.1")
