"""Columns of lists: money right-aligned with its currency, states with word and shape, links to work screens."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from billing.admin.facts import said_code
from billing.admin.words_and_colours import label
from billing.money import format_money

Column = Callable[[Any, Any], Any]
NOTHING = SafeString('<span class="q-zero">–</span>')


def show_money(value: Decimal | None, currency: str) -> SafeString:
    """An amount with its currency, for a column; zero and nothing are a dash (look.md)."""
    if not value:
        return NOTHING
    return format_html('<span class="q-money">{}</span>', format_money(value, currency))


def money_column(field: str, description: Any, currency: str = "currency", sort: bool = True) -> Column:
    """A column of amounts. currency: a path from the row, "credit_item__currency"."""

    def column(self: Any, row: Model) -> SafeString:
        return show_money(follow(row, field), follow(row, currency))

    ordering = field if sort else None
    return admin.display(description=description, ordering=ordering)(column)


def state_column(prefix: str, description: Any, field: str = "state") -> Column:
    def column(self: Any, row: Model) -> SafeString:
        return label(f"{prefix}.{follow(row, field)}")

    return admin.display(description=description, ordering=field)(column)


def code_column(field: str, description: Any, key: str = "") -> Column:
    """A column of stored codes in words. key: which table of facts.WORDS, the field's own name unless given."""

    def column(self: Any, row: Model) -> str:
        return said_code(key or field, follow(row, field) or "")

    return admin.display(description=description, ordering=field)(column)


def link_column(path: str, description: Any, screen: str, text: str = "", sort: str = "") -> Column:
    """A link to the work screen admin:<screen> of the row at `path` ("" is the row itself)."""

    def column(self: Any, row: Model) -> Any:
        target = follow(row, path)
        if target is None:
            return NOTHING
        return link_to(target, screen, follow(target, text) if text else target)

    return admin.display(description=description, ordering=sort or path or text)(column)


def link_to(target: Model, screen: str, text: object) -> Any:
    """To the work screen of a row, or to its plain page while there is no such screen."""
    url = screen_url(screen, target.pk) or screen_url(
        f"{target._meta.app_label}_{target._meta.model_name}_change", target.pk
    )
    return format_html('<a href="{}" class="q-link">{}</a>', url, text) if url else text


def screen_url(name: str, *args: object) -> str:
    """Address of a console screen by name, empty while no app has mounted it."""
    try:
        return reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""


def follow(row: Any, path: str) -> Any:
    for name in path.split("__") if path else ():
        if row is None:
            return None
        row = getattr(row, name)
    return row
