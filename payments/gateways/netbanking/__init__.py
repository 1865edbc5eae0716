"""Net banking, PayU's way: the payer's browser posts a signed form and comes back with a signed answer.

    kind      netbanking
    base_url  https://test.payu.in   (live: https://secure.payu.in); of the form, and of the query service where that
              has no address of its own
    query_url https://info.payu.in   optional
    key       of the merchant
    salt      of the merchant; signs everything and is never sent
    email     fees@school.example    given where a payer has no e-mail address; optional
    phone     9100000000             the same for a telephone number; optional
    bank      TESTPGNB               the bank's code, where all payers use one; optional

`start` asks nobody. Its redirect is the address to post to; the fields are in its fragment, which no browser sends, so
that `redirect_form` can tell them again later. The return POST comes to `return_url` for better or worse, signed as a
webhook is: it goes through `parse_webhook`, and then the truth is asked for, server to server. A GET proves nothing.

Our key is the txnid, by which PayU is asked, and the reference of a payment; `related` is PayU's mihpayid, known once
the payer was at the bank. Of a refund our key is the token, the reference "refund:<request id>".
Rupees only. Source: processor notes upi-nach.md §5.
"""

from payments.gateways.netbanking.adapter import Gateway

__all__ = ["Gateway"]
