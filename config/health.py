"""Two questions of an operator's monitor. /healthz: is the process up? /readyz: can it do its work?"""

from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_q.models import Success

from config.schedules import TICK

HEARTBEAT_LIMIT = timedelta(minutes=3)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "up"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """503 names what is wrong. Without a recent tick no reminder, retry or receipt goes out."""
    now = timezone.now()
    try:
        checks = {"database": "ok", "migrations": _migrations(), "jobs": _jobs(now)}
    except DatabaseError:
        checks = {"database": "does not answer"}
    ready = set(checks.values()) == {"ok"}
    return JsonResponse({"status": "ready" if ready else "not ready", **checks}, status=200 if ready else 503)


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    return "pending" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else "ok"


def _jobs(now: datetime) -> str:
    last = Success.objects.filter(func=TICK).aggregate(at=Max("stopped"))["at"]
    if last is None:
        return "never ran"
    return "ok" if now - last <= HEARTBEAT_LIMIT else f"last ran {last.isoformat()}"
