"""Entries put together into batches and judged: sums, the hash over their lines, what is wrong with them (R138, R140).

All in one statement, whatever the number of entries.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from billing.ledger.models import GlTrouble
from billing.rules.gl_groups import EVENT_GROUPS, OTHER

# SQL "SELECT entry_id, method ..." of entries that are money of a method, each with a WHERE over {entries}. Filled by
# the apps that know payments.
METHODS_OF_ENTRIES: list[str] = []
NAMED = 5  # entries or accounts that the detail of a trouble names

# A line as it is hashed: what an accountant would copy out. Ordered by entry and ordinal; entries by year and number.
LINE = (
    "concat_ws('|', e.year, e.number, l.ordinal, e.entry_date, e.event, a.code, l.party, l.currency, l.debit, l.credit,"
    " l.department, l.project)"
)
# SQL over a table `members` (key, entry_id): a row for each key.
JUDGED = f"""
entries AS (
  SELECT m.key, e.id, e.year, e.number, e.entry_date, e.organization_id, min(l.currency) AS currency,
    count(l.id) AS lines, coalesce(sum(l.debit), 0) AS debit, coalesce(sum(l.credit), 0) AS credit,
    string_agg({LINE}, E'\\n' ORDER BY l.ordinal) AS told,
    count(l.id) FILTER (WHERE a.id IS NULL) AS without_account,
    string_agg(DISTINCT a.code, ' ') FILTER (WHERE NOT a.is_active) AS closed_accounts
  FROM members m JOIN ledger_journalentry e ON e.id = m.entry_id
  LEFT JOIN ledger_journalline l ON l.entry_id = e.id
  LEFT JOIN ledger_ledgeraccount a ON a.id = l.account_id AND a.organization_id = e.organization_id
  GROUP BY m.key, e.id
), judged AS (
  SELECT e.key, min(e.entry_date) AS day, min(e.currency) AS currency,
    array_agg(e.id ORDER BY e.year, e.number) AS ids, count(*) AS entry_count, sum(e.lines) AS line_count,
    sum(e.debit) AS debit, sum(e.credit) AS credit,
    encode(sha256(convert_to(coalesce(string_agg(e.told, E'\\n' ORDER BY e.year, e.number), ''), 'UTF8')), 'hex')
      AS content_hash,
    (array_agg('JE-' || e.year || '-' || lpad(e.number::text, 8, '0') ORDER BY e.year, e.number)
      FILTER (WHERE e.debit <> e.credit OR e.lines < 2)) AS unbalanced,
    (array_agg('JE-' || e.year || '-' || lpad(e.number::text, 8, '0') ORDER BY e.year, e.number)
      FILTER (WHERE e.without_account > 0)) AS no_account,
    array_agg(DISTINCT e.closed_accounts) FILTER (WHERE e.closed_accounts IS NOT NULL) AS closed_account,
    array_agg(DISTINCT to_char(p.month, 'YYYY-MM')) FILTER (WHERE p.state <> 'open') AS closed_period
  FROM entries e LEFT JOIN ledger_period p ON p.organization_id = e.organization_id
    AND p.month = date_trunc('month', e.entry_date)::date
  GROUP BY e.key
)"""


class Judged(NamedTuple):
    """What a batch holds now. key: of the batch, or its payment type for one to be made. currency None: no lines."""

    key: str
    day: date
    currency: str | None
    entry_ids: list[int]
    entry_count: int
    line_count: int
    debit: Decimal
    credit: Decimal
    content_hash: str
    unbalanced: list[str] | None
    no_account: list[str] | None
    closed_account: list[str] | None
    closed_period: list[str] | None

    def trouble(self, *, closed_months: bool = False) -> tuple[str, str]:
        """(why it is suspended, what it is about); two empty texts if nothing is wrong.

        closed_months: whether entries of closed months are taken all the same.
        """
        for kind in GlTrouble:
            about: list[str] | None = getattr(self, kind.value)
            if about and not (closed_months and kind == GlTrouble.CLOSED_PERIOD):
                more = " …" if len(about) > NAMED else ""
                return kind.value, (", ".join(about[:NAMED]) + more)[:400]
        return "", ""


def fresh(organization_id: int, as_of: date) -> list[Judged]:
    """Entries dated up to a day that are in no batch yet, as the batches they would make: by day, payment type and
    currency. One query; two when there are none."""
    scope: dict[str, int | date] = {"organization": organization_id, "as_of": as_of}
    if not _any_fresh(scope):
        return []
    entries = "SELECT id FROM new"
    methods = " UNION ALL ".join(sql.format(entries=entries) for sql in METHODS_OF_ENTRIES)
    kinds = ", ".join(f"('{event}', '{group}')" for event, group in EVENT_GROUPS.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH new AS MATERIALIZED (SELECT e.id, e.entry_date, e.event, {NEW_CURRENCY} AS currency FROM {NEW}),
            methods (entry_id, method) AS ({methods or "SELECT NULL::bigint, NULL::text WHERE false"}),
            groups (event, kind) AS (VALUES {kinds}),
            members AS MATERIALIZED (
              SELECT n.entry_date || '|' || coalesce(n.currency, '') || '|'
                || coalesce(m.method, g.kind, '{OTHER}') AS key, n.id AS entry_id
              FROM new n LEFT JOIN methods m ON m.entry_id = n.id
              LEFT JOIN groups g ON g.event = regexp_replace(n.event, '_reversed$', '')
            ), {JUDGED}
            SELECT split_part(key, '|', 3), {COLUMNS} FROM judged ORDER BY day, 1, currency""",
            scope,
        )
        return [Judged._make(row) for row in cursor.fetchall()]


