from django.db import migrations, models


class Migration(migrations.Migration):
    """What the maturity job and the bounce history read: few rows of tables that only grow."""

    dependencies = [("payments", "0006_counter_guards")]

    operations = [
        migrations.AddIndex(
            model_name="cheque",
            index=models.Index(
                condition=models.Q(("state", "in_vault")), fields=["matures_on"], name="cheque_maturing"
            ),
        ),
        migrations.AddIndex(
            model_name="chequepresentation",
            index=models.Index(
                condition=models.Q(("result", "returned")),
                fields=["organization", "result_on"],
                name="presentation_returned",
            ),
        ),
    ]
