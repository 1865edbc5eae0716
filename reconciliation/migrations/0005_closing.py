from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0004_processors_and_zoho")]
    operations = []
