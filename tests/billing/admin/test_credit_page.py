"""Applying credit that lies unused, by a strategy or by hand."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.models import Allocation, CreditItem, Customer, Invoice
from billing.office import clock
from tests import builders
from tests.console_desk import Desk, desk, plain

DAY = timedelta(days=1)


@pytest.fixture
def today() -> date:
    return clock.now().date()


@pytest.fixture
def org(db, today):
    return builders.organization(zone="UTC")


@pytest.fixture
def ada(org):
    return builders.customer(org, code="C1", name="Ada Lovelace", email="ada@example.com")


@pytest.fixture
def clerk(org) -> Desk:
    return desk(org, "clerk")


def late(payer: Customer, today: date, amount: str, days: int, **details) -> Invoice:
    """An invoice this many days overdue."""
    return builders.invoice(payer, amount, issued_on=today - 90 * DAY, due_on=today - days * DAY, **details)


def pay(payer: Customer, today: date, amount: str, **details):
    return builders.pay(payer, amount, received_on=details.pop("received_on", today), now=clock.now(), **details)


def _hidden(answer) -> dict[str, str]:
    import re

    text = answer.content.decode()
    return {name: re.findall(f'name="{name}" value="([^"]*)"', text)[0] for name in ("seen", "planned")}


def test_R117_credit_is_applied_as_the_preview_showed(org, ada, clerk, today):
    pay(ada, today, "150.00")
    old, young = late(ada, today, "100.00", 50), late(ada, today, "100.00", 10)
    item = CreditItem.objects.get()
    page = clerk.get(f"credits/{item.pk}/apply/")
    assert "Apply US$150.00" in plain(page)
    clerk.post(f"credits/{item.pk}/apply/", step="save", strategy="fifo", **_hidden(page))
    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.open_amount, young.open_amount) == (Decimal(0), Decimal(50))


def test_looking_at_the_preview_changes_nothing(org, ada, clerk, today):
    pay(ada, today, "150.00")
    invoice = late(ada, today, "100.00", 50)
    item = CreditItem.objects.get()
    clerk.get(f"credits/{item.pk}/apply/")
    clerk.post(f"credits/{item.pk}/apply/", 200, step="preview", strategy="fifo")
    invoice.refresh_from_db()
    assert invoice.open_amount == Decimal(100) and not Allocation.objects.exists()


def test_R120_credit_is_applied_by_hand(org, ada, clerk, today):
    pay(ada, today, "150.00")
    late(ada, today, "100.00", 50)
    young = late(ada, today, "100.00", 10)
    item = CreditItem.objects.get()
    typed = {"strategy": "manual", f"apply-{young.pk}": "30"}
    shown = clerk.post(f"credits/{item.pk}/apply/", 200, step="preview", **typed)
    assert "left as credit US$120.00" in plain(shown)
    clerk.post(f"credits/{item.pk}/apply/", step="save", **typed, **_hidden(shown))
    young.refresh_from_db()
    assert young.open_amount == Decimal(70)


def test_a_second_click_applies_nothing_more(org, ada, clerk, today):
    pay(ada, today, "150.00")
    young = late(ada, today, "100.00", 10)
    item = CreditItem.objects.get()
    typed = {"strategy": "manual", f"apply-{young.pk}": "30"}
    hidden = _hidden(clerk.post(f"credits/{item.pk}/apply/", 200, step="preview", **typed))
    clerk.post(f"credits/{item.pk}/apply/", step="save", **typed, **hidden)
    again = clerk.post(f"credits/{item.pk}/apply/", 422, step="save", **typed, **hidden)
    assert "sent twice" in plain(again)
    assert Allocation.objects.count() == 1


def test_a_distribution_changed_after_the_preview_is_shown_once_more(org, ada, clerk, today):
    pay(ada, today, "150.00")
    young = late(ada, today, "100.00", 10)
    item = CreditItem.objects.get()
    hidden = _hidden(clerk.get(f"credits/{item.pk}/apply/"))
    answer = clerk.post(
        f"credits/{item.pk}/apply/", 422, step="save", strategy="manual", **{f"apply-{young.pk}": "30"}, **hidden
    )
    assert "Look at it once more" in plain(answer) and 'value="30"' in answer.content.decode()
    assert not Allocation.objects.exists()


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [("100.01", "has 100.00 left"), ("0", "must be more than 0"), ("abc", "plain digits"), ("-3", "more than 0")],
)
def test_R120_a_wrong_amount_is_refused_beside_its_invoice(org, ada, clerk, today, amount, sentence):
    pay(ada, today, "150.00")
    young = late(ada, today, "100.00", 10)
    item = CreditItem.objects.get()
    name = f"apply-{young.pk}"
    answer = clerk.post(f"credits/{item.pk}/apply/", 422, step="preview", strategy="manual", **{name: amount})
    assert sentence in plain(answer)
    assert f'id="error_{name}"' in answer.content.decode() and f'value="{amount}"' in answer.content.decode()


def test_credit_of_another_organization_is_not_found(org, ada, today):
    pay(ada, today, "150.00")
    item = CreditItem.objects.get()
    stranger = desk(builders.organization(), "supervisor")
    for path in ("", "apply/", "reallocate/"):
        stranger.get(f"credits/{item.pk}/{path}", 404)
