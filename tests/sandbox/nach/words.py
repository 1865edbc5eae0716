"""Words of the NACH wire: return codes, patterns, money as text, refusals."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from tests.sandbox.wire import Reply, json_reply

IST = timezone(timedelta(hours=5, minutes=30), "IST")
DAY = timedelta(days=1)
KEY = re.compile(r"[A-Za-z0-9-]{1,35}")
ITEM_REF = re.compile(r"[A-Za-z0-9-]{1,30}")
ACCOUNT_NO = re.compile(r"\d{9,18}")
IFSC = re.compile(r"[A-Z]{4}0[A-Z0-9]{6}")
MONEY = re.compile(r"\d{1,9}\.\d{2}")

RETURNS = {
    "01": "Account closed", "02": "No such account", "03": "Account description does not tally",
    "04": "Balance insufficient", "05": "Not arranged for / exceeds arrangement", "06": "Payment stopped by drawer",
    "07": "Payment stopped under court order", "08": "Mandate not received", "09": "Miscellaneous",
    "11": "Invalid IFSC/MICR", "12": "Frequency mismatch", "13": "Duplicate, already debited", "14": "Mandate expired",
    "15": "Amount mismatch", "16": "Customer name mismatch", "17": "Returned at customer's request",
    "21": "Invalid UMRN or inactive mandate", "22": "Mandate not valid for debit", "23": "Debtor account mismatch",
    "24": "Debtor bank mismatch", "25": "Currency mismatch", "26": "Amount exceeds mandate", "27": "Invalid amount",
    "28": "Before start date of mandate", "29": "After end date of mandate", "30": "User number mismatch",
    "31": "Duplicate reference number", "32": "Invalid date", "33": "Item unwound", "34": "Amount is zero",
    "51": "KYC documents pending", "52": "Minor turned major", "53": "Account inoperative", "54": "Dormant account",
    "55": "Zero balance account", "56": "Small account limit", "57": "Amount exceeds limit set by customer",
    "58": "Amount exceeds limit set by bank", "59": "Network failure", "60": "Account holder expired",
    "61": "Mandate cancelled", "68": "Account blocked or frozen", "69": "Customer insolvent", "70": "Refer to branch",
    "71": "Account type not allowed", "72": "Item cancelled", "73": "Settlement failed", "74": "Invalid file format",
    "75": "Cancelled at customer's request", "76": "Invalid IIN", "77": "Invalid currency", "79": "Core bank timeout",
    "80": "Invalid Aadhaar format", "82": "Pending", "83": "Field error", "84": "Original reference error",
    "86": "Original reference error", "87": "Original date error", "88": "Original amount error",
    "89": "Original bank error", "90": "Original item not found", "91": "Original item returned", "92": "Core offline",
    "94": "Amount is zero", "95": "Aadhaar number not mapped", "96": "Aadhaar mapping inactive",
    "97": "User number invalid", "98": "Bank extended", "99": "Pending with the bank",
}  # fmt: skip
REJECTIONS = {
    "RJ01": "Drawer's signature differs", "RJ02": "Account closed", "RJ03": "Drawer's name differs",
    "RJ04": "Debtor declined", "RJ05": "Debtor did not authenticate in time",
}  # fmt: skip
# Months that a period has, by frequency; ADHO knows none.
MONTHS = {"MNTH": 1, "QURT": 3, "MIAN": 6, "YEAR": 12}


@dataclass
class Refused(Exception):
    """An answer other than 2xx, given instead of doing anything."""

    status: int
    code: str
    message: str
    more: dict[str, Any] = field(default_factory=dict)

    def reply(self) -> Reply:
        return json_reply({"error": {"code": self.code, "message": self.message} | self.more}, self.status)


def refuse(status: int, code: str, message: str, **more: Any) -> Refused:
    return Refused(status, code, message, more)


def rupees(minor: int) -> str:
    sign, whole = "-" if minor < 0 else "", abs(minor)
    return f"{sign}{whole // 100}.{whole % 100:02}"


def instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def ist_day(at: datetime) -> date:
    return at.astimezone(IST).date()


def ist(day: date, hour: int = 0) -> datetime:
    return datetime.combine(day, time(hour), IST)


def period(frequency: str, day: date) -> tuple[int, int]:
    """Which calendar month, quarter, half-year or year a day lies in."""
    return day.year, (day.month - 1) // MONTHS[frequency]


class Fields:
    """What was sent, checked field by field. Raises Refused 400 that names the field."""

    def __init__(self, sent: Any) -> None:
        if not isinstance(sent, dict):
            raise refuse(400, "invalid_request", "a JSON object is expected")
        self.sent = sent

    def bad(self, name: str) -> Refused:
        return refuse(400, "invalid_request", f"{name} is missing or malformed", field=name)

    def text(self, name: str, pattern: re.Pattern[str]) -> str:
        value = self.sent.get(name)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self.bad(name)
        return value

    def one_of(self, name: str, *allowed: str) -> str:
        if self.sent.get(name) not in allowed:
            raise self.bad(name)
        return str(self.sent[name])

    def minor(self, name: str) -> int:
        """Paise, above nothing."""
        found = int(self.text(name, MONEY).replace(".", ""))
        if not found:
            raise self.bad(name)
        return found

    def day(self, name: str) -> date:
        try:
            return date.fromisoformat(self.text(name, re.compile(r"\d{4}-\d\d-\d\d")))
        except ValueError:
            raise self.bad(name) from None

    def day_of_month(self, name: str) -> int | None:
        value = self.sent.get(name)
        if value is not None and (type(value) is not int or not 1 <= value <= 28):
            raise self.bad(name)
        return value
