"""What PrecisePay's codes, texts and letters mean in our words: tables, nothing else.

Source: NMI's integration portal (35 result codes, AVS and CVV letters), recorded replies for the texts; the return
codes are Nacha's, which the query and the webhooks hand on.
"""

import re

from payments.gateways.base import Advice, Check, Outcome, Reason

APPROVED = "100"
BY_GATEWAY = "300"  # refused before any processor heard of it; the text says why
AT_PROCESSOR_TWICE = "430"
# The gateway itself cannot say what became of it.
UNSURE = {"400": Reason.GATEWAY_ERROR, "420": Reason.GATEWAY_TIMEOUT, "421": Reason.GATEWAY_TIMEOUT}

REASONS = {
    "200": Reason.DO_NOT_HONOR, "201": Reason.DO_NOT_HONOR, "202": Reason.INSUFFICIENT_FUNDS,
    "203": Reason.LIMIT_EXCEEDED, "204": Reason.DO_NOT_HONOR, "220": Reason.INVALID_CARD, "221": Reason.INVALID_CARD,
    "222": Reason.ACCOUNT_CLOSED, "223": Reason.EXPIRED_CARD, "224": Reason.EXPIRED_CARD, "225": Reason.CVV_MISMATCH,
    "226": Reason.INVALID_CARD, "240": Reason.DO_NOT_HONOR, "250": Reason.LOST_OR_STOLEN, "251": Reason.LOST_OR_STOLEN,
    "252": Reason.LOST_OR_STOLEN, "253": Reason.FRAUD_SUSPECTED, "260": Reason.DO_NOT_HONOR,
    "261": Reason.AUTHORIZATION_REVOKED, "262": Reason.AUTHORIZATION_REVOKED, "263": Reason.EXPIRED_CARD,
    "264": Reason.INSUFFICIENT_FUNDS, "300": Reason.GATEWAY_ERROR, "301": Reason.GATEWAY_ERROR,
    "400": Reason.GATEWAY_ERROR, "410": Reason.GATEWAY_ERROR, "411": Reason.GATEWAY_ERROR,
    "420": Reason.GATEWAY_TIMEOUT, "421": Reason.GATEWAY_TIMEOUT, "430": Reason.DUPLICATE,
    "440": Reason.GATEWAY_ERROR, "441": Reason.GATEWAY_ERROR, "460": Reason.GATEWAY_ERROR, "461": Reason.INVALID_CARD,
}  # fmt: skip

ADVICE = {
    **dict.fromkeys(("204", "240", "250", "251", "252", "253", "260", "261", "262"), Advice.DO_NOT_RETRY),
    **dict.fromkeys(("220", "221", "222", "223", "224", "225", "226", "263", "461"), Advice.UPDATE_METHOD),
    **dict.fromkeys(("264", "301"), Advice.RETRY_AFTER),
}
# merchant_advice_code, Mastercard's: it goes before ADVICE.
NETWORK_ADVICE = {
    "01": Advice.UPDATE_METHOD, "02": Advice.RETRY_AFTER, "03": Advice.DO_NOT_RETRY, "21": Advice.DO_NOT_RETRY,
    **dict.fromkeys(("24", "25", "26", "27", "28", "29", "30"), Advice.RETRY_AFTER),
}  # fmt: skip

# Why the gateway refused, by its words; the first that is found counts. None: of the method, by what it is.
TEXTS: tuple[tuple[re.Pattern[str], Outcome, Reason | None], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), outcome, reason)
    for pattern, outcome, reason in (
        (r"duplicate (transaction|customer vault)", Outcome.UNKNOWN, Reason.DUPLICATE),
        (r"authentication failed|security key", Outcome.ERROR, Reason.GATEWAY_ERROR),
        (r"rate limit", Outcome.ERROR, Reason.GATEWAY_ERROR),
        (r"duplicate check", Outcome.ERROR, Reason.GATEWAY_ERROR),
        (r"invalid transaction id", Outcome.ERROR, Reason.GATEWAY_ERROR),
        (r"pending settlement|may not exceed|requires that the existing", Outcome.DECLINED, Reason.GATEWAY_ERROR),
        (r"payment token|customer vault id", Outcome.DECLINED, None),
        (r"expiration|expired", Outcome.DECLINED, Reason.EXPIRED_CARD),
        (r"card number", Outcome.DECLINED, Reason.INVALID_CARD),
        (r"\baba\b|routing|account number|check ?account", Outcome.DECLINED, Reason.INVALID_ACCOUNT),
    )
)
# The account's bank wants the check for duplicates whatever a request says.
KEEPS_CHECK = re.compile(r"duplicate check", re.IGNORECASE)
TOO_OFTEN = re.compile(r"rate limit", re.IGNORECASE)
# A refusal by the account's own rules; the letters must not say that it matched.
AVS_RULE = re.compile(r"\bavs\b|address verification|(address|zip|postal).*(mismatch|match|reject)", re.IGNORECASE)
CVV_RULE = re.compile(r"\b(cvv2?|cvc2?|csc|cid)\b|security code", re.IGNORECASE)
RULED = ("200", "300")
# What says that an account verifies no card without an amount.
NO_ZERO = ("460", "441")
NO_ZERO_TEXT = re.compile(r"validat|zero|amount|not (allowed|supported|available)", re.IGNORECASE)

AVS = {
    **dict.fromkeys("XYDM26", Check.MATCH), **dict.fromkeys("AB37", Check.PARTIAL_ADDRESS),
    **dict.fromkeys("WZPL15", Check.PARTIAL_ZIP), **dict.fromkeys("NC48", Check.NO_MATCH),
    **dict.fromkeys("UGIRES0O", Check.UNAVAILABLE),
}  # fmt: skip
CVV = {
    "M": Check.MATCH, "N": Check.NO_MATCH, "P": Check.NOT_CHECKED, "S": Check.NOT_CHECKED, "U": Check.UNAVAILABLE,
}  # fmt: skip


def check_of(letters: dict[str, Check], letter: str) -> Check:
    """An empty letter: nobody looked. One that no table has: nobody knows."""
    return letters.get(letter.strip().upper(), Check.UNAVAILABLE) if letter.strip() else Check.NOT_CHECKED


# Why a bank sent a debit back; a code that is not here is for a person (ach-returns R01 to R90).
RETURNS = {
    **dict.fromkeys(("R01", "R09"), Reason.INSUFFICIENT_FUNDS),
    **dict.fromkeys(("R02", "R14", "R15", "R16"), Reason.ACCOUNT_CLOSED),
    **dict.fromkeys(
        ("R03", "R04", "R12", "R13", "R20", "R28", "R34", "R42", "R43", "R82"), Reason.INVALID_ACCOUNT
    ),
    **dict.fromkeys(
        ("R05", "R07", "R08", "R10", "R11", "R29", "R31", "R38", "R51", "R52"), Reason.AUTHORIZATION_REVOKED
    ),
    **dict.fromkeys(("R17", "R90"), Reason.FRAUD_SUSPECTED),
    **dict.fromkeys(("R24", "R37", "R47", "R53", "R67"), Reason.DUPLICATE),
    "R23": Reason.DO_NOT_HONOR,
}  # fmt: skip


def return_reason(code: str) -> Reason:
    return RETURNS.get(code, Reason.GATEWAY_ERROR)
