"""Insurance policies and their loans: what must always hold."""

from billing.selectors.proof import Rule, mine

RULES = [
    Rule(
        5, "loan_is_posted", "Every policy loan has its entry, which debits loans of the customer by what was lent.",
        f"""
        SELECT l.id AS policy_loan_id, l.number, l.principal_amount, e.key, p.amount AS posted
        FROM billing_policyloan l LEFT JOIN ledger_journalentry e ON e.id = l.entry_id
        LEFT JOIN (SELECT j.entry_id, j.currency, j.party, sum(j.debit - j.credit) AS amount
                   FROM ledger_journalline j JOIN ledger_ledgeraccount a ON a.id = j.account_id
                   WHERE a.role = 'policy_loans' GROUP BY 1, 2, 3) p
          ON p.entry_id = l.entry_id AND p.party = l.customer_id AND p.currency = l.currency
        WHERE {mine("l.organization_id")} AND (e.event IS DISTINCT FROM 'loan_lent'
          OR e.key <> 'policy_loan:' || l.number || ':lent' OR p.amount IS DISTINCT FROM l.principal_amount)""",
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
        f"""
        WITH lent AS (
          SELECT l.organization_id, l.customer_id, l.currency,
            sum(l.principal_amount) - coalesce(sum(b.amount), 0) AS amount
          FROM billing_policyloan l LEFT JOIN (
            SELECT b.loan_id, sum(b.amount) AS amount FROM billing_policyloanbill b
            JOIN billing_invoice i ON i.id = b.invoice_id WHERE b.part = 'principal' AND i.voided_on IS NULL
            GROUP BY 1) b ON b.loan_id = l.id
          GROUP BY 1, 2, 3
        ), posted AS (
          SELECT j.organization_id, j.party AS customer_id, j.currency, sum(j.debit - j.credit) AS amount
          FROM ledger_journalline j JOIN ledger_ledgeraccount a ON a.id = j.account_id
          WHERE a.role = 'policy_loans' GROUP BY 1, 2, 3
        )
        SELECT coalesce(l.customer_id, p.customer_id) AS customer_id, l.amount AS lent, p.amount AS posted
        FROM lent l FULL JOIN posted p ON (p.organization_id, p.customer_id, p.currency)
          = (l.organization_id, l.customer_id, l.currency)
        WHERE {mine("coalesce(l.organization_id, p.organization_id)")}
          AND coalesce(l.amount, 0) <> coalesce(p.amount, 0)""",
    ),
    Rule(
        16, "loan_repaid_is_billed", "What was billed back of a policy loan is the sum of its invoices that stand.",
        f"""
        SELECT l.id AS policy_loan_id, l.number, l.repaid_amount, coalesce(sum(b.amount), 0) AS billed
        FROM billing_policyloan l
        LEFT JOIN (SELECT b.loan_id, b.amount FROM billing_policyloanbill b
                   JOIN billing_invoice i ON i.id = b.invoice_id
                   WHERE b.part = 'principal' AND i.voided_on IS NULL) b ON b.loan_id = l.id
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
]  # fmt: skip
