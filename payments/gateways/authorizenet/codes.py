"""Authorize.Net's codes, letters and statuses in our words. Source: processor notes authorizenet.md §3 and §5."""

from dataclasses import dataclass
from enum import Enum, auto

from payments.gateways.base import Advice, Check, Outcome, Reason, State


class Meaning(Enum):
    """What a reason code says of the call.

    approved; done: it was carried out before. declined, error: nothing moved; an error is not of the payer. held: it
    waits for a review. partly: a part is on hold. unknown: it may have been carried out. look_up: so it was, or its
    like. no_zero: nothing is verified without an amount. as_answered: declined or an error, as the response code says.
    """

    APPROVED = auto()
    DONE = auto()
    DECLINED = auto()
    ERROR = auto()
    HELD = auto()
    PARTLY = auto()
    UNKNOWN = auto()
    LOOK_UP = auto()
    NO_ZERO = auto()
    AS_ANSWERED = auto()


@dataclass(frozen=True)
class Verdict:
    meaning: Meaning
    reason: Reason | None = None
    advice: Advice | None = None


APPROVED, DECLINED, FAILED, HELD = "1", "2", "3", "4"  # responseCode
PART = "295"

_DECLINED = {
    Reason.DO_NOT_HONOR: "2 3 66 97 98 99 103 128",
    Reason.LOST_OR_STOLEN: "4",
    Reason.INVALID_CARD: "6 37 315 200 17 28",
    Reason.EXPIRED_CARD: "7 316 201 8 317",
    Reason.INVALID_ACCOUNT: "9 10 71 211 101",
    Reason.AVS_MISMATCH: "27 127 45 145",
    Reason.CVV_MISMATCH: "44 65 165 78",
    Reason.FRAUD_SUSPECTED: "41 141 250 251 254",
    Reason.LIMIT_EXCEEDED: "49",
    # What it follows is not, or no longer, in a state that allows it: settled, unsettled, given back already.
    Reason.GATEWAY_ERROR: "47 50 51 54 55 327 328",
}
# Fields, the merchant's set-up, permissions, a closed account, a currency, a number that is not there, maintenance.
_ERROR = (
    "5 33 42 290 325 326 13 32 123 15 16 319 18 56 90 24 29 30 31 34 35 38 43 36 39 130 131 132 243 244 245 246 247"
    " 248 901"
)
_UNKNOWN = "19 20 21 22 23 25 26 57 58 59 60 61 62 63 52 152 120 121 122 180 181 209"
_LOOK_UP = "11 318 222"
_REVIEW = "104 105 106 107 108 109 110 193"
_AS_ANSWERED = "191 202 203 204 205 206 207 208 210 212 213 214 215 216 217 218 219 220 221 223 224"

_ADVICE = {
    Reason.INVALID_CARD: Advice.UPDATE_METHOD, Reason.INVALID_ACCOUNT: Advice.UPDATE_METHOD,
    Reason.EXPIRED_CARD: Advice.UPDATE_METHOD, Reason.LOST_OR_STOLEN: Advice.DO_NOT_RETRY,
    Reason.FRAUD_SUSPECTED: Advice.DO_NOT_RETRY,
}  # fmt: skip


def _verdicts() -> dict[str, Verdict]:
    found = {
        code: Verdict(Meaning.DECLINED, reason, _ADVICE.get(reason))
        for reason, listed in _DECLINED.items() for code in listed.split()
    }  # fmt: skip
    for meaning, reason, listed in (
        (Meaning.APPROVED, None, "1"), (Meaning.DONE, None, "310 311"), (Meaning.HELD, None, _REVIEW),
        (Meaning.HELD, Reason.FRAUD_SUSPECTED, "252 253"), (Meaning.PARTLY, Reason.INSUFFICIENT_FUNDS, PART),
        (Meaning.ERROR, Reason.GATEWAY_ERROR, _ERROR), (Meaning.UNKNOWN, Reason.GATEWAY_TIMEOUT, _UNKNOWN),
        (Meaning.LOOK_UP, Reason.DUPLICATE, _LOOK_UP), (Meaning.NO_ZERO, Reason.GATEWAY_ERROR, "289 2007"),
        (Meaning.AS_ANSWERED, Reason.GATEWAY_ERROR, _AS_ANSWERED),
    ):  # fmt: skip
        found |= {code: Verdict(meaning, reason) for code in listed.split()}
    return found | {"901": Verdict(Meaning.ERROR, Reason.GATEWAY_ERROR, Advice.RETRY_AFTER)}


