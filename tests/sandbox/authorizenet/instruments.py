"""Cards and bank accounts as they come in: checked, masked, fingerprinted."""

import re
from datetime import datetime
from typing import Any

from tests.sandbox.authorizenet.records import Instrument
from tests.sandbox.numbers import TEST_CARDS, aba, brand, fingerprint, luhn

BRANDS = {
    "visa": "Visa", "mastercard": "MasterCard", "amex": "AmericanExpress", "discover": "Discover",
    "diners": "DinersClub", "jcb": "JCB",
}  # fmt: skip
CARD_CODES = {"900": "M", "901": "N", "902": "S", "903": "U", "904": "P"}
BAD_CARD, BAD_EXPIRY, EXPIRED, BAD_ABA, BAD_ACCOUNT = 6, 7, 8, 9, 10


def from_card(asked: dict[str, Any]) -> Instrument:
    """asked: cardNumber, expirationDate, cardCode. Numbers that are not published for tests are invalid."""
    number = asked.get("cardNumber", "").replace(" ", "").replace("-", "")
    expires = expiry(asked.get("expirationDate", ""))
    fault = BAD_CARD if not luhn(number) or number not in TEST_CARDS else 0 if expires else BAD_EXPIRY
    return Instrument(
        "card", BRANDS.get(brand(number), "Visa"), number[-4:], fingerprint("card", number), expires, fault,
        card_code=code_answer(asked.get("cardCode", "")), zip=asked.get("zip", ""), name=asked.get("fullName", ""),
    )  # fmt: skip


def from_bank(asked: dict[str, Any]) -> Instrument:
    routing, number = asked.get("routingNumber", ""), asked.get("accountNumber", "")
    is_number = re.fullmatch(r"\d{5,17}", number, re.ASCII)
    return Instrument(
        "bank", "eCheck", number[-4:], fingerprint("bank", routing, number),
        fault=BAD_ABA if not aba(routing) else 0 if is_number else BAD_ACCOUNT,
        name=asked.get("nameOnAccount", ""), account_type=asked.get("accountType", "checking"),
        routing_last4=routing[-4:], echeck_type=asked.get("echeckType", "WEB"), bank_name=asked.get("bankName", ""),
    )  # fmt: skip


def code_answer(code: str) -> str:
    """What the issuer says of a card code: by the test codes, else that it matches; P without one."""
    return CARD_CODES.get(code, "M") if code else "P"


def expiry(text: str) -> str:
    """MMYY, MMYYYY, YYYY-MM, with or without - or / between: as YYYY-MM; "" for what is none."""
    match = re.fullmatch(r"(\d{4})[-/](\d{2})", text, re.ASCII)
    if match:
        year, month = match.groups()
    else:
        match = re.fullmatch(r"(\d{2})[-/]?(\d{2}|\d{4})", text, re.ASCII)
        if not match:
            return ""
        month, year = match[1], match[2] if len(match[2]) == 4 else f"20{match[2]}"
    return f"{year}-{month}" if "01" <= month <= "12" else ""


def fault_of(instrument: Instrument, now: datetime) -> int:
    """The reason code for which it cannot be charged, 0 for none. A card is good until its month is over."""
    if instrument.fault:
        return instrument.fault
    if instrument.kind == "card" and instrument.expires < now.strftime("%Y-%m"):
        return EXPIRED
    return 0


def masked(instrument: Instrument) -> dict[str, Any]:
    """As reports and the vault show it."""
    if instrument.kind == "card":
        shown = {"cardNumber": instrument.masked, "expirationDate": "XXXX", "cardType": instrument.brand}
        return {"creditCard": shown}
    return {
        "bankAccount": {
            "accountType": instrument.account_type or None, "routingNumber": f"XXXX{instrument.routing_last4}",
            "accountNumber": instrument.masked, "nameOnAccount": instrument.name,
            "echeckType": instrument.echeck_type or None, "bankName": instrument.bank_name or None,
        }
    }  # fmt: skip
