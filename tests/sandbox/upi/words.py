"""Words of the UPI wire: response codes, identifiers, money as text, refusals."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from tests.sandbox.wire import Reply, json_reply

IST = timezone(timedelta(hours=5, minutes=30), "IST")
VPA = re.compile(r"[A-Za-z0-9.\-_]{2,256}@[A-Za-z]{2,64}")
KEY = re.compile(r"[A-Za-z0-9-]{1,35}")
MONEY = re.compile(r"\d{1,9}\.\d{2}")
HANDLES = ("okbank", "auto", "never")

CODES = {
    "00": "Approved", "01": "Pending with the payer", "Z9": "Insufficient funds in the payer's account",
    "IE": "Funds blocked for another mandate", "Z8": "Per transaction limit exceeded",
    "Z7": "Transaction frequency limit exceeded", "ZU": "Limit set by the remitter's bank exceeded",
    "ZT": "OTP transaction limit exceeded", "Z6": "Number of PIN tries exceeded", "ZM": "Invalid PIN",
    "ZR": "Invalid or incorrect OTP", "ZS": "OTP expired", "AM": "PIN not set by the payer",
    "ZA": "Transaction declined by the customer", "U69": "Collect request expired", "K1": "Suspected fraud",
    "59": "Suspected fraud at the remitter", "ZI": "Suspected fraud, beneficiary", "U16": "Risk threshold exceeded",
    "M16": "Risk decline", "U66": "Device fingerprint mismatch", "YA": "Lost or stolen card at the remitter",
    "YB": "Lost or stolen card at the beneficiary", "YC": "Do not honour", "YD": "Do not honour at the beneficiary",
    "XL": "Expired card at the remitter", "XM": "Expired card at the beneficiary", "XN": "No card record",
    "XO": "No card record at the beneficiary", "XP": "Transaction not permitted to the cardholder",
    "XQ": "Transaction not permitted at the beneficiary", "XR": "Restricted card", "XS": "Restricted card, beneficiary",
    "XH": "Account does not exist", "XI": "Account does not exist at the beneficiary", "ZH": "Invalid virtual address",
    "XX": "No record of the payer", "VG": "Virtual address not registered", "ZX": "Inactive or dormant account",
    "ZY": "Inactive or dormant account at the beneficiary", "YE": "Account blocked or frozen",
    "YF": "Account blocked or frozen at the beneficiary", "B1": "Mobile number changed", "QU": "Account changed",
    "VJ": "Account changed", "MR": "Bank merged", "B3": "Transaction not permitted to the account",
    "ZE": "Transaction not permitted to the virtual address", "ZG": "Virtual address restricted by the customer",
    "VL": "Not permitted for the account", "VM": "Not permitted for the virtual address", "XV": "Compliance violation",
    "XW": "Compliance violation at the beneficiary", "CI": "Compliance decline", "XD": "Invalid amount",
    "XE": "Invalid amount at the beneficiary", "XF": "Format error", "XG": "Format error at the beneficiary",
    "XJ": "Requested function not supported", "XK": "Requested function not supported at the beneficiary",
    "X6": "Invalid merchant", "X7": "Merchant not reachable", "XT": "Cut-off in process",
    "XU": "Cut-off in process at the beneficiary", "XY": "Remitter's core banking offline",
    "Y1": "Beneficiary's core banking offline", "U28": "PSP not available", "U78": "Beneficiary bank offline",
    "U92": "Payer's PSP not available", "U93": "Payee's PSP not available", "U80": "Throttle decline",
    "U81": "Remitter's bank deemed high response time", "U84": "Throttle decline", "U85": "Connection timeout",
    "U86": "Remitter's bank throttling decline", "U89": "Payer's PSP deemed down", "U90": "Remitter's bank deemed down",
    "U91": "Beneficiary's bank deemed down", "U94": "Payee's PSP deemed down", "S96": "Request not delivered",
    "S98": "Request not delivered", "XB": "Invalid transaction", "XC": "Invalid transaction at the beneficiary",
    "21": "No action taken: fully reversed", "UT": "Remitter unavailable (timeout)",
    "BT": "Beneficiary unavailable (timeout)", "UP": "PSP timeout", "U67": "Debit timeout", "U68": "Credit timeout",
    "U82": "Read timeout in the credit leg", "U87": "Read timeout in the debit leg", "U88": "Connection timeout",
    "U26": "PSP request credit error", "U53": "PSP request pay debit error", "S95": "Timeout",
    "RB": "Credit reversal timeout: deemed", "RP": "Partial debit reversal timeout", "RR": "Debit reversal timeout",
    "32": "Partial reversal", "U32": "Credit reversal failed", "U33": "Partial reversal", "U37": "Reversal failed",
    "U01": "The request is duplicate", "U35": "Duplicate transaction", "U36": "Duplicate transaction",
    "U38": "Duplicate transaction", "U42": "Duplicate transaction", "DT": "Duplicate RRN, decline",
    "DF": "Duplicate RRN", "U70": "Late response received", "ZL": "Late response", "VA": "Mandate revoked",
    "VU": "Mandate expired", "VF": "Mandate unknown", "VT": "Mandate paused", "VE": "Mandate already honoured",
    "VS": "Duplicate mandate execution", "VH": "Mandate signature corrupt", "VO": "Court order", "VP": "Holder dead",
    "VQ": "Insolvency of holder", "VR": "Lunacy of holder", "VZ": "Account attached",
}  # fmt: skip
# Not known at first: the code → (answered as, becomes, after how many seconds, whether the money moved at once).
LATE = (
    dict.fromkeys(("UT", "UP", "U67", "U26", "U53", "U70", "ZL"), ("PENDING", "SUCCESS", 600, True))
    | dict.fromkeys(("BT", "U68", "U82", "U87", "U88", "S95"), ("PENDING", "FAILURE", 600, False))
    | dict.fromkeys(("RB", "RR", "32"), ("DEEMED", "SUCCESS", 86400, False))
    | dict.fromkeys(("RP", "U32", "U33", "U37"), ("DEEMED", "FAILURE", 86400, False))
)
AMOUNTS = {20100: "Z9", 20400: "ZM", 30200: "ZA", 40200: "YC", 40800: "UT", 50400: "BT", 50200: "RB"}
# NPCI's peak hours, IST: from, to (excluded).
PEAKS = ((time(10), time(13)), (time(17), time(21, 30)))


@dataclass
class Refused(Exception):
    """An answer other than 2xx, given instead of doing anything."""

    status: int
    code: str
    message: str
    more: dict[str, str]

    def reply(self) -> Reply:
        return json_reply({"error": {"code": self.code, "message": self.message} | self.more}, self.status)


def refuse(status: int, code: str, message: str, **more: str) -> Refused:
    return Refused(status, code, message, more)


def outcome(vpa: str, minor: int) -> str:
    """The response code that a payer's virtual address, or the amount, stands for."""
    word = vpa.partition("@")[0].rpartition(".")[2].upper()
    if word in CODES and word not in ("00", "01"):
        return word
    return AMOUNTS.get(minor, "00")


