"""R157: on its day of the month an organization's statements of the month before are made by themselves, once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import transaction

from billing.models import Customer
from billing.office.models import Notice, Organization
from billing.office.notices import send_due_notices
from config import tasks as ticking
from receipts import tasks
from receipts.models import IssuedPaper, PaperDocument, PaperRun
from receipts.services.monthly import month_due, start_monthly
from receipts.services.paper_making import make_statements
from tests import builders
from tests.assertions import assert_books_whole
from tests.billing.telling.cast import PHONE, carriers, prefer
from tests.conftest import RunInThreads
from tests.console_desk import desk, plain

pytestmark = pytest.mark.django_db
FEBRUARY = (date(2026, 2, 1), date(2026, 2, 28))
FIFTH = datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch, time_machine: Any) -> None:
    monkeypatch.setattr("receipts.papers.render.render_pdf", lambda paper: f"%PDF {paper.number}".encode())
    monkeypatch.setattr("receipts.papers.signing.sign", lambda pdf, at: pdf)
    time_machine.move_to(FIFTH, tick=False)


def school(day: str = "5", **details: Any) -> Organization:
    org = builders.organization(zone=details.pop("zone", "UTC"), **details)
    builders.policy(org, "statements.day", day)
    return org


def billed(org: Organization, name: str, **details: Any) -> Customer:
    made = builders.customer(org, name, **details)
    builders.invoice(made, "120.00", issued_on=date(2026, 2, 12))
    return made


def run_jobs(now: datetime = FIFTH) -> int:
    done = tasks.start_monthly_statements(now)
    make_statements(seconds=20)
    return done


def test_R157_those_of_the_month_before_are_made_and_kept_once() -> None:
    org = school()
    ada, ben = billed(org, "Ada"), billed(org, "Ben")
    builders.customer(org, "Cleo")
    assert run_jobs() == 1
    run = PaperRun.objects.get()
    assert (run.state, run.period_start, run.period_end, run.started_by) == ("done", *FEBRUARY, None)
    assert set(IssuedPaper.objects.values_list("customer", flat=True)) == {ada.pk, ben.pk}
    made = PaperDocument.objects.count()
    assert [run_jobs(FIFTH + timedelta(minutes=5 * n)) for n in range(3)] == [0, 0, 0]
    assert (PaperRun.objects.count(), PaperDocument.objects.count(), made) == (1, 2, 2)
    assert_books_whole()


@pytest.mark.parametrize(
    ("day", "now", "month"),
    [
        ("5", FIFTH - MINUTE, None), ("5", FIFTH, FEBRUARY), ("5", FIFTH + timedelta(days=2, hours=19), FEBRUARY),
        ("5", datetime(2026, 3, 8, tzinfo=UTC), None), ("6", FIFTH, None), ("0", FIFTH, None),
        ("1", datetime(2026, 1, 1, 4, tzinfo=UTC), (date(2025, 12, 1), date(2025, 12, 31))),
        ("28", datetime(2026, 2, 28, 4, tzinfo=UTC), (date(2026, 1, 1), date(2026, 1, 31))),
        ("28", datetime(2026, 3, 2, 23, tzinfo=UTC), (date(2026, 1, 1), date(2026, 1, 31))),
        ("28", datetime(2026, 3, 3, 0, tzinfo=UTC), None),
    ],
)  # fmt: skip
def test_the_day_begins_at_four_and_is_caught_up_with_for_three(day, now, month) -> None:
    assert month_due(school(day), now) == month


def test_the_day_is_the_organizations_own() -> None:
    taipei = school(zone="Asia/Taipei")
    assert month_due(taipei, datetime(2026, 3, 4, 20, tzinfo=UTC)) == FEBRUARY
    assert month_due(taipei, datetime(2026, 3, 4, 19, 59, tzinfo=UTC)) is None


def test_it_is_off_unless_a_day_is_set_and_only_a_day_can_be() -> None:
    org = builders.organization(zone="UTC")
    billed(org, "Ada")
    assert (run_jobs(), PaperRun.objects.count()) == (0, 0)
    for value in ("29", "-1", "x", ""):
        with pytest.raises(Exception, match="is not one of"), transaction.atomic():
            builders.policy(org, "statements.day", value)
    assert "start_monthly_statements" in dict(ticking.JOBS)


def test_where_nobody_moved_nothing_is_started() -> None:
    builders.customer(school(), "Ada")
    assert (run_jobs(), PaperRun.objects.count()) == (0, 0)


def test_R175_families_are_told_once_by_the_way_they_chose() -> None:
    org = school()
    billed(org, "Ada", email="ada@example.org")
    ben = billed(org, "Ben")
    prefer(ben, phone=PHONE)
    billed(org, "Cleo")
    dov = billed(org, "Dov", email="dov@example.org")
    prefer(dov, topics={"payments": []})
    noon = FIFTH + timedelta(hours=8)
    with carriers() as at:
        for _twice in range(2):
            run_jobs()
            send_due_notices(noon)
        (sms,) = at.sms.messages.values()
    (sent,) = mail.outbox
    paper = IssuedPaper.objects.get(customer__name="Ada")
    assert sent.to == ["ada@example.org"] and paper.number in sent.body and len(sent.attachments) == 1
    assert "1 Feb 2026 to 28 Feb 2026" in sms.body and sms.body.endswith("/family/papers/")
    assert set(Notice.objects.values_list("kind", "state", "channel")) == {
        ("statement_ready", "sent", "email"), ("statement_ready", "sent", "sms"),
        ("statement_ready", "withheld", "email"),
    }  # fmt: skip
    assert_books_whole()


def test_an_organization_may_make_them_and_tell_nobody() -> None:
    org = school()
    builders.policy(org, "statements.tell", False)
    billed(org, "Ada", email="ada@example.org")
    run_jobs()
    assert (IssuedPaper.objects.count(), Notice.objects.count()) == (1, 0)


class TestAcross:
    """One family statement for a login with accounts in several organizations."""

    @pytest.fixture
    def mei(self) -> Any:
        first, second = school(name="Allegro"), builders.organization(zone="UTC", name="Vivace")
        user = builders.user(name="mei")
        for org in (first, second):
            billed(org, "Mei").users.add(user)
        alone = builders.user(name="ada")
        billed(first, "Ada").users.add(alone)
        return user

    def test_R157_it_is_made_once_for_each_login_and_month(self, mei) -> None:
        assert [run_jobs() for _n in range(3)] == [2, 0, 0]
        paper = IssuedPaper.objects.get(kind="family")
        assert (paper.user, paper.organization, paper.period_start, paper.period_end) == (mei, None, *FEBRUARY)
        assert {block["school"]["name"] for block in paper.content["facts"]["blocks"]} == {"Allegro", "Vivace"}
        assert paper.document.size > 0 and PaperRun.objects.count() == 1
        assert_books_whole()

    def test_what_changes_afterwards_makes_no_other(self, mei) -> None:
        run_jobs()
        builders.invoice(Customer.objects.filter(users=mei).latest("pk"), "30.00", issued_on=date(2026, 2, 20))
        run_jobs()
        assert IssuedPaper.objects.filter(kind="family").count() == 1

    def test_no_organization_is_told_of_the_others(self, mei) -> None:
        Customer.objects.filter(users=mei).update(email="mei@example.org")
        run_jobs()
        assert not Notice.objects.filter(attachment__endswith=f":{IssuedPaper.objects.get(kind='family').pk}").exists()

    def test_where_none_of_them_has_a_day_none_is_made(self, mei) -> None:
        for org in Organization.objects.all():
            builders.policy(org, "statements.day", "0")
        assert (run_jobs(), IssuedPaper.objects.count()) == (0, 0)

    def test_where_the_month_is_not_over_yet_it_waits(self, mei, time_machine: Any) -> None:
        ahead = datetime(2026, 3, 1, 4, tzinfo=UTC)
        Organization.objects.filter(name="Vivace").update(time_zone="Pacific/Honolulu")
        builders.policy(Organization.objects.get(name="Allegro"), "statements.day", "1")
        time_machine.move_to(ahead, tick=False)
        run_jobs(ahead)
        assert IssuedPaper.objects.filter(kind="family").count() == 0  # 28 February there still
        time_machine.move_to(ahead + timedelta(hours=6), tick=False)
        run_jobs(ahead + timedelta(hours=6))
        assert IssuedPaper.objects.filter(kind="family").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_start_it_once(run_in_threads: RunInThreads) -> None:
    org = school()
    billed(org, "Ada")
    done = run_in_threads(lambda _n: start_monthly(months={org.pk: FEBRUARY}, now=FIFTH), 4)
    assert done.errors == [] and PaperRun.objects.count() == 1


def test_the_office_sees_that_it_came_by_itself() -> None:
    org = school()
    billed(org, "Ada")
    run_jobs()
    clerk = desk(org, "clerk")
    assert "by itself, each month" in plain(clerk.get("paper-runs/"))
    text = plain(clerk.get(f"paper-runs/{PaperRun.objects.get().pk}/"))
    assert "by itself, each month" in text and "families are told" in text
