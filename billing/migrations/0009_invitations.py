"""Invitations to have a login for a customer or a provider."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

GUARDS = """
SELECT office_protect_frozen('billing_invitation', 'token_hash', 'sent_at', 'times_sent', 'expires_at', 'used_at',
  'used_by_id', 'revoked_at', 'revoked_by_id');
SELECT office_audit_table('billing_invitation', 'token_hash');
ALTER TABLE billing_invitation
  ADD CONSTRAINT invitation_customer_of_organization FOREIGN KEY (customer_id, organization_id)
    REFERENCES billing_customer (id, organization_id),
  ADD CONSTRAINT invitation_provider_of_organization FOREIGN KEY (provider_id, organization_id)
    REFERENCES billing_provider (id, organization_id);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_plan_requests"),
        ("office", "0008_signing_in"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail")),
                ("language", models.CharField(default="en", max_length=10, verbose_name="language")),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("invited_at", models.DateTimeField(verbose_name="invited at")),
                ("sent_at", models.DateTimeField(verbose_name="sent at")),
                ("times_sent", models.PositiveSmallIntegerField(default=1, verbose_name="times sent")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="accepted at")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="withdrawn at")),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invitations",
                        to="billing.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="invited by",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="invitations",
                        to="billing.provider",
                        verbose_name="provider",
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "used_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "invitation",
                "verbose_name_plural": "invitations",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("customer__isnull", True), ("provider__isnull", False)),
                            models.Q(("customer__isnull", False), ("provider__isnull", True)),
                            _connector="OR",
                        ),
                        name="invitation_to_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("used_at__isnull", True), ("used_by__isnull", True)),
                            models.Q(
                                ("revoked_at__isnull", True), ("used_at__isnull", False), ("used_by__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="invitation_used_by_somebody",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True), ("used_at__isnull", True)),
                        fields=("customer", "email"),
                        name="invitation_once_to_customer",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("revoked_at__isnull", True), ("used_at__isnull", True)),
                        fields=("provider", "email"),
                        name="invitation_once_to_provider",
                    ),
                ],
            },
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
