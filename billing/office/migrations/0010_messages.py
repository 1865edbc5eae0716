"""Messages by several channels: the outbox with what became of them, wordings, dead addresses."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from billing.office.matrix import cells

SQL = """
UPDATE office_notice SET prepared_at = queued_at WHERE state <> 'queued';
SELECT office_protect_append_only('office_wording');
SELECT office_protect_append_only('office_noticeevent');
SELECT office_protect_frozen('office_deadaddress', 'cleared_at', 'cleared_by_id');
SELECT office_audit_table('office_wording');
SELECT office_audit_table('office_deadaddress');
"""


def fill_matrix(apps, schema_editor):
    grant = apps.get_model("office", "Grant")
    known = set(grant.objects.values_list("role", "action", "mode"))
    grant.objects.bulk_create(
        grant(role=role, action=action, mode=mode)
        for role, action, mode in cells()
        if (role, action, mode) not in known
    )


class Migration(migrations.Migration):
    dependencies = [
        ("office", "0009_rights"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeadAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("email", "e-mail"),
                            ("sms", "SMS"),
                            ("whatsapp", "WhatsApp"),
                            ("office", "office inbox"),
                        ],
                        max_length=10,
                        verbose_name="channel",
                    ),
                ),
                ("address", models.CharField(max_length=254, verbose_name="address")),
                ("since", models.DateTimeField(verbose_name="since")),
                ("reason", models.CharField(blank=True, max_length=400, verbose_name="reason")),
                ("cleared_at", models.DateTimeField(blank=True, null=True, verbose_name="tried again since")),
            ],
            options={
                "verbose_name": "dead address",
                "verbose_name_plural": "dead addresses",
            },
        ),
        migrations.CreateModel(
            name="NoticeEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("carrier", models.CharField(max_length=40, verbose_name="from")),
                ("event_id", models.CharField(max_length=200)),
                ("ref", models.CharField(blank=True, max_length=200, verbose_name="reference")),
                (
                    "news",
                    models.CharField(
                        choices=[
                            ("sent", "sent"),
                            ("delivered", "delivered"),
                            ("read", "read"),
                            ("soft", "not delivered yet"),
                            ("failed", "not delivered"),
                            ("bounced", "came back"),
                        ],
                        max_length=10,
                        verbose_name="news",
                    ),
                ),
                ("is_address", models.BooleanField(default=False)),
                ("reason", models.CharField(blank=True, max_length=400, verbose_name="reason")),
                ("occurred_at", models.DateTimeField(verbose_name="happened at")),
                ("received_at", models.DateTimeField(verbose_name="received at")),
            ],
            options={
                "verbose_name": "news of a notice",
                "verbose_name_plural": "news of notices",
            },
        ),
        migrations.CreateModel(
            name="Wording",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40, verbose_name="kind")),
                (
                    "channel",
                    models.CharField(
                        choices=[
                            ("email", "e-mail"),
                            ("sms", "SMS"),
                            ("whatsapp", "WhatsApp"),
                            ("office", "office inbox"),
                        ],
                        max_length=10,
                        verbose_name="channel",
                    ),
                ),
                ("language", models.CharField(max_length=10, verbose_name="language")),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("subject", models.CharField(blank=True, max_length=200, verbose_name="subject")),
                ("body", models.TextField(blank=True, verbose_name="text")),
                ("registered_as", models.CharField(blank=True, max_length=80, verbose_name="registered as")),
                ("set_at", models.DateTimeField(verbose_name="set at")),
            ],
            options={
                "verbose_name": "wording",
                "verbose_name_plural": "wordings",
            },
        ),
        migrations.RemoveConstraint(
            model_name="notice",
            name="notice_once",
        ),
        migrations.RemoveIndex(
            model_name="notice",
            name="notice_due",
        ),
        migrations.AddField(
            model_name="notice",
            name="bounced_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="came back at"),
        ),
        migrations.AddField(
            model_name="notice",
            name="carrier",
            field=models.CharField(blank=True, max_length=40, verbose_name="carried by"),
        ),
        migrations.AddField(
            model_name="notice",
            name="carrier_ref",
            field=models.CharField(blank=True, max_length=120, verbose_name="reference"),
        ),
        migrations.AddField(
            model_name="notice",
            name="delivered_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="delivered at"),
        ),
        migrations.AddField(
            model_name="notice",
            name="digest",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged",
                to="office.notice",
                verbose_name="told in",
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="is_doubtful",
            field=models.BooleanField(default=False, verbose_name="may have been sent twice"),
        ),
        migrations.AddField(
            model_name="notice",
            name="original",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="copies",
                to="office.notice",
                verbose_name="sent before as",
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="prepared_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="notice",
            name="read_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="read at"),
        ),
        migrations.AddField(
            model_name="notice",
            name="relation",
            field=models.CharField(
                blank=True,
                choices=[("also", "also by another channel"), ("again", "sent again")],
                max_length=10,
                verbose_name="relation",
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="values",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AlterField(
            model_name="notice",
            name="channel",
            field=models.CharField(
                choices=[("email", "e-mail"), ("sms", "SMS"), ("whatsapp", "WhatsApp"), ("office", "office inbox")],
                max_length=10,
                verbose_name="channel",
            ),
        ),
        migrations.AlterField(
            model_name="notice",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "waiting"),
                    ("unknown", "outcome unknown"),
                    ("sent", "sent"),
                    ("delivered", "delivered"),
                    ("read", "read"),
                    ("bounced", "came back"),
                    ("failed", "given up"),
                    ("merged", "told in a digest"),
                    ("withheld", "not sent"),
                ],
                default="queued",
                max_length=10,
                verbose_name="state",
            ),
        ),
        migrations.AddField(
            model_name="deadaddress",
            name="cleared_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="deadaddress",
            name="notice",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.notice"
            ),
        ),
        migrations.AddField(
            model_name="deadaddress",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="noticeevent",
            name="notice",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="events",
                to="office.notice",
            ),
        ),
        migrations.AddField(
            model_name="wording",
            name="organization",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
            ),
        ),
        migrations.AddField(
            model_name="wording",
            name="set_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="set by",
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="wording",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="office.wording",
                verbose_name="wording",
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "unknown"])), fields=["next_try_at"], name="notice_due"
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(
                condition=models.Q(("carrier_ref", ""), _negated=True),
                fields=["carrier", "carrier_ref"],
                name="notice_by_reference",
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["organization", "state", "-id"], name="notice_by_state"),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("original__isnull", True)), fields=("kind", "fact"), name="notice_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(
                condition=models.Q(("relation", "also")), fields=("original", "channel"), name="notice_channel_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("original__isnull", True), ("relation", "")),
                    models.Q(("original__isnull", False), models.Q(("relation", ""), _negated=True)),
                    _connector="OR",
                ),
                name="notice_original_has_relation",
            ),
        ),
        migrations.AddConstraint(
            model_name="deadaddress",
            constraint=models.UniqueConstraint(
                condition=models.Q(("cleared_at__isnull", True)),
                fields=("organization", "channel", "address"),
                name="dead_address_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="noticeevent",
            constraint=models.UniqueConstraint(fields=("carrier", "event_id"), name="notice_event_once"),
        ),
        migrations.AddConstraint(
            model_name="wording",
            constraint=models.UniqueConstraint(
                fields=("organization", "kind", "channel", "language", "version"), name="wording_version_once"
            ),
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
        migrations.RunPython(fill_matrix, migrations.RunPython.noop),
    ]
