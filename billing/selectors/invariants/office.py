"""Approvals, number series and the audit trail (invariants 3, 37, 39, 42, 46)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.db import connection

from billing.office.approvals import fingerprint
from billing.office.models import ApprovalRequest
from billing.selectors.invariants.filled import filled
from billing.selectors.proof import Rule, mine

APPEND_ONLY = (
    "office_auditentry", "office_auditseal", "office_policysetting", "office_keptdocument", "ledger_journalentry",
    "ledger_journalline", "billing_allocation", "billing_invoiceline", "billing_creditmemo", "billing_creditholdevent",
    "billing_payerrecord", "billing_promisetopay", "billing_taxrate", "billing_planprice", "billing_agreementterms",
    "billing_agreementchange", "billing_attendance", "billing_lessoncredituse", "billing_packageuse",
    "billing_policyloanbill", "billing_dunningstep", "billing_latefee", "billing_debtplanpart",
    "billing_debtplan_invoices", "billing_collectionnote", "billing_collectioncase_invoices", "ledger_glbatchentry",
    "ledger_adjustmentline", "ledger_glexport", "billing_planrequest_invoices", "office_noticeevent",
    "office_wording",
)  # fmt: skip
FROZEN = (
    "office_approvalrequest", "office_membership", "office_numberseries", "ledger_journalseries", "ledger_period",
    "billing_invoice", "billing_credititem", "billing_credittransfer", "billing_agreement", "billing_agreementpayer",
    "billing_agreementdiscount", "billing_agreementpause", "billing_scheduleregeneration", "billing_charge",
    "billing_billingrun", "billing_lessoncredit", "billing_insurancepolicy", "billing_policyloan",
    "billing_dunningcase", "billing_dunningpause", "billing_debtplan", "billing_collectioncase", "billing_payoutbatch",
    "billing_payout", "billing_earning", "ledger_glbatch", "ledger_adjustmententry", "billing_invitation",
    "billing_paylink", "billing_planrequest", "office_accountlink", "office_deadaddress", "office_signin",
)  # fmt: skip
# What tables have besides: table → names of triggers.
BESIDES = {
    "billing_agreement": "package_adds_up package_adds_up_new",
    "billing_allocation": "adds_up undo_mirrors",
    "billing_billingrunitem": "frozen run_item_stays",
    "billing_credititem": "adds_up adds_up_new moved_adds_up moved_adds_up_new refunded_adds_up",
    "billing_credittransfer": "moved_adds_up",
    "billing_installment": "billed_stays never_deleted never_deleted_whole",
    "billing_invoice": "adds_up adds_up_new lines_add_up",
    "billing_lessoncredit": "used_adds_up used_adds_up_new",
    "billing_lessoncredituse": "used_adds_up",
    "billing_packageuse": "package_adds_up",
    "ledger_glbatch": "gl_posted_stays",
    "ledger_glbatchentry": "gl_member_joins_now",
    "ledger_journalentry": "entry_balances period_is_open reversal_mirrors",
    "ledger_journalline": "line_balances line_joins_now",
    "office_accountlink": "forgets",
    "office_auditseal": "seal",
    "office_signin": "forgets",
}


def guards_missing(
    append_only: Sequence[str], frozen: Sequence[str], besides: Mapping[str, str] = MappingProxyType({})
) -> str:
    """SQL: tables whose guard against change is gone or switched off. besides: table → names of further triggers."""
    wanted = [(table, name) for table in append_only for name in ("append_only", "append_only_whole")]
    wanted += [(table, name) for table in frozen for name in ("frozen", "frozen_whole")]
    wanted += [(table, name) for table, names in besides.items() for name in names.split()]
    values = ", ".join(f"('{table}', '{name}')" for table, name in wanted)
    return f"""
    SELECT w.guarded, w.guard, t.tgenabled::text AS enabled FROM (VALUES {values}) w (guarded, guard)
    LEFT JOIN pg_trigger t ON t.tgrelid = to_regclass(w.guarded) AND t.tgname = w.guard
    WHERE t.tgenabled IS DISTINCT FROM 'O' AND t.tgenabled IS DISTINCT FROM 'A'"""


def numbers_have_holes(series: str, table: str, *, period: str, digits: int, only_ours: bool = False) -> str:
    """SQL: periods of a series whose numbers in `table` do not run from 1 to the counter.

    period: of the number, as a pattern. only_ours: numbers of another form came from elsewhere and are passed over.
    """
    form = rf"^{series}-({period})-(\d{{{digits},}})$"
    strange = "" if only_ours else "OR n.period IS NULL"
    return f"""
    SELECT coalesce(n.organization_id, s.organization_id) AS organization_id, coalesce(n.period, s.period) AS period,
      coalesce(n.n, 0) AS numbers, n.first, n.last, s.last AS counter
    FROM (SELECT organization_id, substring(number from '{form}') AS period, count(*) AS n,
            min(regexp_substr(number, '\\d+$')::bigint) AS first, max(regexp_substr(number, '\\d+$')::bigint) AS last
          FROM {table} WHERE {mine("organization_id")} {f"AND number ~ '{form}'" if only_ours else ""} GROUP BY 1, 2) n
    FULL JOIN (SELECT organization_id, period, last FROM office_numberseries
               WHERE series = '{series}' AND last > 0 AND {mine("organization_id")}) s
      ON s.organization_id = n.organization_id AND s.period = n.period
    WHERE n.n IS DISTINCT FROM s.last OR n.last IS DISTINCT FROM s.last OR n.first <> 1 {strange}"""


def approvals_altered(organization_id: int | None) -> Sequence[dict[str, Any]]:
    """Requests whose facts no longer have the fingerprint that was approved."""
    rows = ApprovalRequest.objects.order_by("pk").values("pk", "subject", "shown", "shown_hash")
    if organization_id is not None:
        rows = rows.filter(organization_id=organization_id)
    return [
        {"approval_id": row["pk"], "subject": row["subject"]}
        for row in rows.iterator(chunk_size=2000)
        if fingerprint(row["shown"]) != row["shown_hash"]
    ]


def trail_differs() -> str:
    """SQL: rows of audited tables that are not what their audit rows, put together, say.

    The tables and what is kept out of their trail are read off the audit triggers, so a new table is in by itself.
    Permission grants are written by migrations before there is a trail.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, encode(tgargs, 'escape') FROM pg_trigger"
            " WHERE tgname = 'audit_insert' AND tgrelid <> to_regclass('office_grant') ORDER BY 1"
        )
        audited = cursor.fetchall()
    there = filled((table for table, _args in audited), or_audited=True)
    return " UNION ALL ".join(
        _trail_of(table, [a for a in args.split("\\000") if a]) for table, args in audited if table in there
    )


