"""Reading what people and files write: days, text. One reader each for forms, admin, API and imports."""

import re
import unicodedata
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.dates import MONTHS
from django.utils.translation import gettext_lazy as _
from stdnum import luhn

from billing.errors import BadInput

ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
FIRST_YEAR, LAST_YEAR = 2000, 2100
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\x00")
# Issuer prefixes with their lengths: a Luhn number of another shape is a reference, not a card.
CARD = re.compile(
    r"4\d{12}(\d{3}){0,2}|5[1-5]\d{14}|2(2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|3[47]\d{13}"
    r"|3(0[0-5]|[68]\d)\d{11}|6(011|5\d{2})\d{12}|35\d{14}|62\d{14,17}"
)
# Groups of digits as people write long numbers: apart by one or two spaces, dots, hyphens or slashes.
DIGIT_RUNS = re.compile(r"\d+(?:[\s./\-\u2010-\u2015_]{1,2}\d+)*")
# Two numbers side by side, with "acct" or the like between them at the most.
NUMBER_PAIR = re.compile(
    r"(?<!\d)(?=(\d{6,17})\b[\s/,;:#.\-]*(?:(?:a/c|acc?t|account|acc|no|number|routing|aba|rtn|checking|savings)"
    r"[\s/,;:#.\-]*){0,3}(?<!\d)(\d{6,17})(?!\d))",
    re.I,
)


def parse_day(text: object, *, field: str = "date") -> date:
    """Read YYYY-MM-DD. Raises BadInput for any other shape, an impossible day, a year outside 2000–2100."""
    day = text if isinstance(text, date) and not isinstance(text, datetime) else _read_day(text, field)
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadInput(_("The year must be between 2000 and 2100."), field=field, code="year_out_of_range")
    return day


def _read_day(text: object, field: str) -> date:
    raw = text.strip() if isinstance(text, str) else ""
    if not raw:
        raise BadInput(_("Enter a date."), field=field, code="required")
    shape = ISO_DAY.fullmatch(raw)
    if not shape or not raw.isascii():
        raise BadInput(_("Write the date as 2026-02-03 (or pick the day)."), field=field, code="not_a_date")
    year, month, day = (int(part) for part in shape.groups())
    try:
        return date(year, month, day)
    except ValueError:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise BadInput(
                _("The year must be between 2000 and 2100."), field=field, code="year_out_of_range"
            ) from None
        if not 1 <= month <= 12:
            sentence = _("There is no day {raw} in the calendar.")
            raise BadInput(sentence, field=field, code="no_such_day", raw=raw) from None
        sentence = _("There is no {day} {month} {year}.")
        raise BadInput(sentence, field=field, code="no_such_day", day=day, month=MONTHS[month], year=year) from None


def parse_period(first: object, last: object, *, months: int = 24) -> tuple[date, date]:
    """Two days in order, at most `months` apart. Raises BadInput."""
    start, end = parse_day(first, field="from"), parse_day(last, field="to")
    if start > end:
        raise BadInput(_("The first day is after the last."), field="from", code="period_reversed")
    if (end.year * 12 + end.month - months, end.day) > (start.year * 12 + start.month, start.day):
        sentence = _("At most {months} months at a time.")
        raise BadInput(sentence, field="to", code="period_too_long", months=months)
    return start, end


def parse_instant(text: object, *, field: str = "time", zone: ZoneInfo | None = None) -> datetime:
    """Read an ISO 8601 instant. Without an offset, `zone` decides; a time it skips or repeats is refused."""
    try:
        moment = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        sentence = _("Write the time as 2026-03-08T02:30:00-05:00.")
        raise BadInput(sentence, field=field, code="not_an_instant") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise BadInput(_("The year must be between 2000 and 2100."), field=field, code="year_out_of_range")
    if moment.tzinfo is not None:
        return moment
    if zone is None:
        sentence = _("Add a zone, for example 2026-03-08T02:30:00-05:00.")
        raise BadInput(sentence, field=field, code="zone_missing")
    early, late = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early
    if early.astimezone(ZoneInfo("UTC")).astimezone(zone).replace(tzinfo=None) != moment:
        raise BadInput(_("That time does not exist (clocks went forward)."), field=field, code="no_such_time")
    raise BadInput(_("That time happened twice; add the offset."), field=field, code="ambiguous_time")


def parse_zone(text: str, *, field: str = "time_zone") -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise BadInput(_("Unknown time zone."), field=field, code="unknown_zone") from None


def clean_text(text: object, *, field: str, longest: int, required: bool = False, free: bool = True) -> str:
    """Trim and normalise (NFC) what was typed. Raises BadInput.

    free: text people write by hand, where a card or bank account number must not be kept (invariant 47).
    """
    if text is None:
        text = ""
    if not isinstance(text, str):
        raise BadInput(_("{name}: text expected."), field=field, code="not_text", name=field)
    if any(_unstorable(c) for c in text):
        raise BadInput(_("The text has a character that cannot be stored."), field=field, code="unstorable_character")
    clean = unicodedata.normalize("NFC", text.strip())
    if required and not clean:
        raise BadInput(_("This field is required."), field=field, code="required")
    if len(clean) > longest:
        sentence = _("At most {longest} characters (has {length}).")
        raise BadInput(sentence, field=field, code="too_long", longest=longest, length=len(clean))
    if free and has_card_number(clean):
        sentence = _("Do not type card numbers here; nothing was saved.")
        raise BadInput(sentence, field=field, code="card_number")
    if free and has_bank_account(clean):
        sentence = _("Do not type bank account numbers here; nothing was saved.")
        raise BadInput(sentence, field=field, code="bank_account_number")
    return clean


def parse_email(text: object, *, field: str = "email") -> str:
    """One address, without line breaks that would add headers. Raises BadInput."""
    address = text.strip(" ") if isinstance(text, str) else ""
    try:
        validate_email(address)
    except ValidationError:
        raise BadInput(_("Not a valid e-mail address."), field=field, code="not_an_email") from None
    return address


def _unstorable(c: str) -> bool:
    """Control characters but line breaks and tabs, surrogates, and what makes text look like other text."""
    return unicodedata.category(c) in ("Cc", "Cs", "Cf") and c not in "\n\r\t"


def has_card_number(text: str) -> bool:
    """Whether neighbouring groups of digits make up a number of a card issuer's shape with a right check digit."""
    for run in DIGIT_RUNS.findall(text):
        groups = re.findall(r"\d+", run)
        for start in range(len(groups)):
            number = ""
            for group in groups[start:]:
                number += group
                if len(number) > 19:
                    break
                if CARD.fullmatch(number) and luhn.is_valid(number):
                    return True
    return False


def has_bank_account(text: str) -> bool:
    """Whether a valid ABA routing number stands beside 6 to 17 digits, before or after them."""
    return any(_aba_ok(number) for pair in NUMBER_PAIR.findall(text) for number in pair)


def _aba_ok(digits: str) -> bool:
    weights = (3, 7, 1) * 3
    return (
        len(digits) == 9
        and digits != "000000000"
        and sum(int(d) * w for d, w in zip(digits, weights, strict=True)) % 10 == 0
    )


def safe_cell(value: object) -> object:
    """A spreadsheet cell that no program takes for a formula (OWASP ASVS 1.2.10); numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return value
