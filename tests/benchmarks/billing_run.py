"""A billing run of ten thousand agreements, three lines each, prepared and carried out, beside the SQL that writes the
very same rows from the same schedules: one INSERT … SELECT a table, the same triggers and constraints watching."""

import os
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from billing.bulk import insert_rows
from billing.ledger.chart import accounts_by_role
from billing.ledger.models import Role
from billing.models import AgreementTerms, BillingRun, Installment, Invoice
from billing.models.billing_run import RunKind
from billing.rules.priced import Tax, price_line, step, total_of
from billing.selectors.proof import prove
from billing.selectors.run_facts import CONTENT
from billing.services.runs.carrying_out import CHUNK, carry_out_run
from billing.services.runs.preparing import RunOrder, prepare_run
from tests.benchmarks.ground import (
    NOW,
    TODAY,
    Figure,
    analyze,
    make_agreements,
    make_customers,
    make_organization,
    raw_connection,
    seconds,
)

ROWS = int(os.environ.get("BENCH_ROWS", 10_000))
GOAL = 0.5
DUE_ON = TODAY + timedelta(days=14)
TAX = Tax(Decimal("0.05"), name="Sales tax")
PRICES = 500  # different ones among the agreements
EXPLANATION = "A month costs US$90.00. Sales tax 5 %: US$4.50."


def run() -> list[Figure]:
    organization = make_organization("billing")
    parts = _agreements(organization, 2 * ROWS + 2 * CHUNK)
    warm, again = parts[:CHUNK], parts[CHUNK : 2 * CHUNK]
    mine, theirs = parts[2 * CHUNK : 2 * CHUNK + ROWS], parts[2 * CHUNK + ROWS :]
    link = raw_connection()
    _ours(organization, warm)
    _Floor(link, organization).bill(again)
    analyze()
    half = ROWS // 2
    floor = seconds(lambda: _Floor(link, organization).bill(theirs[:half]))
    ours = seconds(lambda: _ours(organization, mine))
    floor += seconds(lambda: _Floor(link, organization).bill(theirs[half:]))  # before and after: the machine is shared
    _check(organization, mine, theirs)
    share = floor / ours
    return [
        Figure(
            f"billing run, {ROWS:,} agreements", ROWS / ours, "bills/s", ROWS / floor, share,
            goal=f"≥ {GOAL} × floor speed", met=share >= GOAL, note=f"{ours:.1f} s in all; floor {floor:.1f} s",
        )
    ]  # fmt: skip


def _agreements(organization: Any, count: int) -> list[int]:
    """Keys of agreements of a customer each, with one period of three lines to bill."""
    customers = make_customers(organization, count, "R")
    offers = [_offer(Decimal(price)) for price in range(60, 60 + PRICES)]
    made = make_agreements(organization, customers, "monthly")
    insert_rows(AgreementTerms, (
        AgreementTerms(
            organization=organization, agreement=each, effective_on=TODAY, plan_id=each.plan_id, frequency="monthly",
            currency="USD", price=60 + n % PRICES, made_at=NOW,
        )
        for n, each in enumerate(made)
    ))  # fmt: skip
    insert_rows(Installment, (
        Installment(
            organization=organization, agreement=each, ordinal=1, period_start=TODAY,
            period_end=TODAY + timedelta(days=30), bill_on=TODAY, due_on=DUE_ON, currency="USD", **offers[n % PRICES]
        )
        for n, each in enumerate(made)
    ))  # fmt: skip
    return [each.pk for each in made]


def _offer(price: Decimal) -> dict[str, Any]:
    """Amounts and lines of a period at a price."""
    lines = [
        price_line(text, amount, "USD", TAX, steps=[step("price_monthly", price_amount=amount)])
        for text, amount in (("Tuition", price), ("Hire", price / 4), ("Sheet music", price / 8))
    ]
    net, tax, discount = total_of(lines)
    return {
        "net_amount": net, "tax_amount": tax, "discount_amount": discount, "amount": net + tax,
        "lines": [line.to_json() for line in lines],
    }  # fmt: skip


def _ours(organization: Any, agreement_ids: Sequence[int]) -> None:
    order = RunOrder(RunKind.REGULAR, TODAY, TODAY, agreement_ids, is_approved=True)
    with transaction.atomic():
        made = prepare_run(organization=organization, order=order, now=NOW, by=None)
    assert made is not None
    outcome = carry_out_run(run=made, now=NOW, by=None)
    assert (outcome.invoices, outcome.is_done) == (len(agreement_ids), True)


