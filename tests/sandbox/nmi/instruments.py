"""What is to be charged: a token, a stored record, an old transaction, or numbers in the request itself."""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from tests.sandbox.nmi.desk import Desk
from tests.sandbox.nmi.records import Billing, Method, address_of
from tests.sandbox.nmi.words import Refused
from tests.sandbox.numbers import TEST_CARDS, aba, brand, fingerprint, luhn

# Payment tokens that are always good, for tests without a browser.
CARD_TOKEN = "00000000-000000-000000-000000000000"
BANK_TOKEN = "11111111-111111-111111-111111111111"
TEST_BANK = ("490000018", "24413815")
_EXPIRES = re.compile(r"(0[1-9]|1[0-2])(\d\d)")
_ACCOUNT = re.compile(r"\d{4,17}")
HOLDERS, KINDS, SEC_CODES = ("personal", "business"), ("checking", "savings"), ("PPD", "WEB", "TEL", "CCD")


@dataclass(frozen=True)
class Instrument:
    """cvv: M or N where a code was given, else "". decline: the code with which its owner's bank refuses it."""

    method: Method
    address: dict[str, str]
    cvv: str = ""
    vault_id: str = ""
    decline: str = ""


def card_of(number: str, expires: str) -> Method:
    """Raises Refused for anything but a published test number."""
    digits = re.sub(r"[ -]", "", number)
    if not luhn(digits) or digits not in TEST_CARDS:
        raise Refused("Invalid Credit Card Number")
    return Method(
        "cc", fingerprint("card", digits), digits[:6], digits[-4:], len(digits), brand(digits), expiry_of(expires)
    )  # fmt: skip


def expiry_of(text: str) -> str:
    """MMYY, also from "10 / 30". Raises Refused."""
    month_and_year = re.sub(r"[ /]", "", text)
    if not _EXPIRES.fullmatch(month_and_year):
        raise Refused("Invalid Credit Card Expiration")
    return month_and_year


def check_of(form: dict[str, str]) -> Method:
    routing, account = form.get("checkaba", ""), form.get("checkaccount", "")
    if not aba(routing):
        raise Refused("Invalid ABA number")
    if not _ACCOUNT.fullmatch(account):
        raise Refused("Invalid account number")
    if not form.get("checkname", "").strip():
        raise Refused("Check name is required")
    holder_type = _one_of("account_holder_type", form, HOLDERS)
    account_type = _one_of("account_type", form, KINDS)
    sec_code = _one_of("sec_code", form, SEC_CODES, "WEB")
    return Method(
        "ck", fingerprint("check", routing, account), "", account[-4:], len(account), "", "", routing,
        form["checkname"], holder_type, account_type, sec_code,
    )  # fmt: skip


def _one_of(name: str, form: dict[str, str], allowed: tuple[str, ...], default: str = "") -> str:
    value = form.get(name) or default or allowed[0]
    if value not in allowed:
        raise Refused(f"Invalid {name}")
    return value


def code_fits(cvv: str) -> str:
    """Published: 999 matches, anything else does not."""
    return "" if not cvv else "M" if cvv == "999" else "N"


def address_fits(address: dict[str, str]) -> str:
    """Published: street 888 matches, zip 77777 matches."""
    street, code = address["address_1"] == "888", address["postal_code"] == "77777"
    return "Y" if street and code else "A" if street else "Z" if code else "N"


def is_expired(method: Method, now: datetime) -> bool:
    month, year = int(method.expires[:2]), 2000 + int(method.expires[2:])
    return (now.year, now.month) > (year, month)


class Instruments(Desk):
    """Reads the instrument of a request."""

    def instrument(self, form: dict[str, str]) -> Instrument:
        """Raises Refused. A stored record is taken where a vault id is given and nothing is to be stored."""
        address = address_of(form)
        if "payment_token" in form:
            return self._by_token(form, address)
        if form.get("customer_vault_id") and not form.get("customer_vault"):
            return self._by_vault(form, address)
        if form.get("source_transaction_id"):
            return self._by_transaction(form["source_transaction_id"], address)
        if form.get("payment") == "check" or "checkaba" in form:
            return Instrument(check_of(form), address)
        if "ccnumber" not in form:
            raise Refused("Billing Information missing")
        return Instrument(card_of(form["ccnumber"], form.get("ccexp", "")), address, code_fits(form.get("cvv", "")))

    def _by_token(self, form: dict[str, str], address: dict[str, str]) -> Instrument:
        token = form["payment_token"]
        if token == CARD_TOKEN:
            return Instrument(card_of("4111111111111111", "1030"), address, "M")
        if token == BANK_TOKEN:
            return Instrument(check_of(dict(zip(("checkaba", "checkaccount"), TEST_BANK, strict=True)) | {
                "checkname": "Test Payer", **{key: form[key] for key in ("sec_code",) if key in form}
            }), address)  # fmt: skip
        spent = self.spend(token)
        method = spent.method
        if method.kind == "ck" and form.get("sec_code"):
            method = replace(method, sec_code=_one_of("sec_code", form, SEC_CODES))
        return Instrument(method, address, spent.cvv)

    def _by_vault(self, form: dict[str, str], given: dict[str, str]) -> Instrument:
        billing = self.billing(form["customer_vault_id"], form.get("billing_id", ""))
        address = {name: given[name] or stored for name, stored in billing.address.items()}
        cvv = code_fits(form.get("cvv", ""))
        return Instrument(billing.method, address, cvv, form["customer_vault_id"], billing.decline)

    def _by_transaction(self, number: str, given: dict[str, str]) -> Instrument:
        row = self.transactions.get(number)
        if row is None:
            raise Refused("Invalid Transaction ID specified")
        return Instrument(row.method, {name: given[name] or old for name, old in row.address.items()})

    def billing(self, vault_id: str, billing_id: str = "") -> Billing:
        """Raises Refused."""
        vault = self.vaults.get(vault_id)
        found = vault.chosen(billing_id) if vault else None
        if vault is None:
            raise Refused("Invalid Customer Vault ID specified")
        if found is None:
            raise Refused("Invalid Billing Id")
        return found
