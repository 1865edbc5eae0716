"""A neutral UPI payment service provider, JSON over HTTP: the whole wire contract.

Neutral PSP, JSON over HTTP. Auth: HTTP Basic `key_id:key_secret` on every `/v1/` call (sandbox: UpiPsp.KEY_ID /
  KEY_SECRET). Wrong → 401
`{"error":{"code":"unauthorized", "message":"…"}}`. Too often → 429 code `too_many_requests` + Retry-After.
Money: text, rupees, exactly two decimals ("1250.00"), > 0; `currency` always "INR". Instants: RFC 3339 with offset,
  UTC in answers. Days and clock windows: IST (+05:30).
Errors: 4xx `{"error":{"code", "message"[,"field"][,"upi_code"][,"next_allowed_at"]}}`: 400 malformed
  (`invalid_request`, field named), 401, 404 `not_found`, 409 state/duplicate, 422 rule. Nothing was done when a 4xx
  is answered.

VPA:
POST /v1/vpa/validate {"vpa"} → 200 {"vpa", "valid":true, "name":"ASHA RAO"} | 200 {"vpa", "valid":false, "name":null,
  "code":"ZH", "message"}; malformed → 400 `invalid_request` field vpa.
Shape `^[A-Za-z0-9.\\-_]{2,256}@[A-Za-z]{2,64}$`. Known handles: okbank, auto, never. Other handles, and the local part
  `nobody`, are not valid (ZH). Name: local part's words in capitals (`asha.rao@okbank` → "ASHA RAO").

Orders (one payment attempt; key = our `tr`):
POST /v1/orders {"tr" (1-35 of [A-Za-z0-9-]), "kind":"collect"|"intent"|"qr", "amount", "currency":"INR", "note" (≤
  50, optional), "vpa" (collect only, needed there), "expires_in" seconds 60…3888000 (optional; 1800)} → 201 Order,
  status PENDING.
 tr used before (whatever the content; also by an execution) → 409 `duplicate_tr`, upi_code "U01": an earlier request
   decides, look it up. Collect to a bad VPA → 422 `invalid_vpa` upi_code ZH. Collect withdrawn for us → 403
   `collect_disabled`.
GET /v1/orders/{tr} → 200 Order | 404 `not_found`.      POST /v1/orders/{tr}/cancel → 200 Order (CANCELLED); not
  PENDING+01 → 409 `not_cancellable`.
Order = {"tr", "kind":"collect"|"intent"|"qr"|"mandate", "amount", "currency", "note", "status", "code", "message",
  "payer_vpa" (masked "as***@okbank", null until known), "uri" ("upi://pay?pa=…&pn=…&tr=…&tn=…&am=…&cu=INR&mc=8299",
  intent and qr; else null),
 "txn_id" (35 chars, null until the payer acted), "rrn" (12 digits, null until debited), "refunded", "mandate_ref",
   "notification_ref" (null unless mandate), "try" (int|null), "created_at", "expires_at", "completed_at" (null until
   final)}
status: PENDING (code "01" = waits for payer; code UT/BT/U67… = outcome not known, poll, never send again) · DEEMED
  (code RB/RP…: money may have left, wait) · SUCCESS (00) · FAILURE (code) · EXPIRED (U69) · CANCELLED (code null).
  SUCCESS, FAILURE, EXPIRED, CANCELLED are final.
The payer acts at GET {base}/payer/{tr} (mock UPI app, also where a browser that follows the intent ends) or by deed.

Refunds:
POST /v1/orders/{tr}/refunds {"refund_id" (≤ 35, ours, unique), "amount"} → 201 Refund PENDING. Order not SUCCESS →
  409 `not_refundable`; sum above amount → 422 `refund_exceeds`; refund_id used → 409 `duplicate_refund`.
GET /v1/refunds/{refund_id} → Refund = {"refund_id", "tr", "amount", "currency",
  "status":"PENDING"|"SUCCESS"|"FAILURE", "code", "message", "rrn", "created_at", "completed_at"}. SUCCESS a minute
  later; amount 204.00 → FAILURE (code "ZY").

AutoPay mandates (key = our `mandate_ref`):
POST /v1/mandates {"mandate_ref" (≤ 35, unique; else 409 duplicate_mandate), "vpa", "max_amount", "currency":"INR",
  "frequency":"MONTHLY"|"QUARTERLY"|"HALFYEARLY"|"YEARLY"|"ASPRESENTED", "start_on", "end_on" (days), "note"} → 201
  Mandate PENDING (expires after a day unanswered).
GET /v1/mandates/{mandate_ref}.   POST /v1/mandates/{mandate_ref}/revoke → 200 (REVOKED; again → 409
  `mandate_not_active`).
Mandate = {"mandate_ref", "umn" (32 alnum + "@psp", null until ACTIVE),
  "status":"PENDING"|"ACTIVE"|"PAUSED"|"REVOKED"|"REJECTED"|"EXPIRED", "code", "message", "payer_vpa" (masked),
  "max_amount", "currency", "frequency", "start_on", "end_on", "note", "uri" ("upi://mandate?…"), "created_at",
  "activated_at"}
Payer page GET {base}/payer/mandates/{mandate_ref}: approve, decline, pause, resume, revoke. The bank account behind a
  mandate cannot be changed: revoke and make a new one.
POST /v1/mandates/{ref}/notifications {"notification_ref" (unique), "amount", "debit_at"} → 201 {"notification_ref",
  "mandate_ref", "amount", "debit_at", "created_at", "tries_left":10, "status":"SENT"|"USED"|"SPENT"|"LAPSED"}; GET
  /v1/mandates/{ref}/notifications/{notification_ref}.
 debit_at must be 24 h … 48 h from now, both included, else 422 `notice_window`; amount above max → 422 `above_max`
   upi_code Z8; mandate not ACTIVE → 409 `mandate_not_active` with upi_code; used ref → 409 `duplicate_notification`.
POST /v1/mandates/{ref}/executions {"tr", "notification_ref" (absent for the first debit), "amount"} → 201 Order kind
  "mandate": usually final at once; PENDING 01 above 15000.00 (payer must enter the PIN within 24 h, on /payer/{tr});
  may be PENDING UT/BT or DEEMED.
 Refusals, no try used: 409 `duplicate_tr` U01 · 409 `mandate_not_active` upi_code VT paused / VA revoked or rejected
   / VU expired / VF pending · 422 `notice_needed` (no notification_ref and not the first debit within 5 min of
   activation) ·
 404 `not_found` notification · 422 `amount_differs` XD · 422 `above_max` Z8 · 422 `too_early` + next_allowed_at
   (before debit_at) · 422 `notice_lapsed` (later than debit_at + 72 h) · 409 `already_honoured` VE (this notification
   was paid) ·
 409 `execution_open` VS (a try of it is not final) · 422 `blackout` + next_allowed_at (10:00-13:00 and 17:00-21:30
   IST; the first debit at set-up is exempt).
 Each execution uses a try; the 10th failure of one notification revokes the mandate (REVOKED code "VA").

Outcomes:
Local part of the payer's VPA = a code in lower case (`z9@okbank`, `ut@auto`, `rb@okbank`, any code of NPCI's list) →
  that outcome when the payer approves / the mandate is executed. `prefix.code` too: `asha.z9@okbank`; a mandate of
  such VPA still activates.
Amount: 201.00 Z9 · 204.00 ZM (wrong PIN) · 302.00 ZA (declined by customer) · 402.00 YC · 408.00 UT · 504.00 BT ·
  502.00 RB. Otherwise SUCCESS.
Handle: @okbank waits for the payer; @auto approves by itself 2 s later (mandates: at once); @never never answers
  (expires).
Not known → later: UT, UP, U67, U26, U53 … turn SUCCESS after 10 min (the money was taken at once); BT, U68, U82, U87,
  U88, S95 … turn FAILURE code 21 after 10 min; DEEMED RB, RR, 32 turn SUCCESS after 24 h; RP, U32, U33, U37 turn
  FAILURE code 21 after 24 h. Deed `resolve` decides sooner. During "blind" faults: younger orders answer 404, younger
  outcomes still PENDING 01.

Settlement:
GET /v1/settlements?day=YYYY-MM-DD (IST) → 200 once the day is over, else 404 `not_ready`. {"day", "currency", "utr"
  (null when nothing), "gross", "refunds", "chargebacks", "fees", "carried" (≤ 0: what earlier days left owing), "net"
  = gross - refunds - chargebacks - fees + carried (a negative net is not collected but carried),
  "items":[{"type":"payment"|"refund"|"chargeback", "tr", "refund_id", "amount", "fee", "rrn", "at"}]}. Paid out the
  day after.

Webhooks:
POST {"event_id", "event", "occurred_at", "data": Order|Refund|Mandate}; events
  order.success/.failure/.expired/.cancelled/.deemed/.unknown, refund.success/.failure,
  mandate.active/.rejected/.paused/.resumed/.revoked/.expired, dispute.lost (data: Order).
Headers `X-Psp-Timestamp: <unix seconds>`, `X-Psp-Signature: <lower hex HMAC-SHA256(webhook secret, timestamp + "." +
  raw body)>`. Until 2xx it is sent again after 60, 300, 1800, 7200, 21600 s, with the first timestamp and signature.
  May come twice and out of order: read the object again.
Vector: secret `psp-webhook-secret`, timestamp `1700000000`, body `{"event_id":"e-1"}` → see below.
`11a85c5a84bed1fe0c58ce267c009384a9e3401d51f7444b72144452fec327d9`

Deeds (POST /_sandbox/deeds {"name",…}):
pay(tr, vpa="asha.rao@okbank") approve as the payer · decline(tr) · resolve(tr, outcome="SUCCESS"|"FAILURE") ·
  charge_back(tr) · approve_mandate(mandate_ref) · decline_mandate · pause_mandate · resume_mandate · revoke_mandate ·
  disable_collect() · enable_collect() · settle(day) · catch_up() (do what the clock says is due: expiry, late
  outcomes, refunds, payouts; also done on each call)

Time:
Nothing runs in the background but what the clock makes due, and that is done at each call and each deed; webhooks
  that are being delivered look first as well. A test that moves the clock on and then reads the ledger directly does
  the deed catch_up first.
"""

from tests.sandbox.upi.psp import UpiPsp

__all__ = ["UpiPsp"]
