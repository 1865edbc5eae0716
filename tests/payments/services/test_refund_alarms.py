"""Managers are told of late refunds, once a level (requirements §2 row 8)."""

from datetime import date, datetime, time

import pytest

from billing.models import Customer
from billing.office.calendar import NeverOpen, add_business_days
from billing.office.models import Notice, Organization
from payments.selectors.refunds import LateRefund, late_refunds
from payments.services import refund_alarms
from payments.services.refund_alarms import alarm_late_refunds
from payments.tasks import alarm_refunds
from tests.builders import TODAY, customer, organization, pay, policy
from tests.payments.refund_cast import Office, ask, office

pytestmark = pytest.mark.django_db


@pytest.fixture
def school() -> Organization:
    return organization("late")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return customer(school, "Ada", email="ada@example.com")


@pytest.fixture
def desk(school: Organization) -> Office:
    return office(school)


def at(school: Organization, days: int, minute: int = 5) -> datetime:
    return datetime.combine(add_business_days(school, TODAY, days), time(12, minute), school.zone)


def told(school: Organization) -> list[str]:
    rows = Notice.objects.filter(organization=school, recipient="managers").order_by("pk")
    return list(rows.values_list("kind", flat=True))


def test_row_8_each_level_is_told_once_however_often_the_job_runs(
    school: Organization, ada: Customer, desk: Office
) -> None:
    refund = ask(pay(ada, 50, method="card", strategy="none").payment, 20, desk.clerk)
    assert (alarm_late_refunds(now=at(school, 5)), told(school)) == (0, [])
    assert (alarm_late_refunds(now=at(school, 6)), told(school)) == (1, ["refund_late"])
    assert alarm_late_refunds(now=at(school, 7)) == 0
    assert (alarm_late_refunds(now=at(school, 15)), alarm_late_refunds(now=at(school, 16))) == (0, 1)
    assert alarm_late_refunds(now=at(school, 31)) == 1
    assert told(school) == ["refund_late", "refund_breach", "refund_overdue"]
    subjects = Notice.objects.filter(recipient="managers").order_by("pk").values_list("subject", flat=True)
    assert subjects[0] == f"Refund {refund.number} is later than was promised"


def test_the_job_looks_once_an_hour(school: Organization, ada: Customer, desk: Office) -> None:
    ask(pay(ada, 50, method="card", strategy="none").payment, 20, desk.clerk)
    assert [alarm_refunds(at(school, 6, minute)) for minute in (4, 5, 6)] == [0, 1, 0]


def test_the_promise_is_the_organizations(school: Organization, ada: Customer, desk: Office) -> None:
    policy(school, "refunds.promise_days", 2)
    ask(pay(ada, 50, method="card", strategy="none").payment, 20, desk.clerk)
    assert [alarm_late_refunds(now=at(school, days)) for days in (2, 3)] == [0, 1]


def test_an_organization_without_a_working_day_keeps_no_other_from_its_alarms(
    school: Organization, ada: Customer, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = organization("closed")
    ask(pay(customer(closed, "Cleo"), 50, method="card", strategy="none").payment, 20, office(closed).clerk)
    ask(pay(ada, 50, method="card", strategy="none").payment, 20, desk.clerk)

    def judged(which: Organization, today: date) -> list[LateRefund]:
        if which == closed:
            raise NeverOpen(day=today)
        return late_refunds(which, today)

    monkeypatch.setattr(refund_alarms, "late_refunds", judged)
    assert (alarm_late_refunds(now=at(school, 6)), told(school), told(closed)) == (1, ["refund_late"], [])
