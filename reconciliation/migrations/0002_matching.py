import django.db.models.deletion
from django.db import migrations, models

import billing.money


class Migration(migrations.Migration):
    dependencies = [("reconciliation", "0001_statements")]

    operations = [
        migrations.CreateModel(
            name="MatchProposal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("auto", "matched by itself"),
                            ("suggest", "suggestion"),
                            ("none", "not found"),
                            ("duplicate", "posted twice"),
                            ("reversal", "reversal"),
                            ("ignore", "not a customer's payment"),
                        ],
                        max_length=10,
                        verbose_name="proposed",
                    ),
                ),
                ("reason", models.CharField(max_length=60)),
                ("score", models.DecimalField(decimal_places=3, max_digits=4, verbose_name="score")),
                ("parts", models.JSONField(default=list)),
                (
                    "unapplied",
                    billing.money.AmountField(
                        decimal_places=2, default=0, max_digits=14, verbose_name="kept as credit"
                    ),
                ),
                ("evidence", models.JSONField(default=list, verbose_name="why")),
                ("candidates", models.JSONField(default=list)),
                ("made_at", models.DateTimeField(verbose_name="looked at")),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposal",
                        to="reconciliation.statementline",
                        verbose_name="bank line",
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
                (
                    "other_line",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="reconciliation.statementline",
                    ),
                ),
            ],
            options={
                "verbose_name": "match proposal",
                "verbose_name_plural": "match proposals",
                "indexes": [models.Index(fields=["organization", "action"], name="match_proposal_by_action")],
            },
        ),
    ]