def _trail_of(table: str, secret: Sequence[str]) -> str:
    keys = "ARRAY[" + ", ".join(f"'{name}'" for name in secret) + "]::text[]"
    return f"""
    SELECT '{table}' AS of_table, coalesce(t.id, i.row_id) AS row_id,
      CASE WHEN t.id IS NULL THEN 'row is gone' WHEN i.row_id IS NULL THEN 'row was never written down'
           ELSE 'row differs' END AS what
    FROM (SELECT id, to_jsonb(r) - {keys} AS now FROM {table} r) t
    FULL JOIN (
      SELECT i.row_id, i.after || coalesce(u.after, '{{}}') AS told FROM office_auditentry i
      LEFT JOIN (SELECT e.row_id, jsonb_object_agg(f.key, f.value ORDER BY e.id) - {keys} AS after
                 FROM office_auditentry e CROSS JOIN LATERAL jsonb_each(e.after) f
                 WHERE e.table_name = '{table}' AND e.operation = 'update' GROUP BY 1) u ON u.row_id = i.row_id
      WHERE i.table_name = '{table}' AND i.operation = 'insert' AND NOT EXISTS (
        SELECT 1 FROM office_auditentry d
        WHERE d.table_name = '{table}' AND d.row_id = i.row_id AND d.operation = 'delete')) i ON i.row_id = t.id
    WHERE (t.now IS DISTINCT FROM i.told AND (t.now IS NULL OR i.told IS NULL OR i.told IS DISTINCT FROM
        (SELECT jsonb_object_agg(key, value) FROM jsonb_each(t.now) WHERE i.told ? key)))
      AND ({mine("(coalesce(t.now, i.told)->>'organization_id')::bigint")})"""


