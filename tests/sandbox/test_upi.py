"""The UPI sandbox keeps the contract that its package documents."""

import hashlib
import hmac
import json
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests

from tests.sandbox.clock import Clock
from tests.sandbox.server import Server, running
from tests.sandbox.upi import UpiPsp
from tests.sandbox.upi.words import CODES, LATE

HALF_PAST_NINE = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # in India, where peak hours start at ten
AUTH = (UpiPsp.KEY_ID, UpiPsp.KEY_SECRET)


class Client:
    def __init__(self, server: Server) -> None:
        self.url, self.psp = server.url, server.processor

    def call(self, method: str, path: str, auth: Any = AUTH, **sent: Any) -> tuple[int, dict[str, Any]]:
        body, query = (sent, None) if method == "POST" else (None, sent)
        reply = requests.request(method, self.url + path, auth=auth, timeout=5, json=body, params=query)
        return reply.status_code, reply.json()

    def order(self, tr: str, amount: str = "1250.00", kind: str = "collect", vpa: str = "asha.rao@okbank", **more: Any):
        if kind == "collect":
            more["vpa"] = vpa
        return self.call("POST", "/v1/orders", tr=tr, kind=kind, amount=amount, currency="INR", **more)

    def status(self, tr: str) -> tuple[str, str | None]:
        found = self.call("GET", f"/v1/orders/{tr}")[1]
        return found["status"], found["code"]

    def mandate(self, ref: str = "M1", vpa: str = "asha.rao@okbank", max_amount: str = "20000.00") -> dict[str, Any]:
        code, made = self.call(
            "POST", "/v1/mandates", mandate_ref=ref, vpa=vpa, max_amount=max_amount, currency="INR",
            frequency="MONTHLY", start_on="2026-03-02", end_on="2027-03-01", note="School fees",
        )  # fmt: skip
        assert code == 201
        return made

    def notify(self, notice: str, amount: str = "500.00", hours: float = 24, ref: str = "M1"):
        at = (self.psp.clock.now() + timedelta(hours=hours)).isoformat()
        path = f"/v1/mandates/{ref}/notifications"
        return self.call("POST", path, notification_ref=notice, amount=amount, debit_at=at)

    def execute(self, tr: str, notice: str | None = "N1", amount: str = "500.00", ref: str = "M1"):
        named = {"notification_ref": notice} if notice else {}
        return self.call("POST", f"/v1/mandates/{ref}/executions", tr=tr, amount=amount, **named)


@pytest.fixture
def client() -> Iterator[Client]:
    with running(UpiPsp(Clock(HALF_PAST_NINE))) as server:
        yield Client(server)


