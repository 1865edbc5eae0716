"""What lists of a family have in common: whose they are, by what they are narrowed, one page of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import Http404, HttpRequest

from billing.errors import BadInput
from billing.inputs import clean_text
from billing.models import Student
from billing.office.models import Organization, User
from billing.selectors.family import schools_of

ROWS, LONGEST_TEXT = 20, 80


@dataclass(frozen=True)
class Own:
    """A family's accounts. days: today at each organization."""

    customer_ids: Sequence[int]
    organizations: Sequence[Organization]
    days: Mapping[int, date]


@dataclass(frozen=True)
class Page:
    """One page of a list. before, after: addresses of its neighbours, "" where there is none."""

    rows: Sequence[Any]
    number: int
    pages: int
    count: int
    before: str
    after: str


def own_of(user: User, now: datetime) -> Own:
    """One query."""
    schools = schools_of(user, now)
    customers = [customer.pk for school in schools for customer in school.customers]
    return Own(customers, [s.organization for s in schools], {s.organization.pk: s.today for s in schools})


def typed_text(request: HttpRequest) -> str:
    """What was looked for; nothing is found by what cannot be stored. Raises Http404."""
    try:
        return clean_text(request.GET.get("q", ""), field="q", longest=LONGEST_TEXT, free=False)
    except BadInput as refusal:
        raise Http404 from refusal


def one_of(request: HttpRequest, name: str, allowed: Iterable[str]) -> str:
    """ "" or one of those allowed. Raises Http404: what is not one's own does not exist."""
    value = request.GET.get(name, "")
    if value and value not in set(allowed):
        raise Http404
    return value


def child_of(request: HttpRequest, children: Iterable[Student]) -> int | None:
    """Raises Http404."""
    value = one_of(request, "child", (str(one.pk) for one in children))
    return int(value) if value else None


def year_of(request: HttpRequest, years: Iterable[int]) -> int | None:
    """Raises Http404."""
    value = one_of(request, "year", (str(year) for year in years))
    return int(value) if value else None


def page_of(request: HttpRequest, rows: QuerySet[Any], count: int) -> Page:
    """?page= of a list with count rows; past its end there is nothing. One query. Raises Http404."""
    pages = max(1, -(-count // ROWS))
    text = request.GET.get("page", "1")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
    if not 1 <= number <= pages:
        raise Http404
    found = list(rows[(number - 1) * ROWS : number * ROWS])
    before = _address(request, number - 1) if number > 1 else ""
    return Page(found, number, pages, count, before, _address(request, number + 1) if number < pages else "")


def _address(request: HttpRequest, number: int) -> str:
    kept = [(name, value) for name, value in request.GET.items() if value and name != "page"]
    return "?" + urlencode([*kept, ("page", str(number))])
