"""PayU's error codes in our words. Source: processor notes upi-nach.md §5; PayU's lists, as far as they were seen."""

from payments.gateways.base import Advice, Outcome, Reason

# Of failed payments. Banks differ in what they tell, so that one in no list is a plain no.
FAILURES = {
    "E706": Reason.INSUFFICIENT_FUNDS, "E9205": Reason.AUTHORIZATION_REVOKED, "E308": Reason.DO_NOT_HONOR,
}  # fmt: skip
# Only PayU's words tell that the payer went away.
WORDS = {"userCancelled": Reason.AUTHORIZATION_REVOKED}
PLAIN = Reason.DO_NOT_HONOR

# Of refunds.
QUEUED, TOKEN_KNOWN, NO_SUCH = 102, 106, 116
REFUSED = {
    105: Outcome.DECLINED,  # more than is left, or no amount
    111: Outcome.DECLINED,  # not a captured payment
    113: Outcome.DECLINED,  # charged back
    NO_SUCH: Outcome.DECLINED,
    124: Outcome.ERROR,  # a field is missing
}  # fmt: skip
# Whole answers by which nobody is let in: whatever was asked was not done.
NOT_LET_IN = ("Invalid Hash.", "Invalid key.", "Invalid command.")
NEVER = Advice.DO_NOT_RETRY


def reason_of(code: str, word: str) -> Reason:
    return FAILURES.get(code) or WORDS.get(word) or PLAIN
