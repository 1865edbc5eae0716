"""What Paysafe says when it does not do what was asked: a code, its HTTP status, its words."""

from collections.abc import Sequence
from typing import Any

from tests.sandbox.wire import Reply, json_reply

# code → (HTTP status, message)
CODES = {
    "1000": (500, "An internal error occurred."),
    "1007": (500, "The clearing house did not answer in time."),
    "1200": (429, "The API call has been denied as it has exceeded the permissible call rate limit."),
    "3001": (400, "The card number is of a type that is not supported."),
    "3002": (400, "You submitted an invalid card number or brand or combination of card number and brand."),
    "3006": (400, "You submitted an expired credit card number with your request."),
    "3007": (402, "Your request has failed the AVS check. The amount has still been reserved on the card."),
    "3009": (402, "Your request has been declined by the issuing bank."),
    "3011": (402, "Your request has been declined because the card used is a restricted card."),
    "3012": (402, "Your request has been declined because the credit card expiry date is invalid."),
    "3013": (402, "Your request has been declined due to problems with the credit card account."),
    "3015": (402, "The bank has requested that you process the transaction manually by calling the cardholder's bank."),
    "3016": (402, "The bank has requested that you retrieve the card from the cardholder: lost or stolen card."),
    "3017": (402, "You submitted an invalid credit card number with your request."),
    "3018": (402, "The bank has requested that you retry the transaction."),
    "3019": (402, "Your request has failed the CVV check."),
    "3022": (402, "The card has been declined due to insufficient funds."),
    "3023": (402, "Your request has been declined by the issuing bank: its own card activity regulations."),
    "3024": (402, "Your request has been declined: the issuing bank does not permit it for this card."),
    "3027": (402, "The limit for the merchant account has been exceeded."),
    "3028": (502, "The external processing gateway has reported a system error."),
    "3033": (402, "The authorisation for this charge was revoked by the cardholder."),
    "3038": (402, "The customer has cancelled this recurring charge."),
    "3054": (402, "Suspected fraud."),
    "3060": (402, "Strong customer authentication is needed for this transaction."),
    "3201": (404, "The authorization ID included in this settlement request could not be found."),
    "3203": (402, "The authorization is either fully settled or cancelled."),
    "3204": (402, "The requested settlement amount exceeds the remaining authorization amount."),
    "3402": (402, "The requested refund amount exceeds the remaining settlement amount."),
    "3404": (402, "You have already processed the maximum number of refunds allowed for this settlement."),
    "3406": (402, "The settlement you are attempting to refund has not been batched yet."),
    "3407": (404, "The settlement referred to by the transaction response ID you provided cannot be found."),
    "3415": (402, "The transaction cannot be cancelled: it is not pending any more."),
    "3500": (404, "The authorization referred to by the transaction response ID you provided cannot be found."),
    "3501": (402, "The requested void amount exceeds the remaining authorization amount."),
    "3502": (402, "You cannot process a void transaction against an authorization that has been settled."),
    "4001": (402, "The card number or email address associated with this transaction is in our negative database."),
    "4002": (402, "The transaction was declined by our Risk Management department."),
    "5001": (400, "The submitted currency code is invalid or your account does not support this currency."),
    "5003": (400, "You submitted an invalid amount with your request."),
    "5016": (400, "The merchant account you submitted cannot be found."),
    "5021": (402, "Your request has been declined."),
    "5023": (400, "The request is not parseable."),
    "5031": (409, "The transaction you have submitted has already been processed."),
    "5042": (400, "The merchant reference number is missing or invalid or it exceeds the maximum permissible length."),
    "5068": (400, "Field error(s)"),
    "5269": (404, "The ID(s) specified in the URL do not correspond to the values in the system."),
    "5270": (403, "The credentials provided do not have permission to access the requested resource."),
    "5275": (401, "The authentication credentials provided with the request have expired."),
    "5279": (401, "Invalid credentials"),
    "5281": (405, "The request method is not supported for this resource."),
    "5283": (400, "The payment handle token is not payable: it was used, it expired or it awaits the payer."),
    "5502": (400, "The payment token is inactive."),
    "7503": (409, "Card number already in use"),
    "7505": (409, "The merchantCustomerId provided for this profile has already been used for another profile"),
}  # fmt: skip
INFO = "https://developer.paysafe.com/en/rest-api/cards/test-and-go-live/card-errors/#ErrorCode"


def error(
    code: str, message: str = "", *, fields: Sequence[tuple[str, str]] = (), details: Sequence[str] = ()
) -> dict[str, Any]:  # fmt: skip
    """The value of "error" in a body. A code that a person made up is answered as the processor's words for it."""
    found: dict[str, Any] = {"code": code, "message": message or CODES.get(code, (402, "Declined."))[1]}
    if details:
        found["details"] = list(details)
    if fields:
        found["fieldErrors"] = [{"field": field, "error": text} for field, text in fields]
    return found | {"links": [{"rel": "errorinfo", "href": INFO + code}]}


def status_of(code: str) -> int:
    return CODES.get(code, (402, ""))[0]


def error_reply(code: str, body: dict[str, Any]) -> Reply:
    """The code is in a header, too."""
    return json_reply(body, status_of(code), x_application_status_code=code)


class Refused(Exception):
    """Nothing was done."""

    def __init__(
        self, code: str, message: str = "", *, fields: Sequence[tuple[str, str]] = (), details: Sequence[str] = ()
    ) -> None:  # fmt: skip
        super().__init__(code)
        self.code = code
        self.body = {"error": error(code, message, fields=fields, details=details)}

    def reply(self) -> Reply:
        return error_reply(self.code, self.body)


def bad_field(field: str, text: str = "Either invalid or no value provided") -> Refused:
    return Refused("5068", fields=[(field, text)])
