"""Every page for people outside the office, found in the URL table: a new one is looked at without a line here.

English by day and Chinese by night, by the axe and by the Tab key, in a hand and on a desk.
"""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser

from billing.models import Customer
from tests.browser.everything import Everything
from tests.browser.keys import walk
from tests.browser.shelf import Reader
from tests.guards.isolation.addresses import addresses, plain_routes
from tests.payments.recovery.cast import school

ELSEWHERE = ("console/", "api/", "webhooks/")
# What is asked for besides, where a page says only with it what it is there for.
ASKED = {"family/disputes/new/": "invoice", "family/refunds/new/": "payment"}
# Addresses that answer no page, with the reason; who answers posts alone is known by its answer.
NO_PAGE = {
    "": "leads home", "healthz": "for machines", "readyz": "for machines",
    "family/pay/back/<slug:configuration>/": "leads to how the payment stands",
    "teacher/papers/month/": "a file", "teacher/papers/year/": "a file",
    "family/refunds/<int:pk>/documents/<int:document_pk>/": "a file",
    "family/disputes/<int:pk>/documents/<int:document_pk>/": "a file",
    "family/data/<int:pk>/file/": "a file", "family/receipts/<int:pk>.pdf": "a file",
    "family/refunds/<int:pk>/receipt/": "a file", "family/papers/<int:pk>/paper.pdf": "a file",
    "family/papers/receipts/<int:pk>/paper.pdf": "a file", "family/papers/refunds/<int:pk>/paper.pdf": "a file",
}  # fmt: skip


@pytest.fixture
def house(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Everything]:
    with school(monkeypatch, settings) as made:
        house = Everything(made.open())
        logging.disable(logging.CRITICAL)  # many are asked who may not
        yield house
        logging.disable(logging.NOTSET)


def test_every_page_outside_the_office(browser: Browser, house: Everything) -> None:
    reader = Reader(browser, "phone")
    wrong: list[str] = []
    for route, path in paths(house):
        who, answer = seen_by(house, path)
        if answer is None:
            if not is_posted_to(house, path):
                wrong.append(f"{route}: a page for nobody; say why in NO_PAGE, or make what it shows")
            continue
        wrong += [f"{route} ({who}): {what}" for what in look(reader, route, path, answer, house.people[who], house)]
    assert not wrong, "\n".join(wrong)
    reader.leave()


def paths(house: Everything) -> list[tuple[str, str]]:
    """(route, path) of all that may be a page."""
    known = {"invoice": house.bill.pk, "payment": house.paid.payment.pk}
    found = [(route, f"/{route}" + (f"?{ASKED[route]}={known[ASKED[route]]}" if route in ASKED else ""))
             for route in plain_routes() if route not in NO_PAGE and not route.startswith(ELSEWHERE)]  # fmt: skip
    found += [(one.route, house.path(one)) for one in addresses()
              if one.route not in NO_PAGE and not one.route.startswith(ELSEWHERE)]  # fmt: skip
    return found


def seen_by(house: Everything, path: str) -> tuple[str, Any]:
    """Who sees a page there, and the page."""
    for who, client in house.people.items():
        answer = client.get(path)
        if answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"):
            return who, answer
    return "", None


def is_posted_to(house: Everything, path: str) -> bool:
    return house.people["family"].get(path).status_code == 405


def look(reader: Reader, route: str, path: str, answer: Any, client: Client, house: Everything) -> list[str]:
    """In a hand, English and light; at a desk, Chinese and dark."""
    name = re.sub(r"<\w+:|\W+", "-", route).strip("-")
    reader.page.emulate_media(color_scheme="light")
    reader.turn("phone")
    reader.read(path, answer)
    reader.picture(f"en-{name}")
    wrong = [f"phone: {what}" for what in (*reader.faults(), *walk(reader.page))]
    reader.turn("desk")
    reader.picture(f"en-{name}")
    reader.page.emulate_media(color_scheme="dark")
    reader.read(path, in_chinese(house, client, path))
    reader.picture(f"zh-{name}")
    if reader.page.locator("html").get_attribute("lang") != "zh-Hant":
        wrong.append("not in Chinese")
    return wrong + [f"desk: {what}" for what in (*reader.faults(), *walk(reader.page))]


def in_chinese(house: Everything, client: Client, path: str) -> Any:
    """As the reader asks for it; what a link opens is in the family's own language."""
    ours = Customer.objects.filter(pk=house.ada.pk)
    ours.update(language="zh-hant")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hant"
    answer = client.get(path)
    del client.cookies[settings.LANGUAGE_COOKIE_NAME]
    ours.update(language="en")
    return answer
