"""The rules that cheques and their presentations must keep (invariants 5, 11)."""

from billing.selectors.invariants.office import numbers_have_holes
from billing.selectors.proof import Rule, mine

RULES: list[Rule] = [
    Rule(
        5, "vault_is_no_money", "A cheque in the vault is nobody's payment, and was never presented.",
        f"""
        SELECT c.id AS cheque_id, c.number, c.payment_id, count(n.id) AS presentations
        FROM payments_cheque c LEFT JOIN payments_chequepresentation n ON n.cheque_id = c.id
        WHERE c.state = 'in_vault' AND {mine("c.organization_id")}
        GROUP BY c.id HAVING c.payment_id IS NOT NULL OR count(n.id) > 0""",
    ),
    Rule(
        5, "cheque_is_its_payment",
        "A cheque in hand, at the bank or returned has a payment by cheque: its amount, its currency, its customer.",
        f"""
        SELECT c.id AS cheque_id, c.number, c.state, c.amount, p.id AS payment_id, p.amount AS payment_amount
        FROM payments_cheque c LEFT JOIN payments_payment p ON p.id = c.payment_id
        WHERE {mine("c.organization_id")}
          AND (c.payment_id IS NOT NULL OR c.state IN ('due', 'deposited', 'cleared', 'returned'))
          AND (c.amount, c.currency, c.customer_id, c.organization_id, 'cheque')
            IS DISTINCT FROM (p.amount, p.currency, p.customer_id, p.organization_id, p.method)""",
    ),
    Rule(
        5, "presentations_in_order",
        "A cheque's presentations are numbered 1, 2, 3…; the last one's payment is the cheque's.",
        f"""
        SELECT c.id AS cheque_id, c.number, c.payment_id, n.presentations, n.first, n.last, n.payment_id AS last_payment
        FROM payments_cheque c LEFT JOIN (
          SELECT cheque_id, count(*) AS presentations, min(ordinal) AS first, max(ordinal) AS last,
            (array_agg(payment_id ORDER BY ordinal DESC))[1] AS payment_id
          FROM payments_chequepresentation GROUP BY 1) n ON n.cheque_id = c.id
        WHERE {mine("c.organization_id")} AND (c.payment_id IS NOT NULL OR n.cheque_id IS NOT NULL)
          AND (1, n.presentations, c.payment_id) IS DISTINCT FROM (n.first, n.last, n.payment_id)""",
    ),
    Rule(
        5, "deposit_is_posted",
        "A slip at the bank has one entry: its total into its bank account, its cash and its cheques out of the house.",
        f"""
        SELECT d.id AS deposit_id, d.number, d.state, d.cash_amount, d.cheque_amount, e.key, l.bank, l.cash, l.cheques
        FROM payments_deposit d LEFT JOIN ledger_journalentry e ON e.id = d.entry_id
        JOIN payments_bankaccount b ON b.id = d.bank_account_id
        LEFT JOIN LATERAL (
          SELECT sum(l.debit) FILTER (WHERE l.account_id = b.ledger_account_id) AS bank, sum(l.debit) AS debits,
            coalesce(sum(l.credit) FILTER (WHERE a.role = 'cash'), 0) AS cash,
            coalesce(sum(l.credit) FILTER (WHERE a.role = 'cheques_in_hand'), 0) AS cheques
          FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
          WHERE l.entry_id = d.entry_id AND l.currency = d.currency) l ON true
        WHERE {mine("d.organization_id")} AND ((d.state = 'deposited') <> (e.id IS NOT NULL) OR e.id IS NOT NULL AND (
          e.event <> 'deposit_made' OR e.key <> 'deposit:' || d.number || ':made' OR b.currency <> d.currency
          OR (l.bank, l.debits, l.cash, l.cheques)
            IS DISTINCT FROM (d.total_amount, d.total_amount, d.cash_amount, d.cheque_amount)))""",
    ),
    Rule(
        5, "deposit_entry_has_deposit", "Every entry of a deposit belongs to one slip.",
        f"""
        SELECT e.id AS entry_id, e.key, count(d.id) AS slips
        FROM ledger_journalentry e LEFT JOIN payments_deposit d ON d.entry_id = e.id
        WHERE e.event = 'deposit_made' AND {mine("e.organization_id")} GROUP BY e.id HAVING count(d.id) <> 1""",
    ),
    Rule(
        5, "slip_adds_up",
        "The cheques on a slip that stands are what it says: how many, how much, of its currency and organization.",
        f"""
        SELECT d.id AS deposit_id, d.number, d.state, d.cheque_count, d.cheque_amount, n.cheques, n.amount
        FROM payments_deposit d LEFT JOIN (
          SELECT n.deposit_id, count(*) AS cheques, sum(p.amount) AS amount,
            bool_and(p.currency = s.currency AND p.organization_id = s.organization_id) AS fits
          FROM payments_chequepresentation n JOIN payments_payment p ON p.id = n.payment_id
          JOIN payments_deposit s ON s.id = n.deposit_id GROUP BY 1) n ON n.deposit_id = d.id
        WHERE {mine("d.organization_id")} AND (
          d.state = 'cancelled' AND n.deposit_id IS NOT NULL
          OR d.state <> 'cancelled' AND (d.cheque_count, d.cheque_amount, true)
            IS DISTINCT FROM (coalesce(n.cheques, 0)::int, coalesce(n.amount, 0), coalesce(n.fits, true)))""",
    ),
    Rule(
        5, "cheque_is_where_its_slip_is",
        "A cheque at the bank came there with a slip that was handed in; one in hand is on no such slip.",
        f"""
        SELECT c.id AS cheque_id, c.number, c.state, n.ordinal, n.result, d.number AS slip, d.state AS slip_state
        FROM payments_cheque c JOIN payments_chequepresentation n ON n.cheque_id = c.id AND n.payment_id = c.payment_id
        LEFT JOIN payments_deposit d ON d.id = n.deposit_id
        WHERE {mine("c.organization_id")} AND (
          c.state IN ('deposited', 'cleared', 'returned') AND d.state IS DISTINCT FROM 'deposited'
          OR c.state = 'due' AND d.state = 'deposited'
          OR c.state IN ('due', 'deposited', 'cleared', 'returned')
            AND n.result <> CASE c.state WHEN 'cleared' THEN 'cleared' WHEN 'returned' THEN 'returned' ELSE '' END
          OR n.result_on < d.deposited_on)""",
    ),
    Rule(
        5, "return_is_posted",
        "A returned presentation has its entry: the payment's amount out of unapplied cash and of the slip's bank "
        "account; its payment is returned, and no other is but of a returned debit.",
        f"""
        SELECT p.id AS payment_id, p.number, p.state, p.amount, n.id AS presentation_id, e.key, l.bank, l.unapplied
        FROM payments_payment p LEFT JOIN payments_chequepresentation n ON n.payment_id = p.id AND n.result = 'returned'
        LEFT JOIN payments_deposit d ON d.id = n.deposit_id LEFT JOIN payments_bankaccount b ON b.id = d.bank_account_id
        LEFT JOIN ledger_journalentry e ON e.id = n.entry_id
        LEFT JOIN office_approvalrequest r ON r.id = n.approval_id
        LEFT JOIN LATERAL (
          SELECT count(*) AS n, sum(l.credit) FILTER (WHERE l.account_id = b.ledger_account_id) AS bank,
            sum(l.debit) FILTER (WHERE a.role = 'unapplied_cash' AND l.party = p.customer_id) AS unapplied
          FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
          WHERE l.entry_id = n.entry_id AND l.currency = p.currency) l ON true
        LEFT JOIN payments_debitreturn x ON x.payment_id = p.id
        WHERE {mine("p.organization_id")} AND (
          (p.state = 'returned') <> (n.id IS NOT NULL OR x.id IS NOT NULL) OR n.id IS NOT NULL AND (
          (l.n, l.bank, l.unapplied) IS DISTINCT FROM (2, p.amount, p.amount)
          OR (e.event, e.key) IS DISTINCT FROM ('payment_returned', 'payment:' || p.number || ':returned')
          OR (r.state, r.action, r.subject) IS DISTINCT FROM ('used', 'return_cheque', 'cheque:' || n.cheque_id)))""",
    ),
    Rule(
        5, "return_entry_has_cheque", "Every entry of a returned payment belongs to one presentation or one debit.",
        f"""
        SELECT e.id AS entry_id, e.key, count(n.entry_id) AS returns
        FROM ledger_journalentry e LEFT JOIN (
          SELECT entry_id FROM payments_chequepresentation WHERE entry_id IS NOT NULL UNION ALL
          SELECT entry_id FROM payments_debitreturn) n ON n.entry_id = e.id
        WHERE e.event = 'payment_returned' AND {mine("e.organization_id")}
        GROUP BY e.id HAVING count(n.entry_id) <> 1""",
    ),
    Rule(
        5, "what_a_return_bills",
        "Fee and recovery of a returned cheque are its customer's invoices; what was refunded of it is billed in full.",
        f"""
        SELECT n.id AS presentation_id, c.number, i.refunded_amount, f.kind AS fee, v.invoiced_amount AS recovery
        FROM payments_chequepresentation n JOIN payments_payment p ON p.id = n.payment_id
        JOIN payments_cheque c ON c.id = n.cheque_id JOIN billing_credititem i ON i.id = p.credit_item_id
        LEFT JOIN billing_invoice f ON f.id = n.fee_invoice_id
        LEFT JOIN billing_invoice v ON v.id = n.recovery_invoice_id
        WHERE {mine("n.organization_id")} AND (
          n.result <> 'returned' AND (f.id IS NOT NULL OR v.id IS NOT NULL)
          OR f.id IS NOT NULL AND (f.kind, f.customer_id) IS DISTINCT FROM ('return_fee', p.customer_id)
          OR v.id IS NOT NULL AND (v.kind, v.customer_id, v.currency)
            IS DISTINCT FROM ('recovery', p.customer_id, p.currency)
          OR n.result = 'returned' AND coalesce(v.invoiced_amount, 0) <> i.refunded_amount)""",
    ),
    Rule(
        11, "cheques_in_hand",
        "The account cheques in hand holds the cheques in hand that are booked, by organization and currency.",
        f"""
        SELECT organization_id, currency, coalesce(b.amount, 0) AS in_books, coalesce(s.amount, 0) AS in_hand
        FROM (SELECT l.organization_id, l.currency, sum(l.debit - l.credit) AS amount
              FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
              WHERE a.role = 'cheques_in_hand' AND {mine("l.organization_id")} GROUP BY 1, 2) b
        FULL JOIN (SELECT c.organization_id, c.currency, sum(c.amount) AS amount
                   FROM payments_cheque c JOIN payments_payment p ON p.id = c.payment_id
                   WHERE c.state = 'due' AND p.state IN ('processed', 'refunded') AND {mine("c.organization_id")}
                   GROUP BY 1, 2) s USING (organization_id, currency)
        WHERE coalesce(b.amount, 0) <> coalesce(s.amount, 0)""",
    ),
    Rule(
        39, "deposit_numbers", "Deposit numbers run without holes, by year; a cancelled slip keeps its number.",
        numbers_have_holes("DEP", "payments_deposit", period=r"\d{4}", digits=8),
    ),
]  # fmt: skip
