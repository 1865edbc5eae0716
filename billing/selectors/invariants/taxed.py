"""Tax codes, rates and what lines say of them: what must always hold (22, 45)."""

from billing.selectors.proof import Rule, mine

RULES = [
    Rule(
        22, "rate_parts_add_up", "The parts of a tax rate make the rate.",
        f"""
        SELECT r.id AS tax_rate_id, r.rate, sum((p ->> 'rate')::numeric) AS parts
        FROM billing_taxrate r CROSS JOIN LATERAL jsonb_array_elements(r.parts) p
        WHERE {mine("r.organization_id")} GROUP BY r.id HAVING sum((p ->> 'rate')::numeric) <> r.rate""",
    ),
    Rule(
        45, "line_is_taxed_by_own_code", "A line of an invoice is taxed by a code of the invoice's organization.",
        f"""
        SELECT l.id AS line_id, i.number, l.tax_code_id, c.organization_id AS code_of
        FROM billing_invoiceline l JOIN billing_invoice i ON i.id = l.invoice_id
        JOIN billing_taxcode c ON c.id = l.tax_code_id
        WHERE {mine("i.organization_id")} AND c.organization_id <> i.organization_id""",
    ),
    Rule(
        22, "exempt_code_takes_nothing", "A line of an exempt tax code carries no tax.",
        f"""
        SELECT l.id AS line_id, i.number, l.tax_rate, l.tax_amount, c.kind
        FROM billing_invoiceline l JOIN billing_invoice i ON i.id = l.invoice_id
        JOIN billing_taxcode c ON c.id = l.tax_code_id
        WHERE {mine("i.organization_id")} AND c.kind = 'exempt' AND (l.tax_amount <> 0 OR l.tax_rate <> 0)""",
    ),
]  # fmt: skip
