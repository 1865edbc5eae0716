"""load_attendance: what lands, what is refused and how it is said; loaded twice it adds nothing (R85)."""

from decimal import Decimal
from pathlib import Path

import pytest

from billing.models import Agreement, Attendance, Charge, Lesson, LessonSeat
from billing.office.models import AuditEntry, Organization
from tests import agreements, builders
from tests.agreements import lessons
from tests.assertions import assert_books_whole
from tests.billing.teaching.desk import correct
from tests.commands import Ran, read_csv, run, write_csv

HEADER = (
    "lesson_reference,starts_at,minutes,title,teacher_code,agreement_number,student_code,status,cancelled_at,"
    "notice_hours,correction_reason"
)
D = Decimal


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("school")


@pytest.fixture
def anna(school: Organization) -> Agreement:
    payer = builders.customer(school)
    return lessons(payer, number="A-1", student=agreements.student(payer, code="S-1"))


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.management.commands.load_attendance.now", lambda: builders.NOW)


def load(path: Path, *more: object) -> Ran:
    return run("load_attendance", path, "--organization", "school", *more)


def row(
    reference: str, status: str = "attended", *, on: str = "2026-03-10T16:00", minutes: str = "30", teacher: str = "",
    agreement: str = "A-1", student: str = "S-1", cancelled: str = "", hours: str = "", reason: str = "",
) -> str:  # fmt: skip
    words = (reference, on, minutes, "Piano", teacher, agreement, student, status, cancelled, hours, reason)
    return ",".join(words)


def test_R85_lessons_seats_and_attendance_land(anna: Agreement, tmp_path: Path) -> None:
    agreements.provider(anna.organization, code="T-1")
    path = write_csv(
        tmp_path / "a.csv", HEADER,
        row("L1", teacher="T-1"),
        row("L2", "No-show"),
        row("L3", "student_cancelled", cancelled="2026-03-09T16:00"),  # 24 hours before: in time
        row("L4", "student_cancelled", hours="23.99"),
        row("L5", "", on="2026-03-20T16:00-04:00"),  # the timetable only
    )  # fmt: skip
    ran = load(path)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("seats: 4 new, 1 known already, 0 changed, not taken, 0 refused; ")
    told = Attendance.objects.order_by("id").values_list("status", "paid_by", "notice_hours", "source")
    assert list(told) == [
        ("attended", "charge", None, "file"), ("no_show", "charge", None, "file"),
        ("student_cancelled", "none", D("24.00"), "file"), ("student_cancelled", "charge", D("23.99"), "file"),
    ]  # fmt: skip
    first = Lesson.objects.get(reference="L1")
    assert (first.provider.code if first.provider else "", first.starts_at.isoformat()) == (
        "T-1", "2026-03-10T20:00:00+00:00",
    )  # fmt: skip
    assert AuditEntry.objects.filter(table_name="billing_attendance", origin="command load_attendance").count() == 4
    assert_books_whole()


