"""The sponsor bank keeps the contract that its package documents."""

import base64
import pickle
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.sandbox.clock import Clock
from tests.sandbox.nach import SponsorBank
from tests.sandbox.server import Server, running

EIGHT = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)  # in India, two hours before the cut-off
AUTH = (SponsorBank.UTILITY_CODE, SponsorBank.PASSWORD)
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0 a form").decode()
MARCH = date(2026, 3, 2)


class School:
    """What a biller does."""

    def __init__(self, server: Server) -> None:
        self.url, self.bank = server.url, server.processor

    def call(self, method: str, path: str, auth: Any = AUTH, **sent: Any) -> tuple[int, dict[str, Any]]:
        body, query = (sent, None) if method == "POST" else (None, sent)
        reply = requests.request(method, self.url + path, auth=auth, timeout=5, json=body, params=query)
        return reply.status_code, reply.json()

    def register(self, ref: str = "M1", last4: str = "1234", **more: Any) -> tuple[int, dict[str, Any]]:
        debtor = {"name": "Asha Rao", "account_no": f"50100{last4}", "account_type": "SB", "ifsc": "HDFC0001234"}
        sent = {
            "message_ref": ref, "channel": "ENACH", "auth_mode": "NETBANKING", "debtor": debtor, "amount_type": "MAX",
            "amount": "5000.00", "sequence_type": "RCUR", "frequency": "ADHO", "first_on": "2026-03-01",
            "last_on": "2027-02-28",
        }  # fmt: skip
        return self.call("POST", "/mandates", **(sent | more))

    def active(self, ref: str = "M1", last4: str = "1234", **more: Any) -> str:
        assert self.register(ref, last4, **more)[0] == 201
        umrn: str = self.bank.do("activate", umrn=ref)
        return umrn

    def mandate(self, ref: str = "M1") -> dict[str, Any]:
        return self.call("GET", f"/mandates/{ref}")[1]

    def put(self, file_ref: str, text: str) -> tuple[int, dict[str, Any]]:
        reply = requests.put(f"{self.url}/presentations/{file_ref}", data=text, auth=AUTH, timeout=5)
        return reply.status_code, reply.json()

    def present(self, file_ref: str, *items: tuple[str, int, str], day: date = MARCH, flavour: str = "NACH"):
        return self.put(file_ref, self.file(file_ref, *items, day=day, flavour=flavour))

    def file(self, file_ref: str, *items: tuple[str, int, str], day: date = MARCH, flavour: str = "NACH") -> str:
        """items: UMRN, paise, reference."""
        sums = f"{len(items)}|{sum(item[1] for item in items)}"
        lines = [f"D|{i}|{umrn}|{paise}|{ref}|School fees" for i, (umrn, paise, ref) in enumerate(items, start=1)]
        head = f"H|{SponsorBank.UTILITY_CODE}|{file_ref}|{day:%Y%m%d}|{flavour}|{sums}"
        return "\n".join([head, *lines, f"T|{sums}"]) + "\n"

    def evening(self, days: int = 0) -> None:
        """Go on to 18:00 in India, today or so many days later."""
        now = self.bank.clock.now()
        due = datetime(now.year, now.month, now.day, 12, 30, tzinfo=UTC) + timedelta(days=days)
        self.bank.clock.advance(seconds=(due - now).total_seconds())

    def morning(self, days: int = 1) -> None:
        """Go on to 08:00 in India, so many days later."""
        now = self.bank.clock.now()
        due = datetime(now.year, now.month, now.day, 2, 30, tzinfo=UTC) + timedelta(days=days)
        self.bank.clock.advance(seconds=(due - now).total_seconds())

    def result(self, name: str) -> list[list[str]]:
        reply = requests.get(f"{self.url}/results/{name}", auth=AUTH, timeout=5)
        assert reply.status_code == 200, reply.text
        return [line.split("|") for line in reply.text.splitlines()]

    def item(self, ref: str) -> tuple[str, str | None]:
        found = self.call("GET", f"/items/{ref}")[1]
        return found["status"], found["code"]

    def debit(self, umrn: str, ref: str = "I1", paise: int = 10000, day: date = MARCH) -> tuple[str, str | None]:
        """Present one item that is due on the clock's day, and wait for the evening."""
        assert self.present(f"F-{ref}", (umrn, paise, ref), day=day)[0] == 201
        self.evening()
        return self.item(ref)


