"""The ground under the apps: settings, the bundled server, schedules, health."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from django_q.models import Schedule, Success

from config import checks, schedules, tasks
from config.embedded.address import database, socket_dir
from config.embedded.server import Server

PRODUCTION = {
    "QUITTANCE_ENV": "production",
    "SECRET_KEY": "a-long-and-varied-secret-key-0123456789-abcdefghijklmnopqrstuvwxyz",
    "FIELD_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "ALLOWED_HOSTS": "ar.example.org",
    "EMAIL_URL": "smtp+tls://user:password@mail.example.org:587",
    "DATABASE_URL": "postgres://ar:secret@db.example.org:5432/ar",
}


def python(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a Python process in the project, with nothing but this in its environment."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


class TestProduction:
    def test_it_passes_the_deployment_checks(self) -> None:
        done = python("manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
        assert done.returncode == 0, done.stderr
        assert "no issues (0 silenced)" in done.stdout

    @pytest.mark.parametrize("name", ["SECRET_KEY", "FIELD_KEYS", "ALLOWED_HOSTS", "EMAIL_URL"])
    def test_it_refuses_to_start_without_a_secret(self, name: str) -> None:
        done = python("-c", "import config.settings", **{**PRODUCTION, name: ""})
        assert done.returncode != 0
        assert f"{name} must be set" in done.stderr

    def test_only_the_web_process_bounds_statements(self) -> None:
        show = "print(__import__('config.settings').settings.DATABASES['default']['OPTIONS']['options'])"
        assert "statement_timeout=0" in python("-c", show, **PRODUCTION).stdout
        assert "statement_timeout=30s" in python("-c", f"import config.wsgi; {show}", **PRODUCTION).stdout


class TestJobs:
    def test_the_cluster_settings_cannot_run_a_task_twice(self) -> None:
        assert checks.check_jobs() == []

    @pytest.mark.parametrize("change", [{"retry": 130}, {"redis": {}}, {"orm": None}])
    def test_the_check_names_a_cluster_that_loses_or_repeats_work(self, settings: Any, change: dict[str, Any]) -> None:
        settings.Q_CLUSTER = settings.Q_CLUSTER | change
        assert next(found.id for found in checks.check_jobs()) in {"config.E001", "config.E002"}

    @pytest.mark.django_db
    def test_migrating_makes_the_tick_row(self) -> None:
        Schedule.objects.all().delete()
        call_command("migrate", verbosity=0, interactive=False)
        assert Schedule.objects.get().func == schedules.TICK

    @pytest.mark.django_db
    def test_the_tick_row_is_put_right(self) -> None:
        Schedule.objects.create(func=schedules.TICK, args="nonsense(", minutes=7)
        schedules.ensure_tick()
        row = Schedule.objects.get()
        assert (row.func, row.args, row.minutes, row.repeats) == ("config.tasks.tick", None, 1, -1)

    def test_a_failing_job_does_not_stop_the_next(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ran: list[str] = []

        def broken(now: object) -> None:
            raise ValueError

        monkeypatch.setattr(tasks, "JOBS", [("broken", broken), ("good", lambda now: ran.append("good"))])
        monkeypatch.setattr(tasks, "close_old_connections", lambda: None)
        assert tasks.tick() == {"broken": "failed: ValueError", "good": "done"}
        assert ran == ["good"]


@pytest.mark.django_db
class TestHealth:
    def test_the_process_is_up(self, client: Client) -> None:
        assert client.get("/healthz").json() == {"status": "up"}

    def test_it_is_ready_only_with_a_recent_tick(self, client: Client) -> None:
        assert client.get("/readyz").json()["jobs"] == "never ran"
        now = timezone.now()
        Success.objects.create(id="1", name="t", func=schedules.TICK, started=now, stopped=now, success=True)
        assert client.get("/readyz").json() == {
            "status": "ready",
            "database": "ok",
            "migrations": "ok",
            "jobs": "ok",
        }
        Success.objects.update(stopped=now - timedelta(minutes=4))
        response = client.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (503, "not ready")

    @pytest.mark.parametrize("path", ["/console/login/", "/sign-in/", "/healthz"])
    def test_nobody_may_evaluate_scripts(self, client: Client, path: str) -> None:
        assert "unsafe" not in client.get(path).headers["Content-Security-Policy"]


class TestTheTestsThemselves:
    def test_the_network_is_out_of_reach(self) -> None:
        with pytest.raises(Exception, match="tests must not reach"):
            requests.get("http://192.0.2.1/", timeout=1)

    @pytest.mark.parametrize(
        ("imports", "worker", "place"),
        [("pytest", "", "var/test"), ("pytest", "gw3", "var/test-gw3"), ("sys", "gw3", "var")],
    )
    def test_each_process_of_tests_has_files_of_its_own(self, imports: str, worker: str, place: str) -> None:
        show = f"import {imports}; from config import settings as s; print(s.FILES_DIR.relative_to(s.BASE_DIR))"
        done = python("-c", show, PYTEST_XDIST_WORKER=worker)
        assert done.stdout.strip() == place, done.stderr

    def test_threads_run_at_once_and_what_they_write_is_swept(self, run_in_threads: Any) -> None:
        def work(index: int) -> int:
            Schedule.objects.create(name=str(index), func="x")
            if index == 2:
                raise ValueError("two")
            return index

        done = run_in_threads(work, 3)
        assert sorted(done.results) == [0, 1]
        assert [str(error) for error in done.errors] == ["two"]
        assert Schedule.objects.filter(func="x").count() == 3

    @pytest.mark.django_db
    def test_a_swept_database_is_empty(self) -> None:
        assert not Schedule.objects.filter(func="x").exists()


HOLD = """
import sys
from pathlib import Path
from config.embedded import server
server.ensure({"base": Path(sys.argv[1]), "name": "probe"})
print("up", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def base() -> Iterator[Path]:
    """A place for a server of the test's own; gone afterwards, with whatever still ran in it."""
    place = settings.VAR_DIR / f"probe-{os.getpid()}"
    shutil.rmtree(place, ignore_errors=True)
    yield place
    server = Server(place)
    for pid in server._processes():
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(server.base, ignore_errors=True)
    shutil.rmtree(place, ignore_errors=True)
    shutil.rmtree(socket_dir(place), ignore_errors=True)


class Holder:
    """A process that uses the server until told to end."""

    def __init__(self, base: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(base)],
            cwd=settings.BASE_DIR,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def wait_until_up(self) -> "Holder":
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "up\n"
        return self

    def end(self) -> None:
        self.process.communicate("")

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def answers(base: Path) -> bool:
    try:
        psycopg.connect(host=str(socket_dir(base)), user="postgres", dbname="probe").close()
    except psycopg.OperationalError:
        return False
    return True


class TestEmbeddedServer:
    def test_computing_its_address_creates_nothing(self, base: Path) -> None:
        assert database(base)["ENGINE"] == "config.embedded"
        assert not base.exists()

    def test_processes_share_it_and_the_last_one_out_stops_it(self, base: Path) -> None:
        holders = [Holder(base), Holder(base), Holder(base)]  # racing for a directory that is not there
        first, second, third = [holder.wait_until_up() for holder in holders]
        first.end()
        assert answers(base)
        second.kill()  # a killed process must not count for ever
        third.end()
        assert not answers(base)

    def test_it_comes_back_after_a_crash_that_leaves_a_pid_of_another_process(self, base: Path) -> None:
        holder = Holder(base).wait_until_up()
        pid_file = base / "data" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        os.kill(int(lines[0]), signal.SIGKILL)
        holder.kill()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        second = Holder(base).wait_until_up()
        assert answers(base)
        second.end()
        assert not answers(base)

    def test_a_half_written_pid_file_does_not_stop_it(self, base: Path) -> None:
        Holder(base).wait_until_up().end()
        (base / "data" / "postmaster.pid").write_text("12")
        Holder(base).wait_until_up().end()

    def test_it_comes_back_when_its_socket_was_swept_away(self, base: Path) -> None:
        holder = Holder(base).wait_until_up()
        shutil.rmtree(socket_dir(base))
        second = Holder(base).wait_until_up()
        assert answers(base)
        holder.end()
        second.end()
        assert not answers(base)

    def test_another_locale_does_not_stop_it(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LC_ALL", "zh_TW.UTF-8")
        Holder(base).wait_until_up().end()
