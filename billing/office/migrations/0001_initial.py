"""What every table of ours leans on: extensions, the currency's exponent, and the three guards.

office_append_only   no UPDATE, DELETE or TRUNCATE
office_frozen        no DELETE; UPDATE only of the columns named as arguments
office_audit         writes each changed row to the audit trail; arguments are columns whose content is not copied
"""

import django.contrib.auth.models
import django.contrib.auth.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension
from django.db import migrations, models

import billing.money

SQL = """
CREATE FUNCTION money_exponent(currency text) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN currency IN ('TWD', 'JPY', 'KRW') THEN 0 ELSE 2 END $$;

CREATE FUNCTION money_fits(amount numeric, currency text) RETURNS bool LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT amount IS NULL OR (amount <> 'NaN'::numeric AND amount = round(amount, money_exponent(currency))) $$;

CREATE FUNCTION office_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23514', CONSTRAINT = 'append_only';
END $$;

CREATE FUNCTION office_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'rows of % are never deleted', TG_TABLE_NAME USING ERRCODE = '23514', CONSTRAINT = 'never_deleted';
  END IF;
  IF (to_jsonb(OLD) - TG_ARGV::text[]) IS DISTINCT FROM (to_jsonb(NEW) - TG_ARGV::text[]) THEN
    RAISE EXCEPTION '% %: only % may change', TG_TABLE_NAME, OLD.id, TG_ARGV
      USING ERRCODE = '23514', CONSTRAINT = 'frozen_column';
  END IF;
  RETURN NEW;
END $$;

CREATE FUNCTION office_protect_append_only(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION office_append_only()', target);
  EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION office_append_only()', target);
END $$;

CREATE FUNCTION office_protect_frozen(target regclass, VARIADIC may_change text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER frozen BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION office_frozen(%s)',
    target, (SELECT string_agg(quote_literal(c), ',') FROM unnest(may_change) c));
  EXECUTE format('CREATE TRIGGER frozen_whole BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION office_append_only()', target);
END $$;
"""