@pytest.fixture
def school() -> Iterator[School]:
    with running(SponsorBank(Clock(EIGHT))) as server:
        yield School(server)


def refused(answer: tuple[int, dict[str, Any]]) -> tuple[int, str]:
    return answer[0], answer[1]["error"]["code"]


# Mandates


def test_a_wrong_password_is_refused(school):
    assert refused(school.call("GET", "/mandates/M1", auth=("x", "y"))) == (401, "unauthorized")


def test_an_electronic_mandate_waits_for_its_debtor_and_is_active_next_morning(school):
    made = school.register()[1]
    assert (made["status"], made["umrn"], made["debtor"]["account_last4"]) == ("PENDING", None, "1234")
    page = requests.get(made["auth_url"], timeout=5).text
    assert "INR 5000.00" in page and "501001234" not in page
    requests.post(made["auth_url"], data={"action": "authenticate"}, timeout=5)
    found = school.mandate()
    assert (found["status"], len(found["umrn"]), found["auth_url"]) == ("REGISTERED", 20, None)
    school.bank.clock.advance(hours=24, minutes=59)  # 08:59 in India
    assert school.mandate()["status"] == "REGISTERED"
    school.bank.clock.advance(minutes=1)
    assert school.mandate(found["umrn"])["status"] == "ACTIVE"


def test_a_test_debit_of_one_rupee_is_given_back_after_four_days(school):
    school.active()
    assert (school.mandate()["test_debit"]["amount"], school.mandate()["test_debit"]["refunded_at"]) == ("1.00", None)
    school.bank.clock.advance(days=4)
    assert school.mandate()["test_debit"]["refunded_at"] is not None
    assert [(e.minor, e.note) for e in school.bank.ledger.of("verify", key="M1")] == [
        (100, "test debit"), (100, "test debit given back"),
    ]  # fmt: skip
    school.active("M2", auth_mode="AADHAAR")
    assert school.mandate("M2")["test_debit"] is None


def test_aadhaar_is_active_at_once(school):
    school.register(auth_mode="AADHAAR")
    assert school.bank.do("authenticate", message_ref="M1") == "ACTIVE"


@pytest.mark.parametrize(
    ("day", "amount", "is_asked"),
    [
        ("2026-06-30", "50000.01", False), ("2026-07-01", "50000.00", False), ("2026-07-01", "50000.01", True),
    ],
)  # fmt: skip
def test_above_fifty_thousand_aadhaar_asks_twice_from_july_2026(school, day, amount, is_asked):
    school.bank.clock.advance(days=(date.fromisoformat(day) - MARCH).days)
    url = school.register(auth_mode="AADHAAR", amount=amount, last_on=None)[1]["auth_url"]
    assert ("Second OTP" in requests.get(url, timeout=5).text) == is_asked
    requests.post(url, data={"action": "authenticate"}, timeout=5)
    assert school.mandate()["status"] == ("PENDING" if is_asked else "ACTIVE")
    requests.post(url, data={"action": "authenticate", "second_otp": "123456"}, timeout=5)
    assert school.mandate()["status"] == "ACTIVE"


def test_paper_is_registered_next_morning_and_active_on_the_fifth(school):
    school.register(channel="PAPER", image=JPEG)
    for hours, status in ((24, "PENDING"), (1, "REGISTERED"), (95, "REGISTERED"), (1, "ACTIVE")):
        school.bank.clock.advance(hours=hours)
        assert school.mandate()["status"] == status


