"""Webhooks: verified before they are read, and hints only."""

import hashlib
import hmac
import json

import pytest

from payments.gateways.base import Forged, Outcome, Topic, Unreadable
from payments.gateways.dwolla import Gateway
from payments.gateways.wire import Wire
from tests.payments.gateways.dwolla.desk import Desk, ref_of

SECRET = "dwolla-secret"
SETTINGS = {
    "base_url": "https://api-sandbox.dwolla.com", "key": "k", "secret": "s", "webhook_secret": SECRET,
    "funding_source": "https://api-sandbox.dwolla.com/funding-sources/ours",
}  # fmt: skip
HEADER = "x-request-signature-sha-256"


def gateway(**settings: str) -> Gateway:
    return Gateway("dwolla", SETTINGS | settings, Wire())


def signed(body: object) -> tuple[bytes, dict[str, str]]:
    raw = json.dumps(body).encode()
    return raw, {HEADER: hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()}


def test_the_signature_of_the_notes_is_ours() -> None:
    """The vector of dwolla.md §7: its body is no event of Dwolla's, so it is signed and unreadable."""
    raw = b'{"event_id":"e-1","event_type":"transaction.sale.success","event_body":{"amount":"300.00"}}'
    good = "40a022e484024518e1ab2f701ffb30aac360d6351101eb6f284f4688a0eaaf47"
    with pytest.raises(Unreadable):
        gateway().parse_webhook(raw, {HEADER: good}, [])
    for wrong in (good[:-1] + "8", good.upper(), "", "x"):
        with pytest.raises(Forged):
            gateway().parse_webhook(raw, {HEADER: wrong}, [])


def test_a_forged_webhook_is_refused_before_it_is_read(at: Desk) -> None:
    at.charge(at.bank())
    raw, headers = at.webhooks("customer_transfer_created")[0]
    assert at.gateway().parse_webhook(raw, headers, [])
    for body, told in (
        (raw + b" ", headers), (raw.replace(b"created", b"failed", 1), headers), (raw, {}), (raw, {HEADER: "é"}),
    ):  # fmt: skip
        with pytest.raises(Forged):
            at.gateway().parse_webhook(body, told, [])
    with pytest.raises(Forged):
        gateway(webhook_secret="").parse_webhook(raw, {HEADER: hmac.new(b"", raw, hashlib.sha256).hexdigest()}, [])


@pytest.mark.parametrize("body", [[], "x", {}, {"id": "e-1"}, {"topic": "transfer_failed"}, {"id": "", "topic": "t"}])
def test_what_is_signed_and_no_event_is_unreadable(body: object) -> None:
    raw, headers = signed(body)
    with pytest.raises(Unreadable):
        gateway().parse_webhook(raw, headers, [])


def test_bytes_that_are_no_json_are_unreadable() -> None:
    for raw in (b"", b"{", bytes(range(128, 256))):
        with pytest.raises(Unreadable):
            headers = {HEADER: hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()}
            gateway().parse_webhook(raw, headers, [])


def test_a_webhook_before_the_answer_is_found_by_its_key(at: Desk) -> None:
    """The transfer was made and told of; only our call never heard."""
    method, key = at.bank(), at.key()
    at.fault("drop_after", path="/transfers$", body=key)
    assert at.charge(method, 12_34, key).outcome == Outcome.UNKNOWN
    (event,) = at.gateway().parse_webhook(*at.webhooks("customer_transfer_created")[0], [])
    assert (event.topic, event.key, event.update, event.items) == (Topic.TRANSACTION, key, None, ())
    assert [one.ref for one in at.find(event.key, method)] == [event.ref]


def test_both_families_of_topics_name_one_transfer(at: Desk) -> None:
    result = at.charge(at.bank(name="R01"))
    at.sandbox.do("process_transfers")
    events = [
        event
        for topic in ("customer_transfer_failed", "transfer_failed")
        for raw, headers in at.webhooks(topic)
        for event in at.gateway().parse_webhook(raw, headers, [])
    ]
    assert len({event.id for event in events}) == len(events) == 2
    assert {(event.topic, event.ref, event.key) for event in events} == {(Topic.RETURN, result.ref, result.key)}
    assert at.gateway().status(ref_of(result)).return_code == "R01"


