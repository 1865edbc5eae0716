"""A family's own invoices: found by number, child or text, narrowed, counted and added up (R156)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from billing.models import Agreement, Invoice, InvoiceLine, Student
from billing.money import ZERO

STATES = ("open", "overdue", "paid", "disputed")


@dataclass(frozen=True)
class Wanted:
    """What the list is narrowed to; empty: not narrowed. state: one of STATES. child: a student's key."""

    text: str = ""
    state: str = ""
    school: str = ""
    child: int | None = None
    year: int | None = None


@dataclass(frozen=True)
class Total:
    """Of one currency of a list."""

    currency: str
    invoices: int
    invoiced: Decimal
    open: Decimal


def own_invoices(customer_ids: Iterable[int], wanted: Wanted, days: Mapping[int, date]) -> QuerySet[Invoice]:
    """Newest first. days: today at each organization, by which an invoice there is overdue."""
    keys = list(customer_ids)
    rows = Invoice.objects.filter(customer_id__in=keys)
    if wanted.school:
        rows = rows.filter(organization__code=wanted.school)
    if wanted.child:
        rows = rows.filter(agreement__student=wanted.child)
    if wanted.year:
        rows = rows.filter(issued_on__year=wanted.year)
    if wanted.text:
        rows = rows.filter(_matching(wanted.text, keys))
    return _in_state(rows, wanted.state, days).order_by("-issued_on", "-id")


def _in_state(rows: QuerySet[Invoice], state: str, days: Mapping[int, date]) -> QuerySet[Invoice]:
    if state == "open":
        return rows.filter(open_amount__gt=0)
    if state == "paid":
        return rows.filter(open_amount=0, voided_on__isnull=True)
    if state == "disputed":
        return rows.filter(open_amount__gt=0, is_disputed=True)
    if state == "overdue":
        late = Q(pk__in=())
        for organization_id, today in days.items():
            late |= Q(organization=organization_id, due_on__lt=today)
        return rows.filter(late, open_amount__gt=0)
    return rows


def _matching(text: str, customer_ids: Sequence[int]) -> Q:
    """Any part of the number, of the child's or the plan's name, or of what a line says.

    Lines are looked for by their customer: else the lines of everybody would be read for every search.
    """
    child = Q(agreement__student__name__icontains=text) | Q(agreement__student__latin_name__icontains=text)
    lines = InvoiceLine.objects.filter(invoice__customer_id__in=customer_ids, description__icontains=text)
    return (
        Q(number__icontains=text) | child | Q(agreement__plan__name__icontains=text) | Q(pk__in=lines.values("invoice"))
    )


def totals_of(rows: QuerySet[Invoice]) -> list[Total]:
    """By currency. One query."""
    sums = rows.order_by("currency").values("currency").annotate(
        n=Count("pk"), invoiced=Sum("invoiced_amount", default=ZERO), left=Sum("open_amount", default=ZERO)
    )  # fmt: skip
    return [Total(row["currency"], row["n"], row["invoiced"], row["left"]) for row in sums]


def children_of(customer_ids: Iterable[int]) -> list[Student]:
    """For whom the family was ever billed or has an agreement, by name. One query."""
    keys = list(customer_ids)
    billed = Exists(Invoice.objects.filter(agreement=OuterRef("pk"), customer_id__in=keys))
    agreements = Agreement.objects.filter(Q(customer_id__in=keys) | billed, student__isnull=False)
    return list(Student.objects.filter(pk__in=agreements.values("student")).order_by("name", "pk"))


def years_of(customer_ids: Iterable[int]) -> Sequence[int]:
    """In which the family was billed, the latest first. One query."""
    rows = Invoice.objects.filter(customer_id__in=list(customer_ids))
    return [day.year for day in rows.dates("issued_on", "year", order="DESC")]
