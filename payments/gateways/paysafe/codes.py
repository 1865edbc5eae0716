"""Paysafe's codes and letters in our words. Source: processor notes paysafe.md §5, ach-returns.md §2 and §3."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from payments.gateways.base import Advice, Check, Reason


class Meaning(Enum):
    """What an error code says of the call.

    declined: refused, nothing moved. error: refused, and neither payer nor card is the cause. unknown: it may have been
    carried out. look_up: it was carried out before.
    """

    DECLINED = auto()
    ERROR = auto()
    UNKNOWN = auto()
    LOOK_UP = auto()


@dataclass(frozen=True)
class Verdict:
    meaning: Meaning
    reason: Reason
    advice: Advice | None = None


_DECLINED = {
    Reason.INVALID_CARD: "3001 3002 3017 3036 5501 5502",
    Reason.INVALID_ACCOUNT: "3026",
    Reason.EXPIRED_CARD: "3006 3012",
    Reason.CVV_MISMATCH: "3005 3019",
    Reason.AVS_MISMATCH: "3004 3007",
    Reason.DO_NOT_HONOR: "3009 3011 3013 3014 3015 3024 3030 3035 3040 3060 5021"
    " 5100 5101 5102 5103 5104 5105 5106 5107 5108 5109 5110 5111 5112 5113",
    Reason.LOST_OR_STOLEN: "3016 3049 3051 3052 3053",
    Reason.INSUFFICIENT_FUNDS: "3022",
    Reason.LIMIT_EXCEEDED: "3023 3027",
    Reason.FRAUD_SUSPECTED: "3032 3050 3054 4001 4002",
    Reason.AUTHORIZATION_REVOKED: "3033 3038",
    # The bank asks to try again; its data are bad; the gateway refuses; the authorisation, settlement or refund is no
    # longer, or not yet, in a state that allows it; the merchant's own limits.
    Reason.GATEWAY_ERROR: "3018 3020 3025 3029 3206 3200 3201 3202 3203 3204 3205 3402 3403 3404 3405 3406 3407 3412"
    " 3413 3414 3415 3500 3501 3502 3503 3504 3506 3507",
}
_ERROR = (
    "1200 3008 3021 3703 5000 5001 5003 5010 5016 5017 5023 5040 5042 5050 5068 5269 5270 5275 5276 5277 5278 5279"
    " 5280 5281"
)
_UNKNOWN = {
    Reason.GATEWAY_ERROR: "1000 1001 1002 1003 1008 3028 3417 8000 8001 PAYMENTHUB-1",
    Reason.GATEWAY_TIMEOUT: "1007 3041",
}
# Our key, the same content, a spent handle, a card or a customer that is stored already.
_LOOK_UP = "5031 3044 5283 7503 7505"

_ADVICE = {
    Reason.INVALID_CARD: Advice.UPDATE_METHOD,
    Reason.INVALID_ACCOUNT: Advice.UPDATE_METHOD,
    Reason.ACCOUNT_CLOSED: Advice.UPDATE_METHOD,
    Reason.EXPIRED_CARD: Advice.UPDATE_METHOD,
    Reason.LOST_OR_STOLEN: Advice.DO_NOT_RETRY,
    Reason.FRAUD_SUSPECTED: Advice.DO_NOT_RETRY,
    Reason.AUTHORIZATION_REVOKED: Advice.REAUTHORISE,
}
_ADVICE_OF_CODE = {
    "1200": Advice.RETRY_AFTER, "3018": Advice.RETRY_AFTER, "3020": Advice.RETRY_AFTER, "3406": Advice.RETRY_AFTER,
    "3060": Advice.REAUTHORISE,
}  # fmt: skip


def _verdicts() -> dict[str, Verdict]:
    found = {}
    for meaning, table in (
        (Meaning.DECLINED, _DECLINED), (Meaning.ERROR, {Reason.GATEWAY_ERROR: _ERROR}), (Meaning.UNKNOWN, _UNKNOWN),
        (Meaning.LOOK_UP, {Reason.DUPLICATE: _LOOK_UP}),
    ):  # fmt: skip
        for reason, codes in table.items():
            for code in codes.split():
                found[code] = Verdict(meaning, reason, _ADVICE_OF_CODE.get(code) or _ADVICE.get(reason))
    return found


CODES = _verdicts()
# What a question is answered with when there is no such thing.
NOT_THERE = {"3021", "3407", "3414", "3500", "5269"}

# Returns of bank debits.
_RETURNS = {
    Reason.INSUFFICIENT_FUNDS: "R01 R09",
    Reason.ACCOUNT_CLOSED: "R02 R14 R15 R16",
    Reason.INVALID_ACCOUNT: "R03 R04 R12 R13 R20 R28 R34 R42 R43 R82",
    Reason.AUTHORIZATION_REVOKED: "R05 R07 R08 R10 R11 R29 R31 R38 R51 R52",
    Reason.FRAUD_SUSPECTED: "R17 R90",
    Reason.DO_NOT_HONOR: "R23",
    Reason.DUPLICATE: "R24 R37 R47 R53 R67",
}
RETURNS = {code: reason for reason, codes in _RETURNS.items() for code in codes.split()}
RETURN_CODE = re.compile(r"\bR\d\d\b")


def verdict(code: str) -> Verdict | None:
    """None for a code that is in no list. The code of a bank return is a decline."""
    if RETURN_CODE.fullmatch(code):
        reason = RETURNS.get(code, Reason.GATEWAY_ERROR)
        return Verdict(Meaning.DECLINED, reason, _ADVICE.get(reason))
    return CODES.get(code)


# Checks

AVS_WORDS = {
    "MATCH": Check.MATCH, "MATCH_ADDRESS_ONLY": Check.PARTIAL_ADDRESS, "MATCH_ZIP_ONLY": Check.PARTIAL_ZIP,
    "NO_MATCH": Check.NO_MATCH, "NOT_PROCESSED": Check.NOT_CHECKED, "UNKNOWN": Check.UNAVAILABLE,
}  # fmt: skip
CVV_WORDS = {
    "MATCH": Check.MATCH, "NO_MATCH": Check.NO_MATCH, "NOT_PROCESSED": Check.NOT_CHECKED, "UNKNOWN": Check.UNAVAILABLE
}  # fmt: skip
# The networks' letters, as gatewayResponse gives them where it gives no word.
AVS_LETTERS = {
    **dict.fromkeys("DFMXY", Check.MATCH), **dict.fromkeys("ABO", Check.PARTIAL_ADDRESS),
    **dict.fromkeys("PTWZ", Check.PARTIAL_ZIP), **dict.fromkeys("CN", Check.NO_MATCH),
    **dict.fromkeys("EGIRSU", Check.UNAVAILABLE),
}  # fmt: skip
CVV_LETTERS = {
    "M": Check.MATCH, "N": Check.NO_MATCH, "P": Check.NOT_CHECKED, "S": Check.NOT_CHECKED, "U": Check.UNAVAILABLE
}  # fmt: skip

BRANDS = {
    "VI": "visa", "VD": "visa", "VE": "visa", "MC": "mastercard", "MD": "maestro", "AM": "amex", "DI": "discover",
    "JC": "jcb", "DC": "diners", "UP": "unionpay",
}  # fmt: skip
BANK_TYPES = {"ACH", "EFT", "BACS", "SEPA"}

# Statuses of payments, settlements, refunds.
OPEN = {"RECEIVED", "INITIATED", "PROCESSING", "PENDING", "HELD"}
FAILED = {"FAILED", "ERROR", "ERRORED"}
CANCELLED = {"CANCELLED", "EXPIRED"}