def test_R85_a_file_loaded_twice_adds_nothing_and_undoes_no_correction(anna: Agreement, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", HEADER, row("L1"), row("L2", "no_show"))
    load(path)
    correct(LessonSeat.objects.get(lesson__reference="L1"), "no_show")
    ran = load(path)
    assert ran.out.startswith("seats: 0 new, 2 known already")
    assert (Attendance.objects.count(), Charge.objects.filter(state="unbilled").count()) == (3, 2)
    assert Attendance.objects.filter(replaced_by__isnull=True, status="attended").count() == 0
    assert_books_whole()


def test_R85_another_status_needs_a_reason_and_then_corrects_once(anna: Agreement, tmp_path: Path) -> None:
    load(write_csv(tmp_path / "a.csv", HEADER, row("L1")))
    ran = load(write_csv(tmp_path / "b.csv", HEADER, row("L1", "teacher_cancelled")))
    assert (ran.code, "give the reason" in ran.err) == (2, True)
    path = write_csv(tmp_path / "c.csv", HEADER, row("L1", "teacher_cancelled", reason="wrong lesson"))
    assert [load(path).code for _ in range(2)] == [0, 0]
    assert list(Attendance.objects.values_list("status", "reason")) == [
        ("attended", ""), ("teacher_cancelled", "wrong lesson"),
    ]  # fmt: skip
    assert Charge.objects.get().state == "cancelled"
    assert_books_whole()


BAD_ROWS = {
    "2026-03-08T02:30": ("starts_at", "does not exist"),  # clocks went forward
    "2025-11-02T01:30": ("starts_at", "happened twice"),
    "tomorrow": ("starts_at", "Write the time"),
}


@pytest.mark.parametrize(("moment", "why"), BAD_ROWS.items())
def test_R78_a_time_that_is_none_is_refused(moment: str, why: tuple[str, str], anna: Agreement, tmp_path: Path) -> None:
    ran = load(write_csv(tmp_path / "a.csv", HEADER, row("L1", on=moment)))
    assert ran.code == 2
    assert all(word in ran.err for word in why)


def test_bad_rows_go_to_the_errors_file_and_keep_no_other_out(anna: Agreement, tmp_path: Path) -> None:
    other = lessons(builders.customer(anna.organization), number="A-2")
    path = write_csv(
        tmp_path / "a.csv", HEADER,
        row("L1", "present"),
        row("L2", agreement="A-9"),
        row("L3", student="S-9"),
        row("L4", agreement="A-2"),
        row("L5", teacher="T-9"),
        row("L6", minutes="0"),
        row("L7", "student_cancelled"),
        row("L8", "student_cancelled", hours="3", cancelled="2026-03-09T16:00"),
        row("L9", hours="-1"),
        row("L10", on="2026-03-13T16:00"),
        row("L11"),
        row("L11", "no_show"),
        row("L12", "attended", hours="2"),
    )  # fmt: skip
    errors = tmp_path / "errors.csv"
    ran = load(path, "--errors", errors)
    assert ran.code == 2
    why = {line["lesson_reference"]: line["reason"] for line in read_csv(errors.read_text())}
    assert set(why) == {*(f"L{n}" for n in range(1, 13))}
    expected = {
        "L1": "attended, no_show", "L2": "A-9 is not known", "L3": "S-9 is not known", "L4": "another student",
        "L5": "T-9 is not known", "L6": "1 to 600 minutes", "L7": "how long before", "L8": "not both",
        "L9": "Write the notice", "L10": "has not begun", "L11": "told of twice", "L12": "has no notice",
    }  # fmt: skip
    assert {key: why[key] for key, words in expected.items() if words not in why[key]} == {}
    assert Attendance.objects.get().seat.lesson.reference == "L11"
    assert other.seats.count() == 0
    assert_books_whole()


def test_a_lesson_that_was_told_of_keeps_its_time(anna: Agreement, tmp_path: Path) -> None:
    load(write_csv(tmp_path / "a.csv", HEADER, row("L1"), row("L2", "")))
    moved = write_csv(tmp_path / "b.csv", HEADER, row("L1", on="2026-03-10T17:00"), row("L2", "", minutes="45"))
    ran = load(moved)
    assert (ran.code, "its time stays as it was" in ran.err) == (2, True)
    assert Lesson.objects.get(reference="L2").minutes == 45
    assert Lesson.objects.get(reference="L1").starts_at.isoformat() == "2026-03-10T20:00:00+00:00"


def test_R84_a_group_is_priced_for_each_by_itself(school: Organization, tmp_path: Path) -> None:
    builders.policy(school, "lessons.group_discount_percent", "25")
    builders.policy(school, "lessons.no_show_percent", "50")
    rows = []
    for n, status in enumerate(("attended", "no_show", "student_cancelled"), 1):
        payer = builders.customer(school)
        of = lessons(payer, number=f"A-{n}", student=agreements.student(payer, code=f"S-{n}"))
        of.plan.is_group = True
        of.plan.save(update_fields=["is_group"])
        hours = "30" if status == "student_cancelled" else ""
        rows.append(row("L1", status, agreement=f"A-{n}", student=f"S-{n}", hours=hours))
    assert load(write_csv(tmp_path / "a.csv", HEADER, *rows)).code == 0
    assert Lesson.objects.get().is_group
    # 40.00 × 0.75; 40.00 × 0.5 × 0.75; 40.00 × 0 × 0.75
    assert list(Attendance.objects.values_list("amount", flat=True)) == [D("30.00"), D("15.00"), D("0.00")]
    assert_books_whole()
