"""What a request must hold. Each check returns the value or raises Refused."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from tests.sandbox import numbers
from tests.sandbox.paysafe.errors import Refused, bad_field
from tests.sandbox.paysafe.records import Instrument
from tests.sandbox.wire import Request

BRANDS = {"visa": "VI", "mastercard": "MC", "amex": "AM", "discover": "DI", "jcb": "JC", "diners": "DC"}
REF_LENGTH = 255
MOST = 99_999_999_999
BILLING = ("street", "street2", "city", "state", "country", "zip", "phone", "nickName")


def body_of(request: Request, allowed: Collection[str] = ()) -> dict[str, Any]:
    """The JSON object. allowed: its keys; none given means any. Raises 5023 for what cannot be read."""
    try:
        asked = request.json()
    except ValueError:
        raise Refused("5023") from None
    if not isinstance(asked, dict):
        raise Refused("5023")
    strange = [key for key in asked if allowed and key not in allowed]
    if strange:
        raise Refused("5023", details=[f"Unrecognized field {name!r}" for name in strange])
    return asked


def ref_of(asked: dict[str, Any]) -> str:
    ref = asked.get("merchantRefNum")
    if not isinstance(ref, str) or not 0 < len(ref) <= REF_LENGTH:
        raise Refused("5042")
    return ref


def amount_of(asked: dict[str, Any]) -> int:
    """Minor units. Mandatory also where the whole is meant: captures and voids."""
    amount = asked.get("amount")
    if amount is None:
        raise bad_field("amount", "must not be null")
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise Refused("5023", details=["amount is not an integer"])
    if not 0 < amount <= MOST:
        raise Refused("5003")
    return amount


def text_of(asked: dict[str, Any], name: str, where: str = "") -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not value.strip():
        raise bad_field(f"{where}{name}")
    return value


def digits_of(asked: dict[str, Any], name: str, least: int, most: int, where: str) -> str:
    value = text_of(asked, name, where)
    if not value.isdigit() or not least <= len(value) <= most:
        raise bad_field(where + name)
    return value


def one_of(asked: dict[str, Any], name: str, values: Collection[str], where: str = "") -> str:
    value = text_of(asked, name, where)
    if value not in values:
        raise bad_field(where + name)
    return value


def part_of(asked: dict[str, Any], name: str) -> dict[str, Any]:
    part = asked.get(name)
    if not isinstance(part, dict):
        raise bad_field(name)
    return part


def billing_of(asked: dict[str, Any]) -> dict[str, Any]:
    given = asked.get("billingDetails") or {}
    if not isinstance(given, dict):
        raise bad_field("billingDetails")
    return {key: value for key, value in given.items() if key in BILLING}


def card_of(given: dict[str, Any], now: datetime) -> Instrument:
    """A card that was sent, looked at and forgotten. Raises 3002 for all but published test numbers, 3006 expired."""
    number = text_of(given, "cardNum", "card.").replace(" ", "")
    if not numbers.luhn(number) or number not in numbers.TEST_CARDS:
        raise Refused("3002")
    expiry = given.get("cardExpiry")
    if not isinstance(expiry, dict) or not all(str(expiry.get(name, "")).isdigit() for name in ("month", "year")):
        raise bad_field("card.cardExpiry")
    month, year = int(expiry["month"]), int(expiry["year"])
    if not 1 <= month <= 12 or not 1000 <= year <= 9999:
        raise bad_field("card.cardExpiry")
    _check_cvv(given, number)
    card = Instrument(
        "CARD", str(given.get("holderName") or ""), number[-4:], numbers.fingerprint("paysafe", number),
        BRANDS.get(numbers.brand(number), ""), number[:6], month, year,
    )  # fmt: skip
    if card.has_expired(now):
        raise Refused("3006")
    return card


def _check_cvv(given: dict[str, Any], number: str) -> None:
    cvv = given.get("cvv")
    if cvv is None:
        return
    wanted = 4 if numbers.brand(number) == "amex" else 3
    if not isinstance(cvv, str) or not cvv.isdigit() or len(cvv) != wanted:
        raise bad_field("card.cvv")


def ach_of(given: dict[str, Any]) -> Instrument:
    """Raises 5068 with the field, also for a routing number whose check digit is wrong."""
    holder = text_of(given, "accountHolderName", "ach.")
    facts = {
        "payMethod": one_of(given, "payMethod", ("WEB", "TEL", "PPD", "CCD"), "ach."),
        "accountType": one_of(given, "accountType", ("SAVINGS", "CHECKING", "LOAN"), "ach."),
        "routingNumber": digits_of(given, "routingNumber", 9, 9, "ach."),
    }
    if not numbers.aba(facts["routingNumber"]):
        raise bad_field("ach.routingNumber")
    account = digits_of(given, "accountNumber", 4, 17, "ach.")
    return Instrument(
        "ACH", holder, account[-2:], numbers.fingerprint("paysafe", facts["routingNumber"], account), facts=facts
    )  # fmt: skip


def eft_of(given: dict[str, Any]) -> Instrument:
    holder = text_of(given, "accountHolderName", "eft.")
    facts = {
        "transitNumber": digits_of(given, "transitNumber", 5, 5, "eft."),
        "institutionId": digits_of(given, "institutionId", 3, 3, "eft."),
    }
    account = digits_of(given, "accountNumber", 5, 12, "eft.")
    return Instrument(
        "EFT", holder, account[-2:], numbers.fingerprint("paysafe", *facts.values(), account), facts=facts
    )


def stored_credential_of(asked: dict[str, Any]) -> dict[str, Any]:
    """Who set the payment going, as the card schemes want to know. Empty where nothing was said."""
    if "storedCredential" not in asked:
        return {}
    given = part_of(asked, "storedCredential")
    one_of(given, "type", ("ADHOC", "TOPUP", "RECURRING"), "storedCredential.")
    one_of(given, "occurrence", ("INITIAL", "SUBSEQUENT"), "storedCredential.")
    return {key: given[key] for key in ("type", "occurrence", "initialTransactionId") if key in given}
