"""Statements of account: what was owed, what moved it, what is owed on any past day (R132, R157).

# Note [A statement proves itself]
# The lines come from documents: invoices, money, discounts, refunds, moved credit, each with the day from which it
# counts. What is open on the last day comes from allocations. The aging report comes from today's figures, taken
# back to that day. The three share no arithmetic; a statement on which they differ is not issued.
# A document and what undid it in the same period cancel each other and are left out; undone in a later period, both
# stand where they belong, so that the statement of each period is true of its days.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from billing.models import Invoice
from billing.money import ZERO
from billing.office.models import Organization
from billing.selectors.aging import AgingRow, aging
from billing.selectors.taken_back import taken_back

EVENTS = """
SELECT customer_id, currency, issued_on AS on_day, 'invoice' AS kind, id AS ref, number, invoiced_amount AS amount
FROM billing_invoice WHERE customer_id = ANY(%(customers)s) AND issued_on <= %(last)s
UNION ALL
SELECT customer_id, currency, greatest(voided_on, issued_on), 'void', id, number, -invoiced_amount
FROM billing_invoice WHERE customer_id = ANY(%(customers)s) AND greatest(voided_on, issued_on) <= %(last)s
  AND voided_on IS NOT NULL
UNION ALL
SELECT customer_id, currency, available_on, kind, id, number, -amount
FROM billing_credititem WHERE customer_id = ANY(%(customers)s) AND available_on <= %(last)s
UNION ALL
SELECT customer_id, currency, greatest(reversed_on, available_on), 'reversed', id, number, amount - refunded_amount
FROM billing_credititem WHERE customer_id = ANY(%(customers)s) AND reversed_on IS NOT NULL
  AND greatest(reversed_on, available_on) <= %(last)s AND amount > refunded_amount
UNION ALL
SELECT a.customer_id, a.currency, a.allocated_on, a.kind, a.invoice_id, i.number, -sum(a.amount)
FROM billing_allocation a JOIN billing_invoice i ON i.id = a.invoice_id
WHERE a.customer_id = ANY(%(customers)s) AND a.kind <> 'credit' AND a.allocated_on <= %(last)s
GROUP BY 1, 2, 3, 4, 5, 6
UNION ALL
SELECT c.customer_id, c.currency, t.on_day, t.kind, t.ref, t.number, t.amount
FROM ({taken}) t JOIN billing_credititem c ON c.id = t.credit_item_id
WHERE c.customer_id = ANY(%(customers)s) AND t.on_day <= %(last)s"""

STATEMENT = """
WITH events AS ({events})
SELECT customer_id, currency, NULL::date, 'opening', 0::bigint, '', sum(amount) FROM events
WHERE on_day < %(first)s GROUP BY 1, 2
UNION ALL
SELECT customer_id, currency, on_day, kind, ref, number, amount FROM events WHERE on_day >= %(first)s AND amount <> 0"""

OPEN = """
SELECT i.customer_id, i.currency, i.number, i.due_on, i.creditor_reference,
  i.invoiced_amount - coalesce(sum(a.amount) FILTER (WHERE a.allocated_on <= %(last)s), 0.00)
FROM billing_invoice i LEFT JOIN billing_allocation a ON a.invoice_id = i.id
WHERE i.customer_id = ANY(%(customers)s) AND i.issued_on <= %(last)s
  AND (i.voided_on IS NULL OR i.voided_on > %(last)s)
