"""Fields that read what other systems send with the readers that everything else uses.

The framework's own fields would take 12 for "12", true for "True" and a float for money.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import empty

from billing.api.parsing import printable
from billing.errors import BadInput, DomainError
from billing.inputs import clean_text, parse_day, parse_email, parse_instant
from billing.money import EXPONENTS, parse_amount


class _Read:
    """Mixed into a framework field, whose part is to describe itself in the schema."""

    def run_validation(self, data: Any = empty) -> Any:
        is_empty, data = self.validate_empty_values(data)  # type: ignore[attr-defined]
        if is_empty:
            return data
        try:
            return self.read(data)
        except DomainError as refusal:
            raise serializers.ValidationError(str(refusal), code=refusal.code) from None

    def read(self, data: Any) -> Any:
        raise NotImplementedError


class Text(_Read, serializers.CharField):
    """free: may be anything a person writes; if not, an identifier."""

    def __init__(self, *, free: bool = True, **kwargs: Any) -> None:
        self.free = free
        kwargs.setdefault("allow_blank", not kwargs.get("required", True))
        super().__init__(**kwargs)

    def read(self, data: Any) -> str:
        return clean_text(
            data, field=self.field_name or "", longest=self.max_length or 400, required=not self.allow_blank,
            free=self.free,
        )  # fmt: skip


class Email(_Read, serializers.EmailField):
    def read(self, data: Any) -> str:
        return parse_email(data)


@extend_schema_field(
    {"type": "string", "pattern": r"^\d+(\.\d+)?$", "example": "120.00", "description": "More than zero, as text."}
)
class Amount(_Read, serializers.Field[Any, Any, Any, Any]):
    """More than zero, in the currency that context["currency"] names."""

    default_error_messages = {"required": _("Enter an amount."), "null": _("Enter an amount.")}

    def read(self, data: Any) -> Any:
        return parse_amount(data, self.context["currency"], field=self.field_name or "")


class Currency(_Read, serializers.CharField):
    def read(self, data: Any) -> str:
        if not isinstance(data, str) or data not in EXPONENTS:
            raise BadInput(_("Unknown currency; write three capital letters."), code="unknown_currency")
        return data


class Day(_Read, serializers.DateField):
    default_error_messages = {"required": _("Enter a date."), "null": _("Enter a date.")}

    def read(self, data: Any) -> Any:
        return parse_day(data, field=self.field_name or "")


@extend_schema_field({"type": "string", "example": "2026-03-12T10:30:00-05:00"})
class DayOrInstant(_Read, serializers.Field[Any, Any, Any, Any]):
    """A day, or an instant with its zone, which gives the day it was at context["organization"]."""

    def read(self, data: Any) -> Any:
        if isinstance(data, str) and "T" in data:
            return self.context["organization"].today(parse_instant(data.strip()))
        return parse_day(data, field=self.field_name or "")


@extend_schema_field({"type": "string", "format": "date-time", "example": "2026-03-11T16:00:00-04:00"})
class Instant(_Read, serializers.Field[Any, Any, Any, Any]):
    """An instant with its zone; without one, the zone of context["organization"] decides."""

    def read(self, data: Any) -> Any:
        return parse_instant(data, field=self.field_name or "", zone=self.context["organization"].zone)


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": 600})
class Minutes(_Read, serializers.Field[Any, Any, Any, Any]):
    def read(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int) or not 0 < data <= 600:
            raise BadInput(_("Write the length in whole minutes, 1 to 600."), code="not_minutes")
        return data


@extend_schema_field({"type": "string", "pattern": r"^\d+(\.\d{1,2})?$", "example": "23.50"})
class Hours(_Read, serializers.Field[Any, Any, Any, Any]):
    """Hours as text, like amounts; read by whoever knows what they are about."""

    def read(self, data: Any) -> str:
        if not isinstance(data, str):
            raise BadInput(_('Send hours as text: "23.5".'), code="hours_not_text")
        return data


class Flag(_Read, serializers.BooleanField):
    def read(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise BadInput(_("Say true or false."), code="not_a_flag")
        return data


class Choice(_Read, serializers.ChoiceField):
    """One of a list of words. "Net Banking" and "net-banking" are read as net_banking."""

    def read(self, data: Any) -> str:
        word = data.strip().lower().replace("-", "_").replace(" ", "_") if isinstance(data, str) else ""
        if word not in self.choices:
            known = ", ".join(str(key) for key in self.choices)
            raise BadInput(_("Write one of: {known}."), code=f"unknown_{self.field_name}", known=known)
        return word


class Strict(serializers.Serializer[Any]):
    """An object whose every field is known; anything else is refused by name (mass assignment, row 84)."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            detail = ErrorDetail(str(_("A JSON object is expected.")), code="not_an_object")
            raise serializers.ValidationError({"": [detail]} if self.parent is None else [detail])
        errors: dict[str, Any] = {printable(name): [_unknown(name)] for name in data if name not in self.fields}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as trouble:
            if not isinstance(trouble.detail, dict):
                raise
            errors |= trouble.detail
        if errors:
            raise serializers.ValidationError(errors)
        return value


def refuse(troubles: Sequence[DomainError]) -> None:
    """Raise field troubles found across fields, if there are any."""
    if troubles:
        errors: dict[str, list[ErrorDetail]] = {}
        for trouble in troubles:
            errors.setdefault(trouble.field, []).append(ErrorDetail(str(trouble), code=trouble.code))
        raise serializers.ValidationError(errors)


def _unknown(name: str) -> ErrorDetail:
    return ErrorDetail(str(_('Unknown field "{name}".')).format(name=printable(name)), code="unknown_field")
