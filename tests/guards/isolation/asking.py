"""Somebody who asks, and all that the answer tells them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import quote

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import Provider
from billing.office import clock
from billing.office.api_clients import open_client
from billing.office.models import Membership
from billing.office.models.user import STAFF_ROLES, Role
from tests import builders as b
from tests.config.console.cast import person, signed_in
from tests.guards.isolation.records import School

# What is drawn by lot for each page, and keys of rows that were made and taken back.
CHANCE = re.compile(
    r"""(csrfmiddlewaretoken"? value=|request_key" value=|name="key" value=|"token": ?|nonce=)"[^"]*(?=")"""
)
MADE = re.compile(r"\d+")


@dataclass(frozen=True)
class Answer:
    """What somebody who asks can tell apart. queries: the questions to the database, in order, without their values."""

    status: int
    place: str
    text: str
    queries: tuple[str, ...]


Ask = Callable[[str, str, Any], Any]


def answer(ask: Ask, method: str, path: str, fields: Any = None, names: Sequence[str] = ()) -> Answer:
    """Ask, and take back whatever that did. What breaks on the way was found: status 500.

    names: what is told by the answer only because it was asked.
    """
    connection.queries_log.clear()  # it keeps 9,000, of which the oldest would be counted as new
    with transaction.atomic(), CaptureQueriesContext(connection) as queries:
        try:
            with transaction.atomic():
                response = ask(method, path, fields)
                status, place = response.status_code, response.headers.get("Location", "")
                text = "" if response.streaming else response.content.decode(errors="replace")
        except Exception as broken:
            status, place, text = 500, "", repr(broken)
        transaction.set_rollback(True)
    for own in (path, quote(path), quote(path, safe=""), *names):
        place, text = place.replace(own, "ADDRESS"), text.replace(own, "ADDRESS")
    asked = tuple(re.sub(r"'[^']*'|\d+", "?", query["sql"]) for query in queries)
    place = MADE.sub("#", place) if method != "get" else place
    return Answer(status, place, CHANCE.sub(r'\1"', text), asked)


def asking(client: Client) -> Ask:
    """Every time as if for the first time: what an answer did to the cookies is forgotten."""
    cookies = {name: cookie.value for name, cookie in client.cookies.items()}

    def ask(method: str, path: str, fields: Any) -> Any:
        client.cookies = SimpleCookie(cookies)
        return client.get(path) if method == "get" else getattr(client, method)(path, fields)

    return ask


def browser(user: Any) -> Ask:
    return asking(signed_in(user))


def browser_of(school: School, role: str) -> Ask:
    return asking(person(school.org, role))


def program(school: School, role: str) -> Ask:
    """Another system with a token."""
    with transaction.atomic():
        _client, token = open_client(
            organization=school.org, name=role, role=role, expires_at=None, by=school.boss, now=clock.now()
        )
    headers = {"authorization": f"Bearer {token}", "idempotency-key": "probe"}
    client = Client()

    def ask(method: str, path: str, fields: Any) -> Any:
        if method == "get":
            return client.get(path, headers=headers)
        return getattr(client, method)(path, fields or {}, headers=headers, content_type="application/json")

    return ask


def all_staff(school: School) -> Ask:
    """Somebody with every role at once, which nobody is given: opens every screen."""
    user = b.user()
    Membership.objects.bulk_create(
        Membership(user=user, organization=school.org, role=role) for role in sorted(STAFF_ROLES)
    )
    return asking(signed_in(user, school.org))


def linked(customer: Any) -> Any:
    user = b.user()
    customer.users.add(user)
    return user


def family_of(school: School) -> Ask:
    return browser(school.parent)


def teacher_of(school: School) -> Ask:
    teacher = b.user(school.org, Role.TEACHER)
    provider = school.row(Provider)
    if provider.user_id is None:
        Provider.objects.filter(pk=provider.pk).update(user=teacher)
    return browser(teacher)


def unlike(one: Answer, other: Answer) -> str:
    """The first thing in which two answers differ."""
    return next((name for name in Answer.__annotations__ if getattr(one, name) != getattr(other, name)), "")
