"""Which tables a question need be put to: of one without a row there is nothing to say."""

from collections.abc import Collection, Iterable

from django.db import connection


def filled(tables: Iterable[str], *, or_audited: bool = False) -> Collection[str]:
    """Those that have a row, or of which the audit trail tells. One query."""
    audited = " OR EXISTS (SELECT 1 FROM office_auditentry WHERE table_name = '{0}')" if or_audited else ""
    one = "SELECT '{0}' WHERE EXISTS (SELECT 1 FROM {0})" + audited
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(one.format(table) for table in sorted(set(tables))))
        return {table for (table,) in cursor.fetchall()}