def test_a_debtor_may_decline_or_never_answer(school):
    school.register("M1")
    school.register("M2")
    school.bank.do("decline", message_ref="M1")
    assert (school.mandate("M1")["status"], school.mandate("M1")["code"]) == ("REJECTED", "RJ04")
    school.bank.clock.advance(days=7)
    assert (school.mandate("M2")["status"], school.mandate("M2")["code"]) == ("REJECTED", "RJ05")


def test_an_account_stands_for_a_rejected_registration(school):
    school.register(last4="9501", auth_mode="AADHAAR")
    assert school.bank.do("authenticate", message_ref="M1") == "REJECTED"
    assert school.mandate()["code"] == "RJ01"
    school.register("M2")
    school.bank.do("reject", message_ref="M2", code="RJ03")
    assert school.mandate("M2")["message"] == "Drawer's name differs"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message_ref", "M 1"), ("channel", "FAX"), ("auth_mode", None), ("amount", "0.00"), ("amount", "10"),
        ("amount_type", "ANY"), ("frequency", "DAIL"), ("first_on", "2026-02-30"), ("last_on", "2026-02-28"),
        ("debit_day", 29), ("debit_day", 0), ("replaces", "SBOX7000000000000099"), ("sequence_type", "X"),
    ],
)  # fmt: skip
def test_a_malformed_mandate_names_its_field(school, field, value):
    status, body = school.register(**{field: value})
    assert (status, body["error"]["code"], body["error"]["field"]) == (400, "invalid_request", field)
    assert school.bank.mandates == {}


@pytest.mark.parametrize("image", [None, "no base64!", base64.b64encode(b"%PDF").decode()])
def test_paper_needs_an_image(school, image):
    assert school.register(channel="PAPER", image=image)[1]["error"]["field"] == "image"


def test_a_message_is_taken_once(school):
    school.register()
    assert refused(school.register()) == (409, "duplicate_message")


def test_an_amendment_is_in_force_next_morning(school):
    umrn = school.active()
    path = f"/mandates/{umrn}/amend"
    status, found = school.call("POST", path, amend_ref="A1", amount="200.00", debit_day=7, account_no="502009904")
    assert (status, found["amending"], found["amount"], found["umrn"]) == (202, True, "5000.00", umrn)
    assert refused(school.call("POST", path, amend_ref="A2", amount="1.00")) == (409, "amending")
    assert school.debit(umrn, "I1", 20001) == ("ACCEPTED", "0")
    school.bank.clock.advance(hours=15)
    found = school.mandate()
    assert (found["amending"], found["amount"], found["debit_day"]) == (False, "200.00", 7)
    assert (found["debtor"]["account_last4"], found["umrn"]) == ("9904", umrn)
    assert refused(school.call("POST", path, amend_ref="A1", amount="1.00")) == (409, "duplicate_message")
    assert school.call("POST", path, amend_ref="A3")[0] == 400


def test_another_bank_needs_a_new_mandate_which_ends_the_old_one(school):
    old = school.active()
    change = school.call("POST", f"/mandates/{old}/amend", amend_ref="A1", ifsc="ICIC0001234")
    assert refused(change) == (422, "new_mandate_needed")
    assert school.call("POST", f"/mandates/{old}/amend", amend_ref="A1", ifsc="HDFC0009999")[0] == 202
    school.register("M2", replaces=old)
    assert school.mandate(old)["status"] == "ACTIVE"
    school.bank.do("activate", umrn="M2")
    assert (school.mandate(old)["status"], school.mandate(old)["code"]) == ("CANCELLED", "replaced")


def test_only_what_lives_can_be_cancelled_or_amended(school):
    umrn = school.active()
    assert school.call("POST", f"/mandates/{umrn}/cancel", reason="left")[1]["status"] == "CANCELLED"
    assert refused(school.call("POST", f"/mandates/{umrn}/cancel")) == (409, "not_active")
    assert refused(school.call("POST", f"/mandates/{umrn}/amend", amend_ref="A1", amount="1.00")) == (409, "not_active")


