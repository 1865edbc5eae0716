"""Earnings and payouts against attendance, payments and the journal: what must always hold (R89, R90)."""

from billing.selectors.invariants.books import control
from billing.selectors.invariants.office import numbers_have_holes
from billing.selectors.invariants.owed import POSTED
from billing.selectors.proof import Rule, mine

OWED, COST, BANK = (
    POSTED.format(roles=roles) for roles in ("'providers_payable'", "'teacher_pay', 'commissions'", "'bank'")
)

# Half of the smallest unit: what a rounding may add.
HALF_UNIT = "0.5 * power(10::numeric, -money_exponent(e.currency))"

RULES = [
    Rule(
        4, "earning_is_posted",
        "Every earning has an entry of its own, of its amount, at its cost, for its provider, on its day.",
        f"""
        SELECT e.id AS earning_id, e.source, e.amount, j.key, j.entry_date, -o.amount AS owed, c.amount AS cost
        FROM billing_earning e LEFT JOIN ledger_journalentry j ON j.id = e.entry_id
        LEFT JOIN ({OWED}) o ON o.entry_id = e.entry_id AND o.party = e.provider_id AND o.currency = e.currency
        LEFT JOIN ({COST}) c ON c.entry_id = e.entry_id AND c.currency = e.currency
          AND c.role = CASE WHEN e.attendance_id IS NULL THEN 'commissions' ELSE 'teacher_pay' END
        WHERE {mine("e.organization_id")} AND ((j.event, j.key, j.entry_date, j.organization_id)
          IS DISTINCT FROM ('earned', 'earning:' || e.source, e.earned_on, e.organization_id)
          OR (-o.amount, c.amount) IS DISTINCT FROM (e.amount, e.amount))""",
    ),
    Rule(
        5, "payout_is_posted",
        "A payout has its entry when its batch is paid, of its amount, from the bank, and before that none.",
        f"""
        SELECT p.id AS payout_id, b.number, b.state, p.amount, j.key, o.amount AS posted, k.amount AS from_bank
        FROM billing_payout p JOIN billing_payoutbatch b ON b.id = p.batch_id
        LEFT JOIN ledger_journalentry j ON j.id = p.entry_id
        LEFT JOIN ({OWED}) o ON o.entry_id = p.entry_id AND o.party = p.provider_id AND o.currency = p.currency
        LEFT JOIN ({BANK}) k ON k.entry_id = p.entry_id AND k.currency = p.currency
        WHERE {mine("p.organization_id")} AND CASE WHEN b.state = 'paid'
          THEN (j.event, j.key, o.amount, k.amount)
            IS DISTINCT FROM ('paid_out', 'payout:' || p.id || ':paid', p.amount, -p.amount)
          ELSE p.entry_id IS NOT NULL END""",
    ),
    Rule(
        5, "earned_entry_has_earning", "Every entry of an earning or a payout has exactly one.",
        f"""
        SELECT j.id AS entry_id, j.key, count(e.id) AS earnings, count(p.id) AS payouts FROM ledger_journalentry j
        LEFT JOIN billing_earning e ON e.entry_id = j.id LEFT JOIN billing_payout p ON p.entry_id = j.id
        WHERE j.event IN ('earned', 'paid_out') AND {mine("j.organization_id")}
        GROUP BY j.id HAVING count(e.id) + count(p.id) <> 1""",
    ),
    Rule(
        8, "providers_control", "The ledger owes every provider what they earned and were not paid.",
        control(
            "providers_payable", "credit",
            "SELECT e.organization_id, e.provider_id, e.currency, e.amount FROM billing_earning e"
            " LEFT JOIN billing_payout p ON p.id = e.payout_id LEFT JOIN billing_payoutbatch b ON b.id = p.batch_id"
            " WHERE b.state IS DISTINCT FROM 'paid'",
            party="provider_id",
        ),
    ),
    Rule(
        16, "payout_is_its_earnings",
        "A payout is the sum of its provider's earnings in it, a batch that of its payouts; a cancelled one has none.",
        f"""
        SELECT p.id AS payout_id, b.number, b.state, p.amount, e.amount AS earned, e.others, w.amount AS of_batch
        FROM billing_payout p JOIN billing_payoutbatch b ON b.id = p.batch_id
        JOIN (SELECT batch_id, sum(amount) AS amount FROM billing_payout GROUP BY 1) w ON w.batch_id = b.id
        LEFT JOIN (SELECT x.payout_id, sum(x.amount) AS amount,
            count(*) FILTER (WHERE (x.provider_id, x.currency) <> (y.provider_id, y.currency)) AS others
          FROM billing_earning x JOIN billing_payout y ON y.id = x.payout_id GROUP BY 1) e ON e.payout_id = p.id
        WHERE {mine("p.organization_id")} AND (w.amount <> b.amount OR coalesce(e.others, 0) > 0
          OR p.is_cancelled <> (b.state = 'cancelled') OR p.currency <> b.currency
          OR e.amount IS DISTINCT FROM CASE WHEN p.is_cancelled THEN NULL ELSE p.amount END)""",
    ),
    Rule(
        13, "clawback_mirrors",
        "What takes an earning back is its mirror, of the same provider and currency, for the payment that was undone.",
        f"""
        SELECT e.id AS earning_id, e.source, e.kind, e.amount, o.amount AS of, o.provider_id
        FROM billing_earning e LEFT JOIN billing_earning o ON o.id = e.reverses_id
        LEFT JOIN billing_allocation u ON u.id = e.allocation_id
        WHERE {mine("e.organization_id")} AND (e.kind = 'clawback') IS DISTINCT FROM (o.id IS NOT NULL
          AND e.amount + o.amount = 0 AND (e.provider_id, e.currency) = (o.provider_id, o.currency)
          AND u.reverses_id IS NOT DISTINCT FROM o.allocation_id)""",
    ),
    Rule(
        22, "lesson_earned_once", "A lesson's seat never earned anybody less than nothing, nor two at a time.",
        f"""
        SELECT seat_id, min(amount) AS least, count(*) FILTER (WHERE amount > 0) AS teachers FROM (
          SELECT a.seat_id, e.provider_id, sum(e.amount) AS amount FROM billing_earning e
          JOIN billing_attendance a ON a.id = e.attendance_id
          WHERE {mine("e.organization_id")} GROUP BY 1, 2) q
        GROUP BY 1 HAVING min(amount) < 0 OR count(*) FILTER (WHERE amount > 0) > 1""",
    ),
    Rule(
        22, "lesson_earned_as_told",
        "What a lesson's seat has earned is what was said last of how it came about; taken back, nothing.",
        f"""
        SELECT q.* FROM (
          SELECT DISTINCT ON (a.seat_id) a.seat_id, e.kind, sum(e.amount) OVER (PARTITION BY a.seat_id) AS earned,
            (SELECT (step->>'pay_amount')::numeric FROM jsonb_array_elements(e.derivation) step
             WHERE step->>'code' IN ('pay_attended', 'pay_no_show', 'pay_late_cancel', 'pay_student_cancel',
               'pay_teacher_cancel')) AS told
          FROM billing_earning e JOIN billing_attendance a ON a.id = e.attendance_id
          WHERE {mine("e.organization_id")} ORDER BY a.seat_id, e.id DESC) q
        WHERE q.earned IS DISTINCT FROM CASE q.kind WHEN 'clawback' THEN 0 ELSE q.told END""",
    ),
    Rule(
        22, "commission_within_rate", "A commission is never more than its percentage of the premium paid without tax.",
        f"""
        SELECT e.id AS earning_id, e.source, e.amount, d.told, a.amount AS paid, v.number
        FROM billing_earning e JOIN billing_allocation a ON a.id = e.allocation_id
        JOIN billing_invoice v ON v.id = a.invoice_id
        LEFT JOIN LATERAL (SELECT step AS told FROM jsonb_array_elements(e.derivation) step
          WHERE step->>'code' = 'commission_' || e.kind LIMIT 1) d ON true
        WHERE {mine("e.organization_id")} AND e.kind <> 'clawback' AND (
          (d.told->>'net_amount')::numeric <= a.amount * v.net_amount / v.invoiced_amount + {HALF_UNIT}
          AND e.amount <= (d.told->>'net_amount')::numeric * (d.told->>'percent')::numeric / 100 + {HALF_UNIT}
          ) IS NOT TRUE""",
    ),
    Rule(
        19, "commission_stands_with_payment",
        "A commission stands while the payment does: what was looked through and undone is taken back.",
        f"""
        SELECT e.id AS earning_id, e.source, e.amount, u.id AS undone_by
        FROM billing_earning e JOIN billing_allocation u ON u.reverses_id = e.allocation_id
        JOIN billing_earningmark m ON m.organization_id = e.organization_id AND m.allocation_id >= u.id
        LEFT JOIN billing_earning c ON c.reverses_id = e.id
        WHERE {mine("e.organization_id")} AND e.reverses_id IS NULL AND c.id IS NULL""",
    ),
    Rule(
        37, "payout_is_agreed", "What is approved or paid was approved by another person than who prepared it.",
        f"""
        SELECT b.id AS batch_id, b.number, b.state, r.action, r.state AS approval, r.decided_by_id
        FROM billing_payoutbatch b LEFT JOIN office_approvalrequest r ON r.id = b.approval_id
        WHERE {mine("b.organization_id")} AND b.state IN ('approved', 'paid') AND (
          (r.action, r.state, r.subject) IS DISTINCT FROM ('pay_providers', 'used', 'payout_batch:' || b.id)
          OR r.decided_by_id IS NOT DISTINCT FROM b.made_by_id OR b.content_hash <> r.shown_hash)""",
    ),
    Rule(
        39, "payout_numbers_have_no_holes", "Payout batches are numbered without holes in each year.",
        numbers_have_holes("OUT", "billing_payoutbatch", period=r"\d{4}", digits=6),
    ),
]  # fmt: skip