class _Floor:
    """The rows of a run by hand: the run and its bills as they are looked at; then what they become."""

    def __init__(self, link: Any, organization: Any) -> None:
        self.link, self.organization = link, organization
        roles = accounts_by_role(organization.pk)
        self.facts = {
            "org": organization.pk, "today": TODAY, "now": NOW, "words": EXPLANATION, "year": NOW.year,
            "receivable": roles[Role.ACCOUNTS_RECEIVABLE], "revenue": roles[Role.REVENUE],
            "tax": roles[Role.TAX_PAYABLE],
        }  # fmt: skip

    def bill(self, agreement_ids: Sequence[int]) -> None:
        with self.link.cursor() as cursor:
            with self.link.transaction():
                cursor.execute(RUN, self.facts | {"number": f"FLOOR-{agreement_ids[0]}"})
                facts = self.facts | {"run": cursor.fetchone()[0], "keys": list(agreement_ids)}
                cursor.execute(ITEMS, facts)
                cursor.execute(FROZEN, facts)
            for start in range(0, len(agreement_ids), CHUNK):
                self._carry_out(cursor, facts | {"keys": list(agreement_ids[start : start + CHUNK])})
            cursor.execute(DONE, facts)

    def _carry_out(self, cursor: Any, facts: dict[str, Any]) -> None:
        """A chunk of the same size as the service's, in one transaction."""
        count = len(facts["keys"])
        with self.link.transaction():
            for lock in LOCKS:
                cursor.execute(lock, facts)
            cursor.execute(SERIES, facts | {"count": count})
            last = cursor.fetchone()[0]
            cursor.execute(JOURNAL, facts | {"count": count})
            facts |= {"invoice": last - count, "entry": cursor.fetchone()[0] - count}
            for statement in (CHOSEN, ENTRIES, JOURNAL_LINES, INVOICES, LINES, BILLED, PERIODS):
                cursor.execute(statement, facts)


RUN = """
INSERT INTO billing_billingrun (organization_id, number, kind, bill_until, issue_on, state, content_hash, note, made_at,
  approved_at)
VALUES (%(org)s, %(number)s, 'regular', %(today)s, %(today)s, 'approved', '', '', %(now)s, %(now)s)
RETURNING id"""
ITEMS = """
INSERT INTO billing_billingrunitem (organization_id, run_id, ordinal, agreement_id, customer_id, installment_id, due_on,
  currency, net_amount, tax_amount, amount, lines, oddities, state, reason)
SELECT i.organization_id, %(run)s, row_number() OVER (ORDER BY a.id), a.id, a.customer_id, i.id, i.due_on, i.currency,
  i.net_amount, i.tax_amount, i.amount, i.lines, '["first"]', 'planned', ''
FROM billing_installment i JOIN billing_agreement a ON a.id = i.agreement_id
WHERE i.state = 'planned' AND i.bill_on <= %(today)s AND a.id = ANY(%(keys)s)"""
FROZEN = (
    f"UPDATE billing_billingrun SET content_hash = (SELECT {CONTENT} FROM billing_billingrunitem"
    " WHERE run_id = %(run)s) WHERE id = %(run)s"
)
DONE = "UPDATE billing_billingrun SET state = 'done', finished_at = %(now)s WHERE id = %(run)s"
LOCKS = (
    "SELECT 1 FROM billing_billingrunitem WHERE run_id = %(run)s AND agreement_id = ANY(%(keys)s) AND state = 'planned'"
    " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
    "SELECT 1 FROM billing_customer WHERE id IN (SELECT customer_id FROM billing_billingrunitem"
    " WHERE run_id = %(run)s AND agreement_id = ANY(%(keys)s)) ORDER BY id FOR NO KEY UPDATE",
    "SELECT 1 FROM billing_installment WHERE id IN (SELECT installment_id FROM billing_billingrunitem"
    " WHERE run_id = %(run)s AND agreement_id = ANY(%(keys)s)) AND state = 'planned' ORDER BY id FOR NO KEY UPDATE",
)
SERIES = """
INSERT INTO office_numberseries (organization_id, series, period, last)
VALUES (%(org)s, 'INV', %(year)s::text, %(count)s)
ON CONFLICT (organization_id, series, period) DO UPDATE SET last = office_numberseries.last + excluded.last
RETURNING last"""
JOURNAL = """
INSERT INTO ledger_journalseries (organization_id, year, last) VALUES (%(org)s, %(year)s, %(count)s)
ON CONFLICT (organization_id, year) DO UPDATE SET last = ledger_journalseries.last + excluded.last RETURNING last"""
CHOSEN = """
CREATE TEMP TABLE chosen ON COMMIT DROP AS
SELECT b.id AS item_id, b.agreement_id, b.customer_id, b.installment_id, b.due_on, b.currency, b.net_amount,
  b.tax_amount, b.amount, b.lines, p.period_start, p.period_end, n.place,
  'INV-' || %(year)s || '-' || lpad((%(invoice)s + n.place)::text, 8, '0') AS number,
  nextval(pg_get_serial_sequence('billing_invoice', 'id')) AS invoice_id,
  nextval(pg_get_serial_sequence('ledger_journalentry', 'id')) AS entry_id
FROM (SELECT id, row_number() OVER (ORDER BY ordinal) AS place FROM billing_billingrunitem
      WHERE run_id = %(run)s AND agreement_id = ANY(%(keys)s) AND state = 'planned') n
JOIN billing_billingrunitem b ON b.id = n.id JOIN billing_installment p ON p.id = b.installment_id"""
ENTRIES = """
INSERT INTO ledger_journalentry (id, organization_id, year, number, key, event, entry_date, memo, reason, posted_at)
SELECT entry_id, %(org)s, %(year)s, %(entry)s + place, 'invoice:' || number || ':issued', 'invoice_issued', %(today)s,
  number, '', %(now)s FROM chosen ORDER BY place"""
