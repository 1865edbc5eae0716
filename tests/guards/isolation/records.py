"""One record of every kind for a school, to be asked for by people who may not see it.

What the services make quickly is made by them; of the rest a skeleton is enough: the probe never reads what is on it.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from django.apps import apps
from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db import IntegrityError, connection, models, transaction
from psycopg.errors import UniqueViolation

from billing.models import Customer, Invoice
from billing.office import clock
from billing.office.models import Organization, User
from billing.refusals import constraint_of
from tests import builders as b
from tests.config.console.cast import furnish
from tests.guards.isolation.addresses import PARTS, WORDS, Address

_serial = count(1)
NEVER_MADE = 2**31 - 9  # fits into every kind of key
OURS = ("office", "ledger", "billing", "payments", "receipts", "reconciliation")
CONTENT = {
    "number": "RCP", "organization": {"code": "probe", "name": "Probe", "local_name": ""}, "currency": "USD",
    "issued_at": "2026-03-01T12:00:00+00:00", "amount": "1.00", "facts": {}, "totals": [],
}  # fmt: skip
# What a check constraint or the screen wants of a skeleton beyond its type: model → field → value, or a row's model.
WANTED: dict[str, dict[str, Any]] = {
    "billing.Invitation": {
        "customer": Customer,
        "provider": None,
        "used_at": None,
        "used_by": None,
        "revoked_at": None,
        "revoked_by": None,
        "sent_at": b.NOW,
    },
    "billing.LateFee": {"fee_invoice": Invoice},
    "django_q.Failure": {"success": False},
    "ledger.GlBatch": {"state": "suspended", "trouble": "other"},
    "payments.RetryDecision": {"verdict": "person"},
    "payments.ZohoErrand": {"state": "failed"},
    "receipts.Receipt": {"content": CONTENT},
    "receipts.RefundReceipt": {"content": CONTENT},
    "receipts.IssuedPaper": {"content": CONTENT},
    "receipts.DataExport": {
        "state": "ready",
        "made_at": b.NOW,
        "expires_at": datetime(2099, 1, 1, tzinfo=UTC),
        "stored_as": "gone",
    },
    "reconciliation.MatchingRule": {"deed": "suspense", "customer": None},
    "reconciliation.Match": {"kind": "transfer", "undo_reason": ""},
    "reconciliation.Variance": {"state": "open", "cleared_why": ""},
}


class School:
    """An organization with a family, and a row of whatever it is asked for.

    ahead: payments it has taken more than others, so that its last one has a number that nobody else's has.
    """

    def __init__(self, who: str, *, ahead: int = 0) -> None:
        self.org = b.organization(who)
        self.customer: Customer = furnish(self.org, who)["customer"]
        self.boss = User.objects.get(username=f"{who}-boss")
        self._rows: dict[str, Any] = {}
        for number in range(ahead):
            self._rows["payments.Payment"] = b.pay(self.customer, Decimal(number + 1)).payment
        self.parent = b.user()
        self.customer.users.add(self.parent)

    def path(self, address: Address, **instead: Any) -> str:
        """The address for the school's record; instead: other values of its parameters."""
        values = {name: self._word(name) for name in address.names}
        return address.path(values | {address.key: self.value(address.record)} | instead)

    def _word(self, name: str) -> Any:
        return self.value(PARTS[name]) if name in PARTS else WORDS.get(name, NEVER_MADE)

    def value(self, where: str) -> Any:
        """ "app.Model" → the key of a row of the school; "app.Model.field" → what its row has there."""
        app, name, *field = where.split(".")
        row = self.row(apps.get_model(app, name))
        return getattr(row, field[0]) if field else row.pk

    def row(self, model: type[models.Model]) -> Any:
        label = model._meta.label
        if label not in self._rows:
            self._rows[label] = self._find(model) or self._skeleton(model)
        return self._rows[label]

    def _find(self, model: type[models.Model]) -> Any:
        if model is Customer:
            return self.customer
        rows = model._default_manager.order_by("pk")
        fields = {field.name: field for field in model._meta.fields}
        if "customer" in fields and (own := rows.filter(customer=self.customer).first()):
            return own
        page = admin.site._registry.get(model)
        path = getattr(page, "organization_path", "organization" if "organization" in fields else "")
        return rows.filter(**{path: self.org}).first() if path else None

    def _skeleton(self, model: type[models.Model], **more: Any) -> Any:
        values = {f.name: self._filled(f) for f in model._meta.fields if not isinstance(f, models.AutoField)}
        for name, wanted in WANTED.get(model._meta.label, {}).items():
            values[name] = self.row(wanted) if isinstance(wanted, type) else wanted
        row = model(**values | more)
        with transaction.atomic(), connection.cursor() as cursor:  # no trigger or foreign key looks at it
            cursor.execute("SET LOCAL session_replication_role = replica")
            row.save(force_insert=True)
            cursor.execute("SET LOCAL session_replication_role = origin")
        return row

    def _filled(self, field: Any) -> Any:
        if field.is_relation:
            return self._related(field)
        if field.has_default():
            return field.get_default()
        if field.null:
            return None
        return filled(field)

    def _related(self, field: Any) -> Any:
        if field.related_model is Organization:
            return self.org
        if field.null and field.name not in ("customer",):
            return None
        return self.boss if field.related_model is User else self.row(field.related_model)


