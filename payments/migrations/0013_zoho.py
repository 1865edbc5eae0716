"""Agreements that Zoho Billing bills and charges, and what they promise whatever program writes to them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import billing.models.constraints
import billing.money

SQL = """
ALTER TABLE payments_zohocustomer ADD CONSTRAINT zoho_customer_is_the_same UNIQUE (id, gateway_account_id),
  ADD CONSTRAINT zoho_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id),
  ADD CONSTRAINT zoho_customer_account_of_organization FOREIGN KEY (gateway_account_id, organization_id)
    REFERENCES payments_gatewayaccount (id, organization_id);
ALTER TABLE payments_zohosubscription ADD CONSTRAINT zoho_subscription_is_the_same UNIQUE (id, gateway_account_id),
  ADD CONSTRAINT zoho_subscription_agreement_of_organization FOREIGN KEY (agreement_id, organization_id)
    REFERENCES billing_agreement (id, organization_id),
  ADD CONSTRAINT zoho_subscription_payer_at_account FOREIGN KEY (payer_id, gateway_account_id)
    REFERENCES payments_zohocustomer (id, gateway_account_id);
ALTER TABLE payments_zohoinvoice ADD CONSTRAINT zoho_invoice_at_account FOREIGN KEY (subscription_id, gateway_account_id)
  REFERENCES payments_zohosubscription (id, gateway_account_id);
ALTER TABLE payments_zohopayment ADD CONSTRAINT zoho_payment_at_account FOREIGN KEY (subscription_id, gateway_account_id)
  REFERENCES payments_zohosubscription (id, gateway_account_id);

-- Invariant 35: who chases alone charges. FOR SHARE, so that the owner cannot change before this is committed.
CREATE FUNCTION payments_zoho_charges_it() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE owner text;
BEGIN
  SELECT a.dunning_owner INTO owner FROM billing_invoice i JOIN billing_agreement a ON a.id = i.agreement_id
    WHERE i.id = NEW.invoice_id FOR SHARE OF a;
  IF owner = 'zoho' THEN
    RAISE EXCEPTION 'invoice % is charged by Zoho', NEW.invoice_id
      USING ERRCODE = '23514', CONSTRAINT = 'zoho_charges_it';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER zoho_charges_it BEFORE INSERT ON payments_attemptclaim FOR EACH ROW
  EXECUTE FUNCTION payments_zoho_charges_it();
CREATE FUNCTION payments_zoho_waits_for_charges() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM payments_attemptclaim c JOIN payments_paymentattempt t ON t.id = c.attempt_id
             JOIN billing_invoice i ON i.id = c.invoice_id
             WHERE i.agreement_id = NEW.id AND c.holds AND t.state IN ('created', 'sent', 'pending', 'unknown')) THEN
    RAISE EXCEPTION 'agreement % has a charge under way', NEW.id
      USING ERRCODE = '23514', CONSTRAINT = 'zoho_waits_for_charges';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER zoho_waits_for_charges BEFORE UPDATE ON billing_agreement FOR EACH ROW
  WHEN (NEW.dunning_owner = 'zoho' AND OLD.dunning_owner <> 'zoho')
  EXECUTE FUNCTION payments_zoho_waits_for_charges();

-- Requirements §2 row 9: one of us bills an agreement.
CREATE FUNCTION payments_zoho_bills_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT backend FROM billing_agreement WHERE id = NEW.agreement_id FOR SHARE) <> 'zoho' THEN
    RAISE EXCEPTION 'agreement % is billed here', NEW.agreement_id
      USING ERRCODE = '23514', CONSTRAINT = 'zoho_bills_it';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER zoho_bills_it BEFORE INSERT ON payments_zohosubscription FOR EACH ROW
  EXECUTE FUNCTION payments_zoho_bills_it();
CREATE FUNCTION payments_zoho_still_bills() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM payments_zohosubscription WHERE agreement_id = NEW.id AND ended_at IS NULL) THEN
    RAISE EXCEPTION 'agreement % is still billed by Zoho', NEW.id
      USING ERRCODE = '23514', CONSTRAINT = 'zoho_still_bills';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER zoho_still_bills BEFORE UPDATE ON billing_agreement FOR EACH ROW
  WHEN (OLD.backend = 'zoho' AND NEW.backend <> 'zoho') EXECUTE FUNCTION payments_zoho_still_bills();

SELECT office_protect_frozen('payments_zohocustomer', 'remote_id', 'told');
SELECT office_protect_frozen('payments_zohosubscription', 'remote_id', 'status', 'collects', 'last4', 'term_ends_on',
  'next_billing_on', 'cancelled_on', 'page_id', 'page_url', 'page_until', 'method_url', 'method_until', 'asked',
  'taken', 'read_at', 'due_at', 'ended_at', 'ended_here', 'trouble');
