"""The aging report over a hundred thousand and a million open items, beside bare SQL that gives the same rows."""

from datetime import timedelta
from typing import Any

from billing.selectors.aging import aging
from tests.benchmarks.ground import NOW, TODAY, Figure, analyze, make_organization, median, raw_connection, seconds
from tests.benchmarks.scatter import scatter, scatter_customers

SIZES = (100_000, 1_000_000)
CUSTOMERS = 10_000
ROUNDS = 5
GOAL = 1.5

# Today's aging and nothing else: what one would type at the prompt.
FLOOR = """
SELECT c.id, c.code, c.name, i.currency,
  coalesce(sum(i.open_amount) FILTER (WHERE i.due_on >= %(day)s), 0),
  coalesce(sum(i.open_amount) FILTER (WHERE i.due_on < %(day)s AND i.due_on >= %(day)s::date - 30), 0),
  coalesce(sum(i.open_amount) FILTER (WHERE i.due_on < %(day)s::date - 30 AND i.due_on >= %(day)s::date - 60), 0),
  coalesce(sum(i.open_amount) FILTER (WHERE i.due_on < %(day)s::date - 60 AND i.due_on >= %(day)s::date - 90), 0),
  coalesce(sum(i.open_amount) FILTER (WHERE i.due_on < %(day)s::date - 90), 0),
  sum(i.open_amount), 0::numeric
FROM billing_invoice i JOIN billing_customer c ON c.id = i.customer_id
WHERE i.organization_id = %(organization)s AND i.open_amount > 0 AND i.issued_on <= %(day)s
GROUP BY c.id, i.currency ORDER BY c.code, i.currency
"""


def run() -> list[Figure]:
    organization = make_organization("aging")
    customers = scatter_customers(organization, CUSTOMERS)
    link, figures, there = raw_connection(), [], 0
    for size in SIZES:
        scatter(organization, customers, size - there, TODAY)
        there = size
        analyze()
        figures.append(_measure(link, organization, size))
    past = median(seconds(lambda: aging(organization, TODAY - timedelta(days=45))) for _turn in range(ROUNDS))
    figures.append(Figure(f"aging of 45 days ago, {there:,} items", past * 1000, "ms"))
    return figures


def _measure(link: Any, organization: Any, size: int) -> Figure:
    today = organization.today(NOW)

    def bare() -> Any:
        return link.execute(FLOOR, {"organization": organization.pk, "day": today}).fetchall()

    assert [tuple(row) for row in aging(organization, today)] == bare(), "the floor answers another question"
    ours, floor = [], []
    for _turn in range(ROUNDS):
        ours.append(seconds(lambda: aging(organization, today)))
        floor.append(seconds(bare))
    ratio = median(o / f for o, f in zip(ours, floor, strict=True))
    return Figure(
        f"aging, {size:,} open items", median(ours) * 1000, "ms", median(floor) * 1000, ratio,
        goal=f"≤ {GOAL} × floor", met=ratio <= GOAL,
    )  # fmt: skip
