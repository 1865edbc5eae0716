"""The rules that payments must keep (invariants 3, 5, 11, 13, 15, 31, 39, 40)."""

from billing.selectors.invariants.office import guards_missing, numbers_have_holes
from billing.selectors.proof import Rule, mine

# Where money of a method lies, said here a second time on purpose: a proof does not ask what it proves.
MONEY = """CASE p.method WHEN 'cash' THEN 'cash' WHEN 'cheque' THEN 'cheques_in_hand' WHEN 'bank_transfer' THEN 'bank'
  ELSE 'card_clearing' END"""
BOOKED = "('processed', 'refunded', 'voided', 'returned')"

RULES = [
    Rule(
        3, "payment_guards_in_place", "Payments, cheques and voids are guarded against change, in the database itself.",
        guards_missing(
            (
                "payments_paymentvoid", "payments_chequerejection", "payments_vaultcount", "payments_cashcount",
                "payments_cashmovement", "payments_credituse",
            ),
            (
                "payments_payment", "payments_cheque", "payments_chequepresentation", "payments_deposit",
                "payments_drawersession", "payments_refund", "payments_refundattempt", "payments_refundbatch",
                "payments_dispute", "payments_disputeevent", "payments_disputestep", "payments_paymentreconciliation",
            ),
        ),
    ),
    Rule(
        5, "payment_is_posted",
        "Every booked payment has its entry: money where its method puts it, unapplied cash of the customer.",
        f"""
        SELECT p.id AS payment_id, p.number, p.state, p.amount, e.key, l.money, l.unapplied
        FROM payments_payment p LEFT JOIN ledger_journalentry e ON e.id = p.entry_id
        LEFT JOIN payments_bankaccount b ON b.id = p.bank_account_id
        LEFT JOIN LATERAL (
          SELECT count(*) AS n,
            sum(l.debit) FILTER (WHERE a.role = {MONEY} AND (b.id IS NULL OR a.id = b.ledger_account_id)) AS money,
            sum(l.credit) FILTER (WHERE a.role = 'unapplied_cash' AND l.party = p.customer_id) AS unapplied
          FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
          WHERE l.entry_id = p.entry_id AND l.currency = p.currency) l ON true
        WHERE {mine("p.organization_id")} AND p.state IN {BOOKED} AND (
          e.id IS NULL OR e.event <> 'payment_received' OR e.key <> 'payment:' || p.number || ':received'
          OR (l.n, l.money, l.unapplied) IS DISTINCT FROM (2, p.amount, p.amount))""",
    ),
    Rule(
        5, "payment_entry_has_payment", "Every entry for money received belongs to one payment or to its void.",
        f"""
        SELECT e.id AS entry_id, e.key, count(d.entry_id) AS documents
        FROM ledger_journalentry e LEFT JOIN (
          SELECT entry_id FROM payments_payment WHERE entry_id IS NOT NULL UNION ALL
          SELECT entry_id FROM payments_paymentvoid WHERE entry_id IS NOT NULL) d ON d.entry_id = e.id
        WHERE e.event IN ('payment_received', 'payment_received_reversed') AND {mine("e.organization_id")}
        GROUP BY e.id HAVING count(d.entry_id) <> 1""",
    ),
    Rule(
        11, "money_on_hand",
        "Cash, cheques in hand, bank and clearing hold what standing payments brought, by organization and currency.",
        f"""
        SELECT organization_id, role, currency, coalesce(b.amount, 0) AS in_books, coalesce(s.amount, 0) AS in_payments
        FROM (SELECT l.organization_id, a.role, l.currency, sum(l.debit - l.credit) AS amount
              FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
              JOIN ledger_journalentry e ON e.id = l.entry_id
              WHERE e.event IN ('payment_received', 'payment_received_reversed')
                AND a.role IN ('cash', 'cheques_in_hand', 'bank', 'card_clearing') AND {mine("l.organization_id")}
              GROUP BY 1, 2, 3) b
        FULL JOIN (SELECT p.organization_id, {MONEY} AS role, p.currency, sum(p.amount) AS amount
                   FROM payments_payment p
                   WHERE p.state IN ('processed', 'refunded', 'returned') AND {mine("p.organization_id")}
                   GROUP BY 1, 2, 3) s USING (organization_id, role, currency)
        WHERE coalesce(b.amount, 0) <> coalesce(s.amount, 0)""",
    ),
    Rule(
        13, "void_is_mirrored",
        "A void payment has a void with a mirror entry and an approval that was used; one that stands has none.",
        f"""
        SELECT p.id AS payment_id, p.number, p.state, v.id AS void_id, v.entry_id
        FROM payments_payment p LEFT JOIN payments_paymentvoid v ON v.payment_id = p.id
        LEFT JOIN ledger_journalentry e ON e.id = v.entry_id
        LEFT JOIN office_approvalrequest r ON r.id = v.approval_id
        WHERE {mine("p.organization_id")} AND ((p.state = 'voided') AND (v.id IS NULL OR p.entry_id IS NULL)
          OR v.id IS NOT NULL AND (p.state NOT IN ('voided', 'cancelled') OR e.reverses_id IS DISTINCT FROM p.entry_id
            OR r.state <> 'used' OR r.action NOT LIKE 'void%%' OR r.subject <> 'payment:' || p.id))""",
    ),
    Rule(
        15, "payment_and_its_credit",
        "A booked payment's credit item has its number, amount, currency and customer, and is reversed with it.",
        f"""
        SELECT p.id AS payment_id, p.number, p.state, p.amount, c.amount AS credit_amount, c.reversed_on
        FROM payments_payment p FULL JOIN billing_credititem c ON c.id = p.credit_item_id
        WHERE {mine("coalesce(p.organization_id, c.organization_id)")} AND (
          p.id IS NULL AND c.kind = 'payment'
          OR p.id IS NOT NULL AND (p.state IN {BOOKED}) <> (c.id IS NOT NULL)
          OR p.id IS NOT NULL AND c.id IS NOT NULL AND (
            (p.number, p.amount, p.currency, p.customer_id, 'payment')
              IS DISTINCT FROM (c.number, c.amount, c.currency, c.customer_id, c.kind)
            OR (p.state IN ('voided', 'returned')) <> (c.reversed_on IS NOT NULL)))""",
    ),
    Rule(
        39, "payment_numbers", "Payment numbers run without holes, by month.",
        numbers_have_holes("PAY", "payments_payment", period=r"\d{4}-\d{2}", digits=8),
    ),
    Rule(
        39, "transaction_numbers", "Transaction numbers run without holes, by day.",
        numbers_have_holes(
            "TXN",
            "(SELECT organization_id, transaction_number AS number FROM payments_payment) transactions",
            period=r"\d{8}", digits=6,
        ),
    ),
    Rule(
        40, "request_once", "One request is one payment, and one row of a file is one payment.",
        f"""
        SELECT organization_id, what, key, count(*) AS payments FROM (
          SELECT organization_id, 'request' AS what, request_key AS key FROM payments_payment UNION ALL
          SELECT organization_id, 'source', source_reference FROM payments_payment WHERE source_reference <> '') k
        WHERE {mine("organization_id")} GROUP BY 1, 2, 3 HAVING count(*) > 1""",
    ),
]  # fmt: skip
