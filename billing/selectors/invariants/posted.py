"""The general ledger against the journal: batches, adjustments, exports (R138 to R143)."""

import hashlib
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import InvalidToken

from billing.ledger.models import GlExport
from billing.office.documents import path_of
from billing.office.secrets import decrypt_bytes
from billing.rules.controlled import CONTROLLED
from billing.selectors.books.judging import differing_sql
from billing.selectors.invariants.office import numbers_have_holes
from billing.selectors.proof import Rule, mine

CONTROL_ROLES = ", ".join(f"'{role}'" for role in CONTROLLED)


def exports_altered(organization_id: int | None) -> Sequence[dict[str, Any]]:
    """Exports whose kept file is gone or has other bytes than it was given."""
    rows = GlExport.objects.order_by("pk").values("pk", "number", "content_hash", "stored_as", "size")
    if organization_id is not None:
        rows = rows.filter(organization_id=organization_id)
    found = []
    for row in rows.iterator(chunk_size=500):
        trouble = _trouble_of(row["stored_as"], row["content_hash"], row["size"])
        if trouble:
            found.append({"export_id": row["pk"], "number": row["number"], "trouble": trouble})
    return found


def _trouble_of(stored_as: str, digest: str, size: int) -> str:
    try:
        data = decrypt_bytes(path_of(stored_as).read_bytes())
    except (OSError, InvalidToken) as trouble:
        return type(trouble).__name__
    same = hashlib.sha256(data).hexdigest() == digest and len(data) == size
    return "" if same else "other bytes"


