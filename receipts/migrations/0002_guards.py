"""What receipts promise whatever program writes to them (invariants 3, 39)."""

from django.db import migrations

SQL = """
SELECT office_protect_frozen('receipts_receipt', 'is_provisional', 'voided_at', 'content');
SELECT office_protect_append_only('receipts_receiptdocument');
SELECT office_protect_append_only('receipts_receiptcopy');
SELECT office_audit_table('receipts_receipt');
SELECT office_audit_table('receipts_receiptdocument');
SELECT office_audit_table('receipts_receiptcopy');
"""


class Migration(migrations.Migration):
    dependencies = [("receipts", "0001_initial"), ("payments", "0002_guards")]
    operations = [migrations.RunSQL(SQL)]
