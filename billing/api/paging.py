"""Pages of a list: ?page=2&page_size=100."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from billing.errors import BadInput, NotFound

LARGEST_PAGE = 200
USUAL_PAGE = 50

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Page:
    number: int
    size: int


def read_page(query: Mapping[str, str]) -> Page:
    """Raises BadInput."""
    size = _whole(query.get("page_size", str(USUAL_PAGE)), "page_size")
    if size > LARGEST_PAGE:
        raise BadInput(
            _("Page size at most {largest}."), field="page_size", code="page_too_large", largest=LARGEST_PAGE
        )
    return Page(_whole(query.get("page", "1"), "page"), size)


def check_known(query: Mapping[str, str], known: frozenset[str]) -> None:
    """A parameter nobody reads is a mistake, and a wrong list is worse than none. Raises BadInput."""
    for name in query:
        if name not in known:
            raise BadInput(_("Unknown parameter."), field=name[:80], code="unknown_parameter")


def page_of(
    request: Request, rows: QuerySet[Row], page: Page, shape: Callable[[Row], dict[str, Any]]
) -> dict[str, Any]:
    """One page in the envelope of every list. Three queries. Raises NotFound past the last page."""
    count = rows.count()
    pages = max(1, -(-count // page.size))
    if page.number > pages:
        raise NotFound(_("There is no page {page}; the last is {pages}."), field="page", page=page.number, pages=pages)
    first = (page.number - 1) * page.size
    return {
        "count": count,
        "page": page.number,
        "page_size": page.size,
        "pages": pages,
        "next": _address(request, page.number + 1) if page.number < pages else None,
        "previous": _address(request, page.number - 1) if page.number > 1 else None,
        "results": [shape(row) for row in _rows_of(rows, first, page.size)],
    }


def _rows_of(rows: QuerySet[Row], first: int, size: int) -> list[Row]:
    """Keys first, so that the rows a late page skips are not joined with all that a row shows."""
    keys = list(rows.values_list("pk", flat=True)[first : first + size])
    found = {row.pk: row for row in rows.order_by().filter(pk__in=keys)}
    return [found[key] for key in keys if key in found]


def _whole(text: str, field: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or int(text) < 1:
        if field == "page_size" and text.isascii() and text.isdigit() and len(text) > 9:
            return LARGEST_PAGE + 1
        raise BadInput(_("A whole number, 1 or more, is expected."), field=field, code="not_a_number")
    return int(text)


def _address(request: Request, number: int) -> str:
    query = request.query_params.copy()
    query["page"] = str(number)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
