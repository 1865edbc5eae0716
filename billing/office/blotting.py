"""Taking personal data out of the audit trail without breaking its chain.

# Note [How a sealed row is blotted]
A seal covers the SHA-256 of each of its rows. A row that must lose what it says about a person keeps that digest in
`blotted`; the chain is checked over it from then on, so everything else stays proven, and nobody can put other words
in the place of the ones erased. The database lets a row change in this way only: values become ERASED, who and from
where become anonymous, and the digest is of the row as it was sealed.
"""

from collections.abc import Sequence

from django.db import connection

from billing.transactions import transaction_required

ERASED = "(erased)"

BLOT = """
UPDATE office_auditentry e SET
  blotted = coalesce(e.blotted, sha256(convert_to(office_audit_text(e), 'UTF8'))),
  before = office_blot(e.before, %(keys)s, t.now), after = office_blot(e.after, %(keys)s, t.now)
FROM (SELECT id, to_jsonb(r) AS now FROM {table} r WHERE id = ANY(%(rows)s)) t
WHERE e.table_name = %(table)s AND e.row_id = t.id
  AND (office_blot(e.before, %(keys)s, t.now) IS DISTINCT FROM e.before
    OR office_blot(e.after, %(keys)s, t.now) IS DISTINCT FROM e.after)"""
BLOT_ACTOR = """
UPDATE office_auditentry e SET
  blotted = coalesce(e.blotted, sha256(convert_to(office_audit_text(e), 'UTF8'))),
  actor = %(anonymous)s, origin = CASE WHEN e.origin = '' THEN '' ELSE '(erased)' END
WHERE e.actor LIKE %(actor)s AND e.actor <> %(anonymous)s"""
TABLES = ("billing_customer", "billing_student", "billing_billingprofile", "billing_messagepreference", "office_user",
          "office_accountlink", "office_keptdocument", "payments_paymentmethod", "receipts_erasurecase",
          "receipts_dataexport")  # fmt: skip


@transaction_required
def blot(table: str, rows: Sequence[int], keys: Sequence[str]) -> int:
    """Erase the values of `keys` in everything the trail says of rows of a table; returns how many entries changed.

    What stands in the row now is left in the trail, so that the trail still tells the row. Called after the row was
    changed, in the same transaction. Done twice it does nothing the second time.
    """
    assert table in TABLES, table
    with connection.cursor() as cursor:
        cursor.execute(BLOT.format(table=table), {"table": table, "rows": list(rows), "keys": list(keys)})
        return int(cursor.rowcount)


@transaction_required
def blot_actor(user_id: int) -> int:
    """Of what a user did, the trail keeps that it was this user's key, without the name and the address."""
    facts = {"actor": f"user:{user_id} %", "anonymous": f"user:{user_id} {ERASED}"}
    with connection.cursor() as cursor:
        cursor.execute(BLOT_ACTOR, facts)
        return int(cursor.rowcount)
