"""One record of every kind for a school, to be asked for by people who may not see it.

What the services make quickly is made by them; of the rest a skeleton is enough: the probe never reads what is on it.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.contrib import admin
from django.db import connection, models, transaction

from billing.models import Customer, Invoice
from billing.office import clock
from billing.office.models import Organization, User
from tests import builders as b
from tests.config.console.cast import furnish
from tests.guards.isolation.addresses import PARTS, WORDS, Address

_serial = count(1)
NEVER_MADE = 2**31 - 9  # fits into every kind of key
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

    def _skeleton(self, model: type[models.Model]) -> Any:
        values = {f.name: self._filled(f) for f in model._meta.fields if not isinstance(f, models.AutoField)}
        for name, wanted in WANTED.get(model._meta.label, {}).items():
            values[name] = self.row(wanted) if isinstance(wanted, type) else wanted
        row = model(**values)
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


def filled(field: models.Field[Any, Any]) -> Any:
    """Something a column of this type takes."""
    if field.choices:
        return next(value for value, _label in field.flatchoices if value)
    if isinstance(field, models.UUIDField):
        return uuid4()
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
