"""Into how many parts an SMS is cut (3GPP TS 23.038: the GSM 7 bit alphabet, else UCS-2)."""

from dataclasses import dataclass

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENDED = frozenset("\f^{}\\[~]|€")  # two of seven bits each
SINGLE = {"GSM-7": 160, "UCS-2": 70}
PART = {"GSM-7": 153, "UCS-2": 67}


@dataclass(frozen=True)
class Parts:
    """encoding: "GSM-7" or "UCS-2". units: letters as they count there. count: parts, each paid for."""

    encoding: str
    units: int
    count: int


def parts_of(text: str) -> Parts:
    """A letter that takes two units is never cut in two."""
    gsm = all(letter in BASIC or letter in EXTENDED for letter in text)
    encoding = "GSM-7" if gsm else "UCS-2"
    sizes = [2 if (letter in EXTENDED if gsm else ord(letter) > 0xFFFF) else 1 for letter in text]
    units = sum(sizes)
    if units <= SINGLE[encoding]:
        return Parts(encoding, units, 1)
    count, left = 1, PART[encoding]
    for size in sizes:
        if size > left:
            count, left = count + 1, PART[encoding]
        left -= size
    return Parts(encoding, units, count)
