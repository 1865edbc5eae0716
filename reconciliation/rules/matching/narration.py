"""Payers' names inside one long text, where a bank has no column for them."""

import re
from collections.abc import Iterator

RAIL = re.compile(r"^\s*(?:(?:NEFT|RTGS|ACH)(?:[ -]?CR)?|IMPS|UPI|NACH|FT|MMT|INF)\s*[-/*:]\s*", re.I)
IS_CODE = re.compile(r"(?=.*\d)[0-9A-Z]{6,}|P2[AMP]|CR|DR|[A-Z]{4}0[0-9A-Z]{6}")
FOR = re.compile(
    r"(?:\bI\.?\s?A\.?\s?V\.?|\bON BEHALF OF|\bB/O|\bPAYMENT FOR|\bABWA\+|代繳|代付)\s*[:.]?\s*(\S.{2,60})", re.I
)
MOST_PIECES = 4


def names_in(text: str) -> Iterator[str]:
    """What may be the payer in a narration: NEFT CR-IFSC-PAYER-UTR, UPI/P2A/RRN/NAME/BANK/NOTE. The longest first."""
    rail = RAIL.match(text)
    if rail is None:
        return
    sign = text[rail.end() - 1 : rail.end()].strip() or "-"
    pieces = text[rail.end() :].split(sign if sign in "-/*" else "-")
    while pieces and (not pieces[0].strip() or IS_CODE.fullmatch(pieces[0].strip().upper())):
        pieces.pop(0)
    for count in range(min(MOST_PIECES, len(pieces)), 0, -1):
        yield sign.join(pieces[:count]).strip()


def says_for(text: str) -> str:
    """For whom somebody says to pay: "i.A.v. Nord Foods", "on behalf of ..."; "" where nothing is said."""
    found = FOR.search(text)
    return found[1].strip() if found else ""
