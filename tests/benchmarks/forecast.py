"""The forecast over a hundred thousand planned instalments, ten thousand payers with a history each."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from billing.bulk import insert_rows
from billing.models import Installment
from billing.selectors.forecast import forecast, items_of_week, week_of
from tests.benchmarks.ground import (
    TODAY,
    Figure,
    analyze,
    bill,
    make_agreements,
    make_customers,
    make_organization,
    median,
    seconds,
)
from tests.benchmarks.scatter import scatter

CUSTOMERS, EACH, ROUNDS = 10_000, 10, 5
GOAL = 1000

# Every invoice settled by a payment of its own, some days late: what habits are read from.
SETTLE = """
INSERT INTO billing_credititem (organization_id, customer_id, kind, number, currency, amount, available_on,
  applied_amount, refunded_amount, moved_amount)
SELECT organization_id, customer_id, 'payment', 'P' || id, currency, invoiced_amount, due_on + (id %% 9)::int,
  invoiced_amount, 0, 0 FROM billing_invoice WHERE organization_id = %(organization)s AND open_amount = 0;
INSERT INTO billing_allocation (organization_id, customer_id, credit_item_id, invoice_id, kind, currency, amount,
  allocated_on, strategy, reason, entry_id, made_at)
SELECT i.organization_id, i.customer_id, c.id, i.id, 'credit', i.currency, i.invoiced_amount, c.available_on, 'fifo',
  '', i.entry_id, now() FROM billing_invoice i JOIN billing_credititem c ON c.organization_id = i.organization_id
  AND c.number = 'P' || i.id WHERE i.organization_id = %(organization)s AND i.open_amount = 0"""


def run() -> list[Figure]:
    organization = make_organization("forecast")
    customers = make_customers(organization, CUSTOMERS, "F")
    _schedules(organization, customers)
    bill(organization, customers[:1000], 1)
    scatter(organization, customers, 100_000, TODAY, paid_percent=80)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(SETTLE, {"organization": organization.pk})
        cursor.execute("SET session_replication_role = DEFAULT")
    analyze()
    whole = median(seconds(lambda: forecast(organization, TODAY)) for _turn in range(ROUNDS)) * 1000
    week = week_of(TODAY) + timedelta(days=14)
    one = median(seconds(lambda: items_of_week(organization, TODAY, "USD", week)) for _turn in range(ROUNDS)) * 1000
    return [
        Figure(f"forecast, {CUSTOMERS * EACH:,} instalments", whole, "ms", goal=f"< {GOAL} ms", met=whole < GOAL,
               note="and 100,000 invoices"),
        Figure("what one week is made of", one, "ms"),
    ]  # fmt: skip


def _schedules(organization: Any, customers: list[int]) -> None:
    made = make_agreements(organization, customers, "weekly")
    insert_rows(Installment, (
        Installment(
            organization=organization, agreement=agreement, ordinal=place + 1, currency="USD", amount=Decimal(90),
            net_amount=Decimal(90), period_start=(day := TODAY + timedelta(days=7 * place + agreement.pk % 7)),
            period_end=day + timedelta(days=6), bill_on=day, due_on=day,
        )
        for agreement in made for place in range(EACH)
    ))  # fmt: skip
