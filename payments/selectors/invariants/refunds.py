"""The rules that refunds must keep (invariants 5, 9, 16, 30, 36-39)."""

from billing.selectors.invariants.books import control
from billing.selectors.invariants.office import numbers_have_holes
from billing.selectors.proof import Rule, mine

# Said here a second time on purpose: a proof does not ask what it proves.
RESERVED = "('approved', 'submitted', 'processed')"
LEAVES_FROM = """CASE t.method WHEN 'cash' THEN 'cash' WHEN 'bank_transfer' THEN 'bank' WHEN 'cheque' THEN 'bank'
  WHEN 'credit' THEN 'unapplied_cash' ELSE 'card_clearing' END"""
LOST = """SELECT p.credit_item_id, sum(d.lost_amount) AS amount FROM payments_dispute d
  JOIN payments_payment p ON p.id = d.payment_id WHERE d.lost_amount > 0 GROUP BY 1"""

RULES = [
    Rule(
        5, "refund_is_posted",
        "A reserved refund has its entry, which takes it off the credit: what is paid out, and the rest to fees.",
        f"""
        SELECT r.id AS refund_id, r.number, r.state, r.gross_amount, r.paid_amount, e.key, l.taken, l.promised, l.kept
        FROM payments_refund r JOIN billing_credititem c ON c.id = r.credit_item_id
        LEFT JOIN ledger_journalentry e ON e.id = r.entry_id
        LEFT JOIN LATERAL (
          SELECT coalesce(sum(l.debit) FILTER (WHERE l.party = r.customer_id AND a.role = CASE c.kind
              WHEN 'credit_memo' THEN 'customer_credits' ELSE 'unapplied_cash' END), 0) AS taken,
            coalesce(sum(l.credit) FILTER (WHERE a.role = 'refunds_payable' AND l.party = r.customer_id), 0)
              AS promised,
            coalesce(sum(l.credit) FILTER (WHERE a.role = 'service_fees'), 0) AS kept
          FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
          WHERE l.entry_id = e.id AND l.currency = r.currency) l ON true
        WHERE {mine("r.organization_id")} AND r.state IN {RESERVED} AND (
          e.id IS NULL OR e.event <> 'refund_approved' OR e.key NOT LIKE 'refund:' || r.number || ':approved%%'
          OR (l.taken, l.promised, l.kept)
            IS DISTINCT FROM (r.gross_amount, r.paid_amount, r.charges_amount + r.fee_amount)
          OR EXISTS (SELECT 1 FROM ledger_journalentry x WHERE x.reverses_id = e.id))""",
    ),
    Rule(
        5, "refund_is_released", "A refund that was approved and did not leave has its entry mirrored.",
        f"""
        SELECT r.id AS refund_id, r.number, r.state, r.entry_id FROM payments_refund r
        WHERE {mine("r.organization_id")} AND r.state NOT IN {RESERVED} AND (
          r.state IN ('requested', 'rejected') AND r.entry_id IS NOT NULL
          OR r.state = 'failed' AND r.entry_id IS NULL
          OR r.entry_id IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM ledger_journalentry x WHERE x.reverses_id = r.entry_id))""",
    ),
    Rule(
        5, "refund_is_paid",
        "A refund paid out has its entry, from where its method takes money; one kept as credit has its credit item.",
        f"""
        SELECT r.id AS refund_id, r.number, r.paid_amount, t.method, e.key, l.settled, l.paid, k.amount AS credit
        FROM payments_refund r LEFT JOIN ledger_journalentry e ON e.id = r.paid_entry_id
        LEFT JOIN LATERAL (
          SELECT coalesce(max(a.method) FILTER (WHERE a.state = 'succeeded'), 'credit') AS method,
            max(b.ledger_account_id) FILTER (WHERE a.state = 'succeeded') AS account_id,
            r.number || CASE WHEN bool_or(a.state = 'succeeded') THEN '' ELSE '-back' END AS kept_as
          FROM payments_refundattempt a LEFT JOIN payments_bankaccount b ON b.id = a.bank_account_id
          WHERE a.refund_id = r.id) t ON true
        LEFT JOIN LATERAL (
          SELECT sum(l.debit) FILTER (WHERE a.role = 'refunds_payable' AND l.party = r.customer_id) AS settled,
            sum(l.credit) FILTER (WHERE a.role = {LEAVES_FROM}
              AND (t.account_id IS NULL OR a.id = t.account_id)
              AND (a.role <> 'unapplied_cash' OR l.party = r.customer_id)) AS paid
          FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
          WHERE l.entry_id = e.id AND l.currency = r.currency) l ON true
        LEFT JOIN billing_credititem k ON t.method = 'credit' AND k.organization_id = r.organization_id
          AND k.number = t.kept_as AND k.customer_id = r.customer_id AND k.currency = r.currency AND k.kind = 'transfer'
        WHERE {mine("r.organization_id")} AND r.state = 'processed' AND (
          e.id IS NULL OR e.event <> 'refund_paid' OR e.key <> 'refund:' || r.number || ':paid'
          OR (l.settled, l.paid) IS DISTINCT FROM (r.paid_amount, r.paid_amount)
          OR t.method = 'credit' AND k.amount IS DISTINCT FROM r.paid_amount)""",
    ),
    Rule(
        5, "refund_entry_has_refund", "Every entry of a refund that stands belongs to exactly one refund.",
        f"""
        SELECT e.id AS entry_id, e.key, count(r.id) AS refunds FROM ledger_journalentry e
        LEFT JOIN payments_refund r ON r.entry_id = e.id OR r.paid_entry_id = e.id
        WHERE e.event IN ('refund_approved', 'refund_paid') AND {mine("e.organization_id")}
          AND NOT EXISTS (SELECT 1 FROM ledger_journalentry x WHERE x.reverses_id = e.id)
        GROUP BY e.id HAVING count(r.id) <> 1""",
    ),
    Rule(
        9, "refunds_payable_control",
        "Refunds payable is what refunds approved or on their way will pay out, customer by customer.",
        control(
            "refunds_payable", "credit",
            "SELECT organization_id, customer_id, currency, paid_amount AS amount FROM payments_refund"
            " WHERE state IN ('approved', 'submitted')",
        ),
    ),
    Rule(
        16, "refunded_is_reserved",
        "What a credit item has refunded is the sum of its reserved refunds and of its lost chargebacks.",
        f"""
        SELECT c.id AS credit_item_id, c.number, c.refunded_amount, coalesce(r.amount, 0) AS refunds,
          coalesce(d.amount, 0) AS chargebacks
        FROM billing_credititem c
        LEFT JOIN (SELECT credit_item_id, sum(gross_amount) AS amount FROM payments_refund WHERE state IN {RESERVED}
                   GROUP BY 1) r ON r.credit_item_id = c.id
        LEFT JOIN ({LOST}) d ON d.credit_item_id = c.id
        WHERE {mine("c.organization_id")} AND c.refunded_amount <> coalesce(r.amount, 0) + coalesce(d.amount, 0)""",
    ),
    Rule(
        30, "refund_attempts",
        "A refund on its way has one try whose outcome is open, no other has; none was tried more than three times.",
        f"""
        SELECT r.id AS refund_id, r.number, r.state, a.live, a.won, a.n FROM payments_refund r
        LEFT JOIN LATERAL (
          SELECT count(*) AS n, count(*) FILTER (WHERE state IN ('sent', 'unknown')) AS live,
            count(*) FILTER (WHERE state = 'succeeded') AS won
          FROM payments_refundattempt WHERE refund_id = r.id) a ON true
        WHERE {mine("r.organization_id")} AND (a.live <> CASE WHEN r.state = 'submitted' THEN 1 ELSE 0 END
          OR a.won > CASE WHEN r.state = 'processed' THEN 1 ELSE 0 END OR a.n > 3)""",
    ),
    Rule(
        36, "refunds_and_chargebacks_within_amount",
        "Refunds and lost chargebacks together never exceed what came in.",
        f"""
        SELECT c.id AS credit_item_id, c.number, c.amount, r.amount AS refunds, d.amount AS chargebacks
        FROM billing_credititem c
        LEFT JOIN (SELECT credit_item_id, sum(gross_amount) AS amount FROM payments_refund WHERE state IN {RESERVED}
                   GROUP BY 1) r ON r.credit_item_id = c.id
        LEFT JOIN ({LOST}) d ON d.credit_item_id = c.id
        WHERE {mine("c.organization_id")} AND coalesce(r.amount, 0) + coalesce(d.amount, 0) > c.amount""",
    ),
    Rule(
        37, "refund_was_approved",
        "A refund that was reserved has an approval, used, given by another person than asked, over its amount; or it"
        " mirrors one of Zoho's.",
        f"""
        SELECT r.id AS refund_id, r.number, r.gross_amount, q.state AS approval, q.action, q.amount, q.subject,
          r.requested_by_id, q.decided_by_id
        FROM payments_refund r LEFT JOIN office_approvalrequest q ON q.id = r.approval_id
        WHERE {mine("r.organization_id")} AND r.entry_id IS NOT NULL AND NOT (r.requested_via = 'zoho' AND EXISTS (
          SELECT FROM payments_zohorefund z WHERE z.refund_id = r.id AND z.amount = r.gross_amount)) AND (
          q.state IS DISTINCT FROM 'used' OR q.action NOT IN ('refund_small', 'refund_large', 'refund_elsewhere')
          OR q.decided_by_id = r.requested_by_id OR q.currency <> r.currency
          OR NOT CASE q.subject WHEN 'refund:' || r.id THEN q.amount = r.gross_amount
            WHEN 'refund_batch:' || r.batch_id THEN q.amount >= (
              SELECT sum(b.gross_amount) FROM payments_refund b WHERE b.approval_id = q.id)
            ELSE false END)""",
    ),
    Rule(
        38, "refund_goes_back",
        "A refund has the currency of its money and goes back the way it came, or has a reason and its approval.",
        f"""
        SELECT r.id AS refund_id, r.number, r.currency, c.currency AS came_in, r.destination, p.method AS came_by,
          a.method AS left_by
        FROM payments_refund r JOIN billing_credititem c ON c.id = r.credit_item_id
        LEFT JOIN payments_payment p ON p.id = r.payment_id
        LEFT JOIN office_approvalrequest q ON q.id = r.approval_id
        LEFT JOIN payments_refundattempt a ON a.refund_id = r.id
        WHERE {mine("r.organization_id")} AND (
          (r.currency, r.customer_id) <> (c.currency, c.customer_id)
          OR p.id IS NOT NULL AND p.credit_item_id <> r.credit_item_id
          OR r.destination <> 'source' AND r.destination_reason = ''
          OR r.destination = 'source' AND r.entry_id IS NOT NULL AND p.id IS NULL
          OR r.destination = 'credit' AND r.consent = ''
          OR r.destination NOT IN ('source', 'credit') AND r.entry_id IS NOT NULL
            AND q.action IS DISTINCT FROM 'refund_elsewhere'
          OR a.method <> CASE WHEN r.destination <> 'source' THEN r.destination
            WHEN a.method = 'bank_transfer' AND (p.method = 'cheque' OR EXISTS (
              SELECT 1 FROM payments_paymentattempt t JOIN payments_gatewayaccount g ON g.id = t.gateway_account_id
              WHERE t.payment_id = p.id AND g.kind = 'nach')) THEN a.method ELSE p.method END)""",
    ),
    Rule(
        39, "refund_numbers", "Refund numbers run without holes, by month.",
        numbers_have_holes("REF", "payments_refund", period=r"\d{4}-\d{2}", digits=8),
    ),
]  # fmt: skip
