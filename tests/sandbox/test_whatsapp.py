"""WhatsApp: templates, the window of 24 hours, statuses that are signed, repeated and out of order."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from tests.sandbox.clock import Clock
from tests.sandbox.server import Server, running
from tests.sandbox.whatsapp import WhatsApp

START = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)
NUMBER = "919812345678"
WORDS = ["Asha", "INR 1,250.00", "piano", "12 Mar 2026", "http://x.in/p/7"]


@pytest.fixture
def house() -> Iterator[tuple[WhatsApp, Server]]:
    app = WhatsApp(Clock(START))
    with running(app) as server:
        yield app, server


def post(server: Server, body: Any, *, token: str = WhatsApp.token, phone: str = WhatsApp.phone_id):
    headers = {"authorization": f"Bearer {token}"}
    return requests.post(f"{server.url}/v20.0/{phone}/messages", json=body, headers=headers, timeout=5)


def template(*words: str, name: str = "payment_reminder", code: str = "en", **extra: Any) -> dict[str, Any]:
    parameters = [{"type": "text", "text": word} for word in words]
    return {
        "messaging_product": "whatsapp", "to": NUMBER, "type": "template",
        "template": {
            "name": name, "language": {"code": code}, "components": [{"type": "body", "parameters": parameters}],
        },
    } | extra  # fmt: skip


def text(body: str = "See you on Monday") -> dict[str, Any]:
    return {"messaging_product": "whatsapp", "to": NUMBER, "type": "text", "text": {"body": body}}


def statuses(app: WhatsApp) -> list[dict[str, Any]]:
    """All statuses queued so far."""
    events = [json.loads(row.body) for row in app.webhooks.rows]
    values = [change["value"] for event in events for entry in event["entry"] for change in entry["changes"]]
    return [status for value in values for status in value.get("statuses", [])]


class TestTemplates:
    def test_a_template_is_accepted_sent_delivered_and_read(self, house) -> None:
        app, server = house
        done = post(server, template(*WORDS, biz_opaque_callback_data="reminder-7")).json()
        assert done["contacts"] == [{"input": NUMBER, "wa_id": NUMBER}]
        message = done["messages"][0]
        assert message["id"].startswith("wamid.") and message["message_status"] == "accepted"
        assert [(row["id"], row["status"]) for row in statuses(app)] == [
            (message["id"], "sent"), (message["id"], "delivered"), (message["id"], "read"),
        ]  # fmt: skip
        assert {row["biz_opaque_callback_data"] for row in statuses(app)} == {"reminder-7"}
        assert app.messages[message["id"]].text.startswith("Dear Asha, INR 1,250.00 for piano")

    @pytest.mark.parametrize("words", [WORDS[:4], [*WORDS, "more"]])
    def test_every_parameter_must_be_given_and_no_other(self, house, words: list[str]) -> None:
        refused = post(house[1], template(*words))
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, 132000)

    @pytest.mark.parametrize(("name", "code"), [("no_such", "en"), ("payment_received", "zh_TW")])
    def test_a_template_exists_in_a_language_or_not_at_all(self, house, name: str, code: str) -> None:
        refused = post(house[1], template("1", "2", name=name, code=code))
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, 132001)

    @pytest.mark.parametrize(
        ("state", "code"), [("PENDING", 132001), ("REJECTED", 132001), ("PAUSED", 132015), ("DISABLED", 132016)]
    )
    def test_only_an_approved_template_is_sent(self, house, state: str, code: int) -> None:
        app, server = house
        app.do("register", template="payment_received", language="en", body="Got {{1}}, {{2}}", state=state)
        assert post(server, template("1", "2", name="payment_received")).json()["error"]["code"] == code
        assert not app.messages

    @pytest.mark.parametrize("word", ["two\nlines", "a\ttab", "five     blanks"])
    def test_a_parameter_stays_on_its_line(self, house, word: str) -> None:
        assert post(house[1], template(word, *WORDS[1:])).json()["error"]["code"] == 132018

    def test_four_blanks_are_allowed(self, house) -> None:
        assert post(house[1], template("four    blanks", *WORDS[1:])).status_code == 200

    def test_they_can_be_listed_by_name(self, house) -> None:
        where = f"{house[1].url}/v20.0/{WhatsApp.account}/message_templates?name=payment_reminder"
        found = requests.get(where, headers={"authorization": f"Bearer {WhatsApp.token}"}, timeout=5).json()["data"]
        assert [(row["language"], row["status"]) for row in found] == [("en", "APPROVED"), ("zh_TW", "APPROVED")]
        assert requests.get(where, timeout=5).json()["error"]["code"] == 190


class TestRequests:
    def test_a_wrong_token_is_refused(self, house) -> None:
        refused = post(house[1], template(*WORDS), token="wrong")
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, 190)

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (template(*WORDS, messaging_product="signal"), 100),
            (template(*WORDS, to=""), 131008),
            (template(*WORDS, to="Asha"), 131009),
            (template(*WORDS, type="image"), 100),
            (template(*WORDS, template="payment_reminder"), 131008),
            (text(""), 131008),
            (text("x" * 4097), 131009),
            ([], 100),
        ],
    )
    def test_what_is_wrong_with_it_is_said_at_once(self, house, body: Any, code: int) -> None:
        app, server = house
        refused = post(server, body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)
        assert not app.messages and not app.webhooks.rows

    def test_another_number_than_ours_is_not_there(self, house) -> None:
        assert post(house[1], template(*WORDS), phone="42").json()["error"]["code"] == 100

    def test_a_throttle_has_its_own_code(self, house) -> None:
        house[0].faults.add("rate_limit")
        assert post(house[1], template(*WORDS)).json()["error"]["code"] == 130429


class TestWindow:
    """Free text reaches a person for 24 hours after they last wrote; else it is accepted and fails."""

    def last_code(self, house) -> int:
        app, server = house
        assert post(server, text()).status_code == 200
        last = statuses(app)[-1]
        return last["errors"][0]["code"] if last["status"] == "failed" else 0

    def test_free_text_to_somebody_who_never_wrote_fails(self, house) -> None:
        assert self.last_code(house) == 131047

    @pytest.mark.parametrize(("seconds", "code"), [(24 * 3600, 0), (24 * 3600 + 1, 131047)])
    def test_it_ends_after_24_hours_to_the_second(self, house, seconds: int, code: int) -> None:
        house[0].do("write", number="+91 98123 45678", text="When is the lesson?")
        house[0].clock.advance(seconds=seconds)
        assert self.last_code(house) == code

    def test_a_template_needs_no_window(self, house) -> None:
        post(house[1], template(*WORDS))
        assert statuses(house[0])[-1]["status"] == "read"

    def test_what_a_person_wrote_is_told(self, house) -> None:
        house[0].do("write", number=NUMBER, text="When is the lesson?")
        value = json.loads(house[0].webhooks.rows[0].body)["entry"][0]["changes"][0]["value"]
        assert (value["messages"][0]["from"], value["messages"][0]["text"]) == (NUMBER, {"body": "When is the lesson?"})


class TestFates:
    @pytest.mark.parametrize(
        ("fate", "told"),
        [("read", ["sent", "delivered", "read"]), ("delivered", ["sent", "delivered"]), ("sent", ["sent"])],
    )
    def test_a_message_goes_as_far_as_was_decided(self, house, fate: str, told: list[str]) -> None:
        house[0].do("decide", number=NUMBER, fate=fate)
        post(house[1], template(*WORDS))
        assert [row["status"] for row in statuses(house[0])] == told

    def test_who_has_no_whatsapp_cannot_be_reached(self, house) -> None:
        house[0].do("decide", number=NUMBER, fate="undeliverable")
        post(house[1], template(*WORDS))
        (row,) = statuses(house[0])
        assert (row["status"], row["errors"][0]["code"]) == ("failed", 131026)
        assert "pricing" not in row

    def test_a_fate_that_does_not_exist_is_refused(self, house) -> None:
        with pytest.raises(KeyError):
            house[0].do("decide", number=NUMBER, fate="lost")


class _Ear(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        knows = asked["hub.verify_token"] == [self.server.knows]  # type: ignore[attr-defined]
        self._answer(200 if knows else 403, asked["hub.challenge"][0] if knows else "")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.heard.append((body, self.headers["x-hub-signature-256"]))  # type: ignore[attr-defined]
        self._answer(self.server.answers, "")  # type: ignore[attr-defined]

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def ear(house) -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), _Ear)
    server.heard, server.knows, server.answers = [], WhatsApp.verify_token, 200
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    house[0].webhooks.url = f"http://127.0.0.1:{server.server_address[1]}/whatsapp/"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class TestWebhooks:
    def test_the_signature_is_the_one_of_the_notes(self) -> None:
        app = WhatsApp(Clock(START))
        app.app_secret = "app-secret"
        body = b'{"event_id":"e-1","event_type":"transaction.sale.success","event_body":{"amount":"300.00"}}'
        assert app.sign(body) == "sha256=b8e82ad8a7f2d6b347f0a074fb307fda49521d9c0bbab5f18d02a57d18cf66a0"

    def test_each_status_is_signed_over_the_very_bytes_sent(self, house, ear) -> None:
        app, server = house
        post(server, template(*WORDS))
        app.clock.advance(seconds=4)
        assert app.webhooks.deliver_due() == 3
        for body, signature in ear.heard:
            expected = hmac.new(WhatsApp.app_secret.encode(), body, hashlib.sha256).hexdigest()
            assert signature == f"sha256={expected}"

    def test_they_come_one_after_another(self, house, ear) -> None:
        app, server = house
        post(server, template(*WORDS))
        came = []
        for _second in range(5):
            came.append(app.webhooks.deliver_due())
            app.clock.advance(seconds=1)
        assert came == [0, 1, 1, 0, 1]

    def test_what_is_not_accepted_is_told_again(self, house, ear) -> None:
        app, server = house
        app.do("decide", number=NUMBER, fate="sent")
        ear.answers = 500
        post(server, template(*WORDS))
        app.clock.advance(seconds=1)
        assert (app.webhooks.deliver_due(), app.webhooks.deliver_due()) == (1, 0)
        ear.answers = 200
        app.clock.advance(seconds=10)
        assert app.webhooks.deliver_due() == 1
        assert len({body for body, _signature in ear.heard}) == 1

    def test_the_address_is_verified_by_the_token_it_knows(self, house, ear) -> None:
        assert house[0].do("verify_webhook") == "verified"
        ear.knows = "another"
        assert house[0].do("verify_webhook") == "not verified: HTTP 403"


def test_messages_templates_and_windows_outlive_a_restart(tmp_path) -> None:
    first = WhatsApp(Clock(START), tmp_path)
    first.do("write", number=NUMBER, text="Hello")
    first.do("register", template="new", language="en", body="Hi {{1}}")
    second = WhatsApp(Clock(START), tmp_path)
    with running(second) as server:
        assert post(server, text()).status_code == 200
        assert post(server, template("Asha", name="new")).status_code == 200
    assert [row["status"] for row in statuses(second)] == ["sent", "delivered", "read"] * 2
