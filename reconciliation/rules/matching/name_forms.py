"""One written name, taken apart: its core, its legal form, the keys by which it is compared."""

import re
from dataclasses import dataclass
from functools import lru_cache

from reconciliation.rules.matching.normalising import is_chinese, spellings, squeezed, words
from reconciliation.rules.matching.romanising import romanised_key

LEGAL = {
    "GMBH", "CO", "KG", "LTD", "INC", "LLC", "SARL", "SAS", "SA", "BV", "NV", "PVT", "AG", "PLC", "LLP", "LP", "CORP",
    "OY", "AB", "AS", "APS", "SRL", "SPA", "SL", "UG", "EK", "OHG", "KGAA", "SE", "PTE", "PTY", "SDN", "BHD", "KK",
    "DOO", "SRO", "ZOO", "KFT",
}  # fmt: skip
SAME_LEGAL = {
    "LIMITED": "LTD", "INCORPORATED": "INC", "CORPORATION": "CORP", "COMPANY": "CO", "PRIVATE": "PVT",
    "GESELLSCHAFT": "GES", "UND": "",
}  # fmt: skip
HAN_SHORT = (
    ("(股)公司", "股份有限公司"), ("(有)公司", "有限公司"), ("(股)", "股份有限公司"), ("(有)", "有限公司"),
)  # fmt: skip
HAN_LEGAL = re.compile(r"(股份有限公司|有限公司|股份公司|股公司|公司|企業社|工作室|事務所|商行|工程行|商店|有限合夥)$")
# What the legal forms of small Taiwanese businesses are called in Latin letters.
LATIN_OF_HAN = (("TRADING", "HOUSE"), ("ENTERPRISE",))


@dataclass(frozen=True)
class Form:
    """whole: with the legal form in its one spelling. raw: as written, squeezed. roman: the core by its syllables."""

    whole: str
    core: str
    legal: str
    raw: str
    roman: str
    words: tuple[str, ...]
    is_chinese: bool


@lru_cache(maxsize=50_000)
def _forms(name: str) -> tuple[Form, ...]:
    made = [_chinese(text) if is_chinese(text) else _latin(text) for text in spellings(name)]
    return tuple(dict.fromkeys(made))


def forms_of(name: str) -> list[Form]:
    """The readings of a written name: two where an umlaut may be spelt out or dropped."""
    return list(_forms(name))


def _chinese(text: str) -> Form:
    long = text.replace(" ", "")
    for short, full in HAN_SHORT:
        long = long.replace(short, full)
    whole = squeezed(long)
    ending = HAN_LEGAL.search(whole)
    legal = ending[0] if ending and ending.start() >= 2 else ""
    core = whole.removesuffix(legal)
    return Form(whole, core, legal, squeezed(text), core, (core,), True)


def _latin(text: str) -> Form:
    said = [SAME_LEGAL.get(word, word) for word in words(text.replace(".", "").replace("'", "").replace("`", ""))]
    said = [word for word in said if word]
    core = list(said)
    while len(core) > 1 and core[-1] in LEGAL:
        core.pop()
    legal = "".join(said[len(core) :])
    for ending in LATIN_OF_HAN:
        if not legal and len(core) > len(ending) + 1 and tuple(core[-len(ending) :]) == ending:
            core = core[: -len(ending)]
            legal = "".join(ending)
    roman = romanised_key(core)
    return Form("".join(said), "".join(core), legal, squeezed(text), roman, tuple(core), False)
