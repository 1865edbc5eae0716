"""The best few guesses for a line that a person must settle, each with what would be left over."""

from decimal import Decimal

from billing.money import ZERO
from reconciliation.rules.matching.allocating import Task, plan
from reconciliation.rules.matching.book import Book
from reconciliation.rules.matching.clues import Clues, invoices_of
from reconciliation.rules.matching.facts import Candidate, LineFacts
from reconciliation.rules.matching.scoring import Fit

MOST = 5
SHARES = {
    "payer": Decimal("0.70"), "number": Decimal("0.65"), "name": Decimal("0.45"), "tail": Decimal("0.40"),
    "amount": Decimal("0.25"),
}  # fmt: skip
FITS = Decimal("0.15")


def candidates(line: LineFacts, clues: Clues, book: Book, first: int | None) -> tuple[Candidate, ...]:
    """Customers who may have paid, the likeliest first. The amount alone ranks last and is never followed by itself."""
    ranked: dict[int, tuple[str, Candidate]] = {}
    for reason, customer_id in _guesses(line, clues, book, first):
        if customer_id not in ranked and len(ranked) < MOST:
            ranked[customer_id] = (reason, _candidate(line, clues, book, customer_id, reason))
    made = [candidate for _reason, candidate in ranked.values()]
    return tuple(sorted(made, key=lambda c: -c.score))


def _guesses(line: LineFacts, clues: Clues, book: Book, first: int | None) -> list[tuple[str, int]]:
    coded = clues.code.customer_id if clues.code else None
    found = [("payer", pk) for pk in (first, coded, clues.virtual, clues.account, clues.payer) if pk is not None]
    found += [("number", mention.invoice.customer_id) for mention in clues.strong]
    found += [("name", pk) for pk in (clues.name.customer_id, *clues.name.others) if pk is not None]
    found += [("tail", mention.invoice.customer_id) for mention in clues.weak]
    same = sorted(book.by_amount.get(line.amount, ()))
    found += [("amount", book.invoices[pk].customer_id) for pk in same[:MOST]]
    return found


def _candidate(line: LineFacts, clues: Clues, book: Book, customer_id: int, reason: str) -> Candidate:
    named = tuple(invoices_of(list(clues.mentions), customer_id))
    made = plan(Task(book, customer_id, line.amount, line.currency, line.paid_on, named, clues.unclear))
    share = SHARES[reason] + (FITS if made.fit != Fit.NONE and reason != "amount" else ZERO)
    numbers = tuple(part.number for part in made.parts) or tuple(invoice.number for invoice in named)
    asked = sum((part.cash for part in made.parts), ZERO)
    return Candidate(customer_id, numbers, line.amount - asked, share, reason)
