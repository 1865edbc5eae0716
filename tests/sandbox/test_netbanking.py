"""The net banking sandbox speaks as its notes say: signed redirect, return, server query."""

import hashlib
import pickle
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests

from tests.sandbox.clock import Clock
from tests.sandbox.netbanking import NetBanking
from tests.sandbox.netbanking.words import request_hash, return_hash
from tests.sandbox.server import Server, running

MORNING = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def digest(*parts: str) -> str:
    """Written out a second time, from the notes."""
    return hashlib.sha512("|".join(parts).encode()).hexdigest()


class Merchant:
    """What a shop does, the shop's page itself excepted."""

    def __init__(self, server: Server) -> None:
        self.url, self.bank = server.url, server.processor
        self.shop = "http://127.0.0.1:9"  # nobody answers there

    def fields(self, txnid: str, amount: str = "10.00", **more: str) -> dict[str, str]:
        udfs = [more.get(f"udf{i}", "") for i in range(1, 6)]
        signed = [NetBanking.KEY, txnid, amount, "Premium", "Asha", "a@b.in", *udfs, *[""] * 5, NetBanking.SALT]
        return {
            "key": NetBanking.KEY, "txnid": txnid, "amount": amount, "productinfo": "Premium", "firstname": "Asha",
            "email": "a@b.in", "phone": "9876543210", "surl": f"{self.shop}/ok", "furl": f"{self.shop}/no",
            "hash": digest(*signed),
        } | more  # fmt: skip

    def go(self, txnid: str, amount: str = "10.00", **more: str) -> requests.Response:
        sent = self.fields(txnid, amount, **more)
        return requests.post(f"{self.url}/_payment", data=sent, timeout=5, allow_redirects=False)

    def press(self, arrived: requests.Response, action: str = "confirm") -> str:
        page = requests.post(arrived.headers["location"], data={"action": action}, timeout=5)
        return page.text

    def pay(self, txnid: str, amount: str = "10.00", action: str = "confirm", **more: str) -> dict[str, str]:
        return hidden(self.press(self.go(txnid, amount, **more), action))

    def ask(self, command: str, var1: str, **more: str) -> dict[str, Any]:
        sent = {
            "key": NetBanking.KEY, "command": command, "var1": var1,
            "hash": digest(NetBanking.KEY, command, var1, NetBanking.SALT),
        } | more  # fmt: skip
        reply = requests.post(f"{self.url}/merchant/postservice.php?form=2", data=sent, timeout=5)
        assert reply.status_code == 200
        found: dict[str, Any] = reply.json()
        return found

    def verify(self, txnid: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("verify_payment", txnid)["transaction_details"][txnid]
        return found

    def refund(self, mihpayid: str, token: str, amount: str) -> dict[str, Any]:
        return self.ask("cancel_refund_transaction", mihpayid, var2=token, var3=amount)


def hidden(page: str) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page)
    return {name: unescape(value) for name, value in found}


def is_signed(fields: dict[str, str]) -> bool:
    extra = [fields["additionalCharges"]] if "additionalCharges" in fields else []
    udfs = [fields[f"udf{i}"] for i in range(5, 0, -1)]
    named = [fields[name] for name in ("email", "firstname", "productinfo", "amount", "txnid", "key")]
    return fields["hash"] == digest(*extra, NetBanking.SALT, fields["status"], *[""] * 5, *udfs, *named)


@pytest.fixture
def merchant() -> Iterator[Merchant]:
    with running(NetBanking(Clock(MORNING))) as server:
        yield Merchant(server)


def test_the_hashes_are_the_vectors_of_the_notes():
    named = {
        "key": "KEY", "txnid": "T1", "amount": "10.00", "productinfo": "Premium", "firstname": "Asha",
        "email": "a@b.in", "status": "success",
    }  # fmt: skip
    assert request_hash(named, "SALT").startswith("e566e55c03fce444c2d79c95c893e789")
    assert return_hash(named, "SALT").startswith("34bcc4222d2adc914f0114066a7bc073")
    with_extra = "5.00|SALT|success||||||||||" + "|a@b.in|Asha|Premium|10.00|T1|KEY"
    wanted = hashlib.sha512(with_extra.encode()).hexdigest()
    assert return_hash(named | {"additionalCharges": "5.00"}, "SALT") == wanted


