"""`manage.py serve`: the whole product in one foreground process.

Outside production the sandbox processors run beside it, unless SANDBOX=0. Their ports follow from the web port, so that
two demos at ports some way apart have processors of their own.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError

from config.gateways import messengers_of_sandbox, of_sandbox

PR_SET_PDEATHSIG = 1
SANDBOX_ABOVE = 100  # unless SANDBOX_PORT says otherwise; the processors are at the ports after it
SANDBOX_SECONDS = 30
OTHERWISE = "Choose a PORT some way from those of other demos, or SANDBOX=0 to do without processors."


def _die_with_parent() -> None:
    """Have Linux stop this child when its parent is killed: an orphaned cluster would go on taking tasks."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _port(bind: str) -> int:
    """Of host:port; 0 for a socket in the file system."""
    port = bind.rpartition(":")[2]
    return int(port) if port.isdecimal() else 0


def _sandbox_port(bind: str) -> int:
    """Of the steering page."""
    return int(os.environ.get("SANDBOX_PORT") or _port(bind) + SANDBOX_ABOVE)


def _host(bind: str) -> str:
    """By which we reach ourselves."""
    host = bind.rpartition(":")[0].strip("[]")
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host


def _answers(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


class Command(BaseCommand):
    help = "Migrates, fills an empty demo, runs web, jobs and (not in production) sandbox processors until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000")
        parser.add_argument("--grace", type=int, default=70, help="seconds that running jobs get to finish")

    def handle(self, *, bind: str, grace: int, **options: Any) -> None:
        stopping: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda received, frame: stopping.append(received))
        if _port(bind) and _answers(_port(bind), _host(bind)):
            raise CommandError(f"Port {_port(bind)} is taken. Choose another: PORT=9000 ./run")
        os.environ["SANDBOX_PORT"] = str(_sandbox_port(bind))  # web and jobs must find what we start, and so must we
        if of_sandbox(settings.SANDBOX_PORT) == settings.GATEWAYS:
            settings.GATEWAYS = of_sandbox(_sandbox_port(bind))
        if messengers_of_sandbox(settings.SANDBOX_PORT) == settings.MESSENGERS:
            settings.MESSENGERS = messengers_of_sandbox(_sandbox_port(bind))
        if not settings.PRODUCTION and not settings.PUBLIC_URL and _port(bind):  # links in messages work in a demo
            os.environ["PUBLIC_URL"] = settings.PUBLIC_URL = f"http://{_host(bind)}:{_port(bind)}"
        sandbox = self._start_sandbox(bind)  # first: a port that is taken is said before the long work
        office: dict[str, subprocess.Popen[bytes]] = {}
        try:
            self._prepare()
            office = {name: self._spawn(command) for name, command in self._commands(bind).items()}
            self._greet(bind, with_sandbox=bool(sandbox))
            dead = self._watch(office | sandbox, stopping)
        finally:
            self._stop(office, grace)
            self._stop(sandbox, grace)  # last: a charge that is under way still gets its answer
        if dead:
            self.stderr.write(f"{dead} stopped unexpectedly")
            sys.exit(1)

    def _start_sandbox(self, bind: str) -> "dict[str, subprocess.Popen[bytes]]":
        """None or one child. Raises CommandError where it does not come up; which port others took, it says itself."""
        command, port = self._sandbox(bind), _sandbox_port(bind)
        if not command:
            return {}
        if _answers(port):
            raise CommandError(f"Port {port}, for the sandbox processors, is taken. {OTHERWISE}")
        child = self._spawn(command)
        deadline = time.monotonic() + SANDBOX_SECONDS
        while not _answers(port):
            if child.poll() is not None or time.monotonic() > deadline:
                child.kill()
                raise CommandError(OTHERWISE)
            time.sleep(0.1)
        return {"sandbox": child}

    def _prepare(self) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        if settings.PRODUCTION:
            call_command("collectstatic", verbosity=0, interactive=False)
        elif os.environ.get("DEMO") != "0" and "demo" in get_commands():
            call_command("demo", if_empty=True)

    def _commands(self, bind: str) -> dict[str, list[str]]:
        python = sys.executable
        web = ["--bind", bind, "--workers", "2", "--worker-class", "gthread", "--threads", "4"]
        quiet = ["--log-level", "warning", "--no-control-socket"]
        return {
            "web": [python, "-m", "gunicorn", "config.wsgi", *web, *quiet],
            "jobs": [python, str(settings.BASE_DIR / "manage.py"), "qcluster"],
        }

    def _sandbox(self, bind: str) -> list[str]:
        """Empty where there are to be none."""
        is_wanted = not settings.PRODUCTION and os.environ.get("SANDBOX") != "0"
        if not is_wanted or not _port(bind) or not (settings.BASE_DIR / "tests" / "sandbox").is_dir():
            return []
        return [
            sys.executable, "-m", "tests.sandbox", "--port", str(_sandbox_port(bind)),
            "--keep-in", str(settings.VAR_DIR / "sandbox"), "--webhooks", f"http://127.0.0.1:{_port(bind)}/webhooks/",
        ]  # fmt: skip

    def _spawn(self, command: list[str]) -> "subprocess.Popen[bytes]":
        """In a session of its own, so that Ctrl-C reaches only us and we decide who stops when."""
        return subprocess.Popen(command, cwd=settings.BASE_DIR, start_new_session=True, preexec_fn=_die_with_parent)

    def _greet(self, bind: str, *, with_sandbox: bool) -> None:
        self.stdout.write(f"Quittance: http://{bind}/   console: http://{bind}/console/")
        if with_sandbox:
            self.stdout.write(f"Sandbox processors: http://127.0.0.1:{_sandbox_port(bind)}/")
        self.stdout.write("Ctrl-C stops everything.")
        logins = settings.VAR_DIR / "demo-logins.txt"
        if logins.exists():
            self.stdout.write(logins.read_text())
        self.stdout.flush()

    def _watch(self, children: "dict[str, subprocess.Popen[bytes]]", stopping: list[int]) -> str | None:
        """Wait for a signal, or for a child to end by itself; the latter's name is returned."""
        while not stopping:
            for name, child in children.items():
                if child.poll() is not None:
                    return name
            time.sleep(0.2)
        return None

    def _stop(self, children: "dict[str, subprocess.Popen[bytes]]", grace: int) -> None:
        for child in children.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        for child in children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
