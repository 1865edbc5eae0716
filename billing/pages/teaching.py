"""The pages of a teacher or agent: the lessons ahead and whether those given are paid for, and what was earned.

Own ones alone, a school at a time: ?school= chooses among the schools where somebody serves, anything else does not
exist (R89, R90, R165, R168).
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from billing.errors import DomainError, Sentence
from billing.inputs import parse_day
from billing.models import Earning, Lesson, Provider
from billing.models.earning import PayoutBatchState
from billing.models.lesson import AttendanceStatus
from billing.money import ZERO
from billing.office import clock
from billing.pages.own import user_of
from billing.rules.earned_formula import formula
from billing.rules.explaining import sentences
from billing.rules.recurrence import add_months
from billing.selectors.earnings import LessonRow, Statement, lessons_of, performance, statements, year_totals
from billing.selectors.lesson_payments import FREE, OPEN, PAID, PART_PAID, UNBILLED
from billing.selectors.teaching import (
    Month,
    being_paid,
    earned_by_month,
    lessons_ahead,
    own_providers,
    payouts_of,
    to_come,
)
from billing.selectors.timetable import seats_of_lesson

AHEAD = timedelta(days=14)
MOST_LESSONS = 200
MOST_EARNINGS = 100  # each with how it came about; the paper of the month has them all
# A state in a teacher's words, with a shape beside it so that colour alone says nothing.
BEING_PAID = "being_paid"
PAYMENTS: Mapping[str, tuple[Sentence, str, str]] = {
    PAID: (_("paid"), "●", "good"),
    BEING_PAID: (_("being paid"), "◕", "info"),
    PART_PAID: (_("part-paid"), "◐", "info"),
    OPEN: (_("not paid yet"), "○", "warn"),
    UNBILLED: (_("not yet billed"), "◌", "quiet"),
    FREE: (_("not charged"), "–", "quiet"),
}
ATTENDED: Mapping[str, Sentence] = {status.value: status.label for status in AttendanceStatus}
PAYOUTS: Mapping[str, tuple[Sentence, str, str]] = {
    PayoutBatchState.DRAFT: (_("being prepared"), "◔", "info"),
    PayoutBatchState.APPROVED: (_("approved, about to be sent"), "◑", "info"),
    PayoutBatchState.PAID: (_("paid out"), "●", "good"),
}


def chosen_provider(request: HttpRequest) -> tuple[Provider, list[Provider]]:
    """The provider the page is for, and all that the login is. Raises Http404 for whoever is none."""
    own = own_providers(user_of(request))
    asked = request.GET.get("school", "")
    found = next((one for one in own if one.organization.code == asked), None) if asked else next(iter(own), None)
    if found is None:
        raise Http404
    return found, own


def chosen_month(request: HttpRequest, today: date) -> date:
    """The first day of ?month=2026-03, this month unless told otherwise. Raises Http404."""
    asked = request.GET.get("month", "")
    try:
        month = parse_day(f"{asked}-01", field="month") if asked else today.replace(day=1)
    except DomainError as refusal:
        raise Http404 from refusal
    if not date(2000, 1, 1) <= month <= today:
        raise Http404
    return month


@require_GET
@login_required
def teacher(request: HttpRequest) -> HttpResponse:
    """Two weeks ahead, and the lessons of a month with whether they are paid for: no amounts of families, no cards, no
    payers (R89). At most fifteen queries."""
    provider, own = chosen_provider(request)
    now = clock.now()
    today = provider.organization.today(now)
    month = chosen_month(request, today)
    rows = lessons_of(provider, month, min(add_months(month, 1) - timedelta(days=1), today), most=MOST_LESSONS + 1)
    charged = being_paid(rows, now)
    lessons = [_lesson(row, charged) for row in rows[:MOST_LESSONS]]
    context = _frame(provider, own, month, today) | {
        "ahead": _days(provider, list(lessons_ahead(provider, today, today + AHEAD))), "lessons": lessons,
        "more": len(rows) > MOST_LESSONS, "counts": _counts(lessons), "zone": provider.organization.zone,
    }  # fmt: skip
    return render(request, "pages/teacher/lessons.html", context)


def _frame(provider: Provider, own: Sequence[Provider], month: date, today: date) -> dict[str, Any]:
    later = add_months(month, 1)
    return {
        "provider": provider, "organization": provider.organization, "own": own, "month": month, "today": today,
        "earlier": add_months(month, -1), "later": later if later <= today else None,
        "school": provider.organization.code,
    }  # fmt: skip


def _lesson(row: LessonRow, charged: set[int]) -> dict[str, Any]:
    state = BEING_PAID if row.told.seat_id in charged else row.payment.state
    return {
        "lesson": row.told.seat.lesson, "student": row.told.seat.student.name, "key": state, "state": PAYMENTS[state],
        "attended": ATTENDED[row.told.status],
    }  # fmt: skip


def _counts(lessons: Sequence[Mapping[str, Any]]) -> list[tuple[Sentence, str, int]]:
    """(state, shape, how many), of those there are, in the order of the states."""
    found = [(words, shape, sum(1 for one in lessons if one["key"] == key)) for key, (words, shape, _t) in
             PAYMENTS.items()]  # fmt: skip
    return [one for one in found if one[2]]


def _days(provider: Provider, lessons: Sequence[Lesson]) -> list[tuple[date, list[dict[str, Any]]]]:
    """The lessons ahead by the days of the school's place."""
    zone = provider.organization.zone

    def day_of(lesson: Lesson) -> date:
        starts_at: datetime = lesson.starts_at
        return starts_at.astimezone(zone).date()

    return [
        (day, [{"lesson": one, "students": [row.seat.student.name for row in seats_of_lesson(one)]} for one in group])
        for day, group in groupby(lessons, key=day_of)
    ]