def test_a_payer_goes_to_the_bank_and_comes_back_signed(merchant):
    arrived = merchant.go("T1", udf1="family <7>", udf5="five")
    assert arrived.status_code == 302
    bank = requests.get(arrived.headers["location"], timeout=5).text
    assert "INR 10.00" in bank and "T1" in bank
    assert merchant.verify("T1")["unmappedstatus"] == "initiated"
    page = merchant.press(arrived)
    fields = hidden(page)
    assert f'action="{merchant.shop}/ok"' in page and ".submit()" in page
    assert is_signed(fields)
    assert [fields[n] for n in ("status", "unmappedstatus", "amount", "net_amount_debit", "mode", "udf1")] == [
        "success", "captured", "10.00", "10.00", "NB", "family <7>",
    ]  # fmt: skip
    row = merchant.verify("T1")
    assert (row["status"], row["amt"], row["mihpayid"]) == ("success", "10.00", fields["mihpayid"])
    assert [(e.minor, e.ref) for e in merchant.bank.ledger.captures("T1")] == [(1000, fields["mihpayid"])]


def test_a_payer_who_declines_comes_back_to_furl_and_may_try_again(merchant):
    page = merchant.press(merchant.go("T1"), "decline")
    fields = hidden(page)
    assert f'action="{merchant.shop}/no"' in page and is_signed(fields)
    assert (fields["status"], fields["unmappedstatus"], fields["net_amount_debit"]) == (
        "failure", "userCancelled", "0.00",
    )  # fmt: skip
    again = merchant.pay("T1")
    assert (again["status"], again["mihpayid"] == fields["mihpayid"]) == ("success", False)
    assert len(merchant.bank.ledger.captures("T1")) == 1


@pytest.mark.parametrize(
    ("amount", "status", "error"),
    [
        ("200.99", "success", "E000"), ("201.00", "failure", "E706"), ("201.01", "success", "E000"),
        ("302.00", "failure", "E9205"), ("402.00", "failure", "E308"), ("102.00", "pending", "E000"),
    ],
)  # fmt: skip
def test_amounts_stand_for_ends(merchant, amount, status, error):
    fields = merchant.pay("T1", amount)
    assert is_signed(fields) and (fields["status"], fields["error"]) == (status, error)
    assert len(merchant.bank.ledger.captures("T1")) == (status == "success")


def test_a_pending_payment_is_decided_later(merchant):
    merchant.pay("T1", "102.00")
    merchant.pay("T2", "102.00")
    assert merchant.verify("T1")["status"] == "pending"
    merchant.bank.do("resolve", txnid="T1", outcome="success")
    merchant.bank.do("resolve", txnid="T2", outcome="failure")
    assert (merchant.verify("T1")["status"], merchant.verify("T2")["status"]) == ("success", "failure")
    assert [e.key for e in merchant.bank.ledger.captures()] == ["T1"]
    assert [row.topic for row in merchant.bank.webhooks.rows] == ["pending", "pending", "success", "failure"]


def test_convenience_is_charged_on_top_and_signed_in_front(merchant):
    merchant.bank.do("charge_extra", amount="5.00")
    fields = merchant.pay("T1")
    assert (fields["additionalCharges"], fields["amount"], fields["net_amount_debit"]) == ("5.00", "10.00", "15.00")
    assert is_signed(fields)
    assert merchant.verify("T1")["additional_charges"] == "5.00"
    assert [e.minor for e in merchant.bank.ledger.captures("T1")] == [1000]
    merchant.bank.do("charge_extra", amount="")
    assert "additionalCharges" not in merchant.pay("T2")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount": "11.00"}, "incorrectly calculated hash"), ({"hash": "0" * 128}, "incorrectly calculated hash"),
        ({"udf5": "forged"}, "incorrectly calculated hash"), ({"key": "OTHER"}, "Invalid merchant key"),
        ({"furl": ""}, "parameter missing: furl"), ({"bankcode": "XXXX"}, "Invalid bankcode"),
    ],
)  # fmt: skip
def test_a_form_that_does_not_hold_is_refused_with_an_error_page(merchant, change, said):
    sent = merchant.fields("T1") | change
    reply = requests.post(f"{merchant.url}/_payment", data=sent, timeout=5, allow_redirects=False)
    assert (reply.status_code, said in reply.text) == (200, True)
    assert merchant.bank.payments == {}


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "1.001", "ten", "1,000.00"])
def test_an_amount_that_is_none_is_refused(merchant, amount):
    assert "Invalid amount" in merchant.go("T1", amount).text


def test_a_txnid_has_at_most_25_characters(merchant):
    assert merchant.go("T" * 25).status_code == 302
    assert "Invalid txnid" in merchant.go("T" * 26).text


def test_a_txnid_is_paid_once(merchant):
    """While the payer is at the bank the same visit goes on."""
    first, second = merchant.go("T1"), merchant.go("T1")
    assert first.headers["location"] == second.headers["location"]
    merchant.press(first)
    assert "duplicate txnid" in merchant.go("T1").text
    assert hidden(merchant.press(first, "decline"))["status"] == "success"
    merchant.pay("T2", "102.00")
    assert "duplicate txnid" in merchant.go("T2", "102.00").text
    assert len(merchant.bank.ledger.captures()) == 1


