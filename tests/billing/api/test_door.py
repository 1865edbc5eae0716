"""The door itself: methods, media types, sizes, throttle, addresses, description."""

import gzip
import json
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from billing.api import problems
from billing.api.schema import PROBLEM_WORDS
from billing.api.throttling import ClientThrottle
from receipts.api import views
from tests import builders
from tests.billing.api.caller import PAYMENTS, Caller, counts, description, payment
from tests.builders import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def caller() -> Caller:
    return Caller(builders.organization())


def deep(levels: int) -> bytes:
    return b'{"note":' + b"[" * levels + b"]" * levels + b"}"


class TestBody:
    @pytest.mark.parametrize(
        ("raw", "status", "code"),
        [
            (b"", 400, "required"),
            (b"{", 400, "not_json"),
            (b"customer=C1&amount=5", 400, "not_json"),
            (b"[]", 400, "not_an_object"),
            (b'"x"', 400, "not_an_object"),
            (b"null", 400, "not_an_object"),
            (b'{"amount": NaN}', 400, "not_json"),
            (b'{"amount": -Infinity}', 400, "not_json"),
            (b'{"amount": "1", "amount": "2"}', 400, "duplicate_key"),
            (b'{"cheque": {"bank": "a", "bank": "b"}}', 400, "duplicate_key"),
            (b'{"amount": ' + b"9" * 5000 + b"}", 400, "not_json"),
            ('{"payer_name": "Zoë"}'.encode("latin-1"), 400, "not_json"),
            (b'\xef\xbb\xbf{"amount": "1"}', 400, "not_json"),
            (deep(9), 400, "too_deep"),
            (deep(10_000), 400, "too_deep"),
            (b'{"note": "' + b"x" * 300_000 + b'"}', 413, "body_too_large"),
            (b'{"note": "' + b"x" * 5_000_000 + b'"}', 413, "body_too_large"),
        ],
    )
    def test_82_it_is_one_plain_json_object(self, caller: Caller, raw: bytes, status: int, code: str) -> None:
        before = counts()
        got = caller.post(raw)
        assert got.status_code == status
        assert got.json()["code"] == code
        assert counts() == before

    def test_82_a_compressed_body_is_not_unpacked(self, caller: Caller) -> None:
        bomb = gzip.compress(b" " * 10_000_000)
        got = caller.post(bomb, **{"Content-Encoding": "gzip"})
        assert (got.status_code, got.json()["code"]) == (415, "compressed")

    @pytest.mark.parametrize(
        "kind",
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "text/xml",
         "application/json; charset=big5", "application/json; charset=utf-16"],
    )  # fmt: skip
    def test_82_another_media_type_or_charset_is_refused(self, caller: Caller, kind: str) -> None:
        got = caller.post(b'{"a": 1}', **{"Content-Type": kind})
        assert got.status_code == 415

    def test_82_utf8_may_be_said(self, caller: Caller) -> None:
        payer = builders.customer(caller.organization)
        got = caller.post(payment(payer, payer_name="王小明"), **{"Content-Type": "application/json; charset=UTF-8"})
        assert got.status_code == 201

    @pytest.mark.parametrize("where", ["note", "payer_name", "reference", "card_number"])
    @pytest.mark.parametrize("number", ["4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444"])
    def test_51_a_card_number_is_refused_wherever_it_stands(
        self, caller: Caller, where: str, number: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        payer = builders.customer(caller.organization)
        before = counts()
        got = caller.post(payment(payer, **{where: number}))
        assert (got.status_code, got.json()["code"]) == (422, "card_number")
        assert number not in got.content.decode() + caplog.text
        assert counts() == before

    def test_51_a_card_number_sent_as_a_number_or_as_a_name_is_refused_too(self, caller: Caller) -> None:
        payer = builders.customer(caller.organization)
        assert caller.post(payment(payer, pan=4111111111111111)).json()["code"] == "card_number"
        assert caller.post(payment(payer, **{"4111111111111111": "x"})).json()["code"] == "card_number"


class TestMethods:
    @pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT"])
    def test_85_what_is_not_offered_gets_405_with_what_is(self, caller: Caller, method: str) -> None:
        number = builders.pay(builders.customer(caller.organization), "10").payment.number
        before = counts()
        refunds = f"{PAYMENTS}{number}/refunds/"
        for path, allowed in ((PAYMENTS, "GET, HEAD, POST"), (refunds, "GET, HEAD")):
            got = caller.call(method, path, {"status": "Refunded"})
            assert (got.status_code, got.json()["code"]) == (405, "method_not_allowed")
            assert set(got.headers["Allow"].split(", ")) == set(allowed.split(", "))
        assert counts() == before

    @pytest.mark.parametrize("method", ["OPTIONS", "TRACE"])
    def test_85_nor_are_options_and_trace(self, caller: Caller, method: str) -> None:
        assert caller.call(method, PAYMENTS).status_code == 405

    def test_85_a_method_override_is_ignored(self, caller: Caller) -> None:
        number = builders.pay(builders.customer(caller.organization), "10").payment.number
        path = f"{PAYMENTS}{number}/"
        got = caller.call("GET", f"{path}?_method=DELETE", headers={"X-HTTP-Method-Override": "DELETE"})
        assert got.status_code == 200
        assert got.json()["status"] == "Success"

    def test_85_reading_never_takes_a_payment(self, caller: Caller) -> None:
        payer = builders.customer(caller.organization)
        before = counts()
        caller.call("GET", PAYMENTS, payment(payer), headers={"Idempotency-Key": "k"})
        assert counts() == before

    def test_head_answers_like_get_without_a_body(self, caller: Caller) -> None:
        got = caller.http.head(PAYMENTS, headers={"Authorization": f"Bearer {caller.token}"})
        assert (got.status_code, got.content) == (200, b"")


class TestAddresses:
    def test_a_post_that_lacks_the_last_slash_is_not_turned_into_a_get(self, caller: Caller) -> None:
        payer = builders.customer(caller.organization)
        got = caller.http.post(
            "/api/v1/payments", json.dumps(payment(payer)), "application/json",
            headers={"Authorization": f"Bearer {caller.token}", "Idempotency-Key": "k"},
        )  # fmt: skip
        assert got.status_code == 404
        assert got.headers["Content-Type"] == "application/problem+json"
        assert "slash" in got.json()["detail"]

    @pytest.mark.parametrize("path", ["/api/v1/", "/api/v1/nothing/", "/api/v1/payments/1/2/3/"])
    def test_an_unknown_address_is_a_problem_not_a_page(self, path: str) -> None:
        assert Client().get(path).status_code == 404

    def test_answers_are_not_kept_by_anyone_between(self, caller: Caller) -> None:
        assert caller.get("").headers["Cache-Control"] == "no-store"
        assert Client().get(PAYMENTS).headers["Cache-Control"] == "no-store"

    def test_accept_does_not_matter(self, caller: Caller) -> None:
        got = caller.call("GET", PAYMENTS, headers={"Accept": "text/html"})
        assert (got.status_code, got.headers["Content-Type"]) == (200, "application/json")


class TestThrottle:
    def test_86_a_client_that_calls_too_often_waits(self, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ClientThrottle, "rate", "3/min", raising=False)
        other = Caller(caller.organization)
        assert [caller.get("").status_code for _ in range(4)] == [200, 200, 200, 429]
        got = caller.get("")
        assert got.json()["code"] == "throttled"
        assert 0 < int(got.headers["Retry-After"]) <= 61
        assert other.get("").status_code == 200
        with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
            assert caller.get("").status_code == 200


class TestTrouble:
    def test_a_bug_tells_a_reference_and_nothing_else(self, caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*args: object, **kwargs: object) -> None:
            raise ZeroDivisionError("secret detail")

        monkeypatch.setattr(views, "search_payments", broken)
        caller.http.raise_request_exception = False
        got = caller.http.get(PAYMENTS, headers={"Authorization": f"Bearer {caller.token}"})
        assert (got.status_code, got.json()["code"]) == (500, "internal_error")
        assert got.json()["reference"]
        assert b"secret" not in got.content

    def test_every_status_of_the_table_is_described(self) -> None:
        assert set(problems.STATUSES.values()) <= set(PROBLEM_WORDS)

    def test_sentences_come_in_the_language_asked_for(self, caller: Caller) -> None:
        got = caller.call("GET", PAYMENTS, headers={"Accept-Language": "zh-hant", "Authorization": "Bearer no"})
        assert got.status_code == 401
        assert got.headers["Content-Language"] == "zh-hant"


class TestDescription:
    def test_it_is_made_without_a_warning(self, tmp_path) -> None:
        call_command("spectacular", "--validate", "--fail-on-warn", file=str(tmp_path / "schema.yml"))

    def test_it_is_served_to_everyone(self) -> None:
        got = Client().get("/api/v1/schema/", headers={"Accept": "application/json"})
        assert got.status_code == 200
        served = json.loads(got.content)
        assert served["openapi"].startswith("3.")
        assert set(served["paths"]) == set(description()["paths"])

    def test_it_names_the_token_and_the_key(self) -> None:
        assert description()["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
        names = {p["name"]: p["required"] for p in description()["paths"][PAYMENTS]["post"]["parameters"]}
        assert names == {"Idempotency-Key": True}

    def test_its_pages_obey_the_security_policy(self) -> None:
        page = Client().get("/api/v1/docs/")
        assert page.status_code == 200
        text = page.content.decode()
        assert "<style" not in text and "<script>" not in text
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert Client().get("/api/v1/docs/?script=").headers["Content-Type"].startswith("application/javascript")