SELECT office_protect_frozen('payments_zohoinvoice', 'status', 'balance', 'debit_under_way', 'expected_on', 'trouble',
  'read_at');
SELECT office_protect_frozen('payments_zohopayment', 'payment_id', 'recorded_id', 'status', 'refunded_amount', 'trouble', 'read_at');
SELECT office_protect_frozen('payments_zohorefund', 'refund_id', 'trouble');
SELECT office_protect_frozen('payments_zohoerrand', 'state', 'tries', 'is_unsure', 'absences', 'next_at', 'trouble',
  'result', 'done_at');
SELECT office_audit_table(t::regclass) FROM unnest(ARRAY['payments_zohocustomer', 'payments_zohoinvoice',
  'payments_zohopayment', 'payments_zohorefund', 'payments_zohoerrand']) AS t;
SELECT office_audit_table('payments_zohosubscription', 'page_id', 'page_url', 'method_url');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_dunning_owner"),
        ("ledger", "0005_processors"),
        ("office", "0005_agreement_actions"),
        ("payments", "0012_webhooks_and_days"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ZohoCustomer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=20, unique=True)),
                ("remote_id", models.CharField(blank=True, max_length=60, verbose_name="customer there")),
                ("told", models.CharField(blank=True, max_length=30)),
            ],
            options={
                "verbose_name": "customer at Zoho",
                "verbose_name_plural": "customers at Zoho",
            },
        ),
        migrations.CreateModel(
            name="ZohoErrand",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("start", "page to subscribe"),
                            ("method", "page for another card"),
                            ("cancel", "cancel at once"),
                            ("cancel_at_end", "cancel at the end of the term"),
                            ("reactivate", "go on after all"),
                            ("record", "record a payment"),
                            ("tell_crm", "tell CRM"),
                        ],
                        max_length=14,
                        verbose_name="what",
                    ),
                ),
                ("key", models.CharField(max_length=20, unique=True)),
                ("facts", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("done", "done"),
                            ("person", "for a person"),
                            ("dropped", "no longer wanted"),
                        ],
                        default="waiting",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("is_unsure", models.BooleanField(default=False)),
                ("absences", models.PositiveSmallIntegerField(default=0)),
                ("next_at", models.DateTimeField(blank=True, null=True, verbose_name="next try")),
                ("trouble", models.CharField(blank=True, max_length=300, verbose_name="trouble")),
                ("result", models.CharField(blank=True, max_length=200, verbose_name="what came of it")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                ("done_at", models.DateTimeField(blank=True, null=True, verbose_name="done at")),
            ],
            options={
                "verbose_name": "errand at Zoho",
                "verbose_name_plural": "errands at Zoho",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ZohoInvoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("remote_id", models.CharField(max_length=60, verbose_name="invoice there")),
                ("number", models.CharField(max_length=40, verbose_name="number there")),
                ("status", models.CharField(max_length=20, verbose_name="state there")),
                ("balance", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="open there")),
                ("debit_under_way", models.BooleanField(default=False, verbose_name="bank debit under way")),
                ("expected_on", models.DateField(blank=True, null=True, verbose_name="expected")),
                ("trouble", models.CharField(blank=True, max_length=300, verbose_name="difference")),
                ("read_at", models.DateTimeField(verbose_name="read")),
            ],
            options={
                "verbose_name": "invoice at Zoho",
                "verbose_name_plural": "invoices at Zoho",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ZohoPayment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("remote_id", models.CharField(max_length=60, verbose_name="payment there")),
                ("mode", models.CharField(max_length=30, verbose_name="way there")),
                ("status", models.CharField(max_length=20, verbose_name="state there")),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                ("amount", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="amount")),
                (
                    "refunded_amount",
                    billing.money.AmountField(
                        decimal_places=2, default=0, max_digits=14, verbose_name="refunded there"
                    ),
                ),
                ("gateway_ref", models.CharField(blank=True, max_length=80, verbose_name="processor's reference")),
                ("paid_on", models.DateField(verbose_name="paid on")),
                ("trouble", models.CharField(blank=True, max_length=300, verbose_name="trouble")),
                ("read_at", models.DateTimeField(verbose_name="read")),
            ],
            options={
                "verbose_name": "payment at Zoho",
                "verbose_name_plural": "payments at Zoho",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ZohoRefund",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("remote_id", models.CharField(max_length=60, verbose_name="refund there")),
                ("amount", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="amount")),
                ("refunded_on", models.DateField(verbose_name="refunded on")),
                ("credit_note", models.CharField(blank=True, max_length=40, verbose_name="credit note there")),
                ("trouble", models.CharField(blank=True, max_length=300, verbose_name="trouble")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
            ],
            options={
                "verbose_name": "refund at Zoho",
                "verbose_name_plural": "refunds at Zoho",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ZohoSubscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=20, unique=True)),
                ("plan_code", models.CharField(max_length=60, verbose_name="plan there")),
                ("remote_id", models.CharField(blank=True, max_length=60, verbose_name="subscription there")),
                ("status", models.CharField(blank=True, max_length=30, verbose_name="state there")),
                ("collects", models.BooleanField(default=True, verbose_name="charged by Zoho")),
                ("last4", models.CharField(blank=True, max_length=4, verbose_name="ends in")),
                ("term_ends_on", models.DateField(blank=True, null=True, verbose_name="term ends")),
                ("next_billing_on", models.DateField(blank=True, null=True, verbose_name="next bill")),
                ("cancelled_on", models.DateField(blank=True, null=True, verbose_name="cancelled on")),
                ("page_id", models.CharField(blank=True, max_length=120)),
                ("page_url", models.CharField(blank=True, max_length=500)),
                ("page_until", models.DateTimeField(blank=True, null=True)),
                ("method_url", models.CharField(blank=True, max_length=500)),
                ("method_until", models.DateTimeField(blank=True, null=True)),
                ("asked", models.PositiveIntegerField(default=0)),
                ("taken", models.PositiveIntegerField(default=0)),
                ("read_at", models.DateTimeField(blank=True, null=True, verbose_name="read")),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="over since")),
                ("ended_here", models.BooleanField(default=False)),
                ("trouble", models.CharField(blank=True, max_length=300, verbose_name="trouble")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
            ],
            options={
                "verbose_name": "subscription at Zoho",
                "verbose_name_plural": "subscriptions at Zoho",
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="refund",
            name="refund_reserved_is_posted",
        ),
        migrations.AlterField(
            model_name="refund",
            name="requested_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="asked by",
            ),
        ),
        migrations.AlterField(
            model_name="refund",
            name="requested_via",
            field=models.CharField(
                choices=[
                    ("console", "office"),
                    ("parent", "customer"),
                    ("api", "other system"),
                    ("zoho", "Zoho Billing"),
                ],
                default="console",
                max_length=8,
                verbose_name="asked through",
            ),
        ),
        migrations.AlterField(
            model_name="refundattempt",
            name="sent_by",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["requested", "rejected", "withdrawn", "failed"]),
                    models.Q(("approval__isnull", False), ("entry__isnull", False)),
                    models.Q(("entry__isnull", False), ("requested_via", "zoho")),
                    _connector="OR",
                ),
                name="refund_reserved_is_posted",
            ),
        ),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("approval__isnull", True), ("requested_by__isnull", True), ("requested_via", "zoho")),
                    models.Q(models.Q(("requested_via", "zoho"), _negated=True), ("requested_by__isnull", False)),
                    _connector="OR",
                ),
                name="refund_asked_by_somebody",
            ),
        ),
        migrations.AddField(
            model_name="zohocustomer",
            name="customer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="zoho_customers",
                to="billing.customer",
                verbose_name="customer",
            ),
        ),
        migrations.AddField(
            model_name="zohocustomer",
            name="gateway_account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="zoho_customers", to="payments.gatewayaccount"
            ),
        ),
        migrations.AddField(
            model_name="zohocustomer",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="zohoerrand",
            name="gateway_account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="zoho_errands", to="payments.gatewayaccount"
            ),
        ),
        migrations.AddField(
            model_name="zohoerrand",
            name="made_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="zohoerrand",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="zohoerrand",
            name="payment",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="zoho_errands",
                to="payments.payment",
            ),
        ),
        migrations.AddField(
            model_name="zohoinvoice",
            name="gateway_account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="zoho_invoices", to="payments.gatewayaccount"
            ),
        ),
        migrations.AddField(
            model_name="zohoinvoice",
            name="invoice",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name="zoho", to="billing.invoice"
            ),
        ),
        migrations.AddField(
            model_name="zohoinvoice",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="zohoerrand",
            name="bill",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="errands",
                to="payments.zohoinvoice",
            ),
        ),
        migrations.AddField(
            model_name="zohopayment",
            name="gateway_account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="zoho_payments", to="payments.gatewayaccount"
            ),
        ),
        migrations.AddField(
            model_name="zohopayment",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="zohopayment",
            name="payment",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="zoho",
                to="payments.payment",
            ),
        ),
        migrations.AddField(
            model_name="zohopayment",
            name="recorded",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="recorded_in_zoho",
                to="payments.payment",
            ),
        ),
        migrations.AddField(
            model_name="zohorefund",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="zohorefund",
            name="refund",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="zoho",
                to="payments.refund",
            ),
        ),
        migrations.AddField(
            model_name="zohorefund",
            name="zoho_payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="refunds", to="payments.zohopayment"
            ),
        ),
        migrations.AddField(
            model_name="zohosubscription",
            name="agreement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="zoho_subscriptions", to="billing.agreement"
            ),
        ),
        migrations.AddField(
            model_name="zohosubscription",
            name="gateway_account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="zoho_subscriptions",
                to="payments.gatewayaccount",
            ),
        ),
        migrations.AddField(
            model_name="zohosubscription",
            name="made_by",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="zohosubscription",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="zohosubscription",
            name="payer",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="subscriptions", to="payments.zohocustomer"
            ),
        ),
        migrations.AddField(
            model_name="zohopayment",
            name="subscription",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="payments", to="payments.zohosubscription"
            ),
        ),
        migrations.AddField(
            model_name="zohoinvoice",
            name="subscription",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="bills", to="payments.zohosubscription"
            ),
        ),
        migrations.AddField(
            model_name="zohoerrand",
            name="subscription",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="errands",
                to="payments.zohosubscription",
            ),
        ),
        migrations.AddConstraint(
            model_name="zohocustomer",
            constraint=models.UniqueConstraint(fields=("gateway_account", "customer"), name="zoho_customer_once"),
        ),
        migrations.AddConstraint(
            model_name="zohocustomer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("remote_id", ""), _negated=True),
                fields=("gateway_account", "remote_id"),
                name="zoho_customer_id_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="zohorefund",
            constraint=models.UniqueConstraint(fields=("zoho_payment", "remote_id"), name="zoho_refund_once"),
        ),
        migrations.AddConstraint(
            model_name="zohorefund",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="zoho_refund_positive"),
        ),
        migrations.AddConstraint(
            model_name="zohorefund",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("refund__isnull", False), models.Q(("trouble", ""), _negated=True), _connector="OR"
                ),
                name="zoho_refund_mirrored_or_why",
            ),
        ),
        migrations.AddIndex(
            model_name="zohosubscription",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="zoho_subscription_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="zohosubscription",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("agreement",), name="zoho_one_running"
            ),
        ),
        migrations.AddConstraint(
            model_name="zohosubscription",
            constraint=models.UniqueConstraint(
                condition=models.Q(("remote_id", ""), _negated=True),
                fields=("gateway_account", "remote_id"),
                name="zoho_subscription_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="zohosubscription",
            constraint=models.CheckConstraint(
                condition=models.Q(("taken__lte", models.F("asked"))), name="zoho_reading_was_asked"
            ),
        ),
        migrations.AddConstraint(
            model_name="zohopayment",
            constraint=models.UniqueConstraint(fields=("gateway_account", "remote_id"), name="zoho_payment_once"),
        ),
        migrations.AddConstraint(
            model_name="zohopayment",
            constraint=models.CheckConstraint(
                condition=models.Q(("payment__isnull", True), ("recorded__isnull", True), _connector="OR"),
                name="zoho_payment_theirs_or_ours",
            ),
        ),
        migrations.AddConstraint(
            model_name="zohopayment",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 0), billing.models.constraints.MoneyFits("amount")),
                name="zoho_payment_sensible",
            ),
        ),
        migrations.AddConstraint(
            model_name="zohoinvoice",
            constraint=models.UniqueConstraint(fields=("gateway_account", "remote_id"), name="zoho_invoice_once"),
        ),
        migrations.AddConstraint(
            model_name="zohoinvoice",
            constraint=models.CheckConstraint(
                condition=models.Q(("balance__gte", 0)), name="zoho_balance_not_negative"
            ),
        ),
        migrations.AddIndex(
            model_name="zohoerrand",
            index=models.Index(
                condition=models.Q(("next_at__isnull", False)), fields=["next_at"], name="zoho_errand_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="zohoerrand",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("next_at__isnull", False), ("state", "waiting")),
                    models.Q(models.Q(("state", "waiting"), _negated=True), ("next_at__isnull", True)),
                    _connector="OR",
                ),
                name="zoho_errand_waits_for_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="zohoerrand",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "record"), _negated=True),
                    models.Q(("bill__isnull", False), ("payment__isnull", False)),
                    _connector="OR",
                ),
                name="zoho_record_is_of_a_payment",
            ),
        ),
        migrations.RunSQL(SQL),
    ]
