"""The rules that drawers, counts and deposits must keep (invariants 2, 5, 11)."""

from billing.selectors.proof import Rule, mine

# What one person alone may do to a count of the safe is posted with it; what a second person accepted, under its key.
ACCEPTED = """EXISTS (SELECT 1 FROM office_approvalrequest r WHERE r.organization_id = c.organization_id
  AND r.action = 'accept_cash_difference' AND r.subject = 'cash_count:' || c.id AND r.state = 'used')"""
# A void in the minute of a close may have been written before it or after it; the clock cannot tell.
NEAR = "interval '1 minute'"

RULES: list[Rule] = [
    Rule(
        11, "cash_on_hand",
        "Cash on hand is cash payments less refunds and deposits, with what was fetched and what counts found.",
        f"""
        SELECT organization_id, currency, coalesce(b.amount, 0) AS in_books, coalesce(d.amount, 0) AS in_documents
        FROM (SELECT l.organization_id, l.currency, sum(l.debit - l.credit) AS amount
              FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
              WHERE a.role = 'cash' AND {mine("l.organization_id")} GROUP BY 1, 2) b
        FULL JOIN (
          SELECT organization_id, currency, sum(amount) AS amount FROM (
            SELECT organization_id, currency, amount FROM payments_payment
              WHERE method = 'cash' AND state IN ('processed', 'refunded')
            UNION ALL SELECT organization_id, currency, CASE kind WHEN 'refund' THEN -amount ELSE amount END
              FROM payments_cashmovement WHERE kind IN ('refund', 'from_bank')
            UNION ALL SELECT organization_id, currency, -cash_amount FROM payments_deposit WHERE state = 'deposited'
            UNION ALL SELECT organization_id, currency, variance FROM payments_drawersession WHERE state = 'closed'
            UNION ALL SELECT organization_id, currency, counted_amount - expected_amount FROM payments_cashcount c
              WHERE session_id IS NULL AND (entry_id IS NOT NULL OR {ACCEPTED})) documents
          WHERE {mine("organization_id")} GROUP BY 1, 2) d USING (organization_id, currency)
        WHERE coalesce(b.amount, 0) <> coalesce(d.amount, 0)""",
    ),
    Rule(
        5, "drawer_difference_is_posted",
        "A closed drawer's difference is in its entry, over or short; without a difference there is no entry.",
        f"""
        SELECT s.id AS session_id, s.variance, e.key, l.n, l.cash, l.over_short
        FROM payments_drawersession s LEFT JOIN ledger_journalentry e ON e.id = s.entry_id
        LEFT JOIN LATERAL (
          SELECT count(*) AS n, sum(l.debit - l.credit) FILTER (WHERE a.role = 'cash') AS cash,
            sum(l.credit - l.debit) FILTER (WHERE a.role = 'cash_over_short') AS over_short
          FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
          WHERE l.entry_id = s.entry_id AND l.currency = s.currency) l ON true
        WHERE {mine("s.organization_id")} AND s.state = 'closed' AND CASE
          WHEN s.variance = 0 THEN s.entry_id IS NOT NULL
          ELSE (e.event, e.key, l.n, l.cash, l.over_short) IS DISTINCT FROM
            ('cash_counted', 'drawer:' || s.id || ':counted', 2, s.variance, s.variance) END""",
    ),
    Rule(
        5, "safe_difference_is_posted",
        "A count of the safe whose difference was accepted has its entry over that difference.",
        f"""
        SELECT c.id AS count_id, c.counted_amount - c.expected_amount AS variance, e.key, l.cash
        FROM payments_cashcount c
        LEFT JOIN ledger_journalentry e ON e.organization_id = c.organization_id
          AND (e.id = c.entry_id OR c.entry_id IS NULL AND e.key = 'count:' || c.id || ':counted')
        LEFT JOIN LATERAL (
          SELECT sum(l.debit - l.credit) AS cash FROM ledger_journalline l
          JOIN ledger_ledgeraccount a ON a.id = l.account_id
          WHERE l.entry_id = e.id AND l.currency = c.currency AND a.role = 'cash') l ON true
        WHERE {mine("c.organization_id")} AND c.session_id IS NULL
          AND coalesce(l.cash, 0) <> CASE WHEN c.entry_id IS NOT NULL OR {ACCEPTED}
            THEN c.counted_amount - c.expected_amount ELSE 0 END""",
    ),
    Rule(
        5, "cash_entry_has_count", "Every entry over a difference of cash belongs to one drawer or one count.",
        f"""
        SELECT e.id AS entry_id, e.key, count(d.entry_id) AS documents
        FROM ledger_journalentry e LEFT JOIN (
          SELECT entry_id FROM payments_drawersession WHERE entry_id IS NOT NULL
          UNION ALL SELECT entry_id FROM payments_cashcount WHERE entry_id IS NOT NULL
          UNION ALL SELECT x.id FROM payments_cashcount c JOIN ledger_journalentry x
            ON x.organization_id = c.organization_id AND x.key = 'count:' || c.id || ':counted'
            WHERE c.entry_id IS NULL AND {ACCEPTED}) d ON d.entry_id = e.id
        WHERE e.event IN ('cash_counted', 'cash_counted_reversed') AND {mine("e.organization_id")}
        GROUP BY e.id HAVING count(d.entry_id) <> 1""",
    ),
    Rule(
        5, "cash_movement_entry",
        "Cash fetched from the bank or paid out has an entry of its own that moves cash on hand by its amount.",
        f"""
        SELECT m.id AS movement_id, m.kind, m.amount, e.event, l.cash, n.movements
        FROM payments_cashmovement m LEFT JOIN ledger_journalentry e ON e.id = m.entry_id
        LEFT JOIN LATERAL (
          SELECT sum(l.debit - l.credit) AS cash FROM ledger_journalline l
          JOIN ledger_ledgeraccount a ON a.id = l.account_id
          WHERE l.entry_id = m.entry_id AND l.currency = m.currency AND a.role = 'cash') l ON true
        LEFT JOIN LATERAL (
          SELECT count(*) AS movements FROM payments_cashmovement o WHERE o.entry_id = m.entry_id) n ON true
        WHERE {mine("m.organization_id")} AND m.kind IN ('from_bank', 'refund') AND (
          n.movements <> 1
          OR e.event IS DISTINCT FROM CASE m.kind WHEN 'refund' THEN 'refund_paid' ELSE 'cash_fetched' END
          OR l.cash IS DISTINCT FROM CASE m.kind WHEN 'refund' THEN -m.amount ELSE m.amount END)""",
    ),
    Rule(
        11, "count_is_its_notes",
        "What was counted is the sum of its notes and coins: counts, floats, payments and deposits.",
        f"""
        WITH counted AS (
          SELECT 'count' AS what, id, organization_id, counted_amount AS amount, denominations FROM payments_cashcount
          UNION ALL SELECT 'float', id, organization_id, opening_float, opening_denominations
            FROM payments_drawersession
          UNION ALL SELECT 'payment', id, organization_id, amount, denominations FROM payments_payment
            WHERE denominations <> '[]'
          UNION ALL SELECT 'deposit', id, organization_id, cash_amount, denominations FROM payments_deposit
            WHERE denominations <> '[]')
        SELECT c.what, c.id, c.amount, n.total FROM counted c
        LEFT JOIN LATERAL (
          SELECT coalesce(sum((face ->> 0)::numeric * (face ->> 1)::numeric), 0) AS total
          FROM jsonb_array_elements(c.denominations) face) n ON true
        WHERE {mine("c.organization_id")} AND n.total <> c.amount""",
    ),
    Rule(
        11, "drawer_expected_is_documents",
        "What a closed drawer was expected to hold is its float, its cash payments that stood then and its movements.",
        f"""
        SELECT s.id AS session_id, s.expected_amount, d.amount AS in_documents
        FROM payments_drawersession s
        LEFT JOIN LATERAL (
          SELECT s.opening_float
            + coalesce((SELECT sum(p.amount) FROM payments_payment p LEFT JOIN payments_paymentvoid v
                ON v.payment_id = p.id WHERE p.drawer_session_id = s.id AND p.state <> 'failed'
                AND (v.id IS NULL OR v.voided_at > s.closed_at)), 0)
            + coalesce((SELECT sum(CASE WHEN m.kind IN ('from_safe', 'from_bank') THEN m.amount ELSE -m.amount END)
                FROM payments_cashmovement m WHERE m.session_id = s.id), 0) AS amount) d ON true
        WHERE {mine("s.organization_id")} AND s.state = 'closed' AND d.amount <> s.expected_amount
          AND NOT EXISTS (SELECT 1 FROM payments_payment p JOIN payments_paymentvoid v ON v.payment_id = p.id
            WHERE p.drawer_session_id = s.id AND v.voided_at BETWEEN s.closed_at - {NEAR} AND s.closed_at + {NEAR})""",
    ),
    Rule(
        11, "drawer_holds_its_cash", "What goes into a drawer is cash, of its organization and its currency.",
        f"""
        SELECT 'payment' AS what, p.id, p.method, p.currency, s.currency AS of_drawer
        FROM payments_payment p JOIN payments_drawersession s ON s.id = p.drawer_session_id
        WHERE {mine("p.organization_id")} AND (p.method, p.currency, p.organization_id)
          IS DISTINCT FROM ('cash', s.currency, s.organization_id)
        UNION ALL
        SELECT 'movement', m.id, m.kind, m.currency, s.currency
        FROM payments_cashmovement m JOIN payments_drawersession s ON s.id = m.session_id
        WHERE {mine("m.organization_id")} AND (m.currency, m.organization_id)
          IS DISTINCT FROM (s.currency, s.organization_id)""",
    ),
]  # fmt: skip
