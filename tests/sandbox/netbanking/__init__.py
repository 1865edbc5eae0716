"""Net banking by redirect, in the manner of PayU India: what this sandbox speaks.

Credentials: NetBanking.KEY "KEYTEST", NetBanking.SALT. Hashes lower hex sha512, exactly the strings of §5. Amounts
  "10.00" (two decimals; another form of the same amount is answered as 2 decimals).

1. Browser POST {base}/_payment, form: key, txnid (≤ 25), amount, productinfo, firstname, email, phone, surl, furl,
  hash; optional lastname, udf1…udf5, pg="NB", bankcode (default TESTPGNB; also SBIB, HDFB, ICIB, AXIB). → 302 to
  {base}/nb/{mihpayid}, the bank's page.
   Missing field, wrong key or hash, bad amount or txnid → HTTP 200 HTML error page that names it ("Transaction failed
     due to incorrectly calculated hash parameter."). txnid that was paid or is pending → error page "duplicate
     txnid"; one that is still open at the bank → its page again; a failed one may be tried again under a new mihpayid
     (verify_payment shows the last).
2. Bank page: login name + Confirm / Decline (POST {base}/nb/{mihpayid}, action=confirm|decline). → 200 HTML page
  whose form posts itself (`<form id="payu" method="post" action=surl|furl>`, hidden fields, submits by script; a
  button without).
   Fields: mihpayid, mode=NB, status (success|failure|pending), unmappedstatus (captured|failed|userCancelled|in
     progress), key, txnid, amount, discount, net_amount_debit, addedon, productinfo, firstname, lastname, email,
     phone, udf1…udf5, field9, PG_TYPE, bank_ref_num, bankcode, error, error_Message, [additionalCharges,] hash.
     success and pending → surl, failure → furl.
   hash = sha512(SALT|status||||||udf5|…|udf1|email|firstname|productinfo|amount|txnid|key), with `additionalCharges|`
     in front when that field is there. `amount` never contains the additional charges; net_amount_debit does.
3. Server query: POST {base}/merchant/postservice.php?form=2 (and /merchant/postservice?form=2), form key, command,
  var1, hash = sha512(key|command|var1|salt); JSON (without form=2: PHP-serialised, not offered → JSON anyway).
   verify_payment var1 = txnid or `a|b|c`: {"status":1,"msg":"1 out of 1 Transactions Fetched Successfully",
     "transaction_details":{"<txnid>":{"mihpayid", "request_id":null, "bank_ref_num", "amt", "transaction_amount",
     "txnid", "additional_charges", "productinfo", "firstname", "bankcode", "udf1"…,"field9", "error_code", "addedon",
     "error_Message", "net_amount_debit", "disc", "mode", "PG_TYPE", "status", "unmappedstatus", "Merchant_UTR",
     "Settled_At"}}}
   unknown: {"status":0, "msg":"0 out of 1 Transactions Fetched Successfully",
     "transaction_details":{"<txnid>":{"mihpayid":"Not Found", "status":"Not Found"}}}. Still open at the bank: status
     "pending", unmappedstatus "initiated".
   cancel_refund_transaction var1 = mihpayid, var2 = token (ours, unique, ≤ 23), var3 = amount:
     {"status":1,"msg":"Refund Request Queued", "request_id", "bank_ref_num":null, "mihpayid", "error_code":102}; no:
     {"status":0, "msg":"Refund FAILURE - Invalid amount", "error_code":105,"mihpayid"}; 106 token exists · 111 not a
     captured payment · 113 charged back · 116 not found · 124 input missing (or a token too long).
   check_action_status var1 = request_id, or mihpayid with var2=payuid: {"status":1,"msg":"…",
     "transaction_details":{"<id>":{"<request_id>":{"mihpayid", "bank_ref_num", "request_id", "amt", "mode",
     "action":"refund", "token", "status":"queued"|"success", "bank_arn", "settlement_id", "amount_settled", "UTR_no",
     "value_date"}}}}; success one day later. By mihpayid all refunds of the payment are listed.
   get_settlement_details var1 = YYYY-MM-DD: {"status":1,"msg":"…", "Txn_details":[{"payuid", "txnid", "txndate",
     "mode", "amount", "requestid", "requestdate", "requestaction":"capture"|"refund"|"chargeback", "requestamount",
     "mer_utr", "mer_service_fee", "mer_service_tax", "mer_net_amount", "bank_name"}…]} for the payout made that day
     (IST; what happened the day before).
   wrong key/hash: {"status":0, "msg":"Invalid Hash."} / {"status":0, "msg":"Invalid key."}; other command:
     {"status":0, "msg":"Invalid command."}.
4. Server-to-server copy of the return (PayU webhook): form POST of the same fields and hash to the webhook url, topic
  = status; retries after 300, 900, 3600 s.
5. Triggers: amount 201.00 insufficient funds (E706), 302.00 cancelled by customer (E9205), 402.00 declined by bank
  (E308) — all failure, whatever the payer presses; 102.00 pending (E000). Error codes of failures vary by bank and
  are taken from PayU lists only in part: treat unknown ones as a plain decline.
6. Deeds: confirm(txnid) / decline(txnid) as the payer would · post_return(txnid) the browser's return POST made from
  here, now, again or late · steer_return(how="never"|"twice"|"late") how the next bank page behaves (twice: posted
  from here first, then by the page) · resolve(txnid, outcome="success"|"failure") a pending one ·
  charge_extra(amount="5.00", "" for none) additionalCharges on payments from now · charge_back(txnid) · catch_up().

Time:
Nothing runs in the background but what the clock makes due, and that is done at each call and each deed. A test that
  moves the clock on and then reads the ledger directly does the deed catch_up first.
"""

from tests.sandbox.netbanking.aggregator import NetBanking

__all__ = ["NetBanking"]
