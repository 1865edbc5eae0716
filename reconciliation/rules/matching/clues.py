"""What a line tells of who paid and for what, read once and in one place."""

from dataclasses import dataclass, field

from reconciliation.rules.matching.book import Book
from reconciliation.rules.matching.codes import CodeClue, find_clues, only_customer
from reconciliation.rules.matching.facts import InvoiceFacts, LineFacts
from reconciliation.rules.matching.finding import WEAK, Found, How, Mention, find_numbers
from reconciliation.rules.matching.names import NameClass, NameFinding
from reconciliation.rules.matching.narration import names_in, says_for
from reconciliation.rules.matching.normalising import plain_number
from reconciliation.rules.matching.numbers import only
from reconciliation.rules.matching.references import is_sound


@dataclass
class Clues:
    """virtual, account: the customers these belong to. shown: the payer's name as read. unclear: see Found.

    code: the reference of ours that the payer gave.
    """

    virtual: int | None = None
    account: int | None = None
    has_account: bool = False
    name: NameFinding = field(default_factory=NameFinding)
    shown: str = ""
    mentions: tuple[Mention, ...] = ()
    unclear: tuple[str, ...] = ()
    code: CodeClue | None = None

    @property
    def strong(self) -> list[Mention]:
        return [mention for mention in self.mentions if mention.how > WEAK]

    @property
    def weak(self) -> list[Mention]:
        return [mention for mention in self.mentions if mention.how <= WEAK]

    @property
    def payer(self) -> int | None:
        """Who pays by account, or else by a name that is sure."""
        if self.account is not None:
            return self.account
        return self.name.customer_id if self.name.is_strong else None


def read_clues(line: LineFacts, book: Book) -> Clues:
    """Everything the line says, against the book."""
    virtual_in_text, account_in_text, pieces = book.accounts.in_text(line.text)
    virtual = book.accounts.virtual_owner(line.virtual_account) or virtual_in_text
    account = book.accounts.owner(line.party_account) or account_in_text
    shown, name = _payer(line, book)
    codes = find_clues(line, book)
    pieces += [clue.written for clue in codes]
    found = _numbers(line, book, [*pieces, shown.upper() if not line.party_name else ""])
    for clue in codes:
        if clue.invoice is not None and not clue.is_repaired:
            found.add(clue.invoice, How.STRUCTURED, clue.written)
    return Clues(
        virtual=virtual, account=account, has_account=bool(line.party_account), name=name, shown=shown,
        mentions=tuple(found.mentions), unclear=tuple(found.unclear), code=only_customer(codes),
    )  # fmt: skip


def _payer(line: LineFacts, book: Book) -> tuple[str, NameFinding]:
    """For whom was paid, where the bank or the payer says so, else the payer; else whom the text names."""
    for shown in (line.ultimate_party, says_for(line.text)):
        found = book.names.find(shown) if shown else NameFinding()
        if found.is_strong:
            return shown, found
    if line.party_name:
        return line.party_name, book.names.find(line.party_name)
    weak, name = "", NameFinding()
    for shown in names_in(line.text):
        found = book.names.find(shown)
        if found.how >= NameClass.CUT:  # the longest that is anybody's: Anna Becker-Smith is not Anna Becker
            return shown, found
        if found.how > name.how:
            weak, name = shown, found
    return weak, name


def _numbers(line: LineFacts, book: Book, skip: list[str]) -> Found:
    found = Found()
    for reference in line.references:
        _structured(reference, book, found)
    for document in line.documents:
        invoice = only(book.numbers.exact(plain_number(document.number)))
        if invoice:
            found.add(invoice, How.STRUCTURED, document.number)
    in_text = find_numbers(line.text, book.numbers, skip)
    for mention in in_text.mentions:
        found.add(mention.invoice, mention.how, mention.written)
    found.unclear += in_text.unclear
    if not found.mentions and line.end_to_end_id:
        invoice = only(book.numbers.exact(plain_number(line.end_to_end_id)))
        if invoice:
            found.add(invoice, How.EXACT, line.end_to_end_id)
    return found


def _structured(reference: str, book: Book, found: Found) -> None:
    """A creditor reference we issued; one with wrong check digits is read as text."""
    invoice = only(book.numbers.exact(plain_number(reference)))
    if invoice:
        how = How.STRUCTURED if is_sound(reference) else How.EXACT
        found.add(invoice, how, reference)
        return
    for mention in find_numbers(reference, book.numbers).mentions:
        if mention.how > WEAK:
            found.add(mention.invoice, mention.how, mention.written)


def invoices_of(mentions: list[Mention], customer_id: int) -> list[InvoiceFacts]:
    return [mention.invoice for mention in mentions if mention.invoice.customer_id == customer_id]
