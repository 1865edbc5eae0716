"""Text made comparable: width, case, marks and variant characters folded. For matching only; originals are kept."""

import re
import unicodedata

# Letters that lose their stroke without a decomposition in Unicode.
STROKED = str.maketrans({"Ø": "O", "Ł": "L", "Đ": "D", "Æ": "AE", "Œ": "OE", "ẞ": "SS", "ß": "SS", "Þ": "TH", "Ð": "D"})
SPELT_OUT = str.maketrans({"Ä": "AE", "Ö": "OE", "Ü": "UE"})
NORDIC = str.maketrans({"Å": "AA", "Ä": "AE", "Ö": "OE", "Ø": "OE"})
# One word, two characters: the forms that Taiwanese names mix.
VARIANTS = str.maketrans("台峯喆堃羣綉銹衆裏着啓牀僞爲鷄鉄", "臺峰哲坤群繡鏽眾裡著啟床偽為雞鐵")
NOT_WORD = re.compile(r"[^0-9A-Z\u3400-\u9fff]+")
HAN = re.compile(r"[\u3400-\u9fff]")
NOT_ALNUM = re.compile(r"[^0-9A-Z]+")


def upper(text: str) -> str:
    """Half width, upper case, marks still there."""
    return unicodedata.normalize("NFKC", text).upper().strip()


def without_marks(text: str) -> str:
    """É as E, Ü as U; text in upper case."""
    parts = unicodedata.normalize("NFKD", text.translate(STROKED))
    return "".join(c for c in parts if not unicodedata.combining(c))


def spellings(text: str) -> tuple[str, ...]:
    """The ways in which a name is written without marks: MUELLER and MULLER; one where they agree."""
    plain = unicodedata.normalize("NFC", upper(text)).translate(VARIANTS)
    ways = (without_marks(plain.translate(table)) for table in (SPELT_OUT, NORDIC, {}))
    return tuple(dict.fromkeys(ways))


def words(spelling: str) -> list[str]:
    return NOT_WORD.sub(" ", spelling).split()


def squeezed(spelling: str) -> str:
    """Letters, digits and Chinese characters only."""
    return NOT_WORD.sub("", spelling)


def plain_number(text: str) -> str:
    """A reference without separators: "inv-2025/0012" as INV20250012."""
    return NOT_ALNUM.sub("", upper(text))


def plain_account(text: str) -> str:
    return NOT_ALNUM.sub("", upper(text))


def is_chinese(text: str) -> bool:
    return bool(HAN.search(text))
