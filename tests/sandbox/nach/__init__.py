"""A sponsor bank for NACH and ECS debits, host to host: the whole wire contract.

Host-to-host over HTTP: mandates as JSON, presentation and result files as text. Auth: HTTP Basic
  `utility_code:password` on all but the debtor's page (SponsorBank.UTILITY_CODE "NACH00000000012345", PASSWORD).
  Wrong → 401 `{"error":{"code":"unauthorized", "message"}}`.
Errors as `{"error":{"code", "message"[,"field"][,"lines":[{"line", "message"}]]}}`; nothing was done on 4xx. JSON
  money: text rupees, two decimals. File money: integer paise, no padding. Days "YYYY-MM-DD" in JSON, YYYYMMDD in
  files, all IST; instants RFC 3339 UTC. NACH runs on every calendar day.

Mandates:
POST /mandates {"message_ref" (≤ 35, ours, unique → 409 `duplicate_message`), "flavour":"NACH"|"ECS" (default NACH),
  "channel":"ENACH"|"PAPER" (ECS: PAPER only), "auth_mode":"NETBANKING"|"DEBIT_CARD"|"AADHAAR" (ENACH only), "image"
  (base64 JPEG or TIFF, PAPER only),
 "debtor":{"name", "account_no" (9-18 digits), "account_type":"SB"|"CA", "ifsc" (`^[A-Z]{4}0[A-Z0-9]{6}$`)},
   "amount_type":"MAX"|"FIXED", "amount", "sequence_type":"RCUR"|"OOFF",
   "frequency":"MNTH"|"QURT"|"MIAN"|"YEAR"|"ADHO", "first_on", "last_on" (null = until cancelled), "debit_day" (1-28
   or null; kept and shown, not enforced), "replaces" (umrn or null)}
 → 201 Mandate. 400 `invalid_request` with field.
GET /mandates/{message_ref or umrn} → Mandate | 404.     GET /mandates?changed_since=<instant> →
  {"mandates":[Mandate…]} oldest change first.
Mandate = {"message_ref", "umrn" (20 chars: 4 letters + 16 digits; null until REGISTERED), "flavour", "channel",
  "auth_mode", "status", "code", "message", "debtor":{"name", "bank" (4 letters), "ifsc", "account_type",
  "account_last4"}, "amount_type", "amount", "sequence_type", "frequency", "first_on", "last_on", "debit_day",
  "replaces", "amending" (bool),
 "auth_url" (ENACH while PENDING), "test_debit": null | {"amount":"1.00", "debited_at", "refunded_at"}, "created_at",
   "changed_at"}
status: PENDING (ENACH: debtor has not authenticated at auth_url; PAPER: being scanned) → REGISTERED (has UMRN,
  debtor's bank looks) → ACTIVE | REJECTED (code, message) → CANCELLED | EXPIRED (after last_on). PENDING unanswered
  for 7 days → REJECTED RJ05.
Timing: AADHAAR ACTIVE at once; NETBANKING and DEBIT_CARD REGISTERED on authentication, ACTIVE next day 09:00 IST;
  PAPER and ECS REGISTERED next day 09:00, ACTIVE on the 5th day 09:00. Test debit of 1.00 for NETBANKING/DEBIT_CARD
  at ACTIVE, given back 4 days later.
AADHAAR above 50000.00 from 2026-07-01 asks a second OTP on the page. ECS: the reference in `umrn` starts with "ECSX".
Rejection codes are this bank's own (NPCI's list of 2025 not seen): RJ01 signature differs, RJ02 account closed, RJ03
  name differs, RJ04 debtor declined, RJ05 debtor did not authenticate in time.
POST /mandates/{umrn}/amend {"amend_ref" (unique → 409 `duplicate_message`), any of "amount", "last_on", "debit_day",
  "account_no"} → 202 Mandate amending=true; in force next day 09:00; debits run on the old terms till then. Only
  ACTIVE, not amending (else 409 `not_active` / `amending`). "ifsc" of the same bank is amended as well, of another
  bank → 422 `new_mandate_needed`: register a new mandate with "replaces"; when it becomes ACTIVE the old one is
  CANCELLED (code "replaced").
POST /mandates/{umrn}/cancel {"reason"} → 200 CANCELLED; not REGISTERED/ACTIVE → 409 `not_active`.

Presentation files:
PUT /presentations/{file_ref} (file_ref 1-30 of [A-Za-z0-9-]; text/plain, lines end "\\n"):
 H|<utility_code>|<file_ref>|<settlement YYYYMMDD>|<NACH or ECS>|<item count>|<total paise>
 D|<seq 1…>|<umrn>|<amount paise>|<item_ref ≤ 30, [A-Za-z0-9-]>|<narration ≤ 30, no pipe>
 T|<item count>|<total paise>
→ 201 {"file_ref", "status":"RECEIVED", "flavour", "settlement_on", "items":n, "total":"…", "cut_off_at"}. Cut-off:
  10:00 IST on the settlement day, later → 422 `cut_off_passed`; more than 7 days ahead → 422 `too_far_ahead`. Format
  or sums wrong → 422 `invalid_file` with lines (whole file refused). Same file_ref: same bytes → 200 the same answer,
  other bytes → 409 `file_exists`.
GET /presentations/{file_ref} → the same | 404; status RECEIVED → PROCESSED (R1 made).
GET /items/{item_ref} → {"item_ref", "file_ref", "umrn", "amount", "settlement_on",
  "status":"PENDING"|"ACCEPTED"|"EXTENDED"|"RETURNED", "code", "message", "utr", "changed_at"} | 404. (An item refused
  as code 31 never hides the first one.)

Result files:
R1 at 18:00 IST on the settlement day T: one line per item. R2, R3, … at 18:00 on later days, only lines that changed
  (T+1, T+2; ECS: returns not before T+1, R1 at T+1 18:00).
GET /results?since=YYYY-MM-DD → {"results":[{"name":"<file_ref>-R1", "file_ref", "made_at", "items"}…]} oldest first.
  GET /results/{name} → text/plain, never changes:
 H|RESULT|<file_ref>|<settlement YYYYMMDD>|<n>
 R|<seq>|<umrn>|<amount paise>|<item_ref>|<ACCEPTED, RETURNED or EXTENDED>|<code>|<text>|<utr or empty>
 T|<lines>|<accepted count>|<accepted paise>|<returned count>|<returned paise>|<extended count>|<extended paise>
ACCEPTED code 0. EXTENDED code 98 = debtor's bank took more time, final in 1-2 days. RETURNED = two digits of the NACH
  debit return codes; a RETURNED after ACCEPTED takes the money back.
Codes from the rules: 21 unknown UMRN · 08 not yet active, or rejected · 61 cancelled · 14 had expired when presented
  · 28 before first_on · 29 presented in time for a day after last_on · 94 zero amount · 26 above MAX · 15 differs
  from FIXED · 31 item_ref used before · 13 same UMRN, amount and settlement day again · 12 "Already processed for
  this month" (frequency not ADHO and a debit of this period was accepted or is open; periods are calendar month,
  quarter, half-year, year; OOFF: ever) · 30 ECS item in NACH file or the reverse. A returned debit does not block the
  period.
Triggers, last four digits of the account number: 99CC returned with CC at T · 98CC EXTENDED at T, returned with CC at
  T+2 · 9800 EXTENDED at T, accepted at T+1 · 97CC accepted at T, returned with CC at T+2 · 95NN registration rejected
  with RJNN. Other: accepted.

Settlement:
GET /settlements?day=YYYY-MM-DD → {"day", "currency":"INR", "credits", "debits" (late returns), "carried" (≤ 0: what
  earlier evenings left owing), "net" = credits - debits + carried (a negative net is carried), "utr" (null when
  nothing moved), "items":[{"type":"credit"|"return", "item_ref", "file_ref", "umrn", "amount", "code"}]}; 404
  `not_ready` before 18:00 IST that day.

Debtor's page:
GET/POST {auth_url} = {base}/enach/{message_ref}: authenticate or decline.

Deeds:
authenticate(message_ref, second_otp="") · decline(message_ref) · activate(umrn or message_ref) at once, answers the
  UMRN · reject(message_ref, code="RJ01") · cancel(umrn) by the debtor · expire(umrn) · return_item(item_ref,
  code="04") after acceptance, in the next result file · steer(umrn, code="04", how="same_day"|"extended"|"late") for
  the next item of this mandate · catch_up()

Time:
Nothing runs in the background but what the clock makes due, and that is done at each call and each deed. A test that
  moves the clock on and then reads the ledger directly does the deed catch_up first.
"""

from tests.sandbox.nach.bank import SponsorBank

__all__ = ["SponsorBank"]
