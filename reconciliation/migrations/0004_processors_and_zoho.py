from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0003_bank_reconciliation")]
    operations = []
