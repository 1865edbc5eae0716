"""How families wish to be told."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_pay_links"),
    ]

    operations = [
        migrations.CreateModel(
            name="MessagePreference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("topics", models.JSONField(blank=True, default=dict, verbose_name="channels")),
                ("wants_digest", models.BooleanField(default=True, verbose_name="one message a day")),
                ("quiet_from", models.TimeField(blank=True, null=True, verbose_name="quiet from")),
                ("quiet_until", models.TimeField(blank=True, null=True, verbose_name="quiet until")),
                ("time_zone", models.CharField(blank=True, max_length=64, verbose_name="time zone")),
                ("phone", models.CharField(blank=True, max_length=20, verbose_name="phone")),
                ("phone_confirmed_at", models.DateTimeField(blank=True, null=True, verbose_name="phone confirmed at")),
                ("new_phone", models.CharField(blank=True, max_length=20)),
                ("code_hash", models.CharField(blank=True, max_length=64)),
                ("code_sent_at", models.DateTimeField(blank=True, null=True)),
                ("code_tries", models.PositiveSmallIntegerField(default=0)),
                ("codes_sent", models.PositiveSmallIntegerField(default=0)),
                ("changed_at", models.DateTimeField(verbose_name="changed at")),
                (
                    "customer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="message_preference",
                        to="billing.customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "message preference",
                "verbose_name_plural": "message preferences",
            },
        ),
        migrations.RunSQL(
            "SELECT office_audit_table('billing_messagepreference', 'code_hash')", migrations.RunSQL.noop
        ),
    ]
