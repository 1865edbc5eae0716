"""Dwolla's error codes and topics in our words. Source: processor notes dwolla.md §2, §4 and §7."""

from collections.abc import Sequence
from dataclasses import dataclass

from payments.gateways.base import Advice, Kind, Outcome, Reason, Topic
from payments.gateways.dwolla.hub import Trouble


@dataclass(frozen=True)
class Verdict:
    """What an error says of the call. unknown: it may have been carried out."""

    outcome: Outcome
    reason: Reason
    advice: Advice | None = None


_BUG = Verdict(Outcome.ERROR, Reason.GATEWAY_ERROR)
_TIMEOUT = Verdict(Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT)
_NOT_NOW = Verdict(Outcome.DECLINED, Reason.GATEWAY_ERROR)
_BAD_BANK = Verdict(Outcome.DECLINED, Reason.INVALID_ACCOUNT, Advice.UPDATE_METHOD)
_BARRED = Verdict(Outcome.DECLINED, Reason.AUTHORIZATION_REVOKED, Advice.DO_NOT_RETRY)

# The code of the whole answer.
CODES = {
    "ExpiredAccessToken": _BUG, "InvalidAccessToken": _BUG, "InvalidCredentials": _BUG, "InvalidAccountStatus": _BUG,
    "Forbidden": _BUG, "NotFound": _BUG, "notFound": _BUG, "InvalidVersion": _BUG,
    # Its state no longer allows it: cancelled, processed or removed already.
    "InvalidResourceState": _NOT_NOW, "MaxNumberOfResources": _NOT_NOW,
    "DuplicateResource": Verdict(Outcome.DECLINED, Reason.DUPLICATE),
    "TooManyRequests": Verdict(Outcome.ERROR, Reason.GATEWAY_ERROR, Advice.RETRY_AFTER),
    # The first call with this Idempotency-Key is still being worked on.
    "Conflict": _TIMEOUT, "ServerError": _TIMEOUT, "RequestTimeout": _TIMEOUT,
}  # fmt: skip
VALIDATION = "ValidationError"
# The codes of embedded errors, where their path says no more (see `of_trouble`).
TROUBLES = {
    "Required": _BUG, "Invalid": _BUG, "InvalidFormat": _BUG, "ReadOnly": _BUG, "NotAllowed": _BUG,
    "RequiresFundingSource": _BUG, "Restricted": _BARRED,
    "Duplicate": Verdict(Outcome.DECLINED, Reason.DUPLICATE),
    "InsufficientFunds": Verdict(Outcome.DECLINED, Reason.INSUFFICIENT_FUNDS),
}  # fmt: skip
_ABOUT_VALUE = {"Invalid", "InvalidFormat", "Required"}
# What the payer gave: a bank's numbers, or the word of a service that knows them.
_GIVEN = ("/routingNumber", "/accountNumber", "/plaidToken", "/_links/exchange")
_OVER = Verdict(Outcome.DECLINED, Reason.LIMIT_EXCEEDED)


def verdict(code: str, troubles: Sequence[Trouble], kind: Kind) -> Verdict | None:
    """None for a code that is in no list. A validation error proves that nothing was made, whatever is embedded."""
    if code == VALIDATION:
        return of_trouble(troubles[0], kind) if troubles else _BUG
    return CODES.get(code)


def of_trouble(trouble: Trouble, kind: Kind) -> Verdict:
    """An embedded error. kind: of the call, as the payer's bank is the source of a charge and the end of a refund."""
    if trouble.code == "Restricted" or "restricted" in trouble.text.lower():
        return _BARRED
    payers = "/_links/destination" if kind == Kind.REFUND else "/_links/source"
    if trouble.code in _ABOUT_VALUE and trouble.path.startswith((*_GIVEN, payers)):
        return _BAD_BANK
    if trouble.code == "Invalid" and trouble.path.startswith("/amount") and "limit" in trouble.text.lower():
        return _OVER
    return TROUBLES.get(trouble.code, _BUG)


# Topics. The platform's own have no "customer_" before them.

OWN = "customer_"
FAILED = ("transfer_failed", "bank_transfer_failed", "bank_transfer_creation_failed")
COMPLETED = ("transfer_completed", "bank_transfer_completed")
TOPICS = (
    ("transfer_", Topic.TRANSACTION), ("bank_transfer_", Topic.TRANSACTION), ("mass_payment_", Topic.TRANSACTION),
    ("funding_source_", Topic.METHOD), ("microdeposits_", Topic.METHOD),
    # A payer's whole record: none of their methods can be used, or they can again.
    ("suspended", Topic.METHOD), ("activated", Topic.METHOD), ("deactivated", Topic.METHOD),
)  # fmt: skip
# What a topic about one bank account changes. Micro-deposits that fail were sent back: the account is not usable.
BANK_CHANGES = {
    "funding_source_removed": "removed", "funding_source_verified": "verified",
    "funding_source_unverified": "unverified", "funding_source_updated": "updated",
    "microdeposits_maxattempts": "tries_used_up", "microdeposits_failed": "closed",
}  # fmt: skip
# What a topic about a payer changes, for each of their bank accounts.
PAYER_CHANGES = {
    "customer_suspended": "paused", "customer_activated": "resumed", "customer_deactivated": "revoked",
}  # fmt: skip


def topic_of(name: str) -> Topic:
    bare = name.removeprefix(OWN)
    if bare in FAILED:
        return Topic.RETURN
    return next((topic for start, topic in TOPICS if bare.startswith(start)), Topic.OTHER)
