"""The lines in which a group class was billed, to be ticked family by family (R109)."""

from datetime import date

from django.db.models import QuerySet

from billing.models import InvoiceLine
from billing.office.models import Organization

MOST = 300


def lines_of_class(
    organization: Organization, text: str, first: date, last: date, project: str = ""
) -> QuerySet[InvoiceLine]:
    """Lines whose description has `text` in it, of invoices issued in a span and not void; project: "" for any."""
    rows = InvoiceLine.objects.filter(
        invoice__organization=organization, invoice__issued_on__range=(first, last), invoice__voided_on__isnull=True,
        description__icontains=text,
    )  # fmt: skip
    if project:
        rows = rows.filter(invoice__project=project)
    rows = rows.select_related("invoice", "invoice__customer")
    return rows.order_by("invoice__customer__name", "invoice__number", "ordinal")
