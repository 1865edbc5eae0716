"""Copies of personal data, erasure, and the reports of the purge."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARDS = """
SELECT office_protect_frozen('receipts_dataexport', 'state', 'made_at', 'expires_at', 'taken_at', 'stored_as', 'sha256',
  'size', 'counts');
SELECT office_protect_frozen('receipts_erasurecase', 'state', 'approval_id', 'answer', 'settled_at', 'settled_by_id',
  'report');
SELECT office_protect_append_only('receipts_retentionrun');
SELECT office_audit_table('receipts_dataexport', 'stored_as');
SELECT office_audit_table('receipts_erasurecase');
SELECT office_audit_table('receipts_retentionrun');

-- What was learned of past payments loses the payer, and keeps the amount and the day.
CREATE FUNCTION billing_payer_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF NEW.payer_name || NEW.payer_account || NEW.payer_account_hash = ''
      AND (to_jsonb(NEW) - '{payer_name,payer_account,payer_account_hash}'::text[])
        = (to_jsonb(OLD) - '{payer_name,payer_account,payer_account_hash}'::text[]) THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514', CONSTRAINT = 'append_only';
END $$;
DROP TRIGGER append_only ON billing_payerrecord;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON billing_payerrecord
  FOR EACH ROW EXECUTE FUNCTION billing_payer_forgotten();

-- Words exchanged with processors may be purged, but never within a quarter: returns and disputes need them.
CREATE FUNCTION payments_exchange_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.at < now() - interval '90 days' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = '23514', CONSTRAINT = 'append_only';
END $$;
DROP TRIGGER append_only ON payments_gatewayexchange;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON payments_gatewayexchange
  FOR EACH ROW EXECUTE FUNCTION payments_exchange_kept();
"""

UNDO = """
DROP TRIGGER append_only ON payments_gatewayexchange;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON payments_gatewayexchange
  FOR EACH ROW EXECUTE FUNCTION office_append_only();
DROP FUNCTION payments_exchange_kept();
DROP TRIGGER append_only ON billing_payerrecord;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON billing_payerrecord
  FOR EACH ROW EXECUTE FUNCTION office_append_only();
DROP FUNCTION billing_payer_forgotten();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_dunning_owner"),
        ("office", "0009_rights"),
        ("receipts", "0006_paper_runs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DataExport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("wanted", "being made"), ("ready", "ready"), ("expired", "no longer kept")],
                        default="wanted",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=400, verbose_name="reason")),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("made_at", models.DateTimeField(blank=True, null=True, verbose_name="made at")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="kept until")),
                ("taken_at", models.DateTimeField(blank=True, null=True, verbose_name="fetched at")),
                ("stored_as", models.CharField(blank=True, max_length=32)),
                ("sha256", models.CharField(blank=True, max_length=64, verbose_name="SHA-256")),
                ("size", models.PositiveBigIntegerField(default=0, verbose_name="size")),
                ("counts", models.JSONField(default=dict, verbose_name="what is in it")),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="data_exports",
                        to="billing.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="office.organization",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "copy of personal data",
                "verbose_name_plural": "copies of personal data",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "expired"), _negated=True),
                        fields=["state"],
                        name="data_export_alive",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("customer__isnull", True), ("organization__isnull", True), ("user__isnull", False)
                            ),
                            models.Q(
                                ("customer__isnull", False), ("organization__isnull", False), ("user__isnull", True)
                            ),
                            _connector="OR",
                        ),
                        name="data_export_of_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("made_at__isnull", True), ("state", "wanted")),
                            models.Q(
                                models.Q(("state", "wanted"), _negated=True),
                                ("expires_at__isnull", False),
                                ("made_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="data_export_made_when_ready",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "wanted"), ("user__isnull", False)),
                        fields=("user",),
                        name="data_export_one_at_a_time",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("customer__isnull", False), ("state", "wanted")),
                        fields=("customer",),
                        name="data_export_of_customer_one_at_a_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ErasureCase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[("asked", "asked for"), ("refused", "refused"), ("done", "carried out")],
                        default="asked",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("by_parent", models.BooleanField(verbose_name="asked by the family")),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("answer", models.CharField(blank=True, max_length=400, verbose_name="answer")),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="settled at")),
                ("report", models.JSONField(default=dict, verbose_name="what was erased")),
                (
                    "approval",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="office.approvalrequest",
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="erasures",
                        to="billing.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
                    ),
                ),
                (
                    "settled_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "erasure",
                "verbose_name_plural": "erasures",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "asked")), fields=("customer",), name="erasure_asked_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("settled_at__isnull", True), ("state", "asked")),
                            models.Q(models.Q(("state", "asked"), _negated=True), ("settled_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="erasure_settled_with_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RetentionRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=30, verbose_name="kind of data")),
                ("until", models.DateField(verbose_name="older than")),
                ("count", models.PositiveIntegerField(verbose_name="rows")),
                ("held", models.PositiveIntegerField(default=0, verbose_name="kept for a dispute or a hold")),
                ("ran_at", models.DateTimeField(verbose_name="ran at")),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="office.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "retention run",
                "verbose_name_plural": "retention runs",
                "indexes": [models.Index(fields=["organization", "-id"], name="retention_run_newest")],
            },
        ),
        migrations.RunSQL(GUARDS, UNDO),
    ]
