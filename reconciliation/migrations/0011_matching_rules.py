"""Rules for bank lines that people make, their trials, and which rule said what a line is (R144)."""

import django.db.models.constraints
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import billing.money

SQL = """
ALTER TABLE reconciliation_matchingrule ADD CONSTRAINT matching_rule_of_organization UNIQUE (id, organization_id),
  ADD CONSTRAINT matching_rule_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id),
  ADD CONSTRAINT matching_rule_account_of_organization FOREIGN KEY (ledger_account_id, organization_id)
    REFERENCES ledger_ledgeraccount (id, organization_id);
ALTER TABLE reconciliation_ruletrial ADD CONSTRAINT rule_trial_of_organization
  FOREIGN KEY (rule_id, organization_id) REFERENCES reconciliation_matchingrule (id, organization_id);
ALTER TABLE reconciliation_match ADD CONSTRAINT match_rule_of_organization
  FOREIGN KEY (rule_id, organization_id) REFERENCES reconciliation_matchingrule (id, organization_id);

SELECT office_protect_append_only('reconciliation_ruletrial');
SELECT office_audit_table('reconciliation_ruletrial');
SELECT office_audit_table('reconciliation_matchingrule', 'request_key');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_dunning_owner"),
        ("ledger", "0007_bank_items"),
        ("office", "0007_match_actions"),
        ("payments", "0020_bank_numbers"),
        ("reconciliation", "0010_returns_explained_once"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RuleTrial",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("first_on", models.DateField(verbose_name="from")),
                ("last_on", models.DateField(verbose_name="to")),
                ("fitted", models.PositiveIntegerField(verbose_name="lines it fits")),
                ("agreed", models.PositiveIntegerField(verbose_name="as people decided")),
                ("against", models.PositiveIntegerField(verbose_name="against what people decided")),
                ("undecided", models.PositiveIntegerField(verbose_name="undecided")),
                ("lines_against", models.JSONField(default=list)),
                ("ran_at", models.DateTimeField(verbose_name="tried")),
            ],
            options={
                "verbose_name": "trial of a matching rule",
                "verbose_name_plural": "trials of matching rules",
            },
        ),
        migrations.AddField(
            model_name="match",
            name="rule_version",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="matchproposal",
            name="rule_version",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="MatchingRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("place", models.PositiveIntegerField(verbose_name="place")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "direction",
                    models.CharField(
                        blank=True, choices=[("in", "in"), ("out", "out")], max_length=3, verbose_name="direction"
                    ),
                ),
                ("text_has", models.TextField(blank=True, verbose_name="the text has")),
                ("text_lacks", models.TextField(blank=True, verbose_name="the text lacks")),
                ("payer_has", models.CharField(blank=True, max_length=120, verbose_name="the payer's name has")),
                ("bank_code", models.CharField(blank=True, max_length=40, verbose_name="bank's code")),
                (
                    "amount_from",
                    billing.money.AmountField(
                        blank=True, decimal_places=2, max_digits=14, null=True, verbose_name="amount from"
                    ),
                ),
                (
                    "amount_to",
                    billing.money.AmountField(
                        blank=True, decimal_places=2, max_digits=14, null=True, verbose_name="amount to"
                    ),
                ),
                (
                    "deed",
                    models.CharField(
                        choices=[
                            ("item", "book it as a bank item"),
                            ("payment", "make it a payment of a customer"),
                            ("suspense", "hold it in suspense"),
                            ("person", "leave it to a person"),
                        ],
                        max_length=8,
                        verbose_name="what is done",
                    ),
                ),
                ("reason_code", models.CharField(blank=True, max_length=24, verbose_name="reason")),
                ("department", models.CharField(blank=True, max_length=40, verbose_name="department")),
                ("project", models.CharField(blank=True, max_length=40, verbose_name="project")),
                (
                    "state",
                    models.CharField(
                        choices=[("suggests", "suggests"), ("acts", "acts by itself"), ("off", "off")],
                        default="suggests",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("request_key", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField(verbose_name="made")),
                ("changed_at", models.DateTimeField(verbose_name="changed")),
                ("let_act_at", models.DateTimeField(blank=True, null=True, verbose_name="let act")),
                ("put_back_at", models.DateTimeField(blank=True, null=True, verbose_name="put back")),
                ("put_back_why", models.CharField(blank=True, max_length=400, verbose_name="why put back")),
                (
                    "bank_account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.bankaccount",
                        verbose_name="bank account",
                    ),
                ),
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
                    "ledger_account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.ledgeraccount",
                        verbose_name="ledger account",
                    ),
                ),
                (
                    "let_act_by",
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
                    "made_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
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
                "verbose_name": "matching rule",
                "verbose_name_plural": "matching rules",
            },
        ),
        migrations.AddField(
            model_name="match",
            name="rule",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="matches",
                to="reconciliation.matchingrule",
                verbose_name="matching rule",
            ),
        ),
        migrations.AddField(
            model_name="matchproposal",
            name="rule",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="reconciliation.matchingrule",
                verbose_name="matching rule",
            ),
        ),
        migrations.AddIndex(
            model_name="match",
            index=models.Index(
                condition=models.Q(("rule__isnull", False)), fields=["rule", "made_at"], name="match_by_rule"
            ),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("rule__isnull", True), ("rule_version__isnull", True)),
                    models.Q(("rule__isnull", False), ("rule_version__isnull", False)),
                    _connector="OR",
                ),
                name="match_names_version_of_rule",
            ),
        ),
        migrations.AddField(
            model_name="ruletrial",
            name="organization",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="ruletrial",
            name="ran_by",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="by",
            ),
        ),
        migrations.AddField(
            model_name="ruletrial",
            name="rule",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="trials",
                to="reconciliation.matchingrule",
                verbose_name="matching rule",
            ),
        ),
        migrations.AddConstraint(
            model_name="matchingrule",
            constraint=models.UniqueConstraint(
                deferrable=django.db.models.constraints.Deferrable["DEFERRED"],
                fields=("organization", "place"),
                name="matching_rule_one_a_place",
            ),
        ),
        migrations.AddConstraint(
            model_name="matchingrule",
            constraint=models.UniqueConstraint(fields=("organization", "request_key"), name="matching_rule_once"),
        ),
        migrations.AddConstraint(
            model_name="matchingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("text_has", ""), _negated=True),
                    models.Q(("payer_has", ""), _negated=True),
                    models.Q(("bank_code", ""), _negated=True),
                    _connector="OR",
                ),
                name="matching_rule_has_words",
            ),
        ),
        migrations.AddConstraint(
            model_name="matchingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount_from__isnull", True), ("amount_to__isnull", True)),
                    ("bank_account__isnull", False),
                    _connector="OR",
                ),
                name="matching_rule_amounts_in_currency",
            ),
        ),
        migrations.AddConstraint(
            model_name="matchingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount_from__isnull", True),
                    ("amount_to__isnull", True),
                    ("amount_from__lte", models.F("amount_to")),
                    _connector="OR",
                ),
                name="matching_rule_amounts_in_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="matchingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("customer__isnull", True),
                        ("deed", "item"),
                        ("ledger_account__isnull", False),
                        models.Q(("reason_code", ""), _negated=True),
                    ),
                    models.Q(
                        ("customer__isnull", False),
                        ("deed", "payment"),
                        ("direction", "in"),
                        ("ledger_account__isnull", True),
                    ),
                    models.Q(
                        ("customer__isnull", True),
                        ("deed__in", ("suspense", "person")),
                        ("ledger_account__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="matching_rule_names_what_it_does",
            ),
        ),
        migrations.AddConstraint(
            model_name="matchingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "acts"), _negated=True),
                    ("deed", "person"),
                    models.Q(
                        ("let_act_at__isnull", False),
                        ("let_act_by__isnull", False),
                        models.Q(("let_act_by", models.F("changed_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="matching_rule_let_act_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="ruletrial",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "fitted",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("agreed"), "+", models.F("against")
                            ),
                            "+",
                            models.F("undecided"),
                        ),
                    )
                ),
                name="rule_trial_adds_up",
            ),
        ),
        migrations.RunSQL(SQL),
    ]
