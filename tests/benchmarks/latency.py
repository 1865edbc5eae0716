"""What a clerk waits for, with a hundred thousand invoices in the database: through the door, as a browser asks."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.test import Client
from django.urls import reverse

from billing.models import Customer
from receipts.models import Receipt
from tests.benchmarks.ground import (
    Figure,
    analyze,
    bill,
    make_clerk,
    make_organization,
    median,
    percentile,
    seconds,
)
from tests.benchmarks.scatter import scatter, scatter_customers

INVOICES, CUSTOMERS = 100_000, 5_000
ASKED = 100


def run() -> list[Figure]:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    organization = make_organization("latency")
    clerk = make_clerk(organization)
    customers = scatter_customers(organization, CUSTOMERS)
    today = organization.today(_now())
    scatter(organization, customers[:-ASKED], INVOICES, today, paid_percent=80)
    bill(organization, customers[-ASKED:], 3)
    analyze()
    client = Client()
    client.force_login(clerk, backend="django.contrib.auth.backends.ModelBackend")
    codes = iter(Customer.objects.filter(pk__in=customers[-ASKED:]).values_list("code", flat=True))
    forms = [_form(code, today) for code in codes]
    previewed = _times(lambda form: client.post(reverse("admin:receive-preview"), form), iter(forms))
    entered = _times(lambda form: client.post(reverse("admin:receive-save"), form), iter(forms))
    receipts = iter(Receipt.objects.filter(organization=organization).values_list("pk", flat=True)[: ASKED // 3])
    printed = _times(lambda pk: client.get(reverse("admin:receipt-pdf", args=[pk])), receipts)
    return [
        _figure("payment entry, HTTP", entered, 500),
        _figure("allocation preview, HTTP", previewed, 1000),
        _figure("receipt PDF, HTTP", printed, 1000),
    ]


def _now() -> Any:
    from billing.office import clock

    return clock.now()


def _form(code: str, today: Any) -> dict[str, str]:
    return {
        "customer": code, "amount": "180.00", "method": "cash", "received_on": today.isoformat(), "strategy": "fifo",
        "payer_name": "", "request_key": str(uuid4()), "delivery": "print",
    }  # fmt: skip


def _times(ask: Callable[[Any], Any], each: Iterator[Any]) -> list[float]:
    """Seconds of every request; the first, which fills caches as a process's first does, is left out."""
    found = []
    for one in each:
        answers: list[Any] = []
        found.append(seconds(lambda: answers.append(ask(one))))  # noqa: B023
        assert answers[0].status_code == 200, f"{answers[0].status_code}: {answers[0].content[:400]!r}"
    return found[1:]


def _figure(name: str, times: list[float], goal_ms: int) -> Figure:
    p95 = percentile(times, 0.95) * 1000
    return Figure(f"{name}, p95", p95, "ms", goal=f"≤ {goal_ms} ms", met=p95 <= goal_ms,
                  note=f"median {median(times) * 1000:.0f} ms, {INVOICES:,} invoices")  # fmt: skip