def test_a_mandate_expires_after_its_last_day(school):
    school.active(last_on="2026-03-02")
    school.bank.clock.advance(hours=15, minutes=59)  # 23:59 in India
    assert school.mandate()["status"] == "ACTIVE"
    school.bank.clock.advance(minutes=1)
    assert school.mandate()["status"] == "EXPIRED"


def test_changes_are_listed_since_an_instant(school):
    school.active("M1")
    school.bank.clock.advance(hours=1)
    school.active("M2")
    since = school.bank.clock.now().isoformat()
    school.bank.clock.advance(hours=1)
    school.bank.do("cancel", umrn=school.mandate("M1")["umrn"])
    found = school.call("GET", "/mandates", changed_since=since)[1]["mandates"]
    assert [(m["message_ref"], m["status"]) for m in found] == [("M2", "ACTIVE"), ("M1", "CANCELLED")]
    assert school.call("GET", "/mandates", changed_since="yesterday")[0] == 400


# Presentation files


def test_a_file_is_taken_before_ten_and_not_at_ten(school):
    umrn = school.active()
    school.bank.clock.advance(hours=1, minutes=59)
    assert school.present("F1", (umrn, 10000, "I1"))[0] == 201
    school.bank.clock.advance(minutes=1)
    assert refused(school.present("F2", (umrn, 10000, "I2"))) == (422, "cut_off_passed")
    assert school.present("F3", (umrn, 10000, "I3"), day=MARCH + timedelta(days=7))[0] == 201
    assert refused(school.present("F4", (umrn, 10000, "I4"), day=MARCH + timedelta(days=8))) == (422, "too_far_ahead")


def test_the_same_file_is_the_same_and_another_under_its_name_is_refused(school):
    umrn = school.active()
    status, first = school.present("F1", (umrn, 10000, "I1"))
    assert (status, first["items"], first["total"], first["status"]) == (201, 1, "100.00", "RECEIVED")
    assert school.present("F1", (umrn, 10000, "I1")) == (200, first)
    assert refused(school.present("F1", (umrn, 10001, "I1"))) == (409, "file_exists")
    school.evening()
    assert school.call("GET", "/presentations/F1")[1]["status"] == "PROCESSED"
    assert len(school.bank.ledger.captures("I1")) == 1


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("|1|10000\nD", "|2|10000\nD", 1), ("|1|10000\nD", "|1|10001\nD", 1), ("T|1|10000", "T|1|10001", 3),
        ("D|1|", "D|2|", 2), ("20260302", "20260230", 1), ("|NACH|", "|RTGS|", 1), ("|I1|", "|I 1|", 2),
        ("|I1|", "|I1|x|", 2), ("School fees", "n" * 31, 2), ("D|1|SBOX", "D|1|sbox", 2), ("|F1|", "|F2|", 1),
        ("NACH00000000012345", "NACH00000000099999", 1),
    ],
)  # fmt: skip
def test_a_file_that_does_not_hold_is_refused_whole_with_its_lines(school, old, new, line):
    text = school.file("F1", (school.active(), 10000, "I1"))
    assert old in text
    status, body = school.put("F1", text.replace(old, new, 1))
    assert (status, body["error"]["code"]) == (422, "invalid_file")
    assert line in [problem["line"] for problem in body["error"]["lines"]]
    assert (school.bank.files, school.bank.items) == ({}, {})


def test_an_empty_file_is_refused(school):
    assert refused(school.present("F1")) == (422, "invalid_file")
    assert refused(school.put("F1", "")) == (422, "invalid_file")


# Results


