"""Charges that are made by themselves, as timelines show them and reminders heed them; told by the app that charges."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from billing.errors import Sentence
from billing.models import Invoice


@dataclass(frozen=True)
class Try:
    """A charge that failed, a decision, or a try to come. words, why: in the reader's language. by: who chose it."""

    on: date
    words: Sentence
    is_coming: bool = False
    why: tuple[Sentence, ...] = ()
    by: str = ""


# Filled at start: (invoice keys, now) → for those with a charge on its way or soon, why reminders wait, a key of
# words_chasing.HOLDS.
CHARGES: list[Callable[[Iterable[int], datetime], Mapping[int, str]]] = []
# Filled at start: what a timeline tells of the charges of one invoice, oldest first.
TRIES: list[Callable[[Invoice, datetime], list[Try]]] = []


def charges_around(invoice_ids: Iterable[int], now: datetime) -> dict[int, str]:
    """Invoice key → why nobody is reminded of it now. As many queries as the apps that charge need, for all of them."""
    wanted, found = list(invoice_ids), dict[int, str]()
    for ask in CHARGES:
        found = {**ask(wanted, now), **found}
    return found


def tries_of(invoice: Invoice, now: datetime) -> list[Try]:
    return [one for ask in TRIES for one in ask(invoice, now)]
