"""Timelines, late fees, payment plans for debts, collections: what must always hold."""

from billing.selectors.invariants.office import numbers_have_holes
from billing.selectors.proof import Rule, mine

RULES: list[Rule] = [
    Rule(
        5, "late_fee_is_billed", "Every late fee is billed by a fee invoice of its amount, customer and agreement.",
        f"""
        SELECT f.id AS late_fee_id, f.amount, i.invoiced_amount, i.kind, i.customer_id, o.customer_id AS late_customer
        FROM billing_latefee f JOIN billing_invoice o ON o.id = f.invoice_id
        LEFT JOIN billing_invoice i ON i.id = f.fee_invoice_id
        WHERE {mine("f.organization_id")} AND f.amount > 0
          AND (f.amount, f.currency, 'fee', o.customer_id, o.agreement_id, o.organization_id)
            IS DISTINCT FROM (i.invoiced_amount, i.currency, i.kind, i.customer_id, i.agreement_id,
              i.organization_id)""",
    ),
    Rule(
        45, "timeline_is_the_invoices", "A timeline has the organization, customer and agreement of its invoice.",
        f"""
        SELECT c.id AS dunning_case_id, c.customer_id, i.customer_id AS invoice_of, c.agreement_id
        FROM billing_dunningcase c LEFT JOIN billing_invoice i ON i.id = c.invoice_id
        WHERE {mine("c.organization_id")} AND (c.organization_id, c.customer_id, c.agreement_id)
          IS DISTINCT FROM (i.organization_id, i.customer_id, i.agreement_id)""",
    ),
    Rule(
        21, "settled_timeline_is_paid", "A timeline is settled exactly while nothing of its invoice is open.",
        f"""
        SELECT c.id AS dunning_case_id, c.state, i.number, i.open_amount
        FROM billing_dunningcase c JOIN billing_invoice i ON i.id = c.invoice_id
        WHERE {mine("c.organization_id")} AND ((c.state = 'settled') <> (i.open_amount = 0)
          OR c.state = 'settled' AND (c.next_on IS NOT NULL OR c.settled_on IS NULL)
          OR c.state <> 'settled' AND c.settled_on IS NOT NULL)""",
    ),
    Rule(
        29, "stopped_for_something_unpaid",
        "An agreement that timelines suspended stays so only while an open invoice of it is why.",
        f"""
        SELECT a.id AS agreement_id, a.number, a.state_since FROM billing_agreement a
        WHERE {mine("a.organization_id")} AND a.state = 'suspended'
          AND EXISTS (SELECT FROM billing_dunningcase c JOIN billing_dunningstep s ON s.case_id = c.id
                      WHERE c.agreement_id = a.id AND s.step = 'suspend' AND s.outcome = 'done')
          AND NOT EXISTS (
            SELECT FROM billing_dunningcase c JOIN billing_invoice i ON i.id = c.invoice_id
            JOIN billing_dunningstep s ON s.case_id = c.id AND s.step = 'suspend' AND s.outcome = 'done'
            WHERE c.agreement_id = a.id AND i.open_amount > 0
              AND s.round = (SELECT max(r.round) FROM billing_dunningstep r WHERE r.case_id = c.id))""",
    ),
    Rule(
        35, "zoho_chases_its_own", "Nothing is done here about an invoice whose agreement Zoho chases.",
        f"""
        SELECT s.id AS dunning_step_id, s.step, a.number FROM billing_dunningstep s
        JOIN billing_dunningcase c ON c.id = s.case_id JOIN billing_agreement a ON a.id = c.agreement_id
        WHERE {mine("c.organization_id")} AND a.dunning_owner = 'zoho' AND s.outcome = 'done'
          AND s.step <> 'reopened'""",
    ),
    Rule(
        22, "debt_plan_adds_up", "The parts of a debt plan make its amount, in its currency.",
        f"""
        SELECT d.id AS debt_plan_id, d.number, d.amount, p.amount AS parts
        FROM billing_debtplan d LEFT JOIN (
          SELECT plan_id, currency, sum(amount) AS amount FROM billing_debtplanpart GROUP BY 1, 2) p ON p.plan_id = d.id
        WHERE {mine("d.organization_id")} AND (d.amount, d.currency) IS DISTINCT FROM (p.amount, p.currency)""",
    ),
    Rule(
        21, "debt_plan_says_how_it_stands", "A debt plan is kept once nothing of its invoices is open, and not before.",
        f"""
        SELECT d.id AS debt_plan_id, d.number, d.state, o.open_amount
        FROM billing_debtplan d JOIN (
          SELECT m.debtplan_id, sum(i.open_amount) AS open_amount, min(i.customer_id) AS first_of,
            max(i.customer_id) AS last_of
          FROM billing_debtplan_invoices m JOIN billing_invoice i ON i.id = m.invoice_id GROUP BY 1) o
          ON o.debtplan_id = d.id
        WHERE {mine("d.organization_id")} AND (d.state = 'kept' AND o.open_amount > 0
          OR d.state = 'active' AND o.open_amount = 0 OR (o.first_of, o.last_of) <> (d.customer_id, d.customer_id))""",
    ),
    Rule(
        34, "collection_is_worked_on",
        "An invoice in collections is in an open case of its customer; a case of which all is paid is closed.",
        f"""
        SELECT c.id AS dunning_case_id, NULL::bigint AS collection_case_id FROM billing_dunningcase c
        WHERE {mine("c.organization_id")} AND c.state = 'collections' AND NOT EXISTS (
          SELECT FROM billing_collectioncase_invoices m JOIN billing_collectioncase k ON k.id = m.collectioncase_id
          WHERE m.invoice_id = c.invoice_id AND k.state <> 'closed' AND k.customer_id = c.customer_id)
        UNION ALL
        SELECT NULL, k.id FROM billing_collectioncase k WHERE {mine("k.organization_id")} AND k.state <> 'closed'
          AND NOT EXISTS (SELECT FROM billing_collectioncase_invoices m JOIN billing_invoice i ON i.id = m.invoice_id
                          WHERE m.collectioncase_id = k.id AND i.open_amount > 0)""",
    ),
    Rule(
        39, "debt_plan_numbers", "Debt plans are numbered without holes in each year.",
        numbers_have_holes("DPL", "billing_debtplan", period=r"\d{4}", digits=6),
    ),
    Rule(
        39, "collection_numbers", "Collection cases are numbered without holes in each year.",
        numbers_have_holes("COL", "billing_collectioncase", period=r"\d{4}", digits=6),
    ),
]  # fmt: skip
