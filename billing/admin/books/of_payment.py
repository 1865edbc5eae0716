"""GL status and entry reference on the page of a payment (R142)."""

from typing import Any

from billing.admin.base import ConsoleRequest, may_here
from billing.admin.books.filters import SEE
from billing.admin.panels import panel
from billing.ledger.models import GlBatchState, JournalEntry
from billing.selectors.books.status import places_of


@panel("payment", "console/books/of_payment.html", order=33)
def _of_payment(request: ConsoleRequest, payment: Any) -> dict[str, Any] | None:
    """What of a payment is in the general ledger, and in which batch: its entry, and the one that took it back. Three
    queries; none for a payment that is not in the books."""
    void = getattr(payment, "void", None)
    presented = getattr(payment, "presentation", None)
    keys = [payment.entry_id, *(ended.entry_id for ended in (void, presented) if ended is not None)]
    entries = list(JournalEntry.objects.filter(pk__in=[key for key in keys if key]).order_by("year", "number"))
    if not entries:
        return None
    places = places_of([entry.pk for entry in entries])
    return {
        "rows": [_row(entry, places.get(entry.pk)) for entry in entries],
        "opens": may_here(request, SEE),
    }  # fmt: skip


def _row(entry: JournalEntry, batch: Any) -> dict[str, Any]:
    if batch is None:
        return {"entry": entry, "batch": None, "key": "gl.waiting"}
    return {"entry": entry, "batch": batch, "key": f"gl.{GlBatchState(batch.state).value}"}
