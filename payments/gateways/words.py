"""The words in which every processor is heard, whatever its own are (R46)."""

from enum import StrEnum


class Outcome(StrEnum):
    """What is known of a call.

    pending: accepted, the money comes later or not at all (a bank debit). error: it was certainly not carried out, and
    the payer is not the cause. unknown: it may have been; ask with `find` before anything is done again.
    """

    APPROVED = "approved"
    DECLINED = "declined"
    PENDING = "pending"
    ERROR = "error"
    UNKNOWN = "unknown"


class Kind(StrEnum):
    """What was asked for. sale: authorise and capture in one, for a bank account a debit."""

    SALE = "sale"
    AUTHORIZE = "auth"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    VERIFY = "verify"
    STORE = "store"
    DELETE = "delete"
    MICRO_DEPOSITS = "micro_deposits"
    CONFIRM = "confirm"
    MANDATE = "mandate"
    NOTIFY = "notify"


class Reason(StrEnum):
    """Why not, in our fifteen words, whatever each processor says."""

    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    INVALID_CARD = "invalid_card"
    INVALID_ACCOUNT = "invalid_account"
    ACCOUNT_CLOSED = "account_closed"
    CVV_MISMATCH = "cvv_mismatch"
    AVS_MISMATCH = "avs_mismatch"
    DO_NOT_HONOR = "do_not_honor"
    LOST_OR_STOLEN = "lost_or_stolen"
    FRAUD_SUSPECTED = "fraud_suspected"
    AUTHORIZATION_REVOKED = "authorization_revoked"
    LIMIT_EXCEEDED = "limit_exceeded"
    GATEWAY_TIMEOUT = "gateway_timeout"
    GATEWAY_ERROR = "gateway_error"
    DUPLICATE = "duplicate"


class State(StrEnum):
    """How far the money has come at the processor."""

    AUTHORIZED = "authorised"
    PENDING_SETTLEMENT = "pending_settlement"
    SETTLED = "settled"
    VOIDED = "voided"
    REFUNDED = "refunded"
    RETURNED = "returned"
    CHARGED_BACK = "charged_back"
    FAILED = "failed"


class Check(StrEnum):
    """What an address or security-code check found."""

    MATCH = "match"
    PARTIAL_ADDRESS = "partial_address"
    PARTIAL_ZIP = "partial_zip"
    NO_MATCH = "no_match"
    NOT_CHECKED = "not_checked"
    UNAVAILABLE = "unavailable"


class Advice(StrEnum):
    """What the processor, network or bank says about trying again."""

    RETRY_AFTER = "retry_after"
    DO_NOT_RETRY = "do_not_retry"
    UPDATE_METHOD = "update_method"
    REAUTHORISE = "reauthorise"


class Instrument(StrEnum):
    CARD = "card"
    BANK = "bank"
    WALLET = "wallet"
    UPI = "upi"
    NET_BANKING = "net_banking"
    MANDATE = "mandate"


class Moved(StrEnum):
    """What a settlement report says of an item."""

    CAPTURE = "capture"
    REFUND = "refund"
    RETURN = "return"
    CHARGEBACK = "chargeback"
    CHARGEBACK_WON = "chargeback_won"
    FEE = "fee"
    ADJUSTMENT = "adjustment"
    PAYOUT = "payout"


class Topic(StrEnum):
    """What a webhook is about, whatever the processor calls it."""

    TRANSACTION = "transaction"
    RETURN = "return"
    DISPUTE = "dispute"
    METHOD = "method"
    SETTLEMENT = "settlement"
    SUBSCRIPTION = "subscription"
    INVOICE = "invoice"
    OTHER = "other"


# Capabilities: what an account can do; routing and doors ask before they offer.
CARD, BANK, WALLET, UPI, NET_BANKING, MANDATE = (str(one) for one in Instrument)
AUTHORIZE, ZERO_VERIFY, MICRO_DEPOSITS, INSTANT_VERIFY, PARTIAL_APPROVAL = (
    "authorize", "zero_verify", "micro_deposits", "instant_verify", "partial_approval",
)  # fmt: skip
ACCOUNT_UPDATER, REDIRECT, FIND, SETTLEMENT, NOTIFY = "account_updater", "redirect", "find", "settlement", "notify"
