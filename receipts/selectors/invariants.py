"""The rules that receipts must keep (invariants 3, 39, 42)."""

from billing.selectors.invariants.office import guards_missing, numbers_have_holes
from billing.selectors.proof import Rule, mine
from receipts.selectors.paper_invariants import RULES as PAPER_RULES

RULES = [
    Rule(
        3, "receipt_guards_in_place", "Receipts and their papers are guarded against change, in the database itself.",
        guards_missing(
            (
                "receipts_issuedpaper", "receipts_paperdocument", "receipts_papercopy",
                "receipts_receiptdocument", "receipts_receiptcopy", "receipts_refundreceipt",
                "receipts_refundreceiptdocument", "receipts_refundreceiptcopy",
            ),
            ("receipts_receipt", "receipts_paperrun", "receipts_dataexport", "receipts_erasurecase"),
        ),
    ),
    Rule(
        39, "receipt_of_payment",
        "Every payment has one receipt of its organization that says its amount; provisional and void as it is.",
        f"""
        SELECT p.id AS payment_id, p.number, p.state, r.number AS receipt, r.content->>'amount' AS says, r.voided_at
        FROM payments_payment p LEFT JOIN receipts_receipt r ON r.payment_id = p.id
        WHERE {mine("p.organization_id")} AND (r.id IS NULL OR r.organization_id <> p.organization_id
          OR (r.voided_at IS NOT NULL) <> (p.state IN ('voided', 'cancelled', 'failed'))
          OR (r.returned_on IS NOT NULL) <> (p.state = 'returned')
          OR p.state = 'pending' AND NOT r.is_provisional OR p.state = 'processed' AND r.is_provisional)
        UNION ALL
        SELECT p.id, p.number, p.state, r.number, r.content->>'amount', r.voided_at
        FROM receipts_receipt r JOIN payments_payment p ON p.id = r.payment_id
        WHERE {mine("p.organization_id")} AND (r.content->>'amount')::numeric IS DISTINCT FROM p.amount""",
    ),
    Rule(
        39, "receipt_numbers", "Receipt numbers run without holes, by year; a void receipt keeps its number.",
        numbers_have_holes("RCP", "receipts_receipt", period=r"\d{4}", digits=8),
    ),
    Rule(
        42, "receipt_mail_has_fact",
        "A receipt to be mailed has its message, and no message speaks of a receipt that is not there.",
        f"""
        SELECT r.id AS receipt_id, r.number, n.id AS notice_id, n.fact
        FROM receipts_receipt r FULL JOIN (SELECT * FROM office_notice WHERE kind IN ('receipt', 'receipt_link')) n
          ON n.fact = 'receipt:' || r.id
        WHERE {mine("coalesce(r.organization_id, n.organization_id)")}
          AND (r.id IS NULL OR n.id IS NULL AND r.email <> '')""",
    ),
    Rule(
        39, "refund_receipt_of_refund",
        "A refund receipt is of a paid refund of its organization and says its number and its amounts.",
        f"""
        SELECT r.id AS refund_receipt_id, f.number, f.state, r.content->>'number' AS says_number,
          r.content->>'amount' AS says_paid, f.paid_amount
        FROM receipts_refundreceipt r JOIN payments_refund f ON f.id = r.refund_id
        WHERE {mine("r.organization_id")} AND (f.state <> 'processed' OR f.organization_id <> r.organization_id
          OR (r.content->>'number', r.content->>'currency', r.content->>'paid_on')
            IS DISTINCT FROM (f.number, f.currency, f.processed_on::text)
          OR ((r.content->>'amount')::numeric, (r.content->>'refunded')::numeric, (r.content->>'charges')::numeric,
              (r.content->>'fee')::numeric)
            IS DISTINCT FROM (f.paid_amount, f.gross_amount, f.charges_amount, f.fee_amount))""",
    ),
    Rule(
        42, "refund_mail_has_fact",
        "A refund receipt to be mailed goes with a message, and no message carries one that is not there.",
        f"""
        SELECT r.id AS refund_receipt_id, n.id AS notice_id, n.attachment
        FROM receipts_refundreceipt r
        FULL JOIN (SELECT * FROM office_notice WHERE attachment LIKE 'refund_receipt:%%') n
          ON n.attachment = 'refund_receipt:' || r.id
        WHERE {mine("coalesce(r.organization_id, n.organization_id)")}
          AND (r.id IS NULL OR n.id IS NULL AND r.email <> '')""",
    ),
    *PAPER_RULES,
]  # fmt: skip
COUNTED = {
    "receipts": ("receipts_receipt", "organization_id"),
    "papers": ("receipts_issuedpaper", "organization_id"),
    "refund receipts": ("receipts_refundreceipt", "organization_id"),
}
