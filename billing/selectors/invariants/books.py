"""The journal by itself, and the journal against the sub-ledgers it controls (invariants 1-8, 12-14)."""

from billing.selectors.proof import Rule, mine


def control(role: str, side: str, items: str, *, party: str = "customer_id") -> str:
    """The balance of a role's accounts by party, against items (organization_id, customer_id, currency, amount).

    party: what the party is called in items, where it is no customer.
    """
    balance = "l.debit - l.credit" if side == "debit" else "l.credit - l.debit"
    return f"""
    SELECT organization_id, {party}, currency, coalesce(b.amount, 0) AS in_books, coalesce(s.amount, 0) AS in_items
    FROM (SELECT l.organization_id, l.party AS {party}, l.currency, sum({balance}) AS amount
          FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
          WHERE a.role = '{role}' AND {mine("l.organization_id")} GROUP BY 1, 2, 3) b
    FULL JOIN (SELECT organization_id, {party}, currency, sum(amount) AS amount FROM ({items}) i
               WHERE {mine("organization_id")} GROUP BY 1, 2, 3) s
      USING (organization_id, {party}, currency)
    WHERE coalesce(b.amount, 0) <> coalesce(s.amount, 0)"""


RULES = [
    Rule(
        1, "entry_balances", "Every entry balances in each currency and has two lines or more.",
        f"""
        SELECT e.id AS entry_id, e.key, l.currency, sum(l.debit) AS debits, sum(l.credit) AS credits,
          count(l.id) AS lines
        FROM ledger_journalentry e LEFT JOIN ledger_journalline l ON l.entry_id = e.id
        WHERE {mine("e.organization_id")} GROUP BY e.id, l.currency
        HAVING count(l.id) < 2 OR sum(l.debit) <> sum(l.credit)""",
    ),
    Rule(
        2, "line_one_side", "Every line has either a debit or a credit, more than zero.",
        f"""
        SELECT id AS line_id, entry_id, debit, credit FROM ledger_journalline
        WHERE {mine("organization_id")} AND NOT (debit > 0 AND credit = 0 OR debit = 0 AND credit > 0)""",
    ),
    Rule(
        6, "trial_balance", "The trial balance of every organization and currency is zero.",
        f"""
        SELECT organization_id, currency, sum(debit) AS debits, sum(credit) AS credits FROM ledger_journalline
        WHERE {mine("organization_id")} GROUP BY 1, 2 HAVING sum(debit) <> sum(credit)""",
    ),
    Rule(
        7, "receivable_control", "Accounts receivable is the sum of what invoices have open, customer by customer.",
        control(
            "accounts_receivable", "debit",
            "SELECT organization_id, customer_id, currency, open_amount AS amount FROM billing_invoice",
        ),
    ),
    Rule(
        8, "unapplied_control", "Unapplied cash is the sum of what payments have unapplied, customer by customer.",
        control(
            "unapplied_cash", "credit",
            "SELECT organization_id, customer_id, currency, unapplied_amount AS amount FROM billing_credititem"
            " WHERE kind IN ('payment', 'transfer')",
        ),
    ),
    Rule(
        8, "customer_credit_control",
        "Customer credits are the sum of what credit memos have unapplied, customer by customer.",
        control(
            "customer_credits", "credit",
            "SELECT organization_id, customer_id, currency, unapplied_amount AS amount FROM billing_credititem"
            " WHERE kind = 'credit_memo'",
        ),
    ),
    Rule(
        12, "entry_in_a_month", "Every entry lies in a month that was opened.",
        f"""
        SELECT e.id AS entry_id, e.key, e.entry_date FROM ledger_journalentry e
        LEFT JOIN ledger_period p ON p.organization_id = e.organization_id
          AND p.month = date_trunc('month', e.entry_date)::date
        WHERE p.id IS NULL AND {mine("e.organization_id")}""",
    ),
    Rule(
        13, "reversal_mirrors", "A reversal has its original's accounts and amounts with sides swapped, and is final.",
        f"""
        WITH pairs AS (
          SELECT e.id, e.key, e.reverses_id, o.reverses_id AS of_reversal FROM ledger_journalentry e
          JOIN ledger_journalentry o ON o.id = e.reverses_id WHERE {mine("e.organization_id")}
        ), lines AS (
          SELECT p.id, l.account_id, l.party, l.currency, l.debit, l.credit, 1 AS n
          FROM pairs p JOIN ledger_journalline l ON l.entry_id = p.id
          UNION ALL
          SELECT p.id, l.account_id, l.party, l.currency, l.credit, l.debit, -1
          FROM pairs p JOIN ledger_journalline l ON l.entry_id = p.reverses_id
        ), odd AS (
          SELECT id FROM lines GROUP BY id, account_id, party, currency, debit, credit HAVING sum(n) <> 0
        )
        SELECT id AS entry_id, key, reverses_id FROM pairs
        WHERE of_reversal IS NOT NULL OR id IN (SELECT id FROM odd)""",
    ),
    Rule(
        14, "journal_numbers", "Journal numbers run without holes from 1 to the counter, by organization and year.",
        f"""
        SELECT organization_id, year, coalesce(e.n, 0) AS entries, coalesce(e.first, 0) AS first,
          coalesce(e.last, 0) AS last, s.last AS counter
        FROM (SELECT organization_id, year, count(*) AS n, min(number) AS first, max(number) AS last
              FROM ledger_journalentry WHERE {mine("organization_id")} GROUP BY 1, 2) e
        FULL JOIN (SELECT organization_id, year, last FROM ledger_journalseries
                   WHERE {mine("organization_id")} AND last > 0) s USING (organization_id, year)
        WHERE e.n IS DISTINCT FROM s.last OR e.last IS DISTINCT FROM s.last OR e.first <> 1""",
    ),
]  # fmt: skip
