"""POST attendance/ and GET lessons/: told once, priced at once, refused whole (R85)."""

from decimal import Decimal
from typing import Any

import pytest
import time_machine

from billing.models import Agreement, Attendance, Charge, Lesson
from tests import agreements, builders
from tests.agreements import lessons
from tests.assertions import assert_books_whole
from tests.billing.api.caller import Caller
from tests.builders import NOW
from tests.conftest import RunInThreads

pytestmark = pytest.mark.django_db
ATTENDANCE, LESSONS = "/api/v1/attendance/", "/api/v1/lessons/"
D = Decimal


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def caller() -> Caller:
    return Caller(builders.organization(), "clerk")


@pytest.fixture
def anna(caller: Caller) -> Agreement:
    payer = builders.customer(caller.organization)
    return lessons(payer, number="A-1", student=agreements.student(payer, code="S-1"))


def told(lesson: str = "L1", status: str = "attended", **more: Any) -> dict[str, Any]:
    body = {
        "lesson": lesson, "starts_at": "2026-03-11T16:00:00-04:00", "minutes": 30, "title": "Piano",
        "agreement": "A-1", "student": "S-1", "status": status, **more,
    }  # fmt: skip
    return {name: value for name, value in body.items() if value is not None}


def post(caller: Caller, *reports: dict[str, Any], key: str = "k-1") -> Any:
    return caller.call("POST", ATTENDANCE, {"reports": list(reports)}, headers={"Idempotency-Key": key})


