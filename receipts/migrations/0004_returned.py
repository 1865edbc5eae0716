"""A receipt whose cheque came back keeps its number and says so."""

from django.db import migrations, models

GUARDS = """
DROP TRIGGER frozen ON receipts_receipt;
DROP TRIGGER frozen_whole ON receipts_receipt;
SELECT office_protect_frozen('receipts_receipt', 'is_provisional', 'voided_at', 'content', 'returned_on');
"""
UNDO = """
DROP TRIGGER frozen ON receipts_receipt;
DROP TRIGGER frozen_whole ON receipts_receipt;
SELECT office_protect_frozen('receipts_receipt', 'is_provisional', 'voided_at', 'content');
"""


class Migration(migrations.Migration):
    dependencies = [("receipts", "0003_refund_receipts")]

    operations = [
        migrations.AddField(
            model_name="receipt",
            name="returned_on",
            field=models.DateField(blank=True, null=True, verbose_name="cheque returned"),
        ),
        migrations.AlterField(
            model_name="receiptdocument",
            name="kind",
            field=models.CharField(
                choices=[
                    ("original", "original"),
                    ("duplicate", "duplicate"),
                    ("void", "void"),
                    ("returned", "cheque returned"),
                ],
                max_length=10,
                verbose_name="kind",
            ),
        ),
        migrations.RunSQL(GUARDS, UNDO),
    ]
