"""What a family paid in a year: by child and kind of service, and every payment (R158).

Money counts in the year it came in, whatever it was set against later; what of it was set against no bill by the end
of the year stands by itself. Money given back counts in the year it was paid out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from billing.money import ZERO
from billing.office.models import Organization

TAKEN = """
SELECT c.currency, c.id, c.available_on, c.number, coalesce(r.number, ''), coalesce(p.method, ''), c.amount
FROM billing_credititem c LEFT JOIN payments_payment p ON p.credit_item_id = c.id
LEFT JOIN receipts_receipt r ON r.payment_id = p.id
WHERE c.customer_id = %(customer)s AND c.kind = 'payment' AND c.available_on BETWEEN %(first)s AND %(last)s
  AND (c.reversed_on IS NULL OR c.reversed_on > %(last)s)
ORDER BY c.available_on, c.id"""

APPLIED = """
SELECT a.currency, coalesce(s.name, ''), coalesce(s.latin_name, ''), coalesce(g.kind, ''), sum(a.amount)
FROM billing_allocation a JOIN billing_invoice i ON i.id = a.invoice_id
LEFT JOIN billing_agreement g ON g.id = i.agreement_id LEFT JOIN billing_student s ON s.id = g.student_id
WHERE a.credit_item_id = ANY(%(items)s) AND a.kind = 'credit' AND a.allocated_on <= %(last)s
GROUP BY s.id, 1, 2, 3, 4 HAVING sum(a.amount) <> 0 ORDER BY 2, 4"""

# A refund that was kept as credit paid nothing out: its money lies in a credit item of its number.
REFUNDED = """
SELECT f.currency, f.processed_on, f.number, f.paid_amount FROM payments_refund f
WHERE f.customer_id = %(customer)s AND f.state = 'processed' AND f.processed_on BETWEEN %(first)s AND %(last)s
  AND NOT EXISTS (SELECT 1 FROM billing_credititem k WHERE k.organization_id = f.organization_id
    AND k.number IN (f.number, f.number || '-back'))
UNION ALL
SELECT d.currency, e.entry_date, d.number, d.lost_amount FROM payments_dispute d
JOIN ledger_journalentry e ON e.id = d.outcome_entry_id
WHERE d.customer_id = %(customer)s AND d.payment_id IS NOT NULL AND d.lost_amount > 0
  AND e.entry_date BETWEEN %(first)s AND %(last)s
ORDER BY 2, 3"""


class Paid(NamedTuple):
    on: date
    number: str
    receipt: str
    method: str
    amount: Decimal


class Share(NamedTuple):
    """What was paid for one child and kind of service. service: AgreementKind; "": no agreement."""

    child: str
    latin_name: str
    service: str
    amount: Decimal


class Returned(NamedTuple):
    on: date
    number: str
    amount: Decimal


@dataclass
class YearPaid:
    """Of one currency. not_set: paid, and by the end of the year on no bill: kept as credit, moved or given back."""

    currency: str
    payments: list[Paid] = field(default_factory=list)
    shares: list[Share] = field(default_factory=list)
    refunds: list[Returned] = field(default_factory=list)

    @property
    def paid_amount(self) -> Decimal:
        return sum((row.amount for row in self.payments), ZERO)

    @property
    def not_set_amount(self) -> Decimal:
        return self.paid_amount - sum((row.amount for row in self.shares), ZERO)

    @property
    def refunded_amount(self) -> Decimal:
        return sum((row.amount for row in self.refunds), ZERO)

    @property
    def net_amount(self) -> Decimal:
        return self.paid_amount - self.refunded_amount


def year_paid(organization: Organization, customer_id: int, first: date, last: date) -> list[YearPaid]:
    """The organization's currency first; always at least that one. Three statements."""
    found = {organization.currency: YearPaid(organization.currency)}
    facts: dict[str, Any] = {"customer": customer_id, "first": first, "last": last}
    items: list[int] = []

    def of(currency: str) -> YearPaid:
        return found.setdefault(currency, YearPaid(currency))

    for currency, key, *payment in _rows(TAKEN, facts):
        items.append(key)
        of(currency).payments.append(Paid(*payment))
    for currency, *share in _rows(APPLIED, {"items": items, "last": last}):
        of(currency).shares.append(Share(*share))
    for currency, *refund in _rows(REFUNDED, facts):
        of(currency).refunds.append(Returned(*refund))
    own = found.pop(organization.currency)
    return [own, *(found[currency] for currency in sorted(found))]


def _rows(sql: str, facts: dict[str, Any]) -> Iterable[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, facts)
        return list(cursor.fetchall())
