"""What the provider tells by itself and in its report of a day."""

import json
from datetime import timedelta

import pytest

from payments.gateways.base import Forged, GatewayDown, Moved, Outcome, Topic, Unreadable
from payments.gateways.upi.hooks import read, verify
from tests.payments.gateways.upi.desk import BACK, Desk, inr, payer, ref_of


def test_a_signature_as_the_provider_describes_it() -> None:
    headers = {
        "x-psp-timestamp": "1700000000",
        "x-psp-signature": "11a85c5a84bed1fe0c58ce267c009384a9e3401d51f7444b72144452fec327d9",
    }
    body = b'{"event_id":"e-1"}'
    verify(body, headers, "psp-webhook-secret")
    for wrong in (
        headers | {"x-psp-timestamp": "1700000001"}, headers | {"x-psp-signature": "00" * 32}, {},
        headers | {"x-psp-timestamp": ""}, headers | {"x-psp-signature": "é"},
    ):  # fmt: skip
        with pytest.raises(Forged):
            verify(body, wrong, "psp-webhook-secret")
    for secret, told in (("", body), ("other", body), ("psp-webhook-secret", body + b" ")):
        with pytest.raises(Forged):
            verify(told, headers, secret)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"event_id":"e","event":"order.success"}', b"\xff", b'{"data":{}}']
)
def test_what_is_signed_and_cannot_be_read_is_told_apart(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body)


def test_a_payment_is_told(at: Desk) -> None:
    paid = at.paid()
    (body, headers), *_more = at.webhooks("order.success")
    (event,) = at.gateway().parse_webhook(body, headers, [])
    assert (event.topic, event.key, event.ref, event.update, event.items) == (
        Topic.TRANSACTION, paid.key, paid.ref, None, (),
    )  # fmt: skip
    assert event.id == json.loads(body)["event_id"]
    assert "asha.rao" not in str(event.facts)
    with pytest.raises(Forged):
        at.gateway(webhook_secret="other").parse_webhook(body, headers, [])


def test_a_refund_is_told(at: Desk) -> None:
    key = at.key()
    sent = at.gateway().refund(ref_of(at.paid()), inr(1_00), key)
    at.later(seconds=61)
    (body, headers), *_more = at.webhooks("refund.success")
    (event,) = at.gateway().parse_webhook(body, headers, [])
    assert (event.topic, event.key, event.ref) == (Topic.TRANSACTION, key, sent.ref)


def test_a_webhook_before_the_answer_tells_what_the_answer_would_have(at: Desk) -> None:
    method, key = at.mandate(), at.key()
    at.fault("drop_after", path="/executions$")
    assert at.debit(method, key=key).outcome == Outcome.UNKNOWN
    events = [at.gateway().parse_webhook(*row, [])[0] for row in at.webhooks("order.success")]
    assert [one.key for one in events] == [key]
    assert [one.outcome for one in at.find(key)] == [Outcome.APPROVED]


def test_that_a_mandate_came_to_stand_is_the_outcome_of_asking_for_it(at: Desk) -> None:
    method = at.mandate()
    (body, headers), *_more = at.webhooks("mandate.active")
    (event,) = at.gateway().parse_webhook(body, headers, [])
    assert (event.topic, event.key, event.ref, event.update) == (
        Topic.TRANSACTION, method.payer_id, f"mandate:{method.payer_id}", None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("deeds", "change"), [(["pause"], "paused"), (["pause", "resume"], "resumed"), (["revoke"], "revoked")]
)
def test_what_a_payer_changes_in_their_app_is_news_of_the_method(at: Desk, deeds: list[str], change: str) -> None:
    method = at.mandate()
    for deed in deeds:
        at.do(f"{deed}_mandate", mandate_ref=method.payer_id)
    (body, headers), *_more = at.webhooks(f"mandate.{change}")
    (event,) = at.gateway().parse_webhook(body, headers, [])
    assert event.topic == Topic.METHOD and event.update is not None
    assert (event.update.token, event.update.change) == (method.token, change)


def test_a_mandate_that_nobody_answered_is_no_news_of_a_method(at: Desk) -> None:
    key = at.key()
    at.gateway().create_mandate(at.terms(), payer(), key, BACK)
    at.later(days=2)
    (body, headers), *_more = at.webhooks("mandate.expired")
    (event,) = at.gateway().parse_webhook(body, headers, [])
    assert (event.topic, event.key, event.update) == (Topic.TRANSACTION, key, None)


def test_a_dispute_that_was_lost_names_its_payment(at: Desk) -> None:
    paid = at.paid(500_00)
    at.do("charge_back", tr=paid.key)
    (body, headers), *_more = at.webhooks("dispute.lost")
    (event,) = at.gateway().parse_webhook(body, headers, [])
    assert event.topic == Topic.DISPUTE
    assert [(one.moved, one.money, one.key, one.ref) for one in event.items] == [
        (Moved.CHARGEBACK, inr(500_00), paid.key, paid.ref)
    ]


# The report of a day


def test_a_report_adds_up_to_what_the_provider_moved(at: Desk) -> None:
    day, first, second = at.today, at.paid(1250_00), at.paid(99_99)
    key = at.key()
    at.gateway().refund(ref_of(first), inr(50_00), key)
    at.later(seconds=61)
    at.do("charge_back", tr=second.key)
    at.later(days=1)
    items = list(at.gateway().settlement(day))
    sums = {moved: sum(one.money.minor for one in items if one.moved == moved) for moved in Moved}
    assert sums[Moved.CAPTURE] == at.minor("capture") == 1349_99
    assert sums[Moved.REFUND] == at.minor("refund") == 50_00
    assert sums[Moved.CHARGEBACK] == at.minor("chargeback") == 99_99
    assert {one.key for one in items if one.moved == Moved.CAPTURE} == {first.key, second.key}
    assert [(one.ref, one.key, one.related) for one in items if one.moved == Moved.REFUND] == [
        (f"refund:{key}", key, first.key)
    ]
    assert {one.on for one in items} == {day} and len({one.batch for one in items}) == 1


def test_a_day_without_payments_is_an_empty_report(at: Desk) -> None:
    day = at.today
    at.later(days=1)
    assert list(at.gateway().settlement(day)) == []


@pytest.mark.parametrize("kind", ["drop_before", "html", "garbled", "expired"])
def test_a_report_that_cannot_be_had_is_none(at: Desk, kind: str) -> None:
    with pytest.raises(GatewayDown):  # today is not over
        at.gateway().settlement(at.today)
    at.fault(kind)
    with pytest.raises(GatewayDown):
        at.gateway().settlement(at.today - timedelta(days=1))
    assert list(at.gateway().updates(at.sandbox.clock.now())) == []
