"""The console's screens by the axe: those of the URL table that a supervisor, a manager or finance sees.

One of each template; with EVERY_SCREEN=1 all of them, which takes minutes.
"""

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import reverse

from tests.browser.shelf import Reader
from tests.config.console.cast import person
from tests.guards.isolation.addresses import Address, addresses, plain_routes
from tests.guards.isolation.records import School

EVERY = bool(os.environ.get("EVERY_SCREEN"))
ROLES = ("supervisor", "manager", "finance_manager")
MENU = "#nav-sidebar-inner"  # the same on every screen: looked at by day and by night, once each
# Tables of the console, each kind alike: the end of the address tells which.
ALIKE = re.compile(r"^console/\w+/\w+/(|add/|export/|import/|<path:object_id>/(change|history|delete)/)$")
# A skeleton lacks what these read; they are looked at where they are made.
NEEDS_A_BODY = {
    "console/reconciliations/frozen/<int:pk>/", "console/matching-rules/<int:pk>/",
    "console/refunds/<int:pk>/receipt/page/", "console/customers/<int:pk>/data/<int:export>/file/",
}  # fmt: skip


@dataclass(frozen=True)
class Screen:
    """answer: in English for the light of day, in Chinese for the dark."""

    route: str
    path: str
    answer: Any
    is_night: bool


@pytest.fixture
def screens(transactional_db: None) -> Iterator[list[Screen]]:
    """Words of scripts first. Taken back before they are looked at: a transaction does not stay open for minutes."""
    logging.disable(logging.CRITICAL)  # many are asked who may not
    with transaction.atomic():
        found = list(chosen(School("heron", ahead=3)))
        transaction.set_rollback(True)
    yield found
    logging.disable(logging.NOTSET)


def test_the_screens_of_the_console(screens: list[Screen], request: pytest.FixtureRequest) -> None:
    """The browser starts when all is answered: beside its event loop no paper could be signed."""
    words, *screens = screens
    reader, wrong = Reader(request.getfixturevalue("browser"), "desk"), list[str]()
    reader.beside[words.path] = words.answer
    for place, screen in enumerate(screens):
        if screen.answer.status_code != 200:
            wrong.append(f"{screen.route}: {screen.answer.status_code}; if a skeleton is not enough, say so above")
            continue
        reader.page.emulate_media(color_scheme="dark" if screen.is_night else "light")
        reader.read(screen.path, screen.answer)
        reader.picture(f"console-{re.sub(r'[^a-z0-9]+', '-', screen.path).strip('-')}")
        wrong += [f"{screen.route}: {what}" for what in reader.faults(besides=MENU if place > 1 else "")]
    assert not wrong, "\n".join(wrong)
    assert len(screens) > 90
    reader.leave()


def chosen(school: School) -> Iterator[Screen]:
    people, seen = [person(school.org, role) for role in ROLES], set[str]()
    for client in people:
        client.raise_request_exception = False
    words = reverse("admin:jsi18n")
    yield Screen("", words, people[0].get(words), False)
    for route, path in paths(school):
        kind = f"table {table[1]}" if (table := ALIKE.match(route)) else ""
        if kind in seen and not EVERY:
            continue
        client, answer = seen_by(people, path)
        if answer is not None and answer.status_code == 500:
            yield Screen(route, path, answer, False)
            continue
        if answer is None or ((name := kind or str(answer.templates[0].name)) in seen and not EVERY):
            continue
        is_night = len(seen) % 2 == 1
        seen.add(name if not EVERY else route)
        yield Screen(route, path, in_chinese(client, path) if is_night else answer, is_night)


def paths(school: School) -> list[tuple[str, str]]:
    plain = [(route, f"/{route}") for route in plain_routes() if route.startswith("console/")]
    return plain + [(one.route, school.path(one)) for one in addresses() if is_screen(one)]


def is_screen(address: Address) -> bool:
    return bool(address.record) and address.route.startswith("console/") and address.route not in NEEDS_A_BODY


def seen_by(people: list[Client], path: str) -> tuple[Client, Any]:
    """Who sees a page there, and the page; None if nobody does."""
    for client in people:
        answer = client.get(path)
        if answer.status_code == 500:
            return client, answer
        if answer.status_code == 200 and b"<html" in getattr(answer, "content", b""):  # not what a script asks for
            return client, answer
    return people[0], None


def in_chinese(client: Client, path: str) -> Any:
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hant"
    answer = client.get(path)
    del client.cookies[settings.LANGUAGE_COOKIE_NAME]
    return answer
