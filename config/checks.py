"""System checks on settings whose wrong values lose or repeat work without a word."""

import math
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

MARGIN_SECONDS = 30
KILL_SECONDS = 4  # the guard looks this late at a worker past its timeout


def least_retry(cluster: dict[str, Any]) -> int:
    """Seconds before a task may be offered again.

    The queue's retry clock starts when a task is fetched, not when it starts, so it must outlast every task
    that can stand before it in line. Less, and a task runs twice with nothing in the log.
    """
    in_line = math.ceil((cluster["queue_limit"] + cluster["bulk"]) / cluster["workers"])
    return int((cluster["timeout"] + KILL_SECONDS) * (1 + in_line) + MARGIN_SECONDS)


@register()
def check_jobs(**kwargs: Any) -> Sequence[CheckMessage]:
    cluster: dict[str, Any] = settings.Q_CLUSTER
    found: list[CheckMessage] = []
    if cluster.get("orm") != "default" or "redis" in cluster or "django_redis" in cluster:
        found.append(
            Error(
                "The job queue must use the ORM broker on the default database.",
                hint="Other brokers run tasks of rolled-back transactions and lose those of a killed worker.",
                id="config.E001",
            )
        )
    if cluster["retry"] < least_retry(cluster):
        found.append(
            Error(
                f"Q_CLUSTER retry is {cluster['retry']} s; with these limits tasks run twice.",
                hint=f"Set retry to at least {least_retry(cluster)}.",
                id="config.E002",
            )
        )
    if "pool" in settings.DATABASES["default"].get("OPTIONS", {}):
        found.append(Error("The job cluster hangs on a pooled database connection.", id="config.E003"))
    return found


@register(Tags.security, deploy=True)
def check_production_database(**kwargs: Any) -> Sequence[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"] != "config.embedded":
        return []
    return [
        Warning(
            "The embedded database is for demonstration and tests: no backups, no roles.",
            hint="Set DATABASE_URL.",
            id="config.W001",
        )
    ]
