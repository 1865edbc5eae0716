"""What families and teachers wait for, with a hundred thousand invoices in the database: every page, as a browser asks.

The floor is the same process answering /healthz: what a request costs that asks the database next to nothing.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from billing.models import Customer, Invoice
from billing.office.models import User
from tests.benchmarks.ground import Figure, analyze, bill, make_organization, median, percentile, seconds
from tests.benchmarks.scatter import scatter, scatter_customers
from tests.benchmarks.teaching import make_teacher

INVOICES, CUSTOMERS, OF_FAMILY = 100_000, 5_000, 60
ASKED = 60
P95_MS, QUERIES, BYTES = 200, 20, 100_000
ROOMS = ("family/", "account/", "teacher/")
LINKED = re.compile(r'(?:href|src)="/static/([^"?]+\.(?:css|js|svg))')


def run() -> list[Figure]:
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, "testserver"]
    organization = make_organization("pages")
    customers = scatter_customers(organization, CUSTOMERS)
    scatter(organization, customers[:-1], INVOICES, organization.today(_now()), paid_percent=80)
    bill(organization, customers[-1:], OF_FAMILY)
    parent = User.objects.create(username="parent")
    family = Customer.objects.get(pk=customers[-1])
    family.users.add(parent)
    teacher = _signed_in(make_teacher(organization, _now()))
    analyze()
    client = _signed_in(parent)
    floor = median(_times(client, reverse("healthz"))) * 1000
    return [
        figure for path in _paths(family)
        for figure in _figures(teacher if path.startswith("/teacher/") else client, path, floor)
    ]  # fmt: skip


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _now() -> Any:
    from billing.office import clock

    return clock.now()


def _paths(family: Customer) -> Iterator[str]:
    """Every page of the rooms that needs no key, and one of each kind that does."""
    yield from sorted(f"/{path}" for path in _plain(get_resolver()) if path.startswith(ROOMS))
    yield reverse("family_invoice", args=[Invoice.objects.filter(customer=family).latest("pk").pk])


def _plain(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        path = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _plain(one, path)
        elif isinstance(one, URLPattern) and "<" not in path and "sign-out" not in path:
            yield path


def _times(client: Client, path: str) -> list[float]:
    """The first, which fills caches as a process's first does, is left out."""
    return [seconds(lambda: client.get(path)) for _turn in range(ASKED)][1:]


def _figures(client: Client, path: str, floor: float) -> Iterator[Figure]:
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    asked = len(queries)  # now: the next request forgets them
    if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
        return  # a page that only takes what is posted, or leads on; a file
    times = _times(client, path)
    p95, size = percentile(times, 0.95) * 1000, len(answer.content) + _linked(answer.content.decode())
    note = f"median {median(times) * 1000:.0f} ms, {asked} queries, {size / 1000:.0f} kB with styles and scripts"
    met = p95 <= P95_MS and asked <= QUERIES and size <= BYTES
    goal = f"≤ {P95_MS} ms, {QUERIES} queries, {BYTES // 1000} kB"
    yield Figure(f"{path}, p95", p95, "ms", floor=floor, ratio=p95 / floor, goal=goal, met=met, note=note)


def _linked(page: str) -> int:
    """Bytes of what the page brings along, before they are compressed."""
    found = (finders.find(name) for name in set(LINKED.findall(page)))
    return sum(len(open(place, "rb").read()) for place in found if place)
