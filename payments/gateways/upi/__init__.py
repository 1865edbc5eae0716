"""UPI through a payment service provider: links and codes, collect requests, and AutoPay mandates.

    kind            upi
    base_url        https://psp.example   of the provider's API, without /v1
    key_id          of the merchant
    key_secret      of the merchant
    webhook_secret  signs what the provider tells
    payee_vpa       school@okbank         where the money goes; a link that names another is not shown
    payee_name      Sandbox School
    expires_seconds 1800                  how long a link or a request may be paid; optional

Each payment is an order of ours: our key is its `tr`, and its reference is that too; a refund's is "refund:<our key>".
A stored UPI id (instrument "upi") has the id as its token and is charged by a collect request, which its owner allows
or not, in their app. For `start`, PayerRef.vault_id may be such an id; without one a upi:// link is made.

A mandate's token is its UMN, `payer_id` our own reference of it, which is how the provider is asked. A debit of one
names the notice that announced it: OrderRef.notice is the key of that `notify_debit`; it must be of the same amount.
Frequencies: monthly, quarterly, half_yearly, annual, any. Rupees only.
Source: processor notes upi-nach.md §1-§3; response codes of NPCI.
"""

from payments.gateways.upi.adapter import Gateway

__all__ = ["Gateway"]