def test_results_come_at_six_and_never_change(school):
    good, poor = school.active("M1"), school.active("M2", "9904")
    school.present("F1", (good, 10000, "I1"), (poor, 20000, "I2"))
    school.bank.clock.advance(hours=9, minutes=59)
    assert school.call("GET", "/results", since="2026-03-02")[1]["results"] == []
    assert school.item("I1") == ("PENDING", None)
    school.bank.clock.advance(minutes=1)
    listed = school.call("GET", "/results", since="2026-03-02")[1]["results"]
    assert [(row["name"], row["file_ref"], row["items"]) for row in listed] == [("F1-R1", "F1", 2)]
    rows = school.result("F1-R1")
    assert rows[0] == ["H", "RESULT", "F1", "20260302", "1"]
    assert rows[1][:8] == ["R", "1", good, "10000", "I1", "ACCEPTED", "0", "Accepted"] and rows[1][8]
    assert rows[2] == ["R", "2", poor, "20000", "I2", "RETURNED", "04", "Balance insufficient", ""]
    assert rows[3] == ["T", "2", "1", "10000", "1", "20000", "0", "0"]
    school.evening(3)
    assert school.result("F1-R1") == rows
    assert school.call("GET", "/results", since="2026-03-03")[1]["results"] == []
    assert refused(school.call("GET", "/results/F1-R2")) == (404, "not_found")


@pytest.mark.parametrize(
    ("last4", "evenings"),
    [
        ("1234", [("ACCEPTED", "0")] * 3),
        ("9901", [("RETURNED", "01")] * 3),
        ("9961", [("RETURNED", "61")] * 3),
        ("9805", [("EXTENDED", "98"), ("EXTENDED", "98"), ("RETURNED", "05")]),
        ("9800", [("EXTENDED", "98"), ("ACCEPTED", "0"), ("ACCEPTED", "0")]),
        ("9704", [("ACCEPTED", "0"), ("ACCEPTED", "0"), ("RETURNED", "04")]),
    ],
)
def test_accounts_stand_for_what_comes_of_their_debits(school, last4, evenings):
    umrn = school.active(last4=last4)
    seen = [school.debit(umrn)]
    for _ in range(2):
        school.evening(1)
        seen.append(school.item("I1"))
    assert seen == evenings
    taken = sum(entry.minor for entry in school.bank.ledger.of("capture", key="I1"))
    returned = sum(entry.minor for entry in school.bank.ledger.of("return", key="I1"))
    assert taken - returned == (10000 if evenings[-1][0] == "ACCEPTED" else 0)


@pytest.mark.parametrize(
    ("more", "paise", "code"),
    [
        ({"first_on": "2026-03-02"}, 10000, "0"), ({"first_on": "2026-03-03"}, 10000, "28"),
        ({"last_on": "2026-03-02"}, 10000, "0"), ({}, 500_000, "0"), ({}, 500_001, "26"), ({}, 0, "94"),
        ({"amount_type": "FIXED"}, 500_000, "0"), ({"amount_type": "FIXED"}, 499_999, "15"),
    ],
)  # fmt: skip
def test_debits_keep_to_their_mandate(school, more, paise, code):
    assert school.debit(school.active(**more), paise=paise)[1] == code


def test_a_debit_needs_a_mandate_that_lives(school):
    assert school.debit("SBOX7000000000000099", "I0") == ("RETURNED", "21")
    school.morning()
    for name in ("cancel", "expire"):
        umrn = school.active(name)
        school.bank.do(name, umrn=umrn)
        assert school.present(f"F-{name}", (umrn, 100, name), day=MARCH + timedelta(days=1))[0] == 201
    school.register("M9")
    school.bank.do("authenticate", message_ref="M9")
    school.bank.mandates["M9"].due_at = None  # the debtor's bank takes its time
    school.present("F-M9", (school.mandate("M9")["umrn"], 100, "M9"), day=MARCH + timedelta(days=1))
    school.evening()
    assert [school.item(name)[1] for name in ("cancel", "expire", "M9")] == ["61", "14", "08"]


def test_a_day_after_the_end_is_told_from_a_mandate_that_had_ended(school):
    umrn, next_day = school.active(last_on="2026-03-02"), MARCH + timedelta(days=1)
    school.present("F1", (umrn, 100, "I1"), day=next_day)
    school.morning()
    school.present("F2", (umrn, 200, "I2"), day=next_day)
    school.evening()
    assert [school.item(ref) for ref in ("I1", "I2")] == [("RETURNED", "29"), ("RETURNED", "14")]


