"""The small words that all ISO 20022 cash messages share: amounts, days, accounts, parties, by local name only."""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from reconciliation.formats.xml_stream import NAMES

AMOUNT = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
LONGEST_AMOUNT = 24
NOTHING = {"", "NOTPROVIDED", "NOT PROVIDED", "NONREF"}
YES = {"true", "1", "y", "yes"}


def parts(element: Any) -> dict[str, Any]:
    """Children by local name; of several with one name the last. An absent element has none."""
    return {} if element is None else {NAMES[child.tag]: child for child in element}


def first(element: Any, *path: str) -> Any:
    """The element at the end of a path of local names, or None."""
    for name in path:
        if element is None:
            return None
        for child in element:
            if NAMES[child.tag] == name:
                element = child
                break
        else:
            return None
    return element


def every(element: Any, name: str) -> Iterator[Any]:
    return (child for child in (() if element is None else element) if NAMES[child.tag] == name)


def text_of(element: Any) -> str:
    """Its own text, blanks at the ends taken off, NFC."""
    if element is None or not element.text:
        return ""
    found: str = element.text.strip()
    return found if found.isascii() else unicodedata.normalize("NFC", found)


def text_at(element: Any, *path: str) -> str:
    return text_of(first(element, *path))


def deepest(element: Any) -> str:
    """The text of a code, wherever it stands: Cd, Prtry, Cd/Cd, or bare."""
    while element is not None and len(element):
        element = element[0]
    return text_of(element)


def amount_of(element: Any) -> Decimal | None:
    """A number as XML writes it, never guessed at: None for anything else."""
    text = text_of(element)
    if len(text) > LONGEST_AMOUNT or not AMOUNT.fullmatch(text):
        return None
    return Decimal(text)


def currency_of(element: Any) -> str:
    return "" if element is None else (element.get("Ccy") or "").strip().upper()


def signed(amount: Decimal | None, direction: str) -> Decimal | None:
    """CRDT is money into the account, DBIT out of it. None where either cannot be read."""
    match direction.upper():
        case "CRDT":
            return amount
        case "DBIT" if amount is not None:
            return -amount if amount else amount.copy_negate()
    return None


def day_of(element: Any) -> date | None:
    """Dt or DtTm (or bare text): the day as the bank wrote it, whatever the offset."""
    text = deepest(element)
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def account_of(element: Any) -> str:
    """Id/IBAN, Id/Othr/Id, the older BBAN, UPIC and PrtryAcct/Id."""
    return deepest(first(element, "Id")).replace(" ", "")


def party_of(element: Any) -> str:
    """Dbtr/Nm, from version 8 on Dbtr/Pty/Nm or Dbtr/Agt/FinInstnId/Nm."""
    return (
        text_at(element, "Nm") or text_at(element, "Pty", "Nm") or text_at(element, "Agt", "FinInstnId", "Nm")
    )  # fmt: skip


def said(text: str) -> str:
    """A reference, or nothing where the bank says that there is none."""
    return "" if text.upper() in NOTHING else text
