"""What a payment is for: free text, creditor references, invoices with their amounts."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from reconciliation.formats.base import Document
from reconciliation.formats.camt_words import amount_of, currency_of, deepest, every, first, parts, text_at, text_of

CREDIT_NOTE = "CREN"


@dataclass(frozen=True, slots=True)
class Remittance:
    text: str = ""
    references: tuple[str, ...] = ()
    documents: tuple[Document, ...] = ()


NOTHING_SAID = Remittance()


def remittance_of(element: Any, currency: str) -> Remittance:
    """Pieces of text are joined as they stand: a blank between them would be an invention."""
    if element is None:
        return NOTHING_SAID
    # Not stripped: a blank at the end of a piece of 140 is where the next word begins.
    text = "".join(piece.text or "" for piece in every(element, "Ustrd")).strip()
    structured = list(every(element, "Strd"))
    if not structured:
        return Remittance(text)
    if not text:
        text = "".join(text_of(piece) for block in structured for piece in every(block, "AddtlRmtInf"))
    references = (
        text_at(block, "CdtrRefInf", "Ref") or text_at(block, "CdtrRefInf", "CdtrRef") for block in structured
    )  # fmt: skip
    documents = (document for block in structured for document in _documents(block, currency))
    return Remittance(text, tuple(dict.fromkeys(filter(None, references))), tuple(documents))


def _documents(block: Any, currency: str) -> Iterator[Document]:
    """The amounts of a block belong to its document; where it names several, to none of them alone."""
    named = [(text_at(info, "Nb") or text_at(info, "RfrdDocNb"), info) for info in every(block, "RfrdDocInf")]
    named = [(number, info) for number, info in named if number]
    amounts = parts(first(block, "RfrdDocAmt")) if len(named) == 1 else {}
    for number, info in named:
        is_credit_note = deepest(first(info, "Tp", "CdOrPrtry")) == CREDIT_NOTE
        discount = _amount(amounts.get("DscntApldAmt"), currency)
        amount = _paid(amounts, currency, discount, is_credit_note)
        yield Document(number, -amount if is_credit_note and amount is not None else amount, discount)


def _paid(amounts: dict[str, Any], currency: str, discount: Decimal | None, is_credit_note: bool) -> Decimal | None:
    """What is paid of the document; what is due less the discount, where only that is said."""
    remitted = _amount(amounts.get("RmtdAmt"), currency)
    if remitted is None and is_credit_note:
        remitted = _amount(amounts.get("CdtNoteAmt"), currency)
    if remitted is None:
        due = _amount(amounts.get("DuePyblAmt"), currency)
        remitted = None if due is None else due - (discount or 0)
    return remitted


def _amount(element: Any, currency: str) -> Decimal | None:
    """DscntApldAmt holds its amount itself or, from version 4 on, in an Amt beside a type."""
    found = element if element is None or not len(element) else first(element, "Amt")
    return amount_of(found) if currency_of(found) in ("", currency) else None
