"""The receipts of a month, for its pack."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

from billing.inputs import safe_cell
from billing.office.models import Organization
from receipts.models import Receipt

HEADER = ("receipt", "issued_at", "payment", "customer_code", "amount", "currency", "form_number", "state")
CHUNK = 2000


def receipts_between(organization: Organization, first: date, last: date) -> Iterator[Sequence[object]]:
    """Heads, then a row for each receipt issued on these days, by number. One query, read as it comes."""
    yield HEADER
    start = datetime.combine(first, time.min, organization.zone)
    end = datetime.combine(last + timedelta(days=1), time.min, organization.zone)
    rows = Receipt.objects.filter(organization=organization, issued_at__gte=start, issued_at__lt=end)
    rows = rows.select_related("payment__customer").defer("content").order_by("number")
    for receipt in rows.iterator(chunk_size=CHUNK):
        payment = receipt.payment
        yield (
            receipt.number, receipt.issued_at.astimezone(organization.zone).isoformat(timespec="seconds"),
            payment.number, safe_cell(payment.customer.code), f"{payment.amount:.2f}", payment.currency,
            safe_cell(receipt.form_number), _state(receipt),
        )  # fmt: skip


def _state(receipt: Receipt) -> str:
    if receipt.voided_at is not None:
        return "void"
    if receipt.returned_on is not None:
        return "returned"
    return "provisional" if receipt.is_provisional else "issued"
