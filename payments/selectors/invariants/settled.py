"""What processors hold, report and tell must agree with the books (invariants 10, 27, 41)."""

from billing.selectors.proof import Rule, mine

# Bank reconciliation books the payout that arrives; until then the money lies at the processor.
PAID_OUT = """('payout_received', 'payout_received_reversed', 'payout_charged', 'payout_charged_reversed')"""
# What lies at each processor by its documents, said here a second time on purpose: a proof does not ask what it proves.
MOVES = """
  SELECT gateway_account_id AS id, currency, amount FROM payments_payment
  WHERE gateway_account_id IS NOT NULL AND bank_account_id IS NULL AND entry_id IS NOT NULL AND state <> 'voided'
  UNION ALL
  SELECT p.gateway_account_id, p.currency, -p.amount FROM payments_debitreturn r
  JOIN payments_payment p ON p.id = r.payment_id
  UNION ALL
  SELECT p.gateway_account_id, f.currency, -f.paid_amount FROM payments_refund f
  JOIN payments_payment p ON p.id = f.payment_id
  JOIN payments_refundattempt t ON t.refund_id = f.id AND t.state = 'succeeded'
  WHERE f.state = 'processed' AND t.method = p.method AND t.bank_account_id IS NULL AND p.bank_account_id IS NULL
  UNION ALL
  SELECT p.gateway_account_id, d.currency,
    -CASE WHEN d.state IN ('open', 'answered') THEN d.amount ELSE d.lost_amount END
  FROM payments_dispute d JOIN payments_payment p ON p.id = d.payment_id
  WHERE d.kind = 'chargeback' AND p.bank_account_id IS NULL
  UNION ALL
  SELECT gateway_account_id, currency, -fee_amount FROM payments_settlement"""
# The lines of a settlement as its totals have them.
SUMS = """
  SELECT settlement_id,
    coalesce(sum(amount) FILTER (WHERE moved = 'capture'), 0) AS gross,
    coalesce(sum(amount) FILTER (WHERE moved = 'refund'), 0) AS refunded,
    coalesce(sum(amount) FILTER (WHERE moved = 'return'), 0) AS returned,
    coalesce(sum(CASE moved WHEN 'chargeback' THEN amount WHEN 'chargeback_won' THEN -amount END), 0) AS charged_back,
    coalesce(sum(amount) FILTER (WHERE moved = 'fee'), 0) + coalesce(sum(fee_amount), 0) AS fees,
    coalesce(sum(amount) FILTER (WHERE moved = 'payout'), 0) AS paid_out
  FROM payments_settlementline GROUP BY settlement_id"""
# What a person said has no consequences, has none.
ACTED = "w.state = 'processed' AND w.effect NOT LIKE 'Set aside by %%'"