RULES = [
    Rule(
        5, "gl_has_every_entry",
        "What was in the journal when it was last posted is in one batch, of its day, currency and organization.",
        f"""
        SELECT e.id AS entry_id, e.key, e.entry_date, b.number AS batch, b.day
        FROM ledger_journalentry e LEFT JOIN ledger_glbatchentry m ON m.entry_id = e.id
        LEFT JOIN ledger_glbatch b ON b.id = m.batch_id
        LEFT JOIN ledger_glmark k ON k.organization_id = e.organization_id
        WHERE {mine("e.organization_id")} AND CASE WHEN m.id IS NULL
          THEN e.entry_date <= k.as_of AND e.posted_at < k.run_at - interval '1 hour'
          ELSE (b.day, b.organization_id, m.organization_id)
            IS DISTINCT FROM (e.entry_date, e.organization_id, e.organization_id)
            OR EXISTS (SELECT FROM ledger_journalline l WHERE l.entry_id = e.id AND l.currency <> b.currency) END""",
    ),
    Rule(
        5, "gl_entry_once", "No entry is in two batches, and none of a batch is gone.",
        f"""
        SELECT m.entry_id, count(*) AS batches FROM ledger_glbatchentry m
        LEFT JOIN ledger_journalentry e ON e.id = m.entry_id
        WHERE {mine("m.organization_id")} GROUP BY m.entry_id HAVING count(*) <> 1 OR count(e.id) = 0""",
    ),
    Rule(
        6, "gl_batch_balances", "A posted batch balances and has its moment; a suspended one has neither but a reason.",
        f"""
        SELECT id AS batch_id, number, state, trouble, debit_amount, credit_amount, posted_at FROM ledger_glbatch
        WHERE {mine("organization_id")} AND CASE state
          WHEN 'posted' THEN debit_amount <> credit_amount OR posted_at IS NULL OR trouble <> ''
          ELSE posted_at IS NOT NULL OR trouble = '' END""",
    ),
    Rule(
        16, "gl_batch_is_its_lines", "A posted batch has the sums, the counts and the hash of its lines.",
        differing_sql(mine("b.organization_id")),
    ),
    Rule(
        5, "adjustment_is_posted", "A posted adjustment has its entry, line by line; what it takes back is mirrored.",
        f"""
        SELECT d.id AS adjustment_id, d.number, d.state, e.key, r.entry_id AS reversed_entry, e.reverses_id
        FROM ledger_adjustmententry d LEFT JOIN ledger_journalentry e ON e.id = d.entry_id
        LEFT JOIN ledger_adjustmententry r ON r.id = d.reverses_id
        WHERE {mine("d.organization_id")} AND CASE WHEN d.state <> 'posted' THEN d.entry_id IS NOT NULL ELSE
          (e.key, e.event, e.entry_date, e.organization_id, e.reverses_id) IS DISTINCT FROM (
            'adjustment:' || d.number, CASE WHEN d.reverses_id IS NULL THEN 'adjusted' ELSE 'adjusted_reversed' END,
            d.entry_date, d.organization_id, r.entry_id)
          OR d.amount IS DISTINCT FROM (SELECT sum(l.debit) FROM ledger_adjustmentline l WHERE l.adjustment_id = d.id)
          OR EXISTS (
            SELECT FROM (SELECT account_id, debit, credit, department, project, d.currency, 1 AS n
              FROM ledger_adjustmentline WHERE adjustment_id = d.id
              UNION ALL SELECT account_id, debit, credit, department, project, currency, -1
              FROM ledger_journalline WHERE entry_id = d.entry_id) q
            GROUP BY account_id, debit, credit, department, project, currency HAVING sum(n) <> 0) END""",
    ),
    Rule(
        5, "adjusted_entry_has_document", "Every entry of an adjustment has exactly one document.",
        f"""
        SELECT e.id AS entry_id, e.key, count(d.id) AS documents FROM ledger_journalentry e
        LEFT JOIN ledger_adjustmententry d ON d.entry_id = e.id
        WHERE e.event IN ('adjusted', 'adjusted_reversed') AND {mine("e.organization_id")}
        GROUP BY e.id HAVING count(d.id) <> 1""",
    ),
    Rule(
        8, "adjustment_leaves_control_accounts", "No adjustment touches an account that documents keep.",
        f"""
        SELECT d.id AS adjustment_id, d.number, a.code, a.role FROM ledger_adjustmententry d
        JOIN ledger_journalline l ON l.entry_id = d.entry_id JOIN ledger_ledgeraccount a ON a.id = l.account_id
        WHERE {mine("d.organization_id")} AND a.role IN ({CONTROL_ROLES})""",
    ),
    Rule(
        37, "adjustment_is_agreed", "What is posted was approved by another person than who made it.",
        f"""
        SELECT d.id AS adjustment_id, d.number, r.action, r.state AS approval, r.decided_by_id
        FROM ledger_adjustmententry d LEFT JOIN office_approvalrequest r ON r.id = d.approval_id
        WHERE {mine("d.organization_id")} AND d.state = 'posted' AND (
          (r.action, r.state, r.subject) IS DISTINCT FROM ('adjust_ledger', 'used', 'adjustment:' || d.id)
          OR r.decided_by_id IS NOT DISTINCT FROM d.made_by_id)""",
    ),
    Rule(
        16, "gl_export_is_its_file", "The kept file of every export has the bytes that it was given, by its hash.",
        ask=exports_altered,
    ),
    Rule(
        16, "gl_export_balances", "Every export balances in each currency; what it supersedes is of the same days.",
        f"""
        SELECT x.id AS export_id, x.number, x.totals FROM ledger_glexport x
        LEFT JOIN ledger_glexport s ON s.id = x.supersedes_id
        WHERE {mine("x.organization_id")} AND (EXISTS (
            SELECT FROM jsonb_each(x.totals) t WHERE t.value->>'debit' IS DISTINCT FROM t.value->>'credit')
          OR s.id IS NOT NULL AND (s.organization_id, s.layout, s.first_on, s.last_on)
            IS DISTINCT FROM (x.organization_id, x.layout, x.first_on, x.last_on))""",
    ),
    Rule(
        39, "gl_batch_numbers_have_no_holes", "GL batches are numbered without holes in each year.",
        numbers_have_holes("GLB", "ledger_glbatch", period=r"\d{4}", digits=6),
    ),
    Rule(
        39, "adjustment_numbers_have_no_holes", "Adjustments are numbered without holes in each year.",
        numbers_have_holes("ADJ", "ledger_adjustmententry", period=r"\d{4}", digits=6),
    ),
    Rule(
        39, "gl_export_numbers_have_no_holes", "GL exports are numbered without holes in each year.",
        numbers_have_holes("GLX", "ledger_glexport", period=r"\d{4}", digits=6),
    ),
]  # fmt: skip
