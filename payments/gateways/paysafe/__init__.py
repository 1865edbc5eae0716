"""Paysafe, Payments API (generation B, /paymenthub/v1), with its hosted fields Paysafe.js.

    kind          paysafe
    base_url      https://api.test.paysafe.com   (live: https://api.paysafe.com)
    user          of the private key pair, as is
    password      its secret
    public_key    base64 of the single-use-token key pair, for the payer's page
    account_id    1001234560; or one for each currency: account_id_usd, account_id_cad
    hmac_key      of the webhook endpoint in the merchant portal
    simulator     INTERNAL for Paysafe's own simulator; optional
    library       address of Paysafe.js, where it is not the processor's own; optional

Amounts are integer minor units. Our key is the merchantRefNum; a second use of it is refused by 5031, and what was
done the first time is looked up. A settlement is the thing that is refunded or cancelled: `Result.related` names it.
Source: processor notes paysafe.md.
"""

from payments.gateways.paysafe.adapter import Gateway

__all__ = ["Gateway"]
