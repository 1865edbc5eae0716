"""A database of its own, rows to work on, and a stopwatch. `prepare` comes before anything of Django's."""

import gc
import os
import statistics
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

DATABASE = "bench"
NOW = datetime(2026, 3, 12, 15, 0, tzinfo=UTC)
TODAY = date(2026, 3, 12)
PRICE = Decimal("120.00")


def prepare() -> None:
    """Point Django at the benchmarks' own embedded server, VAR_DIR/postgres-bench. In every process, first."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR")
    from config import settings
    from config.embedded.address import database

    settings.DATABASES["default"] |= database(settings.VAR_DIR / "postgres-bench", name=DATABASE)
    files: Path = settings.VAR_DIR / "bench"
    settings.MEDIA_ROOT, settings.ARCHIVE_DIR, settings.SIGNING_DIR = (
        files / "media",
        files / "archive",
        files / "signing",
    )
    settings.DOCUMENTS_DIR = files / "documents"
    settings.EMAIL_FILE_PATH = str(files / "mail")
    settings.AXES_ENABLED = False  # type: ignore[attr-defined]  # the test client signs in without a browser
    import django

    django.setup()


def fresh_database() -> None:
    """Drop what the last run left, and migrate anew."""
    import psycopg
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections

    from config.embedded import server

    connections.close_all()
    embedded = settings.DATABASES["default"]["EMBEDDED"]
    server.ensure(embedded)
    with psycopg.connect(host=settings.DATABASES["default"]["HOST"], user="postgres", dbname="postgres",
                         autocommit=True) as link:  # fmt: skip
        link.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        link.execute(f"CREATE DATABASE {DATABASE}")
    call_command("migrate", verbosity=0, interactive=False)


def raw_connection() -> Any:
    """psycopg by itself, with the settings that Django's connections have. The server must be up."""
    import psycopg
    from django.db import connection

    parameters = connection.get_connection_params()
    for extra in ("cursor_factory", "context"):
        parameters.pop(extra, None)
    return psycopg.connect(**parameters, autocommit=True)


def analyze() -> None:
    """Statistics, and a quiet disk: what was written is out of the way before the stopwatch runs."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("CHECKPOINT")


def make_organization(code: str, preset: str = "lessons") -> Any:
    from django.db import transaction

    from billing.office.organizations import create_organization

    with transaction.atomic():
        return create_organization(
            code=code, name="Benchmark School", currency="USD", country="US", time_zone="America/New_York", now=NOW,
            preset=preset,
        )  # fmt: skip


def make_clerk(organization: Any) -> Any:
    from django.db import transaction

    from billing.office.access import grant_role
    from billing.office.models import User

    clerk = User.objects.create(username=f"clerk-{organization.code}")
    with transaction.atomic():
        grant_role(user=clerk, organization=organization, role="clerk", by=None)
    return clerk


def make_customers(organization: Any, count: int, prefix: str) -> list[int]:
    from billing.models import Customer

    rows = Customer.objects.bulk_create(
        Customer(organization=organization, code=f"{prefix}{n:06d}", name=f"Customer {prefix} {n}")
        for n in range(count)
    )
    return [row.pk for row in rows]


def make_agreements(organization: Any, customer_ids: Sequence[int], frequency: str) -> list[Any]:
    """One of each customer from TODAY on, without terms and schedule."""
    from billing.bulk import insert_rows
    from billing.models import Agreement, Plan

    plan = Plan.objects.create(
        organization=organization, code="piano", name="Piano", kind="subscription", line_text="Tuition", state="active",
        made_at=NOW,
    )  # fmt: skip
    return insert_rows(Agreement, (
        Agreement(
            organization=organization, customer_id=pk, plan=plan, number=f"AGR-{pk}", kind="subscription",
            basis="schedule", frequency=frequency, currency="USD", starts_on=TODAY, anchor_on=TODAY, state_since=TODAY,
            made_at=NOW,
        )
        for pk in customer_ids
    ))  # fmt: skip


def bill(organization: Any, customer_ids: Sequence[int], each: int, batch: int = 1000) -> None:
    """Open invoices for customers, through the service, oldest first."""
    from django.db import transaction

    from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices
    from billing.terms import parse_terms

    terms = parse_terms("net 30")
    for start in range(0, len(customer_ids), batch):
        orders = [
            InvoiceOrder(
                customer_id=pk, issued_on=TODAY - timedelta(days=60 - 10 * turn), currency=organization.currency,
                terms=terms, lines=[LineOrder("Lessons, 4 weeks", PRICE)],
            )
            for pk in customer_ids[start : start + batch] for turn in range(each)
        ]  # fmt: skip
        with transaction.atomic():
            issue_invoices(organization=organization, orders=orders, now=NOW, by=None)


@dataclass(frozen=True)
class Figure:
    """One line of the table. goal: what it should be; met: whether it is. floor: of the same unit, if there is one."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    goal: str = ""
    met: bool | None = None
    note: str = ""


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call, begun with the garbage of earlier ones collected; its own is part of its time."""
    gc.collect()
    began = perf_counter()
    work()
    return perf_counter() - began