def refused(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


# Addresses and orders


def test_a_wrong_secret_is_refused_and_nothing_is_made(client):
    assert refused(client.call("POST", "/v1/orders", auth=("psp_test_school", "no"), tr="A1")) == (401, "unauthorized")
    assert refused(client.call("GET", "/v1/orders/A1", auth=None)) == (401, "unauthorized")


def test_an_address_is_told_with_its_holder_or_as_unknown(client):
    assert client.call("POST", "/v1/vpa/validate", vpa="asha.rao@okbank")[1]["name"] == "ASHA RAO"
    for unknown in ("nobody@okbank", "asha@nobank"):
        found = client.call("POST", "/v1/vpa/validate", vpa=unknown)[1]
        assert (found["valid"], found["code"], found["name"]) == (False, "ZH", None)
    for malformed in ("a@okbank", "asha", "asha@o", "as ha@okbank", "asha@ok1"):
        status, body = client.call("POST", "/v1/vpa/validate", vpa=malformed)
        assert (status, body["error"]["field"]) == (400, "vpa")


def test_a_collect_request_waits_until_its_payer_pays(client):
    status, made = client.order("A1", note="INV-1")
    assert (status, made["status"], made["code"], made["payer_vpa"]) == (201, "PENDING", "01", "as***@okbank")
    client.psp.do("pay", tr="A1")
    found = client.call("GET", "/v1/orders/A1")[1]
    assert (found["status"], found["code"], len(found["rrn"]), len(found["txn_id"])) == ("SUCCESS", "00", 12, 35)
    assert [(e.minor, e.ref) for e in client.psp.ledger.captures("A1")] == [(125000, found["txn_id"])]


def test_an_intent_names_our_reference_once_and_the_payer_by_its_scan(client):
    uri = client.order("A1", kind="qr", note="Invoice INV 1")[1]["uri"]
    found = {name: values[0] for name, values in parse_qs(urlsplit(uri).query).items()}
    assert uri.startswith("upi://pay?pa=school@okbank&") and "+" not in uri
    assert found == {
        "pa": "school@okbank", "pn": "Sandbox School", "tr": "A1", "tn": "Invoice INV 1", "am": "1250.00",
        "cu": "INR", "mc": "8299",
    }  # fmt: skip
    client.psp.do("pay", tr="A1", vpa="ben@okbank")
    assert client.call("GET", "/v1/orders/A1")[1]["payer_vpa"] == "be***@okbank"


def test_a_reference_is_taken_once_whatever_is_asked_the_second_time(client):
    client.order("A1")
    for amount, kind in (("1250.00", "collect"), ("1.00", "qr")):
        status, body = client.order("A1", amount=amount, kind=kind)
        assert (status, body["error"]["code"], body["error"]["upi_code"]) == (409, "duplicate_tr", "U01")
    client.psp.do("pay", tr="A1")
    assert refused(client.order("A1")) == (409, "duplicate_tr")
    assert len(client.psp.ledger.captures()) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", "0.00"), ("amount", "10"), ("amount", "10.5"), ("amount", "-1.00"), ("amount", 10),
        ("currency", "USD"), ("kind", "card"), ("tr", "A 1"), ("tr", "A" * 36), ("expires_in", 59),
        ("expires_in", 3_888_001), ("expires_in", "60"), ("note", "n" * 51), ("vpa", None),
    ],
)  # fmt: skip
def test_a_malformed_order_names_its_field(client, field, value):
    sent = {"tr": "A1", "kind": "collect", "amount": "10.00", "currency": "INR", "vpa": "asha@okbank"} | {field: value}
    status, body = client.call("POST", "/v1/orders", **sent)
    assert (status, body["error"]["code"], body["error"]["field"]) == (400, "invalid_request", field)
    assert client.psp.orders == {}


def test_a_body_that_is_no_json_object_is_malformed(client):
    for body in (b"{", b"[]", b'"text"'):
        reply = requests.post(client.url + "/v1/orders", data=body, auth=AUTH, timeout=5)
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request")


def test_a_request_expires_at_its_second_and_cannot_be_paid_then(client):
    client.order("A1", vpa="asha@never", expires_in=60)
    client.psp.clock.advance(seconds=59)
    assert client.status("A1") == ("PENDING", "01")
    client.psp.clock.advance(seconds=1)
    assert client.status("A1") == ("EXPIRED", "U69")
    with pytest.raises(Exception, match="EXPIRED"):
        client.psp.do("pay", tr="A1")


def test_an_automatic_payer_pays_after_two_seconds(client):
    client.order("A1", vpa="asha@auto")
    assert client.status("A1") == ("PENDING", "01")
    client.psp.clock.advance(seconds=2)
    assert client.status("A1") == ("SUCCESS", "00")


def test_only_a_waiting_order_can_be_cancelled(client):
    client.order("A1")
    assert client.call("POST", "/v1/orders/A1/cancel")[1]["status"] == "CANCELLED"
    assert refused(client.call("POST", "/v1/orders/A1/cancel")) == (409, "not_cancellable")
    client.order("A2")
    client.psp.do("pay", tr="A2")
    assert refused(client.call("POST", "/v1/orders/A2/cancel")) == (409, "not_cancellable")
    assert refused(client.call("POST", "/v1/orders/A3/cancel")) == (404, "not_found")


