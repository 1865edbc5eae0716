"""Expected cash by week, beside what came in: open invoices, planned instalments, charges and cheques (R162).

Weeks begin on Sunday (R53). What is owed is expected on its due day plus the payer's usual lateness; what that day has
passed for is told apart, because nobody can say when it comes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from billing.money import EXPONENTS, ZERO
from billing.office.models import Organization

WEEKS_AHEAD, WEEKS_BACK = 13, 8
HABIT_INVOICES, HABIT_DAYS, EARLIEST = 12, 730, -30
WEEK = timedelta(days=7)
WITHOUT_DECIMALS = [code for code, places in EXPONENTS.items() if not places]
KINDS = ("invoice", "installment", "charge", "cheque")

# Filled by the app that keeps cheques: organization key → (customer key, currency, day, amount) of each that waits.
PAPERS: list[Callable[[int], Iterable[tuple[int, str, date, Decimal]]]] = []

# Note [What a forecast is made of]
# habits: the median of the days from the due day to the payment that settled it, of each payer's last twelve invoices
# settled by payments in the last two years; who has none is taken for the median of all. More than thirty days early
# is money paid in advance, not a habit.
# owed: what is open, with the planned and unbilled split among who pays at the start of the period. Lessons are
# expected as their period's estimate, so a lesson that was charged inside one is not counted again.
# Credit on hand and cheques in the vault pay what is due first, so only the rest is expected; the cheques themselves
# are expected on their days. What is disputed is left out.
HABITS = """
recent AS (
  SELECT id, customer_id, due_on FROM (
    SELECT id, customer_id, due_on, row_number() OVER (PARTITION BY customer_id ORDER BY due_on DESC, id DESC) AS nth
    FROM billing_invoice WHERE organization_id = %(organization)s AND open_amount = 0 AND voided_on IS NULL
      AND applied_amount > 0 AND due_on >= %(today)s::date - %(habit_days)s) x
  WHERE nth <= %(habit_invoices)s
), settled AS MATERIALIZED (
  SELECT r.customer_id, max(c.available_on) - r.due_on AS days_late
  FROM recent r
  JOIN billing_allocation a ON a.invoice_id = r.id AND a.kind = 'credit' AND a.reverses_id IS NULL
  JOIN billing_credititem c ON c.id = a.credit_item_id AND c.kind = 'payment'
  WHERE NOT EXISTS (SELECT 1 FROM billing_allocation u WHERE u.reverses_id = a.id)
  GROUP BY r.id, r.customer_id, r.due_on
), habits AS (
  SELECT customer_id, greatest(percentile_disc(0.5) WITHIN GROUP (ORDER BY days_late), %(earliest)s) AS days
  FROM settled GROUP BY 1
), usual AS (
  SELECT greatest(coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY days_late), 0), %(earliest)s) AS days
  FROM settled
)"""
OWED = """
planned AS (
  SELECT 'installment' AS kind, i.id AS key, i.agreement_id, i.currency, i.due_on, i.amount, i.period_start AS shared_on
  FROM billing_installment i JOIN billing_agreement g ON g.id = i.agreement_id
  WHERE i.organization_id = %(organization)s AND i.state = 'planned' AND i.due_on < %(end)s::date - %(earliest)s
    AND g.state IN ('active', 'paused', 'suspended')
  UNION ALL
  SELECT 'charge', c.id, c.agreement_id, c.currency, coalesce(
      (SELECT min(n.due_on) FROM billing_installment n WHERE n.agreement_id = c.agreement_id AND n.state = 'planned'
        AND n.bill_on >= greatest(c.bill_on, %(today)s)), greatest(c.bill_on, %(today)s)),
    c.net_amount + c.tax_amount, c.occurred_on
  FROM billing_charge c WHERE c.organization_id = %(organization)s AND c.state = 'unbilled'
    AND NOT (c.kind = 'lesson' AND EXISTS (SELECT 1 FROM billing_installment e WHERE e.agreement_id = c.agreement_id
      AND e.state = 'planned' AND e.is_estimate AND c.occurred_on BETWEEN e.period_start AND e.period_end))
), shared AS (
  SELECT p.kind, p.key, y.customer_id, p.currency, p.due_on, round(
    p.amount * y.share / sum(y.share) OVER (PARTITION BY p.kind, p.key),
    CASE WHEN p.currency = ANY(%(without_decimals)s) THEN 0 ELSE 2 END) AS amount
  FROM planned p JOIN billing_agreementpayer y ON y.agreement_id = p.agreement_id
    AND y.from_on <= p.shared_on AND (y.until_on IS NULL OR y.until_on >= p.shared_on)
), owed AS (
  SELECT 'invoice' AS kind, id AS key, customer_id, currency, due_on, open_amount AS amount
  FROM billing_invoice WHERE organization_id = %(organization)s AND open_amount > 0 AND NOT is_disputed
  UNION ALL SELECT * FROM shared
  UNION ALL
  SELECT p.kind, p.key, g.customer_id, p.currency, p.due_on, p.amount
  FROM planned p JOIN billing_agreement g ON g.id = p.agreement_id
  WHERE NOT EXISTS (SELECT 1 FROM billing_agreementpayer y WHERE y.agreement_id = p.agreement_id
    AND y.from_on <= p.shared_on AND (y.until_on IS NULL OR y.until_on >= p.shared_on))
)"""
EXPECTED = f"""
WITH {HABITS}, {OWED}, cheques AS (
  SELECT * FROM unnest(%(payers)s::bigint[], %(currencies)s::text[], %(days)s::date[], %(amounts)s::numeric[])
    WITH ORDINALITY AS t(customer_id, currency, day, amount, key)
), cover AS (
  SELECT customer_id, currency, sum(amount) AS amount FROM (
    SELECT customer_id, currency, amount FROM cheques UNION ALL
    SELECT customer_id, currency, unapplied_amount FROM billing_credititem
    WHERE organization_id = %(organization)s AND unapplied_amount > 0) x GROUP BY 1, 2
), in_turn AS (
  SELECT o.kind, o.key, o.customer_id, o.currency, o.due_on, CASE WHEN o.amount < 0 THEN o.amount
    ELSE greatest(0, least(o.amount, sum(greatest(o.amount, 0)) OVER turn - c.amount)) END AS amount
  FROM owed o JOIN cover c USING (customer_id, currency)
  WINDOW turn AS (
    PARTITION BY o.customer_id, o.currency ORDER BY o.due_on, o.kind, o.key ROWS UNBOUNDED PRECEDING)
  UNION ALL
  SELECT o.kind, o.key, o.customer_id, o.currency, o.due_on, o.amount FROM owed o
  WHERE NOT EXISTS (SELECT 1 FROM cover c WHERE c.customer_id = o.customer_id AND c.currency = o.currency)
), expected AS (
  SELECT t.kind, t.key, t.customer_id, t.currency, t.due_on,
    CASE WHEN t.due_on >= %(today)s THEN greatest(t.due_on + coalesce(h.days, u.days), %(today)s)
      ELSE t.due_on + coalesce(h.days, u.days) END AS expected_on, t.amount
  FROM in_turn t CROSS JOIN usual u LEFT JOIN habits h ON h.customer_id = t.customer_id
  UNION ALL
  SELECT 'cheque', key, customer_id, currency, day, greatest(day, %(today)s), amount FROM cheques
)"""
SUNDAY = "{0} - extract(dow FROM {0})::int"
BY_WEEK = f"""{EXPECTED}
SELECT currency, CASE WHEN expected_on >= %(today)s THEN {SUNDAY.format("expected_on")} END, kind, sum(amount)
FROM expected WHERE expected_on < %(end)s AND amount <> 0 GROUP BY 1, 2, 3"""
RECEIVED = f"""
SELECT currency, {SUNDAY.format("available_on")}, sum(amount) FROM billing_credititem
WHERE organization_id = %(organization)s AND kind = 'payment' AND reversed_on IS NULL
  AND available_on >= %(start)s AND available_on <= %(today)s GROUP BY 1, 2"""
DISPUTED = """
SELECT currency, sum(open_amount) FROM billing_invoice
WHERE organization_id = %(organization)s AND open_amount > 0 AND is_disputed GROUP BY 1"""
ITEMS = f"""{EXPECTED}
SELECT e.kind, e.key, c.id, c.code, c.name, e.due_on, e.expected_on, e.amount,
  coalesce(i.number, g.number, h.number, ''), coalesce(g.id, h.id)