GROUP BY i.id HAVING i.invoiced_amount > coalesce(sum(a.amount) FILTER (WHERE a.allocated_on <= %(last)s), 0.00)
ORDER BY i.due_on, i.issued_on, i.id"""

# Where several things happened on one day: first what was billed, then what was paid, then what was undone.
ORDER = (
    "invoice", "payment", "credit_memo", "transfer", "discount", "write_off", "refund", "moved_out", "chargeback",
    "void", "reversed", "refund_back", "moved_back",
)  # fmt: skip
UNDOES = {"void": "invoice", "reversed": "credit", "refund_back": "refund", "moved_back": "moved_out"}
CREDITS = ("payment", "credit_memo", "transfer")


class Line(NamedTuple):
    """amount: above zero it was charged, below zero paid or credited. ref: the key of the document."""

    on: date
    kind: str
    ref: int
    number: str
    amount: Decimal

    @property
    def document(self) -> tuple[str, int]:
        kind = "credit" if self.kind in CREDITS else self.kind
        return UNDOES.get(kind, kind), self.ref


class OpenItem(NamedTuple):
    number: str
    due_on: date
    creditor_reference: str
    amount: Decimal


@dataclass
class Account:
    """A customer in one currency over a period. aging: as the report of the last day has it; None: nothing there."""

    customer_id: int
    currency: str
    opening: Decimal = ZERO
    lines: list[Line] = field(default_factory=list)
    open: list[OpenItem] = field(default_factory=list)
    aging: AgingRow | None = None

    @property
    def closing(self) -> Decimal:
        return sum((line.amount for line in self.lines), self.opening)

    @property
    def buckets(self) -> Sequence[Decimal]:
        return self.aging[4:9] if self.aging else [ZERO] * 5

    @property
    def unapplied(self) -> Decimal:
        return self.aging.unapplied if self.aging else ZERO

    @property
    def ties(self) -> bool:
        """See Note [A statement proves itself]."""
        opened = sum((item.amount for item in self.open), ZERO)
        total = sum(self.buckets, ZERO)
        return self.closing == total - self.unapplied and opened == total

    @property
    def is_empty(self) -> bool:
        return not (self.opening or self.lines or self.open or self.unapplied)


def accounts(organization: Organization, customers: Iterable[int], first: date, last: date) -> dict[int, list[Account]]:
    """The accounts of customers over a period, the organization's currency first; always at least that one.

    Three statements, however many customers.
    """
    keys = list(customers)
    found: dict[tuple[int, str], Account] = {}

    def account(customer_id: int, currency: str) -> Account:
        return found.setdefault((customer_id, currency), Account(customer_id, currency))

    facts: dict[str, Any] = {"customers": keys, "first": first, "last": last, "organizations": [organization.pk]}
    events = EVENTS.format(taken=taken_back())
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT.format(events=events), facts)
        for customer_id, currency, on, kind, ref, number, amount in cursor.fetchall():
            here = account(customer_id, currency)
            if on is None:
                here.opening = amount
            else:
                here.lines.append(Line(on, kind, ref, number, amount))
        cursor.execute(OPEN, facts)
        for customer_id, currency, *item in cursor.fetchall():
            account(customer_id, currency).open.append(OpenItem(*item))
    for row in aging(organization, last, among=keys):
        account(row.customer_id, row.currency).aging = row
    for one in found.values():
        one.lines = without_pairs(one.lines)
    own = organization.currency
    return {
        key: sorted(
            (account(key, own), *(one for (owner, currency), one in found.items() if owner == key and currency != own)),
            key=lambda one: (one.currency != own, one.currency),
        )
        for key in keys
    }


def without_pairs(lines: Iterable[Line]) -> list[Line]:
    """In order of days, less every document of which nothing remains in these lines."""
    rows = list(lines)
    sums: dict[tuple[str, int], Decimal] = {}
    for line in rows:
        sums[line.document] = sums.get(line.document, ZERO) + line.amount
    kept = [line for line in rows if sums[line.document]]
    return sorted(kept, key=lambda line: (line.on, ORDER.index(line.kind), line.number))


def texts_of(found: Iterable[Account]) -> dict[tuple[str, int], str]:
    """What lines are about, by their document: what was billed and for whom, how it was paid. Two queries."""
    rows = {line.document for account in found for line in account.lines}
    texts: dict[tuple[str, int], str] = {}
    invoices = [ref for kind, ref in rows if kind == "invoice"]
    credits_ = [ref for kind, ref in rows if kind == "credit"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.id, coalesce(s.name, ''), coalesce(l.description, '') FROM billing_invoice i"
            " LEFT JOIN billing_invoiceline l ON l.invoice_id = i.id AND l.ordinal ="
            "   (SELECT min(ordinal) FROM billing_invoiceline m WHERE m.invoice_id = i.id)"
            " LEFT JOIN billing_agreement g ON g.id = i.agreement_id"
            " LEFT JOIN billing_student s ON s.id = g.student_id WHERE i.id = ANY(%s)",
            [invoices],
        )
        for key, child, what in cursor.fetchall():
            texts["invoice", key] = " · ".join(filter(None, (child, what)))
        cursor.execute(
            "SELECT p.credit_item_id, r.number FROM payments_payment p JOIN receipts_receipt r ON r.payment_id = p.id"
            " WHERE p.credit_item_id = ANY(%s)",
            [credits_],
        )
        texts |= {("credit", key): number for key, number in cursor.fetchall()}
    return texts


def moved_between(organization: Organization, first: date, last: date) -> set[int]:
    """Customers with an invoice, a payment or credit of these days; a few with none that stands may be among them."""
    billed = Invoice.objects.filter(organization=organization, issued_on__range=(first, last))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_id FROM billing_credititem WHERE organization_id = %(o)s"
            " AND (available_on BETWEEN %(first)s AND %(last)s OR reversed_on BETWEEN %(first)s AND %(last)s)"
            " UNION SELECT customer_id FROM billing_invoice WHERE organization_id = %(o)s"
            " AND voided_on BETWEEN %(first)s AND %(last)s",
            {"o": organization.pk, "first": first, "last": last},
        )
        return {row[0] for row in cursor.fetchall()} | set(billed.values_list("customer_id", flat=True))
