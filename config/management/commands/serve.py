"""`manage.py serve`: the whole product in one foreground process."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand

PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """Have Linux stop this child when its parent is killed: an orphaned cluster would go on taking tasks."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Command(BaseCommand):
    help = "Migrates, fills an empty demo, and runs the web server and the job cluster until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1:8000")
        parser.add_argument("--grace", type=int, default=70, help="seconds that running jobs get to finish")

    def handle(self, *, bind: str, grace: int, **options: Any) -> None:
        stopping: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda received, frame: stopping.append(received))
        self._prepare()
        children = {name: self._spawn(command) for name, command in self._commands(bind).items()}
        self._greet(bind)
        dead = self._watch(children, stopping)
        self._stop(children, grace)
        if dead:
            self.stderr.write(f"{dead} stopped unexpectedly")
            sys.exit(1)

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

    def _spawn(self, command: list[str]) -> "subprocess.Popen[bytes]":
        """In a session of its own, so that Ctrl-C reaches only us and we decide who stops when."""
        return subprocess.Popen(command, cwd=settings.BASE_DIR, start_new_session=True, preexec_fn=_die_with_parent)

    def _greet(self, bind: str) -> None:
        self.stdout.write(f"Quittance: http://{bind}/   console: http://{bind}/console/")
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
