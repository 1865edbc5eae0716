"""Webhooks: verified on the raw bytes, then read (R47; processor notes paysafe.md §7)."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from payments.gateways.base import Event, Forged, Instrument, Kind, Money, Moved, Outcome, State, Topic, Unreadable
from tests.payments.gateways.paysafe import canned
from tests.payments.gateways.paysafe.desk import Desk, hint, ref_of, usd

KEY = "paysafe-hmac-key"
# Key, body and signature as the notes give them.
BODY = b'{"event_id":"e-1","event_type":"transaction.sale.success","event_body":{"amount":"300.00"}}'
SIGNED = "mr3kryjFwrwpqSKu6FHd9V9h0YnFSLPlZOOQMJIZWtA="


def sign(raw: bytes, key: str = KEY) -> dict[str, str]:
    return {"signature": base64.b64encode(hmac.new(key.encode(), raw, hashlib.sha256).digest()).decode()}


def parsed(body: dict[str, Any]) -> Event:
    raw = json.dumps(body).encode()
    (event,) = canned.gateway()[0].parse_webhook(raw, sign(raw), [])
    return event


def envelope(name: str = "PAYMENT_COMPLETED", **payload: Any) -> dict[str, Any]:
    told = {
        "id": "pay-1", "merchantRefNum": "att-7", "amount": 1100, "currencyCode": "USD", "status": "COMPLETED",
        "txnTime": "2026-03-09T14:05:06Z", **payload,
    }  # fmt: skip
    return {
        "payload": told, "eventName": name, "eventDate": "2026-03-09T14:05:07Z", "resourceId": told["id"],
        "type": "PAYMENT", "attemptNumber": "1",
    }  # fmt: skip


class TestSignature:
    def test_the_vector_of_the_notes_is_good(self) -> None:
        """It is no event of Paysafe's, but its signature is right: refused for what it says only."""
        with pytest.raises(Unreadable):
            canned.gateway()[0].parse_webhook(BODY, {"signature": SIGNED}, [])

    @pytest.mark.parametrize(
        "headers",
        [{}, {"signature": ""}, {"signature": SIGNED[:-2] + "B="}, {"signature": "é"}, sign(BODY, "other"), sign(b"x")],
    )
    def test_anything_else_is_forged(self, headers: dict[str, str]) -> None:
        with pytest.raises(Forged):
            canned.gateway()[0].parse_webhook(BODY, headers, [])

    def test_a_changed_byte_is_forged(self) -> None:
        raw = json.dumps(envelope()).encode()
        with pytest.raises(Forged):
            canned.gateway()[0].parse_webhook(raw.replace(b"1100", b"1101"), sign(raw), [])

    def test_without_a_key_nothing_is_believed(self) -> None:
        gateway, _wire = canned.gateway(hmac_key="")
        with pytest.raises(Forged):
            gateway.parse_webhook(BODY, sign(BODY, ""), [])

    @pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"{", b"\xff", b'"PAYMENT_COMPLETED"'])
    def test_what_is_signed_and_cannot_be_read_is_told_apart(self, raw: bytes) -> None:
        with pytest.raises(Unreadable):
            canned.gateway()[0].parse_webhook(raw, sign(raw), [])


class TestEvent:
    def test_it_names_the_payment_and_our_key(self) -> None:
        event = parsed(envelope(paymentType="CARD", card={"lastDigits": "1111", "holderName": "Ada"}))
        assert (event.topic, event.name, event.ref, event.key) == (
            Topic.TRANSACTION, "PAYMENT_COMPLETED", "pay-1", "att-7"
        )  # fmt: skip
        assert event.occurred_at == datetime(2026, 3, 9, 14, 5, 7, tzinfo=UTC)
        assert event.facts == {
            "status": "COMPLETED", "paid_by": "CARD", "last4": "1111", "minor": 1100, "currency": "USD"
        }  # fmt: skip

    def test_it_is_the_same_however_often_it_is_told(self) -> None:
        again = envelope() | {"attemptNumber": "3", "eventDate": "2026-03-09T18:00:00Z"}
        assert parsed(envelope()).id == parsed(again).id

    @pytest.mark.parametrize(
        "other",
        [
            envelope("PAYMENT_FAILED"), envelope(id="pay-2"), envelope(status="FAILED"),
            envelope(txnTime="2026-03-09T14:05:07Z"),
        ],
    )  # fmt: skip
    def test_it_is_another_when_name_resource_status_or_time_is(self, other: dict[str, Any]) -> None:
        assert parsed(envelope()).id != parsed(other).id

    def test_an_identity_is_never_longer_than_what_keeps_it(self) -> None:
        assert len(parsed(envelope("PAYMENT_" + "X" * 400)).id) <= 200

    @pytest.mark.parametrize(
        ("name", "topic"),
        [
            ("PAYMENT_HELD", Topic.TRANSACTION), ("SETTLEMENT_COMPLETED", Topic.TRANSACTION),
            ("REFUND_FAILED", Topic.TRANSACTION), ("PAYMENT_HANDLE_PAYABLE", Topic.METHOD),
            ("PAYMENT_RETURN_COMPLETED", Topic.RETURN), ("PAYMENT_RETURNED_COMPLETED", Topic.RETURN),
            ("SA_CREDIT_COMPLETED", Topic.OTHER), ("SOMETHING_NEW", Topic.OTHER),
        ],
    )  # fmt: skip
    def test_it_knows_what_it_is_about(self, name: str, topic: Topic) -> None:
        assert parsed(envelope(name)).topic == topic

    def test_bacs_puts_its_values_elsewhere(self) -> None:
        body = envelope()
        body["variables"] = body.pop("payload")
        assert parsed(body).key == "att-7"

    @pytest.mark.parametrize(
        ("payload", "code"),
        [
            ({"bankResponse": {"reasonCode": "R10"}}, "R10"), ({"error": {"code": "R02"}}, "R02"),
            ({"reason": "Returned R03: no account"}, "R03"), ({"returnCode": "901"}, "901"), ({}, ""),
            ({"reason": "Insufficient funds"}, ""),
        ],
    )  # fmt: skip
    def test_a_return_names_the_debit_that_came_back(self, payload: dict[str, Any], code: str) -> None:
        event = parsed(envelope("PAYMENT_RETURN_COMPLETED", id="ret-1", paymentId="pay-1", **payload))
        (item,) = event.items
        assert (event.ref, event.key) == ("pay-1", "att-7")
        assert (item.moved, item.money, item.code) == (Moved.RETURN, Money(1100, "USD"), code)
        assert (item.ref, item.related, item.key) == ("ret-1", "pay-1", "att-7")

    def test_only_news_of_a_saved_method_is_news_of_a_method(self) -> None:
        saved = parsed(envelope("PAYMENT_HANDLE_DELETED", usage="MULTI_USE", paymentHandleToken="MUxy12"))
        assert saved.update is not None
        assert (saved.update.token, saved.update.change, saved.update.event) == ("MUxy12", "removed", saved.id)
        assert "MUxy12" not in repr(saved)
        single = parsed(envelope("PAYMENT_HANDLE_EXPIRED", usage="SINGLE_USE", paymentHandleToken="SCxy12"))
        assert single.update is None


