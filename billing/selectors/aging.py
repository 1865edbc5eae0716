"""What each customer owed on a day, by how late it was (R132). True for any past day, by business dates."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from billing.money import ZERO
from billing.office.models import Organization
from billing.selectors.taken_back import taken_back


# Note [Aging as of a day]
# What an invoice had open on day D is what it has open now, plus what was set against it after D (undoing rows are
# negative). An invoice voided after D was open in full. So the work grows with what is open and with what happened
# since D, never with the whole history, and for today it is one pass over the index of open invoices.
# Unapplied credit likewise: what is unapplied now, plus what was applied, moved away or refunded after D, of credit
# there was on D.
# Each source is summed by itself, so that PostgreSQL can read the large one with several processes.
def _buckets(amount: str) -> str:
    return f"""
    sum({amount}) FILTER (WHERE due_on >= %(day)s) AS current,
    sum({amount}) FILTER (WHERE due_on < %(day)s AND due_on >= %(day)s - 30) AS to_30,
    sum({amount}) FILTER (WHERE due_on < %(day)s - 30 AND due_on >= %(day)s - 60) AS to_60,
    sum({amount}) FILTER (WHERE due_on < %(day)s - 60 AND due_on >= %(day)s - 90) AS to_90,
    sum({amount}) FILTER (WHERE due_on < %(day)s - 90) AS over_90"""


def _statement(one: str) -> str:
    """one: the condition that leaves some customers, or nothing."""
    return f"""
WITH taken AS (
  SELECT credit_item_id, sum(amount) AS amount FROM ({taken_back()}) t WHERE on_day > %(day)s GROUP BY 1
), later AS (
  SELECT invoice_id, credit_item_id, kind, amount FROM billing_allocation
  WHERE organization_id = %(organization)s AND allocated_on > %(day)s {one}
), parts AS (
  SELECT customer_id, currency, {_buckets("open_amount")} FROM billing_invoice
  WHERE organization_id = %(organization)s AND open_amount > 0 AND issued_on <= %(day)s {one} GROUP BY 1, 2
  UNION ALL
  SELECT i.customer_id, i.currency, {_buckets("l.amount")}
  FROM later l JOIN billing_invoice i ON i.id = l.invoice_id WHERE i.issued_on <= %(day)s GROUP BY 1, 2
  UNION ALL
  SELECT customer_id, currency, {_buckets("invoiced_amount")} FROM billing_invoice
  WHERE organization_id = %(organization)s AND voided_on > %(day)s AND issued_on <= %(day)s {one} GROUP BY 1, 2
), owed AS (
  SELECT customer_id, currency, coalesce(sum(current), 0.00) AS current, coalesce(sum(to_30), 0.00) AS to_30,
    coalesce(sum(to_60), 0.00) AS to_60, coalesce(sum(to_90), 0.00) AS to_90, coalesce(sum(over_90), 0.00) AS over_90
  FROM parts GROUP BY 1, 2
), credit AS (
  SELECT customer_id, currency, sum(unapplied_amount) AS amount FROM billing_credititem
  WHERE organization_id = %(organization)s AND unapplied_amount > 0 AND available_on <= %(day)s {one} GROUP BY 1, 2
  UNION ALL
  SELECT c.customer_id, c.currency, sum(l.amount)
  FROM later l JOIN billing_credititem c ON c.id = l.credit_item_id
  WHERE l.kind = 'credit' AND c.available_on <= %(day)s AND (c.reversed_on IS NULL OR c.reversed_on > %(day)s)
  GROUP BY 1, 2
  UNION ALL
  SELECT c.customer_id, c.currency, sum(t.amount) FROM taken t JOIN billing_credititem c ON c.id = t.credit_item_id
  WHERE c.available_on <= %(day)s AND (c.reversed_on IS NULL OR c.reversed_on > %(day)s) {one} GROUP BY 1, 2
  UNION ALL
  SELECT customer_id, currency, sum(amount - refunded_amount) FROM billing_credititem
  WHERE organization_id = %(organization)s AND reversed_on > %(day)s AND available_on <= %(day)s {one} GROUP BY 1, 2
), unapplied AS (
  SELECT customer_id, currency, sum(amount) AS amount FROM credit GROUP BY 1, 2
)
SELECT c.id, c.code, c.name, currency, coalesce(o.current, 0.00), coalesce(o.to_30, 0.00), coalesce(o.to_60, 0.00),
  coalesce(o.to_90, 0.00), coalesce(o.over_90, 0.00),
  coalesce(o.current + o.to_30 + o.to_60 + o.to_90 + o.over_90, 0.00), coalesce(u.amount, 0.00)
FROM owed o FULL JOIN unapplied u USING (customer_id, currency) JOIN billing_customer c ON c.id = customer_id
WHERE o.current <> 0 OR o.to_30 <> 0 OR o.to_60 <> 0 OR o.to_90 <> 0 OR o.over_90 <> 0 OR u.amount <> 0
ORDER BY c.code, currency"""


BUCKETS = ("current", "1-30", "31-60", "61-90", "90+")


class AgingRow(NamedTuple):
    """One customer in one currency. Days are days after the due day; on the due day itself an invoice is current.

    over_90: 91 days and more. total: the five together. unapplied: credit there was, not taken off the total.
    """

    customer_id: int
    customer_code: str
    customer_name: str
    currency: str
    current: Decimal
    to_30: Decimal
    to_60: Decimal
    to_90: Decimal
    over_90: Decimal
    total: Decimal
    unapplied: Decimal


class AgingTotals(NamedTuple):
    """The sums of one currency."""

    currency: str
    customers: int
    current: Decimal
    to_30: Decimal
    to_60: Decimal
    to_90: Decimal
    over_90: Decimal
    total: Decimal
    unapplied: Decimal


def aging(
    organization: Organization, as_of: date, customer_id: int | None = None, *, among: Iterable[int] | None = None
) -> list[AgingRow]:
    """Who owed what at the end of a day, by customer code; those with nothing are left out. One statement.

    customer_id, among: only of this customer, or of these. See Note [Aging as of a day].
    """
    asked = [customer_id] if customer_id is not None else list(among) if among is not None else None
    with connection.cursor() as cursor:
        one = "AND customer_id = ANY(%(customers)s)" if asked is not None else ""
        facts: dict[str, Any] = {"organization": organization.pk, "organizations": [organization.pk], "day": as_of}
        cursor.execute(_statement(one), facts | {"customers": asked})
        return [AgingRow._make(row) for row in cursor]


def totals(rows: Iterable[AgingRow]) -> list[AgingTotals]:
    """The sums of aging rows, one for each currency."""
    sums: dict[str, list[Decimal]] = {}
    counts: dict[str, int] = {}
    for row in rows:
        so_far = sums.setdefault(row.currency, [ZERO] * 7)
        sums[row.currency] = [old + new for old, new in zip(so_far, row[4:], strict=True)]
        counts[row.currency] = counts.get(row.currency, 0) + 1
    return [AgingTotals(currency, counts[currency], *sums[currency]) for currency in sorted(sums)]
