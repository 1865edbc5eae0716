"""Words of the PayU wire: hashes, amounts, what banks say."""

import hashlib
import re
from datetime import datetime, timedelta, timezone

IST = timezone(timedelta(hours=5, minutes=30), "IST")
NEEDED = ("key", "txnid", "amount", "productinfo", "firstname", "email", "phone", "surl", "furl", "hash")
UDFS = ("udf1", "udf2", "udf3", "udf4", "udf5")
AMOUNT = re.compile(r"\d{1,9}(?:\.\d{1,2})?")
BANKS = {
    "TESTPGNB": "Test Bank", "SBIB": "State Bank of India", "HDFB": "HDFC Bank", "ICIB": "ICICI Bank",
    "AXIB": "Axis Bank",
}  # fmt: skip
# How it ends → status, unmappedstatus, error, error_Message, field9. Texts of failures differ from bank to bank.
ENDS = {
    "paid": ("success", "captured", "E000", "No Error", "Transaction Completed Successfully"),
    "pending": ("pending", "in progress", "E000", "No Error", "Awaiting the bank"),
    "poor": ("failure", "failed", "E706", "Insufficient funds", "Insufficient balance in the account"),
    "cancelled": ("failure", "userCancelled", "E9205", "Customer Cancellation", "Cancelled by user"),
    "declined": ("failure", "failed", "E308", "Transaction failed at bank end.", "Declined by the bank"),
}
# Amounts in paise that end so whatever the payer presses.
AMOUNTS = {20100: "poor", 30200: "cancelled", 40200: "declined", 10200: "pending"}


def sha512(*parts: str) -> str:
    return hashlib.sha512("|".join(parts).encode()).hexdigest()


def request_hash(sent: dict[str, str], salt: str) -> str:
    named = [sent.get(name, "") for name in ("key", "txnid", "amount", "productinfo", "firstname", "email", *UDFS)]
    return sha512(*named, "", "", "", "", "", salt)


def return_hash(fields: dict[str, str], salt: str) -> str:
    """Backwards, from the salt on; additional charges come before all."""
    extra = fields.get("additionalCharges", "")
    named = [fields.get(n, "") for n in (*UDFS[::-1], "email", "firstname", "productinfo", "amount", "txnid", "key")]
    return sha512(*([extra] if extra else []), salt, fields["status"], "", "", "", "", "", *named)


def paise(text: str) -> int:
    """0 for what is no amount above nothing."""
    if not AMOUNT.fullmatch(text):
        return 0
    whole, _dot, part = text.partition(".")
    return int(whole) * 100 + int(part.ljust(2, "0"))


def rupees(minor: int) -> str:
    sign, whole = "-" if minor < 0 else "", abs(minor)
    return f"{sign}{whole // 100}.{whole % 100:02}"


def local(at: datetime | None) -> str | None:
    return at.astimezone(IST).strftime("%Y-%m-%d %H:%M:%S") if at else None
