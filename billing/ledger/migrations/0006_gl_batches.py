"""Batches posted to the general ledger, adjustments, exports; and what they promise whatever program writes to them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import billing.money

SQL = """
ALTER TABLE ledger_glbatchentry
  ADD CONSTRAINT gl_member_batch_of_organization FOREIGN KEY (batch_id, organization_id)
    REFERENCES ledger_glbatch (id, organization_id),
  ADD CONSTRAINT gl_member_entry_of_organization FOREIGN KEY (entry_id, organization_id)
    REFERENCES ledger_journalentry (id, organization_id);
ALTER TABLE ledger_adjustmententry
  ADD CONSTRAINT adjustment_fits_currency CHECK (money_fits(amount, currency)),
  ADD CONSTRAINT adjustment_entry_of_organization FOREIGN KEY (entry_id, organization_id)
    REFERENCES ledger_journalentry (id, organization_id),
  ADD CONSTRAINT adjustment_reversed_of_organization FOREIGN KEY (reverses_id, organization_id)
    REFERENCES ledger_adjustmententry (id, organization_id);
ALTER TABLE ledger_adjustmentline
  ADD CONSTRAINT adjustment_line_of_organization FOREIGN KEY (adjustment_id, organization_id)
    REFERENCES ledger_adjustmententry (id, organization_id),
  ADD CONSTRAINT adjustment_account_of_organization FOREIGN KEY (account_id, organization_id)
    REFERENCES ledger_ledgeraccount (id, organization_id);
ALTER TABLE ledger_glbatch ADD COLUMN made_in xid8 NOT NULL DEFAULT pg_current_xact_id();

-- What was posted stays, to the last figure.
CREATE FUNCTION ledger_gl_posted_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'GL batch % is posted', OLD.number USING ERRCODE = '23514', CONSTRAINT = 'gl_posted_stays';
END $$;
CREATE TRIGGER gl_posted_stays BEFORE UPDATE ON ledger_glbatch FOR EACH ROW WHEN (OLD.state = 'posted')
  EXECUTE FUNCTION ledger_gl_posted_stays();

-- Entries join a batch in the transaction that makes it, never later.
CREATE FUNCTION ledger_gl_member_joins_now() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM added a JOIN ledger_glbatch b ON b.id = a.batch_id
             WHERE b.made_in <> pg_current_xact_id()) THEN
    RAISE EXCEPTION 'a GL batch takes no more entries' USING ERRCODE = '23514', CONSTRAINT = 'gl_member_joins_now';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER gl_member_joins_now AFTER INSERT ON ledger_glbatchentry REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_gl_member_joins_now();

SELECT office_protect_append_only('ledger_glbatchentry');
SELECT office_protect_append_only('ledger_adjustmentline');
SELECT office_protect_append_only('ledger_glexport');
SELECT office_protect_frozen('ledger_glbatch', 'state', 'trouble', 'detail', 'entry_count', 'line_count',
  'debit_amount', 'credit_amount', 'content_hash', 'posted_at');
SELECT office_protect_frozen('ledger_adjustmententry', 'state', 'approval_id', 'entry_id');
SELECT office_audit_table(t::regclass) FROM unnest(ARRAY['ledger_glbatch', 'ledger_adjustmententry',
  'ledger_adjustmentline', 'ledger_glexport']) AS t;
