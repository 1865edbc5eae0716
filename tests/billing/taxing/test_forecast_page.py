"""R162: the forecast at the console: a chart, its table, the file, and what each week is made of."""

from datetime import timedelta

import pytest

from billing.office import clock
from billing.office.models import Organization
from billing.selectors.forecast import week_of
from tests import agreements, builders
from tests.console_desk import Desk, desk, plain


@pytest.fixture
def org(db: None) -> Organization:
    return builders.organization()


@pytest.fixture
def accountant(org: Organization) -> Desk:
    return desk(org, "accountant")


def test_R162_the_weeks_stand_side_by_side_and_each_opens(org, accountant) -> None:
    ada = builders.customer(org, "=Ada")
    today = org.today(clock.now())
    due = week_of(today) + timedelta(days=17)
    one = agreements.agreement(ada)
    agreements.installment(one, "90.00", due_on=due)
    bill = builders.invoice(ada, "100.00", issued_on=today, due_on=due)
    builders.invoice(ada, "5.00", due_on=today - timedelta(days=20), issued_on=today - timedelta(days=30))
    builders.pay(ada, "3.00", now=clock.now(), received_on=today, strategy="none")
    page = accountant.get("forecast/")
    text, html = plain(page), page.content.decode()
    assert "Future payments, total US$192.00" in text and "Past its usual day US$2.00" in text
    assert html.count("<rect") == 21 and 'class="q-bar q-bar-now"' in html and "US$190" in html
    week = due - timedelta(days=3)
    assert f"/console/forecast/{week}/?currency=USD" in html
    seen = accountant.see(f"forecast/{week}/?currency=USD")
    assert f"instalment of {one.number}" in seen and f"invoice {bill.number}" in seen and "Expected US$190.00" in seen
    assert "Received US$3.00" in accountant.see(f"forecast/{week_of(today)}/")
    assert "2.00" in accountant.see("forecast/late/")
    rows = accountant.get("forecast/?format=csv").content.decode("utf-8-sig").splitlines()
    assert rows[0] == "week_from,week_to,currency,received,invoice,installment,charge,cheque,expected"
    assert f"{week},{week + timedelta(days=6)},USD,0.00,100.00,90.00,0.00,0.00,190.00" in rows
    assert "'=Ada" in accountant.get(f"forecast/{week}/?format=csv").content.decode()


def test_an_empty_forecast_says_what_would_be_there(accountant, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(16):
        assert "The weeks will stand side by side here" in accountant.see("forecast/")
    assert "Nothing here." in accountant.see("forecast/late/")


def test_weeks_that_are_none_and_people_who_may_not(org, accountant) -> None:
    for week in ("2026-03-09", "never", "2026-02-30"):
        accountant.get(f"forecast/{week}/", 404)
    assert "Nothing here." in accountant.see("forecast/2026-03-08/?currency=%27%3B--&page=9999999")
    desk(org, "platform_admin").get("forecast/", 403)
