"""Marking lessons at the console: looked at first, recorded whole, corrected with a reason, read from a file."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import Agreement, Attendance, Charge, LessonCredit
from billing.office.models import AuditEntry, Organization
from tests import agreements
from tests.agreements import lessons
from tests.assertions import assert_books_whole, reread
from tests.billing.teaching.desk import YESTERDAY, package, period, seat, tell
from tests.builders import NOW, customer, organization, policy
from tests.console_desk import Desk, desk, plain

pytestmark = pytest.mark.django_db
D = Decimal
DAY = "lessons/?on=2026-03-11"


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def org() -> Organization:
    made = organization()
    policy(made, "lessons.no_show_percent", "50")
    return made


@pytest.fixture
def clerk(org: Organization) -> Desk:
    return desk(org, "clerk")


@pytest.fixture
def anna(org: Organization) -> Agreement:
    return lessons(customer(org))


class TestList:
    def test_a_day_with_who_sits_where_and_what_is_untold(self, clerk: Desk, anna: Agreement) -> None:
        seat(anna)
        tell(seat(anna, YESTERDAY - timedelta(days=1)), "attended")
        page = clerk.see(DAY)
        assert "Piano 16:00 · 30 minutes" in page
        assert "Anna" in page
        assert "not told yet" in page
        assert "No lesson in this time" in clerk.see("lessons/?on=2026-03-01")
        assert "Correct" in clerk.see("lessons/?on=2026-03-10")
        assert clerk.see("lessons/?on=2026-03-11&view=week").count("Piano") >= 2  # Sunday 8 to Saturday 14 March
        assert "Everything of this time was told" in clerk.see("lessons/?on=2026-03-10&untold=1")
        assert "There is no 30 February 2026." in clerk.see("lessons/?on=2026-02-30")

    def test_R85_what_it_costs_is_shown_before_anything_is_recorded(self, clerk: Desk, anna: Agreement) -> None:
        first, second = seat(anna), seat(anna)
        marks = {f"status-{first.pk}": "attended", f"status-{second.pk}": "no_show"}
        page = plain(clerk.post(DAY, status=200, step="preview", **marks))
        assert "US$20.00 · next bill" in page
        assert "The student did not come, so 50 percent is charged." in page
        assert "Record 2 places (US$60.00)" in page  # 40.00 + 40.00 × 0.5
        assert (Attendance.objects.count(), Charge.objects.count()) == (0, 0)
        assert "2 places were recorded." in clerk.follow(DAY, step="save", **marks)
        assert sum(Charge.objects.values_list("net_amount", flat=True)) == D("60.00")
        assert (
            AuditEntry.objects.filter(
                table_name="billing_attendance", actor__startswith=f"user:{clerk.user.pk} "
            ).count()
            == 2
        )
        assert_books_whole()

    def test_all_others_attended_marks_what_has_begun(self, clerk: Desk, anna: Agreement) -> None:
        missed, other = seat(anna), seat(anna)
        seat(anna, NOW + timedelta(hours=3))
        page = clerk.post(DAY, status=200, step="others", **{f"status-{missed.pk}": "no_show"})
        assert "Record 2 places (US$60.00)" in plain(page)
        assert f'name="status-{other.pk}" value="attended" data-key="a" checked' in page.content.decode()
        page = plain(clerk.post("lessons/?on=2026-03-12", status=200, step="others"))
        assert "Mark at least one student first." in page

    def test_trouble_stands_at_its_seat_and_nothing_is_recorded(self, clerk: Desk, anna: Agreement) -> None:
        good, bad = seat(anna), seat(anna)
        marks = {
            f"status-{good.pk}": "attended", f"status-{bad.pk}": "student_cancelled", f"notice-{bad.pk}": "soon",
        }  # fmt: skip
        for step in ("preview", "save"):
            page = clerk.post(DAY, status=422, step=step, **marks)
            assert "Anna: Write the notice in hours, for example 24 or 23.5." in plain(page)
            assert 'value="soon"' in page.content.decode()
        assert Attendance.objects.count() == 0

    def test_R85_somebody_was_quicker(self, clerk: Desk, anna: Agreement) -> None:
        place = seat(anna)
        fields = {f"status-{place.pk}": "no_show", f"seen-{place.pk}": "0"}
        tell(place, "attended")
        page = plain(clerk.post(DAY, status=422, step="save", **fields))
        assert "Somebody else has told about Anna in Piano meanwhile: attended. Look again." in page
        assert Attendance.objects.count() == 1


class TestLesson:
    def test_it_tells_how_the_price_came_about_and_what_was_told(self, clerk: Desk, anna: Agreement) -> None:
        place = seat(anna)
        tell(place, "no_show")
        page = clerk.see(f"lessons/{place.lesson_id}/")
        assert "A 30-minute lesson costs US$40.00." in page
        assert "The student did not come, so 50 percent is charged." in page
        assert "US$20.00 · next bill" in page

    def test_R85_a_correction_shows_the_difference_and_needs_its_reason(self, clerk: Desk, anna: Agreement) -> None:
        place = seat(anna)
        first = tell(place, "attended")
        path, key = f"lessons/{place.lesson_id}/", place.pk
        fields = {"seat": key, f"status-{key}": "no_show", f"seen-{key}": first.pk}
        page = plain(clerk.post(path, status=422, step="preview", **fields))
        assert "To correct it, give the reason." in page
        fields[f"reason-{key}"] = "she was ill"
        page = plain(clerk.post(path, status=200, step="preview", **fields))
        assert "Record and charge US$20.00" in page
        assert "Anna was recorded." in clerk.follow(path, step="save", **fields)
        told = Attendance.objects.get(ordinal=2)
        assert (told.reason, told.amount, told.recorded_by) == ("she was ill", D("20.00"), clerk.user)
        assert "she was ill" in clerk.see(path)
        assert_books_whole()

    def test_what_comes_back_is_named(self, clerk: Desk, org: Organization) -> None:
        policy(org, "lessons.credit_kind", "make_up")
        place = seat(period(customer(org)))
        page = plain(clerk.post(
            f"lessons/{place.lesson_id}/", status=200, seat=place.pk, step="preview",
            **{f"status-{place.pk}": "teacher_cancelled"},
        ))  # fmt: skip
        assert "gives back 1 × make-up lesson" in page
        assert "Record, nothing on the bill" in page
        assert LessonCredit.objects.count() == 0

    def test_47_another_organization_is_not_there(self, clerk: Desk) -> None:
        other = seat(lessons(customer(organization())))
        clerk.get(f"lessons/{other.lesson_id}/", status=404)
        assert "No lesson in this time" in clerk.see(DAY)
        own = seat(lessons(customer(clerk.user.memberships.get().organization)))
        clerk.get(f"lessons/{own.lesson_id}/?seat={other.pk}", status=404)


class TestFile:
    HEADER = "lesson_reference,starts_at,minutes,agreement_number,student_code,status\n"

    def load(self, clerk: Desk, text: str, status: int = 200) -> str:
        sent = SimpleUploadedFile("march.csv", text.encode(), content_type="text/csv")
        return plain(clerk.post("lessons/load/", status=status, file=sent))

    def test_R85_the_same_rows_as_the_command_takes(self, clerk: Desk, org: Organization) -> None:
        payer = customer(org)
        lessons(payer, number="A-1", student=agreements.student(payer, code="S-1"))
        rows = "L1,2026-03-11T16:00,30,A-1,S-1,attended\nL2,2026-03-11T17:00,30,A-1,S-1,present\n"
        page = self.load(clerk, self.HEADER + rows)
        assert "Recorded 1 Known already 0 Not taken 1" in page
        assert "Write one of: attended, no_show, student_cancelled, teacher_cancelled." in page
        assert "Recorded 0 Known already 1 Not taken 1" in self.load(clerk, self.HEADER + rows)
        assert Attendance.objects.get().recorded_by == clerk.user
        assert_books_whole()

    def test_a_file_that_is_none_is_refused_whole(self, clerk: Desk) -> None:
        assert "unknown column" in self.load(clerk, "a,b\n1,2\n", status=422)
        assert "Choose a file." in plain(clerk.post("lessons/load/", status=422))


class TestPanels:
    def test_R83_what_is_left_of_the_package_and_until_when(self, clerk: Desk, org: Organization) -> None:
        of = package(customer(org), expires_on=date(2026, 6, 30))
        tell(seat(of), "attended")
        reread(of)
        for path in (f"agreements/{of.pk}/", f"customers/{of.customer_id}/"):
            page = clerk.see(path)
            assert "9 of 10 lessons are left" in page
            assert "good until June 30, 2026" in page or "good until 30 Jun" in page

    def test_credits_with_their_last_day(self, clerk: Desk, org: Organization) -> None:
        policy(org, "lessons.credit_kind", "timed")
        of = period(customer(org))
        tell(seat(of), "teacher_cancelled")
        for path in (f"agreements/{of.pk}/", f"customers/{of.customer_id}/", "billing/lessoncredit/"):
            page = clerk.see(path)
            assert "make-up minutes" in page
            assert "may be used" in page

    def test_nothing_is_shown_where_there_was_never_a_lesson(self, clerk: Desk, org: Organization) -> None:
        assert "Lessons and credits" not in clerk.see(f"customers/{customer(org).pk}/")
        assert "What families got back" in clerk.see("billing/lessoncredit/")


def test_who_may_only_read_sees_and_marks_nothing(org: Organization, anna: Agreement) -> None:
    place = seat(anna)
    reader = desk(org, "accountant")
    assert "Show what it costs" not in reader.see(DAY)
    reader.post(DAY, status=200, step="save", **{f"status-{place.pk}": "attended"})
    reader.post(f"lessons/{place.lesson_id}/", status=200, seat=place.pk, step="save", **{
        f"status-{place.pk}": "attended"
    })  # fmt: skip
    reader.get("lessons/load/", status=403)
    assert Attendance.objects.count() == 0