def is_known(vpa: str) -> bool:
    local, _at, handle = vpa.partition("@")
    return handle.lower() in HANDLES and local.lower() != "nobody"


def holder(vpa: str) -> str:
    return " ".join(re.split(r"[.\-_]+", vpa.partition("@")[0])).strip().upper()


def masked(vpa: str) -> str:
    local, _at, handle = vpa.partition("@")
    return f"{local[:2]}***@{handle}"


def rupees(minor: int) -> str:
    sign, whole = "-" if minor < 0 else "", abs(minor)
    return f"{sign}{whole // 100}.{whole % 100:02}"


def instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def ist_day(at: datetime) -> date:
    return at.astimezone(IST).date()


def after_peak(at: datetime) -> datetime | None:
    """When executions are allowed again; None outside the peak hours."""
    here = at.astimezone(IST)
    for start, end in PEAKS:
        if start <= here.time() < end:
            return here.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0)
    return None


class Fields:
    """What was sent, checked field by field. Raises Refused 400 that names the field."""

    def __init__(self, sent: Any) -> None:
        if not isinstance(sent, dict):
            raise refuse(400, "invalid_request", "a JSON object is expected")
        self.sent = sent

    def bad(self, name: str, message: str) -> Refused:
        return refuse(400, "invalid_request", message, field=name)

    def text(self, name: str, pattern: re.Pattern[str], *, default: str | None = None) -> str:
        value = self.sent.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise self.bad(name, f"{name} is missing or malformed")
        return value

    def one_of(self, name: str, *allowed: str) -> str:
        value = self.sent.get(name)
        if value not in allowed:
            raise self.bad(name, f"{name} is one of {', '.join(allowed)}")
        return str(value)

    def minor(self, name: str) -> int:
        """Paise, above nothing."""
        found = int(self.text(name, MONEY).replace(".", ""))
        if not found:
            raise self.bad(name, f"{name} must be above 0.00")
        return found

    def day(self, name: str) -> date:
        try:
            return date.fromisoformat(self.text(name, re.compile(r"\d{4}-\d\d-\d\d")))
        except ValueError:
            raise self.bad(name, f"{name} is no day") from None

    def at(self, name: str) -> datetime:
        try:
            found = datetime.fromisoformat(self.text(name, re.compile(r"\S{10,40}")))
        except ValueError:
            raise self.bad(name, f"{name} is no instant") from None
        if found.tzinfo is None:
            raise self.bad(name, f"{name} needs an offset")
        return found
