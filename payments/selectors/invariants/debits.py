"""What returned debits must keep (invariants 5, 15)."""

from billing.selectors.proof import Rule, mine

RULES = [
    Rule(
        5, "debit_return_is_posted",
        "A returned debit has its entry: the payment's amount out of unapplied cash and off the account of the "
        "processor or bank; its payment is returned and its charge's money is gone.",
        f"""
        SELECT r.id AS debit_return_id, p.number, p.state, p.amount, e.key, l.taken, l.unapplied, a.state AS attempt
        FROM payments_debitreturn r JOIN payments_payment p ON p.id = r.payment_id
        LEFT JOIN payments_paymentattempt a ON a.id = r.attempt_id
        LEFT JOIN payments_gatewayaccount g ON g.id = a.gateway_account_id
        LEFT JOIN payments_bankaccount b ON b.id = p.bank_account_id
        LEFT JOIN ledger_journalentry e ON e.id = r.entry_id
        LEFT JOIN LATERAL (
          SELECT count(*) AS n,
            sum(l.credit) FILTER (WHERE l.account_id = coalesce(g.ledger_account_id, b.ledger_account_id)) AS taken,
            sum(l.debit) FILTER (WHERE c.role = 'unapplied_cash' AND l.party = p.customer_id) AS unapplied
          FROM ledger_journalline l JOIN ledger_ledgeraccount c ON c.id = l.account_id
          WHERE l.entry_id = r.entry_id AND l.currency = p.currency) l ON true
        WHERE {mine("r.organization_id")} AND (
          p.state <> 'returned' OR r.attempt_id IS NOT NULL AND a.payment_id IS DISTINCT FROM p.id
          OR r.organization_id <> p.organization_id
          OR (l.n, l.taken, l.unapplied) IS DISTINCT FROM (2, p.amount, p.amount)
          OR (e.event, e.key) IS DISTINCT FROM ('payment_returned', 'payment:' || p.number || ':returned'))""",
    ),
    Rule(
        5, "what_a_returned_debit_bills",
        "Fee and recovery of a returned debit are its customer's invoices; what was refunded of it is billed in full.",
        f"""
        SELECT r.id AS debit_return_id, p.number, i.refunded_amount, f.kind AS fee, v.invoiced_amount AS recovery
        FROM payments_debitreturn r JOIN payments_payment p ON p.id = r.payment_id
        JOIN billing_credititem i ON i.id = p.credit_item_id
        LEFT JOIN billing_invoice f ON f.id = r.fee_invoice_id
        LEFT JOIN billing_invoice v ON v.id = r.recovery_invoice_id
        WHERE {mine("r.organization_id")} AND (
          f.id IS NOT NULL AND (f.kind, f.customer_id) IS DISTINCT FROM ('return_fee', p.customer_id)
          OR v.id IS NOT NULL AND (v.kind, v.customer_id, v.currency)
            IS DISTINCT FROM ('recovery', p.customer_id, p.currency)
          OR coalesce(v.invoiced_amount, 0) <> i.refunded_amount)""",
    ),
]  # fmt: skip
