"""Insurance policies and their loans: what must always hold."""

from billing.selectors.invariants.books import control
from billing.selectors.invariants.office import numbers_have_holes
from billing.selectors.invariants.owed import POSTED
from billing.selectors.proof import Rule, mine

# What invoices that stand ask back of a loan.
ASKED_BACK = """
SELECT b.loan_id, b.amount FROM billing_policyloanbill b JOIN billing_invoice i ON i.id = b.invoice_id
WHERE b.part = 'principal' AND i.voided_on IS NULL"""

RULES = [
    Rule(
        5, "loan_is_posted",
        "Every policy loan has its entry, which debits loans of the customer by what was lent, from the bank.",
        f"""
        SELECT l.id AS policy_loan_id, l.number, l.principal_amount, e.key, p.amount AS posted, k.amount AS from_bank
        FROM billing_policyloan l LEFT JOIN ledger_journalentry e ON e.id = l.entry_id
        LEFT JOIN ({POSTED.format(roles="'policy_loans'")}) p
          ON p.entry_id = l.entry_id AND p.party = l.customer_id AND p.currency = l.currency
        LEFT JOIN ({POSTED.format(roles="'bank'")}) k ON k.entry_id = l.entry_id AND k.currency = l.currency
        WHERE {mine("l.organization_id")} AND (e.event, e.key, p.amount, k.amount) IS DISTINCT FROM
          ('loan_lent', 'policy_loan:' || l.number || ':lent', l.principal_amount, -l.principal_amount)""",
    ),
    Rule(
        5, "loan_entry_has_loan", "Every entry for money lent belongs to exactly one policy loan.",
        f"""
        SELECT e.id AS entry_id, e.key, count(l.id) AS loans
        FROM ledger_journalentry e LEFT JOIN billing_policyloan l ON l.entry_id = e.id
        WHERE e.event = 'loan_lent' AND {mine("e.organization_id")} GROUP BY e.id HAVING count(l.id) <> 1""",
    ),
    Rule(
        8, "policy_loans_control",
        "Policy loans of each customer are what was lent to them less what standing invoices ask back.",
        control(
            "policy_loans", "debit",
            "SELECT organization_id, customer_id, currency, principal_amount AS amount FROM billing_policyloan"
            " UNION ALL SELECT l.organization_id, l.customer_id, l.currency, -b.amount"
            f" FROM ({ASKED_BACK}) b JOIN billing_policyloan l ON l.id = b.loan_id",
        ),
    ),
    Rule(
        16, "loan_repaid_is_billed", "What was billed back of a policy loan is the sum of its invoices that stand.",
        f"""
        SELECT l.id AS policy_loan_id, l.number, l.repaid_amount, coalesce(sum(b.amount), 0) AS billed
        FROM billing_policyloan l LEFT JOIN ({ASKED_BACK}) b ON b.loan_id = l.id
        WHERE {mine("l.organization_id")} GROUP BY l.id HAVING l.repaid_amount <> coalesce(sum(b.amount), 0)""",
    ),
    Rule(
        18, "loan_bill_is_its_invoice",
        "A bill of a policy loan and its invoice are of one kind, amount, customer and agreement; each has the other.",
        f"""
        SELECT i.id AS invoice_id, i.number, i.kind, i.invoiced_amount, b.part, b.amount
        FROM billing_invoice i LEFT JOIN billing_policyloanbill b ON b.invoice_id = i.id
        LEFT JOIN billing_policyloan l ON l.id = b.loan_id
        WHERE {mine("i.organization_id")} AND NOT i.is_opening AND (b.id IS NOT NULL OR i.kind IN ('loan', 'interest'))
          AND (i.kind, i.invoiced_amount, i.currency, i.customer_id, i.agreement_id) IS DISTINCT FROM
            (CASE b.part WHEN 'principal' THEN 'loan' ELSE b.part END, b.amount, b.currency, l.customer_id,
             l.agreement_id)""",
    ),
    Rule(
        21, "lapsed_has_its_day", "A policy has the day of its lapse while its agreement is lapsed, and only then.",
        f"""
        SELECT p.id AS insurance_policy_id, p.policy_number, p.lapsed_on, a.state
        FROM billing_insurancepolicy p LEFT JOIN billing_agreement a ON a.id = p.agreement_id
        WHERE {mine("p.organization_id")}
          AND (a.kind IS DISTINCT FROM 'policy' OR (a.state = 'lapsed') <> (p.lapsed_on IS NOT NULL))""",
    ),
    Rule(
        39, "policy_loan_numbers", "Policy loans are numbered without holes in each year.",
        numbers_have_holes("LOAN", "billing_policyloan", period=r"\d{4}", digits=6),
    ),
]  # fmt: skip
