"""Work on bank lines: who looks after them, what was done once, what payers were asked (R144)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = """
ALTER TABLE reconciliation_payerquestion ADD CONSTRAINT payer_question_customer_of_organization
  FOREIGN KEY (customer_id, organization_id) REFERENCES billing_customer (id, organization_id);

SELECT office_protect_append_only('reconciliation_linedeed');
SELECT office_protect_frozen('reconciliation_payerquestion', 'state', 'answered_at');
SELECT office_audit_table('reconciliation_linedeed');
SELECT office_audit_table('reconciliation_linework');
SELECT office_audit_table('reconciliation_payerquestion', 'token_hash');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_dunning_owner"),
        ("office", "0007_match_actions"),
        ("reconciliation", "0008_entry_matches"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LineWork",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("note", models.CharField(blank=True, max_length=400, verbose_name="note")),
                ("due_on", models.DateField(blank=True, null=True, verbose_name="to be settled by")),
                ("changed_at", models.DateTimeField(verbose_name="since")),
                (
                    "changed_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "line",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="work",
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
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "work on a bank line",
                "verbose_name_plural": "work on bank lines",
            },
        ),
        migrations.CreateModel(
            name="LineDeed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("request_key", models.CharField(max_length=64)),
                ("verb", models.CharField(max_length=12, verbose_name="deed")),
                ("digest", models.CharField(max_length=64)),
                ("done_at", models.DateTimeField(verbose_name="done at")),
                (
                    "done_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deeds",
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
            ],
            options={
                "verbose_name": "deed on a bank line",
                "verbose_name_plural": "deeds on bank lines",
                "constraints": [models.UniqueConstraint(fields=("organization", "request_key"), name="line_deed_once")],
            },
        ),
        migrations.CreateModel(
            name="PayerQuestion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("yes", "yes"), ("no", "no"), ("lapsed", "lapsed")],
                        default="waiting",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("expires_at", models.DateTimeField(verbose_name="until")),
                ("answered_at", models.DateTimeField(blank=True, null=True, verbose_name="answered at")),
                (
                    "asked_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="questions",
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
            ],
            options={
                "verbose_name": "question to a payer",
                "verbose_name_plural": "questions to payers",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")), fields=("line",), name="payer_question_one_waits"
                    ),
                    models.UniqueConstraint(fields=("line", "customer"), name="payer_question_once"),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("asked_at"))), name="payer_question_has_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at__isnull", False), ("state__in", ("yes", "no"))),
                            models.Q(("answered_at__isnull", True), ("state__in", ("waiting", "lapsed"))),
                            _connector="OR",
                        ),
                        name="payer_question_answered_with_time",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL),
    ]