class TestRecording:
    def test_R85_it_prices_and_settles_and_says_how(self, caller: Caller, anna: Agreement) -> None:
        builders.policy(caller.organization, "lessons.no_show_percent", "50")
        got = post(caller, told(), told("L2", "student_cancelled", cancelled_at="2026-03-10T17:00:00-04:00"))
        assert got.status_code == 201
        first, second = got.json()["attendance"]
        assert first == {
            "lesson": "L1", "agreement": "A-1", "student": "S-1", "status": "attended", "notice_hours": None,
            "paid_by": "charge", "amount": "40.00", "currency": "USD", "corrects": False, "new": True,
            "explanation": ["A 30-minute lesson costs US$40.00.", "It was attended, so it is charged in full."],
        }  # fmt: skip
        assert (second["notice_hours"], second["amount"]) == ("23.00", "20.00")  # 40.00 × 0.5
        assert [charge.net_amount for charge in Charge.objects.order_by("id")] == [D("40.00"), D("20.00")]
        assert_books_whole()

    def test_R85_the_same_request_twice_is_one(self, caller: Caller, anna: Agreement) -> None:
        first, again = post(caller, told()), post(caller, told())
        assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
        assert post(caller, told(), key="k-2").json()["attendance"][0]["new"] is False
        assert (Attendance.objects.count(), Charge.objects.count()) == (1, 1)
        got = post(caller, told(status="no_show"))
        assert (got.status_code, got.json()["code"]) == (422, "key_reused")

    def test_R85_a_correction_needs_its_reason(self, caller: Caller, anna: Agreement) -> None:
        post(caller, told())
        got = post(caller, told(status="teacher_cancelled"), key="k-2")
        assert (got.status_code, got.json()["code"]) == (409, "already_told")
        assert got.json()["errors"][0]["field"] == "reports[0].correction_reason"
        got = post(caller, told(status="teacher_cancelled", correction_reason="wrong lesson"), key="k-3")
        assert (got.status_code, got.json()["attendance"][0]["corrects"]) == (201, True)
        assert Charge.objects.get().state == "cancelled"
        assert_books_whole()

    def test_all_or_nothing_and_every_trouble_named(self, caller: Caller, anna: Agreement) -> None:
        got = post(caller, told(), told("L2", agreement="A-9"), told("L3", student="S-9"))
        assert got.status_code == 400
        assert [error["field"] for error in got.json()["errors"]] == ["reports[1].agreement", "reports[2].student"]
        assert (Lesson.objects.count(), Attendance.objects.count()) == (0, 0)
        got = post(caller, told(), told("L2", "student_cancelled"))
        assert got.json()["errors"][0]["field"] == "reports[1].notice_hours"
        assert (Lesson.objects.count(), Charge.objects.count()) == (0, 0)

    @pytest.mark.parametrize(
        ("spoilt", "field"),
        [
            ({"minutes": "30"}, "minutes"), ({"minutes": 0}, "minutes"), ({"minutes": True}, "minutes"),
            ({"status": "present"}, "status"), ({"starts_at": "2026-03-08T02:30"}, "starts_at"),
            ({"starts_at": None}, "starts_at"), ({"notice_hours": 24}, "notice_hours"),
            ({"group": "yes"}, "group"), ({"price": "1.00"}, "price"), ({"notice_hours": "-1"}, "notice_hours"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_is_refused_by_name(
        self, spoilt: dict[str, Any], field: str, caller: Caller, anna: Agreement
    ) -> None:
        got = post(caller, told(**spoilt))
        assert got.status_code == 400
        assert got.json()["errors"][0]["field"] == f"reports[0].{field}"
        assert Attendance.objects.count() == 0

    def test_a_key_is_needed_and_the_right_to_record(self, caller: Caller, anna: Agreement) -> None:
        got = caller.call("POST", ATTENDANCE, {"reports": [told()]})
        assert (got.status_code, got.json()["code"]) == (400, "key_required")
        reader = Caller(caller.organization, "accountant")
        assert post(reader, told()).status_code == 403

    def test_47_another_organization_is_not_there(self, caller: Caller, anna: Agreement) -> None:
        other = Caller(builders.organization(), "clerk")
        got = post(other, told())
        assert (got.status_code, got.json()["errors"][0]["code"]) == (400, "unknown")

    def test_R85_two_at_once_tell_it_once(self, caller: Caller, anna: Agreement, run_in_threads: RunInThreads) -> None:
        outcomes = run_in_threads(lambda index: post(caller, told(), key=f"t-{index}").status_code, 2)
        assert (sorted(outcomes.results), outcomes.errors) == ([201, 201], [])
        assert (Lesson.objects.count(), Attendance.objects.count(), Charge.objects.count()) == (1, 1, 1)
        assert_books_whole()


class TestLessons:
    def test_lessons_of_a_day_where_the_organization_is(self, caller: Caller, anna: Agreement) -> None:
        post(
            caller, told("L1", starts_at="2026-03-10T23:30:00-04:00"), told("L2", starts_at="2026-03-11T00:00:00-04:00")
        )
        got = caller.call("GET", f"{LESSONS}?from=2026-03-10&to=2026-03-10").json()
        assert got["count"] == 1
        assert got["results"][0] == {
            "lesson": "L1", "title": "Piano", "starts_at": "2026-03-11T03:30:00Z", "minutes": 30, "group": False,
            "teacher": None,
            "seats": [{"agreement": "A-1", "student": "S-1", "student_name": "Anna", "status": "attended"}],
        }  # fmt: skip

    def test_filters_and_what_is_told_last(self, caller: Caller, anna: Agreement) -> None:
        post(caller, told(), told("L2", starts_at="2026-03-11T18:00:00-04:00"))
        post(caller, told(status="no_show", correction_reason="mixed up"), key="k-2")
        path = f"{LESSONS}?from=2026-03-01&to=2026-03-31"
        found = caller.call("GET", f"{path}&student=S-1&agreement=A-1").json()["results"]
        assert [lesson["seats"][0]["status"] for lesson in found] == ["no_show", "attended"]
        assert caller.call("GET", f"{path}&teacher=T-1").json()["count"] == 0
        assert caller.call("GET", f"{path}&colour=red").status_code == 400
        assert caller.call("GET", f"{LESSONS}?from=2026-03-01").status_code == 400
