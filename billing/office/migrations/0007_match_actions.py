"""Rows the permission matrix gained since an office was founded."""

from django.db import migrations

from billing.office.matrix import cells


def fill_matrix(apps, schema_editor):
    grant = apps.get_model("office", "Grant")
    known = set(grant.objects.values_list("role", "action", "mode"))
    grant.objects.bulk_create(
        grant(role=role, action=action, mode=mode)
        for role, action, mode in cells()
        if (role, action, mode) not in known
    )


class Migration(migrations.Migration):
    dependencies = [("office", "0006_webhook_actions")]
    operations = [migrations.RunPython(fill_matrix, migrations.RunPython.noop)]
