from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_denominations")]

    operations = [
        migrations.AlterField(
            model_name="payment",
            name="pending_for",
            field=models.CharField(blank=True, max_length=120, verbose_name="waits for"),
        ),
    ]
