"""Chinese syllables in Latin letters: Wade-Giles and Pinyin folded to one key, so that HSIN YUNG meets XIN YONG.

A key stands for a few syllables at most; it finds candidates that must be unique, it never proves a name.
"""

import re
from functools import cache

SYLLABLE = re.compile(r"(ZH|CH|SH|HS|TZ|TS|SZ|SS|[BPMFDTNLGKHJQXRZCSWY])?([AEIOU][A-Z]{0,4})")
INITIALS = {
    "B": "P", "D": "T", "G": "K", "ZH": "C", "CH": "C", "Q": "C", "HS": "X", "Z": "TS", "C": "TS", "TZ": "TS",
    "SZ": "S", "SS": "S",
}  # fmt: skip
FINALS = {
    "UNG": "ONG", "IUNG": "IONG", "IEN": "IAN", "IEH": "IE", "UEH": "UE", "EH": "E", "UEI": "UI", "EE": "I",
    "OO": "U", "IH": "I",
}  # fmt: skip
WHOLE = {"I": "YI", "YEN": "YAN", "YOU": "YU", "WOO": "WU", "ZHI": "CIH", "CHIH": "CIH", "TZU": "TSI", "SSU": "SI"}
O_MEANS = {"K": "E", "H": "E", "P": "O", "M": "O", "F": "O", "W": "O", "Y": "O", "": "O"}


@cache
def syllable_key(word: str) -> str:
    """The key of one syllable; a word that is none stays as it is. word: upper case."""
    if word in WHOLE:
        return WHOLE[word]
    shape = SYLLABLE.fullmatch(word)
    if shape is None:
        return word
    initial, final = shape[1] or "", shape[2]
    if initial == "J":
        # Pinyin j stands before i and ü only; elsewhere j is the Wade-Giles way to write r.
        initial = "CH" if (final[0] == "I" and final != "IH") or final in ("U", "UN", "UAN", "UE") else "R"
    initial = INITIALS.get(initial, initial)
    final = FINALS.get(final, final)
    if final == "O":
        final = O_MEANS.get(initial, "UO")
    return initial + final


def romanised_key(words: list[str]) -> str:
    return "".join(syllable_key(word) for word in words)
