"""The SMS house: what it accepts, what DLT stops, what it reports. Texts never leave this machine."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest
import requests

from tests.sandbox.clock import Clock
from tests.sandbox.server import Server, running
from tests.sandbox.sms import Sms

REMINDER = "Dear Asha, INR 1,250.00 for piano is due on 12 Mar 2026. Please pay at http://x.in/p/7 - QUITNC"
TEMPLATE = "1107000000000000001"
START = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)


@pytest.fixture
def house() -> Iterator[tuple[Sms, Server]]:
    sms = Sms(Clock(START))
    with running(sms) as server:
        yield sms, server


def send(server: Server, *, suffix: str = ".json", auth: tuple[str, str] | None = None, **form: Any):
    fields = {"From": "QUITNC", "To": "+919812345678", "Body": REMINDER, "DltEntityId": Sms.entity}
    fields |= {"DltTemplateId": TEMPLATE} | form
    return requests.post(
        f"{server.url}/v1/Accounts/{Sms.account}/Sms/send{suffix}",
        data=fields, auth=auth or (Sms.api_key, Sms.api_token), timeout=5,
    )  # fmt: skip


def look(server: Server, sid: str):
    where = f"{server.url}/v1/Accounts/{Sms.account}/SMS/Messages/{sid}.json"
    return requests.get(where, auth=(Sms.api_key, Sms.api_token), timeout=5)


def ending(sms: Sms, server: Server, **form: Any) -> tuple[str, str]:
    """Send, wait for what becomes of it: status and detailed status."""
    sid = send(server, **form).json()["SMSMessage"]["Sid"]
    sms.clock.advance(seconds=3)
    found = look(server, sid).json()["SMSMessage"]
    return found["Status"], found["DetailedStatus"]


class TestSending:
    def test_a_message_is_queued_and_delivered_three_seconds_later(self, house) -> None:
        sms, server = house
        sent = send(server).json()["SMSMessage"]
        assert (sent["Status"], sent["DateCreated"]) == ("queued", "2026-03-09 11:30:00")  # the clock of India
        sms.clock.advance(seconds=2.9)
        assert look(server, sent["Sid"]).json()["SMSMessage"]["Status"] == "queued"
        sms.clock.advance(seconds=0.1)
        found = look(server, sent["Sid"]).json()["SMSMessage"]
        assert (found["Status"], found["DetailedStatusCode"]) == ("sent", "20005")

    def test_without_json_in_the_address_it_answers_in_xml(self, house) -> None:
        _sms, server = house
        done = send(server, suffix="", Body=REMINDER.replace("piano", "piano & harp"))
        assert done.headers["content-type"] == "application/xml"
        tree = ElementTree.fromstring(done.content)
        assert tree.tag == "TwilioResponse"
        assert tree.findtext("SMSMessage/Status") == "queued"
        assert "piano & harp" in (tree.findtext("SMSMessage/Body") or "")

    @pytest.mark.parametrize("auth", [("wrong", Sms.api_token), (Sms.api_key, "wrong")])
    def test_wrong_credentials_are_refused(self, house, auth: tuple[str, str]) -> None:
        _sms, server = house
        refused = send(server, auth=auth)
        assert (refused.status_code, refused.json()["RestException"]["Status"]) == (401, 401)

    @pytest.mark.parametrize(
        ("form", "said"),
        [
            ({"To": ""}, "Mandatory Parameter missing: To"),
            ({"Body": ""}, "Mandatory Parameter missing: Body"),
            ({"To": "not a number"}, "Invalid parameter: To"),
            ({"Body": "x" * 2001}, "Body exceeds 2000 characters"),
            ({"From": "NOBODY"}, "No valid Sender ID found for this account"),
            ({"StatusCallback": "https://example.org/report"}, "Invalid parameter: StatusCallback"),
        ],
    )
    def test_what_is_wrong_with_the_request_is_said_at_once(self, house, form: dict[str, Any], said: str) -> None:
        sms, server = house
        refused = send(server, **form)
        assert (refused.status_code, refused.json()["RestException"]["Message"]) == (400, said)
        assert not sms.messages

    def test_more_than_two_hundred_a_minute_are_too_many(self, house) -> None:
        sms, server = house
        for _each in range(200):
            assert send(server).status_code == 200
        assert send(server).status_code == 429
        sms.clock.advance(seconds=60)
        assert send(server).status_code == 200

    def test_the_same_message_twice_is_two_messages(self, house) -> None:
        sms, server = house
        assert send(server).json()["SMSMessage"]["Sid"] != send(server).json()["SMSMessage"]["Sid"]
        assert len(sms.messages) == 2

    @pytest.mark.parametrize(
        ("letters", "units"),
        [("x" * 160, "1"), ("x" * 161, "2"), ("x" * 307, "3"), ("न" * 70, "1"), ("न" * 71, "2"), ("न" * 135, "3")],
    )
    def test_a_long_text_is_several_units(self, house, letters: str, units: str) -> None:
        _sms, server = house
        assert send(server, Body=letters).json()["SMSMessage"]["SmsUnits"] == units


class TestDlt:
    """Accepted first, stopped by the operator afterwards."""

    @pytest.mark.parametrize(
        ("form", "word"),
        [
            ({"DltEntityId": "1101000000000099999"}, "DLT_ENTITY_NOT_FOUND"),
            ({"From": "SCHOOL"}, "SENDER_BLOCKED_BY_DLT"),
            ({"DltTemplateId": "1107000000000000404"}, "DLT_TEMPLATE_NOT_FOUND"),
            ({"Body": REMINDER.replace("Dear", "Hello")}, "DLT_TEMPLATE_DOES_NOT_MATCH"),
            ({"Body": REMINDER + " "}, "DLT_TEMPLATE_DOES_NOT_MATCH"),
            ({"Body": REMINDER.replace("Asha", "A" * 31)}, "DLT_LENGTH_EXCEEDED"),
            ({"DltTemplateId": "", "Body": "Something else"}, "DLT_TEMPLATE_NOT_FOUND"),
        ],
    )
    def test_what_is_not_registered_is_not_delivered(self, house, form: dict[str, Any], word: str) -> None:
        assert ending(*house, **form) == ("failed", word)

    def test_a_variable_may_have_thirty_letters(self, house) -> None:
        body = REMINDER.replace("Asha", "A" * 30)
        assert ending(*house, Body=body) == ("sent", "DELIVERED_TO_HANDSET")

    def test_a_template_that_is_not_named_is_found_by_its_text(self, house) -> None:
        assert ending(*house, DltTemplateId="") == ("sent", "DELIVERED_TO_HANDSET")

    @pytest.mark.parametrize("state", ["inactive", "blacklisted"])
    def test_a_template_that_was_stopped_delivers_no_more(self, house, state: str) -> None:
        house[0].do("set_state", template=TEMPLATE, state=state)
        assert ending(*house) == ("failed", f"DLT_TEMPLATE_ID_{state.upper()}")

    def test_a_template_registered_for_another_sender_does_not_fit(self, house) -> None:
        house[0].do("register", template=TEMPLATE, header="SCHOOL", text="Dear {#var#}")
        assert ending(*house, Body="Dear Asha") == ("failed", "SENDER_BLOCKED_BY_DLT")

    @pytest.mark.parametrize("to", ["+886912345678", "+14155550100"])
    def test_abroad_nobody_asks_for_templates(self, house, to: str) -> None:
        assert ending(*house, To=to, Body="Anything") == ("sent", "DELIVERED_TO_HANDSET")

    @pytest.mark.parametrize("to", ["9812345678", "09812345678", "919812345678", "+919812345678"])
    def test_every_way_to_write_an_indian_number_is_seen(self, house, to: str) -> None:
        assert ending(*house, To=to, Body="Anything") == ("failed", "DLT_TEMPLATE_DOES_NOT_MATCH")


class TestFates:
    @pytest.mark.parametrize(
        ("fate", "ends"),
        [
            ("operator", ("sent", "DELIVERED_TO_OPERATOR")),
            ("invalid_number", ("failed", "FAILED_INVALID_NUMBER")),
            ("unavailable", ("failed", "FAILED_SUBSCRIBER_UNAVAILABLE")),
            ("operator_error", ("failed", "FAILED_OPERATOR_ERROR")),
        ],
    )
    def test_a_number_has_the_fate_that_was_decided(self, house, fate: str, ends: tuple[str, str]) -> None:
        house[0].do("decide", number="98123 45678", fate=fate)
        assert ending(*house) == ends
        assert ending(*house, To="+919800000001") == ("sent", "DELIVERED_TO_HANDSET")

    def test_the_do_not_disturb_register_keeps_only_advertisements_away(self, house) -> None:
        house[0].do("decide", number="9812345678", fate="do_not_disturb")
        assert ending(*house, SmsType="promotional") == ("failed_dnd", "FAILED_DND")
        assert ending(*house, SmsType="transactional") == ("sent", "DELIVERED_TO_HANDSET")

    def test_a_fate_or_state_that_does_not_exist_changes_nothing(self, house) -> None:
        sms, server = house
        with pytest.raises(KeyError):
            sms.do("decide", number="9812345678", fate="lost")
        with pytest.raises(KeyError):
            sms.do("set_state", template=TEMPLATE, state="lost")
        assert ending(sms, server) == ("sent", "DELIVERED_TO_HANDSET")


class _Ear(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        heard = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.heard.append({key: values[0] for key, values in parse_qs(heard).items()})  # type: ignore[attr-defined]
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def ear() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Ear)
    server.heard = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class TestReports:
    def test_a_report_goes_to_the_address_of_its_message_and_not_before_it_is_known(self, house, ear) -> None:
        sms, server = house
        callback = f"http://127.0.0.1:{ear.server_address[1]}/reports/secret"
        sid = send(server, StatusCallback=callback, CustomField="reminder-7").json()["SMSMessage"]["Sid"]
        send(server)  # asks for no report
        assert sms.webhooks.deliver_due() == 0
        sms.clock.advance(seconds=3)
        assert sms.webhooks.deliver_due() == 1
        assert ear.heard == [
            {
                "SmsSid": sid, "To": "+919812345678", "Status": "sent", "SmsUnits": "1",
                "DetailedStatus": "DELIVERED_TO_HANDSET", "DetailedStatusCode": "20005",
                "DateSent": "2026-03-09 11:30:03", "CustomField": "reminder-7",
            }
        ]  # fmt: skip

    def test_a_report_is_not_signed(self, house, ear) -> None:
        sms, server = house
        send(server, StatusCallback=f"http://127.0.0.1:{ear.server_address[1]}/")
        assert set(sms.webhooks.rows[0].headers) == {"content-type"}


class TestLosingTheAnswer:
    def test_a_message_whose_answer_was_lost_was_sent_all_the_same(self, house) -> None:
        sms, server = house
        sms.faults.add("drop_after", path="/Sms/send")
        with pytest.raises(requests.ConnectionError):
            send(server)
        assert [message.to for message in sms.messages.values()] == ["+919812345678"]

    def test_a_blind_look_up_finds_only_what_is_old_enough(self, house) -> None:
        sms, server = house
        sid = send(server).json()["SMSMessage"]["Sid"]
        sms.faults.add("blind", seconds=30)
        sms.clock.advance(seconds=29.9)
        assert look(server, sid).status_code == 404
        sms.clock.advance(seconds=0.1)
        assert look(server, sid).status_code == 200


def test_messages_and_templates_outlive_a_restart(tmp_path) -> None:
    first = Sms(Clock(START), tmp_path)
    with running(first) as server:
        sid = send(server).json()["SMSMessage"]["Sid"]
    first.do("set_state", template=TEMPLATE, state="inactive")
    second = Sms(Clock(START + timedelta(minutes=1)), tmp_path)
    with running(second) as server:
        assert look(server, sid).json()["SMSMessage"]["Status"] == "sent"
    assert second.templates[TEMPLATE].state == "inactive"
