"""The retry matrix as data: what every reason means for every instrument (R62-R67, R70; requirements §2 rows 11-13).

Sources: source 1 §3.2 "Payment Failure Recovery" and §4.2 "Retry Decision Matrix"; for bank debits Nacha's two
re-presentments of R01 and R09; for UPI and mandates three presentations in all. Waits of soft reasons count from the
first failure, those of technical ones from the last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from payments.gateways.base import Instrument, Reason


class Class(StrEnum):
    """soft: it may work later. technical: the payer is not the cause. hard: never with this method. payer: they must
    mend something. hold: all automation off. revoked: consent is gone. look_up: it may have been done already."""

    SOFT = "soft"
    TECHNICAL = "technical"
    HARD = "hard"
    PAYER = "payer"
    HOLD = "hold"
    REVOKED = "revoked"
    LOOK_UP = "look_up"


@dataclass(frozen=True)
class Rule:
    """waits: before each further try with the same method; their number is how many there may be.

    stops: what becomes of the method: "disabled", "suspended" or "" for nothing.
    """

    kind: Class
    waits: tuple[timedelta, ...] = ()
    stops: str = ""

    @property
    def most(self) -> int:
        """Further tries with the same method."""
        return len(self.waits)


DAY = timedelta(days=1)
THREE = (DAY, 3 * DAY, 7 * DAY)  # cards: the first and three more
TWO = THREE[:2]  # bank debits, UPI, mandates: three presentations in all
QUARTER = timedelta(minutes=15)
TIMEOUT = (QUARTER, QUARTER)
# The band of 0-5 minutes, then that of 1-6 hours.
BACKOFF = (timedelta(minutes=5), timedelta(hours=1))

CARDS = (Instrument.CARD, Instrument.WALLET)
DEBITS = (Instrument.BANK, Instrument.UPI, Instrument.MANDATE)
INSTRUMENTS = (*CARDS, *DEBITS)


def _soft(cards: tuple[timedelta, ...], debits: tuple[timedelta, ...]) -> dict[Instrument, Rule]:
    return {one: Rule(Class.SOFT, cards if one in CARDS else debits) for one in INSTRUMENTS}


def _same(rule: Rule) -> dict[Instrument, Rule]:
    return dict.fromkeys(INSTRUMENTS, rule)


MATRIX: Mapping[Reason, Mapping[Instrument, Rule]] = {
    Reason.INSUFFICIENT_FUNDS: _soft(THREE, TWO),
    Reason.LIMIT_EXCEEDED: _soft(THREE, TWO) | {Instrument.BANK: Rule(Class.PAYER)},
    Reason.DO_NOT_HONOR: _soft((DAY,), ()),
    Reason.EXPIRED_CARD: _same(Rule(Class.HARD)),
    Reason.INVALID_CARD: _same(Rule(Class.HARD, stops="disabled")),
    Reason.INVALID_ACCOUNT: _same(Rule(Class.HARD, stops="disabled")),
    Reason.ACCOUNT_CLOSED: _same(Rule(Class.HARD, stops="disabled")),
    Reason.LOST_OR_STOLEN: _same(Rule(Class.HARD, stops="disabled")),
    Reason.CVV_MISMATCH: _same(Rule(Class.PAYER)),
    Reason.AVS_MISMATCH: _same(Rule(Class.PAYER)),
    Reason.FRAUD_SUSPECTED: _same(Rule(Class.HOLD, stops="suspended")),
    Reason.AUTHORIZATION_REVOKED: _same(Rule(Class.REVOKED, stops="disabled")),
    Reason.GATEWAY_TIMEOUT: _same(Rule(Class.TECHNICAL, TIMEOUT)),
    Reason.GATEWAY_ERROR: _same(Rule(Class.TECHNICAL, BACKOFF)),
    Reason.DUPLICATE: _same(Rule(Class.LOOK_UP)),
}

# Nacha: only these are presented again, within 180 days of the first time; a stopped payment (R08) and one against the
# terms (R11) may be taken up again with the payer's consent, so the account is only suspended.
REPRESENTABLE = frozenset({"R01", "R09"})
REPRESENT_WITHIN = timedelta(days=180)
ONLY_SUSPENDED = frozenset({"R08", "R11"})
# After this long nothing is tried by itself any more (the last band, 7 to 30 days).
GIVE_UP_AFTER = timedelta(days=30)


def rule_for(reason: str, instrument: str) -> Rule:
    """What no table has is for a person: as a technical failure that may not be repeated."""
    try:
        return MATRIX[Reason(reason)][Instrument(instrument)]
    except (ValueError, KeyError):
        return Rule(Class.TECHNICAL)


def stop_for(reason: str, instrument: str, code: str) -> str:
    """What becomes of the method: "disabled", "suspended" or "". code: the bank's own, of a debit."""
    stops = rule_for(reason, instrument).stops
    return "suspended" if stops and code in ONLY_SUSPENDED else stops
