"""Processors proven against books and bank, and the comparison with Zoho (R149, R151, R152)."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import billing.money

SQL = """
ALTER TABLE reconciliation_processorproof ADD CONSTRAINT processor_proof_of_organization
  FOREIGN KEY (gateway_account_id, organization_id) REFERENCES payments_gatewayaccount (id, organization_id);
ALTER TABLE reconciliation_processordiscrepancy ADD CONSTRAINT processor_discrepancy_of_organization
  FOREIGN KEY (gateway_account_id, organization_id) REFERENCES payments_gatewayaccount (id, organization_id);
ALTER TABLE reconciliation_zohocomparison ADD CONSTRAINT zoho_comparison_of_organization
  FOREIGN KEY (gateway_account_id, organization_id) REFERENCES payments_gatewayaccount (id, organization_id);
ALTER TABLE reconciliation_zohodiscrepancy ADD CONSTRAINT zoho_discrepancy_of_organization
  FOREIGN KEY (gateway_account_id, organization_id) REFERENCES payments_gatewayaccount (id, organization_id);

SELECT office_protect_frozen('reconciliation_processorproof', 'balance_amount', 'in_transit_amount',
  'in_transit_until', 'unexplained_amount', 'moving_amount', 'explained_amount', 'open_count', 'proven_at');
SELECT office_protect_frozen('reconciliation_processordiscrepancy', 'amount', 'effect', 'ours', 'theirs', 'since',
  'state', 'owner_id', 'reason_code', 'note', 'explained_at', 'explained_by_id', 'approval_id', 'seen_at',
  'closed_at');
SELECT office_protect_append_only('reconciliation_payoutoffset');
SELECT office_protect_frozen('reconciliation_zohocomparison', 'state', 'subscriptions', 'invoices', 'payments',
  'customers', 'units_done', 'differing', 'tries', 'trouble', 'next_at', 'finished_at');
SELECT office_protect_frozen('reconciliation_zohodiscrepancy', 'customer_id', 'subscription_id', 'bill_id',
  'zoho_payment_id', 'amount', 'ours', 'theirs', 'state', 'owner_id', 'errand_id', 'told_id', 'reason_code', 'note',
  'explained_at', 'explained_by_id', 'approval_id', 'seen_at', 'closed_at');