def test_a_reference_used_before_is_returned_and_the_first_one_stands(school):
    umrn = school.active()
    school.present("F1", (umrn, 10000, "I1"))
    school.present("F2", (umrn, 20000, "I1"))
    school.evening()
    assert school.result("F2-R1")[1][5:7] == ["RETURNED", "31"]
    assert school.item("I1") == ("ACCEPTED", "0")
    assert [e.minor for e in school.bank.ledger.captures()] == [10000]


def test_the_same_debit_on_the_same_day_is_a_duplicate(school):
    umrn = school.active()
    school.present("F1", (umrn, 10000, "I1"), (umrn, 10000, "I2"), (umrn, 10001, "I3"))
    school.evening()
    assert [school.item(ref)[1] for ref in ("I1", "I2", "I3")] == ["0", "13", "0"]


@pytest.mark.parametrize(
    ("frequency", "second", "code"),
    [
        ("MNTH", "2026-03-31", "12"), ("MNTH", "2026-04-01", "0"), ("QURT", "2026-03-31", "12"),
        ("QURT", "2026-04-01", "0"), ("MIAN", "2026-06-30", "12"), ("MIAN", "2026-07-01", "0"),
        ("YEAR", "2026-12-31", "12"), ("YEAR", "2027-01-01", "0"), ("ADHO", "2026-03-31", "0"),
    ],
)  # fmt: skip
def test_a_period_is_debited_once(school, frequency, second, code):
    umrn = school.active(frequency=frequency)
    assert school.debit(umrn, "I1") == ("ACCEPTED", "0")
    day = date.fromisoformat(second)
    school.morning((day - MARCH).days)
    assert school.debit(umrn, "I2", 20000, day)[1] == code
    if code == "12":
        assert school.result("F-I2-R1")[1][7] == "Already processed for this month"


def test_one_debit_is_all_that_a_single_mandate_gives(school):
    umrn = school.active(sequence_type="OOFF")
    school.debit(umrn, "I1")
    school.morning(60)
    assert school.debit(umrn, "I2", 20000, MARCH + timedelta(days=60)) == ("RETURNED", "12")


def test_a_returned_debit_does_not_block_the_period(school):
    umrn = school.active(frequency="MNTH")
    school.bank.do("steer", umrn=umrn, code="04", how="same_day")
    assert school.debit(umrn, "I1") == ("RETURNED", "04")
    school.morning()
    assert school.debit(umrn, "I2", day=MARCH + timedelta(days=1)) == ("ACCEPTED", "0")


def test_an_open_debit_blocks_the_period(school):
    umrn = school.active(last4="9804", frequency="MNTH")
    assert school.debit(umrn, "I1") == ("EXTENDED", "98")
    school.morning()
    assert school.debit(umrn, "I2", 20000, MARCH + timedelta(days=1))[1] == "12"


def test_ecs_is_paper_its_results_are_a_day_later_and_flavours_do_not_mix(school):
    assert school.register("M0", flavour="ECS")[1]["error"]["field"] == "channel"
    ecs, nach = school.active("M1", flavour="ECS", channel="PAPER", image=JPEG), school.active("M2")
    assert ecs.startswith("ECSX") and len(ecs) == 20
    school.present("F1", (ecs, 100, "I1"), (nach, 100, "I2"), flavour="ECS")
    school.present("F2", (ecs, 100, "I3"))
    school.evening()
    assert [school.item(ref)[1] for ref in ("I1", "I2", "I3")] == [None, None, "30"]
    school.evening(1)
    assert [school.item(ref)[1] for ref in ("I1", "I2")] == ["0", "30"]


def test_a_debit_is_returned_late_by_deed_in_the_next_file(school):
    umrn = school.active()
    school.debit(umrn)
    school.evening(10)
    school.bank.do("return_item", item_ref="I1", code="17")
    assert school.item("I1") == ("ACCEPTED", "0")
    school.evening(1)
    assert school.item("I1") == ("RETURNED", "17")
    assert school.result("F-I1-R2")[1][4:7] == ["I1", "RETURNED", "17"]
    assert [e.minor for e in school.bank.ledger.of("return", key="I1")] == [10000]
    with pytest.raises(Exception, match="RETURNED"):
        school.bank.do("return_item", item_ref="I1")


