"""UPI's response codes in our words. Source: processor notes upi-nach.md §2 (NPCI's list)."""

from dataclasses import dataclass

from payments.gateways.base import Advice, Outcome, Reason


@dataclass(frozen=True)
class Verdict:
    """What a code says of an order. unknown: the money may have left the payer; it is asked about, never sent again."""

    outcome: Outcome
    reason: Reason
    advice: Advice | None = None


def _no(reason: Reason, advice: Advice | None = None) -> Verdict:
    return Verdict(Outcome.DECLINED, reason, advice)


_NEVER, _OTHER, _LATER = Advice.DO_NOT_RETRY, Advice.UPDATE_METHOD, Advice.RETRY_AFTER
_OPEN = Verdict(Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT)
WAITING = "01"  # for the payer
PAUSED, REVOKED, EXPIRED = "VT", "VA", "VU"

_GROUPS: tuple[tuple[str, Verdict], ...] = (
    ("Z9 IE", _no(Reason.INSUFFICIENT_FUNDS)),
    ("Z8 Z7 ZU ZT", _no(Reason.LIMIT_EXCEEDED)),
    ("Z6 ZM ZR ZS AM YC YD XP XQ XR XS B3 ZE ZG VL VM", _no(Reason.DO_NOT_HONOR)),
    ("XV XW CI", _no(Reason.DO_NOT_HONOR, _NEVER)),
    # The payer let this one request go, or said no to it; a new one may be made when they ask for it.
    ("ZA U69", _no(Reason.AUTHORIZATION_REVOKED, _NEVER)),
    ("VA VU VF", _no(Reason.AUTHORIZATION_REVOKED, Advice.REAUTHORISE)),
    ("VT", _no(Reason.AUTHORIZATION_REVOKED, _LATER)),
    ("K1 59 ZI U16 M16 U66", _no(Reason.FRAUD_SUSPECTED, _NEVER)),
    ("VH", _no(Reason.FRAUD_SUSPECTED, Advice.REAUTHORISE)),
    ("YA YB", _no(Reason.LOST_OR_STOLEN, _NEVER)),
    ("XL XM", _no(Reason.EXPIRED_CARD, _OTHER)),
    ("XN XO", _no(Reason.INVALID_CARD, _OTHER)),
    ("XH XI ZH XX VG B1 QU VJ MR", _no(Reason.INVALID_ACCOUNT, _OTHER)),
    ("ZX ZY YE YF", _no(Reason.ACCOUNT_CLOSED, _OTHER)),
    # Court, death, insolvency, lunacy, attachment: nobody is written to by themselves.
    ("VO VP VQ VR VZ", _no(Reason.ACCOUNT_CLOSED, _NEVER)),
    ("XD XE XF XG XJ XK X6 X7 XB XC 21", _no(Reason.GATEWAY_ERROR)),
    # The bank's hour is over, it is offline, or calls are throttled: nothing was sent.
    ("XT XU XY Y1 U28 U78 U92 U93 U80 U81 U84 U86 U89 U90 U91 U94 U85 S96 S98", _no(Reason.GATEWAY_ERROR, _LATER)),
    # Time ran out in the debit or credit leg; a reversal is on its way, partial or failed; an answer came late.
    ("UT BT UP U67 U68 U82 U87 U88 U26 U53 S95 RB RP RR 32 U32 U33 U37 U70 ZL", _OPEN),
    # An earlier request decides.
    ("U01 U35 U36 U38 U42 DT DF VE VS", _no(Reason.DUPLICATE, _NEVER)),
)  # fmt: skip
CODES = {code: verdict for codes, verdict in _GROUPS for code in codes.split()}
PLAIN = _no(Reason.GATEWAY_ERROR)


def verdict(code: str) -> Verdict | None:
    """None for a code that is in no list: NPCI has several hundred."""
    return CODES.get(code.upper())


# The provider's own refusals, where they name no bank's code. Nothing was done by any of them.
_NOT_NOW = Verdict(Outcome.ERROR, Reason.LIMIT_EXCEEDED, _LATER)  # no fault of the line's: its circuit stays closed
REFUSALS = {
    "invalid_vpa": _no(Reason.INVALID_ACCOUNT, _OTHER),
    "blackout": _NOT_NOW, "too_early": _NOT_NOW, "notice_window": _NOT_NOW,
    "above_max": _no(Reason.LIMIT_EXCEEDED),
    "mandate_not_active": _no(Reason.AUTHORIZATION_REVOKED, Advice.REAUTHORISE),
    "already_honoured": _no(Reason.DUPLICATE, _NEVER), "execution_open": _no(Reason.DUPLICATE, _NEVER),
    "duplicate_mandate": _no(Reason.DUPLICATE, _NEVER),
    "not_refundable": _no(Reason.GATEWAY_ERROR, _NEVER), "refund_exceeds": _no(Reason.GATEWAY_ERROR, _NEVER),
    "not_cancellable": _no(Reason.GATEWAY_ERROR, _NEVER),
}  # fmt: skip
BUG = Verdict(Outcome.ERROR, Reason.GATEWAY_ERROR)


def of_refusal(code: str, bank_code: str) -> Verdict:
    """The provider's word first: it knows whether a time will come. A bank's code speaks where it says more."""
    known = REFUSALS.get(code)
    if known is not None and known.outcome == Outcome.ERROR:
        return known
    told = verdict(bank_code) if bank_code and code != "amount_differs" else None
    return told if told is not None and told.outcome == Outcome.DECLINED else known or BUG
