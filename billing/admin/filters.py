"""Filters that the theme does not bring."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateFilter, RelatedDropdownFilter
from unfold.utils import parse_date_str


class OwnDropdownFilter(RelatedDropdownFilter):
    """By a row of another table: of the organization worked in alone, and no other takes part."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> Any:
        ordering = self.field_admin_ordering(field, request, model_admin)
        own = {"organization": request.organization}  # type: ignore[attr-defined]
        return field.get_choices(include_blank=False, ordering=ordering, limit_choices_to=own)


class DayFilter(RangeDateFilter):
    """From a day to a day, both whole, over a column of instants; the days are those of the organization's zone."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = self._day("from"), self._day("to")
        if first is not None:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": midnight(first)})
        if last is not None:
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": midnight(last + timedelta(days=1))})
        return queryset

    def _day(self, end: str) -> date | None:
        text = self.used_parameters.get(f"{self.parameter_name}_{end}")
        day: date | None = parse_date_str(text) if isinstance(text, str) and text else None
        return day


def midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
