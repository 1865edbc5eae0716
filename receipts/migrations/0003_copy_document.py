import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("receipts", "0002_guards")]

    operations = [
        migrations.AddField(
            model_name="receiptcopy",
            name="document",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="copies",
                to="receipts.receiptdocument",
            ),
        ),
        migrations.AddConstraint(
            model_name="receiptcopy",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_duplicate", False)),
                fields=("document",),
                name="receipt_copy_one_original",
            ),
        ),
    ]
