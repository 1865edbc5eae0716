"""Authorize.Net: payments, customer profiles (CIM), reporting, account updater and webhooks, in its JSON dialect.

    kind                    authorizenet
    endpoint                https://apitest.authorize.net/xml/v1/request.api   (live: https://api2.authorize.net/…)
    login                   the API login id; public, the payer's page needs it too
    transaction_key         of our calls
    client_key              public: of the payer's page
    signature_key           of the webhooks, 128 hexadecimal digits
    signature_key_encoding  text (as a rule) or hex: whether the key's digits are the key, or stand for its bytes
    duplicate_window        seconds in which the same content is refused; optional, 28800 is the most and the default
    library                 address of AcceptUI.js, where it is not the processor's own; optional
    currency                of the account, which the reports do not name; optional, USD

Our key is refId and order.invoiceNumber, at most twenty characters. Nothing can be looked up by it: lists are searched.
A capture and a void keep the number of what they follow, a refund gets its own. The reports need the Transaction
Details API to be switched on in the merchant's account; without it what became of a lost call cannot be found out.
Source: processor notes authorizenet.md; element order by the official library's schema.
"""

from payments.gateways.authorizenet.adapter import Gateway

__all__ = ["Gateway"]
