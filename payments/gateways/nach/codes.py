"""Why debits come back, in our words: NACH's two-digit codes, which are not those of cheques.

Source: processor notes upi-nach.md §4, "NACH debit return codes"; 01, 53, 54, 56 and 71 also NPCI circular 274 of 2018.
"""

from dataclasses import dataclass

from payments.gateways.base import Advice, Outcome, Reason


@dataclass(frozen=True)
class Return:
    """What a code says of a debit. unknown: the bank does not know yet; it is asked about."""

    reason: Reason
    advice: Advice | None = None
    outcome: Outcome = Outcome.DECLINED


_NEVER, _OTHER, _ANEW = Advice.DO_NOT_RETRY, Advice.UPDATE_METHOD, Advice.REAUTHORISE
_GROUPS: tuple[tuple[str, Return], ...] = (
    ("04 05", Return(Reason.INSUFFICIENT_FUNDS)),
    ("01 53 54 55 56 68", Return(Reason.ACCOUNT_CLOSED, _OTHER)),
    ("07 60 69", Return(Reason.ACCOUNT_CLOSED, _NEVER)),  # a court, a death, an insolvency: a person sees to it
    ("02 03 11 16 23 24 71 76 80 95 96", Return(Reason.INVALID_ACCOUNT, _OTHER)),
    ("06 08 14 17 21 22 29 61 75", Return(Reason.AUTHORIZATION_REVOKED, _ANEW)),
    ("26 57 58", Return(Reason.LIMIT_EXCEEDED)),
    ("51 52 70", Return(Reason.DO_NOT_HONOR)),
    ("13 31", Return(Reason.DUPLICATE, _NEVER)),
    ("09 59 73 79 92", Return(Reason.GATEWAY_ERROR)),
    # Ours to mend before it is presented again: amount, date, frequency, file, field, user number.
    ("12 15 27 34 94 25 77 28 30 97 98 32 74 83 84 86 87 88 89 90 91 33 72", Return(Reason.GATEWAY_ERROR, _NEVER)),
    ("82 99", Return(Reason.GATEWAY_TIMEOUT, outcome=Outcome.UNKNOWN)),
)  # fmt: skip
RETURNS = {code: told for codes, told in _GROUPS for code in codes.split()}
PLAIN = Return(Reason.GATEWAY_ERROR, _NEVER)
FREQUENCY = "12"
# "Already processed for this month": the mandate's period has its debit; the next period is free.
PERIOD = Return(Reason.LIMIT_EXCEEDED, Advice.RETRY_AFTER)

# Why a mandate was not registered: the sponsor bank's own, as NPCI's list of 2025 was not seen.
REJECTIONS = {
    "RJ01": Reason.DO_NOT_HONOR, "RJ02": Reason.ACCOUNT_CLOSED, "RJ03": Reason.INVALID_ACCOUNT,
    "RJ04": Reason.AUTHORIZATION_REVOKED, "RJ05": Reason.AUTHORIZATION_REVOKED,
}  # fmt: skip


def return_of(code: str, text: str = "") -> Return:
    """One in no list is no reason to present it again. text: of the bank, which tells two meanings of 12 apart."""
    if code == FREQUENCY and "already processed" in text.lower():
        return PERIOD
    return RETURNS.get(code, PLAIN)
