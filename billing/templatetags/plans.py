"""How the console's pages of agreements write what is kept as text."""

from datetime import date

from django import template
from django.utils.formats import date_format

register = template.Library()


@register.filter
def iso_day(text: str) -> str:
    """{{ "2026-04-01"|iso_day }}: the day as the reader writes it."""
    return date_format(date.fromisoformat(text))