def test_the_same_event_has_the_same_identity(at: Desk) -> None:
    at.charge(at.bank())
    raw, headers = at.webhooks("customer_transfer_created")[0]
    first, again = (at.gateway().parse_webhook(raw, headers, [])[0] for _ in range(2))
    assert first == again
    assert first.id == json.loads(raw)["id"]


def test_news_of_a_bank_account_is_in_the_event(at: Desk) -> None:
    method = at.bank()
    at.gateway().delete_method(method, at.key())
    (verified,) = at.gateway().parse_webhook(*at.webhooks("customer_funding_source_verified")[0], [])
    (removed,) = at.gateway().parse_webhook(*at.webhooks("customer_funding_source_removed")[0], [])
    for event, change in ((verified, "verified"), (removed, "removed")):
        assert event.topic == Topic.METHOD
        assert event.update is not None
        assert (event.update.token, event.update.change, event.update.event) == (method.token, change, event.id)
    assert verified.update is not None
    assert [one.event for one in at.gateway().updates(verified.update.at)][-1] == removed.id


def test_three_wrong_tries_name_the_bank_account_not_its_deposits(at: Desk) -> None:
    method = at.stored()
    at.gateway().start_micro_deposits(method, at.key())
    at.sandbox.do("settle_deposits")
    for _try in range(3):
        at.gateway().confirm_micro_deposits(method, (9, 9), at.key())
    (event,) = at.gateway().parse_webhook(*at.webhooks("customer_microdeposits_maxattempts")[0], [])
    assert event.update is not None
    assert (event.update.change, event.update.token) == ("tries_used_up", method.token)


def test_facts_are_small_and_tell_nothing_of_the_payer(at: Desk) -> None:
    method = at.bank()
    at.charge(method)
    for row in at.sandbox.webhooks.rows:
        headers = {name.lower(): text for name, text in row.headers.items()}
        (event,) = at.gateway().parse_webhook(row.body, headers, [])
        assert set(event.facts) <= {"transfer", "resource", "customer", "account"}
        assert "Ames" not in str(event) and "ada@" not in str(event)


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        ("customer_bank_transfer_failed", Topic.RETURN), ("bank_transfer_creation_failed", Topic.RETURN),
        ("customer_bank_transfer_completed", Topic.TRANSACTION), ("transfer_cancelled", Topic.TRANSACTION),
        ("customer_mass_payment_completed", Topic.TRANSACTION), ("customer_suspended", Topic.METHOD),
        ("customer_funding_source_negative", Topic.METHOD), ("customer_verified", Topic.OTHER),
        ("customer_kba_verification_needed", Topic.OTHER), ("something_new", Topic.OTHER),
    ],
)  # fmt: skip
def test_each_family_of_topics_has_its_place(name: str, topic: Topic) -> None:
    """An unknown topic is kept."""
    resource = {"href": "https://api-sandbox.dwolla.com/transfers/t-1"}
    raw, headers = signed({"id": "e-1", "topic": name, "resourceId": "t-1", "_links": {"resource": resource}})
    (event,) = gateway().parse_webhook(raw, headers, [])
    assert (event.topic, event.name, event.ref, event.update) == (topic, name, resource["href"], None)


def test_an_event_without_its_address_or_time_is_kept() -> None:
    raw, headers = signed({"id": "e-1", "topic": "customer_funding_source_removed"})
    (event,) = gateway().parse_webhook(raw, headers, [])
    assert (event.id, event.update, event.occurred_at) == ("e-1", None, None)


def test_the_platforms_own_bank_accounts_are_no_methods() -> None:
    links = {"resource": {"href": "https://api-sandbox.dwolla.com/funding-sources/f-1"}}
    raw, headers = signed(
        {"id": "e-1", "topic": "funding_source_removed", "_links": links, "created": "2026-03-09T15:00Z"}
    )
    assert gateway().parse_webhook(raw, headers, [])[0].update is None
