"""The check code of a receipt, and the QR that carries it.

Number, day and amount are on the paper for anyone to change; the code is not, because it needs our key. A page that
is given the four can say whether they belong together without showing anything else of the receipt.
"""

import base64
import hmac
from decimal import Decimal

import segno
from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from billing.office.secrets import keyed_hash

CODE_LENGTH = 10  # fifty bits: nobody guesses it through a web page


def check_code(*, organization: str, number: str, issued_on: str, currency: str, amount: Decimal | str) -> str:
    """Ten letters and digits in two groups. issued_on: ISO day in the organization's calendar."""
    return _grouped(f"receipt check|{organization}|{number}|{issued_on}|{currency}|{Decimal(amount):.2f}")


def is_genuine(
    code: str, *, organization: str, number: str, issued_on: str, currency: str, amount: Decimal | str
) -> bool:
    """Whether a code as typed or scanned belongs to these facts.

    Hyphens, spaces and case do not count, nor do digits that look like letters: codes have no 0, 1 or 8.
    """
    facts = {"organization": organization, "number": number, "issued_on": issued_on, "currency": currency}
    return same_code(code, check_code(**facts, amount=amount))


def paper_code(*, number: str, version: int, issued_at: str, digest: str) -> str:
    """The check code of a paper that is kept with what it says. digest: of that; issued_at: ISO, as printed."""
    return _grouped(f"paper check|{number}|{version}|{issued_at}|{digest}")


def same_code(typed: str, wanted: str) -> bool:
    """Whether two codes are one, however the first was typed. In constant time."""
    return hmac.compare_digest(_plain(typed).encode(), _plain(wanted).encode())


def verify_address(number: str, code: str) -> str:
    """Where anyone can ask whether a paper is genuine; "" while PUBLIC_URL is not set."""
    if not settings.PUBLIC_URL:
        return ""
    return str(settings.PUBLIC_URL).rstrip("/") + reverse("verify_paper", args=[f"{number}.{code}"])


def verify_page() -> str:
    """Where number and code are typed, as it is printed: pay.example.org/verify/"""
    if not settings.PUBLIC_URL:
        return ""
    return str(settings.PUBLIC_URL).rstrip("/").partition("://")[2] + reverse("verify")


def qr_text(*, organization: str, number: str, issued_on: str, currency: str, amount: Decimal | str) -> str:
    """quittance:allegro:RCP-2026-00000012:2026-03-12:USD120.00:K7QF2-9M2XA"""
    facts = {"organization": organization, "number": number, "issued_on": issued_on, "currency": currency}
    code = check_code(**facts, amount=amount)
    return f"quittance:{organization}:{number}:{issued_on}:{currency}{Decimal(amount):.2f}:{code}"


def qr_svg(text: str) -> SafeString:
    """An SVG without a size of its own, quiet zone included, black on what lies below."""
    svg = segno.make(text, error="m", micro=False).svg_inline(border=4, omitsize=True, svgclass="qr", lineclass=None)
    return mark_safe(svg)  # the library writes paths and numbers only


def _grouped(text: str) -> str:
    code = base64.b32encode(bytes.fromhex(keyed_hash(text))).decode()[:CODE_LENGTH]
    return f"{code[:5]}-{code[5:]}"


def _plain(code: str) -> str:
    return "".join(c for c in code.upper() if c.isalnum()).translate(str.maketrans("018", "OIB"))
