"""upi:// links, which a phone opens and a page shows as a code. Source: NPCI's linking specification, by the notes."""

import re
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from payments.gateways.base import Money
from payments.gateways.rupees import CURRENCY, rupees

HANDLE = re.compile(r"[A-Za-z0-9.\-_]{2,256}@[A-Za-z]{2,64}")
LONGEST_NOTE = 50


def link(payee: str, name: str, key: str, money: Money, note: str) -> str:
    """Blanks as %20 and the @ as it is: some apps read nothing else."""
    told = {"pa": payee, "pn": name, "tr": key, "tn": note, "am": rupees(money), "cu": CURRENCY}
    return "upi://pay?" + urlencode({name: text for name, text in told.items() if text}, quote_via=quote, safe="@")


def is_ours(uri: str, payee: str, key: str, money: Money) -> bool:
    """Whether a link pays us, this, and so much: whoever follows it sends money there."""
    parts = urlsplit(uri)
    told = parse_qs(parts.query)
    wanted = {"pa": [payee], "tr": [key], "am": [rupees(money)], "cu": [CURRENCY]}
    is_pay = (parts.scheme, parts.netloc) == ("upi", "pay")
    return is_pay and all(told.get(name) == text for name, text in wanted.items())


def note(text: str) -> str:
    """What a payer reads: letters, digits and few signs, as banks take no others."""
    return re.sub(r"[^A-Za-z0-9 .\-/]", " ", text).strip()[:LONGEST_NOTE]


def masked(handle: str) -> str:
    """as***@okbank"""
    local, _at, bank = handle.partition("@")
    return f"{local[:2]}***@{bank}"[:60]
