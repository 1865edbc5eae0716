"""Sections of an object page that apps above billing bring: payments of a customer, the receipt of a payment."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from billing.admin.base import ConsoleRequest

Context = dict[str, Any]
Builder = Callable[[ConsoleRequest, Any], Context | None]


@dataclass(frozen=True)
class Panel:
    page: str
    order: int
    template: str
    build: Builder


_PANELS: list[Panel] = []


def panel(page: str, template: str, *, order: int = 50) -> Callable[[Builder], Builder]:
    """Add a section to the page "customer", "provider", "invoice" or "payment".

    The builder returns its context, None for none.
    """

    def register(build: Builder) -> Builder:
        _PANELS.append(Panel(page, order, template, build))
        return build

    return register


def panels_of(page: str, request: ConsoleRequest, record: Model) -> list[Context]:
    """The sections of a page in order, each with its template under "template"."""
    found = []
    for item in sorted((p for p in _PANELS if p.page == page), key=lambda p: p.order):
        context = item.build(request, record)
        if context is not None:
            found.append({"template": item.template, **context})
    return found


# Where credit of a kind is at home: the page of the payment that brought it. Filled by the apps above.
CREDIT_HOMES: dict[str, Callable[[int], str]] = {}