def test_collect_can_be_withdrawn_while_intents_go_on(client):
    client.psp.do("disable_collect")
    assert refused(client.order("A1")) == (403, "collect_disabled")
    assert client.order("A2", kind="intent")[0] == 201
    client.psp.do("enable_collect")
    assert client.order("A3")[0] == 201
    assert refused(client.order("A4", vpa="nobody@okbank")) == (422, "invalid_vpa")


# Outcomes


@pytest.mark.parametrize("code", sorted(set(CODES) - set(LATE) - {"00", "01"}))
def test_every_code_can_be_had_by_the_payers_address(client, code):
    client.order("A1", vpa=f"ben.{code.lower()}@okbank")
    client.psp.do("pay", tr="A1")
    assert client.status("A1") == ("FAILURE", code)
    assert list(client.psp.ledger.of()) == []


@pytest.mark.parametrize(
    ("amount", "status", "code"),
    [
        ("200.99", "SUCCESS", "00"), ("201.00", "FAILURE", "Z9"), ("201.01", "SUCCESS", "00"),
        ("204.00", "FAILURE", "ZM"), ("302.00", "FAILURE", "ZA"), ("402.00", "FAILURE", "YC"),
        ("408.00", "PENDING", "UT"), ("504.00", "PENDING", "BT"), ("502.00", "DEEMED", "RB"),
    ],
)  # fmt: skip
def test_amounts_stand_for_outcomes(client, amount, status, code):
    client.order("A1", amount=amount, kind="intent")
    client.psp.do("pay", tr="A1")
    assert client.status("A1") == (status, code)


@pytest.mark.parametrize(("code", "end"), sorted((code, row) for code, row in LATE.items()))
def test_an_outcome_that_is_not_known_is_known_later(client, code, end):
    shown, becomes, seconds, moved = end
    client.order("A1", vpa=f"{code.lower()}@okbank")
    client.psp.do("pay", tr="A1")
    assert client.status("A1") == (shown, code)
    assert len(client.psp.ledger.captures("A1")) == moved
    client.psp.clock.advance(seconds=seconds - 1)
    assert client.status("A1") == (shown, code)
    client.psp.clock.advance(seconds=1)
    assert client.status("A1") == (becomes, "00" if becomes == "SUCCESS" else "21")
    assert len(client.psp.ledger.captures("A1")) == (becomes == "SUCCESS")


def test_an_open_outcome_can_be_decided_and_a_final_one_cannot(client):
    client.order("A1", vpa="ut@okbank")
    client.psp.do("pay", tr="A1")
    client.psp.do("resolve", tr="A1", outcome="FAILURE")
    assert client.status("A1") == ("FAILURE", "21")
    assert (client.psp.ledger.captures("A1"), client.psp.ledger.held("INR")) == ([], 0)
    with pytest.raises(Exception, match="FAILURE"):
        client.psp.do("resolve", tr="A1", outcome="SUCCESS")


def test_a_request_lost_after_it_was_done_is_found_by_its_reference(client):
    client.psp.faults.add("drop_after", path="/v1/orders")
    with pytest.raises(requests.ConnectionError):
        client.order("A1")
    assert client.status("A1") == ("PENDING", "01")
    client.psp.faults.add("drop_before", path="/v1/orders")
    with pytest.raises(requests.ConnectionError):
        client.order("A2")
    assert refused(client.call("GET", "/v1/orders/A2")) == (404, "not_found")


def test_queries_may_be_blind_to_what_is_young(client):
    client.psp.faults.add("blind", seconds=30, times=None)
    client.order("A1", vpa="ben@okbank")
    assert refused(client.call("GET", "/v1/orders/A1")) == (404, "not_found")
    client.psp.clock.advance(seconds=30)
    client.psp.do("pay", tr="A1")
    assert client.status("A1") == ("PENDING", "01")
    client.psp.clock.advance(seconds=30)
    assert client.status("A1") == ("SUCCESS", "00")


