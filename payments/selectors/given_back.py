"""When money of a credit item was refunded, and when a refund fell back: by the days of the journal."""

# A refund is reserved anew for each further try; billing counts it as gone from the first to the release, and again.
KEYS = ", ".join(f"'refund:' || f.number || ':approved{more}'" for more in ("", ":2", ":3", ":4"))
RESERVED = (
    f"""payments_refund f JOIN ledger_journalentry e ON e.organization_id = f.organization_id AND e.key IN ({KEYS})"""
)

GIVEN_BACK = f"""
SELECT f.credit_item_id, e.entry_date AS on_day, f.gross_amount AS amount, 'refund' AS kind, f.id AS ref, f.number
FROM {RESERVED} WHERE f.organization_id = ANY(%(organizations)s) AND f.entry_id IS NOT NULL
UNION ALL
SELECT f.credit_item_id, r.entry_date, -f.gross_amount, 'refund_back', f.id, f.number
FROM {RESERVED} JOIN ledger_journalentry r ON r.reverses_id = e.id
WHERE f.organization_id = ANY(%(organizations)s) AND f.entry_id IS NOT NULL
UNION ALL
SELECT p.credit_item_id, e.entry_date, d.lost_amount, 'chargeback', d.id, d.number
FROM payments_dispute d JOIN payments_payment p ON p.id = d.payment_id
JOIN ledger_journalentry e ON e.id = d.outcome_entry_id
WHERE d.organization_id = ANY(%(organizations)s) AND d.lost_amount > 0"""
