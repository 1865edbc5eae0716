"""The audit trail keeps the content of new and removed rows of tables without secret columns too.

A trigger made without arguments sees TG_ARGV as NULL, and a row less NULL is NULL.
"""

from importlib import import_module

from django.db import migrations

AUDIT = import_module("billing.office.migrations.0002_guards").AUDIT
START, END = "CREATE FUNCTION office_audit()", "CREATE FUNCTION office_audit_table("
FUNCTION = AUDIT[AUDIT.index(START) : AUDIT.index(END)]
SQL = FUNCTION.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("office", "0002_guards")]
    operations = [
        migrations.RunSQL(
            SQL.replace("j - TG_ARGV::text[]", "j - coalesce(TG_ARGV::text[], '{}')"),
            SQL,
        )
    ]