def test_faults_speak_the_words_of_the_psp(client):
    client.psp.faults.add("rate_limit")
    client.psp.faults.add("expired")
    assert refused(client.order("A1")) == (429, "too_many_requests")
    assert refused(client.order("A1")) == (401, "unauthorized")
    client.psp.faults.add("lie_amount")
    assert client.order("A1")[1]["amount"] != "1250.00"
    assert client.call("GET", "/v1/orders/A1")[1]["amount"] == "1250.00"


# Refunds, settlement


def paid(client: Client, tr: str, amount: str = "1000.00") -> None:
    client.order(tr, amount=amount)
    client.psp.do("pay", tr=tr)


def refund(client: Client, tr: str, refund_id: str, amount: str):
    return client.call("POST", f"/v1/orders/{tr}/refunds", refund_id=refund_id, amount=amount)


def test_refunds_go_up_to_the_payment_and_no_further(client):
    paid(client, "A1")
    assert refund(client, "A1", "R1", "600.00")[1]["status"] == "PENDING"
    assert refused(refund(client, "A1", "R1", "1.00")) == (409, "duplicate_refund")
    assert refused(refund(client, "A1", "R2", "400.01")) == (422, "refund_exceeds")
    assert refund(client, "A1", "R2", "400.00")[0] == 201
    client.psp.clock.advance(minutes=1)
    assert [client.call("GET", f"/v1/refunds/{r}")[1]["status"] for r in ("R1", "R2")] == ["SUCCESS", "SUCCESS"]
    assert client.psp.ledger.held("INR") == 0


def test_a_refund_that_fails_may_be_tried_again(client):
    paid(client, "A1", "204.01")
    refund(client, "A1", "R1", "204.00")
    client.psp.clock.advance(minutes=1)
    assert client.call("GET", "/v1/refunds/R1")[1]["code"] == "ZY"
    assert refund(client, "A1", "R2", "204.01")[0] == 201


def test_what_was_not_paid_is_not_refunded(client):
    client.order("A1")
    assert refused(refund(client, "A1", "R1", "1.00")) == (409, "not_refundable")
    paid(client, "A2")
    client.psp.do("charge_back", tr="A2")
    assert refused(refund(client, "A2", "R1", "1.00")) == (409, "not_refundable")


def test_a_day_is_settled_when_it_is_over_and_adds_up_to_the_ledger(client):
    client.psp.fee_minor = 250
    for tr, amount in (("A1", "1000.00"), ("A2", "300.00"), ("A3", "50.00")):
        paid(client, tr, amount)
    refund(client, "A1", "R1", "100.00")
    client.psp.clock.advance(minutes=1)
    client.psp.do("charge_back", tr="A3")
    client.psp.clock.advance(hours=14, minutes=28)  # 23:59 in India
    assert refused(client.call("GET", "/v1/settlements", day="2026-03-02")) == (404, "not_ready")
    client.psp.clock.advance(minutes=1)
    found = client.call("GET", "/v1/settlements", day="2026-03-02")[1]
    sums = [found[name] for name in ("gross", "refunds", "chargebacks", "fees", "carried", "net")]
    assert sums == ["1350.00", "100.00", "50.00", "7.50", "0.00", "1192.50"]
    assert [(i["type"], i["tr"], i["refund_id"]) for i in found["items"]] == [
        ("payment", "A1", None), ("payment", "A2", None), ("payment", "A3", None), ("refund", "A1", "R1"),
        ("chargeback", "A3", None),
    ]  # fmt: skip
    assert [e.minor for e in client.psp.ledger.of("payout", key=found["utr"])] == [119250]
    assert client.psp.ledger.held("INR") == 0


