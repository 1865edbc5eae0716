import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import billing.money

SQL = """
-- A match in a signed reconciliation stays, whoever asks and however (invariant 44).
CREATE FUNCTION reconciliation_signed_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM reconciliation_statementline l JOIN reconciliation_bankreconciliation r
      ON r.bank_account_id = l.bank_account_id WHERE l.id = NEW.line_id AND r.state = 'signed'
      AND l.booked_on <= r.closing_on AND NEW.id <= r.last_match)
  THEN RAISE EXCEPTION 'match % is in a signed reconciliation', NEW.id
      USING ERRCODE = '23514', CONSTRAINT = 'match_in_signed_reconciliation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER signed_stays BEFORE UPDATE OF undone_at ON reconciliation_match FOR EACH ROW
  WHEN (OLD.undone_at IS NULL AND NEW.undone_at IS NOT NULL) EXECUTE FUNCTION reconciliation_signed_stays();
SELECT office_protect_frozen('reconciliation_bankreconciliation', 'state', 'approval_id', 'signed_at', 'signed_by_id',
  'document', 'opened_at', 'opened_by_id', 'open_reason', 'open_approval_id');
SELECT office_protect_frozen('reconciliation_variance', 'state', 'owner_id', 'reason_code', 'note', 'cleared_at',
  'cleared_by_id', 'cleared_why');
-- The lists are covered by the digest; the trail keeps the digest.
SELECT office_audit_table('reconciliation_bankreconciliation', 'content');
SELECT office_audit_table('reconciliation_variance');
SELECT office_audit_table('reconciliation_reconciliationroutine');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0005_processors"),
        ("office", "0006_webhook_actions"),
        ("payments", "0017_match_opened_with_reason"),
        ("reconciliation", "0002_matching"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ReconciliationRoutine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "frequency",
                    models.CharField(
                        choices=[("daily", "every business day"), ("weekly", "every week"), ("monthly", "every month")],
                        max_length=7,
                        verbose_name="reconciled",
                    ),
                ),
                ("set_at", models.DateTimeField(verbose_name="set at")),
                (
                    "bank_account",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="routine", to="payments.bankaccount"
                    ),
                ),
                (
                    "set_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "reconciliation routine",
                "verbose_name_plural": "reconciliation routines",
            },
        ),
        migrations.CreateModel(
            name="BankReconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("closing_on", models.DateField(verbose_name="as of")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("prepared", "waits for its signature"),
                            ("signed", "signed"),
                            ("opened", "opened again"),
                            ("dropped", "not signed"),
                        ],
                        default="prepared",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                (
                    "statement_balance",
                    models.DecimalField(decimal_places=2, max_digits=16, verbose_name="balance of the bank"),
                ),
                (
                    "book_balance",
                    models.DecimalField(decimal_places=2, max_digits=16, verbose_name="balance of the books"),
                ),
                ("difference", models.DecimalField(decimal_places=2, max_digits=16, verbose_name="difference")),
                ("content", models.JSONField()),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
                ("last_match", models.BigIntegerField(default=0)),
                ("note", models.CharField(max_length=400, verbose_name="note")),
                ("prepared_at", models.DateTimeField(verbose_name="prepared at")),
                ("signed_at", models.DateTimeField(blank=True, null=True, verbose_name="signed at")),
                ("document", models.CharField(blank=True, max_length=64)),
                ("opened_at", models.DateTimeField(blank=True, null=True, verbose_name="opened at")),
                ("open_reason", models.CharField(blank=True, max_length=400, verbose_name="why it was opened")),
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
                    "bank_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reconciliations",
                        to="payments.bankaccount",
                        verbose_name="bank account",
                    ),
                ),
                (
                    "open_approval",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="office.approvalrequest",
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
                    ),
                ),
                (
                    "prepared_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="prepared by",
                    ),
                ),
                (
                    "signed_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="signed by",
                    ),
                ),
            ],
            options={
                "verbose_name": "bank reconciliation",
                "verbose_name_plural": "bank reconciliations",
                "ordering": ["-closing_on", "-id"],
                "indexes": [models.Index(fields=["organization", "-id"], name="bank_reconciliation_newest")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "prepared")),
                        fields=("bank_account",),
                        name="bank_reconciliation_one_prepared",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "signed")),
                        fields=("bank_account", "closing_on"),
                        name="bank_reconciliation_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("signed_at__isnull", True),
                                ("signed_by__isnull", True),
                                ("state__in", ["prepared", "dropped"]),
                            ),
                            models.Q(
                                ("approval__isnull", False),
                                ("signed_at__isnull", False),
                                ("signed_by__isnull", False),
                                ("state__in", ["signed", "opened"]),
                            ),
                            _connector="OR",
                        ),
                        name="bank_reconciliation_signed_on_approval",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("signed_by__isnull", True),
                            models.Q(("signed_by", models.F("prepared_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="bank_reconciliation_signed_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("open_approval__isnull", False),
                                ("opened_at__isnull", False),
                                ("state", "opened"),
                                models.Q(("open_reason", ""), _negated=True),
                            ),
                            models.Q(
                                models.Q(("state", "opened"), _negated=True),
                                ("open_approval__isnull", True),
                                ("opened_at__isnull", True),
                            ),
                            _connector="OR",
                        ),
                        name="bank_reconciliation_opened_on_approval",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Variance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("not_in_books", "bank line not in the books"),
                            ("posted_twice", "posted twice by the bank"),
                            ("later", "booked after the day"),
                            ("elsewhere", "explained, but not booked to this account"),
                            ("old", "long not on the statement"),
                            ("taken_over", "balance before the first statement"),
                            ("statement", "statements do not add up"),
                        ],
                        max_length=14,
                        verbose_name="what",
                    ),
                ),
                ("subject", models.CharField(max_length=40)),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                ("amount", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="amount")),
                ("since", models.DateField(verbose_name="since")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("cleared", "cleared")],
                        default="open",
                        max_length=7,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("bank_error", "mistake of the bank; claimed there"),
                            ("our_error", "mistake of ours; to be corrected"),
                            ("timing", "comes later"),
                            ("fee", "a fee"),
                            ("exchange", "exchange difference"),
                            ("unidentified", "not identified yet"),
                            ("opening", "balance taken over"),
                            ("other", "another reason"),
                        ],
                        max_length=12,
                        verbose_name="reason",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=400, verbose_name="note")),
                ("found_at", models.DateTimeField(verbose_name="found at")),
                ("cleared_at", models.DateTimeField(blank=True, null=True, verbose_name="cleared at")),
                ("cleared_why", models.CharField(blank=True, max_length=12, verbose_name="how")),
                (
                    "bank_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="variances",
                        to="payments.bankaccount",
                        verbose_name="bank account",
                    ),
                ),
                (
                    "cleared_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "entry",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.journalentry",
                    ),
                ),
                (
                    "followed",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="follower",
                        to="reconciliation.variance",
                    ),
                ),
                (
                    "found_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="reconciliation.statementline",
                    ),
                ),
                (
                    "match",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="reconciliation.match",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "variance",
                "verbose_name_plural": "variances",
                "ordering": ["since", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["organization", "since"],
                        name="variance_standing",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")), fields=("bank_account", "subject"), name="variance_once"
                    ),
                    models.CheckConstraint(condition=models.Q(("amount", 0), _negated=True), name="variance_is_some"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cleared_at__isnull", True), ("cleared_why", ""), ("state", "open")),
                            models.Q(
                                ("cleared_at__isnull", False),
                                ("state", "cleared"),
                                models.Q(("cleared_why", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="variance_cleared_with_how",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL),
    ]