JOURNAL_LINES = """
INSERT INTO ledger_journalline (entry_id, ordinal, organization_id, account_id, party, currency, debit, credit,
  department, project)
SELECT entry_id, l.ordinal, %(org)s, l.account, l.party, currency, l.debit, l.credit, '', ''
FROM chosen CROSS JOIN LATERAL (VALUES (1, %(receivable)s::bigint, customer_id, amount, 0.00),
  (2, %(revenue)s::bigint, NULL, 0.00, net_amount), (3, %(tax)s::bigint, NULL, 0.00, tax_amount))
  AS l (ordinal, account, party, debit, credit) ORDER BY place, l.ordinal"""
INVOICES = """
INSERT INTO billing_invoice (id, organization_id, customer_id, number, kind, issued_on, due_on, currency, net_amount,
  tax_amount, invoiced_amount, applied_amount, discounted_amount, written_off_amount, terms, discount_rate, is_disputed,
  is_opening, creditor_reference, department, project, agreement_id, period_start, period_end, entry_id, issued_at)
SELECT invoice_id, %(org)s, customer_id, number, 'sale', %(today)s, due_on, currency, net_amount, tax_amount, amount,
  0, 0, 0, '', 0, false, false, '', '', '', agreement_id, period_start, period_end, entry_id, %(now)s
FROM chosen ORDER BY place"""
LINES = """
INSERT INTO billing_invoiceline (invoice_id, ordinal, description, explanation, quantity, unit_price, net_amount,
  tax_rate, tax_amount, derivation)
SELECT invoice_id, l.ordinal, line->>'text', %(words)s, (line->>'quantity')::numeric, (line->>'unit_price')::numeric,
  (line->>'net')::numeric, (line->>'tax_rate')::numeric, (line->>'tax')::numeric, line->'steps'
FROM chosen CROSS JOIN LATERAL jsonb_array_elements(lines) WITH ORDINALITY AS l (line, ordinal)
ORDER BY place, l.ordinal"""
BILLED = """
UPDATE billing_billingrunitem b SET state = 'billed', invoice_id = c.invoice_id FROM chosen c
WHERE b.id = c.item_id AND b.state = 'planned'"""
PERIODS = """
UPDATE billing_installment p SET state = 'billed' FROM chosen c WHERE p.id = c.installment_id AND p.state = 'planned'"""


def _check(organization: Any, mine: Sequence[int], theirs: Sequence[int]) -> None:
    """Both sides wrote the same, and the books are whole."""
    told = []
    for keys in (mine, theirs):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(DISTINCT i.id), sum(l.net_amount), sum(l.tax_amount), count(*), count(DISTINCT b.id),"
                " sum((SELECT count(*) FROM ledger_journalline j WHERE j.entry_id = i.entry_id))"
                " FROM billing_invoice i JOIN billing_invoiceline l ON l.invoice_id = i.id"
                " JOIN billing_billingrunitem b ON b.invoice_id = i.id AND b.state = 'billed'"
                " JOIN billing_installment p ON p.id = b.installment_id AND p.state = 'billed'"
                " WHERE i.agreement_id = ANY(%s)", [list(keys)],
            )  # fmt: skip
            told.append(cursor.fetchone())
    assert told[0] == told[1], f"the floor writes something else: {told}"
    assert Invoice.objects.count() == 2 * ROWS + 2 * CHUNK and not BillingRun.objects.exclude(state="done").exists()
    broken = [f"{found.rule.number} {found.rule.name}" for found in prove(organization.pk).broken]
    assert broken == [], broken
