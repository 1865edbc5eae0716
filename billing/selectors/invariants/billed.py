"""Billing runs against schedules, charges and invoices: what must always hold (invariants 4, 22, 26, 37)."""

from billing.selectors.proof import Rule, mine
from billing.selectors.run_facts import CONTENT

RULES: list[Rule] = [
    Rule(
        5, "bill_is_its_document", "A billed item's invoice or credit memo is of its customer, agreement and amount.",
        f"""
        SELECT b.id AS item_id, b.run_id, b.amount, i.number AS invoice, i.invoiced_amount, m.number AS credit_memo
        FROM billing_billingrunitem b LEFT JOIN billing_invoice i ON i.id = b.invoice_id
        LEFT JOIN billing_creditmemo m ON m.id = b.credit_memo_id
        LEFT JOIN billing_credititem c ON c.id = m.credit_item_id
        WHERE {mine("b.organization_id")} AND (
          (b.state IN ('billed', 'voided')) <> (i.id IS NOT NULL OR m.id IS NOT NULL OR (b.amount = 0
            AND b.net_amount = 0 AND b.state = 'billed'))
          OR i.id IS NOT NULL AND (i.customer_id, i.agreement_id, i.currency, i.net_amount, i.invoiced_amount,
            i.organization_id) IS DISTINCT FROM (b.customer_id, b.agreement_id, b.currency, b.net_amount, b.amount,
            b.organization_id)
          OR m.id IS NOT NULL AND (c.customer_id, c.currency, m.net_amount, c.amount, m.organization_id)
            IS DISTINCT FROM (b.customer_id, b.currency, -b.net_amount, -b.amount, b.organization_id)
          OR b.state = 'billed' AND i.voided_on IS NOT NULL OR b.state = 'voided' AND i.voided_on IS NULL)""",
    ),
    Rule(
        22, "bill_is_its_lines", "The lines of a bill add up to it.",
        f"""
        SELECT b.id AS item_id, b.run_id, b.net_amount, b.tax_amount, s.net, s.tax
        FROM billing_billingrunitem b CROSS JOIN LATERAL (
          SELECT coalesce(sum((l->>'net')::numeric), 0) AS net, coalesce(sum((l->>'tax')::numeric), 0) AS tax
          FROM jsonb_array_elements(b.lines) l) s
        WHERE {mine("b.organization_id")} AND (b.net_amount, b.tax_amount) IS DISTINCT FROM (s.net, s.tax)""",
    ),
    Rule(
        22, "billed_period_is_covered",
        "The bills of a billed period come to what it was planned at, all payers together, charges apart; what"
        " attendance decides has a bill.",
        f"""
        SELECT p.id AS installment_id, p.agreement_id, p.period_start, p.net_amount, s.net
        FROM billing_installment p CROSS JOIN LATERAL (
          SELECT count(DISTINCT b.id) AS bills,
            coalesce(sum((l->>'net')::numeric) FILTER (WHERE NOT l ? 'charge'), 0) AS net
          FROM billing_billingrunitem b LEFT JOIN LATERAL jsonb_array_elements(b.lines) l ON true
          WHERE b.installment_id = p.id AND b.state = 'billed') s
        WHERE {mine("p.organization_id")} AND p.state = 'billed'
          AND (s.bills = 0 OR NOT p.is_estimate AND s.net <> p.net_amount)""",
    ),
    Rule(
        26, "period_is_billed_once",
        "A period that is planned or no longer part of the schedule has no bill; each payer's bill of it stands once.",
        f"""
        SELECT p.id AS installment_id, p.state, b.customer_id, count(*) AS bills
        FROM billing_billingrunitem b JOIN billing_installment p ON p.id = b.installment_id
        WHERE {mine("b.organization_id")} AND b.state = 'billed'
        GROUP BY p.id, p.state, b.customer_id HAVING p.state IN ('planned', 'cancelled') OR count(*) > 1""",
    ),
    Rule(
        26, "charge_is_billed_once",
        "A billed charge names a standing bill of its agreement that has it, and its bills come to it; no other bill"
        " that stands has a charge.",
        f"""
        WITH told AS (
          SELECT (l->>'charge')::bigint AS charge_id, b.run_id, b.agreement_id, sum((l->>'net')::numeric) AS net,
            sum((l->>'tax')::numeric) AS tax, array_agg(b.id) AS items
          FROM billing_billingrunitem b CROSS JOIN LATERAL jsonb_array_elements(b.lines) l
          WHERE {mine("b.organization_id")} AND l ? 'charge'
            AND (b.state = 'billed' OR b.state = 'voided' AND EXISTS (
              SELECT 1 FROM billing_billingrunitem o WHERE o.run_id = b.run_id AND o.agreement_id = b.agreement_id
                AND o.installment_id IS NOT DISTINCT FROM b.installment_id AND o.state = 'billed'))
          GROUP BY 1, 2, 3)
        SELECT coalesce(c.id, t.charge_id) AS charge_id, c.state, c.item_id, c.net_amount, t.net, t.run_id
        FROM (SELECT * FROM billing_charge WHERE {mine("organization_id")} AND state = 'billed') c
        FULL JOIN told t ON t.charge_id = c.id
        LEFT JOIN billing_billingrunitem b ON b.id = c.item_id
        WHERE c.id IS NULL OR t.charge_id IS NULL OR b.state <> 'billed' OR b.run_id <> t.run_id
          OR c.agreement_id <> t.agreement_id OR NOT c.item_id = ANY (t.items)
          OR (c.net_amount, c.tax_amount) IS DISTINCT FROM (t.net, t.tax)""",
    ),
    Rule(
        37, "run_is_as_approved", "What a run bills is what was frozen when it was approved, and a finished run has"
        " nothing left to bill.",
        f"""
        SELECT r.id AS run_id, r.number, r.state, r.content_hash
        FROM billing_billingrun r CROSS JOIN LATERAL (
          SELECT {CONTENT} AS content,
            count(*) FILTER (WHERE state = 'planned') AS planned,
            count(*) FILTER (WHERE state IN ('billed', 'voided', 'refused')) AS told
          FROM billing_billingrunitem b WHERE b.run_id = r.id) s
        WHERE {mine("r.organization_id")} AND (r.state IN ('approved', 'done') AND r.content_hash <> s.content
          OR r.state = 'done' AND s.planned > 0 OR r.state IN ('preview', 'cancelled') AND s.told > 0)""",
    ),
]  # fmt: skip