# Returns that go astray


@pytest.fixture
def shop(merchant: Merchant) -> Iterator[list[dict[str, str]]]:
    """A page that asks the bank about the payment before it answers, as it should."""
    posted: list[dict[str, str]] = []

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            fields = dict(parse_qsl(body, keep_blank_values=True))
            posted.append(fields | {"verified": merchant.verify(fields["txnid"])["status"]})
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    merchant.shop = f"http://127.0.0.1:{server.server_address[1]}"
    yield posted
    server.shutdown()
    server.server_close()


def test_a_return_may_never_come_and_be_posted_late(merchant, shop):
    merchant.bank.do("steer_return", how="never")
    assert hidden(merchant.press(merchant.go("T1"))) == {}
    assert (merchant.verify("T1")["status"], shop) == ("success", [])
    assert [merchant.bank.do("post_return", txnid="T1") for _ in range(2)] == [200, 200]
    assert [(is_signed(f), f["status"], f["verified"]) for f in shop] == [(True, "success", "success")] * 2


def test_a_return_may_come_twice_or_wait_for_a_press(merchant, shop):
    merchant.bank.do("steer_return", how="twice")
    page = merchant.press(merchant.go("T1"))
    assert len(shop) == 1 and hidden(page)["hash"] == shop[0]["hash"] and ".submit()" in page
    merchant.bank.do("steer_return", how="late")
    assert ".submit()" not in merchant.press(merchant.go("T2"))
    assert ".submit()" in merchant.press(merchant.go("T3"))


def test_a_payer_may_pay_without_ever_coming_back(merchant):
    merchant.go("T1")
    assert merchant.bank.do("confirm", txnid="T1") == "success"
    merchant.go("T2")
    assert merchant.bank.do("decline", txnid="T2") == "failure"
    assert merchant.bank.do("post_return", txnid="T2") == 0  # nobody answers at the shop


def test_the_same_fields_come_from_server_to_server(merchant, shop):
    fields = merchant.pay("T1")
    merchant.bank.webhooks.url = merchant.shop
    assert merchant.bank.webhooks.deliver_due() == 1
    assert {name: value for name, value in shop[0].items() if name != "verified"} == fields


# The server's questions


def test_several_are_asked_at_once_and_the_unknown_are_told(merchant):
    merchant.pay("T1")
    found = merchant.ask("verify_payment", "T1|T9")
    assert (found["status"], found["msg"]) == (1, "1 out of 2 Transactions Fetched Successfully")
    assert found["transaction_details"]["T9"] == {"mihpayid": "Not Found", "status": "Not Found"}
    assert merchant.ask("verify_payment", "T9")["status"] == 0


def test_a_question_with_another_key_hash_or_command_is_not_answered(merchant):
    assert merchant.ask("verify_payment", "T1", hash="0") == {"status": 0, "msg": "Invalid Hash."}
    assert merchant.ask("verify_payment", "T1", key="OTHER") == {"status": 0, "msg": "Invalid key."}
    assert merchant.ask("delete_all", "T1") == {"status": 0, "msg": "Invalid command."}


def test_refunds_go_up_to_the_payment_under_a_token_each(merchant):
    merchant.bank.do("charge_extra", amount="5.00")
    payuid = merchant.pay("T1", "100.00")["mihpayid"]
    queued = merchant.refund(payuid, "R1", "60.00")
    assert (queued["status"], queued["error_code"], queued["msg"]) == (1, 102, "Refund Request Queued")
    for token, amount, code in (
        ("R1", "1.00", 106),
        ("R2", "40.01", 105),
        ("R2", "0.00", 105),
        ("R" * 24, "1.00", 124),
    ):
        assert merchant.refund(payuid, token, amount)["error_code"] == code
    assert merchant.refund(payuid, "R2", "40.00")["error_code"] == 102
    assert merchant.refund("403", "R3", "1.00")["error_code"] == 116
    request_id = queued["request_id"]
    shown = merchant.ask("check_action_status", request_id)["transaction_details"][request_id][request_id]
    assert (shown["status"], shown["token"], shown["amt"]) == ("queued", "R1", "60.00")
    merchant.bank.clock.advance(days=1)
    both = merchant.ask("check_action_status", payuid, var2="payuid")["transaction_details"][payuid]
    assert [row["status"] for row in both.values()] == ["success", "success"]
    assert [e.key for e in merchant.bank.ledger.of("refund")] == ["R1", "R2"]
    assert merchant.ask("check_action_status", "1")["status"] == 0


