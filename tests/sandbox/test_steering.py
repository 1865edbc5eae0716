"""Steering: what the page and tests ask of the sandboxes, and the process that runs them all."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sandbox import __main__ as process
from tests.sandbox.catalog import CALLED, PROCESSORS
from tests.sandbox.clock import Clock
from tests.sandbox.ledger import major
from tests.sandbox.processor import Processor, deed, route
from tests.sandbox.server import Server, running
from tests.sandbox.steering.page import Steering
from tests.sandbox.wire import Reply, Request, json_reply

START = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)


class Till(Processor):
    """The least there can be: takes a penny a call."""

    name = "till"
    title = "Till"
    kept = ("taken",)

    def start(self) -> None:
        self.taken = 0

    @route("POST", r"/take")
    def take(self, request: Request) -> Reply:
        self.taken += 1
        self.ledger.add(self.clock.now(), "capture", f"t{self.taken}", request.asked("key"), 123456, "USD")
        self.webhooks.emit(f"t{self.taken}", "taken", b"{}", {})
        return json_reply({"taken": self.taken})

    @deed("Give it back")
    def give(self, ref: str, reason: str = "asked") -> str:
        """Only once."""
        if ref != f"t{self.taken}":
            raise LookupError(ref)
        return f"{ref} {reason}"


@pytest.fixture
def till() -> Till:
    return Till(Clock(START))


@pytest.fixture
def page(till: Till) -> Iterator[Server]:
    with running(till) as box, running(Steering(till.clock, {"till": (till, box.url)})) as server:
        requests.post(f"{box.url}/take?key=ATT1", timeout=5)
        yield server


def get(page: Server, what: str) -> Any:
    return requests.get(f"{page.url}/{what}", timeout=5).json()


def post(page: Server, what: str, **body: Any) -> requests.Response:
    return requests.post(f"{page.url}/{what}", json=body, timeout=5)


class TestPage:
    @pytest.mark.parametrize(("path", "kind"), [("", "html"), ("page.css", "css"), ("page.js", "javascript")])
    def test_it_is_served_with_all_it_needs(self, page: Server, path: str, kind: str) -> None:
        done = requests.get(f"{page.url}/{path}", timeout=5)
        assert (done.status_code, done.headers["content-type"]) == (200, f"text/{kind}; charset=utf-8")
        assert "http://" not in done.text and "https://" not in done.text  # nothing comes from elsewhere

    def test_no_page_but_its_own_may_read_it(self, page: Server) -> None:
        done = requests.get(f"{page.url}/sandboxes", timeout=5)
        assert done.headers["access-control-allow-origin"] == page.url

    def test_it_lists_the_processors_and_what_they_know(self, page: Server) -> None:
        (row,) = get(page, "sandboxes")["sandboxes"]
        assert (row["name"], row["title"]) == ("till", "Till")
        assert requests.get(f"{row['url']}/_sandbox/state", timeout=5).json() == get(page, "sandboxes/till/state")

    def test_one_that_does_not_run_is_not_there(self, page: Server) -> None:
        assert requests.get(f"{page.url}/sandboxes/nobody/state", timeout=5).status_code == 404

    def test_money_is_shown_in_major_units(self, page: Server) -> None:
        (row,) = get(page, "sandboxes/till/ledger")["entries"]
        assert (row["kind"], row["key"], row["amount"], row["currency"]) == ("capture", "ATT1", "1,234.56", "USD")


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [(0, "USD", "0.00"), (5, "USD", "0.05"), (100000, "INR", "1,000.00"), (1250, "JPY", "1,250"), (1, "KWD", "0.001")],
)
def test_minor_units_become_major_ones_by_the_digits_of_the_currency(minor: int, currency: str, shown: str) -> None:
    assert major(minor, currency) == shown


class TestDeeds:
    def test_a_form_asks_for_the_parameters_of_the_deed(self, page: Server) -> None:
        assert get(page, "sandboxes/till/state")["deed_forms"] == [
            {
                "name": "give", "label": "Give it back", "help": "Only once.",
                "parameters": [{"name": "ref", "default": None}, {"name": "reason", "default": "asked"}],
            }
        ]  # fmt: skip

    def test_what_came_of_it_is_said(self, page: Server) -> None:
        assert post(page, "sandboxes/till/deeds", name="give", ref="t1").json() == {"done": "t1 asked"}

    @pytest.mark.parametrize(
        "asked", [{"name": "give", "ref": "t9"}, {"name": "give"}, {"name": "take"}, {"name": "nothing"}, {}]
    )
    def test_what_cannot_be_done_is_said_with_the_reason(self, page: Server, asked: dict[str, str]) -> None:
        refused = post(page, "sandboxes/till/deeds", **asked)
        assert refused.status_code == 400
        assert refused.json()["error"].partition(":")[0] in ("LookupError", "TypeError", "KeyError")


class TestFaults:
    def test_one_that_was_added_hits_the_next_call_and_shows_it(self, page: Server, till: Till) -> None:
        box = get(page, "sandboxes")["sandboxes"][0]["url"]
        post(page, "sandboxes/till/faults", kind="error_after", path="take", times=None)
        assert requests.post(f"{box}/take", timeout=5).status_code == 500
        assert till.taken == 2
        assert [(row["kind"], row["hits"]) for row in get(page, "sandboxes/till/state")["faults"]] == [
            ("error_after", 1)
        ]
        post(page, "sandboxes/till/faults/clear")
        assert requests.post(f"{box}/take", timeout=5).status_code == 200

    def test_one_that_does_not_exist_is_refused(self, page: Server) -> None:
        assert post(page, "sandboxes/till/faults", kind="flood").status_code == 400
        assert get(page, "sandboxes/till/state")["faults"] == []

    @pytest.mark.parametrize(("seconds", "status"), [(0, 200), (600, 200), (600.1, 400), (-0.1, 400), ("soon", 400)])
    def test_latency_has_bounds(self, page: Server, till: Till, seconds: Any, status: int) -> None:
        assert post(page, "sandboxes/till/latency", seconds=seconds).status_code == status
        assert till.latency == (seconds if status == 200 else 0)


class TestWebhooks:
    def test_each_can_be_sent_again_and_its_outcome_is_listed(self, page: Server) -> None:
        (waiting,) = get(page, "sandboxes/till/state")["webhooks"]
        assert (waiting["place"], waiting["tries"], waiting["status"]) == (0, 0, None)
        assert post(page, "sandboxes/till/webhooks/send", place=0).json() == {"statuses": [0]}  # has no address
        (told,) = get(page, "sandboxes/till/state")["webhooks"]
        assert (told["tries"], told["status"], told["gave_up"]) == (1, 0, True)

    def test_one_that_is_not_there_cannot_be_sent(self, page: Server) -> None:
        assert post(page, "sandboxes/till/webhooks/send", place=1).status_code == 400

    def test_switches_are_set_and_nothing_else(self, page: Server, till: Till) -> None:
        post(page, "sandboxes/till/webhooks/set", muted=True, repeat=2)
        assert (till.webhooks.muted, till.webhooks.repeat) == (True, 2)
        assert post(page, "sandboxes/till/webhooks/set", rows=[]).status_code == 400
        assert len(till.webhooks.rows) == 1


class TestClock:
    @pytest.mark.parametrize(("step", "seconds"), [("hours", 3600), ("days", 86_400), ("weeks", 604_800)])
    def test_it_moves_on_for_all(self, page: Server, till: Till, step: str, seconds: int) -> None:
        post(page, "clock", **{step: 1})
        assert till.clock.now() == START + timedelta(seconds=seconds)

    @pytest.mark.parametrize("asked", [{}, {"hours": 0}, {"days": -1}, {"hours": 1.5}, {"years": 1}])
    def test_it_goes_neither_back_nor_anywhere_odd(self, page: Server, till: Till, asked: dict[str, Any]) -> None:
        assert post(page, "clock", **asked).status_code == 400
        assert till.clock.now() == START


def free_port() -> int:
    """The first of a row that is free, below those that any connection may be given."""
    while True:
        port = random.randrange(15_000, 32_000)
        if not any(_listens(other) for other in range(port, port + len(PROCESSORS) + 1)):
            return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class TestProcess:
    def test_all_share_a_clock_and_each_is_told_where_the_merchant_is(self, tmp_path: Path) -> None:
        port = free_port()
        with closing(process.Sandboxes(port, tmp_path, "http://127.0.0.1:9/webhooks/")) as sandboxes:
            places = list(PROCESSORS)
            for name, (processor, url) in sandboxes.processors.items():
                assert processor.clock is sandboxes.clock
                assert processor.webhooks.url == f"http://127.0.0.1:9/webhooks/{CALLED.get(name, name)}/"
                assert url == f"http://127.0.0.1:{port + 1 + places.index(name)}"
            assert {"sms", "whatsapp"} <= set(sandboxes.processors)

    def test_where_a_port_is_taken_none_is_served(self, tmp_path: Path) -> None:
        port = free_port()
        last = port + len(PROCESSORS)
        with socket.socket() as other:
            other.bind(("127.0.0.1", last))
            other.listen()
            with pytest.raises(process.Taken, match=f"port {last}, for WhatsApp .* is taken"):
                process.Sandboxes(port, tmp_path, "")
        assert not any(_listens(each) for each in range(port, last))

    def test_it_remembers_and_stops_cleanly_when_told(self, tmp_path: Path) -> None:
        port = free_port()
        command = [sys.executable, "-m", "tests.sandbox", "--port", str(port), "--keep-in", str(tmp_path)]
        for start in (1, 2):
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as child:
                try:
                    assert child.stdout is not None
                    assert child.stdout.readline() == f"Sandboxes: http://127.0.0.1:{port}/\n"
                    base = f"http://127.0.0.1:{port}"
                    moved = requests.post(f"{base}/clock", json={"weeks": 1}, timeout=5).json()["now"]
                    ahead = datetime.fromisoformat(moved) - datetime.now(UTC)
                    assert timedelta(0) <= timedelta(weeks=start) - ahead < timedelta(minutes=1)
                    asked = {"name": "decide", "number": "9812345678", "fate": "operator"}
                    assert requests.post(f"{base}/sandboxes/sms/deeds", json=asked, timeout=5).status_code == 200
                finally:
                    os.kill(child.pid, signal.SIGTERM)
                    assert child.wait(20) == 0
            assert (tmp_path / "sms.pickle").exists()