def test_what_a_day_owes_is_carried_to_the_next(client):
    paid(client, "A1", "100.00")
    client.psp.do("settle")
    refund(client, "A1", "R1", "100.00")
    client.psp.clock.advance(minutes=1)
    assert client.psp.do("settle") == "-100.00"
    paid(client, "A2", "150.00")
    assert client.psp.do("settle") == "50.00"
    assert [e.minor for e in client.psp.ledger.of("payout")] == [10000, 5000]


# Mandates


@pytest.fixture
def agreed(client: Client) -> Client:
    """A mandate whose five minutes for the first debit are over."""
    client.mandate()
    client.psp.do("approve_mandate", mandate_ref="M1")
    client.psp.clock.advance(minutes=6)
    return client


def later(client: Client, **how_far: float) -> None:
    client.psp.clock.advance(**how_far)


def test_a_mandate_gets_its_number_when_its_payer_approves(client):
    made = client.mandate()
    assert (made["status"], made["umn"], made["uri"][:15]) == ("PENDING", None, "upi://mandate?p")
    client.psp.do("approve_mandate", mandate_ref="M1")
    found = client.call("GET", "/v1/mandates/M1")[1]
    assert (found["status"], len(found["umn"])) == ("ACTIVE", 36)
    client.mandate("M2")
    client.psp.do("decline_mandate", mandate_ref="M2")
    assert client.call("GET", "/v1/mandates/M2")[1]["status"] == "REJECTED"
    client.mandate("M3", vpa="asha@auto")
    assert client.call("GET", "/v1/mandates/M3")[1]["status"] == "ACTIVE"
    client.mandate("M4", vpa="asha@never")
    later(client, days=1)
    assert client.call("GET", "/v1/mandates/M4")[1]["status"] == "EXPIRED"


@pytest.mark.parametrize(("hours", "is_taken"), [(23.999, False), (24, True), (48, True), (48.001, False)])
def test_notice_is_given_24_to_48_hours_before(agreed, hours, is_taken):
    answer = agreed.notify("N1", hours=hours)
    assert answer[0] == 201 if is_taken else refused(answer) == (422, "notice_window")


def test_the_debit_equals_its_notice_and_does_not_come_before(agreed):
    agreed.notify("N1", "500.00")
    status, body = agreed.execute("E0")
    assert (status, body["error"]["code"]) == (422, "too_early")
    assert body["error"]["next_allowed_at"] == "2026-03-03T04:06:00+00:00"
    later(agreed, hours=24)
    assert refused(agreed.execute("E0", amount="499.99")) == (422, "amount_differs")
    status, order = agreed.execute("E1")
    assert (status, order["status"], order["try"], order["kind"]) == (201, "SUCCESS", 1, "mandate")
    assert refused(agreed.execute("E2")) == (409, "already_honoured")
    assert refused(agreed.execute("E1")) == (409, "duplicate_tr")
    assert refused(agreed.execute("E2", "N9")) == (404, "not_found")
    assert len(agreed.psp.ledger.captures()) == 1


def test_a_notice_lapses_72_hours_after_the_announced_debit(agreed):
    agreed.notify("N1")
    agreed.notify("N2")
    later(agreed, hours=24 + 72)
    assert agreed.execute("E1")[0] == 201
    later(agreed, seconds=1)
    assert refused(agreed.execute("E2", "N2")) == (422, "notice_lapsed")


def test_only_the_first_debit_within_five_minutes_needs_no_notice(client):
    for ref, minutes, expected in (("M1", 5, 201), ("M2", 5.01, 422)):
        client.mandate(ref)
        client.psp.do("approve_mandate", mandate_ref=ref)
        later(client, minutes=minutes)
        assert client.execute(f"E-{ref}", None, ref=ref)[0] == expected
        assert refused(client.execute(f"F-{ref}", None, ref=ref)) == (422, "notice_needed")


def test_nothing_is_debited_above_what_was_agreed(agreed):
    assert refused(agreed.notify("N1", "20000.01")) == (422, "above_max")
    assert agreed.notify("N1", "20000.00")[0] == 201


