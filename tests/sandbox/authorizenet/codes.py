"""Response reason codes: 1 approved, 2 declined, 3 error or 4 held, and in which words."""

_BUSY = "An error occurred during processing. Please try again."
_LATER = "An error occurred during processing. Please try again in 5 minutes."
_CALL = "An error occurred during processing. Call Merchant Service Provider."
_AVS = (
    "The transaction has been declined because of an AVS mismatch. The address provided does not match billing address"
    " of cardholder."
)
_DECLINED = "This transaction has been declined."
_SETUP = "The merchant was incorrectly set up at the processor. Call Merchant Service Provider."

TEXTS: dict[int, tuple[int, str]] = {
    1: (1, "This transaction has been approved."),
    5: (3, "A valid amount is required."),
    6: (3, "The credit card number is invalid."),
    7: (3, "Credit card expiration date is invalid."),
    8: (3, "The credit card has expired."),
    9: (3, "The ABA code is invalid"),
    10: (3, "The account number is invalid"),
    11: (3, "A duplicate transaction has been submitted."),
    13: (3, "The merchant login ID or password is invalid or the account is inactive."),
    15: (3, "The transaction ID is invalid."),
    16: (3, "The transaction cannot be found."),
    17: (3, "The merchant does not accept this type of credit card."),
    18: (3, "ACH transactions are not accepted by this merchant."),
    27: (2, _AVS),
    33: (3, "A valid referenced transaction ID is required."),
    36: (3, "The authorization was approved but settlement failed."),
    37: (3, "The credit card number is invalid."),
    39: (3, "The supplied currency code is either invalid, not supported, not allowed for this merchant or doesn't"
            " have an exchange rate."),
    43: (3, _SETUP),
    47: (3, "The amount requested for settlement cannot be greater than the original amount authorized."),
    49: (3, "The transaction amount submitted was greater than the maximum amount allowed."),
    50: (3, "This transaction is awaiting settlement and cannot be refunded."),
    51: (3, "The sum of all credits against this transaction is greater than the original transaction amount."),
    52: (3, "The transaction was authorized but the client could not be notified; it will not be settled."),
    54: (3, "The referenced transaction does not meet the criteria for issuing a credit."),
    55: (3, "The sum of credits against the referenced transaction would exceed original debit amount."),
    56: (3, "Credit card transactions are not accepted by this merchant."),
    78: (3, "The Card Code (CVV2/CVC2/CID) is invalid."),
    101: (3, "The given name on the account and/or the account type does not match the actual account."),
    127: (2, _AVS),
    152: (3, "The transaction was authorized but the client could not be notified; it will not be settled."),
    181: (3, "An error occurred during processing. Please try again."),
    193: (4, "The transaction is currently under review."),
    200: (3, "The credit card number is invalid."),
    201: (3, "The expiration date is invalid."),
    222: (3, "A duplicate transaction has been submitted."),
    252: (4, "The transaction was accepted, but is being held for merchant review."),
    253: (4, "The transaction was accepted and was authorized, but is being held for merchant review."),
    289: (3, "This processor does not accept zero dollar authorization for this card type."),
    295: (4, "The amount of this request was only partially approved on the given prepaid card. An additional"
             " payment is required to fulfill the balance."),
    310: (1, "This transaction has already been voided."),
    311: (1, "This transaction has already been captured."),
    315: (3, "The credit card number is invalid."),
    316: (3, "Credit card expiration date is invalid."),
    317: (3, "The credit card has expired."),
    318: (3, "A duplicate transaction has been submitted."),
    319: (3, "The transaction cannot be found."),
    327: (3, "The void request failed. Either the original transaction type does not support void, or the"
             " transaction is in the process of being settled."),
    328: (3, "A validation error occurred at the processor."),
    901: (3, "The transaction cannot be accepted at this time due to system maintenance. Please try again later."),
    2007: (3, "This processor does not accept zero dollar authorization for this card type."),
}  # fmt: skip
TEXTS |= dict.fromkeys((19, 20, 21, 22, 23), (3, _LATER))
TEXTS |= dict.fromkeys((25, 26), (3, _CALL))
TEXTS |= dict.fromkeys((24, 29, 30, 31, 34, 35, 38), (3, _SETUP))
TEXTS |= dict.fromkeys((*range(57, 64), 97, 98, 99, 103, 120, 121, 122, 180), (3, _BUSY))
TEXTS |= dict.fromkeys(range(104, 111), (4, "The transaction is currently under review."))
TEXTS |= dict.fromkeys((2, 3, 4, 28, 41, 44, 45, 65, 66, 128, 141, 145, 165, 191, 250, 251, 254), (2, _DECLINED))
TEXTS |= dict.fromkeys((130, 131, 132), (3, "This account is closed or suspended."))
TEXTS |= dict.fromkeys(range(243, 249), (3, "This eCheck.Net type is not allowed."))
TEXTS |= dict.fromkeys((*range(202, 209), *range(210, 222), 223, 224), (2, _DECLINED))
TEXTS |= {209: (3, _BUSY), 290: (3, "There is one or more missing or invalid required fields."),
          325: (3, "The request data did not pass the required fields check for this application."),
          326: (3, "The request field(s) are either invalid or missing.")}  # fmt: skip


def response_of(reason: int) -> int:
    return TEXTS.get(reason, (3, _BUSY))[0]


def text_of(reason: int) -> str:
    return TEXTS.get(reason, (3, _BUSY))[1]
