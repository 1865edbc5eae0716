"""Tax codes, rates, what lines say of them and what the journal does: what must always hold (5, 22, 45)."""

from billing.selectors.invariants.owed import POSTED
from billing.selectors.proof import Rule, mine

TAX = POSTED.format(roles="'tax_payable'")

RULES = [
    Rule(
        5, "tax_is_posted",
        "Tax payable gets the tax of every invoice, of one taken over none, and gives back that of every credit memo.",
        f"""
        SELECT i.number, i.tax_amount, -p.amount AS posted
        FROM billing_invoice i LEFT JOIN ({TAX}) p ON p.entry_id = i.entry_id AND p.currency = i.currency
        WHERE {mine("i.organization_id")}
          AND coalesce(-p.amount, 0) <> CASE WHEN i.is_opening THEN 0 ELSE i.tax_amount END
        UNION ALL
        SELECT m.number, m.tax_amount, p.amount
        FROM billing_creditmemo m JOIN billing_credititem c ON c.id = m.credit_item_id
        LEFT JOIN ({TAX}) p ON p.entry_id = m.entry_id AND p.currency = c.currency
        WHERE {mine("m.organization_id")} AND coalesce(p.amount, 0) <> m.tax_amount""",
    ),
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