SELECT office_audit_table(t::regclass) FROM unnest(ARRAY['reconciliation_processorproof',
  'reconciliation_processordiscrepancy', 'reconciliation_payoutoffset', 'reconciliation_zohocomparison',
  'reconciliation_zohodiscrepancy']) AS t;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reconciliation", "0003_bank_reconciliation"),
        ("billing", "0007_dunning_owner"),
        ("office", "0006_webhook_actions"),
        ("payments", "0017_match_opened_with_reason"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PayoutOffset",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="amount")),
                (
                    "match",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offsets", to="reconciliation.match"
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offsets", to="payments.settlement"
                    ),
                ),
            ],
            options={
                "verbose_name": "settlement taken off a payout",
                "verbose_name_plural": "settlements taken off payouts",
                "constraints": [
                    models.UniqueConstraint(fields=("match", "settlement"), name="payout_offset_once"),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payout_offset_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProcessorDiscrepancy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("never_settled", "taken, in no settlement"),
                            ("not_given_back", "given back here, in no settlement"),
                            ("not_in_books", "settled, not in our books"),
                            ("not_back_in_books", "taken back there, not in our books"),
                            ("amount_differs", "another amount"),
                            ("currency_differs", "another currency"),
                            ("told_twice", "settled twice"),
                            ("fee_differs", "other fees than agreed"),
                            ("adjustment", "the processor's own adjustment"),
                            ("payout_missing", "payout not at the bank"),
                            ("payout_differs", "payout of another amount"),
                            ("no_report", "at a processor without reports"),
                            ("unknown", "in the account, of no document"),
                        ],
                        max_length=18,
                        verbose_name="what",
                    ),
                ),
                ("subject", models.CharField(max_length=40)),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                ("amount", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="amount")),
                ("effect", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="of the balance")),
                (
                    "ours",
                    billing.money.AmountField(decimal_places=2, max_digits=14, null=True, verbose_name="in our books"),
                ),
                (
                    "theirs",
                    billing.money.AmountField(
                        decimal_places=2, max_digits=14, null=True, verbose_name="at the processor"
                    ),
                ),
                ("since", models.DateField(verbose_name="since")),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("explained", "explained"), ("resolved", "resolved")],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("timing", "comes later"),
                            ("processor_error", "mistake of the processor; claimed there"),
                            ("our_error", "mistake of ours; corrected elsewhere"),
                            ("reserve", "held back as a reserve"),
                            ("fee", "a fee agreed besides"),
                            ("other", "another reason"),
                        ],
                        max_length=16,
                        verbose_name="reason",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=400, verbose_name="explanation")),
                ("explained_at", models.DateTimeField(blank=True, null=True, verbose_name="explained at")),
                ("found_at", models.DateTimeField(verbose_name="found at")),
                ("seen_at", models.DateTimeField(verbose_name="last seen")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="resolved at")),
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
                    "attempt",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.paymentattempt",
                    ),
                ),
                (
                    "explained_by",
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
                    "gateway_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="discrepancies",
                        to="payments.gatewayaccount",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.settlementline",
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
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.payment",
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.settlement",
                    ),
                ),
            ],
            options={
                "verbose_name": "difference at a processor",
                "verbose_name_plural": "differences at processors",
                "ordering": ["since", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["open", "explained"])),
                        fields=["gateway_account", "since"],
                        name="discrepancy_standing",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state__in", ["open", "explained"])),
                        fields=("gateway_account", "kind", "subject"),
                        name="processor_discrepancy_once",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount__gte", 0)), name="processor_discrepancy_amount"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", False), ("state", "resolved")),
                            models.Q(models.Q(("state", "resolved"), _negated=True), ("closed_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="processor_discrepancy_closed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "explained"), _negated=True),
                            models.Q(
                                ("explained_at__isnull", False),
                                ("explained_by__isnull", False),
                                models.Q(("reason_code", ""), _negated=True),
                                models.Q(("note", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="processor_discrepancy_explained",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ProcessorProof",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("as_of", models.DateField(verbose_name="as of")),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                (
                    "balance_amount",
                    billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="in the books"),
                ),
                (
                    "in_transit_amount",
                    billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="on its way"),
                ),
                ("in_transit_until", models.DateField(blank=True, null=True, verbose_name="on its way until")),
                (
                    "unexplained_amount",
                    billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="unexplained"),
                ),
                (
                    "moving_amount",
                    billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="money looked at"),
                ),
                (
                    "explained_amount",
                    billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="of it explained"),
                ),
                ("open_count", models.PositiveIntegerField(verbose_name="open differences")),
                ("proven_at", models.DateTimeField(verbose_name="proven at")),
                (
                    "gateway_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="proofs", to="payments.gatewayaccount"
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
                "verbose_name": "proof of a processor",
                "verbose_name_plural": "proofs of processors",
                "ordering": ["-as_of", "gateway_account_id", "currency"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("gateway_account", "currency", "as_of"), name="processor_proof_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "balance_amount",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("in_transit_amount"), "+", models.F("unexplained_amount")
                                ),
                            )
                        ),
                        name="processor_proof_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("explained_amount__gte", 0), ("explained_amount__lte", models.F("moving_amount"))
                        ),
                        name="processor_proof_sensible",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ZohoComparison",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("as_of", models.DateField(verbose_name="as of")),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "waiting"), ("incomplete", "incomplete"), ("complete", "complete")],
                        default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("subscriptions", models.PositiveIntegerField(default=0, verbose_name="subscriptions compared")),
                ("invoices", models.PositiveIntegerField(default=0, verbose_name="invoices compared")),
                ("payments", models.PositiveIntegerField(default=0, verbose_name="payments compared")),
                ("customers", models.PositiveIntegerField(default=0, verbose_name="customers compared")),
                ("units_done", models.PositiveSmallIntegerField(default=0, verbose_name="lists read")),
                ("differing", models.PositiveIntegerField(default=0, verbose_name="differences")),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("trouble", models.CharField(blank=True, max_length=300, verbose_name="trouble")),
                ("next_at", models.DateTimeField(blank=True, null=True, verbose_name="next try")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "gateway_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="comparisons",
                        to="payments.gatewayaccount",
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
                "verbose_name": "comparison with Zoho",
                "verbose_name_plural": "comparisons with Zoho",
                "ordering": ["-as_of", "gateway_account_id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_at__isnull", False)), fields=["next_at"], name="zoho_comparison_due"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("gateway_account", "as_of"), name="zoho_comparison_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "complete"), _negated=True),
                            ("finished_at__isnull", False),
                            _connector="OR",
                        ),
                        name="zoho_comparison_finished",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ZohoDiscrepancy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("subscription_state", "state of a subscription"),
                            ("subscription_not_here", "subscription only at Zoho"),
                            ("subscription_not_there", "subscription only here"),
                            ("invoice_state", "state or open amount of an invoice"),
                            ("invoice_total", "total of an invoice"),
                            ("invoice_not_here", "invoice only at Zoho"),
                            ("invoice_not_there", "invoice only here"),
                            ("payment_state", "state or amount of a payment"),
                            ("payment_not_here", "payment only at Zoho"),
                            ("payment_not_there", "payment only here"),
                            ("customer", "name or address of a customer"),
                        ],
                        max_length=24,
                        verbose_name="what",
                    ),
                ),
                ("subject", models.CharField(max_length=80)),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                (
                    "amount",
                    billing.money.AmountField(decimal_places=2, default=0, max_digits=14, verbose_name="amount"),
                ),
                ("ours", models.JSONField(default=dict, verbose_name="here")),
                ("theirs", models.JSONField(default=dict, verbose_name="at Zoho")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("seen", "just seen"),
                            ("open", "open"),
                            ("correcting", "being corrected"),
                            ("explained", "explained"),
                            ("resolved", "resolved"),
                        ],
                        default="seen",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("timing", "comes later"),
                            ("processor_error", "mistake of the processor; claimed there"),
                            ("our_error", "mistake of ours; corrected elsewhere"),
                            ("reserve", "held back as a reserve"),
                            ("fee", "a fee agreed besides"),
                            ("other", "another reason"),
                        ],
                        max_length=16,
                        verbose_name="reason",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=400, verbose_name="explanation")),
                ("explained_at", models.DateTimeField(blank=True, null=True, verbose_name="explained at")),
                ("first_seen_at", models.DateTimeField(verbose_name="first seen")),
                ("seen_at", models.DateTimeField(verbose_name="last seen")),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="resolved at")),
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
                    "bill",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.zohoinvoice",
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
                    "errand",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.zohoerrand",
                    ),
                ),
                (
                    "explained_by",
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
                    "gateway_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="zoho_discrepancies",
                        to="payments.gatewayaccount",
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
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.zohosubscription",
                    ),
                ),
                (
                    "told",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.zohoerrand",
                    ),
                ),
                (
                    "zoho_payment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="payments.zohopayment",
                    ),
                ),
            ],
            options={
                "verbose_name": "difference to Zoho",
                "verbose_name_plural": "differences to Zoho",
                "ordering": ["first_seen_at", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "resolved"), _negated=True),
                        fields=["organization", "first_seen_at"],
                        name="zoho_discrepancy_standing",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "resolved"), _negated=True),
                        fields=("gateway_account", "kind", "subject"),
                        name="zoho_discrepancy_once",
                    ),
                    models.CheckConstraint(condition=models.Q(("amount__gte", 0)), name="zoho_discrepancy_amount"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at__isnull", False), ("state", "resolved")),
                            models.Q(models.Q(("state", "resolved"), _negated=True), ("closed_at__isnull", True)),
                            _connector="OR",
                        ),
                        name="zoho_discrepancy_closed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "explained"), _negated=True),
                            models.Q(
                                ("explained_at__isnull", False),
                                ("explained_by__isnull", False),
                                models.Q(("reason_code", ""), _negated=True),
                                models.Q(("note", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="zoho_discrepancy_explained",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "correcting"), _negated=True), ("errand__isnull", False), _connector="OR"
                        ),
                        name="zoho_discrepancy_corrected_by",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