FROM expected e JOIN billing_customer c ON c.id = e.customer_id
LEFT JOIN billing_invoice i ON e.kind = 'invoice' AND i.id = e.key
LEFT JOIN billing_installment p ON e.kind = 'installment' AND p.id = e.key
LEFT JOIN billing_agreement g ON g.id = p.agreement_id
LEFT JOIN billing_charge x ON e.kind = 'charge' AND x.id = e.key LEFT JOIN billing_agreement h ON h.id = x.agreement_id
WHERE e.currency = %(currency)s AND e.amount <> 0 AND CASE WHEN %(week)s::date IS NULL THEN e.expected_on < %(today)s
  ELSE e.expected_on >= greatest(%(week)s::date, %(today)s) AND e.expected_on < %(week)s::date + 7 END
ORDER BY c.code, e.expected_on, e.kind, e.key"""
RECEIVED_ITEMS = """
SELECT 'payment', p.id, c.id, c.code, c.name, p.available_on, p.available_on, p.amount, p.number, NULL::bigint
FROM billing_credititem p JOIN billing_customer c ON c.id = p.customer_id
WHERE p.organization_id = %(organization)s AND p.kind = 'payment' AND p.reversed_on IS NULL
  AND p.currency = %(currency)s AND p.available_on >= %(week)s AND p.available_on < %(week)s::date + 7
  AND p.available_on <= %(today)s
