"""Bank lines come in once and are explained by what they are; suspense line by line (invariants 43, 45)."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from billing.selectors.invariants.office import guards_missing
from billing.selectors.proof import Rule, mine
from payments.models import BankAccount
from reconciliation.selectors.bank_position import position_of

FROZEN = (
    "reconciliation_bankfile", "reconciliation_bankstatement", "reconciliation_statementline", "reconciliation_match",
    "reconciliation_bankreconciliation", "reconciliation_variance",
)  # fmt: skip
BESIDES = {"reconciliation_match": "adds_up signed_stays", "reconciliation_statementline": "adds_up"}
SIGNED = "CASE l.direction WHEN 'in' THEN m.amount ELSE -m.amount END"


def not_taken_apart(organization_id: int | None) -> Sequence[dict[str, Any]]:
    """Bank accounts whose balance is not the books' and the items between them, as of all there is."""
    rows = BankAccount.objects.order_by("pk")
    rows = rows.filter(organization_id=organization_id) if organization_id is not None else rows
    found = ((account, position_of(account, date.max)) for account in rows)
    return [
        {"bank_account_id": account.pk, "bank": one.bank, "books": one.books, "rest": one.rest}
        for account, one in found if one.rest
    ]  # fmt: skip


RULES = [
    Rule(
        3, "bank_guards_in_place", "What banks said and what was signed is guarded against change.",
        guards_missing((), FROZEN, BESIDES),
    ),
    Rule(
        43, "line_of_its_statement", "A bank line belongs to the account, kind and currency of its statement.",
        f"""
        SELECT l.id AS statement_line_id, l.statement_id, l.withdrawn, f.state
        FROM reconciliation_statementline l JOIN reconciliation_bankstatement s ON s.id = l.statement_id
        JOIN reconciliation_bankfile f ON f.id = s.bank_file_id
        WHERE {mine("l.organization_id")} AND (l.bank_account_id <> s.bank_account_id OR l.kind <> s.kind
          OR l.withdrawn <> s.withdrawn OR s.withdrawn <> (f.state = 'undone'))""",
    ),
    Rule(
        43, "statement_adds_up", "Opening balance and lines make the closing balance of a statement that says so.",
        f"""
        SELECT s.id AS bank_statement_id, s.opening, s.total_in, s.total_out, s.closing
        FROM reconciliation_bankstatement s
        LEFT JOIN (SELECT statement_id, coalesce(sum(amount) FILTER (WHERE direction = 'in'), 0) AS came,
                     coalesce(sum(amount) FILTER (WHERE direction = 'out'), 0) AS went
                   FROM reconciliation_statementline GROUP BY statement_id) l ON l.statement_id = s.id
        WHERE {mine("s.organization_id")} AND s.ties
          AND (s.opening + s.total_in - s.total_out <> s.closing OR l.came > s.total_in OR l.went > s.total_out)""",
    ),
    Rule(
        43, "statement_follows", "A statement opens with what the bank's last one before it, and lines since, make.",
        f"""
        SELECT s.id AS bank_statement_id, s.opening, p.closing, p.since
        FROM reconciliation_bankstatement s JOIN reconciliation_bankfile f ON f.id = s.bank_file_id
        JOIN LATERAL (
          SELECT p.closing_on, p.closing, coalesce((
              SELECT sum(CASE l.direction WHEN 'in' THEN l.amount ELSE -l.amount END)
              FROM reconciliation_statementline l WHERE l.bank_account_id = s.bank_account_id AND l.kind = 'statement'
                AND NOT l.withdrawn AND l.booked_on > p.closing_on AND l.booked_on < s.first_on), 0) AS since
          FROM reconciliation_bankstatement p WHERE p.bank_account_id = s.bank_account_id AND p.kind = 'statement'
            AND NOT p.withdrawn AND p.closing IS NOT NULL AND p.closing_on < s.first_on AND p.id < s.id
          ORDER BY p.closing_on DESC, p.id DESC LIMIT 1) p ON true
        WHERE {mine("s.organization_id")} AND s.kind = 'statement' AND NOT s.withdrawn AND NOT s.is_flagged
          AND s.opening IS NOT NULL AND s.opening <> p.closing + p.since AND s.opening <> p.closing
          AND NOT f.wishes ? 'gap'
          AND NOT EXISTS (SELECT FROM reconciliation_bankstatement w WHERE w.bank_account_id = s.bank_account_id
            AND w.withdrawn AND w.last_on >= p.closing_on AND w.first_on <= s.first_on)
          AND NOT EXISTS (SELECT FROM reconciliation_bankstatement o WHERE o.bank_account_id = s.bank_account_id
            AND o.kind = 'statement' AND NOT o.withdrawn AND o.id <> s.id
            AND (o.closing_on = p.closing_on AND o.closing = s.opening
                 OR o.first_on <= s.first_on AND o.last_on >= s.first_on))""",
    ),
    Rule(
        43, "line_feeds_its_amount", "A bank line is explained by at most its amount, as its matches say.",
        f"""
        SELECT l.id AS statement_line_id, l.amount, l.matched_amount, coalesce(m.explained, 0) AS explained
        FROM reconciliation_statementline l LEFT JOIN (SELECT line_id, sum(amount) AS explained
          FROM reconciliation_match WHERE undone_at IS NULL GROUP BY line_id) m ON m.line_id = l.id
        WHERE {mine("l.organization_id")} AND (l.matched_amount <> coalesce(m.explained, 0)
          OR coalesce(m.explained, 0) > l.amount OR l.withdrawn AND m.explained > 0)""",
    ),
    Rule(
        43, "match_is_its_payment", "A bank line matched to a payment is money in, of its amount, payer and currency.",
        f"""
        SELECT m.id AS match_id, m.payment_id, m.amount, p.amount AS paid
        FROM reconciliation_match m JOIN reconciliation_statementline l ON l.id = m.line_id
        JOIN payments_payment p ON p.id = m.payment_id
        WHERE {mine("m.organization_id")} AND m.kind = 'payment' AND (m.amount <> p.amount OR l.direction <> 'in'
          OR p.currency <> l.currency OR m.customer_id IS DISTINCT FROM p.customer_id)""",
    ),
    Rule(
        43, "match_posts_its_amount",
        "What a match booked, or is matched to, moves the bank's ledger account by its amount.",
        f"""
        SELECT m.id AS match_id, m.entry_id, {SIGNED} AS explained, j.booked, m.undo_entry_id
        FROM reconciliation_match m JOIN reconciliation_statementline l ON l.id = m.line_id
        JOIN payments_bankaccount b ON b.id = l.bank_account_id
        LEFT JOIN LATERAL (SELECT sum(j.debit - j.credit) AS booked FROM ledger_journalline j
          WHERE j.entry_id = m.entry_id AND j.account_id = b.ledger_account_id) j ON true
        LEFT JOIN ledger_journalentry u ON u.id = m.undo_entry_id
        WHERE {mine("m.organization_id")} AND m.entry_id IS NOT NULL AND (j.booked IS DISTINCT FROM {SIGNED}
          OR (m.undone_at IS NOT NULL AND m.kind <> 'entry') <> (u.id IS NOT NULL)
          OR u.reverses_id <> m.entry_id)""",
    ),
    Rule(
        43, "matched_is_reconciled", "A payment whose bank line is matched is reconciled, if it was in the books then.",
        f"""
        SELECT m.id AS match_id, m.payment_id, p.state
        FROM reconciliation_match m JOIN payments_payment p ON p.id = m.payment_id
        WHERE {mine("m.organization_id")} AND m.kind = 'payment' AND m.undone_at IS NULL
          AND p.state IN ('processed', 'refunded', 'returned') AND p.processed_at <= m.made_at
          AND NOT EXISTS (SELECT FROM payments_paymentreconciliation r
            WHERE r.payment_id = p.id AND r.opened_at IS NULL)""",
    ),
    Rule(
        43, "suspense_line_by_line", "The balance of suspense is the bank lines held in it, one by one.",
        f"""
        SELECT organization_id, currency, sum(booked) AS booked, sum(held) AS held FROM (
          SELECT j.organization_id, j.currency, j.credit - j.debit AS booked, 0 AS held
          FROM ledger_journalline j JOIN ledger_ledgeraccount a ON a.id = j.account_id
          WHERE a.role = 'suspense' AND {mine("j.organization_id")}
          UNION ALL
          SELECT m.organization_id, l.currency, 0, {SIGNED}
          FROM reconciliation_match m JOIN reconciliation_statementline l ON l.id = m.line_id
          WHERE m.kind = 'suspense' AND m.undone_at IS NULL AND {mine("m.organization_id")}) s
        GROUP BY organization_id, currency HAVING sum(booked) <> sum(held)""",
    ),
    Rule(
        43, "bank_taken_apart", "Each bank's balance is the books' and the items between them, without a rest.",
        ask=not_taken_apart,
    ),
    Rule(
        45, "bank_work_same_organization", "Bank lines, their matches and reconciliations are of their account's.",
        f"""
        SELECT 'line' AS what, l.id AS row_id FROM reconciliation_statementline l
        JOIN payments_bankaccount b ON b.id = l.bank_account_id
        WHERE {mine("l.organization_id")} AND l.organization_id <> b.organization_id
        UNION ALL SELECT 'match', m.id FROM reconciliation_match m
        JOIN reconciliation_statementline l ON l.id = m.line_id LEFT JOIN payments_payment p ON p.id = m.payment_id
        WHERE {mine("m.organization_id")}
          AND (m.organization_id <> l.organization_id OR m.organization_id <> p.organization_id)
        UNION ALL SELECT 'reconciliation', r.id FROM reconciliation_bankreconciliation r
        JOIN payments_bankaccount b ON b.id = r.bank_account_id
        WHERE {mine("r.organization_id")} AND r.organization_id <> b.organization_id
        UNION ALL SELECT 'variance', v.id FROM reconciliation_variance v
        JOIN payments_bankaccount b ON b.id = v.bank_account_id
        WHERE {mine("v.organization_id")} AND v.organization_id <> b.organization_id""",
    ),
]  # fmt: skip