# Settlement


def test_evenings_are_settled_and_add_up_to_the_ledger(school):
    late, good = school.active("M1", "9704"), school.active("M2")
    school.present("F1", (late, 30000, "I1"), (good, 20000, "I2"))
    assert refused(school.call("GET", "/settlements", day="2026-03-02")) == (404, "not_ready")
    school.evening()
    first = school.call("GET", "/settlements", day="2026-03-02")[1]
    assert [first[name] for name in ("credits", "debits", "net")] == ["500.00", "0.00", "500.00"]
    assert [e.minor for e in school.bank.ledger.of("payout", key=first["utr"])] == [50000]
    assert school.bank.ledger.held("INR") == 0
    school.evening(2)
    third = school.call("GET", "/settlements", day="2026-03-04")[1]
    assert [third[name] for name in ("credits", "debits", "net")] == ["0.00", "300.00", "-300.00"]
    assert [(i["type"], i["item_ref"], i["code"]) for i in third["items"]] == [("return", "I1", "04")]
    assert school.call("GET", "/settlements", day="2026-03-03")[1]["utr"] is None
    school.morning()
    school.debit(good, "I3", 40000, MARCH + timedelta(days=3))
    fourth = school.call("GET", "/settlements", day="2026-03-05")[1]
    assert [fourth[name] for name in ("credits", "carried", "net")] == ["400.00", "-300.00", "100.00"]
    assert school.bank.ledger.held("INR") == 0


# Faults, memory


def test_a_file_lost_after_it_was_taken_is_found_and_may_be_sent_again(school):
    umrn = school.active()
    school.bank.faults.add("drop_after", path="/presentations")
    with pytest.raises(requests.ConnectionError):
        school.present("F1", (umrn, 100, "I1"))
    assert school.call("GET", "/presentations/F1")[0] == 200
    assert school.present("F1", (umrn, 100, "I1"))[0] == 200
    school.evening()
    assert school.item("I1") == ("ACCEPTED", "0")
    assert len(school.bank.ledger.captures()) == 1


def test_queries_may_be_blind_and_answers_may_lie(school):
    umrn = school.active()
    school.bank.faults.add("blind", seconds=60, times=None)
    school.present("F1", (umrn, 100, "I1"))
    assert [school.call("GET", path)[0] for path in ("/presentations/F1", "/items/I1", "/mandates/M1")] == [404] * 3
    school.evening()
    assert school.item("I1") == ("PENDING", None)
    school.bank.clock.advance(seconds=60)
    assert school.item("I1") == ("ACCEPTED", "0")
    school.bank.faults.add("lie_amount")
    assert school.result("F1-R1")[1][3] == "777777"
    assert school.result("F1-R1")[1][3] == "100"
    school.bank.faults.add("rate_limit")
    assert refused(school.call("GET", "/items/I1")) == (429, "too_many_requests")
    school.bank.faults.add("expired")
    assert refused(school.call("GET", "/items/I1")) == (401, "unauthorized")


def test_its_memory_is_kept_and_holds_no_account_number(tmp_path):
    bank = SponsorBank(Clock(EIGHT), keep_in=tmp_path)
    with running(bank) as server:
        school = School(server)
        umrn = school.active()
        school.call("POST", f"/mandates/{umrn}/amend", amend_ref="A1", account_no="502005678")
        school.debit(umrn)
    bank.do("catch_up")
    kept = (tmp_path / "nach.pickle").read_bytes()
    assert b"501001234" not in kept and b"502005678" not in kept
    again = SponsorBank(bank.clock, keep_in=tmp_path)
    assert pickle.dumps(again.results) == pickle.dumps(bank.results)
    assert (len(again.ledger.captures("I1")), again.mandates["M1"].fingerprint) == (
        1, bank.mandates["M1"].fingerprint,
    )  # fmt: skip