def rejudged(batch_ids: Sequence[int]) -> dict[int, Judged]:
    """What batches hold now, by key. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH members AS (SELECT batch_id::text AS key, entry_id FROM ledger_glbatchentry WHERE batch_id = ANY(%s))"
            f", {JUDGED} SELECT key, {COLUMNS} FROM judged",
            [list(batch_ids)],
        )
        return {int(row[0]): Judged._make(row) for row in cursor.fetchall()}


def differing_sql(scope: str) -> str:
    """SQL: posted batches of `scope` (a condition over b) whose figures or hash are not those of their lines."""
    return f"""
    WITH members AS (SELECT m.batch_id::text AS key, m.entry_id FROM ledger_glbatchentry m
      JOIN ledger_glbatch b ON b.id = m.batch_id WHERE {scope} AND b.state = 'posted'), {JUDGED}
    SELECT b.id AS batch_id, b.number, b.debit_amount, b.credit_amount, j.debit, j.credit, b.entry_count,
      j.entry_count AS entries_now, b.content_hash = j.content_hash AS same_hash
    FROM ledger_glbatch b LEFT JOIN judged j ON j.key = b.id::text
    WHERE {scope} AND b.state = 'posted' AND (b.entry_count, b.line_count, b.debit_amount, b.credit_amount,
      b.content_hash, b.day) IS DISTINCT FROM (j.entry_count, j.line_count, j.debit, j.credit, j.content_hash, j.day)"""


def _any_fresh(scope: dict[str, int | date]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {NEW})", scope)
        (found,) = cursor.fetchone()
    return bool(found)


NEW = """ledger_journalentry e WHERE e.organization_id = %(organization)s AND e.entry_date <= %(as_of)s
  AND NOT EXISTS (SELECT FROM ledger_glbatchentry b WHERE b.entry_id = e.id)"""
NEW_CURRENCY = "(SELECT l.currency FROM ledger_journalline l WHERE l.entry_id = e.id ORDER BY l.ordinal LIMIT 1)"
COLUMNS = (
    "day, currency, ids, entry_count, line_count, debit, credit, content_hash, unbalanced, no_account, closed_account,"
    " closed_period"
)
