"""Dwolla's own client, `dwollav2` 2.3.0, drives the double: what it takes for Dwolla, the product may too."""

from collections.abc import Iterator
from typing import Any

import dwollav2  # type: ignore[import-untyped, unused-ignore]
import pytest

from tests.sandbox.clock import Clock
from tests.sandbox.dwolla import Dwolla
from tests.sandbox.dwolla_desk import MONDAY
from tests.sandbox.server import Server, running


@pytest.fixture
def server() -> Iterator[Server]:
    with running(Dwolla(Clock(MONDAY))) as server:
        yield server


@pytest.fixture
def client(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    there = {"auth_url": f"{server.url}/auth", "token_url": f"{server.url}/token", "api_url": server.url}
    monkeypatch.setattr(dwollav2.Client, "ENVIRONMENTS", {"sandbox": there})
    client = dwollav2.Client(key=Dwolla.key, secret=Dwolla.secret, environment="sandbox", requests={"timeout": 5})
    yield client
    client._session.close()


@pytest.fixture
def token(client: Any) -> Iterator[Any]:
    token = client.Auth.client()
    yield token
    token._session.close()


@pytest.fixture
def bank(token: Any) -> str:
    ada = token.post("customers", {"firstName": "Ada", "lastName": "Ames", "email": "ada@example.org"})
    asked = {"plaidToken": "processor-sandbox-1", "bankAccountType": "checking", "name": "Ada's"}
    address: str = token.post(f"{ada.headers['location']}/funding-sources", asked).headers["location"]
    return address


def transfer(token: Any, bank: str, value: str = "12.34") -> dict[str, Any]:
    account = token.get("/").body["_links"]["account"]["href"]
    own = token.get(f"{account}/funding-sources").body["_embedded"]["funding-sources"]
    ours = next(row for row in own if row["type"] == "bank")["_links"]["self"]["href"]
    return {
        "_links": {"source": {"href": bank}, "destination": {"href": ours}},
        "amount": {"currency": "USD", "value": value}, "correlationId": "pay-1",
    }  # fmt: skip


def test_it_is_granted_a_token(token: Any) -> None:
    assert token.access_token and token.expires_in == 3600


def test_wrong_credentials_are_its_access_denied(server: Server, client: Any) -> None:
    client.secret = "no"
    with pytest.raises(dwollav2.AccessDeniedError):
        client.Auth.client()


def test_an_expired_token_is_its_own_kind_of_error(server: Server, token: Any) -> None:
    server.processor.do("expire_tokens")
    with pytest.raises(dwollav2.ExpiredAccessTokenError):
        token.get("/")


def test_a_payer_is_made_read_and_found(token: Any, bank: str) -> None:
    found = token.get("customers", email="ada@example.org").body
    ada = found["_embedded"]["customers"][0]
    assert (found["total"], ada["firstName"]) == (1, "Ada")
    assert token.get(ada["_links"]["self"]["href"]).body["id"] == ada["id"]
    assert token.get(bank).body["status"] == "verified"


def test_a_transfer_is_made_once_and_goes_through(server: Server, token: Any, bank: str) -> None:
    body = transfer(token, bank)
    first, again = (token.post("transfers", body, {"Idempotency-Key": "K1"}) for _try in range(2))
    assert first.status == again.status == 201 and first.body == ""
    assert first.headers["location"] == again.headers["location"]
    assert len(server.processor.ledger.captures("pay-1")) == 1
    assert token.get(first.headers["location"]).body["status"] == "pending"
    assert token.post("sandbox-simulations").body["total"] == 1
    assert token.get(first.headers["location"]).body["status"] == "processed"
    with pytest.raises(dwollav2.ConflictError):
        token.post("transfers", transfer(token, bank, "1.00"), {"Idempotency-Key": "K1"})


def test_a_return_is_read_as_a_failure(server: Server, token: Any, bank: str) -> None:
    made = token.post("transfers", transfer(token, bank)).headers["location"]
    server.processor.do("return_transfer", code="R10")
    failure = token.get(token.get(made).body["_links"]["failure"]["href"]).body
    assert failure["code"] == "R10"
    assert token.get(failure["_links"]["customer"]["href"]).body["status"] == "suspended"


def test_micro_deposits_are_started_and_verified(server: Server, token: Any, bank: str) -> None:
    ada = token.get(bank).body["_links"]["customer"]["href"]
    asked = {"routingNumber": "222222226", "accountNumber": "1234", "bankAccountType": "savings", "name": "Second"}
    second = token.post(f"{ada}/funding-sources", asked).headers["location"]
    path = token.post(f"{second}/micro-deposits").headers["location"]
    pair = {name: {"value": "0.03", "currency": "USD"} for name in ("amount1", "amount2")}
    assert token.post(path, pair).status == 202
    server.processor.do("settle_deposits")
    assert token.post(path, pair).status == 200
    assert token.get(second).body["status"] == "verified"
    with pytest.raises(dwollav2.InvalidResourceStateError):
        token.post(path, pair)


def test_a_duplicate_bank_is_told_with_its_address(token: Any, bank: str) -> None:
    ada = token.get(bank).body["_links"]["customer"]["href"]
    asked = {"plaidToken": "processor-sandbox-1", "bankAccountType": "checking", "name": "Again"}
    with pytest.raises(dwollav2.Error) as told:
        token.post(f"{ada}/funding-sources", asked)
    assert (told.value.status, told.value.body["code"]) == (400, "DuplicateResource")
    assert told.value.body["_links"]["about"]["href"] == bank


def test_errors_are_its_typed_errors(server: Server, token: Any, bank: str) -> None:
    with pytest.raises(dwollav2.ValidationError) as told:
        token.post("transfers", transfer(token, bank, "20000.00"))
    assert told.value.body["_embedded"]["errors"][0]["path"] == "/amount/value"
    with pytest.raises(dwollav2.NotFoundError):
        token.get("transfers/none")
    server.processor.faults.add("rate_limit")
    with pytest.raises(dwollav2.TooManyRequestsError):
        token.get("/")
    with pytest.raises(dwollav2.InvalidVersionError):
        token.get("/", headers={"accept": "application/json"})


def test_webhook_subscriptions_are_made_listed_paused_and_deleted(token: Any) -> None:
    made = token.post("webhook-subscriptions", {"url": "http://127.0.0.1:1/hook", "secret": "hush"})
    address = made.headers["location"]
    assert token.get("webhook-subscriptions").body["total"] == 1
    assert token.post(address, {"paused": True}).body["paused"] is True
    assert token.delete(address).status == 200
    assert token.get("webhook-subscriptions").body["total"] == 0


def test_a_client_token_is_made(token: Any, bank: str) -> None:
    asked = {
        "action": "customer.fundingsources.create",
        "_links": {"customer": token.get(bank).body["_links"]["customer"]},
    }
    assert token.post("client-tokens", asked).body["token"]
