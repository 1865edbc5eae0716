"""Matches to the bank that were opened to void their payment, with an approval (invariant 44)."""

from billing.selectors.proof import Rule, mine

RULES = [
    Rule(
        44, "match_opened_by_approval",
        "A match to the bank was opened on an approval: a finance manager's, and used to void its payment.",
        f"""
        SELECT m.id AS reconciliation_id, p.number, p.state, r.action, r.state AS approval
        FROM payments_paymentreconciliation m JOIN payments_payment p ON p.id = m.payment_id
        LEFT JOIN office_approvalrequest r ON r.id = m.open_approval_id
        LEFT JOIN payments_paymentvoid v ON v.payment_id = p.id
        WHERE {mine("m.organization_id")} AND m.open_approval_id IS NOT NULL AND (r.state IS DISTINCT FROM 'used'
          OR r.action <> 'void_reconciled_payment' OR r.subject <> 'payment:' || p.id
          OR v.approval_id IS DISTINCT FROM r.id)""",
    ),
]  # fmt: skip
