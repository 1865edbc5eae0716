"""A command in a process of its own, killed in the middle of its work."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from types import ModuleType

from django.conf import settings
from django.db import connection

SCRIPT = """
import json, os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
where, now, command, service = sys.argv[1:]
from django.conf import settings
settings.DATABASES["default"] |= json.loads(where) | {"ENGINE": "django.db.backends.postgresql"}
django.setup()
from datetime import datetime
from importlib import import_module
from django.core.management import call_command
import_module(service).CHUNK = 20
import_module(command).now = lambda: datetime.fromisoformat(now)
call_command(command.rpartition(".")[2])
"""


def run_and_kill(
    command: ModuleType, service: ModuleType, *, now: datetime, done: Callable[[], int], after: int, wait: float
) -> None:
    """The command at `now`, killed a moment after more than so many were done in all. service: works in chunks."""
    where = json.dumps({key: connection.settings_dict[key] for key in ("NAME", "HOST", "PORT", "USER", "PASSWORD")})
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, where, now.isoformat(), command.__name__, service.__name__],
        cwd=settings.BASE_DIR, env=os.environ | {"VAR_DIR": str(settings.FILES_DIR)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    while done() <= after and process.poll() is None:
        time.sleep(0.002)
    time.sleep(wait)
    process.send_signal(signal.SIGKILL)
    process.wait()