"""


def fill_matrix(apps, schema_editor):
    """The row that the permission matrix gains, for offices founded before; a new office has it already."""
    grant = apps.get_model("office", "Grant")
    grant.objects.bulk_create(
        [
            grant(role="finance_manager", action="adjust_ledger", mode="check"),
            grant(role="accountant", action="adjust_ledger", mode="make"),
        ],
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0005_processors"),
        ("office", "0006_webhook_actions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AdjustmentEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=24, verbose_name="number")),
                ("entry_date", models.DateField(verbose_name="date")),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                ("amount", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="amount")),
                ("memo", models.CharField(max_length=200, verbose_name="memo")),
                ("reason", models.CharField(max_length=400, verbose_name="reason")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waits for approval"),
                            ("posted", "posted"),
                            ("rejected", "rejected"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("request_key", models.CharField(max_length=80)),
                ("made_at", models.DateTimeField(verbose_name="made at")),
            ],
            options={
                "verbose_name": "adjustment",
                "verbose_name_plural": "adjustments",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="AdjustmentLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ordinal", models.PositiveSmallIntegerField()),
                ("debit", billing.money.AmountField(decimal_places=2, default=0, max_digits=14, verbose_name="debit")),
                (
                    "credit",
                    billing.money.AmountField(decimal_places=2, default=0, max_digits=14, verbose_name="credit"),
                ),
                ("department", models.CharField(blank=True, max_length=40, verbose_name="department")),
                ("project", models.CharField(blank=True, max_length=40, verbose_name="project")),
            ],
            options={
                "verbose_name": "line of an adjustment",
                "verbose_name_plural": "lines of adjustments",
                "ordering": ["ordinal"],
            },
        ),
        migrations.CreateModel(
            name="GlBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=24, verbose_name="number")),
                ("day", models.DateField(verbose_name="day")),
                ("payment_type", models.CharField(max_length=24, verbose_name="payment type")),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                (
                    "state",
                    models.CharField(
                        choices=[("posted", "posted"), ("suspended", "suspended")], max_length=10, verbose_name="state"
                    ),
                ),
                (
                    "trouble",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("unbalanced", "does not balance"),
                            ("no_account", "a ledger account is missing"),
                            ("closed_account", "a ledger account is no longer used"),
                            ("closed_period", "the month is closed"),
                        ],
                        max_length=16,
                        verbose_name="trouble",
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=400, verbose_name="detail")),
                ("entry_count", models.PositiveIntegerField(verbose_name="entries")),
                ("line_count", models.PositiveIntegerField(verbose_name="lines")),
                ("debit_amount", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="debits")),
                ("credit_amount", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="credits")),
                ("content_hash", models.CharField(max_length=64, verbose_name="hash")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                ("posted_at", models.DateTimeField(blank=True, null=True, verbose_name="posted at")),
            ],
            options={
                "verbose_name": "GL batch",
                "verbose_name_plural": "GL batches",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="GlBatchEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ],
            options={
                "verbose_name": "entry of a GL batch",
                "verbose_name_plural": "entries of GL batches",
            },
        ),
        migrations.CreateModel(
            name="GlExport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.CharField(max_length=24, verbose_name="number")),
                (
                    "layout",
                    models.CharField(
                        choices=[
                            ("csv", "journal lines (CSV)"),
                            ("quickbooks", "QuickBooks Online"),
                            ("xero", "Xero"),
                            ("zoho", "Zoho Books"),
                            ("beancount", "Beancount"),
                        ],
                        max_length=12,
                        verbose_name="layout",
                    ),
                ),
                ("first_on", models.DateField(verbose_name="first day")),
                ("last_on", models.DateField(verbose_name="last day")),
                ("entry_count", models.PositiveIntegerField(verbose_name="entries")),
                ("line_count", models.PositiveIntegerField(verbose_name="lines")),
                ("totals", models.JSONField(default=dict, verbose_name="totals")),
                ("content_hash", models.CharField(max_length=64, verbose_name="SHA-256")),
                ("size", models.PositiveBigIntegerField(verbose_name="size in bytes")),
                ("stored_as", models.CharField(max_length=32)),
                ("proof", models.TextField(verbose_name="proof")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
            ],
            options={
                "verbose_name": "GL export",
                "verbose_name_plural": "GL exports",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="GlMark",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("as_of", models.DateField(blank=True, null=True)),
                ("run_at", models.DateTimeField(blank=True, null=True)),
                ("told_until", models.DateField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "mark of GL posting",
                "verbose_name_plural": "marks of GL posting",
            },
        ),
        migrations.AddField(
            model_name="ledgeraccount",
            name="is_active",
            field=models.BooleanField(default=True, verbose_name="in use"),
        ),
        migrations.AddConstraint(
            model_name="ledgeraccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_active", True), ("is_default", False), _connector="OR"),
                name="ledger_default_in_use",
            ),
        ),
        migrations.AddField(
            model_name="adjustmententry",
            name="approval",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="office.approvalrequest",
            ),
        ),
        migrations.AddField(
            model_name="adjustmententry",
            name="entry",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ledger.journalentry",
            ),
        ),
        migrations.AddField(
            model_name="adjustmententry",
            name="made_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="adjustmententry",
            name="organization",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="adjustmententry",
            name="reverses",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reversals",
                to="ledger.adjustmententry",
                verbose_name="reverses",
            ),
        ),
        migrations.AddField(
            model_name="adjustmentline",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="ledger.ledgeraccount",
                verbose_name="account",
            ),
        ),
        migrations.AddField(
            model_name="adjustmentline",
            name="adjustment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="ledger.adjustmententry"
            ),
        ),
        migrations.AddField(
            model_name="adjustmentline",
            name="organization",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="glbatch",
            name="organization",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="glbatchentry",
            name="batch",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="members",
                to="ledger.glbatch",
            ),
        ),
        migrations.AddField(
            model_name="glbatchentry",
            name="entry",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="gl",
                to="ledger.journalentry",
            ),
        ),
        migrations.AddField(
            model_name="glbatchentry",
            name="organization",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="office.organization",
            ),
        ),
        migrations.AddField(
            model_name="glexport",
            name="made_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="glexport",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="glexport",
            name="supersedes",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="superseded_by",
                to="ledger.glexport",
                verbose_name="supersedes",
            ),
        ),
        migrations.AddField(
            model_name="glmark",
            name="organization",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustmententry",
            constraint=models.UniqueConstraint(fields=("organization", "number"), name="adjustment_number_once"),
        ),
        migrations.AddConstraint(
            model_name="adjustmententry",
            constraint=models.UniqueConstraint(fields=("organization", "request_key"), name="adjustment_request_once"),
        ),
        migrations.AddConstraint(
            model_name="adjustmententry",
            constraint=models.UniqueConstraint(fields=("id", "organization"), name="adjustment_of_organization"),
        ),
        migrations.AddConstraint(
            model_name="adjustmententry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["waiting", "posted"])),
                fields=("reverses",),
                name="adjustment_reversed_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustmententry",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="adjustment_positive"),
        ),
        migrations.AddConstraint(
            model_name="adjustmententry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reverses__isnull", True), models.Q(("reverses", models.F("id")), _negated=True), _connector="OR"
                ),
                name="adjustment_reverses_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustmententry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("approval__isnull", False), ("entry__isnull", False), ("state", "posted")),
                    models.Q(models.Q(("state", "posted"), _negated=True), ("entry__isnull", True)),
                    _connector="OR",
                ),
                name="adjustment_posted_is_approved",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjustmentline",
            constraint=models.UniqueConstraint(fields=("adjustment", "ordinal"), name="adjustment_line_once"),
        ),
        migrations.AddConstraint(
            model_name="adjustmentline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("credit", 0), ("debit__gt", 0)),
                    models.Q(("credit__gt", 0), ("debit", 0)),
                    _connector="OR",
                ),
                name="adjustment_line_one_side",
            ),
        ),
        migrations.AddIndex(
            model_name="glbatch",
            index=models.Index(fields=["organization", "day"], name="gl_batch_by_day"),
        ),
        migrations.AddIndex(
            model_name="glbatch",
            index=models.Index(fields=["organization", "posted_at"], name="gl_batch_by_posting"),
        ),
        migrations.AddConstraint(
            model_name="glbatch",
            constraint=models.UniqueConstraint(fields=("organization", "number"), name="gl_batch_number_once"),
        ),
        migrations.AddConstraint(
            model_name="glbatch",
            constraint=models.UniqueConstraint(fields=("id", "organization"), name="gl_batch_of_organization"),
        ),
        migrations.AddConstraint(
            model_name="glbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("posted_at__isnull", True), ("state", "suspended"), models.Q(("trouble", ""), _negated=True)
                    ),
                    models.Q(
                        ("debit_amount", models.F("credit_amount")),
                        ("posted_at__isnull", False),
                        ("state", "posted"),
                        ("trouble", ""),
                    ),
                    _connector="OR",
                ),
                name="gl_batch_posted_is_balanced",
            ),
        ),
        migrations.AddConstraint(
            model_name="glexport",
            constraint=models.UniqueConstraint(fields=("organization", "number"), name="gl_export_number_once"),
        ),
        migrations.AddConstraint(
            model_name="glexport",
            constraint=models.UniqueConstraint(
                condition=models.Q(("supersedes__isnull", True)),
                fields=("organization", "layout", "first_on", "last_on"),
                name="gl_export_first_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="glexport",
            constraint=models.CheckConstraint(
                condition=models.Q(("first_on__lte", models.F("last_on"))), name="gl_export_days_in_order"
            ),
        ),
        migrations.RunSQL(SQL),
        migrations.RunPython(fill_matrix, migrations.RunPython.noop),
    ]
