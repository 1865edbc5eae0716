"""Zoho's own codes and words, as tables: rates, credentials, modes of payment, states of a subscription."""

from payments.gateways.base import Instrument, Reason

OK = 0
DAILY = 45  # too many calls for today; stays so until the daily reset
NOT_THERE = 1002
# The access token is unknown or no longer good; the organisation is another's or in another data centre.
TOKEN_SPENT = (14, 57)
WRONG_ORGANIZATION = 6041
ALREADY_CANCELLED = 3001
DECLINED = 100502
REASONS: dict[str, Reason] = {
    str(DECLINED): Reason.DO_NOT_HONOR, str(WRONG_ORGANIZATION): Reason.GATEWAY_ERROR,
    str(NOT_THERE): Reason.GATEWAY_ERROR, str(ALREADY_CANCELLED): Reason.DUPLICATE,
}  # fmt: skip

# payment_mode of what Zoho's own gateways took; any other mode was written down there by a person.
TAKEN_BY_ZOHO: dict[str, Instrument] = {
    "creditcard": Instrument.CARD, "autotransaction": Instrument.CARD, "paypal": Instrument.WALLET,
    "ach": Instrument.BANK, "banktransfer_ach": Instrument.BANK, "bankaccount": Instrument.BANK,
}  # fmt: skip
# Ours to theirs, where we record what was paid here.
MODES: dict[str, str] = {
    "cash": "cash", "cheque": "check", "bank_transfer": "banktransfer", "card": "creditcard", "ach": "ach",
    "upi": "others", "net_banking": "banktransfer", "auto_debit": "others",
}  # fmt: skip

GOOD_PAYMENT = ("success", "paid", "")
SPENT_PAYMENT = ("failure", "failed", "void", "returned", "reversed", "deleted")
GIVEN_BACK = ("success", "")
