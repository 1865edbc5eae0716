"""A teacher of many lessons: given, told of, billed, earned and paid out by the month, through the services."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from billing.models import Agreement, Earning, Lesson, LessonSeat, Payout
from billing.office.models import User
from billing.rules.recurrence import add_months
from billing.services.earning.accruing import accrue_earnings
from billing.services.locking import lock_customers
from billing.services.runs.carrying_out import bill_agreements
from billing.services.teaching.recording import record_attendance
from billing.services.teaching.reports import AttendanceReport

STUDENTS, MONTHS, AHEAD = 30, 12, 14
EVERY = timedelta(days=3, hours=12)  # a student's lessons, two a week
AT_ONCE = 200


def make_teacher(organization: Any, now: datetime) -> User:
    """About 3,000 lessons of a year behind, told of and earned; each month but this paid out; two weeks ahead."""
    from tests.agreements import lessons, provider
    from tests.billing.earning.cast import approve, pay_out, prepare
    from tests.builders import customer
    from tests.builders import user as login

    maker, checker = login(organization, "school_admin"), login(organization, "finance_manager")
    user = User.objects.create(username="teacher")
    teacher = provider(organization, "Tess Teacher", user=user)
    today = organization.today(now)
    first = add_months(today.replace(day=1), 1 - MONTHS)
    agreements = [
        lessons(customer(organization, f"Family {n}"), starts_on=first, provider=teacher) for n in range(STUDENTS)
    ]
    seats = _seats(teacher, agreements, now)
    given = [seat for seat in seats if seat.lesson.starts_at < now]
    for start in range(0, len(given), AT_ONCE):
        reports = [AttendanceReport(seat.pk, "attended", None) for seat in given[start : start + AT_ONCE]]
        with transaction.atomic():
            record_attendance(organization=organization, reports=reports, now=now, by=None)
    with transaction.atomic():
        accrue_earnings(organization=organization, now=now)
    for agreement in agreements:
        with transaction.atomic():
            lock_customers(organization, [agreement.customer_id])
            bill_agreements(organization=organization, agreement_ids=[agreement.pk], on=today, now=now, by=None)
    for month in range(1, MONTHS):
        batch = prepare(organization, add_months(first, month) - timedelta(days=1), by=maker, now=now)
        pay_out(approve(batch, maker, checker, now), today, now=now)
    assert Earning.objects.filter(provider=teacher).count() == len(given)
    assert Payout.objects.filter(provider=teacher).count() == MONTHS - 1
    return user


def _seats(teacher: Any, agreements: list[Agreement], now: datetime) -> list[LessonSeat]:
    """Lessons of half an hour for each student in turn, the last two weeks from now."""
    organization, made = teacher.organization, []
    days = now.date() - agreements[0].starts_on
    for place, of in enumerate(agreements):
        for turn in range((days.days + AHEAD) * 24 // int(EVERY.total_seconds() // 3600)):
            starts_at = now + timedelta(days=AHEAD) - turn * EVERY - timedelta(minutes=30 * place)
            lesson = Lesson(
                organization=organization, provider=teacher, reference=f"{place}-{turn}", title="Piano",
                starts_at=starts_at, minutes=30, made_at=now,
            )  # fmt: skip
            made.append(LessonSeat(organization=organization, lesson=lesson, agreement=of, student=of.student))
    Lesson.objects.bulk_create([seat.lesson for seat in made])
    return LessonSeat.objects.bulk_create(made)
