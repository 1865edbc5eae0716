"""What happens to agreements by the day alone (R54), and the future of many computed anew (R55)."""

import csv
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.db import OperationalError, transaction
from psycopg.errors import LockNotAvailable

from billing.errors import DomainError
from billing.models import Agreement, AgreementChange, ScheduleRegeneration
from billing.services.plans import regenerating, tending
from billing.services.plans.changing import NewTerms, change_terms
from billing.services.plans.ending import cancel_agreement, extend_agreement
from billing.services.plans.regenerating import (
    carry_on_regeneration,
    preview_regeneration,
    regenerate_chosen,
    start_regeneration,
)
from billing.services.plans.resting import pause_agreement
from billing.services.plans.tending import end_those_over, over, tend_everywhere
from billing.tasks import tend_agreements
from tests.agreements import plan
from tests.assertions import assert_books_whole, reread
from tests.billing.plans.desk import amounts, bill, done, enrolled, rows
from tests.builders import NOW, TODAY, customer, organization, policy
from tests.commands import run
from tests.conftest import RunInThreads

pytestmark = pytest.mark.django_db


def on(day: str) -> datetime:
    return datetime.fromisoformat(f"{day}T15:00:00+00:00")


def test_R55_terms_begin_on_their_day(ada, org, piano) -> None:
    one = enrolled(ada, piano)
    other = plan(org, "240.00", frequency="quarterly")
    done(change_terms, agreement=one, new=NewTerms(date(2026, 6, 1), other, "quarterly"), reason="asked")
    assert tend_everywhere(now=on("2026-05-31")) == 0
    reread(one)
    assert (one.plan, one.frequency) == (piano, "monthly")
    tend_everywhere(now=on("2026-06-01"))
    reread(one)
    assert (one.plan, one.frequency) == (other, "quarterly")
    assert tend_everywhere(now=on("2026-06-01")) == 0
    assert_books_whole()


def test_pauses_begin_and_end_on_their_days(ada, piano) -> None:
    one = enrolled(ada, piano, ends_on=date(2027, 3, 31))
    done(pause_agreement, agreement=one, kind="vacation", from_on=date(2026, 5, 1), until_on=date(2026, 5, 10),
         reason="away")  # fmt: skip
    states = []
    for day in ("2026-04-30", "2026-05-01", "2026-05-10", "2026-05-11"):
        tend_everywhere(now=on(day))
        reread(one)
        states.append(one.state)
    assert states == ["active", "paused", "paused", "active"]
    assert [c.kind for c in one.changes.all()[:2]] == ["resumed", "paused"]


def test_R54_schedules_without_an_end_reach_on(ada, piano) -> None:
    one = enrolled(ada, piano)
    assert rows(one)[-1].split()[1] == "2027-04-01..2027-04-30"
    assert tend_everywhere(now=on("2026-04-30")) == 0
    assert tend_everywhere(now=on("2026-05-01")) == 1
    assert rows(one)[-1].split()[1] == "2027-05-01..2027-05-31"
    (change,) = one.changes.filter(kind="extended")
    assert [row["period_start"] for row in change.difference] == ["2027-05-01"]


def test_an_agreement_ends_when_its_last_day_is_over_and_all_is_billed(ada, ben, piano) -> None:
    kept = enrolled(ada, piano, ends_on=date(2026, 5, 31))
    left = enrolled(ben, piano, ends_on=date(2026, 9, 30))
    done(cancel_agreement, agreement=left, last_on=date(2026, 5, 31), reason="moves away")
    for one in (kept, left):
        bill(one, 1)
    assert tend_everywhere(now=on("2026-06-01")) == 0  # May is not billed yet
    for one in (kept, left):
        bill(one, 2)
    assert tend_everywhere(now=on("2026-05-31")) == 0
    assert tend_everywhere(now=on("2026-06-01")) == 2
    reread(kept, left)
    assert (kept.state, left.state, kept.state_since) == ("ended", "cancelled", date(2026, 5, 31))
    assert_books_whole()


def test_what_was_extended_or_planned_again_meanwhile_does_not_end(ada, ben, piano) -> None:
    """A worker found both over; before it locks them, one is extended and a period of the other is planned again."""
    longer, planned = (enrolled(payer, piano, ends_on=date(2026, 4, 30)) for payer in (ada, ben))
    for one in (longer, planned):
        bill(one, 1)
    now = on("2026-05-01")
    assert over(longer.organization, date(2026, 5, 1)) == [longer.pk, planned.pk]
    done(extend_agreement, agreement=longer, ends_on=date(2026, 5, 31), reason="stays", now=now)
    planned.installments.update(state="planned")
    with transaction.atomic():
        end_those_over(organization=longer.organization, agreement_ids=[longer.pk, planned.pk], now=now)
    reread(longer, planned)
    assert (longer.state, planned.state) == ("active", "active")


def test_what_the_family_cancelled_and_then_extended_has_ended(ada, piano) -> None:
    one = enrolled(ada, piano, ends_on=date(2026, 4, 30))
    done(cancel_agreement, agreement=one, last_on=date(2026, 4, 29), reason="moves away")
    done(extend_agreement, agreement=one, ends_on=date(2026, 4, 30), reason="stays")
    bill(one, 1)
    tend_everywhere(now=on("2026-05-01"))
    reread(one)
    assert one.state == "ended"


def test_a_lock_that_does_not_come_keeps_no_other_organization_waiting(ada, monkeypatch) -> None:
    other = organization()
    for payer in (ada, customer(other)):
        enrolled(payer, plan(payer.organization))
    begin = tending.reach_on

    def busy(*, organization, **details) -> None:
        if organization == ada.organization:
            raise OperationalError("canceling statement due to lock timeout") from LockNotAvailable()
        begin(organization=organization, **details)

    monkeypatch.setattr(tending, "reach_on", busy)
    assert tend_everywhere(now=on("2026-05-01")) == 1