CODES = _verdicts()
# A plain decline may say more in the network's own code (ISO 8583).
RAW = {"51": Reason.INSUFFICIENT_FUNDS}


def verdict(code: str, answered: str, raw: str = "") -> Verdict:
    """What a reason code comes to, never AS_ANSWERED. answered: the response code. raw: the network's own code.

    A code that is in no list: a plain refusal moved nothing; of anything else that is not proven.
    """
    found = CODES.get(code)
    if code == "2" and raw in RAW:
        return Verdict(Meaning.DECLINED, RAW[raw])
    if found is not None and found.meaning != Meaning.AS_ANSWERED:
        return found
    if answered == DECLINED:
        return Verdict(Meaning.DECLINED, Reason.DO_NOT_HONOR if found else Reason.GATEWAY_ERROR)
    return Verdict(Meaning.ERROR if found else Meaning.UNKNOWN, Reason.GATEWAY_ERROR)


# Codes of the envelope

UNSUCCESSFUL, DUPLICATE, NOT_FOUND, EMPTY, TOO_BUSY = "E00027", "E00039", "E00040", "I00004", "E00053"
# The gateway broke, timed out, is too busy or in maintenance: whether it was carried out is not said.
UNSURE = {"E00001", "E00049", TOO_BUSY, "E00104"}
NOT_NOW = {TOO_BUSY, "E00104"}
# Refused before anything was done: schema and fields, credentials and permissions, profiles, the page's token.
REFUSED = {
    f"E{number:05}"
    for number in (*range(2, 12), 13, 14, 15, 16, 39, 40, 42, 51, *range(72, 78), *range(105, 108), *range(114, 118))
}
TIED = {"E00105", "E00106", "E00107"}  # a subscription uses the profile
# The codes of requests that repeat what was sent.
REPEATS = "E00003"


# Letters

AVS = {
    **dict.fromkeys("XY", Check.MATCH), "A": Check.PARTIAL_ADDRESS, **dict.fromkeys("WZ", Check.PARTIAL_ZIP),
    "N": Check.NO_MATCH, **dict.fromkeys("BP", Check.NOT_CHECKED), **dict.fromkeys("EGRSU", Check.UNAVAILABLE),
}  # fmt: skip
CVV = {
    "M": Check.MATCH, "N": Check.NO_MATCH, "P": Check.NOT_CHECKED, "S": Check.NOT_CHECKED, "U": Check.UNAVAILABLE,
}  # fmt: skip


def check_of(letters: dict[str, Check], letter: str) -> Check:
    """An empty letter: nobody looked. One that no table has: nobody knows."""
    return letters.get(letter, Check.UNAVAILABLE) if letter else Check.NOT_CHECKED


# Statuses

HELD_STATUSES = {"underReview", "FDSPendingReview", "FDSAuthorizedPendingReview"}
RELEASE = "authorizedPendingRelease"  # the hold of a partial approval
RETURNED, CHARGED_BACK, WON = "returnedItem", "chargeback", "chargebackReversal"
# Of a card, which counts once it is accepted; a bank's debit or credit counts once it is settled.
STANDING = {
    "authorizedPendingCapture": State.AUTHORIZED,
    **dict.fromkeys(
        ("capturedPendingSettlement", "refundPendingSettlement", "updatingSettlement", "pendingFinalSettlement",
         "pendingSettlement"), State.PENDING_SETTLEMENT,
    ),
    "settledSuccessfully": State.SETTLED, WON: State.SETTLED, "refundSettledSuccessfully": State.REFUNDED,
    CHARGED_BACK: State.CHARGED_BACK,
}  # fmt: skip
# No money moved, or it will not.
ENDED = {
    "declined": (Outcome.DECLINED, State.FAILED), "failedReview": (Outcome.DECLINED, State.FAILED),
    "settlementError": (Outcome.DECLINED, State.FAILED), "generalError": (Outcome.ERROR, State.FAILED),
    "communicationError": (Outcome.ERROR, State.FAILED), "voided": (Outcome.DECLINED, State.VOIDED),
    "expired": (Outcome.DECLINED, State.VOIDED),
}  # fmt: skip
MONEY_CAME = {State.SETTLED, State.REFUNDED, State.CHARGED_BACK, State.RETURNED}

# The account updater's reasons.
NEWS = {"NAN": "updated", "NED": "updated", "ACL": "closed", "CCH": "contact"}
