"""A teacher looks at lessons and earnings: their own alone, no amounts of families, no cards (R79-R90, R165, R168)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.models import Provider
from billing.office.models import Organization, User
from billing.pages import teaching
from billing.pages.teaching import bars
from billing.rules.earned_formula import formula
from billing.selectors.chasing.tries import CHARGES
from billing.selectors.teaching import Month
from tests import builders
from tests.agreements import lessons, provider
from tests.billing.earning import cast
from tests.builders import NOW, TODAY
from tests.console_desk import plain

DAY = timedelta(days=1)


@dataclass
class Room:
    org: Organization
    tess: Provider
    user: User

    def client(self, user: User | None = None) -> Client:
        client = Client()
        client.force_login(user or self.user)
        return client

    def get(self, path: str, status: int = 200) -> Any:
        answer = self.client().get(path)
        assert answer.status_code == status, plain(answer)[-1500:]
        return answer

    def see(self, path: str) -> str:
        return plain(self.get(path))


@pytest.fixture
def room(db: None) -> Iterator[Room]:
    """Tess, who gets half of a lesson's price, on the day of the tests."""
    with time_machine.travel(NOW, tick=False):
        org = builders.organization()
        user = builders.user(org, "teacher", name="tess")
        yield Room(org, provider(org, "Tess Teacher", user=user), user)


def test_R89_the_lessons_ahead_with_who_comes(room) -> None:
    ada = lessons(builders.customer(room.org), "40.00")
    cast.lesson(room.tess, ada, starts_at=NOW + 14 * DAY)
    cast.lesson(room.tess, lessons(builders.customer(room.org), "40.00"), starts_at=NOW + 15 * DAY)
    cast.lesson(provider(room.org, "Theo"), lessons(builders.customer(room.org), "40.00"), starts_at=NOW + DAY)
    text = room.see("/teacher/")
    assert text.count("30 min") == 1 and ada.student is not None and ada.student.name in text


@pytest.mark.parametrize(
    ("status", "notice", "words"), [("attended", None, "not yet billed"), ("teacher_cancelled", None, "not charged")]
)
def test_R89_each_lesson_says_whether_it_is_paid_for_and_never_how_much(room, status, notice, words) -> None:
    cast.tell(cast.one_lesson(room.tess, "43.21"), status, notice)
    answer = room.get("/teacher/")
    assert words in plain(answer) and "43.21" not in answer.content.decode() and "US$" not in plain(answer)


def test_R89_it_follows_the_bill_from_open_over_being_paid_to_paid(room, monkeypatch) -> None:
    """By the invoice of the period, as the selector of lesson payments finds it."""
    from billing.selectors.lesson_payments import LessonPayment

    seat = cast.one_lesson(room.tess, "40.00")
    cast.tell(seat, "attended")
    for state, words in (("open", "not paid yet"), ("part_paid", "part-paid"), ("paid", "paid")):
        found = {seat.pk: LessonPayment(state, ((7, "INV-7"),))}
        monkeypatch.setattr("billing.selectors.earnings.lesson_payments", lambda org, seats, found=found: found)
        assert words in room.see("/teacher/")
    monkeypatch.setattr(
        "billing.selectors.earnings.lesson_payments", lambda org, seats: {seat.pk: LessonPayment("open", ((7, "I"),))}
    )
    CHARGES.insert(0, lambda keys, now: dict.fromkeys(keys, "charging"))
    try:
        assert "being paid" in room.see("/teacher/")
    finally:
        CHARGES.pop(0)


@pytest.mark.parametrize(
    ("status", "line", "sentence"),
    [
        ("attended", "US$40.00 × 50 % × 100 % = US$20.00", "all of it is earned"),
        ("no_show", "US$40.00 × 50 % × 50 % = US$10.00", "did not come"),
        ("teacher_cancelled", "US$40.00 × 50 % × 25 % = US$5.00", "The teacher cancelled"),
    ],
)  # fmt: skip
def test_R79_R81_every_amount_shows_its_arithmetic(room, status, line, sentence) -> None:
    cast.tell(cast.one_lesson(room.tess, "40.00"), status)
    cast.accrue(room.org)
    text = room.see("/teacher/earnings/")
    assert line in text and sentence in text


def test_of_a_long_month_the_latest_earnings_are_shown(room, monkeypatch) -> None:
    for days in (1, 2, 3):
        cast.tell(cast.one_lesson(room.tess, starts_at=NOW - timedelta(days=days)), "attended")
    cast.accrue(room.org)
    more = "There were more; the latest are shown."
    monkeypatch.setattr(teaching, "MOST_EARNINGS", 3)
    text = room.see("/teacher/earnings/")
    assert text.count("Why this amount?") == 3 and more not in text
    monkeypatch.setattr(teaching, "MOST_EARNINGS", 2)
    text = room.see("/teacher/earnings/")
    assert text.count("Why this amount?") == 2 and more in text


def test_R84_a_group_lesson_is_shared_in_the_arithmetic(room) -> None:
    cast.rate(room.tess, "earnings.lesson_pay", "30.00")
    for seat in cast.lesson(room.tess, *(lessons(builders.customer(room.org), "40.00") for _n in range(3))):
        cast.tell(seat, "attended")
    cast.accrue(room.org)
    assert room.see("/teacher/earnings/").count("US$30.00 ÷ 3 × 100 % = US$10.00") == 3


