"""Signing in and paying with the keyboard alone: Tab, Space, the arrows and Enter."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from billing.models import Customer
from billing.office import clock
from payments.models import Payment
from tests import builders
from tests.billing.pages.accounts.cast import PASSWORD
from tests.browser.keys import reach
from tests.browser.visitor import Visitor
from tests.payments.gateways.precisepay.desk import MASTERCARD
from tests.payments.recovery.cast import School, school


@pytest.fixture
def place(transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[School]:
    with school(monkeypatch, settings, frozen_at=clock.now()) as made:
        yield made.open()


@pytest.fixture
def mei(place: School) -> Customer:
    """Owes 240.00 and 90.00, and has two cards."""
    family, today = place.family("Lin Family", email="mei@example.org"), place.org.today(place.now)
    family.users.add(builders.user(place.org, "parent", name="mei@example.org"))
    place.method(family)
    place.method(family, number=MASTERCARD)
    for amount in ("240.00", "90.00"):
        builders.invoice(family, amount, issued_on=today - timedelta(days=9), due_on=today)
    return family


def test_signs_in_and_pays_one_of_two_invoices_with_the_other_card(visit: Any, size: str, mei: Customer) -> None:
    visitor: Visitor = visit(None, size)
    page = visitor.go("/sign-in/")
    keys = page.keyboard
    reach(page, "E-mail or user name")
    keys.type("mei@example.org")
    reach(page, "Password")
    keys.type(PASSWORD)
    keys.press("Enter")
    page.wait_for_url("**/family/")
    reach(page, "Skip to the content")
    keys.press("Enter")
    reach(page, "Pay US$330.00")
    keys.press("Enter")
    page.wait_for_url("**/family/pay/**")
    reach(page, "US$90.00")
    keys.press("Space")
    visitor.see("Together")
    reach(page, "Visa")
    keys.press("ArrowDown")
    reach(page, "Look at it once more")
    keys.press("Enter")
    visitor.see("Pay US$240.00")
    reach(page, "Pay US$240.00")
    keys.press("Enter")
    visitor.see("Paid")
    payment = Payment.objects.get(customer=mei)
    assert (str(payment.amount), payment.attempt.method.brand) == ("240.00", "Mastercard")
