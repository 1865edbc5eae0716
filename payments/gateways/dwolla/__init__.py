"""Dwolla: debits of American bank accounts (ACH), with its drop-in fields and micro-deposits.

    kind            dwolla
    base_url        https://api-sandbox.dwolla.com   (live: https://api.dwolla.com)
    key             of the application
    secret          of the application
    webhook_secret  the one the webhook subscription was made with
    funding_source  https://api-sandbox.dwolla.com/funding-sources/…  our own bank account, where the money goes
    library         address of dwolla-web.js, where it is not the processor's own; optional

A method's token is the address of a funding source, `payer_id` that of the customer it belongs to. HostedToken: `value`
is the address of a funding source that the drop-in made, of an exchange, or a Plaid processor token; `descriptor` may
name the kind of account ("savings"), which is "checking" otherwise.

A debit is pending for days, and can come back for sixty more. Our key is the transfer's correlationId; Idempotency-Key
is a UUID made of it. US dollars only. Source: processor notes dwolla.md, ach-returns.md.
"""

from payments.gateways.dwolla.adapter import Gateway

__all__ = ["Gateway"]
