"""The payment references we print, as bank lines bring them back: whole, or with one slip that they repair."""

from collections.abc import Iterable
from dataclasses import dataclass

from billing.rules.payment_codes import Names, PaymentCode, find_codes, grouped
from billing.rules.priced import Step, step
from reconciliation.rules.matching.book import Book
from reconciliation.rules.matching.facts import InvoiceFacts, LineFacts
from reconciliation.rules.matching.normalising import plain_number


@dataclass(frozen=True)
class CodeClue:
    """Whom our own reference names. invoice: where it is one of an invoice. A repaired one proves less: the slip may
    have been made in another reference altogether."""

    customer_id: int
    code: str
    written: str
    is_repaired: bool
    invoice: InvoiceFacts | None = None


def find_clues(line: LineFacts, book: Book) -> list[CodeClue]:
    """What the line's words and references name of this book, whole ones alone where there are any.

    What is an invoice number of the house is one, even if it has the form of a reference.
    """
    texts = (*line.references, line.text, line.end_to_end_id)
    read = [code for text in texts if text for code in find_codes(text)]
    clues = [clue for clue in (_clue(code, book) for code in read) if clue is not None]
    whole = [clue for clue in clues if not clue.is_repaired]
    return whole or clues


def only_customer(clues: Iterable[CodeClue]) -> CodeClue | None:
    """The one customer that they name, by an invoice if one does; None where they name several."""
    found = sorted(clues, key=lambda clue: clue.invoice is None)
    return found[0] if len({clue.customer_id for clue in found}) == 1 else None


def code_step(clue: CodeClue) -> Step:
    reference = grouped(clue.code)
    return step("code_repaired" if clue.is_repaired else "code_whole", written=clue.written, reference=reference)


def _clue(read: PaymentCode, book: Book) -> CodeClue | None:
    if plain_number(read.written) in book.numbers.plain:
        return None
    if read.names == Names.CUSTOMER:
        known = read.number in book.customers
        return CodeClue(read.number, read.code, read.written, read.is_repaired) if known else None
    invoice = book.invoices.get(read.number)
    if invoice is None:
        return None
    return CodeClue(invoice.customer_id, read.code, read.written, read.is_repaired, invoice)
