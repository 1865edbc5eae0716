"""What an Indian bank writes into one line of text for a transfer, taken apart again.

Banks set the same pieces in an order of their own: NEFT CR-IFSC-PAYER-UTR, NEFT-UTR-NAME, UPI/P2A/RRN/NAME/BANK/NOTE,
UPI-NAME-VPA-IFSC-RRN-NOTE, IMPS/P2A/RRN/NAME, ACH-DR-NAME-UMRN. What has a shape of its own is known by it, wherever
it stands; the words left over are the payer's name, then the bank, then what the payer wrote. Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

KINDS = {
    "NEFT": "NEFT", "RTGS": "RTGS", "IMPS": "IMPS", "MMT": "IMPS", "UPI": "UPI", "NACH": "NACH", "ACH": "NACH",
    "ECS": "NACH",
}  # fmt: skip
BEGIN = re.compile(
    r"\s*(?:BY\s+|TO\s+|BY TRANSFER\s*-?\s*)?(NEFT|RTGS|IMPS|MMT|UPI|NACH|ACH|ECS)(?![A-Z])", re.I | re.A
)
SEPARATORS = "/-*|:"
CREDITS = frozenset({"CR", "C", "IN", "INW", "INWARD", "CREDIT"})
DEBITS = frozenset({"DR", "D", "OUT", "OUTWARD", "DEBIT"})
NOISE = frozenset({"P2A", "P2M", "P2P", "P2V", "N", "NA", "NULL", "UPI", "IMPS", "NEFT", "RTGS"})
RETURNED = re.compile(r"\b(RETURN(?:ED)?|RTN|RET|REV(?:ERSAL|ERSED)?|REJ(?:ECT(?:ED)?)?)\b", re.I)
IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}", re.A)
UTR = re.compile(r"[A-Z]\d{15}|[A-Z]{4}(?=[A-Z0-9]*\d{6})[A-Z0-9]{12}|[A-Z]{4}[RH](?=[A-Z0-9]*\d{8})[A-Z0-9]{17}", re.A)
UMRN = re.compile(r"[A-Z]{4}(?=[A-Z0-9]*\d{8})[A-Z0-9]{16}", re.A)
RRN = re.compile(r"\d{12}", re.A)
VPA = re.compile(r"[\w.\-]{2,}@[A-Za-z][A-Za-z0-9]{1,}", re.A)
HALF_VPA = re.compile(r"\d{1,3}@[A-Za-z]\w+", re.A)
TAIL = re.compile(r"[X*]{2,}(\d{3,6})", re.I | re.A)
CODE = re.compile(r"[A-Z]{4}", re.A)
BANK = re.compile(r"BANK|\b(?:SBI|HDFC|ICICI|AXIS|YES|IDFC|PNB|BOB|KOTAK|CANARA|UBI|IOB|IDBI|RBL|INDUSIND)\b", re.I)


@dataclass(frozen=True, slots=True)
class Narration:
    """kind: NEFT, RTGS, IMPS, UPI or NACH. reference: UTR or RRN. account_tail: of the payer. way: 1 in, -1 out, 0 not
    said. words: what has no shape of its own, in order, the name first. is_return: gives an earlier transfer back."""

    kind: str
    reference: str = ""
    ifsc: str = ""
    vpa: str = ""
    mandate: str = ""
    account_tail: str = ""
    name: str = ""
    bank: str = ""
    note: str = ""
    way: int = 0
    is_return: bool = False
    words: tuple[str, ...] = ()


def read_narration(text: str) -> Narration | None:
    """None for a line that is not of a transfer."""
    found = BEGIN.match(text)
    if not found:
        return None
    kind, rest = KINDS[found[1].upper()], text[found.end() :]
    shaped: dict[str, str] = {}
    words: list[str] = []
    way = 0
    for piece in _pieces(rest):
        if words and HALF_VPA.fullmatch(piece):  # it was cut at its own dash
            piece = f"{words.pop()}-{piece}"
        sign = piece.upper()
        name = _shape(sign, kind)
        if sign in CREDITS | DEBITS:
            way = way or (1 if sign in CREDITS else -1)
        elif name and name not in shaped:
            shaped[name] = piece if name == "vpa" else sign
        elif sign not in NOISE and not (RETURNED.fullmatch(sign) or sign in KINDS):
            words.append(piece)
    tail = TAIL.fullmatch(shaped.pop("account_tail", ""))
    bank, note = _bank_and_note(words, has_bank="ifsc" in shaped or "vpa" in shaped)
    return Narration(
        kind, **shaped, account_tail=tail[1] if tail else "", name=words[0] if words else "", bank=bank, note=note,
        way=way, is_return=RETURNED.search(text) is not None, words=tuple(words),
    )  # fmt: skip


def _pieces(rest: str) -> Iterator[str]:
    """Cut at the sign that cuts most; a first word that says the way stands before it."""
    first = re.match(r"\s*([A-Z]{1,7})\b", rest, re.I)
    if first and first[1].upper() in CREDITS | DEBITS:
        yield first[1]
        rest = rest[first.end() :]
    lead = rest.lstrip()[:1]
    separator = lead if lead and lead in SEPARATORS else max(SEPARATORS, key=rest.count)
    yield from (piece for part in rest.split(separator) if (piece := " ".join(part.split()).strip(" -/:*")))


def _shape(sign: str, kind: str) -> str:
    """What a piece is by its looks alone; "" for a word."""
    if VPA.fullmatch(sign):
        return "vpa"
    if kind == "NACH" and UMRN.fullmatch(sign):
        return "mandate"
    if IFSC.fullmatch(sign):
        return "ifsc"
    if UTR.fullmatch(sign) or RRN.fullmatch(sign):
        return "reference"
    return "account_tail" if TAIL.fullmatch(sign) else ""


def _bank_and_note(words: list[str], *, has_bank: bool) -> tuple[str, str]:
    """The second word is the bank where it looks like one, or where a third follows and nothing else names it."""
    rest = words[1:]
    is_code = len(rest) > 1 and CODE.fullmatch(rest[0])
    if rest and (BANK.search(rest[0]) or is_code or (len(rest) > 1 and not has_bank)):
        return rest[0], " ".join(rest[1:])
    return "", " ".join(rest)