@pytest.mark.parametrize(("amount", "status"), [("15000.00", "SUCCESS"), ("15000.01", "PENDING")])
def test_above_fifteen_thousand_the_payer_enters_the_pin(agreed, amount, status):
    agreed.notify("N1", amount)
    later(agreed, hours=24)
    assert agreed.execute("E1", amount=amount)[1]["status"] == status
    if status == "PENDING":
        assert refused(agreed.execute("E2", amount=amount)) == (409, "execution_open")
        agreed.psp.do("pay", tr="E1")
    assert agreed.status("E1") == ("SUCCESS", "00")


@pytest.mark.parametrize(
    ("minutes", "allowed"),
    [(23, None), (24, "07:30"), (203, "07:30"), (204, None), (443, None), (444, "16:00"), (713, "16:00"), (714, None)],
)
def test_peak_hours_name_the_next_allowed_time(agreed, minutes, allowed):
    """10:00 to 13:00 and 17:00 to 21:30 in India; the debit is announced for 09:36."""
    agreed.notify("N1")
    later(agreed, hours=24, minutes=minutes)
    status, body = agreed.execute("E1")
    if allowed is None:
        assert status == 201
    else:
        assert (status, body["error"]["code"]) == (422, "blackout")
        assert body["error"]["next_allowed_at"] == f"2026-03-03T{allowed}:00+00:00"
        assert agreed.call("GET", "/v1/mandates/M1/notifications/N1")[1]["tries_left"] == 10


def test_the_tenth_failure_revokes_the_mandate_and_the_ninth_does_not(client):
    client.mandate(vpa="asha.z9@okbank")
    client.psp.do("approve_mandate", mandate_ref="M1")
    client.notify("N1")
    later(client, hours=24)
    for i in range(9):
        assert client.execute(f"E{i}")[1]["code"] == "Z9"
    assert client.call("GET", "/v1/mandates/M1")[1]["status"] == "ACTIVE"
    client.execute("E9")
    found = client.call("GET", "/v1/mandates/M1")[1]
    assert (found["status"], found["code"]) == ("REVOKED", "VA")
    assert client.execute("E10")[1]["error"]["upi_code"] == "VA"


def test_a_debit_that_is_not_known_keeps_the_next_one_out(client):
    client.mandate(vpa="ut@okbank")
    client.psp.do("approve_mandate", mandate_ref="M1")
    assert client.execute("E1", None)[1]["code"] == "UT"
    assert client.execute("E2", None)[1]["error"]["upi_code"] == "VS"
    later(client, minutes=10)
    assert client.status("E1") == ("SUCCESS", "00")


def test_a_payer_may_pause_resume_and_revoke(agreed):
    agreed.notify("N1")
    later(agreed, hours=24)
    agreed.psp.do("pause_mandate", mandate_ref="M1")
    status, body = agreed.execute("E1")
    assert (status, body["error"]["code"], body["error"]["upi_code"]) == (409, "mandate_not_active", "VT")
    assert agreed.notify("N2")[1]["error"]["upi_code"] == "VT"
    agreed.psp.do("resume_mandate", mandate_ref="M1")
    assert agreed.execute("E1")[1]["status"] == "SUCCESS"
    agreed.psp.do("revoke_mandate", mandate_ref="M1")
    assert agreed.notify("N2")[1]["error"]["upi_code"] == "VA"
    assert refused(agreed.call("POST", "/v1/mandates/M1/revoke")) == (409, "mandate_not_active")


def test_a_mandate_ends_with_its_last_day(agreed):
    later(agreed, days=363)
    agreed.psp.do("settle", day="2027-02-28")
    assert agreed.call("GET", "/v1/mandates/M1")[1]["status"] == "ACTIVE"
    agreed.psp.do("settle", day="2027-03-01")
    assert agreed.notify("N1")[1]["error"]["upi_code"] == "VU"


# The payer's page


