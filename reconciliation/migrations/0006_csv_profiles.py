import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = """
SELECT office_protect_frozen('reconciliation_savedcsvprofile', 'confirmed_at', 'confirmed_by_id');
SELECT office_audit_table('reconciliation_savedcsvprofile');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("office", "0006_webhook_actions"),
        ("payments", "0018_returned_transfers"),
        ("reconciliation", "0005_closing"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="SavedCsvProfile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("data", models.JSONField(verbose_name="profile")),
                ("based_on", models.CharField(blank=True, max_length=40, verbose_name="began with")),
                ("made_at", models.DateTimeField(verbose_name="made")),
                ("confirmed_at", models.DateTimeField(blank=True, null=True, verbose_name="confirmed")),
                (
                    "bank_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="csv_profiles",
                        to="payments.bankaccount",
                        verbose_name="bank account",
                    ),
                ),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
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
                "verbose_name": "CSV profile",
                "verbose_name_plural": "CSV profiles",
                "constraints": [
                    models.UniqueConstraint(fields=("bank_account", "version"), name="csv_profile_version_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("confirmed_at__isnull", True), ("confirmed_by__isnull", True)),
                            models.Q(("confirmed_at__isnull", False), ("confirmed_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="csv_profile_confirmed_by_somebody",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL),
    ]
