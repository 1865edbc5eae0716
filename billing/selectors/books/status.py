"""How the general ledger stands: what waits, what is suspended, how much was posted on its day (R138, R142)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal

from django.db import connection
from django.db.models import QuerySet

from billing.ledger.models import GlBatch, GlBatchEntry, GlBatchState, GlMark, JournalEntry
from billing.office.models import Organization

SAME_DAY_GOAL = Decimal("95")  # more than this percentage: requirements 3, "Operational Metrics"
SAME_DAY_WINDOW = 30  # days


@dataclass(frozen=True)
class GlStanding:
    """waiting: entries in no batch; oldest: the earliest day of one. same_day: percentage, None if nothing was due.

    dated, on_their_day: entries dated in the window, and those posted on that very day.
    """

    mark: GlMark | None
    waiting: int
    oldest: date | None
    suspended: int
    suspended_entries: int
    dated: int
    on_their_day: int
    since: date

    @property
    def same_day(self) -> Decimal | None:
        """To one decimal, downwards: 95.0 is not more than 95."""
        if not self.dated:
            return None
        return (Decimal(self.on_their_day) * 100 / self.dated).quantize(Decimal("0.1"), ROUND_DOWN)

    @property
    def meets_goal(self) -> bool:
        """More than 95 of a hundred, reckoned exactly."""
        return self.on_their_day * 100 > SAME_DAY_GOAL * self.dated


def standing_of(organization: Organization, now: datetime) -> GlStanding:
    """Four queries. What is dated today and waits for the next run is not held against the day yet."""
    today = organization.today(now)
    since = today - timedelta(days=SAME_DAY_WINDOW)
    waiting = JournalEntry.objects.filter(organization=organization, gl__isnull=True)
    suspended = list(
        GlBatch.objects.filter(organization=organization, state=GlBatchState.SUSPENDED).values_list(
            "entry_count", flat=True
        )
    )
    oldest = waiting.order_by("entry_date").values_list("entry_date", flat=True).first()
    dated, on_their_day = _same_day(organization, since, today)
    return GlStanding(
        mark=GlMark.objects.filter(organization=organization).first(), waiting=waiting.count() if oldest else 0,
        oldest=oldest, suspended=len(suspended), suspended_entries=sum(suspended), dated=dated,
        on_their_day=on_their_day, since=since,
    )  # fmt: skip


def _same_day(organization: Organization, since: date, today: date) -> tuple[int, int]:
    """Entries dated since a day, but for today's that wait; and how many were posted on the day they are dated."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE b.posted_at IS NOT NULL OR e.entry_date < %(today)s), count(*) FILTER"
            " (WHERE (b.posted_at AT TIME ZONE %(zone)s)::date = e.entry_date) FROM ledger_journalentry e"
            " LEFT JOIN ledger_glbatchentry m ON m.entry_id = e.id LEFT JOIN ledger_glbatch b ON b.id = m.batch_id"
            " WHERE e.organization_id = %(organization)s AND e.entry_date BETWEEN %(since)s AND %(today)s",
            {"organization": organization.pk, "since": since, "today": today, "zone": organization.time_zone},
        )
        dated, on_their_day = cursor.fetchone()
    return int(dated), int(on_their_day)


def places_of(entry_ids: list[int]) -> dict[int, GlBatch]:
    """Entry → its batch, for those that have one. One query."""
    rows = GlBatchEntry.objects.filter(entry_id__in=entry_ids).select_related("batch")
    return {row.entry_id: row.batch for row in rows}


def trail_head() -> tuple[int, str]:
    """Where the audit trail stands: the position and digest of its last seal. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT position, encode(digest, 'hex') FROM office_auditseal WHERE position IS NOT NULL"
            " ORDER BY position DESC LIMIT 1"
        )
        position, digest = cursor.fetchone() or (0, "")
    return int(position), str(digest)


def batches_of(organization: Organization, first: date, last: date) -> QuerySet[GlBatch]:
    return GlBatch.objects.filter(organization=organization, day__range=(first, last))


def not_posted(organization: Organization, first: date, last: date) -> tuple[int, list[str]]:
    """(entries of these days that are not in the general ledger, numbers of suspended batches). Two queries."""
    entries = JournalEntry.objects.filter(organization=organization, entry_date__range=(first, last))
    waiting = entries.exclude(gl__batch__state=GlBatchState.POSTED).count()
    held = batches_of(organization, first, last).filter(state=GlBatchState.SUSPENDED).order_by("id")
    return waiting, list(held.values_list("number", flat=True))


@dataclass(frozen=True)
class DayRow:
    """Entries dated on a day: how many, how many of them were posted on it, later, and not yet."""

    day: date
    dated: int
    on_the_day: int
    later: int
    waiting: int


def days_of(organization: Organization, now: datetime) -> list[DayRow]:
    """The days behind the same-day figure, newest first. One query."""
    today = organization.today(now)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.entry_date, count(*), count(*) FILTER (WHERE t.posted_on = e.entry_date), count(*) FILTER"
            " (WHERE t.posted_on <> e.entry_date), count(*) FILTER (WHERE t.posted_on IS NULL)"
            " FROM ledger_journalentry e LEFT JOIN (SELECT m.entry_id, (b.posted_at AT TIME ZONE %s)::date AS posted_on"
            " FROM ledger_glbatchentry m JOIN ledger_glbatch b ON b.id = m.batch_id WHERE b.organization_id = %s) t"
            " ON t.entry_id = e.id WHERE e.organization_id = %s AND e.entry_date BETWEEN %s AND %s"
            " GROUP BY 1 ORDER BY 1 DESC",
            [organization.time_zone, organization.pk, organization.pk, today - timedelta(days=SAME_DAY_WINDOW), today],
        )
        return [DayRow(*row) for row in cursor.fetchall()]