def test_a_payer_pays_declines_or_mistypes_on_the_page(client):
    for tr, sent, expected in (
        ("A1", {"action": "approve", "pin": "1234", "vpa": "ben@okbank"}, ("SUCCESS", "00")),
        ("A2", {"action": "decline"}, ("FAILURE", "ZA")),
        ("A3", {"action": "approve", "pin": "0000", "vpa": "ben@okbank"}, ("FAILURE", "ZM")),
        ("A4", {"action": "approve", "pin": "1234", "vpa": "nobody@okbank"}, ("PENDING", "01")),
    ):
        client.order(tr, kind="intent", note="<b>")
        page = requests.get(f"{client.url}/payer/{tr}", timeout=5).text
        assert "1250.00" in page and "<b>" not in page
        requests.post(f"{client.url}/payer/{tr}", data=sent, timeout=5)
        assert client.status(tr) == expected


def test_a_mandate_is_approved_on_the_page(client):
    client.mandate()
    for action, status in (("approve", "ACTIVE"), ("pause", "PAUSED"), ("resume", "ACTIVE"), ("revoke", "REVOKED")):
        assert requests.post(f"{client.url}/payer/mandates/M1", data={"action": action}, timeout=5).ok
        assert client.call("GET", "/v1/mandates/M1")[1]["status"] == status


# Webhooks, memory


def test_a_webhook_signature_is_the_vector_of_the_contract():
    psp = UpiPsp(Clock(HALF_PAST_NINE))
    wanted = "11a85c5a84bed1fe0c58ce267c009384a9e3401d51f7444b72144452fec327d9"
    assert psp.signature("1700000000", b'{"event_id":"e-1"}') == wanted


HEARD: list[tuple[dict[str, str], bytes]] = []


class _Hears(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        HEARD.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_events_come_signed_and_time_itself_is_told(client):
    HEARD.clear()
    merchant = HTTPServer(("127.0.0.1", 0), _Hears)
    Thread(target=merchant.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    client.psp.webhooks.url = f"http://127.0.0.1:{merchant.server_address[1]}/hook"
    paid(client, "A1")
    client.order("A2", vpa="ut@okbank")
    client.psp.do("pay", tr="A2")
    client.psp.webhooks.deliver_due()
    later(client, minutes=10)
    client.psp.webhooks.deliver_due()
    merchant.shutdown()
    merchant.server_close()
    events = []
    for headers, body in HEARD:
        signed = headers["x-psp-timestamp"].encode() + b"." + body
        wanted = hmac.new(UpiPsp.WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert headers["x-psp-signature"] == wanted
        events.append((json.loads(body)["event"], json.loads(body)["data"]["tr"]))
    assert events == [("order.success", "A1"), ("order.unknown", "A2"), ("order.success", "A2")]


def test_every_turn_of_a_mandate_is_told(agreed):
    for name in ("pause_mandate", "resume_mandate", "revoke_mandate"):
        agreed.psp.do(name, mandate_ref="M1")
    topics = [row.topic for row in agreed.psp.webhooks.rows]
    assert topics == ["mandate.active", "mandate.paused", "mandate.resumed", "mandate.revoked"]


def test_its_memory_is_kept_and_holds_no_whole_address(tmp_path):
    psp = UpiPsp(Clock(HALF_PAST_NINE), keep_in=tmp_path)
    with running(psp) as server:
        client = Client(server)
        client.order("A1", vpa="asha.rao@okbank")
        client.order("A2", kind="qr")
        psp.do("pay", tr="A2", vpa="asha.rao@okbank")
        client.mandate(vpa="asha.rao@okbank")
    assert b"asha.rao@" not in (tmp_path / "upi.pickle").read_bytes()
    assert b"asha.rao@" not in pickle.dumps([row.body for row in psp.webhooks.rows])
    again = UpiPsp(psp.clock, keep_in=tmp_path)
    assert (again.orders["A2"].status, len(again.ledger.captures("A2"))) == ("SUCCESS", 1)
    assert unquote(again.mandates["M1"].uri).startswith("upi://mandate?pa=school@okbank")
