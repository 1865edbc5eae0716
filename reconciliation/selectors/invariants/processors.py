"""What is proven of processors, and what differs to Zoho, must hang together (invariants 3, 5, 10, 29)."""

from billing.selectors.invariants.office import guards_missing
from billing.selectors.proof import Rule, mine

APPEND_ONLY = ("reconciliation_payoutoffset",)
FROZEN = (
    "reconciliation_processordiscrepancy", "reconciliation_processorproof", "reconciliation_zohocomparison",
    "reconciliation_zohodiscrepancy",
)  # fmt: skip
EVENTS = "('payout_received', 'payout_charged')"
NET = "s.gross_amount - s.refunded_amount - s.returned_amount - s.charged_back_amount - s.fee_amount"
# What a standing match of a payout has posted: off which account, into which, how much.
POSTED = """
  SELECT coalesce(sum(l.debit - l.credit) FILTER (WHERE l.account_id = b.ledger_account_id), 0) AS at_bank,
    coalesce(sum(l.debit - l.credit) FILTER (WHERE l.account_id = g.ledger_account_id), 0) AS at_processor,
    count(*) AS lines
  FROM ledger_journalline l WHERE l.entry_id = m.entry_id"""
EXPLAINED_ABOVE = """
  AND d.state = 'explained' AND d.approval_id IS NOT NULL AND (r.state IS DISTINCT FROM 'used'
    OR r.action <> 'sign_off_reconciliation' OR r.amount < d.amount OR r.decided_by_id = d.explained_by_id)"""

RULES = [
    Rule(
        3, "reconciliation_guards_in_place",
        "Proofs, differences and what was taken off payouts are guarded, in the database itself.",
        guards_missing(APPEND_ONLY, FROZEN),
    ),
    Rule(
        5, "processor_payout_is_posted",
        "A payout at the bank is posted: from the processor's account to that of the bank, as much as was matched.",
        f"""
        SELECT m.id AS match_id, s.batch, m.amount, e.event, x.at_bank, x.at_processor
        FROM reconciliation_match m JOIN payments_settlement s ON s.id = m.settlement_id
        JOIN payments_gatewayaccount g ON g.id = s.gateway_account_id
        JOIN reconciliation_statementline t ON t.id = m.line_id JOIN payments_bankaccount b ON b.id = t.bank_account_id
        LEFT JOIN ledger_journalentry e ON e.id = m.entry_id LEFT JOIN LATERAL ({POSTED}) x ON true
        WHERE {mine("m.organization_id")} AND m.kind = 'payout' AND (
          e.id IS NULL OR e.event <> CASE t.direction WHEN 'in' THEN 'payout_received' ELSE 'payout_charged' END
          OR x.lines <> 2 OR abs(x.at_bank) <> m.amount OR x.at_processor <> -x.at_bank
          OR (x.at_bank > 0) <> (t.direction = 'in')
          OR m.undone_at IS NOT NULL AND NOT EXISTS (
            SELECT FROM ledger_journalentry u WHERE u.id = m.undo_entry_id AND u.reverses_id = m.entry_id)
          OR m.undone_at IS NULL AND EXISTS (SELECT FROM ledger_journalentry u WHERE u.reverses_id = m.entry_id))""",
    ),
    Rule(
        5, "payout_entry_has_match", "Every entry of a payout belongs to exactly one match.",
        f"""
        SELECT e.id AS entry_id, e.key, count(m.id) AS matches FROM ledger_journalentry e
        LEFT JOIN reconciliation_match m ON m.entry_id = e.id AND m.kind = 'payout'
        WHERE e.event IN {EVENTS} AND {mine("e.organization_id")} GROUP BY e.id HAVING count(m.id) <> 1""",
    ),
    Rule(
        10, "one_line_one_processor", "A bank line is the payout of one processor, in the line's currency.",
        f"""
        SELECT m.line_id, count(DISTINCT s.gateway_account_id) AS processors
        FROM reconciliation_match m JOIN payments_settlement s ON s.id = m.settlement_id
        JOIN reconciliation_statementline t ON t.id = m.line_id
        WHERE {mine("m.organization_id")} AND m.kind = 'payout' AND m.undone_at IS NULL
        GROUP BY m.line_id HAVING count(DISTINCT s.gateway_account_id) > 1
          OR bool_or(s.currency <> t.currency OR s.organization_id <> t.organization_id)""",
    ),
    Rule(
        10, "taken_off_once",
        "A settlement is at the bank once: by a match of its own, or taken off one of the same processor, all of it.",
        f"""
        SELECT s.id AS settlement_id, s.batch, x.times FROM payments_settlement s JOIN LATERAL (
          SELECT (SELECT count(*) FROM reconciliation_match m WHERE m.settlement_id = s.id AND m.kind = 'payout'
                  AND m.undone_at IS NULL) + count(o.id) AS times, coalesce(sum(o.amount), 0) AS off,
            bool_or(t.gateway_account_id <> s.gateway_account_id) AS is_anothers, count(o.id) AS offsets
          FROM reconciliation_payoutoffset o JOIN reconciliation_match m ON m.id = o.match_id AND m.undone_at IS NULL
          JOIN payments_settlement t ON t.id = m.settlement_id WHERE o.settlement_id = s.id) x ON true
        WHERE {mine("s.organization_id")} AND (
          x.times > 1 OR x.is_anothers OR x.offsets > 0 AND x.off <> -({NET}))""",
    ),
    Rule(
        10, "proof_is_of_its_differences",
        "What is unexplained of the latest proof of a processor are the effects of its standing differences.",
        f"""
        SELECT p.id AS proof_id, g.name, p.currency, p.as_of, p.unexplained_amount, x.effects
        FROM reconciliation_processorproof p JOIN payments_gatewayaccount g ON g.id = p.gateway_account_id
        JOIN LATERAL (
          SELECT coalesce(sum(d.effect), 0) AS effects FROM reconciliation_processordiscrepancy d
          WHERE d.gateway_account_id = p.gateway_account_id AND d.currency = p.currency
            AND d.found_at <= p.proven_at AND (d.closed_at IS NULL OR d.closed_at > p.proven_at)) x ON true
        WHERE {mine("p.organization_id")} AND p.unexplained_amount <> x.effects AND NOT EXISTS (
          SELECT FROM reconciliation_processorproof n
          WHERE n.gateway_account_id = p.gateway_account_id AND n.currency = p.currency
            AND (n.as_of, n.id) > (p.as_of, p.id))""",
    ),
    Rule(
        37, "difference_was_agreed_to",
        "What was explained with a second person's agreement was, by somebody else, of that amount.",
        f"""
        SELECT d.id AS discrepancy_id, d.kind, d.amount, r.state AS approval
        FROM (SELECT id, organization_id, kind, amount, state, approval_id, explained_by_id
              FROM reconciliation_processordiscrepancy
              UNION ALL SELECT id, organization_id, kind, amount, state, approval_id, explained_by_id
              FROM reconciliation_zohodiscrepancy) d
        LEFT JOIN office_approvalrequest r ON r.id = d.approval_id
        WHERE {mine("d.organization_id")} {EXPLAINED_ABOVE}""",
    ),
]  # fmt: skip
