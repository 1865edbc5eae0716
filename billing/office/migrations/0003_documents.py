"""Pictures and PDFs handed in as evidence: rows that are only added, and audited."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARDS = """
SELECT office_protect_append_only('office_keptdocument');
SELECT office_audit_table('office_keptdocument');
"""


class Migration(migrations.Migration):
    dependencies = [("office", "0002_guards")]
    operations = [
        migrations.CreateModel(
            name="KeptDocument",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject", models.CharField(max_length=80, verbose_name="about")),
                ("kind", models.CharField(max_length=30, verbose_name="kind")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("media_type", models.CharField(max_length=40, verbose_name="type")),
                ("size", models.PositiveIntegerField(verbose_name="size")),
                ("sha256", models.CharField(max_length=64)),
                ("stored_as", models.CharField(max_length=32)),
                ("kept_at", models.DateTimeField(verbose_name="kept at")),
                (
                    "kept_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="kept by",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
                    ),
                ),
            ],
            options={
                "verbose_name": "document",
                "verbose_name_plural": "documents",
                "constraints": [
                    models.UniqueConstraint(fields=["organization", "subject", "sha256"], name="kept_document_once"),
                ],
            },
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),  # the table takes its triggers with it
    ]