RULES = [
    Rule(
        10, "clearing_is_what_lies_at_the_processor",
        "A processor's account in the books is what it took, less refunds, returns, chargebacks, fees and payouts.",
        f"""
        SELECT g.id AS gateway_account_id, g.name, x.currency, x.in_books, x.in_documents
        FROM (SELECT id, currency, coalesce(b.amount, 0) AS in_books, coalesce(m.amount, 0) AS in_documents
              FROM (SELECT g.id, l.currency, sum(l.debit - l.credit) AS amount FROM payments_gatewayaccount g
                    JOIN ledger_journalline l ON l.account_id = g.ledger_account_id
                    JOIN ledger_journalentry e ON e.id = l.entry_id AND e.event NOT IN {PAID_OUT} GROUP BY 1, 2) b
              FULL JOIN (SELECT id, currency, sum(amount) AS amount FROM ({MOVES}) all_moves WHERE id IS NOT NULL
                         GROUP BY 1, 2) m USING (id, currency)) x
        JOIN payments_gatewayaccount g ON g.id = x.id
        WHERE {mine("g.organization_id")} AND x.in_books <> x.in_documents""",
    ),
    Rule(
        10, "settlement_adds_up", "The totals of a settlement are the sums of its lines.",
        f"""
        SELECT s.id AS settlement_id, s.batch, s.gross_amount, s.refunded_amount, s.returned_amount,
          s.charged_back_amount, s.fee_amount, s.paid_out_amount, l.*
        FROM payments_settlement s LEFT JOIN ({SUMS}) l ON l.settlement_id = s.id
        WHERE {mine("s.organization_id")} AND (
          (s.gross_amount, s.refunded_amount, s.returned_amount, s.charged_back_amount, s.fee_amount,
           s.paid_out_amount)
          IS DISTINCT FROM (l.gross, l.refunded, l.returned, l.charged_back, l.fees, l.paid_out))""",
    ),
    Rule(
        5, "fees_are_posted", "The fees of a settlement are posted, off the account of the processor that kept them.",
        f"""
        SELECT s.id AS settlement_id, s.batch, s.fee_amount, e.key, x.fees, x.kept
        FROM payments_settlement s JOIN payments_gatewayaccount g ON g.id = s.gateway_account_id
        LEFT JOIN ledger_journalentry e ON e.id = s.entry_id
        LEFT JOIN LATERAL (
          SELECT coalesce(sum(l.debit) FILTER (WHERE a.role = 'processor_fees'), 0) AS fees,
            coalesce(sum(l.credit) FILTER (WHERE a.id = g.ledger_account_id), 0) AS kept
          FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
          WHERE l.entry_id = s.entry_id AND l.currency = s.currency) x ON true
        WHERE {mine("s.organization_id")} AND (
          s.fee_amount = 0 AND e.id IS NOT NULL
          OR s.fee_amount <> 0 AND (e.id IS NULL OR e.event <> 'fees_kept' OR e.organization_id <> s.organization_id
            OR (x.fees, x.kept) IS DISTINCT FROM (s.fee_amount, s.fee_amount)))""",
    ),
    Rule(
        5, "fees_entry_has_settlement", "Every entry of fees belongs to exactly one settlement.",
        f"""
        SELECT e.id AS entry_id, e.key, count(s.id) AS settlements FROM ledger_journalentry e
        LEFT JOIN payments_settlement s ON s.entry_id = e.id
        WHERE e.event = 'fees_kept' AND {mine("e.organization_id")} GROUP BY e.id HAVING count(s.id) <> 1""",
    ),
    Rule(
        10, "settled_as_booked",
        "A line of a settlement without a difference is as booked: a charge or refund that succeeded, of its amount.",
        f"""
        SELECT l.id AS line_id, s.batch, l.moved, l.amount, a.number, a.state, a.approved_amount, a.amount AS asked
        FROM payments_settlementline l JOIN payments_settlement s ON s.id = l.settlement_id
        LEFT JOIN payments_paymentattempt a ON a.id = l.attempt_id
        WHERE {mine("s.organization_id")} AND l.moved IN ('capture', 'refund') AND l.trouble = '' AND (
          a.id IS NULL OR a.state <> 'succeeded' OR a.gateway_account_id <> s.gateway_account_id
          OR a.currency <> s.currency OR coalesce(a.approved_amount, a.amount) <> l.amount)""",
    ),
    Rule(
        27, "captured_once_by_its_own_count",
        "By the processor's own report no charge took money twice, nor a refund gave it back twice, unseen.",
        f"""
        SELECT a.id AS attempt_id, a.number, l.moved, count(*) AS times FROM payments_settlementline l
        JOIN payments_paymentattempt a ON a.id = l.attempt_id
        WHERE {mine("a.organization_id")} AND l.moved IN ('capture', 'refund') AND l.trouble = ''
        GROUP BY a.id, l.moved HAVING count(*) > 1""",
    ),
    Rule(
        41, "worked_on_says_what_it_did",
        "An event that was worked on says when and what it did, and is not worked on again; no other says so.",
        """
        SELECT id AS webhook_id, name, state, processed_at, next_at, effect FROM payments_webhookevent
        WHERE %(organization)s::bigint IS NULL AND (
          state = 'processed' AND (processed_at IS NULL OR next_at IS NOT NULL OR effect = '')
          OR state <> 'processed' AND (processed_at IS NOT NULL OR effect <> ''))""",
    ),
    Rule(
        41, "told_returns_are_booked",
        "Of a return that was worked on the charge is no payment, or its payment does not stand any more.",
        f"""
        SELECT w.id AS webhook_id, w.name, a.number, a.state, p.number AS payment, p.state AS payment_state
        FROM payments_webhookevent w
        JOIN payments_gatewayaccount g ON g.configuration = w.configuration
        JOIN payments_paymentattempt a ON a.gateway_account_id = g.id
          AND (a.key = w.key OR a.gateway_ref = w.ref AND w.ref <> '')
        LEFT JOIN payments_payment p ON p.id = a.payment_id
        WHERE {mine("a.organization_id")} AND w.topic = 'return' AND {ACTED}
          AND a.operation IN ('sale', 'capture') AND (a.state NOT IN ('succeeded', 'declined', 'not_sent')
            OR p.state IN ('processed', 'pending'))""",
    ),
]  # fmt: skip