def test_only_what_was_captured_is_refunded(merchant):
    pending = merchant.pay("T1", "102.00")["mihpayid"]
    assert merchant.refund(pending, "R1", "1.00")["error_code"] == 111
    paid = merchant.pay("T2")["mihpayid"]
    merchant.bank.do("charge_back", txnid="T2")
    assert merchant.refund(paid, "R1", "1.00")["error_code"] == 113


def test_a_day_is_paid_out_the_day_after_and_adds_up_to_the_ledger(merchant):
    merchant.bank.fee_minor, merchant.bank.tax_minor = 100, 18
    first = merchant.pay("T1", "100.00")["mihpayid"]
    merchant.pay("T2", "50.00")
    merchant.pay("T3", "20.00")
    merchant.bank.do("charge_back", txnid="T3")
    merchant.refund(first, "R1", "30.00")
    merchant.bank.clock.advance(hours=14, minutes=29)  # 23:59 in India
    assert merchant.ask("get_settlement_details", "2026-03-03")["status"] == 0
    assert merchant.verify("T1")["Settled_At"] == "0000-00-00 00:00:00"
    merchant.bank.clock.advance(minutes=1)
    rows = merchant.ask("get_settlement_details", "2026-03-03")["Txn_details"]
    assert [(r["txnid"], r["requestaction"], r["mer_net_amount"]) for r in rows] == [
        ("T1", "capture", "98.82"), ("T2", "capture", "48.82"), ("T3", "capture", "18.82"),
        ("T3", "chargeback", "-20.00"),
    ]  # fmt: skip
    utr = rows[0]["mer_utr"]
    assert (merchant.verify("T1")["Merchant_UTR"], merchant.verify("T1")["Settled_At"][:10]) == (utr, "2026-03-03")
    assert [e.minor for e in merchant.bank.ledger.of("payout", key=utr)] == [14646]
    assert merchant.bank.ledger.held("INR") == 0
    merchant.pay("T4", "40.00")
    merchant.bank.clock.advance(days=1)
    rows = merchant.ask("get_settlement_details", "2026-03-04")["Txn_details"]
    assert [(r["txnid"], r["requestaction"], r["mer_net_amount"]) for r in rows] == [
        ("T4", "capture", "38.82"), ("T1", "refund", "-30.00"),
    ]  # fmt: skip
    assert merchant.bank.ledger.held("INR") == 0


def test_what_a_day_owes_is_carried_to_the_next_payout(merchant):
    payuid = merchant.pay("T1")["mihpayid"]
    merchant.bank.clock.advance(days=1)
    merchant.refund(payuid, "R1", "10.00")
    merchant.bank.clock.advance(days=2)
    merchant.pay("T2", "15.00")
    merchant.bank.clock.advance(days=1)
    merchant.bank.do("catch_up")
    assert [e.minor for e in merchant.bank.ledger.of("payout")] == [1000, 500]
    assert merchant.bank.ledger.held("INR") == 0


# Faults, memory


def test_a_payment_whose_page_was_lost_is_found_by_the_server(merchant):
    arrived = merchant.go("T1")
    merchant.bank.faults.add("drop_after", path="/nb/")
    with pytest.raises(requests.ConnectionError):
        merchant.press(arrived)
    assert merchant.verify("T1")["status"] == "success"


def test_queries_may_be_blind_rate_limited_or_lie(merchant):
    merchant.bank.faults.add("blind", seconds=60, times=None)
    merchant.go("T1")
    assert merchant.verify("T1")["status"] == "Not Found"
    merchant.bank.clock.advance(seconds=60)
    merchant.bank.do("confirm", txnid="T1")
    assert merchant.verify("T1")["unmappedstatus"] == "initiated"
    merchant.bank.faults.clear()
    merchant.bank.faults.add("lie_amount")
    assert merchant.verify("T1")["amt"] != "10.00"
    assert merchant.verify("T1")["amt"] == "10.00"
    merchant.bank.faults.add("rate_limit", path="postservice")
    assert requests.post(f"{merchant.url}/merchant/postservice.php", timeout=5).status_code == 429


def test_its_memory_is_kept_without_hashes_or_keys(tmp_path):
    bank = NetBanking(Clock(MORNING), keep_in=tmp_path)
    with running(bank) as server:
        merchant = Merchant(server)
        sent = merchant.fields("T1")
        merchant.pay("T1")
    kept = (tmp_path / "netbanking.pickle").read_bytes()
    assert sent["hash"].encode() not in kept and NetBanking.SALT.encode() not in kept
    again = NetBanking(bank.clock, keep_in=tmp_path)
    assert pickle.dumps(again.payments) == pickle.dumps(bank.payments)
    assert len(again.ledger.captures("T1")) == 1
