"""Agreements, their terms and schedules: what must always hold."""

from billing.selectors.proof import Rule, mine

RULES = [
    Rule(
        22,
        "installment_lines_add_up",
        "The lines of every period add up to its net, tax and discount.",
        f"""
        SELECT i.id AS installment_id, i.agreement_id, i.period_start, i.net_amount, i.tax_amount, i.discount_amount,
          l.net, l.tax, l.discount
        FROM billing_installment i CROSS JOIN LATERAL (
          SELECT coalesce(sum((line->>'net')::numeric), 0) AS net, coalesce(sum((line->>'tax')::numeric), 0) AS tax,
            coalesce(sum((line->>'discount')::numeric), 0) AS discount FROM jsonb_array_elements(i.lines) line) l
        WHERE {mine("i.organization_id")}
          AND (i.net_amount <> l.net OR i.tax_amount <> l.tax OR i.discount_amount <> l.discount)""",
    ),
    Rule(
        22,
        "charge_line_is_its_amount",
        "The line of every charge has the net and tax of the charge.",
        f"""
        SELECT c.id AS charge_id, c.source, c.net_amount, c.tax_amount, c.line FROM billing_charge c
        WHERE {mine("c.organization_id")}
          AND ((c.line->>'net')::numeric, (c.line->>'tax')::numeric) IS DISTINCT FROM (c.net_amount, c.tax_amount)""",
    ),
    Rule(
        22,
        "periods_do_not_overlap",
        "No day of an agreement is in two periods, but for cancelled ones.",
        f"""
        SELECT * FROM (
          SELECT i.id AS installment_id, i.agreement_id, i.period_start, i.period_end,
            lead(i.period_start) OVER (PARTITION BY i.agreement_id ORDER BY i.period_start) AS next_start
          FROM billing_installment i WHERE {mine("i.organization_id")} AND i.state <> 'cancelled') p
        WHERE p.next_start <= p.period_end""",
    ),
    Rule(
        22,
        "planned_is_within_the_agreement",
        "A planned period begins between the agreement's first and last day.",
        f"""
        SELECT i.id AS installment_id, a.number, i.period_start, i.period_end, a.starts_on, a.ends_on
        FROM billing_installment i JOIN billing_agreement a ON a.id = i.agreement_id
        WHERE {mine("i.organization_id")} AND i.state = 'planned'
          AND (i.period_start < a.starts_on OR i.period_start > a.ends_on)""",
    ),
    Rule(
        21,
        "planned_is_of_the_running",
        "Nothing is planned of an agreement that was cancelled or has ended.",
        f"""
        SELECT i.id AS installment_id, a.number, a.state, i.period_start
        FROM billing_installment i JOIN billing_agreement a ON a.id = i.agreement_id
        WHERE {mine("i.organization_id")} AND i.state = 'planned' AND a.state IN ('cancelled', 'ended')""",
    ),
    Rule(
        20,
        "terms_hold_from_the_start",
        "Every agreement has terms from its first day on, and is as its terms say.",
        f"""
        SELECT a.id AS agreement_id, a.number, a.starts_on, a.plan_id, a.frequency FROM billing_agreement a
        WHERE {mine("a.organization_id")} AND (
          NOT EXISTS (SELECT 1 FROM billing_agreementterms t
                      WHERE t.agreement_id = a.id AND t.effective_on <= a.starts_on)
          OR NOT EXISTS (SELECT 1 FROM billing_agreementterms t
                         WHERE t.agreement_id = a.id AND t.plan_id = a.plan_id AND t.frequency = a.frequency))""",
    ),
    Rule(
        18,
        "agreed_in_one_currency",
        "Terms, periods and charges of an agreement are in its currency.",
        f"""
        SELECT a.id AS agreement_id, a.number, a.currency, x.what, x.id, x.currency AS other
        FROM billing_agreement a JOIN (
          SELECT 'terms' AS what, id, agreement_id, currency FROM billing_agreementterms UNION ALL
          SELECT 'installment', id, agreement_id, currency FROM billing_installment UNION ALL
          SELECT 'charge', id, agreement_id, currency FROM billing_charge) x ON x.agreement_id = a.id
        WHERE {mine("a.organization_id")} AND x.currency <> a.currency""",
    ),
    Rule(
        4,
        "adjustment_has_its_change",
        "A charge that settles a change names a change of its own agreement.",
        f"""
        SELECT c.id AS charge_id, c.source, c.agreement_id, h.agreement_id AS of_change
        FROM billing_charge c
        LEFT JOIN billing_agreementchange h ON h.id = nullif(split_part(c.source, ':', 2), '')::bigint
        WHERE {mine("c.organization_id")} AND c.source LIKE 'change:%%'
          AND h.agreement_id IS DISTINCT FROM c.agreement_id""",
    ),
    Rule(
        22,
        "regeneration_counts_its_changes",
        "A regeneration changed as many agreements as it wrote differences.",
        f"""
        SELECT r.id AS regeneration_id, r.reason, r.changed, count(c.id) AS written
        FROM billing_scheduleregeneration r LEFT JOIN billing_agreementchange c ON c.regeneration_id = r.id
        WHERE {mine("r.organization_id")} GROUP BY r.id HAVING r.changed <> count(c.id) OR r.changed > r.looked_at""",
    ),
]