def test_R85_a_correction_is_told_by_its_sentences(room) -> None:
    seat = cast.one_lesson(room.tess, "40.00")
    cast.tell(seat, "attended")
    cast.accrue(room.org)
    cast.tell(seat, "no_show", now=NOW)
    cast.accrue(room.org)
    text = room.see("/teacher/earnings/")
    assert "US$20.00 was earned before; the difference is −US$10.00." in text


def test_R89_what_is_to_come_in_a_payout_and_paid_out(room) -> None:
    builders.policy(room.org, "earnings.payout_minimum", "25")
    cast.tell(cast.one_lesson(room.tess, "40.00"), "attended")
    cast.accrue(room.org)
    assert "Less than US$25.00 is not paid out" in room.see("/teacher/earnings/")
    cast.tell(cast.one_lesson(room.tess, "40.00"), "attended")
    cast.accrue(room.org)
    assert "US$40.00 goes into the next payout." in room.see("/teacher/earnings/")
    batch = cast.prepare(room.org)
    assert "US$40.00 is in a payout that is being prepared." in room.see("/teacher/earnings/")
    maker, checker = builders.user(room.org, "school_admin"), builders.user(room.org, "finance_manager")
    cast.pay_out(cast.approve(batch, maker, checker))
    text = room.see("/teacher/earnings/")
    assert "All that you earned is paid out." in text and batch.number in text and "ACH 77" in text
    assert "paid out on 12 Mar 2026" in text and "Paid out by year 2026 US$40.00" in text


def test_R90_an_agent_sees_commissions_by_the_invoice_paid(room) -> None:
    login = builders.user(room.org, "teacher")
    agent = cast.agent(room.org, user=login)
    builders.policy(room.org, "commissions.first_year_percent", "15")
    bill = cast.premium(cast.policy_of(agent), "200.00")
    builders.pay(bill.customer, "200.00")
    cast.accrue(room.org)
    text = plain(room.client(login).get("/teacher/earnings/"))
    assert bill.number in text and "US$200.00 × 15 % = US$30.00" in text and "How the lessons went" not in text


def test_R165_the_trend_has_a_bar_and_a_row_a_month(room) -> None:
    cast.tell(cast.one_lesson(room.tess, "40.00"), "attended")
    cast.accrue(room.org)
    html = room.get("/teacher/earnings/").content.decode()
    assert html.count("<rect ") == 12 and "style=" not in html and "<script" not in html
    text = room.see("/teacher/earnings/")
    assert "As a table" in text and "Students came" in text and "100.0 %" in text


def test_R165_bars_are_in_proportion_and_what_was_taken_back_has_none() -> None:
    drawn = bars([Month(date(2026, n, 1), D(amount), 1) for n, amount in enumerate((100, 50, -20, 0), 1)])["bars"]
    assert [bar["height"] for bar in drawn] == [134, 67, 0, 0]
    assert bars([Month(TODAY, D(0), 0)])["bars"][0]["height"] == 0


def test_R89_a_derivation_without_arithmetic_has_no_line() -> None:
    assert formula([{"code": "pay_corrected"}, {"code": "pay_share"}], D(1), "USD") == ""
    assert formula([], D(1), "USD") == ""


def test_R168_another_teachers_lesson_and_pay_are_nowhere(room) -> None:
    theo = provider(room.org, "Theo", user=builders.user(room.org, "teacher"))
    cast.tell(cast.one_lesson(theo, "66.00"), "attended")
    cast.accrue(room.org)
    for path in ("/teacher/", "/teacher/earnings/"):
        text = room.see(path)
        assert "33.00" not in text and "Piano" not in text


def test_R168_a_school_at_a_time_and_only_where_they_serve(room) -> None:
    other = builders.organization("brio2", name="Brio")
    far = provider(other, "Tess", user=room.user)
    cast.tell(cast.one_lesson(far, "80.00"), "attended")
    cast.accrue(other)
    assert "40.00" in room.see("/teacher/earnings/?school=brio2")
    assert "US$40.00" not in room.see(f"/teacher/earnings/?school={room.org.code}")
    third = builders.organization("third")
    for path in ("/teacher/", "/teacher/earnings/"):
        for asked in (f"?school={third.code}", "?school=x%27--", "?month=2026-13", "?month=2099-01", "?month=x"):
            room.get(path + asked, 404)
    Provider.objects.filter(pk=far.pk).update(is_active=False)
    room.get("/teacher/?school=brio2", 404)


def test_R168_who_is_no_teacher_finds_nothing_and_who_is_not_signed_in_is_asked_to(room) -> None:
    payer = builders.customer(room.org, "Mei")
    mei = builders.user(name="mei")
    payer.users.add(mei)
    for path in ("/teacher/", "/teacher/earnings/"):
        for user in (mei, builders.user(room.org, "clerk")):
            assert room.client(user).get(path).status_code == 404
        assert Client().get(path).status_code == 302
    assert room.client().get("/family/refunds/").status_code == 200  # nothing of theirs is there
    assert room.client().get("/family/refunds/1/").status_code == 404


def test_the_pages_stay_within_twenty_queries(room) -> None:
    for _n in range(3):
        cast.tell(cast.one_lesson(room.tess, "40.00"), "attended")
    cast.accrue(room.org)
    cast.paid_out_to(room.org)
    client = room.client()
    for path in ("/teacher/", "/teacher/earnings/"):
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        assert len(seen) <= 20, (path, [query["sql"][:90] for query in seen])
