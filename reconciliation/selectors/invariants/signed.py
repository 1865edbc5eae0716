"""What was reconciled and signed stays, and changes only through what was opened (invariant 44)."""

from collections.abc import Sequence
from typing import Any

from billing.selectors.proof import Rule, mine
from reconciliation.models import BankReconciliation
from reconciliation.selectors.frozen_content import digest_of

NEWEST = 200


def altered(organization_id: int | None) -> Sequence[dict[str, Any]]:
    """The newest reconciliations whose lists or figures are no longer those that were shown and signed."""
    rows = BankReconciliation.objects.select_related("approval").order_by("-pk")
    rows = rows.filter(organization_id=organization_id) if organization_id is not None else rows
    return [
        {"bank_reconciliation_id": row.pk, "bank_account": row.bank_account_id, "closing_on": row.closing_on}
        for row in rows[:NEWEST] if _differs(row)
    ]  # fmt: skip


def _differs(row: BankReconciliation) -> bool:
    figures = row.content["figures"]
    said = (
        row.closing_on.isoformat(),
        *(f"{x:.2f}" for x in (row.statement_balance, row.book_balance, row.difference)),
    )
    frozen = (row.content["closing_on"], figures["bank"], figures["books"], figures["difference"])
    shown = row.approval.shown.get("content_hash") if row.approval else row.digest
    return not digest_of(row.content) == row.digest == shown or said != frozen


RULES = [
    Rule(
        44, "match_opened_by_unmatching",
        "A reconciled payment was opened without an approval only because its bank line was unmatched then, by them.",
        f"""
        SELECT r.id AS reconciliation_id, r.payment_id, r.opened_at
        FROM payments_paymentreconciliation r
        WHERE {mine("r.organization_id")} AND r.opened_at IS NOT NULL AND r.open_approval_id IS NULL
          AND NOT EXISTS (SELECT FROM reconciliation_match m
            LEFT JOIN payments_chequepresentation c ON c.deposit_id = m.deposit_id
            WHERE (m.kind = 'payment' AND m.payment_id = r.payment_id
                   OR m.kind = 'deposit' AND c.payment_id = r.payment_id)
              AND m.undone_at = r.opened_at AND m.undone_by_id IS NOT DISTINCT FROM r.opened_by_id)""",
    ),
    Rule(
        44, "signed_matches_stand", "Matches in a signed reconciliation stand.",
        f"""
        SELECT m.id AS match_id, r.id AS bank_reconciliation_id, m.undone_at, r.signed_at
        FROM reconciliation_bankreconciliation r
        JOIN reconciliation_statementline l ON l.bank_account_id = r.bank_account_id AND l.booked_on <= r.closing_on
        JOIN reconciliation_match m ON m.line_id = l.id AND m.id <= r.last_match
        WHERE {mine("r.organization_id")} AND r.state = 'signed' AND m.undone_at > r.signed_at""",
    ),
    Rule(
        44, "signed_by_another_person",
        "A reconciliation is signed on a spent approval, by another than who prepared it or matched lines in it.",
        f"""
        SELECT r.id AS bank_reconciliation_id, r.prepared_by_id, r.signed_by_id, a.state AS approval
        FROM reconciliation_bankreconciliation r LEFT JOIN office_approvalrequest a ON a.id = r.approval_id
        WHERE {mine("r.organization_id")} AND r.state IN ('signed', 'opened') AND (a.state IS DISTINCT FROM 'used'
          OR a.action <> 'sign_off_reconciliation' OR a.subject <> 'reconciliation:' || r.id
          OR a.requested_by_id <> r.prepared_by_id OR a.decided_by_id IS DISTINCT FROM r.signed_by_id
          OR r.signed_by_id = r.prepared_by_id OR EXISTS (
            SELECT FROM jsonb_array_elements(r.content->'matchers') p WHERE (p->>0)::bigint = r.signed_by_id))""",
    ),
    Rule(
        44, "opened_by_the_finance_manager", "A signed reconciliation was opened on a spent approval with a reason.",
        f"""
        SELECT r.id AS bank_reconciliation_id, r.opened_at, a.state AS approval
        FROM reconciliation_bankreconciliation r LEFT JOIN office_approvalrequest a ON a.id = r.open_approval_id
        WHERE {mine("r.organization_id")} AND r.state = 'opened' AND (a.state IS DISTINCT FROM 'used'
          OR a.action <> 'sign_off_reconciliation' OR a.subject <> 'reconciliation:' || r.id || ':open'
          OR a.decided_by_id = r.opened_by_id)""",
    ),
    Rule(44, "reconciliation_is_what_was_signed", "A reconciliation still says what was signed.", ask=altered),
]  # fmt: skip