ORDER BY c.code, p.available_on, p.id"""


@dataclass
class Week:
    """From a Sunday on. received: of weeks that have begun. expected: by kind, of the running week and later ones."""

    starts_on: date
    received: Decimal = ZERO
    expected: dict[str, Decimal] = field(default_factory=dict)

    @property
    def ends_on(self) -> date:
        return self.starts_on + WEEK - timedelta(days=1)

    @property
    def expected_amount(self) -> Decimal:
        return sum(self.expected.values(), ZERO)


@dataclass
class Forecast:
    """One currency. late: by kind, what should have come by the payers' habits and did not; disputed: left out."""

    currency: str
    weeks: list[Week]
    late: dict[str, Decimal] = field(default_factory=dict)
    disputed_amount: Decimal = ZERO

    @property
    def late_amount(self) -> Decimal:
        return sum(self.late.values(), ZERO)

    @property
    def future_amount(self) -> Decimal:
        """Future payments total: of the coming weeks and what is late."""
        return sum((week.expected_amount for week in self.weeks), self.late_amount)


class Item(NamedTuple):
    """What a week is made of. kind: of KINDS, or "payment". reference: of the invoice, agreement or payment."""

    kind: str
    key: int
    customer_id: int
    customer_code: str
    customer_name: str
    due_on: date
    expected_on: date
    amount: Decimal
    reference: str
    agreement_id: int | None


def week_of(day: date) -> date:
    """The Sunday on or before a day."""
    return day - timedelta(days=(day.weekday() + 1) % 7)


def forecast(organization: Organization, today: date) -> list[Forecast]:
    """By currency, the organization's own first. Three statements, and one for each app that keeps papers."""
    facts = _facts(organization, today)
    this = week_of(today)
    days = [this + WEEK * place for place in range(-WEEKS_BACK, WEEKS_AHEAD)]
    found: dict[str, Forecast] = {}

    def of(currency: str) -> Forecast:
        return found.setdefault(currency, Forecast(currency, [Week(day) for day in days]))

    of(organization.currency)
    with connection.cursor() as cursor:
        cursor.execute(BY_WEEK, facts)
        for currency, week, kind, amount in cursor.fetchall():
            kinds = of(currency).late if week is None else of(currency).weeks[days.index(week)].expected
            kinds[kind] = amount.quantize(ZERO)
        cursor.execute(RECEIVED, facts)
        for currency, week, amount in cursor.fetchall():
            of(currency).weeks[days.index(week)].received = amount
        cursor.execute(DISPUTED, facts)
        for currency, amount in cursor.fetchall():
            of(currency).disputed_amount = amount
    return sorted(found.values(), key=lambda one: (one.currency != organization.currency, one.currency))


def items_of_week(organization: Organization, today: date, currency: str, week: date | None) -> list[Item]:
    """What is expected in a week by customer, None for what is late. One statement, as for forecast."""
    return _items(ITEMS, {**_facts(organization, today), "currency": currency, "week": week})


def received_in_week(organization: Organization, today: date, currency: str, week: date) -> list[Item]:
    """What came in in a week, by customer. One statement."""
    facts = {"organization": organization.pk, "today": today, "currency": currency, "week": week}
    return _items(RECEIVED_ITEMS, facts)


def _items(statement: str, facts: dict[str, Any]) -> list[Item]:
    with connection.cursor() as cursor:
        cursor.execute(statement, facts)
        return [Item(*row) for row in cursor.fetchall()]


def _facts(organization: Organization, today: date) -> dict[str, Any]:
    papers = [paper for ask in PAPERS for paper in ask(organization.pk)]
    this = week_of(today)
    return {
        "organization": organization.pk, "today": today, "start": this - WEEK * WEEKS_BACK,
        "end": this + WEEK * WEEKS_AHEAD, "habit_days": HABIT_DAYS, "habit_invoices": HABIT_INVOICES,
        "earliest": EARLIEST, "without_decimals": WITHOUT_DECIMALS,
        "payers": [paper[0] for paper in papers], "currencies": [paper[1] for paper in papers],
        "days": [paper[2] for paper in papers], "amounts": [paper[3] for paper in papers],
    }  # fmt: skip
