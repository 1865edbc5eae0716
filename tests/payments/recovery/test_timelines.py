"""One timeline: failed charges, decisions and coming tries; reminders heed them (requirements §3 row 19, R176)."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest

from billing.models import DunningCase, DunningStep, Invoice
from billing.services.chasing.running import chase
from payments.tasks import charge_due as charge_job
from payments.tasks import retry_due as retry_job
from tests import builders
from tests.console_desk import desk
from tests.payments.recovery.cast import School, decision, left, states, told

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)
EMPTY = "202"


def chased(place: School, invoice: Invoice) -> str:
    """Why reminders wait, after today's run."""
    chase(now=place.now, organization=place.org)
    held: str = DunningCase.objects.values_list("held_because", flat=True).get(invoice=invoice)
    return held


def reminders(invoice: Invoice) -> list[str]:
    steps = DunningStep.objects.filter(case__invoice=invoice, outcome="done").order_by("pk")
    return [step for step in steps.values_list("step", flat=True) if not step.startswith("late_fee")]


@pytest.fixture
def failing(place: School) -> Any:
    for key, value in (("dunning.fresh_hours", 0), ("recovery.retry_hours", "24 72 168")):
        builders.policy(place.org, key, value)
    ada = place.family()
    card = place.method(ada)
    place.decline(card, EMPTY)
    return ada, card, place.bill(ada)


def test_the_page_tells_failures_decisions_and_what_comes(place: School, failing: Any) -> None:
    *_rest, due = failing
    place.charge()
    text = desk(place.org, "clerk").see(f"timelines/{due.pk}/")
    assert "charge of US$90.00 to Visa •••1111 failed" in text and "There was not enough money on it." in text
    assert "next charge, to Visa •••1111, at 11" in text
    assert "The rules allow 3 further tries with it; this is number 1." in text


def test_no_reminder_goes_out_the_day_before_a_planned_try(place: School, failing: Any) -> None:
    *_rest, due = failing
    place.charge()
    place.pass_time(hours=14)  # the day after the due day: the first reminder would go
    assert (chased(place, due), reminders(due)) == ("retry_planned", [])
    place.pass_time(hours=10)
    place.retry()  # declined; the next is in two days, the 15th
    place.pass_time(days=1)
    assert (chased(place, due), reminders(due)) == ("retry_planned", [])
    place.pass_time(days=1)
    place.retry()  # declined; the next is in four days
    place.pass_time(days=1)
    assert (chased(place, due), reminders(due)) == ("", ["level_1"])


def test_30_nothing_is_chased_while_a_charge_is_being_confirmed(place: School, failing: Any) -> None:
    _ada, card, due = failing
    place.decline(card, "")
    place.desks["precisepay"].nmi.faults.add("drop_after", path="transact", body="type=sale")
    place.charge()
    place.pass_time(days=3)
    assert (chased(place, due), reminders(due)) == ("charge_confirmed", [])
    place.ask()
    chase(now=place.now, organization=place.org)
    assert (left(due), reminders(due)) == (D(0), [])


def test_who_is_charged_by_themselves_is_not_asked_to_pay_before(place: School, failing: Any) -> None:
    ada, card, _due = failing
    soon = place.bill(ada, "70.00", due=3)
    assert (chased(place, soon), reminders(soon)) == ("autopay", [])
    card.state, card.place = "disabled", 0
    card.save(update_fields=["state", "place"])
    place.pass_time(days=1)
    assert (chased(place, soon), reminders(soon)) == ("", ["before_3"])


def test_a_try_comes_the_day_before_service_stops(place: School, failing: Any) -> None:
    """Suspended after five days; the third day's slot may move two days, but not past the day before."""
    for key, value in (("dunning.suspend_days", 5), ("dunning.grace_days", 0)):
        builders.policy(place.org, key, value)
    *_rest, due = failing
    chased(place, due)
    place.charge()
    place.pass_time(days=1)
    place.retry()
    found = decision(due)
    assert found.try_at is not None
    assert place.org.today(found.try_at) < due.due_on + 5 * DAY
    assert "before_escalation" in [one["code"] for one in found.because]


class TestNotices:
    def at_the_hour(self, place: School) -> None:
        place.pass_time(minutes=35 - place.now.minute)

    def test_R176_a_charge_is_told_before_once(self, place: School) -> None:
        ada = place.family()
        place.method(ada)
        due = place.bill(ada, due=3)
        later = place.bill(ada, "80.00", due=4)
        self.at_the_hour(place)
        charge_job(place.now)
        charge_job(place.now)
        letter = told("charge_coming")
        assert len(letter) == 1
        assert "on 15 Mar 2026 we charge US$90.00" in letter[0].body and due.number in letter[0].body
        place.pass_time(days=1)
        charge_job(place.now)
        assert [later.number in one.body for one in told("charge_coming")] == [False, True]

    def test_nobody_is_told_who_turned_it_off_or_has_no_method(self, place: School) -> None:
        ada = place.family()
        place.bill(ada, due=2)
        place.method(ben := place.family("Ben"))
        place.bill(ben, due=2, under=place.agreement(ben, collects_itself=False))
        builders.policy(place.org, "autopay.notice_days", 0)
        self.at_the_hour(place)
        charge_job(place.now)
        assert told("charge_coming") == []


def test_R52_R62_the_jobs_of_the_minute_do_it_all(place: School, failing: Any) -> None:
    _ada, card, due = failing
    charge_job(place.now)
    assert states(due) == ["declined"]
    place.decline(card, "")
    place.pass_time(days=1)
    charge_job(place.now)
    retry_job(place.now)
    assert (states(due), left(due)) == (["declined", "succeeded"], D(0))
