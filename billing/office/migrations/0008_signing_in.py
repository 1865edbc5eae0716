"""Second factors, where users are signed in, links mailed to them; a link in the outbox is sealed."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import billing.office.secrets

GUARDS = """
SELECT office_protect_frozen('office_signin', 'session_key', 'seen_at', 'proven_at', 'ended_at', 'end');
SELECT office_protect_frozen('office_accountlink', 'used_at', 'voided_at');
SELECT office_audit_table('office_authenticator', 'key');
SELECT office_audit_table('office_recoveryset');
SELECT office_audit_table('office_recoverycode', 'code_hash');
SELECT office_audit_table('office_accountlink', 'token_hash');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("office", "0007_match_actions"),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="link",
            field=billing.office.secrets.EncryptedTextField(blank=True, default=""),
        ),
        migrations.CreateModel(
            name="RecoverySet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The human-readable name of this device.", max_length=64)),
                ("confirmed", models.BooleanField(default=True, help_text="Is this device ready for use?")),
                (
                    "throttling_failure_timestamp",
                    models.DateTimeField(
                        blank=True,
                        default=None,
                        help_text="A timestamp of the last failed verification attempt. Null if last attempt succeeded.",
                        null=True,
                    ),
                ),
                (
                    "throttling_failure_count",
                    models.PositiveIntegerField(default=0, help_text="Number of successive failed attempts."),
                ),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "recovery codes",
                "verbose_name_plural": "recovery codes",
            },
        ),
        migrations.CreateModel(
            name="RecoveryCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code_hash", models.CharField(max_length=64)),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used at")),
                (
                    "recovery_set",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="codes", to="office.recoveryset"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session_key", models.CharField(max_length=40, null=True, unique=True)),
                ("device_hash", models.CharField(max_length=64)),
                ("user_agent", models.CharField(blank=True, max_length=255, verbose_name="browser")),
                ("address", models.GenericIPAddressField(blank=True, null=True, verbose_name="from where")),
                ("signed_in_at", models.DateTimeField(verbose_name="signed in at")),
                ("seen_at", models.DateTimeField(verbose_name="last seen at")),
                ("proven_at", models.DateTimeField(blank=True, null=True, verbose_name="second factor at")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended at")),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("signed_out", "signed out"),
                            ("by_user", "ended from another device"),
                            ("password", "the password was changed"),
                            ("second_factor", "the second factor was changed"),
                            ("withdrawn", "a role was withdrawn"),
                            ("deactivated", "the login was switched off"),
                        ],
                        max_length=20,
                        verbose_name="why it ended",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="sign_ins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "sign-in",
                "verbose_name_plural": "sign-ins",
            },
        ),
        migrations.CreateModel(
            name="AccountLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("password", "new password"), ("address", "new e-mail address")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("recipient", models.CharField(max_length=254, verbose_name="to")),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("asked_from", models.GenericIPAddressField(blank=True, null=True, verbose_name="from where")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used at")),
                ("voided_at", models.DateTimeField(blank=True, null=True, verbose_name="void since")),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "mailed link",
                "verbose_name_plural": "mailed links",
                "indexes": [
                    models.Index(fields=["recipient", "-asked_at"], name="account_link_to"),
                    models.Index(fields=["asked_from", "-asked_at"], name="account_link_from"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Authenticator",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="The human-readable name of this device.", max_length=64)),
                ("confirmed", models.BooleanField(default=True, help_text="Is this device ready for use?")),
                (
                    "throttling_failure_timestamp",
                    models.DateTimeField(
                        blank=True,
                        default=None,
                        help_text="A timestamp of the last failed verification attempt. Null if last attempt succeeded.",
                        null=True,
                    ),
                ),
                (
                    "throttling_failure_count",
                    models.PositiveIntegerField(default=0, help_text="Number of successive failed attempts."),
                ),
                ("key", billing.office.secrets.EncryptedTextField()),
                ("drift", models.SmallIntegerField(default=0)),
                ("last_step", models.BigIntegerField(default=-1)),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "authenticator",
                "verbose_name_plural": "authenticators",
                "constraints": [models.UniqueConstraint(fields=("user", "confirmed"), name="authenticator_once")],
            },
        ),
        migrations.AddConstraint(
            model_name="recoveryset",
            constraint=models.UniqueConstraint(fields=("user",), name="recovery_set_once"),
        ),
        migrations.AddConstraint(
            model_name="recoverycode",
            constraint=models.UniqueConstraint(fields=("recovery_set", "code_hash"), name="recovery_code_once"),
        ),
        migrations.AddIndex(
            model_name="signin",
            index=models.Index(fields=["user", "-id"], name="sign_in_of_user"),
        ),
        migrations.AddConstraint(
            model_name="signin",
            constraint=models.CheckConstraint(
                condition=models.Q(("session_key__isnull", True), ("ended_at__isnull", True), _connector="OR"),
                name="sign_in_ended_has_no_session",
            ),
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),  # the tables take their triggers with them
    ]