@pytest.fixture
def ben(org):
    return customer(org, "Ben")


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        ("America/New_York", datetime(2026, 6, 1, 3, 59, tzinfo=UTC), datetime(2026, 6, 1, 4, 0, tzinfo=UTC)),
        ("Asia/Taipei", datetime(2026, 5, 31, 15, 59, tzinfo=UTC), datetime(2026, 5, 31, 16, 0, tzinfo=UTC)),
        ("Asia/Kolkata", datetime(2026, 5, 31, 18, 29, tzinfo=UTC), datetime(2026, 5, 31, 18, 30, tzinfo=UTC)),
    ],
)
def test_the_day_turns_at_midnight_of_the_organization(zone: str, before: datetime, after: datetime) -> None:
    org = organization(zone=zone)
    one = enrolled(customer(org), plan(org), ends_on=date(2026, 5, 31))
    bill(one, 1, 2)
    assert tend_everywhere(now=before) == 0
    assert tend_everywhere(now=after) == 1
    reread(one)
    assert one.state == "ended"


def test_the_job_comes_every_quarter_of_an_hour(ada, piano) -> None:
    enrolled(ada, piano)
    assert tend_agreements(on("2026-05-01").replace(minute=7)) == 0
    assert tend_agreements(on("2026-05-01").replace(minute=15)) == 1


@pytest.fixture
def three(org, piano) -> list[Agreement]:
    return [enrolled(customer(org), piano, ends_on=date(2026, 5, 31)) for _n in range(3)]


def regenerate(org, key: str = "one") -> ScheduleRegeneration:
    return done(start_regeneration, organization=org, reason="due later", request_key=key)


def test_R55_all_are_computed_anew_in_chunks_and_killed_ones_go_on(org, three, monkeypatch) -> None:
    monkeypatch.setattr(regenerating, "CHUNK", 2)
    policy(org, "agreements.due_days", 5)
    shown = preview_regeneration(org, TODAY)
    assert (shown.agreements, shown.changed, len(shown.rows[0][1])) == (3, 3, 2)
    assert not AgreementChange.objects.filter(kind="regenerated").exists()
    begun = regenerate(org)
    assert regenerating._next_chunk(begun.pk, NOW)  # the first two, then the process is killed
    assert AgreementChange.objects.filter(regeneration=begun).count() == 2
    again = carry_on_regeneration(regeneration=regenerate(org), now=NOW)
    assert (again.pk, again.looked_at, again.changed, again.finished_at) == (begun.pk, 3, 3, NOW)
    assert [row.split()[3] for row in rows(three[0])] == ["2026-04-06", "2026-05-06"]
    assert carry_on_regeneration(regeneration=regenerate(org, "two"), now=NOW).changed == 0
    with pytest.raises(DomainError):
        done(start_regeneration, organization=org, reason=" ", request_key="three")


def test_some_are_computed_anew(org, three) -> None:
    policy(org, "agreements.due_days", 5)
    ids = [three[0].pk, three[1].pk]
    for _n in range(2):
        made = done(regenerate_chosen, organization=org, agreement_ids=ids, reason="these", request_key="some")
    assert (made.looked_at, made.changed, ScheduleRegeneration.objects.count()) == (2, 2, 1)
    with pytest.raises(DomainError):
        done(regenerate_chosen, organization=org, agreement_ids=range(501), reason="many", request_key="many")


def test_the_command_writes_the_list_of_differences(org, three, tmp_path: Path) -> None:
    policy(org, "agreements.due_days", 5)
    file = tmp_path / "list.csv"
    with time_machine.travel(NOW, tick=False):
        ran = run("regenerate_schedules", "--organization", org.code, "--reason", "due later", "--out", file)
    assert (ran.code, ran.out.strip()) == (0, "3 agreements looked at, 3 changed.")
    found = list(csv.DictReader(StringIO(file.read_text())))
    assert len(found) == 6
    assert (found[0]["agreement"], found[0]["period_start"], found[0]["due_was"], found[0]["due_on"]) == (
        three[0].number, "2026-04-01", "2026-04-01", "2026-04-06",
    )  # fmt: skip
    assert (found[0]["was"], found[0]["is"]) == ("90.00", "90.00")


def test_the_command_takes_some_agreements_only(org, three) -> None:
    policy(org, "agreements.due_days", 5)
    with time_machine.travel(NOW, tick=False):
        ran = run("regenerate_schedules", "--organization", org.code, "--agreement", three[1].number)
        assert (ran.code, ran.out.strip()) == (0, "1 agreements looked at, 1 changed.")
        assert run("regenerate_schedules", "--organization", org.code, "--agreement", "AGR-0").code == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_a_regeneration(org, piano, run_in_threads: RunInThreads, monkeypatch) -> None:
    monkeypatch.setattr(regenerating, "CHUNK", 2)
    many = [enrolled(customer(org), piano, ends_on=date(2026, 5, 31)) for _n in range(7)]
    policy(org, "agreements.due_days", 5)
    begun = regenerate(org)
    found = run_in_threads(lambda _n: carry_on_regeneration(regeneration=begun, now=NOW).changed, 2)
    assert (found.errors, set(found.results)) == ([], {7})
    assert AgreementChange.objects.filter(kind="regenerated").count() == len(many)
    assert all(amounts(one) == ["90.00", "90.00"] for one in many)
    assert_books_whole()
