import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = """
-- What a proof found, its signature and certificate are covered by its digest; the trail keeps the digest.
SELECT office_audit_table('reconciliation_booksproof', 'findings', 'counts', 'signature', 'certificate');
SELECT office_protect_append_only('reconciliation_booksproof');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("office", "0006_webhook_actions"),
        ("reconciliation", "0004_processors_and_zoho"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BooksProof",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveIntegerField(verbose_name="number")),
                ("day", models.DateField(verbose_name="day")),
                ("is_nightly", models.BooleanField(verbose_name="by the clock")),
                ("proved_at", models.DateTimeField(verbose_name="proved at")),
                ("findings", models.JSONField()),
                ("counts", models.JSONField()),
                ("rule_count", models.PositiveIntegerField(verbose_name="rules")),
                ("broken_count", models.PositiveIntegerField(verbose_name="broken")),
                ("seconds", models.DecimalField(decimal_places=3, max_digits=9, verbose_name="seconds")),
                ("audit_position", models.BigIntegerField()),
                ("audit_head", models.CharField(blank=True, max_length=64)),
                ("previous_digest", models.CharField(blank=True, max_length=64)),
                ("digest", models.CharField(max_length=64)),
                ("signature", models.TextField()),
                ("certificate", models.TextField()),
                (
                    "asked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
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
                "verbose_name": "proof of the books",
                "verbose_name_plural": "proofs of the books",
            },
        ),
        migrations.CreateModel(
            name="ProofRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(blank=True, null=True, verbose_name="night of")),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
                    ),
                ),
                (
                    "proof",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="reconciliation.booksproof",
                    ),
                ),
            ],
            options={
                "verbose_name": "request for a proof",
                "verbose_name_plural": "requests for proofs",
            },
        ),
        migrations.AddConstraint(
            model_name="booksproof",
            constraint=models.UniqueConstraint(fields=("organization", "position"), name="books_proof_position_once"),
        ),
        migrations.AddConstraint(
            model_name="booksproof",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_nightly", True)),
                fields=("organization", "day"),
                name="books_proof_once_a_night",
            ),
        ),
        migrations.AddConstraint(
            model_name="proofrequest",
            constraint=models.UniqueConstraint(fields=("organization", "day"), name="proof_request_once_a_night"),
        ),
        migrations.AddConstraint(
            model_name="proofrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("day__isnull", True), ("proof__isnull", True)),
                fields=("organization",),
                name="proof_request_waits_once",
            ),
        ),
        migrations.RunSQL(SQL),
    ]
