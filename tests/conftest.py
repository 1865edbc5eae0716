"""What every test stands on: a clean database, files out of the way, no network, tidy threads."""

import ipaddress
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.migrations.state import ProjectState
from django.test import TransactionTestCase
from django.utils import timezone, translation

from tests.scanner import WATCH, begin

# Several processes share the machine: how long an example takes says nothing about what it tests.
hypothesis.settings.register_profile("shared", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("shared")

# Filled by migrations; the rest of the database belongs to the test.
SEEDED = ["django_migrations", "django_content_type", "auth_permission", "office_grant"]

# Money tables refuse TRUNCATE and DELETE by trigger, so Django's flush cannot empty them. A replica role
# skips triggers, foreign keys included, until this one transaction ends. A thread that was left inside a
# transaction would hold the locks that this needs, so it is cut off first.
EMPTY_DATABASE = f"""
DO $$
DECLARE
    name text;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%';
    PERFORM set_config('session_replication_role', 'replica', true);
    FOR name IN
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' AND n.nspname = current_schema() AND c.relname NOT IN ({str(SEEDED)[1:-1]})
    LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
END $$
"""


def _empty_database(case: TransactionTestCase) -> None:
    try:
        WATCH.look_at_rows()
    finally:
        with connection.cursor() as cursor:
            cursor.execute(EMPTY_DATABASE)
    WATCH.check()


TransactionTestCase._fixture_teardown = _empty_database  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def _quick_migrations() -> Iterator[None]:
    """Drawing every related model anew at each step is most of what making a database takes, and changes nothing in it.

    A step draws the model it is about; constraints and indexes draw none. Code in a migration finds all drawn anew.
    """

    def alone(self: ProjectState, app_label: str, model_name: str, delay: bool = False) -> None:
        if "apps" in self.__dict__:
            self.is_delayed = True
            self._reload({(app_label, model_name)})  # type: ignore[attr-defined]

    def append(self: ProjectState, app_label: str, model_name: str, option: str, added: Any) -> None:
        options = self.models[app_label, model_name].options
        options[option] = [*options.get(option, []), added]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProjectState, "reload_model", alone)
        patch.setattr(ProjectState, "_append_option", append)
        yield


@pytest.fixture(scope="session")
def django_db_setup(_quick_migrations: None, django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Before the test database is dropped, end the connections of threads that forgot to."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session", autouse=True)
def _own_files() -> Iterator[None]:
    """Archive, media and keys of a test run live in a directory of their own, new each time."""
    shutil.rmtree(settings.FILES_DIR, ignore_errors=True)
    yield
    WATCH.look_at_files(settings.FILES_DIR)
    shutil.rmtree(settings.FILES_DIR, ignore_errors=True)
    WATCH.check()


@pytest.fixture(scope="session", autouse=True)
def _watched() -> Iterator[None]:
    """Invariant 47: no number of a card, token or secret comes to rest anywhere, whatever is tested."""
    stop = begin(WATCH)
    yield
    stop()


@pytest.fixture(autouse=True)
def _nothing_leaked() -> Iterator[None]:
    """What was logged, mailed or shown. Rows are looked at when they are deleted, which may be later."""
    WATCH.tokens.clear()
    yield
    WATCH.look_at_mail()
    WATCH.check()


@pytest.fixture(autouse=True)
def _plain_english() -> Iterator[None]:
    """A request leaves its language and zone behind in the thread, which in tests is everybody's."""
    yield
    translation.activate(settings.LANGUAGE_CODE)
    timezone.deactivate()


@pytest.fixture(scope="module")
def one_world(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """What fixtures of a file build once for all its tests. Each has db, so that what it does is taken back after it.

    Nothing is committed, so not with transactional_db in the same file.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


class NetworkForbidden(RuntimeError):
    """A test tried to leave this machine. Not an OSError: code that handles outages must not swallow it."""


def _check_host(host: Any) -> None:
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost"):
        return
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise NetworkForbidden(f"tests must not reach {host}")


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: socket.socket, address: Any) -> Any:
            if self.family != socket.AF_UNIX:
                _check_host(address[0])
            return original(self, address)

        return call

    def guarded_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        _check_host(host)
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(connect))
        patch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
        patch.setattr(socket, "getaddrinfo", guarded_lookup)
        yield


@dataclass
class Outcomes:
    """What became of threads that ran at once, in no particular order."""

    results: list[Any] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)


RunInThreads = Callable[[Callable[[int], Any], int], Outcomes]


@pytest.fixture
def run_in_threads(transactional_db: None) -> RunInThreads:
    """run_in_threads(fn, n) calls fn(0) … fn(n-1) at the same moment, each on its own database connection."""

    def run(fn: Callable[[int], Any], n: int) -> Outcomes:
        outcomes = Outcomes()
        barrier = threading.Barrier(n, timeout=30)

        def work(index: int) -> None:
            try:
                connection.ensure_connection()
                barrier.wait()
                outcomes.results.append(fn(index))
            except BaseException as error:
                outcomes.errors.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=work, args=[index], daemon=True) for index in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert not any(thread.is_alive() for thread in threads), "threads still run after 60 s: a deadlock?"
        return outcomes

    return run