class TestAtTheSandbox:
    def told(self, desk: Desk, topic: str) -> Event:
        row = desk.sandbox.webhooks.find(topic)[-1]
        headers = {name.lower(): value for name, value in row.headers.items()}
        (event,) = desk.gateway.parse_webhook(row.body, headers, [])
        return event

    def test_one_that_is_here_before_the_answer_leads_to_the_payment(self, desk: Desk) -> None:
        method = desk.card()
        desk.sandbox.faults.add("drop_after", path="/payments$")
        assert desk.charge(method, 1000, "att-1").outcome == Outcome.UNKNOWN
        event = self.told(desk, "PAYMENT_COMPLETED")
        (found,) = desk.gateway.find(event.key, hint(1000))
        assert (found.outcome, found.ref) == (Outcome.APPROVED, event.ref)

    def test_every_kind_of_news_can_be_read(self, desk: Desk) -> None:
        sale = desk.charge(desk.card(), 1000, "att-1")
        desk.sandbox.do("run_batch")
        desk.gateway.refund(ref_of(sale), usd(400), "att-2")
        desk.charge(desk.bank(), 2500, "att-3")
        desk.sandbox.do("run_batch")
        events = [
            desk.gateway.parse_webhook(row.body, {k.lower(): v for k, v in row.headers.items()}, [])[0]
            for row in desk.sandbox.webhooks.rows
        ]
        assert {event.key for event in events} >= {"att-1", "att-2", "att-3"}
        assert len({event.id for event in events}) == len(events)

    def test_a_late_return_is_told_with_its_code_amount_and_debit(self, desk: Desk) -> None:
        """The return of a debit long after it was settled. The payment itself stays completed."""
        debit = desk.charge(desk.bank(), 2500, "att-1")
        ref = ref_of(debit, Instrument.BANK)
        assert desk.gateway.came_back(ref).outcome == Outcome.PENDING
        desk.sandbox.do("run_batch")
        assert desk.gateway.came_back(ref).outcome == Outcome.APPROVED
        desk.sandbox.do("return_debit", payment=debit.ref, code="R10")
        event = self.told(desk, "PAYMENT_RETURN_COMPLETED")
        (item,) = event.items
        assert (event.topic, event.ref, event.key) == (Topic.RETURN, debit.ref, "att-1")
        assert (item.money, item.code, item.related) == (usd(2500), "R10", debit.ref)
        assert desk.gateway.status(ref).outcome == Outcome.APPROVED
        agreed = desk.gateway.came_back(ref)
        assert (agreed.outcome, agreed.state, agreed.ref) == (Outcome.DECLINED, State.RETURNED, debit.ref)

    def test_a_debit_that_was_refunded_is_not_taken_for_returned(self, desk: Desk) -> None:
        debit = desk.charge(desk.bank(), 2500, "att-1")
        desk.sandbox.do("run_batch")
        desk.gateway.refund(ref_of(debit, Instrument.BANK), usd(2500), "att-2")
        known = desk.gateway.came_back(ref_of(debit, Instrument.BANK))
        assert (known.outcome, known.state) == (Outcome.APPROVED, State.REFUNDED)

    def test_a_withdrawn_method_is_news_of_a_method(self, desk: Desk) -> None:
        method = desk.card()
        desk.sandbox.do("withdraw_handle", token=method.token)
        update = self.told(desk, "PAYMENT_HANDLE_EXPIRED").update
        assert update is not None and (update.token, update.change) == (method.token, "expired")

    def test_one_with_another_signature_is_forged(self, desk: Desk) -> None:
        desk.charge(desk.card(), 1000, "att-1")
        row = desk.sandbox.webhooks.find("PAYMENT_COMPLETED")[-1]
        with pytest.raises(Forged):
            desk.gateway.parse_webhook(row.body, sign(row.body, "another-key"), [])

    def test_a_settled_debit_is_told_before_we_ask(self, desk: Desk) -> None:
        desk.charge(desk.bank(), 2500, "att-1")
        desk.sandbox.do("run_batch")
        event = self.told(desk, "SETTLEMENT_COMPLETED")
        (found,) = desk.gateway.find(event.key, hint(2500, Kind.SALE, instrument=Instrument.BANK))
        assert found.outcome == Outcome.APPROVED
