"""Webhooks: own vectors without a server, and what the double really sends."""

import hashlib
import hmac
import json
from typing import Any

import pytest

from payments.gateways.base import (
    Event,
    Forged,
    GatewayRef,
    Instrument,
    Kind,
    Moved,
    Outcome,
    State,
    Topic,
    Unreadable,
)
from payments.gateways.precisepay import Gateway
from payments.gateways.wire import Wire
from tests.payments.gateways.precisepay.desk import MASTERCARD, ORDER, Desk, hint, ref_of, usd

KEY = "nmi-signing-key"
BODY = b'{"event_id":"e-1","event_type":"transaction.sale.success","event_body":{"amount":"300.00"}}'
SIGNATURE = "f297592921b45ba602bf08ec1285774971ccdb3b9b0b6a0e8ea1e8b7e7715d0f"


def gateway() -> Gateway:
    settings = {
        "base_url": "https://x.invalid", "security_key": "s", "tokenization_key": "t", "webhook_key": KEY,
    }  # fmt: skip
    return Gateway("precisepay", settings, Wire())


def parsed(raw: bytes) -> list[Event]:
    signed = hmac.new(KEY.encode(), b"n." + raw, hashlib.sha256).hexdigest()
    return gateway().parse_webhook(raw, {"webhook-signature": f"t=n,s={signed}"}, [])


def told(name: str, body: dict[str, Any]) -> list[Event]:
    return parsed(json.dumps({"event_id": "e-1", "event_type": name, "event_body": body}).encode())


def sent(at: Desk, topic: str) -> Event:
    """The last one of that kind as it came, read."""
    (event,) = at.gateway().parse_webhook(*at.webhooks(topic)[-1], [])
    return event


def test_the_signature_of_the_notes_is_right_and_the_body_then_unreadable() -> None:
    with pytest.raises(Unreadable):  # signed by the book, but a sale without a transaction
        gateway().parse_webhook(BODY, {"webhook-signature": f"t=n0nce-1,s={SIGNATURE}"}, [])


@pytest.mark.parametrize("header,body", [
    ("", BODY), (f"s={SIGNATURE}", BODY), (f"t=n0nce-2,s={SIGNATURE}", BODY), (f"t=n0nce-1,s={SIGNATURE}", BODY + b" "),
    (f"t=n0nce-1,s={SIGNATURE[:-1]}0", BODY), (f"t=n0nce-1,s={SIGNATURE}0", BODY),
    (f"t=n0nce-1,s={SIGNATURE[:-1]}", BODY),
])  # fmt: skip
def test_a_forged_one_is_refused_before_it_is_read(header: str, body: bytes) -> None:
    with pytest.raises(Forged):
        gateway().parse_webhook(body, {"webhook-signature": header}, [])


@pytest.mark.parametrize("raw", [
    b"", b"[]", b"null", b"{}", b"\xff", b'{"event_id":"","event_type":"x","event_body":{}}',
    b'{"event_id":"e","event_type":"x","event_body":[]}',
    b'{"event_id":"e","event_type":"transaction.sale.success","event_body":{"transaction_id":"1","action":{"date":"x"}}}',
    b'{"event_id":"e","event_type":"chargeback.batch.complete","event_body":{"chargebacks":[{"id":"1"}]}}',
    b'{"event_id":"e","event_type":"acu.summary.closedaccount","event_body":{"updated_date":"soon"}}',
])  # fmt: skip
def test_what_is_signed_and_makes_no_sense_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        parsed(raw)


@pytest.mark.parametrize("name,topic", [
    ("recurring.subscription.add", Topic.SUBSCRIPTION), ("networktoken.token.create", Topic.OTHER),
    ("settlement.batch.failure", Topic.SETTLEMENT), ("something.new", Topic.OTHER),
])  # fmt: skip
def test_topics_that_nobody_waits_for_are_kept(name: str, topic: Topic) -> None:
    (event,) = told(name, {})
    assert (event.id, event.topic, event.name) == ("e-1", topic, name)


def test_several_updated_cards_are_several_events_with_names_of_their_own() -> None:
    cards = [{"customer_vault_id": n, "cc_number": "411111******1111", "cc_exp": "12/31"} for n in ("v1", "v2")]
    events = told("acu.summary.automaticallyupdated", {"updated_date": "2026-03-02", "vault_updated_cards": cards})
    assert [(event.id, event.ref) for event in events] == [("e-1:v1", "v1"), ("e-1:v2", "v2")]
    (empty,) = told("acu.summary.automaticallyupdated", {"updated_date": "2026-03-02"})
    assert (empty.id, empty.topic) == ("e-1", Topic.OTHER)


