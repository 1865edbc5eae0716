"""What families wish of autopay, mailed codes, and how far processors were asked for news of methods."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = """
ALTER TABLE payments_autopaypreference
  ADD CONSTRAINT autopay_agreement_of_organization FOREIGN KEY (agreement_id, organization_id)
    REFERENCES billing_agreement (id, organization_id);
SELECT office_protect_frozen('payments_autopaypreference', 'method_id', 'pay_day', 'changed_at', 'changed_by_id');
SELECT office_protect_frozen('payments_methodcode', 'code_hash', 'sent_at', 'tries', 'times_sent');
SELECT office_audit_table('payments_autopaypreference');
SELECT office_audit_table('payments_methodcode', 'code_hash');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_dunning_owner"),
        ("office", "0005_agreement_actions"),
        ("payments", "0013_zoho"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="UpdaterMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("configuration", models.CharField(max_length=40, unique=True)),
                ("asked_until", models.DateTimeField(verbose_name="asked until")),
            ],
            options={
                "verbose_name": "mark of the account updater",
                "verbose_name_plural": "marks of the account updater",
            },
        ),
        migrations.CreateModel(
            name="AutopayPreference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("pay_day", models.PositiveSmallIntegerField(default=0, verbose_name="pay day")),
                ("changed_at", models.DateTimeField(verbose_name="changed at")),
                (
                    "agreement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="autopay", to="billing.agreement"
                    ),
                ),
                (
                    "changed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "method",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.paymentmethod",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="office.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "autopay preference",
                "verbose_name_plural": "autopay preferences",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("pay_day__lte", 28)), name="autopay_day_sensible")
                ],
            },
        ),
        migrations.CreateModel(
            name="MethodCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code_hash", models.CharField(blank=True, max_length=64)),
                ("sent_at", models.DateTimeField(verbose_name="sent at")),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("times_sent", models.PositiveSmallIntegerField(default=1, verbose_name="times sent")),
                (
                    "method",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="code", to="payments.paymentmethod"
                    ),
                ),
            ],
            options={
                "verbose_name": "code of a method",
                "verbose_name_plural": "codes of methods",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("times_sent__lte", 5), ("tries__lte", 5)), name="method_code_few_tries"
                    )
                ],
            },
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
