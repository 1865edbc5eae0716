"""Lists as CSV and XLSX: the organization's rows, what the screen shows, nothing a spreadsheet would run."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from import_export.admin import ExportMixin
from import_export.fields import Field
from import_export.formats.base_formats import CSV, XLSX
from import_export.resources import ModelResource
from unfold.contrib.import_export.forms import ExportForm

from billing.admin.base import ConsoleAdmin, may_here
from billing.inputs import safe_cell

LARGEST_EXPORT = 100_000


class SafeResource(ModelResource):
    """Writes text so that no program takes it for a formula (OWASP ASVS 1.2.10); numbers and days stay themselves."""

    def export_field(self, field: Any, instance: Model, **kwargs: Any) -> Any:
        value = super().export_field(field, instance, **kwargs)
        return value if isinstance(field.get_value(instance), Decimal | int | date) else safe_cell(value)


def resource_of(model: type[Model], columns: tuple[str, ...]) -> type[SafeResource]:
    """columns: paths from the row, "customer__code"; they are the heads of the file."""
    fields: dict[str, Any] = {
        name.replace("__", "_"): Field(attribute=name, column_name=name.replace("__", "_"))
        for name in columns
        if "__" in name
    }
    meta = type(
        "Meta",
        (),
        {
            "model": model,
            "fields": tuple(name.replace("__", "_") for name in columns),
            "export_order": tuple(name.replace("__", "_") for name in columns),
        },
    )
    return type(f"{model.__name__}Resource", (SafeResource,), {**fields, "Meta": meta})


class ExportableAdmin(ExportMixin, ConsoleAdmin):
    """A list that can be taken away, by those who may see reports and this table.

    export_columns: paths from the row. export_right: the row of the matrix that allows it besides the list's own.
    """

    export_columns: tuple[str, ...] = ()
    export_right = "see_reports"
    export_form_class = ExportForm
    to_encoding = "utf-8-sig"  # so that a spreadsheet reads Chinese as Chinese

    def get_export_formats(self) -> list[Any]:
        return [CSV, XLSX]

    def get_export_resource_classes(self, request: HttpRequest) -> list[type[SafeResource]]:
        return [resource_of(self.model, self.export_columns)]

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.export_columns) and self._may(request) and may_here(request, self.export_right)

    def get_export_queryset(self, request: HttpRequest) -> QuerySet[Model]:
        """Raises ValueError with its sentence, which the page shows, if the list is too long for one file."""
        rows: QuerySet[Model] = super().get_export_queryset(request)
        needed = {name.rpartition("__")[0] for name in self.export_columns if "__" in name}
        return rows.select_related(*needed) if needed else rows

    def get_export_data(self, file_format: Any, request: HttpRequest, queryset: QuerySet[Model], **kwargs: Any) -> Any:
        if queryset[LARGEST_EXPORT : LARGEST_EXPORT + 1].exists():
            sentence = _("More than {most:,} rows: filter the list first, then export.")
            raise ValueError(str(sentence).format(most=LARGEST_EXPORT))
        return super().get_export_data(file_format, request, queryset, **kwargs)