def test_a_charge_is_told_before_its_answer_comes(at: Desk) -> None:
    """The webhook of a charge whose answer is lost names our key, and finding adopts the charge."""
    method, key = at.method(), at.key()
    at.nmi.faults.add("drop_after", body="type=sale")
    assert at.gateway().charge(method, usd(1200), key, ORDER, None).outcome == Outcome.UNKNOWN
    event = sent(at, "transaction.sale.success")
    assert (event.topic, event.key) == (Topic.TRANSACTION, key)
    assert (event.facts["amount"], event.facts["last4"]) == ("12.00", "1111")
    (found,) = at.gateway().find(event.key, hint(Kind.SALE, usd(1200)))
    assert (found.outcome, found.ref) == (Outcome.APPROVED, event.ref)


def test_facts_name_no_payer_and_no_number(at: Desk) -> None:
    at.gateway().charge(at.method(), usd(1200), at.key(), ORDER, None)
    at.gateway().charge(at.method(at.bank()), usd(1300), at.key(), ORDER, None)
    assert len(at.webhooks()) == 3  # the card was looked at, too
    for raw, headers in at.webhooks():
        for event in at.gateway().parse_webhook(raw, headers, []):
            said = json.dumps(dict(event.facts))
            assert not any(word in said for word in ("Ada", "888", "77777", "411111", "490000018"))
            assert len(said) < 500


@pytest.mark.parametrize("paid_first,name", [
    (False, "transaction.check.status.return"), (True, "transaction.check.status.latereturn"),
])  # fmt: skip
def test_a_return_is_told_and_the_status_says_the_same(at: Desk, paid_first: bool, name: str) -> None:
    key = at.key()
    debit = at.gateway().charge(at.method(at.bank()), usd(3000), key, ORDER, None)
    at.nmi.do("settle")
    if paid_first:
        at.nmi.do("settle_checks")
        assert sent(at, "transaction.check.status.settle").topic == Topic.TRANSACTION
    at.nmi.do("return_check", transaction_id=debit.ref, code="R02")
    event = sent(at, name)
    assert (event.topic, event.ref, event.key) == (Topic.RETURN, debit.ref, key)
    assert event.facts["processor_response_code"] == "R02"
    seen = at.gateway().status(GatewayRef(event.ref, Instrument.BANK))
    assert (seen.state, seen.return_code) == (State.RETURNED, "R02")


def test_a_chargeback_is_a_line_that_takes_money(at: Desk) -> None:
    sale = ref_of(at.gateway().charge(at.method(), usd(1200), at.key(), ORDER, None))
    at.nmi.do("settle")
    at.nmi.do("charge_back", transaction_id=sale.ref, amount="12.00", reason="4853")
    event = sent(at, "chargeback.batch.complete")
    (item,) = event.items
    assert (event.topic, item.moved, item.money, item.code) == (Topic.DISPUTE, Moved.CHARGEBACK, usd(1200), "4853")
    assert item.ref and "1111" in item.text


@pytest.mark.parametrize("deed,values,change", [
    ("update_card", {"number": MASTERCARD, "expires": "1131"}, "updated"), ("close_card", {}, "closed"),
    ("contact_customer", {}, "contact"),
])  # fmt: skip
def test_news_of_a_stored_card(at: Desk, deed: str, values: dict[str, str], change: str) -> None:
    method = at.method()
    at.nmi.do(deed, customer_vault_id=method.token, **values)
    events = at.gateway().parse_webhook(*at.webhooks()[-1], [])
    assert [(event.topic, event.update.token, event.update.change) for event in events] == [
        (Topic.METHOD, method.token, change)
    ]


def test_a_batch_that_was_settled_is_told(at: Desk) -> None:
    at.gateway().charge(at.method(), usd(1200), at.key(), ORDER, None)
    at.nmi.do("settle")
    event = sent(at, "settlement.batch.complete")
    (item,) = at.gateway().settlement(at.nmi.clock.now().date())
    assert (event.topic, event.ref, event.facts["amount"]) == (Topic.SETTLEMENT, item.batch, "12.00")
