"""Who pays which share of an agreement on a day (requirements §4 row 21)."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from billing.models import AgreementPayer

Shares = list[tuple[int, Decimal]]


class PayerBook:
    """The payers of some agreements over time. One query when made, none when asked."""

    def __init__(self, rows: Iterable[AgreementPayer], customers: Mapping[int, int]) -> None:
        self._customers = customers
        self._rows: dict[int, list[AgreementPayer]] = {}
        for row in rows:
            self._rows.setdefault(row.agreement_id, []).append(row)

    def shares(self, agreement_id: int, on: date) -> Shares:
        """(customer key, weight), in the order they were named; the agreement's customer alone where nobody was."""
        rows = self._rows.get(agreement_id, ())
        found = [(r.customer_id, r.share) for r in rows if r.from_on <= on and (r.until_on is None or on <= r.until_on)]
        return found or [(self._customers[agreement_id], Decimal(1))]

    def all_customers(self) -> set[int]:
        """Everybody who ever paid, to lock them together."""
        rows = (row for rows in self._rows.values() for row in rows)
        return set(self._customers.values()) | {row.customer_id for row in rows}


def payer_book(agreements: Mapping[int, int]) -> PayerBook:
    """agreements: key → key of its customer. One query."""
    return PayerBook(AgreementPayer.objects.filter(agreement_id__in=list(agreements)).order_by("id"), agreements)
