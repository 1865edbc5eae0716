"""`./run`: web, jobs and sandbox processors start together, say where they are, and stop together."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection

from config.management.commands.serve import Command


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """One that is free together with those that serve derives from it, below those that any connection may be given."""
    while True:
        port = random.randrange(15_000, 32_000)
        if not any(listening(other) for other in (port, *range(port + 100, port + 120))):
            return port


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where nothing was said about sandboxes; what serve says itself is forgotten after the test."""
    monkeypatch.setenv("SANDBOX_PORT", "")
    monkeypatch.setenv("SANDBOX", "")
    monkeypatch.setenv("PUBLIC_URL", "")
    monkeypatch.setattr(settings, "PUBLIC_URL", "")


class TestWhetherThereAreSandboxes:
    def test_they_answer_a_hundred_ports_above_and_call_the_web_below_webhooks(self) -> None:
        command = Command()._sandbox("0.0.0.0:8000")
        assert command[1:3] == ["-m", "tests.sandbox"]
        assert dict(zip(command[3::2], command[4::2], strict=True)) == {
            "--port": "8100", "--keep-in": str(settings.VAR_DIR / "sandbox"),
            "--webhooks": "http://127.0.0.1:8000/webhooks/",
        }  # fmt: skip

    def test_they_answer_where_the_operator_wants_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SANDBOX_PORT", "7000")
        assert Command()._sandbox("127.0.0.1:8000")[4] == "7000"

    def test_production_has_none(self, settings) -> None:
        assert Command()._sandbox("127.0.0.1:8000")
        settings.PRODUCTION = True
        assert Command()._sandbox("127.0.0.1:8000") == []

    def test_nor_has_a_demo_that_does_not_want_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SANDBOX", "0")
        assert Command()._sandbox("127.0.0.1:8000") == []

    def test_nor_an_installation_that_came_without_the_tests(self, settings, tmp_path: Path) -> None:
        settings.BASE_DIR = tmp_path
        assert Command()._sandbox("127.0.0.1:8000") == []

    def test_nor_a_web_server_without_a_port(self) -> None:
        assert Command()._sandbox("unix:/run/quittance.sock") == []


@contextmanager
def occupied(port: int) -> Iterator[None]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


@contextmanager
def signals_kept() -> Iterator[None]:
    """serve answers signals its own way; the process of the tests goes on answering its own."""
    with ExitStack() as kept:
        for number in (signal.SIGINT, signal.SIGTERM):
            kept.callback(signal.signal, number, signal.getsignal(number))
        yield


@pytest.mark.parametrize(
    ("above", "said"),
    [(0, "is taken. Choose another"), (100, "for the sandbox processors, is taken"), (101, "SANDBOX=0")],
)
def test_a_taken_port_is_said_before_anything_else_is_done(
    above: int, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    monkeypatch.setattr(Command, "_prepare", lambda self: pytest.fail("the long work was begun"))
    with signals_kept(), occupied(port + above), pytest.raises(CommandError, match=said):
        call_command("serve", bind=f"127.0.0.1:{port}")
    if above == 101:
        assert f"port {port + 101}, for PrecisePay (NMI), is taken" in capfd.readouterr().err
    assert not any(listening(port + other) for other in (0, 100, 102))


@pytest.mark.slow
def test_all_start_say_where_they_are_and_stop_together(transactional_db: None, tmp_path: Path) -> None:
    port, where = free_port(), connection.settings_dict
    database = f"postgres://{where['USER']}@/{where['NAME']}?{urlencode({'host': where['HOST']})}"
    environment = {name: value for name, value in os.environ.items() if name != "SANDBOX_PORT"} | {
        "DATABASE_URL": os.environ.get("DATABASE_URL") or database, "VAR_DIR": str(tmp_path), "DEMO": "0",
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--bind", f"127.0.0.1:{port}"],
        cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            greeting = [process.stdout.readline() for _line in range(3)]
            assert f"http://127.0.0.1:{port}/console/" in "".join(greeting)
            assert f"Sandbox processors: http://127.0.0.1:{port + 100}/\n" in greeting
            found = requests.get(f"http://127.0.0.1:{port + 100}/sandboxes", timeout=10).json()["sandboxes"]
            sms = next(row for row in found if row["name"] == "sms")
            state = requests.get(f"{sms['url']}/_sandbox/state", timeout=10).json()
            assert state["webhook_url"] == f"http://127.0.0.1:{port}/webhooks/messages/sms/"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
    assert not any(listening(other) for other in (port, port + 100, int(sms["url"].rpartition(":")[2])))
    assert (tmp_path / "sandbox").is_dir()
