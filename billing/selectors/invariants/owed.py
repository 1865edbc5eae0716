"""Invoices, credit and allocations against each other and against their entries (invariants 5, 15-24, 36)."""

from billing.selectors.proof import Rule, mine

# What entries of a kind post to a role for a customer: entry_id, currency, amount (debits less credits).
POSTED = """
SELECT l.entry_id, l.currency, l.party, a.role, sum(l.debit - l.credit) AS amount, count(*) AS n
FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
WHERE a.role IN ({roles}) GROUP BY 1, 2, 3, 4"""

DOCUMENTS = """
SELECT entry_id FROM billing_invoice UNION ALL
SELECT void_entry_id FROM billing_invoice WHERE void_entry_id IS NOT NULL UNION ALL
SELECT entry_id FROM billing_creditmemo"""

RULES = [
    Rule(
        5, "invoice_is_posted", "Every invoice has its entry, which debits receivables of the customer by its total.",
        f"""
        SELECT i.id AS invoice_id, i.number, i.invoiced_amount, e.key, p.amount AS posted
        FROM billing_invoice i LEFT JOIN ledger_journalentry e ON e.id = i.entry_id
        LEFT JOIN ({POSTED.format(roles="'accounts_receivable'")}) p
          ON p.entry_id = i.entry_id AND p.party = i.customer_id AND p.currency = i.currency
        WHERE {mine("i.organization_id")} AND (e.id IS NULL OR e.event <> 'invoice_issued'
          OR e.key <> 'invoice:' || i.number || ':issued' OR p.amount IS DISTINCT FROM i.invoiced_amount)""",
    ),
    Rule(
        5, "credit_memo_is_posted", "Every credit memo has its entry, which credits the customer by its total.",
        f"""
        SELECT m.id AS credit_memo_id, m.number, c.amount, p.amount AS posted
        FROM billing_creditmemo m JOIN billing_credititem c ON c.id = m.credit_item_id
        LEFT JOIN ledger_journalentry e ON e.id = m.entry_id
        LEFT JOIN ({POSTED.format(roles="'customer_credits'")}) p
          ON p.entry_id = m.entry_id AND p.party = c.customer_id AND p.currency = c.currency
        WHERE {mine("m.organization_id")} AND (e.id IS NULL OR e.event <> 'credit_memo_issued' OR m.number <> c.number
          OR c.kind <> 'credit_memo' OR p.amount IS DISTINCT FROM -c.amount
          OR m.net_amount + m.tax_amount <> c.amount)""",
    ),
    Rule(
        5, "allocation_is_posted",
        "Every allocation's entry takes the credit, discount and write-off it says, and receivables by their sum.",
        f"""
        WITH rows AS (
          SELECT a.entry_id, a.customer_id, a.currency, c.kind AS credit_kind,
            coalesce(sum(a.amount) FILTER (WHERE a.kind = 'credit'), 0) AS credit,
            coalesce(sum(a.amount) FILTER (WHERE a.kind = 'discount'), 0) AS discount,
            coalesce(sum(a.amount) FILTER (WHERE a.kind = 'write_off'), 0) AS write_off
          FROM billing_allocation a JOIN billing_credititem c ON c.id = a.credit_item_id
          WHERE {mine("a.organization_id")} GROUP BY 1, 2, 3, 4
        ), posted AS (
          SELECT l.entry_id, l.currency,
            coalesce(sum(l.debit - l.credit) FILTER (WHERE a.role = 'accounts_receivable'), 0) AS receivable,
            coalesce(sum(l.debit - l.credit) FILTER (WHERE a.role = 'unapplied_cash'), 0) AS cash,
            coalesce(sum(l.debit - l.credit) FILTER (WHERE a.role = 'customer_credits'), 0) AS memo,
            coalesce(sum(l.debit - l.credit) FILTER (WHERE a.role = 'sales_discount'), 0) AS discount,
            coalesce(sum(l.debit - l.credit) FILTER (WHERE a.role = 'small_differences'), 0) AS write_off,
            min(l.party) AS first_party, max(l.party) AS last_party
          FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
          JOIN ledger_journalentry e ON e.id = l.entry_id
          WHERE e.event IN ('credit_allocated', 'credit_allocated_reversed') AND {mine("l.organization_id")}
          GROUP BY 1, 2
        )
        SELECT coalesce(r.entry_id, p.entry_id) AS entry_id, r.customer_id, r.credit, r.discount, r.write_off,
          p.receivable AS receivable_posted
        FROM rows r FULL JOIN posted p ON p.entry_id = r.entry_id AND p.currency = r.currency
        WHERE r.entry_id IS NULL OR p.entry_id IS NULL
          OR (r.credit, r.discount, r.write_off, -r.credit - r.discount - r.write_off)
            IS DISTINCT FROM (CASE WHEN r.credit_kind = 'credit_memo' THEN p.memo ELSE p.cash END, p.discount,
              p.write_off, p.receivable)
          OR (r.customer_id, r.customer_id) IS DISTINCT FROM (p.first_party, p.last_party)""",
    ),
    Rule(
        5, "entry_has_document", "Every entry for an invoice or credit memo belongs to exactly one.",
        f"""
        SELECT e.id AS entry_id, e.key, count(d.entry_id) AS documents
        FROM ledger_journalentry e LEFT JOIN ({DOCUMENTS}) d ON d.entry_id = e.id
        WHERE e.event IN ('invoice_issued', 'invoice_issued_reversed', 'credit_memo_issued')
          AND {mine("e.organization_id")}
        GROUP BY e.id HAVING count(d.entry_id) <> 1""",
    ),
    Rule(
        13, "void_invoice_is_mirrored", "A void invoice has a mirror entry; one that stands has none.",
        f"""
        SELECT i.id AS invoice_id, i.number, i.voided_on, i.void_entry_id
        FROM billing_invoice i LEFT JOIN ledger_journalentry v ON v.id = i.void_entry_id
        WHERE {mine("i.organization_id")} AND ((i.voided_on IS NULL) <> (i.void_entry_id IS NULL)
          OR v.id IS NOT NULL AND v.reverses_id IS DISTINCT FROM i.entry_id)""",
    ),
    Rule(
        15, "credit_adds_up",
        "Applied, refunded, moved and unapplied make up every credit item; nothing of a reversed one is left.",
        f"""
        SELECT id AS credit_item_id, number, amount, applied_amount, refunded_amount, moved_amount, unapplied_amount,
          reversed_on
        FROM billing_credititem WHERE {mine("organization_id")} AND (
          reversed_on IS NULL AND applied_amount + refunded_amount + moved_amount + unapplied_amount <> amount
          OR reversed_on IS NOT NULL AND (applied_amount, moved_amount, unapplied_amount) <> (0, 0, 0)
          OR applied_amount < 0 OR refunded_amount < 0 OR moved_amount < 0 OR unapplied_amount < 0)""",
    ),
    Rule(
        16, "applied_is_allocated", "What a credit item has applied is the sum of its allocations.",
        f"""
        SELECT c.id AS credit_item_id, c.number, c.applied_amount, coalesce(a.amount, 0) AS allocated
        FROM billing_credititem c LEFT JOIN (
          SELECT credit_item_id, sum(amount) AS amount FROM billing_allocation WHERE kind = 'credit' GROUP BY 1) a
          ON a.credit_item_id = c.id
        WHERE {mine("c.organization_id")} AND c.applied_amount <> coalesce(a.amount, 0)""",
    ),
    Rule(
        17, "open_is_what_is_left",
        "What an invoice has open is its total less what was applied, discounted and written off, never below zero.",
        f"""
        SELECT i.id AS invoice_id, i.number, i.invoiced_amount, i.open_amount, i.applied_amount, i.discounted_amount,
          i.written_off_amount, a.applied AS allocated, a.discounted AS discount_rows, a.written_off AS write_off_rows
        FROM billing_invoice i LEFT JOIN (
          SELECT invoice_id, coalesce(sum(amount) FILTER (WHERE kind = 'credit'), 0) AS applied,
            coalesce(sum(amount) FILTER (WHERE kind = 'discount'), 0) AS discounted,
            coalesce(sum(amount) FILTER (WHERE kind = 'write_off'), 0) AS written_off
          FROM billing_allocation GROUP BY 1) a ON a.invoice_id = i.id
        WHERE {mine("i.organization_id")} AND (
          (i.applied_amount, i.discounted_amount, i.written_off_amount) IS DISTINCT FROM
            (coalesce(a.applied, 0), coalesce(a.discounted, 0), coalesce(a.written_off, 0))
          OR i.open_amount < 0 OR i.open_amount <> CASE WHEN i.voided_on IS NULL THEN
            i.invoiced_amount - i.applied_amount - i.discounted_amount - i.written_off_amount ELSE 0 END)""",
    ),
    Rule(
        18, "allocation_within_customer",
        "An allocation joins credit and an invoice of one customer and one currency, neither before it existed.",
        f"""
        SELECT a.id AS allocation_id, a.customer_id, c.customer_id AS credit_of, i.customer_id AS invoice_of,
          a.allocated_on
        FROM billing_allocation a LEFT JOIN billing_credititem c ON c.id = a.credit_item_id
        LEFT JOIN billing_invoice i ON i.id = a.invoice_id
        WHERE {mine("a.organization_id")} AND ((a.customer_id, a.customer_id, a.currency, a.currency)
            IS DISTINCT FROM (c.customer_id, i.customer_id, c.currency, i.currency)
          OR a.allocated_on < c.available_on OR a.allocated_on < i.issued_on)""",
    ),
    Rule(
        19, "undo_mirrors", "An undo mirrors exactly one allocation, and each is undone at most once.",
        f"""
        SELECT u.id AS allocation_id, u.reverses_id, u.amount, o.amount AS original, u.undone
        FROM (SELECT *, count(*) OVER (PARTITION BY reverses_id) AS undone FROM billing_allocation
              WHERE reverses_id IS NOT NULL) u
        LEFT JOIN billing_allocation o ON o.id = u.reverses_id
        LEFT JOIN ledger_journalentry e ON e.id = u.entry_id
        WHERE {mine("u.organization_id")} AND (u.undone > 1 OR o.reverses_id IS NOT NULL
          OR (o.credit_item_id, o.invoice_id, o.kind, o.amount, o.entry_id)
            IS DISTINCT FROM (u.credit_item_id, u.invoice_id, u.kind, -u.amount, e.reverses_id))""",
    ),
    Rule(
        22, "lines_add_up", "The lines of an invoice add up to it, net and tax.",
        f"""
        SELECT i.id AS invoice_id, i.number, i.net_amount, i.tax_amount, l.net, l.tax FROM billing_invoice i
        LEFT JOIN (SELECT invoice_id, sum(net_amount) AS net, sum(tax_amount) AS tax
                   FROM billing_invoiceline GROUP BY 1) l
          ON l.invoice_id = i.id
        WHERE {mine("i.organization_id")} AND ((i.net_amount, i.tax_amount) IS DISTINCT FROM (l.net, l.tax)
          OR i.invoiced_amount <> i.net_amount + i.tax_amount)""",
    ),
    Rule(
        24, "discount_once", "An invoice has at most one standing discount, won inside its window, and one write-off.",
        f"""
        SELECT i.id AS invoice_id, i.number, a.kind, count(*) AS standing, max(a.allocated_on) AS allocated_on
        FROM billing_allocation a JOIN billing_invoice i ON i.id = a.invoice_id
        JOIN billing_credititem c ON c.id = a.credit_item_id
        LEFT JOIN billing_allocation u ON u.reverses_id = a.id
        WHERE a.kind IN ('discount', 'write_off') AND a.reverses_id IS NULL AND u.id IS NULL
          AND {mine("a.organization_id")}
        GROUP BY i.id, a.kind HAVING count(*) > 1 OR (a.kind = 'discount' AND
          bool_or(a.reason = '' AND (i.discount_until IS NULL OR i.discount_until <
            CASE WHEN c.kind = 'payment' THEN c.available_on ELSE a.allocated_on END)))""",
    ),
    Rule(
        36, "refunds_within_amount", "What was refunded of a credit item and what is applied never exceed its amount.",
        f"""
        SELECT id AS credit_item_id, number, amount, applied_amount, refunded_amount FROM billing_credititem
        WHERE {mine("organization_id")} AND applied_amount + refunded_amount + moved_amount > amount""",
    ),
]  # fmt: skip
