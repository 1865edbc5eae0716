"""Verifying a card: an authorisation of nothing; of a cent, given up at once, where the processor wants an amount."""

from collections.abc import Callable
from dataclasses import replace

from payments.gateways.authorizenet.codes import CODES, Meaning
from payments.gateways.base import Money, Outcome, Reason, Result, State

CENT = 1  # minor units, as the processor's own validation takes
NOT_TAKEN_BACK = "The amount held to verify it is not given up yet."


def verify(hold: Callable[[Money], Result], give_up: Callable[[str], bool], currency: str) -> Result:
    """hold: authorise that amount. give_up: void by the processor's number, and say whether that is certain."""
    looked = hold(Money(0, currency))
    known = CODES.get(looked.raw_code)
    if known is None or known.meaning != Meaning.NO_ZERO:
        return replace(looked, money=None, approved=None, state=None)
    return judged(hold(Money(CENT, currency)), give_up)


def judged(held: Result, give_up: Callable[[str], bool]) -> Result:
    """What an amount that was held to verify a card says of it. Until it is given up that is not settled."""
    plain = replace(held, money=None, approved=None)
    if held.outcome != Outcome.APPROVED:
        return plain
    if not held.ref or not give_up(held.ref):
        return replace(plain, outcome=Outcome.UNKNOWN, reason=Reason.GATEWAY_ERROR, raw_text=NOT_TAKEN_BACK)
    return replace(plain, state=State.VOIDED)
