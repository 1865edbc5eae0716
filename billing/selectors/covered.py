"""What customers owe that paper in our hands will pay on its day: post-dated cheques, told by whoever keeps them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Sum

from billing.models import Invoice
from billing.money import ZERO
from billing.selectors.aging import AgingRow

# Filled by the app that keeps cheques: (customer keys, currency, keys of papers being booked just now) → amounts.
COVERED: list[Callable[[Iterable[int], str, Sequence[int]], dict[int, Decimal]]] = []


def covered_amounts(customer_ids: Iterable[int], currency: str, but: Sequence[int] = ()) -> dict[int, Decimal]:
    """What each customer's cheques in the vault come to, in one currency; customers without are left out. One query.

    but: keys of cheques that are becoming payments in this very transaction.
    """
    wanted, found = list(customer_ids), dict[int, Decimal]()
    for ask in COVERED:
        for customer_id, amount in ask(wanted, currency, but).items():
            found[customer_id] = found.get(customer_id, ZERO) + amount
    return found


class CoveredRow(NamedTuple):
    """An aging row beside what cheques in the vault will pay of it; covered is taken off nothing."""

    owed: AgingRow
    covered: Decimal


def with_covered(rows: Sequence[AgingRow]) -> list[CoveredRow]:
    """Aging rows with what is covered by cheques now. One query for each currency."""
    covered: dict[str, dict[int, Decimal]] = {}
    for currency in {row.currency for row in rows}:
        covered[currency] = covered_amounts([row.customer_id for row in rows if row.currency == currency], currency)
    return [CoveredRow(row, covered[row.currency].get(row.customer_id, ZERO)) for row in rows]


def stops_reminder(
    customer_ids: Iterable[int], on: date, credit: Mapping[tuple[int, str], Decimal] | None = None
) -> set[int]:
    """Customers whose cheques in the vault cover all that is overdue on a day, in every currency: nobody reminds them.

    credit: what each customer has unapplied in a currency, which goes before the cheques. Those with nothing overdue
    are left out; a disputed invoice is no reason to remind either. One query, and one for each currency in which
    something is overdue.
    """
    overdue = (
        Invoice.objects.filter(customer_id__in=list(customer_ids), open_amount__gt=0, due_on__lt=on, is_disputed=False)
        .values_list("currency", "customer_id")
        .annotate(total=Sum("open_amount"))
    )
    by_currency: dict[str, dict[int, Decimal]] = {}
    for currency, customer_id, total in overdue:
        by_currency.setdefault(currency, {})[customer_id] = total
    late, short = set[int](), set[int]()
    for currency, owed in by_currency.items():
        covered = covered_amounts(owed, currency)
        late |= owed.keys()
        for customer_id, total in owed.items():
            free = (credit or {}).get((customer_id, currency), ZERO)
            if covered.get(customer_id, ZERO) + free < total:
                short.add(customer_id)
    return late - short