class Double(School):
    """A row of every kind that is known by one and the same key, whatever a parameter takes for one: as its primary
    key, and as its number, code or reference.

    org: where its customer is another family; without it, all is of another school.
    """

    def __init__(self, key: int, org: Organization | None = None) -> None:
        self.key, self._rows = key, {}
        self.org = org or self._organization()
        self._rows["office.Organization"] = self.org
        self.boss = self.row(User)
        self.customer = self.row(Customer)

    def fill(self) -> None:
        for app in OURS:
            for model in apps.get_app_config(app).get_models():
                if model._meta.managed and model is not Organization:
                    self.row(model)

    def row(self, model: type[models.Model]) -> Any:
        label = model._meta.label
        if label not in self._rows:
            with contextlib.ExitStack() as lifted:
                while label not in self._rows:
                    self._try(model, lifted)
        return self._rows[label]

    def _try(self, model: type[models.Model], lifted: contextlib.ExitStack) -> None:
        """Nobody reads what is on it, so a check that it does not pass is lifted for the moment. Where a school has one
        alone, a family of it has none of its own.
        """
        key = model._meta.pk
        try:
            with transaction.atomic():
                self._rows[model._meta.label] = self._skeleton(model, **{key.attname: self._named(key)})
        except IntegrityError as refusal:
            if isinstance(refusal.__cause__, UniqueViolation):
                self._rows[model._meta.label] = self._find(model)
            else:
                lifted.enter_context(without(constraint_of(refusal)))

    def _organization(self) -> Organization:
        return Organization.objects.create(
            pk=self.key, code=str(self.key), name="Double", currency="USD", country="US", time_zone="America/New_York"
        )

    def _filled(self, field: Any) -> Any:
        found = super()._filled(field)
        is_name = isinstance(field, models.CharField | models.TextField | models.UUIDField) and not field.choices
        return self._named(field) if is_name and not field.is_relation and found is not None else found

    def _named(self, field: Any) -> Any:
        """The key as this column takes it. A currency and what else is as short is no name."""
        if isinstance(field, models.UUIDField):
            return UUID(int=self.key)
        if isinstance(field, models.CharField) and field.max_length and field.max_length < len(str(self.key)):
            return filled(field)
        return str(self.key) if isinstance(field, models.CharField | models.TextField) else self.key


@contextlib.contextmanager
def without(check: str) -> Iterator[None]:
    """A check constraint does not look at what is inserted meanwhile."""
    of = "FROM pg_constraint WHERE conname = %s AND contype = 'c'"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"SELECT conrelid::regclass::text, pg_get_constraintdef(oid) {of}", [check])
        table, wording = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {check}")
        yield
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {check} {wording} NOT VALID")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def filled(field: models.Field[Any, Any]) -> Any:
    """Something a column of this type takes."""
    if field.choices:
        return next(value for value, _label in field.flatchoices if value)
    if isinstance(field, models.UUIDField):
        return uuid4()
    if isinstance(field, models.FileField):
        return ""
    if isinstance(field, ArrayField):
        return []
    if isinstance(field, models.CharField | models.TextField):
        return "USD" if field.max_length == 3 else f"probe-{next(_serial)}"[-(field.max_length or 40) :]
    if isinstance(field, models.DecimalField):
        return Decimal(1)
    if isinstance(field, models.DateTimeField):
        return clock.now()
    if isinstance(field, models.DateField):
        return date(2026, 3, 1)
    if isinstance(field, models.JSONField):
        return {}
    if isinstance(field, models.BinaryField):
        return b"probe"
    return False if isinstance(field, models.BooleanField) else 1
