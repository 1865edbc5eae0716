"""How often somebody may ask for something within a span of time: a wall against guessing.

Counted in the database, so that it holds over all web processes; in one statement, so that two at once are two.
"""

from datetime import UTC, datetime, timedelta

from django.db import connection

from billing.office.secrets import keyed_hash

STALE = timedelta(days=1)
SWEPT = 50  # rows of spans long over that go when a new span begins: more than come
COUNT = """
INSERT INTO office_askedcount AS here (key, begun_at, asked) VALUES (%s, %s, 1)
ON CONFLICT (key) DO UPDATE SET
    asked = CASE WHEN EXCLUDED.begun_at > here.begun_at THEN 1 ELSE least(here.asked, 1000000) + 1 END,
    begun_at = greatest(here.begun_at, EXCLUDED.begun_at)
RETURNING asked
"""
SWEEP = """
DELETE FROM office_askedcount WHERE key IN (
    SELECT key FROM office_askedcount WHERE begun_at < %s ORDER BY begun_at LIMIT %s FOR UPDATE SKIP LOCKED
)
"""


def count_asked(*, what: str, who: str, seconds: int, now: datetime) -> int:
    """How often `who` has asked for `what` in the span that runs, this time included. One query, at times two.

    Spans follow the clock, each `seconds` long, so that all processes mean the same one. Called outside transactions:
    what is taken back would not count.
    """
    begun_at = now - timedelta(seconds=seconds - seconds_left(seconds, now))
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [keyed_hash(f"{what}:{who}"), begun_at.replace(microsecond=0)])
        asked: int = cursor.fetchone()[0]
        if asked == 1:
            cursor.execute(SWEEP, [now - STALE, SWEPT])
    return asked


def seconds_left(seconds: int, now: datetime) -> int:
    """Until the span that runs is over: 1 to `seconds`."""
    return seconds - int(now.astimezone(UTC).timestamp()) % seconds
