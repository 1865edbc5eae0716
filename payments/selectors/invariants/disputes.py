"""The rules that disputes and reconciled payments must keep (invariants 5, 36, 37, 44)."""

from billing.selectors.proof import Rule, mine

OPEN = "('open', 'answered')"
# Where money of a method lies, said here a second time on purpose: a proof does not ask what it proves.
MONEY = "CASE p.method WHEN 'bank_transfer' THEN 'bank' ELSE 'card_clearing' END"
# What an entry moves on the accounts that a chargeback touches: debits less credits.
SUMS = f"""
  SELECT count(*) AS n, coalesce(sum(l.debit - l.credit) FILTER (WHERE a.role = 'disputed_funds'), 0) AS held,
    coalesce(sum(l.debit - l.credit) FILTER (WHERE a.role = {MONEY}
      AND (p.bank_account_id IS NULL OR a.id = b.ledger_account_id)), 0) AS money,
    coalesce(sum(l.debit - l.credit) FILTER (WHERE a.role = 'unapplied_cash' AND l.party = d.customer_id), 0) AS lost
  FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id"""
PARTS = """payments_dispute d JOIN payments_payment p ON p.id = d.payment_id
  LEFT JOIN payments_bankaccount b ON b.id = p.bank_account_id"""

RULES = [
    Rule(
        5, "chargeback_is_held", "Every chargeback has its entry: disputed funds, from where the payment's money lies.",
        f"""
        SELECT d.id AS dispute_id, d.number, d.amount, e.key, s.held, s.money
        FROM {PARTS} LEFT JOIN ledger_journalentry e ON e.id = d.hold_entry_id
        LEFT JOIN LATERAL ({SUMS} WHERE l.entry_id = d.hold_entry_id AND l.currency = d.currency) s ON true
        WHERE {mine("d.organization_id")} AND d.kind = 'chargeback' AND (e.id IS NULL OR e.event <> 'chargeback_held'
          OR e.key <> 'dispute:' || d.number || ':held' OR d.currency <> p.currency OR d.customer_id <> p.customer_id
          OR (s.n, s.held, s.money) IS DISTINCT FROM (2, d.amount, -d.amount))""",
    ),
    Rule(
        5, "chargeback_is_settled",
        "Every closed chargeback has its entry: disputed funds empty, what was lost off the customer, the rest ours.",
        f"""
        SELECT d.id AS dispute_id, d.number, d.state, d.amount, d.lost_amount, e.key, s.held, s.money, s.lost
        FROM {PARTS} LEFT JOIN ledger_journalentry e ON e.id = d.outcome_entry_id
        LEFT JOIN LATERAL ({SUMS} WHERE l.entry_id = d.outcome_entry_id AND l.currency = d.currency) s ON true
        WHERE {mine("d.organization_id")} AND d.kind = 'chargeback' AND (
          d.state IN {OPEN} AND (e.id IS NOT NULL OR d.lost_amount <> 0)
          OR d.state NOT IN {OPEN} AND (e.id IS NULL OR e.event <> 'chargeback_settled'
            OR e.key <> 'dispute:' || d.number || ':settled'
            OR (s.held, s.money, s.lost) IS DISTINCT FROM (-d.amount, d.amount - d.lost_amount, d.lost_amount)))""",
    ),
    Rule(
        5, "chargeback_entry_has_dispute", "Every entry that holds or settles a chargeback belongs to one dispute.",
        f"""
        SELECT e.id AS entry_id, e.key, count(d.entry_id) AS disputes
        FROM ledger_journalentry e LEFT JOIN (
          SELECT hold_entry_id AS entry_id FROM payments_dispute WHERE hold_entry_id IS NOT NULL UNION ALL
          SELECT outcome_entry_id FROM payments_dispute WHERE outcome_entry_id IS NOT NULL) d ON d.entry_id = e.id
        WHERE e.event IN ('chargeback_held', 'chargeback_settled') AND {mine("e.organization_id")}
        GROUP BY e.id HAVING count(d.entry_id) <> 1""",
    ),
    Rule(
        5, "disputed_funds", "Disputed funds are the open chargebacks, by organization and currency.",
        f"""
        SELECT organization_id, currency, coalesce(b.amount, 0) AS in_books, coalesce(d.amount, 0) AS in_disputes
        FROM (SELECT l.organization_id, l.currency, sum(l.debit - l.credit) AS amount
              FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
              WHERE a.role = 'disputed_funds' AND {mine("l.organization_id")} GROUP BY 1, 2) b
        FULL JOIN (SELECT d.organization_id, d.currency, sum(d.amount) AS amount FROM payments_dispute d
                   WHERE d.kind = 'chargeback' AND d.state IN {OPEN} AND {mine("d.organization_id")} GROUP BY 1, 2) d
          USING (organization_id, currency)
        WHERE coalesce(b.amount, 0) <> coalesce(d.amount, 0)""",
    ),
    Rule(
        36, "never_more_than_paid", "Refunds, lost and open chargebacks together are at most the payment.",
        f"""
        SELECT p.id AS payment_id, p.number, p.amount, c.refunded_amount, coalesce(h.held, 0) AS held
        FROM payments_payment p JOIN billing_credititem c ON c.id = p.credit_item_id
        LEFT JOIN (SELECT payment_id, sum(amount) AS held FROM payments_dispute
          WHERE kind = 'chargeback' AND state IN {OPEN} GROUP BY 1) h
          ON h.payment_id = p.id
        WHERE {mine("p.organization_id")} AND c.refunded_amount + coalesce(h.held, 0) > p.amount""",
    ),
    Rule(
        36, "contested_invoice_is_left_alone", "An invoice with an open dispute is marked disputed and is not void.",
        f"""
        SELECT d.id AS dispute_id, d.number, i.number AS invoice, i.is_disputed, i.voided_on
        FROM payments_dispute d JOIN billing_invoice i ON i.id = d.invoice_id
        WHERE {mine("d.organization_id")} AND (d.customer_id <> i.customer_id OR d.currency <> i.currency
          OR d.state IN {OPEN} AND (NOT i.is_disputed OR i.voided_on IS NOT NULL))""",
    ),
    Rule(
        37, "loss_was_approved",
        "A lost dispute names an approval that was used for it, and a lost bill its credit memo over the loss.",
        f"""
        SELECT d.id AS dispute_id, d.number, d.state, d.lost_amount, r.action, r.state AS approval, m.number AS memo
        FROM payments_dispute d LEFT JOIN office_approvalrequest r ON r.id = d.approval_id
        LEFT JOIN billing_creditmemo m ON m.id = d.credit_memo_id
        LEFT JOIN billing_credititem c ON c.id = m.credit_item_id
        WHERE {mine("d.organization_id")} AND d.kind <> 'question' AND (
          d.state <> 'lost' AND (d.lost_amount <> 0 OR d.credit_memo_id IS NOT NULL OR d.approval_id IS NOT NULL)
          OR d.state = 'lost' AND (d.lost_amount = 0 OR r.id IS NULL OR r.state <> 'used'
            OR r.subject <> 'dispute:' || d.id OR r.amount <> d.lost_amount
            OR r.action <> CASE d.kind WHEN 'invoice' THEN 'override_discount' ELSE 'refund_large' END)
          OR d.state = 'lost' AND d.kind = 'invoice' AND (c.amount, c.customer_id, c.currency)
            IS DISTINCT FROM (d.lost_amount, d.customer_id, d.currency))""",
    ),
    Rule(
        44, "reconciled_stands", "A payment whose match to the bank stands is in the books and not void.",
        f"""
        SELECT r.id AS reconciliation_id, p.number, p.state, r.statement_reference
        FROM payments_paymentreconciliation r JOIN payments_payment p ON p.id = r.payment_id
        WHERE {mine("r.organization_id")} AND r.opened_at IS NULL AND (r.organization_id <> p.organization_id
          OR p.state IN ('voided', 'cancelled', 'pending', 'failed'))""",
    ),
]  # fmt: skip
