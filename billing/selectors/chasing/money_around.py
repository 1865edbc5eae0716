"""Signs that money is on its way although the books do not show it yet, told by the apps that see it (§5 row 1)."""

from collections.abc import Callable, Iterable
from datetime import date

from billing.office.models import Organization

# Filled by the apps above: customer keys → for those with money around, why, a key of words_chasing.HOLDS.
MONEY_AROUND: list[Callable[[Iterable[int]], dict[int, str]]] = []
# Filled by the app that reads bank files: the last day up to which all of an organization's files are loaded.
BANK_REACH: list[Callable[[Organization], date | None]] = []


def money_around(customer_ids: Iterable[int]) -> dict[int, str]:
    """Customers who may have paid already, and why we think so. One query for each app that knows something."""
    wanted, found = list(customer_ids), dict[int, str]()
    for ask in MONEY_AROUND:
        found = ask(wanted) | found
    return found


def bank_reach(organization: Organization) -> date | None:
    """The day up to which the bank was heard; None if nobody knows."""
    days = [day for ask in BANK_REACH if (day := ask(organization)) is not None]
    return max(days, default=None)
