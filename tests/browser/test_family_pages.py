"""The family's home, invoices and history in a real browser: with troubles and without, light and dark, in Chinese."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests import agreements, builders
from tests.payments.recovery.cast import School, decision, school

STATIC = ("", "invoices/", "history/", "history/?show=refunds", "history/?show=failures", "credits/")


@pytest.fixture
def place(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[School]:
    with school(monkeypatch, settings) as made:
        yield made.open()


def test_pages_of_a_family_in_trouble(visit: Any, size: str, place: School) -> None:
    ada, user = place.family(), builders.user(name="ada")
    ada.users.add(user)
    card = place.method(ada, exp_month=3, exp_year=2026)
    place.decline(card, "202")
    anna = place.agreement(ada, student=agreements.student(ada, "Anna"))
    for months in range(3):
        agreements.installment(anna, due_on=place.now.date() + timedelta(days=20 + 30 * months))
    paid = builders.invoice(ada, "60.00", agreement_id=anna.pk)
    taken = builders.pay(ada, "75.00", by_hand=[(paid, "60.00")], strategy="manual", now=place.now)
    due = place.bill(ada, under=anna)
    place.charge()
    visitor = visit(user, size)
    one = (f"invoices/{due.pk}/", f"receipts/{taken.receipt.pk}/", f"retry/{decision(due).pk}/")
    for path in (*STATIC, *one):
        visitor.go(f"/family/{path}")
        visitor.check(f"trouble-{path.replace('/', '-').replace('?', '-')}")
    visitor.page.emulate_media(color_scheme="dark")
    for path in ("", one[0], "history/?show=failures"):
        visitor.go(f"/family/{path}")
        visitor.check(f"dark-{path.replace('/', '-').replace('?', '-')}")


def test_a_family_that_owes_nothing_in_chinese(visit: Any, size: str, place: School) -> None:
    ada, user = place.family(), builders.user(name="ada")
    ada.users.add(user)
    visitor = visit(user, size)
    visitor.go("/family/")
    visitor.press("繁體中文")
    for path in STATIC:
        page = visitor.go(f"/family/{path}")
        assert page.locator("html").get_attribute("lang") == "zh-Hant"
        visitor.check(f"zh-{path.replace('/', '-').replace('?', '-')}")


def test_without_scripts_the_rest_of_the_navigation_opens(visit: Any, place: School, monkeypatch: Any) -> None:
    monkeypatch.setattr("billing.templatetags.navigation.PLACES", 4)
    user = builders.user(name="ada")
    place.family().users.add(user)
    visitor = visit(user, "phone", script=False)
    page = visitor.go("/family/")
    hidden = page.locator(".nav .more").get_by_role("link", name="Ways to pay")
    assert not hidden.is_visible()
    page.locator(".nav summary").click()
    hidden.click()
    page.get_by_role("heading", name="Ways to pay").wait_for()
    assert page.url.endswith("/family/methods/")
