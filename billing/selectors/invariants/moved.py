"""Moved money against its entries, its two credit items and its approval (R127, invariants 16, 18)."""

from billing.selectors.invariants.office import numbers_have_holes
from billing.selectors.proof import Rule, mine

SIDES = """
SELECT l.entry_id, l.currency, l.party, sum(l.debit - l.credit) AS amount
FROM ledger_journalline l JOIN ledger_ledgeraccount a ON a.id = l.account_id
WHERE a.role = 'unapplied_cash' GROUP BY 1, 2, 3"""

RULES = [
    Rule(
        5, "transfer_is_posted", "Moved money has its entry, from one customer's unapplied cash to the other's.",
        f"""
        SELECT t.id AS transfer_id, t.number, t.amount, e.key, d.amount AS taken, c.amount AS given
        FROM billing_credittransfer t JOIN billing_credititem f ON f.id = t.from_item_id
        JOIN billing_credititem i ON i.id = t.to_item_id
        LEFT JOIN ledger_journalentry e ON e.id = t.entry_id
        LEFT JOIN ({SIDES}) d ON d.entry_id = t.entry_id AND d.party = f.customer_id AND d.currency = t.currency
        LEFT JOIN ({SIDES}) c ON c.entry_id = t.entry_id AND c.party = i.customer_id AND c.currency = t.currency
        WHERE {mine("t.organization_id")} AND (e.event IS DISTINCT FROM 'credit_moved'
          OR e.key <> 'transfer:' || t.number || ':moved'
          OR (d.amount, c.amount) IS DISTINCT FROM (t.amount, -t.amount))""",
    ),
    Rule(
        5, "moved_entry_has_transfer", "Every entry that moves money, or fetches it back, has exactly one transfer.",
        f"""
        SELECT e.id AS entry_id, e.key, count(t.id) AS transfers FROM ledger_journalentry e
        LEFT JOIN billing_credittransfer t ON e.id IN (t.entry_id, t.undo_entry_id)
        WHERE e.event IN ('credit_moved', 'credit_moved_reversed') AND {mine("e.organization_id")}
        GROUP BY e.id HAVING count(t.id) <> 1""",
    ),
    Rule(
        13, "transfer_undo_mirrors", "Moved money that was taken back has a mirror entry and an emptied item.",
        f"""
        SELECT t.id AS transfer_id, t.number, t.undone_on, i.reversed_on, u.reverses_id
        FROM billing_credittransfer t JOIN billing_credititem i ON i.id = t.to_item_id
        LEFT JOIN ledger_journalentry u ON u.id = t.undo_entry_id
        WHERE {mine("t.organization_id")} AND ((t.undone_on IS NULL) <> (i.reversed_on IS NULL)
          OR (t.undone_on IS NULL) <> (t.undo_entry_id IS NULL)
          OR u.id IS NOT NULL AND u.reverses_id IS DISTINCT FROM t.entry_id)""",
    ),
    Rule(
        16, "moved_is_transferred", "What a credit item moved away is the sum of its standing transfers.",
        f"""
        SELECT c.id AS credit_item_id, c.number, c.moved_amount, coalesce(t.amount, 0) AS transferred
        FROM billing_credititem c LEFT JOIN (SELECT from_item_id, sum(amount) AS amount FROM billing_credittransfer
          WHERE undone_on IS NULL GROUP BY 1) t ON t.from_item_id = c.id
        WHERE {mine("c.organization_id")} AND c.moved_amount <> coalesce(t.amount, 0)""",
    ),
    Rule(
        18, "transfer_joins_two_customers",
        "Moved money joins two customers' items of one currency; the new one has its number and amount.",
        f"""
        SELECT t.id AS transfer_id, t.number, f.customer_id AS from_customer, i.customer_id AS to_customer, i.amount
        FROM billing_credittransfer t JOIN billing_credititem f ON f.id = t.from_item_id
        JOIN billing_credititem i ON i.id = t.to_item_id
        WHERE {mine("t.organization_id")} AND (f.customer_id = i.customer_id OR f.kind = 'credit_memo'
          OR (f.currency, i.currency, i.amount, i.number, i.kind)
            IS DISTINCT FROM (t.currency, t.currency, t.amount, t.number, 'transfer'))""",
    ),
    Rule(
        37, "transfer_is_agreed", "Moved money has the customer's consent, and an approval that was used for it.",
        f"""
        SELECT t.id AS transfer_id, t.number, t.consent, r.state, r.action, r.amount AS approved
        FROM billing_credittransfer t LEFT JOIN office_approvalrequest r ON r.id = t.approval_id
        WHERE {mine("t.organization_id")} AND (btrim(t.consent) = '' OR r.state IS DISTINCT FROM 'used'
          OR r.action <> 'reallocate_to_other' OR r.subject <> 'credit:' || t.from_item_id
          OR (r.amount, r.currency, r.shown ->> 'consent') IS DISTINCT FROM (t.amount, t.currency, t.consent))""",
    ),
    Rule(
        39, "transfer_numbers", "Numbers of moved money run without holes, by year.",
        numbers_have_holes("TRF", "billing_credittransfer", period=r"\d{4}", digits=8),
    ),
]  # fmt: skip
