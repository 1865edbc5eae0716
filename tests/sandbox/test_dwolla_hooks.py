"""The Dwolla double's webhooks: signed, subscribed to, repeated by the schedule, replayed; and its client tokens."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import requests

from tests.sandbox.dwolla import Dwolla
from tests.sandbox.dwolla.hooks import signature
from tests.sandbox.dwolla_desk import TIMEOUT, Desk, open_desk

VECTOR = b'{"event_id":"e-1","event_type":"transaction.sale.success","event_body":{"amount":"300.00"}}'


class Merchant:
    """Receives what is posted; answers with `status`."""

    def __init__(self) -> None:
        self.status, self.seen = 200, list[tuple[str, dict[str, str], bytes]]()
        merchant = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                merchant.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(merchant.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def desk() -> Iterator[Desk]:
    with open_desk() as desk:
        yield desk


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    merchant = Merchant()
    yield merchant
    merchant.server.shutdown()
    merchant.server.server_close()


def subscribe(desk: Desk, merchant: Merchant, path: str = "/hook", secret: str = "hush") -> str:
    return desk.make("/webhook-subscriptions", {"url": merchant.url + path, "secret": secret})


class TestSigning:
    def test_the_signature_is_the_vector(self) -> None:
        told = signature("dwolla-secret", VECTOR)
        assert told == "40a022e484024518e1ab2f701ffb30aac360d6351101eb6f284f4688a0eaaf47"

    def test_every_event_is_signed_over_its_bytes_and_names_its_topic(self, desk: Desk, merchant: Merchant) -> None:
        subscribe(desk, merchant)
        ada = desk.customer(correlationId="family-7")
        assert desk.dwolla.webhooks.deliver_due() == 1
        path, headers, body = merchant.seen[0]
        told = json.loads(body)
        assert (path, headers["x-dwolla-topic"]) == ("/hook", "customer_created")
        assert headers["x-request-signature-sha-256"] == signature("hush", body)
        assert (told["topic"], told["resourceId"]) == ("customer_created", ada.rsplit("/", 1)[-1])
        assert told["timestamp"] == told["created"] == "2026-03-02T15:00:00.000Z"
        assert told["_links"]["resource"]["href"] == told["_links"]["customer"]["href"] == ada
        assert desk.get(told["_links"]["self"]["href"])["id"] == told["id"]

    def test_before_anybody_subscribed_the_accounts_own_secret_signs(self, desk: Desk, merchant: Merchant) -> None:
        desk.dwolla.webhooks.url = merchant.url + "/given"
        desk.customer()
        desk.dwolla.webhooks.deliver_due()
        path, headers, body = merchant.seen[0]
        assert path == "/given"
        assert headers["x-request-signature-sha-256"] == signature(Dwolla.webhook_secret, body)

    def test_what_happened_before_the_first_subscription_is_not_told(self, desk: Desk, merchant: Merchant) -> None:
        desk.customer()
        subscribe(desk, merchant)
        assert desk.dwolla.webhooks.deliver_due() == 0
        assert desk.get("/events")["total"] == 1

    def test_events_of_transfers_carry_the_label_and_account_events_no_customer(
        self, desk: Desk, merchant: Merchant
    ) -> None:
        bank = desk.good_bank(desk.customer())
        subscribe(desk, merchant)
        desk.pay(bank, label="att-7")
        desk.dwolla.webhooks.deliver_due()
        told = [json.loads(body) for _path, _headers, body in merchant.seen]
        assert [row["topic"] for row in told] == ["customer_transfer_created", "transfer_created"]
        assert {row["correlationId"] for row in told} == {"att-7"}
        assert [("customer" in row["_links"]) for row in told] == [True, False]


class TestSubscriptions:
    def test_each_has_its_place_and_secret_and_can_be_paused_and_deleted(self, desk: Desk, merchant: Merchant) -> None:
        first, second = subscribe(desk, merchant, "/a", "one"), subscribe(desk, merchant, "/b", "two")
        desk.customer("Ada")
        desk.dwolla.webhooks.deliver_due()
        assert [(p, h["x-request-signature-sha-256"] == signature(s, b)) for (p, h, b), s in
                zip(merchant.seen, ("one", "two"), strict=True)] == [("/a", True), ("/b", True)]  # fmt: skip
        assert desk.ask("POST", first, {"paused": True}).json()["paused"] is True
        assert desk.ask("DELETE", second).status_code == 200
        assert [row["paused"] for row in desk.get("/webhook-subscriptions")["_embedded"]["webhook-subscriptions"]] == [
            True
        ]
        desk.customer("Ben")
        assert desk.dwolla.webhooks.deliver_due() == 0

    def test_ten_are_possible(self, desk: Desk, merchant: Merchant) -> None:
        for _n in range(10):
            subscribe(desk, merchant)
        told = desk.refusal("/webhook-subscriptions", {"url": "http://127.0.0.1:1/", "secret": "s"})
        assert told[:2] == (400, "MaxNumberOfResources")

    def test_a_secret_is_never_told(self, desk: Desk, merchant: Merchant) -> None:
        assert "hush" not in json.dumps(desk.get(subscribe(desk, merchant)))
        assert desk.refusal("/webhook-subscriptions", {})[2] == [("Required", "/url"), ("Required", "/secret")]

    def test_after_400_failures_and_a_day_it_is_paused(self, desk: Desk, merchant: Merchant) -> None:
        where = subscribe(desk, merchant)
        merchant.status = 500
        desk.customer()
        hook = desk.dwolla.webhooks.rows[0]
        for _try in range(399):
            desk.dwolla.webhooks.deliver(hook)
        desk.dwolla.clock.advance(hours=24)
        desk.token = desk.new_token()
        assert desk.get(where)["paused"] is False
        desk.dwolla.webhooks.deliver(hook)
        assert desk.get(where)["paused"] is True


class TestDelivery:
    def test_it_is_repeated_eight_times_by_the_schedule(self, desk: Desk, merchant: Merchant) -> None:
        subscribe(desk, merchant)
        merchant.status = 503
        desk.customer()
        assert desk.dwolla.webhooks.deliver_due() == 1
        for minutes in (15, 45, 120, 180, 360, 720, 1440, 1440):
            desk.dwolla.clock.advance(minutes=minutes, seconds=-1)
            assert desk.dwolla.webhooks.deliver_due() == 0
            desk.dwolla.clock.advance(seconds=1)
            assert desk.dwolla.webhooks.deliver_due() == 1
        desk.dwolla.clock.advance(days=30)
        assert desk.dwolla.webhooks.deliver_due() == 0
        assert desk.dwolla.webhooks.rows[0].gave_up and len(merchant.seen) == 9

    def test_a_webhook_tells_its_attempts_and_can_be_sent_again(self, desk: Desk, merchant: Merchant) -> None:
        where = subscribe(desk, merchant)
        desk.customer()
        desk.dwolla.webhooks.deliver_due()
        hook = desk.get(f"{where}/webhooks")["_embedded"]["webhooks"][0]
        assert [row["response"]["statusCode"] for row in hook["attempts"]] == [200]
        assert desk.dwolla.webhooks.deliver_due() == 0
        desk.make(f"{hook['_links']['self']['href']}/retries")
        assert desk.dwolla.webhooks.deliver_due() == 1
        assert merchant.seen[0][2] == merchant.seen[1][2], "the same event id: to be known again"
        assert len(desk.get(hook["_links"]["self"]["href"])["attempts"]) == 2

    def test_the_history_has_every_event_newest_first(self, desk: Desk) -> None:
        desk.bank(desk.customer())
        rows = desk.get("/events?limit=1")
        assert rows["total"] == 2
        assert rows["_embedded"]["events"][0]["topic"] == "customer_funding_source_added"

    def test_forged_repeated_and_muted_are_for_the_tests_to_ask(self, desk: Desk, merchant: Merchant) -> None:
        subscribe(desk, merchant)
        desk.dwolla.webhooks.repeat = 1
        desk.customer()
        assert desk.dwolla.webhooks.deliver_due() == 2
        desk.dwolla.webhooks.muted = True
        desk.customer()
        assert (desk.dwolla.webhooks.deliver_due(), len(merchant.seen)) == (0, 2)


class TestClientTokens:
    def token(self, desk: Desk, action: str, customer: str) -> str:
        asked = {"action": action, "_links": {"customer": {"href": customer}}}
        told: str = desk.ask("POST", "/client-tokens", asked).json()["token"]
        return told

    def add(self, desk: Desk, customer: str, token: str, number: str = "123456789") -> requests.Response:
        body = {"routingNumber": "222222226", "accountNumber": number, "bankAccountType": "checking", "name": "B"}
        return desk.ask("POST", f"{customer}/funding-sources", body, token=token)

    def test_a_token_adds_one_bank_of_one_customer_and_the_merchant_hears_of_it(
        self, desk: Desk, merchant: Merchant
    ) -> None:
        ada, ben = desk.customer("Ada"), desk.customer("Ben")
        subscribe(desk, merchant)
        token = self.token(desk, "customer.fundingsources.create", ada)
        assert self.add(desk, ben, token).status_code == 403
        added = self.add(desk, ada, token)
        assert added.status_code == 201
        assert self.add(desk, ada, token, "1234").json()["code"] == "ExpiredAccessToken"
        desk.dwolla.webhooks.deliver_due()
        told = json.loads(merchant.seen[0][2])
        assert told["topic"] == "customer_funding_source_added"
        assert told["_links"]["resource"]["href"] == added.headers["location"]

    def test_it_is_good_for_an_hour_and_for_nothing_else(self, desk: Desk) -> None:
        ada = desk.customer()
        token = self.token(desk, "customer.fundingsources.create", ada)
        assert desk.ask("GET", "/customers", token=token).status_code == 403
        desk.dwolla.clock.advance(hours=1)
        desk.token = desk.new_token()
        assert self.add(desk, ada, token).json()["code"] == "ExpiredAccessToken"

    def test_micro_deposits_can_be_started_and_verified_with_one_each(self, desk: Desk) -> None:
        ada = desk.customer()
        bank = desk.bank(ada)
        start = self.token(desk, "customer.microdeposits.create", ada)
        assert desk.ask("POST", f"{bank}/micro-deposits", token=start).status_code == 201
        desk.dwolla.do("settle_deposits")
        pair = {name: {"value": "0.03", "currency": "USD"} for name in ("amount1", "amount2")}
        verify = self.token(desk, "customer.microdeposits.verify", ada)
        assert desk.ask("POST", f"{bank}/micro-deposits", pair, token=verify).status_code == 200
        assert desk.status(bank) == "verified"

    def test_an_unknown_action_and_customer_are_named(self, desk: Desk) -> None:
        told = desk.refusal("/client-tokens", {"action": "customer.everything"})
        assert told[2] == [("Invalid", "/action"), ("Invalid", "/_links/customer/href")]


class TestDropIn:
    def test_the_library_and_its_pages_are_served_to_anybody(self, desk: Desk) -> None:
        library = requests.get(desk.at("/v2.2.0/dwolla-web.js"), timeout=TIMEOUT)
        assert library.headers["content-type"].startswith("text/javascript")
        for name in ("dwolla-funding-source-create", "dwolla-micro-deposits-verify", "window.dwolla"):
            assert name in library.text
        for page in ("funding-source-create", "micro-deposits-verify"):
            told = requests.get(desk.at(f"/drop-ins/{page}"), timeout=TIMEOUT)
            assert told.status_code == 200 and told.text.count("<label>") == told.text.count("</label>") > 1
        assert (
            requests.get(desk.at("/drop-ins/fields.css"), timeout=TIMEOUT)
            .headers["content-type"]
            .startswith("text/css")
        )
        assert requests.get(desk.at("/drop-ins/other"), timeout=TIMEOUT).status_code == 404