UNDO = """
DROP FUNCTION office_protect_frozen(regclass, VARIADIC text[]);
DROP FUNCTION office_protect_append_only(regclass);
DROP FUNCTION office_frozen();
DROP FUNCTION office_append_only();
DROP FUNCTION money_fits(numeric, text);
DROP FUNCTION money_exponent(text);
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        BtreeGistExtension(),
        TrigramExtension(),
        migrations.RunSQL(SQL, UNDO),
        migrations.CreateModel(
            name="User",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                (
                    "username",
                    models.CharField(
                        error_messages={"unique": "A user with that username already exists."},
                        help_text="Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.",
                        max_length=150,
                        unique=True,
                        validators=[django.contrib.auth.validators.UnicodeUsernameValidator()],
                        verbose_name="username",
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=150, verbose_name="first name")),
                ("last_name", models.CharField(blank=True, max_length=150, verbose_name="last name")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="email address")),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False,
                        help_text="Designates whether the user can log into this admin site.",
                        verbose_name="staff status",
                    ),
                ),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Designates whether this user should be treated as active. Unselect this instead of deleting accounts.",
                        verbose_name="active",
                    ),
                ),
                ("date_joined", models.DateTimeField(default=django.utils.timezone.now, verbose_name="date joined")),
                (
                    "language",
                    models.CharField(
                        choices=[("en", "English"), ("zh-hant", "繁體中文")],
                        default="en",
                        max_length=10,
                        verbose_name="language",
                    ),
                ),
                ("phone", models.CharField(blank=True, max_length=40, verbose_name="phone")),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
            },
            managers=[
                ("objects", django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("xid", models.CharField(editable=False, max_length=20)),
                ("position", models.BigIntegerField(null=True, unique=True)),
                ("row_count", models.IntegerField(null=True)),
                ("previous", models.BinaryField(null=True)),
                ("digest", models.BinaryField(null=True)),
                ("sealed_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("position__isnull", True)), fields=["xid"], name="audit_seal_open")
                ],
            },
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("parent", "parent"),
                            ("teacher", "teacher"),
                            ("clerk", "AR clerk"),
                            ("supervisor", "AR supervisor"),
                            ("manager", "manager"),
                            ("finance_manager", "finance manager"),
                            ("accountant", "accountant"),
                            ("school_admin", "school admin"),
                            ("platform_admin", "platform admin"),
                        ],
                        max_length=20,
                    ),
                ),
                ("action", models.CharField(max_length=60)),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("do", "may do alone"),
                            ("make", "makes a request"),
                            ("check", "approves another's request"),
                            ("read", "reads"),
                            ("own_read", "reads own"),
                            ("own", "acts on own"),
                            ("system", "by the system"),
                        ],
                        max_length=10,
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("role", "action"), name="grant_once")],
            },
        ),
        migrations.CreateModel(
            name="Organization",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.SlugField(max_length=40, unique=True, verbose_name="code")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("local_name", models.CharField(blank=True, max_length=120, verbose_name="name in Chinese")),
                ("logo", models.ImageField(blank=True, upload_to="logos/", verbose_name="logo")),
                ("address", models.TextField(blank=True, verbose_name="address")),
                ("local_address", models.TextField(blank=True, verbose_name="address in Chinese")),
                ("tax_id", models.CharField(blank=True, max_length=40, verbose_name="tax id")),
                ("phone", models.CharField(blank=True, max_length=40, verbose_name="phone")),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("website", models.CharField(blank=True, max_length=120, verbose_name="website")),
                ("currency", billing.money.CurrencyField(max_length=3, verbose_name="currency")),
                (
                    "country",
                    models.CharField(help_text="ISO 3166 code, for example US", max_length=2, verbose_name="country"),
                ),
                ("time_zone", models.CharField(max_length=64, verbose_name="time zone")),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "organization",
                "verbose_name_plural": "organizations",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("currency__regex", "^[A-Z]{3}$")), name="organization_currency_is_iso"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiClient",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("token_prefix", models.CharField(max_length=12, verbose_name="token starts with")),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires at")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="revoked at")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "user",
                    models.ForeignKey(
                        help_text="The acting user; its roles rule.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_clients",
                        to="office.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "API client",
                "verbose_name_plural": "API clients",
            },
        ),
        migrations.CreateModel(
            name="NumberSeries",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("series", models.CharField(max_length=8)),
                ("period", models.CharField(max_length=10)),
                ("last", models.BigIntegerField(default=0)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "series", "period"), name="number_series_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40, verbose_name="kind")),
                ("fact", models.CharField(max_length=80, verbose_name="fact")),
                ("party", models.BigIntegerField(blank=True, db_index=True, null=True, verbose_name="customer")),
                (
                    "channel",
                    models.CharField(
                        choices=[("email", "e-mail"), ("office", "office inbox")], max_length=10, verbose_name="channel"
                    ),
                ),
                ("recipient", models.CharField(max_length=254, verbose_name="to")),
                ("language", models.CharField(default="en", max_length=10, verbose_name="language")),
                ("subject", models.CharField(max_length=200, verbose_name="subject")),
                ("body", models.TextField(verbose_name="text")),
                ("attachment", models.CharField(blank=True, max_length=80, verbose_name="attachment")),
                (
                    "state",
                    models.CharField(
                        choices=[("queued", "waiting"), ("sent", "sent"), ("failed", "given up")],
                        default="queued",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("next_try_at", models.DateTimeField(verbose_name="next try at")),
                ("queued_at", models.DateTimeField(verbose_name="written at")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                ("trouble", models.CharField(blank=True, max_length=400, verbose_name="trouble")),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.organization"
                    ),
                ),
            ],
            options={
                "verbose_name": "notice",
                "verbose_name_plural": "notices",
                "indexes": [
                    models.Index(condition=models.Q(("state", "queued")), fields=["next_try_at"], name="notice_due")
                ],
                "constraints": [models.UniqueConstraint(fields=("kind", "fact"), name="notice_once")],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("parent", "parent"),
                            ("teacher", "teacher"),
                            ("clerk", "AR clerk"),
                            ("supervisor", "AR supervisor"),
                            ("manager", "manager"),
                            ("finance_manager", "finance manager"),
                            ("accountant", "accountant"),
                            ("school_admin", "school admin"),
                            ("platform_admin", "platform admin"),
                        ],
                        max_length=20,
                        verbose_name="role",
                    ),
                ),
                ("granted_at", models.DateTimeField(auto_now_add=True)),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True, verbose_name="withdrawn at")),
                (
                    "granted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="office.organization",
                        verbose_name="organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "membership",
                "verbose_name_plural": "memberships",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("withdrawn_at__isnull", True)),
                        fields=("user", "organization", "role"),
                        name="membership_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="at")),
                ("table_name", models.CharField(max_length=63, verbose_name="table")),
                ("row_id", models.BigIntegerField(verbose_name="row")),
                ("operation", models.CharField(max_length=6, verbose_name="what")),
                ("before", models.JSONField(null=True, verbose_name="before")),
                ("after", models.JSONField(null=True, verbose_name="after")),
                ("actor", models.CharField(blank=True, max_length=80, verbose_name="who")),
                ("origin", models.CharField(blank=True, max_length=80, verbose_name="from where")),
                ("reason", models.CharField(blank=True, max_length=400, verbose_name="why")),
                (
                    "seal",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="entries", to="office.auditseal"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="office.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit trail",
                "indexes": [models.Index(fields=["table_name", "row_id"], name="audit_of_row")],
            },
        ),
        migrations.CreateModel(
            name="ApprovalRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("action", models.CharField(max_length=60, verbose_name="action")),
                ("subject", models.CharField(db_index=True, max_length=80, verbose_name="subject")),
                ("title", models.CharField(max_length=200, verbose_name="title")),
                ("shown", models.JSONField(verbose_name="shown")),
                ("shown_hash", models.CharField(max_length=64)),
                (
                    "amount",
                    billing.money.AmountField(
                        blank=True, decimal_places=2, max_digits=14, null=True, verbose_name="amount"
                    ),
                ),
                ("currency", billing.money.CurrencyField(blank=True, max_length=3, verbose_name="currency")),
                ("reason", models.CharField(max_length=400, verbose_name="reason")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "waiting"),
                            ("approved", "approved"),
                            ("rejected", "rejected"),
                            ("withdrawn", "withdrawn"),
                            ("used", "carried out"),
                        ],
                        default="requested",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("requested_at", models.DateTimeField(verbose_name="asked at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("decided_at", models.DateTimeField(blank=True, null=True, verbose_name="decided at")),
                (
                    "decision_reason",
                    models.CharField(blank=True, max_length=400, verbose_name="reason of the decision"),
                ),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
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
                "verbose_name": "approval request",
                "verbose_name_plural": "approval requests",
                "indexes": [models.Index(fields=["organization", "state", "-id"], name="approval_inbox")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by__isnull", True),
                            models.Q(("decided_by", models.F("requested_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="approval_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["requested", "withdrawn"]), ("decided_by__isnull", False), _connector="OR"
                        ),
                        name="approval_decision_has_decider",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "requested")),
                        fields=("subject", "action"),
                        name="approval_asked_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255)),
                ("body_hash", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField()),
                ("answer", models.JSONField()),
                ("made_at", models.DateTimeField()),
                (
                    "client",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="office.apiclient"
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
                "constraints": [models.UniqueConstraint(fields=("organization", "key"), name="api_request_once")],
            },
        ),
        migrations.CreateModel(
            name="PolicySetting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("system", "system"),
                            ("organization", "organization"),
                            ("provider", "provider"),
                            ("customer", "customer"),
                            ("agreement", "agreement"),
                        ],
                        max_length=12,
                        verbose_name="scope",
                    ),
                ),
                ("scope_key", models.BigIntegerField(default=0, verbose_name="scope key")),
                ("key", models.CharField(max_length=80, verbose_name="setting")),
                ("value", models.JSONField(null=True, verbose_name="value")),
                ("reason", models.CharField(blank=True, max_length=200, verbose_name="reason")),
                ("set_at", models.DateTimeField(verbose_name="set at")),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="office.organization",
                    ),
                ),
                (
                    "set_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="set by",
                    ),
                ),
            ],
            options={
                "verbose_name": "policy setting",
                "verbose_name_plural": "policy settings",
                "indexes": [
                    models.Index(fields=["organization", "scope", "scope_key", "key", "-id"], name="policy_newest")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("organization__isnull", True), ("scope", "system")),
                            models.Q(models.Q(("scope", "system"), _negated=True), ("organization__isnull", False)),
                            _connector="OR",
                        ),
                        name="policy_scope_has_organization",
                    )
                ],
            },
        ),
    ]
