"""What left a credit item other than by allocation, and on which day: moved away, refunded, lost to a chargeback.

The item keeps running totals; a day in the past needs the facts behind them.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django.db import connection

# Columns of each source: credit_item_id, on_day, amount (below zero where it came back), kind, ref (the key of the
# record), number (what a customer reads). Apps above add what they know of.
COLUMNS = "credit_item_id, on_day, amount, kind, ref, number"
MOVED = """
SELECT from_item_id AS credit_item_id, moved_on AS on_day, amount, 'moved_out' AS kind, id AS ref, number
FROM billing_credittransfer WHERE organization_id = ANY(%(organizations)s)
UNION ALL
SELECT from_item_id, undone_on, -amount, 'moved_back', id, number FROM billing_credittransfer
WHERE organization_id = ANY(%(organizations)s) AND undone_on IS NOT NULL"""
SOURCES = [MOVED]


def taken_back() -> str:
    """SQL: every such event of %(organizations)s."""
    return " UNION ALL ".join(f"(SELECT {COLUMNS} FROM ({sql}) one)" for sql in SOURCES)


def taken_after(organization_id: int, credit_items: Iterable[int], on: date) -> dict[int, Decimal]:
    """What left each credit item after a day, net of what came back. One query; none without items."""
    keys = list(credit_items)
    if not keys:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT credit_item_id, sum(amount) FROM ({taken_back()}) t"
            " WHERE on_day > %(day)s AND credit_item_id = ANY(%(items)s) GROUP BY 1",
            {"organizations": [organization_id], "day": on, "items": keys},
        )
        return dict(cursor.fetchall())
