from decimal import Decimal

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import billing.money
import billing.office.secrets

GUARDS = """
CREATE FUNCTION reconciliation_line_adds_up(line bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM reconciliation_statementline l WHERE l.id = line AND l.matched_amount <>
    (SELECT coalesce(sum(m.amount), 0) FROM reconciliation_match m WHERE m.line_id = l.id AND m.undone_at IS NULL))
  THEN RAISE EXCEPTION 'line % is not explained by the sum of its matches', line
      USING ERRCODE = '23514', CONSTRAINT = 'statement_line_adds_up';
  END IF;
END $$;
CREATE FUNCTION reconciliation_match_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM reconciliation_line_adds_up(NEW.line_id); RETURN NULL; END $$;
CREATE FUNCTION reconciliation_matched_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM reconciliation_line_adds_up(NEW.id); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER adds_up AFTER INSERT OR UPDATE ON reconciliation_match
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION reconciliation_match_adds_up();
CREATE CONSTRAINT TRIGGER adds_up AFTER UPDATE OF matched_amount ON reconciliation_statementline
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION reconciliation_matched_adds_up();
SELECT office_protect_frozen('reconciliation_bankfile', 'state', 'stored_as', 'format', 'is_flagged', 'refusal',
  'problems', 'figures', 'entries_read', 'lines_new', 'lines_known', 'claimed_at', 'done_at', 'undone_at',
  'undone_by_id', 'undo_reason', 'wishes');
SELECT office_protect_frozen('reconciliation_bankstatement', 'withdrawn', 'is_flagged');
SELECT office_protect_frozen('reconciliation_statementline', 'matched_amount', 'open_amount', 'withdrawn',
  'looks_like_id');
SELECT office_protect_frozen('reconciliation_match', 'undone_at', 'undone_by_id', 'undo_reason', 'undo_entry_id');
SELECT office_audit_table('reconciliation_bankfile', 'figures', 'problems');
SELECT office_audit_table('reconciliation_bankstatement');
SELECT office_audit_table('reconciliation_match');
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("billing", "0007_dunning_owner"),
        ("ledger", "0005_processors"),
        ("office", "0006_webhook_actions"),
        ("payments", "0017_match_opened_with_reason"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BankFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="file")),
                ("size", models.BigIntegerField(verbose_name="size")),
                ("sha256", models.CharField(max_length=64)),
                ("stored_as", models.CharField(blank=True, max_length=32)),
                ("format", models.CharField(default="auto", max_length=20, verbose_name="format")),
                ("wishes", models.JSONField(default=list)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "waits to be read"),
                            ("reading", "being read"),
                            ("stored", "taken in"),
                            ("refused", "refused"),
                            ("undone", "taken back"),
                        ],
                        default="received",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("is_flagged", models.BooleanField(default=False, verbose_name="to be looked at")),
                ("refusal", models.CharField(blank=True, max_length=40)),
                ("problems", models.JSONField(default=list, verbose_name="remarks")),
                ("figures", models.JSONField(default=dict, verbose_name="figures")),
                ("entries_read", models.IntegerField(default=0, verbose_name="lines read")),
                ("lines_new", models.IntegerField(default=0, verbose_name="new lines")),
                ("lines_known", models.IntegerField(default=0, verbose_name="lines already known")),
                ("handed_in_at", models.DateTimeField(verbose_name="handed in")),
                ("claimed_at", models.DateTimeField(blank=True, null=True)),
                ("done_at", models.DateTimeField(blank=True, null=True, verbose_name="done")),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="taken back")),
                ("undo_reason", models.CharField(blank=True, max_length=400, verbose_name="why")),
                (
                    "chosen",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="files",
                        to="payments.bankaccount",
                        verbose_name="bank account",
                    ),
                ),
                (
                    "handed_in_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
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
                (
                    "undone_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "bank file",
                "verbose_name_plural": "bank files",
            },
        ),
        migrations.CreateModel(
            name="BankStatement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("ordinal", models.PositiveIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("statement", "statement"),
                            ("interim", "interim report"),
                            ("notification", "notification"),
                            ("payments", "list of payments"),
                            ("returns", "list of returns"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("number", models.CharField(blank=True, max_length=40, verbose_name="number")),
                ("page", models.CharField(blank=True, max_length=20, verbose_name="page")),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                ("first_on", models.DateField(verbose_name="from")),
                ("last_on", models.DateField(verbose_name="to")),
                (
                    "opening",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=16, null=True, verbose_name="opening balance"
                    ),
                ),
                (
                    "closing",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=16, null=True, verbose_name="closing balance"
                    ),
                ),
                ("opening_on", models.DateField(blank=True, null=True)),
                ("closing_on", models.DateField(blank=True, null=True)),
                ("entries", models.PositiveIntegerField(verbose_name="lines")),
                ("total_in", models.DecimalField(decimal_places=2, max_digits=16, verbose_name="in")),
                ("total_out", models.DecimalField(decimal_places=2, max_digits=16, verbose_name="out")),
                ("ties", models.BooleanField(null=True, verbose_name="adds up")),
                ("is_flagged", models.BooleanField(default=False, verbose_name="to be looked at")),
                ("digest", models.CharField(max_length=64)),
                ("withdrawn", models.BooleanField(default=False, verbose_name="taken back")),
                (
                    "bank_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="payments.bankaccount",
                        verbose_name="bank account",
                    ),
                ),
                (
                    "bank_file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="statements",
                        to="reconciliation.bankfile",
                        verbose_name="file",
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
                "verbose_name": "bank statement",
                "verbose_name_plural": "bank statements",
            },
        ),
        migrations.CreateModel(
            name="StatementLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("statement", "statement"),
                            ("interim", "interim report"),
                            ("notification", "notification"),
                            ("payments", "list of payments"),
                            ("returns", "list of returns"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("ordinal", models.PositiveIntegerField(verbose_name="line")),
                ("booked_on", models.DateField(verbose_name="booked")),
                ("value_on", models.DateField(blank=True, null=True, verbose_name="value date")),
                (
                    "direction",
                    models.CharField(choices=[("in", "in"), ("out", "out")], max_length=3, verbose_name="direction"),
                ),
                ("amount", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="amount")),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                ("party_name", models.CharField(blank=True, max_length=200, verbose_name="payer or payee")),
                ("party_account_hash", models.CharField(blank=True, max_length=64)),
                ("party_account_tail", models.CharField(blank=True, max_length=4, verbose_name="account ends in")),
                ("ultimate_party", models.CharField(blank=True, max_length=200, verbose_name="on behalf of")),
                ("text", models.TextField(blank=True, verbose_name="text")),
                ("code", models.CharField(blank=True, max_length=40, verbose_name="bank's code")),
                ("bank_reference", models.CharField(blank=True, max_length=80, verbose_name="bank's reference")),
                ("end_to_end_id", models.CharField(blank=True, max_length=80, verbose_name="end-to-end id")),
                ("customer_reference", models.CharField(blank=True, max_length=80, verbose_name="our reference")),
                ("references", models.JSONField(default=list, verbose_name="structured references")),
                ("virtual_account", models.CharField(blank=True, max_length=40, verbose_name="virtual account")),
                ("cheque_number", models.CharField(blank=True, max_length=40, verbose_name="cheque")),
                ("mandate", models.CharField(blank=True, max_length=60, verbose_name="mandate")),
                ("is_reversal", models.BooleanField(default=False, verbose_name="takes an earlier line back")),
                ("return_code", models.CharField(blank=True, max_length=20, verbose_name="return code")),
                ("original_reference", models.CharField(blank=True, max_length=80, verbose_name="original reference")),
                (
                    "original_amount",
                    billing.money.AmountField(
                        blank=True, decimal_places=2, max_digits=14, null=True, verbose_name="original amount"
                    ),
                ),
                ("details", models.JSONField(default=list, verbose_name="details")),
                ("sealed", billing.office.secrets.EncryptedTextField(blank=True)),
                ("fingerprint", models.CharField(max_length=32)),
                ("twin", models.PositiveSmallIntegerField(default=1)),
                (
                    "matched_amount",
                    billing.money.AmountField(decimal_places=2, default=0, max_digits=14, verbose_name="explained"),
                ),
                ("withdrawn", models.BooleanField(default=False, verbose_name="taken back")),
                (
                    "open_amount",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Case(
                            models.When(
                                then=django.db.models.expressions.CombinedExpression(
                                    models.F("amount"), "-", models.F("matched_amount")
                                ),
                                withdrawn=False,
                            ),
                            default=models.Value(Decimal("0.00")),
                            output_field=models.DecimalField(decimal_places=2, max_digits=14),
                        ),
                        output_field=models.DecimalField(decimal_places=2, max_digits=14),
                        verbose_name="to explain",
                    ),
                ),
                (
                    "bank_account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="payments.bankaccount",
                        verbose_name="bank account",
                    ),
                ),
                (
                    "looks_like",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="reconciliation.statementline",
                        verbose_name="seems to repeat",
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
                    "statement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="reconciliation.bankstatement",
                        verbose_name="statement",
                    ),
                ),
            ],
            options={
                "verbose_name": "bank line",
                "verbose_name_plural": "bank lines",
            },
        ),
        migrations.CreateModel(
            name="Match",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("payment", "payment"),
                            ("returned", "returned payment"),
                            ("deposit", "deposit"),
                            ("refund", "refund"),
                            ("payout", "payout of a processor"),
                            ("bank_item", "bank item"),
                            ("transfer", "own transfer"),
                            ("suspense", "suspense"),
                            ("reversal", "reversal"),
                            ("duplicate", "posted twice"),
                            ("list", "list of payments"),
                        ],
                        max_length=10,
                        verbose_name="explained as",
                    ),
                ),
                ("amount", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="amount")),
                ("made_payment", models.BooleanField(default=False)),
                ("reason_code", models.CharField(blank=True, max_length=24, verbose_name="reason")),
                ("note", models.CharField(blank=True, max_length=400, verbose_name="note")),
                ("is_automatic", models.BooleanField(default=False, verbose_name="by itself")),
                (
                    "score",
                    models.DecimalField(blank=True, decimal_places=3, max_digits=4, null=True, verbose_name="score"),
                ),
                ("evidence", models.JSONField(default=list, verbose_name="why")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="undone")),
                ("undo_reason", models.CharField(blank=True, max_length=400, verbose_name="why undone")),
                (
                    "cheque",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.cheque",
                        verbose_name="cheque",
                    ),
                ),
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
                    "deposit",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matches",
                        to="payments.deposit",
                        verbose_name="deposit",
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
                    "ledger_account",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.ledgeraccount",
                        verbose_name="ledger account",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
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
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matches",
                        to="payments.payment",
                        verbose_name="payment",
                    ),
                ),
                (
                    "payment_list",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="reconciliation.bankstatement",
                        verbose_name="list of payments",
                    ),
                ),
                (
                    "refund",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matches",
                        to="payments.refund",
                        verbose_name="refund",
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matches",
                        to="payments.settlement",
                        verbose_name="settlement",
                    ),
                ),
                (
                    "undo_entry",
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
                    "undone_by",
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
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="matches",
                        to="reconciliation.statementline",
                        verbose_name="bank line",
                    ),
                ),
                (
                    "other_line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="reconciliation.statementline",
                        verbose_name="other line",
                    ),
                ),
            ],
            options={
                "verbose_name": "match",
                "verbose_name_plural": "matches",
            },
        ),
        migrations.AddIndex(
            model_name="bankfile",
            index=models.Index(fields=["organization", "-id"], name="bank_file_newest"),
        ),
        migrations.AddIndex(
            model_name="bankfile",
            index=models.Index(
                condition=models.Q(("state__in", ["received", "reading"])), fields=["id"], name="bank_file_to_read"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankfile",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["undone", "refused"]), _negated=True),
                fields=("chosen", "sha256"),
                name="bank_file_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="bankfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("state", "undone"), ("undone_at__isnull", False), models.Q(("undo_reason", ""), _negated=True)
                    ),
                    models.Q(models.Q(("state", "undone"), _negated=True), ("undone_at__isnull", True)),
                    _connector="OR",
                ),
                name="bank_file_undone_with_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="bankstatement",
            index=models.Index(fields=["bank_account", "last_on"], name="bank_statement_by_day"),
        ),
        migrations.AddConstraint(
            model_name="bankstatement",
            constraint=models.UniqueConstraint(fields=("bank_file", "ordinal"), name="bank_statement_once"),
        ),
        migrations.AddConstraint(
            model_name="bankstatement",
            constraint=models.CheckConstraint(
                condition=models.Q(("first_on__lte", models.F("last_on"))), name="bank_statement_days_in_order"
            ),
        ),
        migrations.AddConstraint(
            model_name="bankstatement",
            constraint=models.UniqueConstraint(fields=("id", "bank_account"), name="bank_statement_of_account"),
        ),
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(
                condition=models.Q(("open_amount__gt", 0)),
                fields=["bank_account", "booked_on", "id"],
                name="statement_line_to_match",
            ),
        ),
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(
                condition=models.Q(("withdrawn", False), models.Q(("bank_reference", ""), _negated=True)),
                fields=["bank_account", "bank_reference"],
                name="statement_line_by_reference",
            ),
        ),
        migrations.AddIndex(
            model_name="statementline",
            index=models.Index(fields=["organization", "-booked_on", "-id"], name="statement_line_newest"),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn", False)),
                fields=("bank_account", "booked_on", "fingerprint", "twin"),
                name="statement_line_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 0)), name="statement_line_amount_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.CheckConstraint(
                condition=models.Q(("matched_amount__gte", 0), ("matched_amount__lte", models.F("amount"))),
                name="statement_line_not_over_matched",
            ),
        ),
        migrations.AddConstraint(
            model_name="statementline",
            constraint=models.CheckConstraint(
                condition=models.Q(("withdrawn", False), ("matched_amount", 0), _connector="OR"),
                name="statement_line_taken_back_is_unmatched",
            ),
        ),
        migrations.AddIndex(
            model_name="match",
            index=models.Index(fields=["organization", "-made_at"], name="match_newest"),
        ),
        migrations.AddIndex(
            model_name="match",
            index=models.Index(
                condition=models.Q(("kind", "suspense"), ("undone_at__isnull", True)),
                fields=["organization", "made_at"],
                name="match_in_suspense",
            ),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="match_amount_positive"),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("undo_reason", ""), ("undone_at__isnull", True)),
                    models.Q(("undone_at__isnull", False), models.Q(("undo_reason", ""), _negated=True)),
                    _connector="OR",
                ),
                name="match_undone_with_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "payment"), ("payment__isnull", False)),
                    models.Q(("kind", "returned"), ("payment__isnull", False)),
                    models.Q(("cheque__isnull", False), ("kind", "returned")),
                    models.Q(("deposit__isnull", False), ("kind", "deposit")),
                    models.Q(("kind", "refund"), ("refund__isnull", False)),
                    models.Q(("entry__isnull", False), ("kind", "payout"), ("settlement__isnull", False)),
                    models.Q(("entry__isnull", False), ("kind", "bank_item"), ("ledger_account__isnull", False)),
                    ("kind", "transfer"),
                    models.Q(("entry__isnull", False), ("kind", "suspense")),
                    models.Q(("kind", "reversal"), ("other_line__isnull", False)),
                    models.Q(("kind", "duplicate"), ("other_line__isnull", False)),
                    models.Q(("kind", "list"), ("payment_list__isnull", False)),
                    _connector="OR",
                ),
                name="match_names_what_it_explains",
            ),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "payment"), ("undone_at__isnull", True)),
                fields=("payment",),
                name="match_payment_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "deposit"), ("undone_at__isnull", True)),
                fields=("deposit",),
                name="match_deposit_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "refund"), ("undone_at__isnull", True)),
                fields=("refund",),
                name="match_refund_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "payout"), ("undone_at__isnull", True)),
                fields=("settlement",),
                name="match_payout_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "list"), ("undone_at__isnull", True)),
                fields=("payment_list",),
                name="match_list_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "reversal"), ("undone_at__isnull", True)),
                fields=("other_line",),
                name="match_reversal_once",
            ),
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
