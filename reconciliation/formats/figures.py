"""Figures as banks write them, read by rule: amounts, days in six or eight digits, days of the Taiwanese calendar."""

import re
from datetime import date
from decimal import Decimal

CENTS = Decimal("0.01")
DIGITS = re.compile(r"\d+", re.A)
BLANKS = re.compile(r"[\s\u00a0\u202f\u2009']+")
AMOUNT = re.compile(r"([+\-\u2212]?)(\d*)((?:[.,]\d+)*)", re.A)
ROC_YEARS = 1911
CENTURY = 2000


def read_minor(text: str, decimals: int = 2) -> Decimal | None:
    """Digits with so many implied decimals, blanks around them allowed; None for anything else."""
    digits = text.strip()
    if not DIGITS.fullmatch(digits) or len(digits) > 30:
        return None
    return Decimal(int(digits)).scaleb(-decimals)


def read_amount(text: str) -> Decimal | None:
    """A signed amount with a decimal point or comma, grouped or not; None where it is none, or two things at once.

    "1,234" is refused: a comma before three digits groups in one country and divides in the next.
    """
    found = AMOUNT.fullmatch(BLANKS.sub("", text))
    if not found or not (found[2] or found[3]) or len(found[0]) > 30:
        return None
    sign, whole, rest = found.groups()
    plain = _without_groups(whole, rest)
    if plain is None:
        return None
    return Decimal(plain) * (-1 if sign and sign != "+" else 1)


def _without_groups(whole: str, rest: str) -> str | None:
    parts, marks = re.split("[.,]", rest)[1:], re.sub(r"\d", "", rest)
    if not marks:
        return whole
    last, others = marks[-1], set(marks[:-1])
    if not others:
        is_unclear = last == "," and len(parts[0]) == 3 and 1 <= len(whole) <= 3 and whole != "0"
        return None if is_unclear else f"{whole or 0}.{parts[0]}"
    groups, decimals = (parts, "0") if others == {last} else (parts[:-1], parts[-1])
    if len(others) > 1 or not 1 <= len(whole) <= 3 or any(len(group) != 3 for group in groups):
        return None
    return f"{whole}{''.join(groups)}.{decimals}"


def read_day(text: str) -> date | None:
    """YYYYMMDD, or with dashes; what follows it, a time and a zone, is not the day's. None where it is no day."""
    found = re.match(r"(\d{4})-?(\d\d)-?(\d\d)", text.strip(), re.A)
    return make_day(int(found[1]), int(found[2]), int(found[3])) if found else None


def read_short_day(text: str) -> date | None:
    """YYMMDD of this century."""
    if not re.fullmatch(r"\d{6}", text, re.A):
        return None
    return make_day(CENTURY + int(text[:2]), int(text[2:4]), int(text[4:]))


def read_roc_day(text: str) -> date | None:
    """A day counted from the Republic's first year, 1912: 114/07/21, 1140721, 01140721, before 2011 also 99/12/31.

    Eight digits that begin otherwise than with 0 are of the common calendar. 29 February goes by the common year.
    """
    found = re.fullmatch(r"(\d{2,4})[/.-](\d{1,2})[/.-](\d{1,2})|(\d{2,4})(\d\d)(\d\d)", text.strip(), re.A)
    if not found:
        return None
    year, month, day = (int(part) for part in found.groups() if part is not None)
    is_common = len(found[1] or found[4]) == 4 and year >= 1000
    return make_day(year if is_common else year + ROC_YEARS, month, day)


def make_day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def plain(amount: Decimal) -> str:
    """Without needless zeros: 1.2, 1000."""
    return f"{amount.normalize():f}" if amount else "0"
