"""The gateway's own words: reply codes, texts, amounts, and how a reply is written."""

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from tests.sandbox.wire import Reply

# The codes of the integration portal with their texts; 100 and 200 as recorded.
CODES = {
    "100": "SUCCESS", "200": "DECLINE", "201": "Do not honor", "202": "Insufficient funds", "203": "Over limit",
    "204": "Transaction not allowed", "220": "Incorrect payment information", "221": "No such card issuer",
    "222": "No card number on file with issuer", "223": "Expired card", "224": "Invalid expiration date",
    "225": "Invalid card security code", "226": "Invalid PIN", "240": "Call issuer for further information",
    "250": "Pick up card", "251": "Lost card", "252": "Stolen card", "253": "Fraudulent card",
    "260": "Declined with further instructions available", "261": "Declined-Stop all recurring payments",
    "262": "Declined-Stop this recurring program", "263": "Declined-Update cardholder data available",
    "264": "Declined-Retry in a few days", "300": "Transaction was rejected by gateway", "301": "Rate limit exceeded",
    "400": "Transaction error returned by processor", "410": "Invalid merchant configuration",
    "411": "Merchant account is inactive", "420": "Communication error", "421": "Communication error with issuer",
    "430": "Duplicate transaction at processor", "440": "Processor format error",
    "441": "Invalid transaction information", "460": "Processor feature not available",
    "461": "Unsupported card type",
}  # fmt: skip
# Answers after which nobody can know from the answer alone whether the money was taken.
UNCLEAR = ("400", "420", "421")
STAMP = "%Y%m%d%H%M%S"
_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,2})?")


class Refused(Exception):
    """The gateway will not do it: response 3. with_ref: the text is followed by REFID:<n>."""

    def __init__(self, text: str, *, with_ref: bool = True, transaction_id: str = "") -> None:
        super().__init__(text)
        self.text, self.with_ref, self.transaction_id = text, with_ref, transaction_id


def minor_of(text: str) -> int:
    """ "12.5" → 1250. Raises Refused."""
    if not _AMOUNT.fullmatch(text):
        raise Refused("Invalid amount")
    whole, _point, part = text.partition(".")
    return int(whole) * 100 + int(f"{part:0<2}")


def amount_of(minor: int) -> str:
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


def stamp(at: datetime) -> str:
    return at.strftime(STAMP)


def kind_of(code: str) -> str:
    """1 approved, 2 declined, 3 an error."""
    return {"1": "1", "2": "2"}.get(code[0], "3")


def said(code: str, text: str = "", **fields: str) -> Reply:
    """One query string, always with HTTP 200. No name comes twice: many clients keep only the first."""
    rows: Mapping[str, str] = {
        "response": kind_of(code), "responsetext": text or CODES[code], "authcode": "", "transactionid": "",
        "avsresponse": "", "cvvresponse": "", "orderid": "", "type": "", "response_code": code,
    } | fields  # fmt: skip
    body = "&".join(f"{name}={quote(value, safe=' :/,.-()')}" for name, value in rows.items())
    return Reply(200, body.encode(), "text/html; charset=UTF-8")
