import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

SQL = """
-- What a proof found, its signature and certificate are covered by its digest; the trail keeps the digest.
SELECT office_audit_table('reconciliation_booksproof', 'findings', 'counts', 'signature', 'certificate');
SELECT office_protect_append_only('reconciliation_booksproof');

-- Likewise what was signed with a close.
SELECT office_audit_table('reconciliation_dayclose', 'checks', 'figures');
SELECT office_protect_append_only('reconciliation_dayclose');
SELECT office_audit_table('reconciliation_dayreopening');
SELECT office_protect_append_only('reconciliation_dayreopening');
SELECT office_audit_table('reconciliation_monthstart');
SELECT office_protect_append_only('reconciliation_monthstart');
SELECT office_audit_table('reconciliation_monthclose', 'checks', 'figures');
SELECT office_protect_append_only('reconciliation_monthclose');
SELECT office_audit_table('reconciliation_monthpack', 'part', 'parts_done', 'tried_at', 'contents');
SELECT office_protect_frozen('reconciliation_monthpack', 'state', 'tried_at', 'part', 'parts_done', 'contents',
  'stored_as', 'sha256', 'size', 'made_at', 'trouble');

-- A day that was closed is closed again only after it was reopened.
CREATE FUNCTION reconciliation_day_closed_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.round > 1 AND NOT EXISTS (
    SELECT 1 FROM reconciliation_dayclose c JOIN reconciliation_dayreopening r ON r.day_close_id = c.id
    WHERE c.organization_id = NEW.organization_id AND c.day = NEW.day AND c.round = NEW.round - 1) THEN
    RAISE EXCEPTION 'day % is closed', NEW.day USING ERRCODE = '23514', CONSTRAINT = 'day_closed_once';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER day_closed_once BEFORE INSERT ON reconciliation_dayclose FOR EACH ROW
  EXECUTE FUNCTION reconciliation_day_closed_once();
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
            name="DayClose",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("round", models.PositiveSmallIntegerField(default=1, verbose_name="round")),
                ("closed_at", models.DateTimeField(verbose_name="closed at")),
                ("remarks", models.CharField(blank=True, max_length=400, verbose_name="remarks")),
                ("checks", models.JSONField()),
                ("figures", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("day", models.DateField(verbose_name="day")),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="closed by",
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
                "verbose_name": "day end",
                "verbose_name_plural": "day ends",
            },
        ),
        migrations.CreateModel(
            name="DayReopening",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reopened_at", models.DateTimeField(verbose_name="reopened at")),
                ("reason", models.CharField(max_length=400, verbose_name="reason")),
                (
                    "day_close",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reopening",
                        to="reconciliation.dayclose",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
                    ),
                ),
                (
                    "reopened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="reopened by",
                    ),
                ),
            ],
            options={
                "verbose_name": "reopened day",
                "verbose_name_plural": "reopened days",
            },
        ),
        migrations.CreateModel(
            name="MonthClose",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("round", models.PositiveSmallIntegerField(default=1, verbose_name="round")),
                ("closed_at", models.DateTimeField(verbose_name="closed at")),
                ("remarks", models.CharField(blank=True, max_length=400, verbose_name="remarks")),
                ("checks", models.JSONField()),
                ("figures", models.JSONField()),
                ("digest", models.CharField(max_length=64)),
                ("month", models.DateField(verbose_name="month")),
                ("minutes", models.PositiveIntegerField(verbose_name="minutes")),
                (
                    "approval",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.approvalrequest"
                    ),
                ),
                (
                    "closed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="closed by",
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
                "verbose_name": "month close",
                "verbose_name_plural": "month closes",
            },
        ),
        migrations.CreateModel(
            name="MonthPack",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(verbose_name="month")),
                (
                    "state",
                    models.CharField(
                        choices=[("wanted", "being made"), ("made", "made"), ("given_up", "given up")],
                        default="wanted",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("wanted_at", models.DateTimeField(verbose_name="wanted at")),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                ("part", models.CharField(blank=True, max_length=60, verbose_name="part")),
                ("parts_done", models.PositiveSmallIntegerField(default=0)),
                ("parts_in_all", models.PositiveSmallIntegerField(default=0)),
                ("contents", models.JSONField(default=list)),
                ("stored_as", models.CharField(blank=True, max_length=32)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                ("size", models.BigIntegerField(default=0, verbose_name="size")),
                ("made_at", models.DateTimeField(blank=True, null=True, verbose_name="made at")),
                ("trouble", models.CharField(blank=True, max_length=200, verbose_name="trouble")),
                (
                    "approval",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.approvalrequest"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
                    ),
                ),
                (
                    "wanted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "verbose_name": "pack of a month",
                "verbose_name_plural": "packs of months",
            },
        ),
        migrations.CreateModel(
            name="MonthStart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(verbose_name="month")),
                ("begun_at", models.DateTimeField(verbose_name="begun at")),
                (
                    "begun_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="begun by",
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
                "verbose_name": "begun month close",
                "verbose_name_plural": "begun month closes",
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
            model_name="dayclose",
            constraint=models.UniqueConstraint(fields=("organization", "day", "round"), name="day_close_once"),
        ),
        migrations.AddConstraint(
            model_name="dayreopening",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="day_reopened_with_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="monthclose",
            constraint=models.UniqueConstraint(fields=("organization", "month", "round"), name="month_close_once"),
        ),
        migrations.AddConstraint(
            model_name="monthclose",
            constraint=models.CheckConstraint(
                condition=models.Q(("month", django.db.models.functions.datetime.TruncMonth("month"))),
                name="month_close_is_of_a_month",
            ),
        ),
        migrations.AddConstraint(
            model_name="monthpack",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "given_up"), _negated=True),
                fields=("organization", "month"),
                name="month_pack_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="monthpack",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "made"), _negated=True),
                    models.Q(
                        models.Q(("stored_as", ""), _negated=True),
                        models.Q(("sha256", ""), _negated=True),
                        ("made_at__isnull", False),
                        ("size__gt", 0),
                    ),
                    _connector="OR",
                ),
                name="month_pack_has_file",
            ),
        ),
        migrations.AddConstraint(
            model_name="monthstart",
            constraint=models.UniqueConstraint(fields=("organization", "month"), name="month_begun_once"),
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