RULES = [
    Rule(
        3, "guards_in_place", "What must not change is guarded against change, in the database itself.",
        guards_missing(APPEND_ONLY, FROZEN, BESIDES),
    ),
    Rule(
        37, "maker_is_not_checker", "Nobody decides on what they asked for themselves, nor without a right to decide.",
        f"""
        SELECT r.id AS approval_id, r.subject, r.state, r.requested_by_id, r.decided_by_id FROM office_approvalrequest r
        WHERE {mine("r.organization_id")} AND (
          r.requested_by_id = r.decided_by_id
          OR r.state IN ('approved', 'used', 'rejected') AND (r.decided_at IS NULL OR NOT EXISTS (
            SELECT 1 FROM office_membership m JOIN office_grant g ON g.role = m.role
            WHERE m.user_id = r.decided_by_id AND m.organization_id = r.organization_id AND g.action = r.action
              AND g.mode = 'check' AND (m.withdrawn_at IS NULL OR m.withdrawn_at > r.decided_at)))
          OR r.state = 'used' AND (r.used_at IS NULL OR r.used_at > r.expires_at))""",
    ),
    Rule(37, "approved_is_what_was_shown", "The facts of a request are those its fingerprint was taken of.",
         ask=approvals_altered),
    Rule(
        39, "invoice_numbers", "Our invoice numbers run without holes, by year.",
        numbers_have_holes("INV", "billing_invoice", period=r"\d{4}", digits=8, only_ours=True),
    ),
    Rule(
        39, "credit_memo_numbers", "Credit memo numbers run without holes, by year.",
        numbers_have_holes("CM", "billing_creditmemo", period=r"\d{4}", digits=8),
    ),
    Rule(
        46, "audit_chain", "Every block of the audit trail is whole and follows the one before it.",
        """
        SELECT s.id AS seal_id, s.position, s.sealed_at, s.row_count, coalesce(b.n, 0) AS rows_there
        FROM (SELECT *, lag(digest) OVER w AS head, row_number() OVER w AS place FROM office_auditseal
              WHERE position IS NOT NULL WINDOW w AS (ORDER BY position)) s
        LEFT JOIN (SELECT seal_id, count(*) AS n,
            string_agg(coalesce(e.blotted, sha256(convert_to(office_audit_text(e), 'UTF8'))), ''::bytea
              ORDER BY e.id) AS body
          FROM office_auditentry e GROUP BY seal_id) b ON b.seal_id = s.id
        WHERE s.position <> s.place OR s.previous IS DISTINCT FROM s.head
          OR s.row_count IS DISTINCT FROM coalesce(b.n, 0)
          OR s.digest IS DISTINCT FROM sha256(coalesce(s.head, ''::bytea) || coalesce(b.body, ''::bytea))
        UNION ALL
        SELECT id, position, sealed_at, row_count, NULL FROM office_auditseal
        WHERE position IS NULL AND xid IS DISTINCT FROM pg_current_xact_id_if_assigned()::text""",
    ),
    Rule(46, "trail_tells_the_rows", "Every row is what its audit trail says it became.", trail_differs),
]  # fmt: skip