@require_GET
@login_required
def earnings(request: HttpRequest) -> HttpResponse:
    """The account of a month with every amount explained, what was paid out when, what is to come, how it went. At most
    twenty queries."""
    provider, own = chosen_provider(request)
    now = clock.now()
    today = provider.organization.today(now)
    month = chosen_month(request, today)
    last = min(add_months(month, 1) - timedelta(days=1), today)
    months = earned_by_month(provider, today)
    figures = performance(provider, months[0].first, today) if provider.kind == "teacher" else None
    context = _frame(provider, own, month, today) | {
        "last": last, "accounts": [_account(one) for one in statements(provider, month, last)],
        "to_come": to_come(provider, now), "payouts": [(one, PAYOUTS[one.batch.state]) for one in payouts_of(provider)],
        "months": months, "bars": bars(months), "figures": figures,
        "years": year_totals(provider.organization, provider=provider),
    }  # fmt: skip
    return render(request, "pages/teacher/earnings.html", context)


def _account(account: Statement) -> dict[str, Any]:
    latest = account.earned[-MOST_EARNINGS:]
    return {"of": account, "rows": [_earned(row) for row in latest], "more": len(account.earned) > len(latest)}


def _earned(row: Earning) -> dict[str, Any]:
    lesson = row.attendance.seat.lesson if row.attendance is not None else None
    batch = row.payout.batch if row.payout is not None else None
    return {
        "earning": row, "lesson": lesson, "invoice": row.allocation.invoice.number if row.allocation else "",
        "formula": formula(row.derivation, row.amount, row.currency), "why": sentences(row.derivation, row.currency),
        "paid_on": batch.paid_on if batch is not None else None,
    }  # fmt: skip


# The drawing of the trend, in its own units.
WIDTH, HEIGHT, FOOT, HEAD = 360, 180, 26, 20


def bars(months: Sequence[Month]) -> dict[str, Any]:
    """A bar a month, the highest as high as the drawing; what was taken back on balance has none. Whole units."""
    most = max((one.amount for one in months), default=ZERO)
    step = WIDTH // max(len(months), 1)
    room = Decimal(HEIGHT - FOOT - HEAD)
    drawn = []
    for place, one in enumerate(months):
        height = int(room * one.amount / most) if most > ZERO and one.amount > ZERO else 0
        drawn.append({
            "month": one, "x": place * step + 4, "y": HEIGHT - FOOT - height, "height": height, "width": step - 8,
            "middle": place * step + step // 2, "value_y": HEIGHT - FOOT - height - 6, "is_most": one.amount == most,
            "anchor": "start" if place < len(months) // 2 else "end",
            "value_x": place * step + (4 if place < len(months) // 2 else step - 4),
        })  # fmt: skip
    return {"bars": drawn, "width": WIDTH, "height": HEIGHT, "base": HEIGHT - FOOT, "foot": HEIGHT - 10}
