"""What Indian banks call the columns of a collection file, and how they write amounts, days and outcomes."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from reconciliation.formats.figures import CENTURY, make_day

# No standard: every bank's names, without blanks and signs, in small letters. The first that is in the header counts.
ALIASES: dict[str, tuple[str, ...]] = {
    "virtual_account": (
        "virtualaccount", "virtualaccountno", "virtualaccountnumber", "virtualaccountnum", "virtualacno",
        "virtualaccno", "virtualaccountid", "virtualaccountcode", "va", "vano", "vanumber", "vanum", "vaccountno",
        "vaccountnumber", "ecollectno", "ecollectcode", "ecollectaccountno", "ecollectaccountnumber", "ecollectionno",
        "ecollectionaccountno", "beneficiaryvirtualaccount", "beneficiaryvirtualaccountno",
    ),
    "name": (
        "remittername", "nameofremitter", "remitterfullname", "remname", "sendername", "nameofsender", "payername",
        "nameofpayer", "remitter", "sender", "payer", "orderingcustomername", "orderingcustomer", "customername",
    ),
    "account": (
        "remitteraccount", "remitteraccountno", "remitteraccountnumber", "remitteracno", "remitteraccno",
        "remaccountno", "remacno", "senderaccount", "senderaccountno", "senderaccountnumber", "senderacno",
        "payeraccount", "payeraccountno", "payeraccountnumber", "payeracno", "fromaccount", "fromaccountno",
        "remittersaccountno", "orderingcustomeraccount", "debitaccountno",
    ),
    "ifsc": (
        "remitterifsc", "remitterifsccode", "remitterbankifsc", "remifsc", "senderifsc", "senderifsccode",
        "payerifsc", "payerifsccode", "remittingbankifsc", "sendingbankifsc", "ifsc", "ifsccode",
    ),
    "utr": (
        "utr", "utrno", "utrnumber", "utrrefno", "utrreferenceno", "utrreference", "utrrrn", "rrnutr", "utrrrnno",
        "bankreferenceno", "bankreferencenumber", "bankrefno", "transactionrefno", "transactionreferenceno",
        "transactionreferencenumber", "txnrefno",
    ),
    "rrn": ("rrn", "rrnno", "rrnnumber", "upirrn", "bankrrn", "npcirrn", "customerreferenceno", "custrefno", "custref"),
    "vpa": ("payervpa", "remittervpa", "customervpa", "sendervpa", "payervirtualaddress", "payerva", "payerupiid",
            "upiid", "vpa", "vpaid"),
    "amount": (
        "amount", "amountinr", "amountrs", "amountinrs", "amt", "txnamount", "txnamt", "transactionamount",
        "transactionamountinr", "creditamount", "grossamount", "paidamount", "receivedamount", "amountreceived",
    ),
    "net": ("netamount", "netamountinr", "netsettlementamount", "settlementamount", "settledamount", "netpayable"),
    "fee": ("fee", "fees", "mdr", "mdramount", "charges", "commission", "msf"),
    "tax": ("gst", "gstamount", "tax", "taxamount", "igst", "gstonmdr", "servicetax"),
    "mode": (
        "mode", "paymentmode", "modeofpayment", "transfermode", "transactionmode", "txnmode", "producttype",
        "product", "channel", "transactiontype", "txntype", "paymenttype",
    ),
    "at": (
        "timestamp", "transactiontimestamp", "transactiondatetime", "transactiondateandtime", "txndatetime",
        "creditdatetime", "creditedon", "creditdate", "transactiondate", "txndate", "datetime", "dateandtime",
        "postingdate", "paymentdate", "receiveddate", "date", "valuedate",
    ),
    "time": ("time", "txntime", "transactiontime", "credittime"),
    "settled_on": ("settlementdate", "settledon", "settleddate"),
    "status": ("status", "txnstatus", "transactionstatus", "paymentstatus"),
    "way": ("drcr", "crdr", "debitcredit", "creditdebit", "creditdebitflag", "dc"),
    "order": (
        "orderid", "orderno", "merchanttransactionid", "merchanttxnid", "merchantreferenceid", "merchantrefid",
        "merchantreferenceno", "invoiceno", "invoicenumber", "billno", "billnumber",
    ),
    "note": ("remarks", "remark", "narration", "description", "note", "paymentremarks", "sendertoreceiverinfo",
             "remitterinformation"),
    "payout": ("settlementutr", "settlementutrno", "settlementreference", "settlementreferenceno", "payoututr"),
}  # fmt: skip
REFERENCES = ("virtual_account", "account", "utr", "rrn", "order", "payout")

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAY = re.compile(r"(\d{1,2})[-/. ](\d{1,2}|[a-z]{3,9})[-/. ,]+(\d{4}|\d{2})(?!\d)", re.I | re.A)
ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", re.A)
EIGHT = re.compile(r"(\d{8})(?!\d)", re.A)
TIME = re.compile(r"(\d{1,2}:\d{2}(?::\d{2})?(?:\s*[AP]M)?)", re.I | re.A)
RUPEES = re.compile(
    r"(?:INR|RS\.?|₹)?\s*([+-]?)\s*(?:INR|RS\.?|₹)?\s*(\d+|\d{1,3}(?:,\d{2,3})*,\d{3})(\.\d{1,4})?\s*(?:/-)?\s*(CR|DR)?\.?",
    re.I | re.A,
)
EXCEL = re.compile(r"\d(?:\.\d+)?E\+?\d{1,2}", re.I | re.A)

PAID = frozenset(
    {"", "success", "successful", "succeeded", "s", "credited", "completed", "complete", "settled", "processed",
     "captured", "paid", "accepted", "received", "ok"}
)  # fmt: skip
TAKEN_BACK = frozenset({"returned", "return", "reversed", "reversal", "refunded", "refund", "chargeback"})
NOT_PAID = frozenset({"failed", "failure", "f", "rejected", "declined", "pending", "initiated", "expired", "cancelled"})


def plain_name(header: str) -> str:
    return re.sub(r"[^a-z0-9]", "", header.lower())


def find_columns(header: Sequence[str]) -> dict[str, int]:
    """Our words and the columns they stand in; {} where the row is no header of a collection file."""
    names: dict[str, int] = {}
    for position, cell in enumerate(header):
        names.setdefault(plain_name(cell), position)
    found = {ours: names[name] for ours, theirs in ALIASES.items() for name in theirs[::-1] if name in names}
    has_payer = "virtual_account" in found or "vpa" in found
    has_reference = "utr" in found or "rrn" in found
    return found if has_payer and has_reference and ("amount" in found or "net" in found) else {}


def read_rupees(text: str) -> Decimal | None:
    """1,00,000.00 in lakhs or in thousands, with or without a sign for rupees; Dr makes it negative."""
    found = RUPEES.fullmatch(text.strip())
    if not found or len(text) > 40:
        return None
    sign, whole, part, way = found.groups()
    amount = Decimal(whole.replace(",", "") + (part or ""))
    return -amount if sign == "-" or (way or "").upper() == "DR" else amount


def read_indian_day(text: str) -> date | None:
    """Day first, as India writes it; year first where it has four digits; months by name too."""
    text = text.strip()
    if found := ISO.match(text):
        return make_day(int(found[1]), int(found[2]), int(found[3]))
    if found := DAY.match(text):
        month = found[2].lower()
        number = int(month) if month.isdecimal() else MONTHS.index(month[:3]) + 1 if month[:3] in MONTHS else 0
        year = int(found[3])
        return make_day(year if year > 99 else CENTURY + year, number, int(found[1]))
    if found := EIGHT.match(text):
        digits = found[1]
        return make_day(int(digits[:4]), int(digits[4:6]), int(digits[6:])) if digits.startswith("20") else make_day(
            int(digits[4:]), int(digits[2:4]), int(digits[:2])
        )  # fmt: skip
    return None


def read_time(text: str) -> str:
    found = TIME.search(text)
    return found[1] if found else ""
