"""Credit that families set against their own invoices themselves: written once, never changed."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import billing.models.constraints
import billing.money

SQL = """
ALTER TABLE payments_credituse ADD CONSTRAINT credit_use_customer_of_organization
  FOREIGN KEY (customer_id, organization_id) REFERENCES billing_customer (id, organization_id);
SELECT office_protect_append_only('payments_credituse');
SELECT office_audit_table('payments_credituse');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0011_message_preferences"),
        ("office", "0010_messages"),
        ("payments", "0022_once"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CreditUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                ("amount", billing.money.AmountField(decimal_places=2, max_digits=14, verbose_name="amount")),
                (
                    "invoice_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("request_key", models.CharField(max_length=40)),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="billing.customer",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                "verbose_name": "use of credit",
                "verbose_name_plural": "uses of credit",
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "request_key"), name="credit_use_once"),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="credit_use_positive"),
                    models.CheckConstraint(
                        condition=billing.models.constraints.MoneyFits("amount"), name="credit_use_fits_currency"
                    ),
                ],
            },
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
