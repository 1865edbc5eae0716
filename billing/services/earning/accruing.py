"""Looking for what was earned: attendance that was told, premiums that were paid, and what became of both."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from billing.errors import DomainError
from billing.models import Earning, EarningMark
from billing.office.models import Organization
from billing.refusals import explained
from billing.selectors.earning_work import (
    Chunk,
    lessons_of_invoices,
    next_allocations,
    next_attendance,
    organizations_with_news,
)
from billing.selectors.provider_books import ProviderBooks
from billing.services.earning.booking import lock_earnings
from billing.services.earning.commissions import accrue_commissions
from billing.services.earning.lessons import accrue_lessons
from billing.transactions import in_transaction

log = structlog.get_logger(__name__)

CHUNK = 500


@dataclass
class Accrued:
    """How many earnings a run wrote."""

    written: int = 0


def accrue_everywhere(*, now: datetime) -> int:
    """Accrue where something happened; returns how many earnings were written. One organization's trouble keeps no
    other waiting. One query on keys where nothing is new.
    """
    written = 0
    for organization in organizations_with_news():
        try:
            with explained():
                written += accrue_earnings(organization=organization, now=now).written
        except DomainError as refusal:
            log.warning("earnings_not_accrued", organization=organization.code, trouble=refusal.code)
    return written


def accrue_earnings(*, organization: Organization, now: datetime) -> Accrued:
    """Write what teachers and agents earned since the last time, in short transactions of its own.

    Attendance first, then allocations; each is judged once, by the rates that held when it happened. Done twice, or by
    two workers at once, it changes nothing: the second waits, and finds everything earned.
    """
    done = Accrued()
    for step in (_look_at_attendance, _look_at_allocations):
        after = 0
        while True:
            chunk, rows = in_transaction(partial(step, organization, after, now))
            done.written += len(rows)
            if not chunk.last:
                break
            after = chunk.last
    return done


def _look_at_attendance(organization: Organization, after: int, now: datetime) -> tuple[Chunk, list[Earning]]:
    mark = lock_earnings(organization)
    chunk = next_attendance(mark, max(after, mark.attendance_id), CHUNK, now)
    lessons = {lesson for _key, lesson in chunk.rows}
    made: list[Earning] = []
    if lessons:
        books = ProviderBooks(organization)
        made = accrue_lessons(organization=organization, lesson_ids=lessons, books=books, now=now)
    _advance(mark, "attendance_id", chunk)
    return chunk, made


def _look_at_allocations(organization: Organization, after: int, now: datetime) -> tuple[Chunk, list[Earning]]:
    """Premiums, and lessons that are earned once they are paid."""
    mark = lock_earnings(organization)
    chunk = next_allocations(mark, max(after, mark.allocation_id), CHUNK, now)
    made: list[Earning] = []
    if chunk.rows:
        books = ProviderBooks(organization)
        keys = [key for key, _invoice in chunk.rows]
        made += accrue_commissions(organization=organization, allocation_ids=keys, books=books, now=now)
        if books.anybody_waits_for_payment:
            lessons = lessons_of_invoices({invoice for _key, invoice in chunk.rows})
            made += accrue_lessons(organization=organization, lesson_ids=lessons, books=books, now=now)
    _advance(mark, "allocation_id", chunk)
    return chunk, made


def _advance(mark: EarningMark, column: str, chunk: Chunk) -> None:
    """Never back: another worker may have been further."""
    if chunk.settled > getattr(mark, column):
        EarningMark.objects.filter(pk=mark.pk).update(**{column: chunk.settled})
