"""The rules that charges must keep (invariants 3, 25-35, 39): attempts, what they claim, what came of them."""

from billing.office import clock
from billing.selectors.invariants.office import guards_missing, numbers_have_holes
from billing.selectors.proof import Rule, mine

# Said here a second time on purpose: a proof does not ask what it proves.
LIVE = "('created', 'sent', 'pending', 'unknown')"
FINAL = "('succeeded', 'declined', 'not_sent')"
LEFT = "('sent', 'pending', 'unknown', 'succeeded', 'declined')"
TAKING = "('sale', 'capture')"
MOVES = """(('created', 'sent'), ('created', 'not_sent'),
  ('sent', 'succeeded'), ('sent', 'declined'), ('sent', 'pending'), ('sent', 'unknown'), ('sent', 'not_sent'),
  ('pending', 'succeeded'), ('pending', 'declined'), ('pending', 'not_sent'),
  ('unknown', 'succeeded'), ('unknown', 'declined'), ('unknown', 'not_sent'), ('unknown', 'pending'))"""
APPEND_ONLY = (
    "payments_debitreturn", "payments_gatewayerror", "payments_gatewayexchange", "payments_methodevent",
    "payments_settlement",
)  # fmt: skip
FROZEN = (
    "payments_attemptclaim", "payments_autopaypreference", "payments_gatewayaccount", "payments_mandate",
    "payments_methodcode", "payments_paymentattempt", "payments_paymentmethod", "payments_retrydecision",
    "payments_settlementline", "payments_zohocustomer", "payments_zohoerrand", "payments_zohoinvoice",
    "payments_zohopayment", "payments_zohorefund", "payments_zohosubscription",
)  # fmt: skip
BESIDES = {
    "billing_agreement": "zoho_still_bills zoho_waits_for_charges",
    "payments_attemptclaim": "zoho_charges_it",
    "payments_paymentattempt": "attempt_moves",
    "payments_webhookevent": "acts_once frozen frozen_whole remembered",
    "payments_zohosubscription": "zoho_bills_it",
}
# The last hundred bits of a digest in Crockford's digits, the lowest first.
KEY = """string_agg(
  substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substring(d.bits FROM 252 - 5 * n FOR 5)::int + 1, 1), '' ORDER BY n)"""
# What an attempt asks, as it was hashed. What is stored, and a mandate, has no method yet when it is asked for.
BODY = """'[' || a.gateway_account_id || ', ' || a.customer_id || ', "' || a.operation || '", "' || a.currency || '", "'
  || a.amount || '", '
  || CASE WHEN a.operation IN ('store', 'mandate') THEN 'null' ELSE coalesce(a.method_id::text, 'null') END
  || ', [' || coalesce(k.claimed, '') || '], ' || coalesce(a.follows_id::text, 'null') || ']'"""
# Claims of money that is gone again: the bank took it back, or the authorisation was voided.
RELEASED = """(
  EXISTS (SELECT FROM payments_debitreturn r JOIN payments_paymentattempt t ON t.id = r.attempt_id
          WHERE a.id = CASE t.operation WHEN 'capture' THEN t.follows_id ELSE t.id END)
  OR a.operation = 'auth' AND EXISTS (SELECT FROM payments_paymentattempt v
    WHERE v.follows_id = a.id AND v.operation = 'void' AND v.state = 'succeeded'))"""
# Whoever lost a card or withdrew consent is not charged again by itself before somebody looked at the method.
FOR_EVER = "('lost_or_stolen', 'authorization_revoked', 'account_closed', 'invalid_card', 'invalid_account')"
AGAIN = "('verified', 'resumed', 'changed', 'updated')"
BY_ITSELF = "NOT a.by_payer AND a.channel = 'autopay' AND a.operation IN ('sale', 'auth')"


def forgotten() -> str:
    """SQL: what lives longer than it may and is nobody's task. By the clock of the office, in steps of its jobs."""
    now = f"timestamptz '{clock.now().isoformat()}'"
    return f"""
    SELECT a.id AS attempt_id, a.number, a.state, a.created_at, a.sent_at, a.ask_at FROM payments_paymentattempt a
    WHERE {mine("a.organization_id")} AND a.state IN {LIVE} AND a.needs_person = '' AND (
      a.state = 'created' AND a.created_at < {now} - interval '1 day'
      OR a.state IN ('sent', 'unknown') AND a.sent_at < {now} - interval '26 hours'
      OR a.state = 'pending' AND a.sent_at < {now} - interval '8 days'
      OR a.state <> 'created' AND a.ask_at IS NULL)"""


RULES = [
    Rule(
        3, "charge_guards_in_place",
        "Attempts, their claims, methods and what processors told are guarded, in the database itself.",
        guards_missing(APPEND_ONLY, FROZEN, BESIDES),
    ),
    Rule(
        25, "sent_is_written_down", "Nothing is said to a processor, and nothing known, before an attempt is sent.",
        f"""
        SELECT a.id AS attempt_id, a.number, a.state, a.sent_at, x.at AS said_at FROM payments_paymentattempt a
        LEFT JOIN (SELECT attempt_id, min(at) AS at FROM payments_gatewayexchange GROUP BY 1) x ON x.attempt_id = a.id
        WHERE {mine("a.organization_id")} AND (
          a.state IN {LEFT} AND a.sent_at IS NULL OR a.state = 'created' AND a.sent_at IS NOT NULL
          OR x.at IS NOT NULL AND (a.sent_at IS NULL OR x.at < a.sent_at))""",
    ),
    Rule(
        25, "key_follows_from_request", "The key a processor sees follows from the request, for ever.",
        f"""
        SELECT a.id AS attempt_id, a.number, a.key, w.key AS wanted FROM payments_paymentattempt a
        CROSS JOIN LATERAL (SELECT ('x' || encode(sha256(convert_to(a.organization_id || ':' || a.request_key,
          'UTF8')), 'hex'))::bit(256) AS bits) d
        CROSS JOIN LATERAL (SELECT {KEY} AS key FROM generate_series(0, 19) n) w
        WHERE {mine("a.organization_id")} AND a.key <> w.key""",
    ),
    Rule(
        26, "one_live_or_won", "Of an invoice and cycle at most one charge lives or was won; of an invoice one lives.",
        f"""
        SELECT k.invoice_id, k.cycle, count(*) AS held, count(*) FILTER (WHERE a.state IN {LIVE}) AS live
        FROM payments_attemptclaim k JOIN payments_paymentattempt a ON a.id = k.attempt_id
        WHERE k.holds AND {mine("a.organization_id")} GROUP BY GROUPING SETS ((1, 2), (1))
        HAVING count(*) FILTER (WHERE a.state IN {LIVE}) > 1 OR k.cycle IS NOT NULL AND count(*) > 1""",
    ),
    Rule(
        26, "claims_hold_while_live_or_won", "A claim holds exactly while its charge lives or has its money.",
        f"""
        SELECT k.id AS claim_id, k.invoice_id, k.holds, a.number, a.state FROM payments_attemptclaim k
        JOIN payments_paymentattempt a ON a.id = k.attempt_id
        WHERE {mine("a.organization_id")}
          AND k.holds <> (a.state IN {LIVE} OR a.state = 'succeeded' AND NOT {RELEASED})""",
    ),
    Rule(
        26, "claims_make_the_charge", "What a charge claims of invoices of its customer and currency is its amount.",
        f"""
        SELECT a.id AS attempt_id, a.number, a.amount, k.amount AS claimed FROM payments_paymentattempt a
        LEFT JOIN (
          SELECT k.attempt_id, sum(k.amount) AS amount, count(*) AS n,
            bool_or((i.customer_id, i.currency) IS DISTINCT FROM (t.customer_id, t.currency)) AS is_anothers
          FROM payments_attemptclaim k JOIN billing_invoice i ON i.id = k.invoice_id
          JOIN payments_paymentattempt t ON t.id = k.attempt_id GROUP BY 1) k ON k.attempt_id = a.id
        WHERE {mine("a.organization_id")} AND (k.is_anothers
          OR a.operation IN ('sale', 'auth') AND k.amount IS DISTINCT FROM a.amount
          OR a.operation NOT IN ('sale', 'auth') AND k.n IS NOT NULL)""",
    ),
    Rule(
        28, "one_key_one_body", "What was asked with a key is what its attempt says.",
        f"""
        SELECT a.id AS attempt_id, a.number, a.key FROM payments_paymentattempt a
        LEFT JOIN (SELECT attempt_id, string_agg('[' || invoice_id || ', "' || amount || '"]', ', ' ORDER BY invoice_id)
            AS claimed FROM payments_attemptclaim GROUP BY 1) k ON k.attempt_id = a.id
        WHERE {mine("a.organization_id")} AND a.body_hash <> encode(sha256(convert_to({BODY}, 'UTF8')), 'hex')""",
    ),
    Rule(
        29, "attempt_state_is_whole", "What is final says since when and from whom; what is not says neither.",
        f"""
        SELECT a.id AS attempt_id, a.number, a.state, a.settled_at, a.settled_from, a.ask_at, a.approved_amount
        FROM payments_paymentattempt a
        WHERE {mine("a.organization_id")} AND (
          (a.state IN {FINAL}) IS DISTINCT FROM (a.settled_at IS NOT NULL)
          OR (a.settled_at IS NOT NULL) <> (a.settled_from <> '') OR a.state IN {FINAL} AND a.ask_at IS NOT NULL
          OR a.approved_amount IS NOT NULL AND NOT (a.state = 'succeeded' AND a.operation IN {TAKING}))""",
    ),
    Rule(
        29, "attempt_moved_as_allowed", "The trail of an attempt knows no other ways from state to state.",
        f"""
        SELECT e.row_id AS attempt_id, e.id AS trail_id, e.before->>'state' AS old, e.after->>'state' AS new
        FROM office_auditentry e JOIN payments_paymentattempt a ON a.id = e.row_id
        WHERE e.table_name = 'payments_paymentattempt' AND e.operation = 'update' AND {mine("a.organization_id")}
          AND e.before->>'state' <> e.after->>'state'
          AND (e.before->>'state', e.after->>'state') NOT IN {MOVES}""",
    ),
    Rule(
        30, "absence_was_seen_twice", "Nothing that had left counts as not carried out by one absence alone.",
        f"""
        SELECT a.id AS attempt_id, a.number, a.absences, a.absent_since FROM payments_paymentattempt a
        WHERE {mine("a.organization_id")} AND a.state = 'not_sent' AND a.settled_from = 'sweeper'
          AND a.sent_at IS NOT NULL AND a.reason = 'gateway_timeout' AND (a.absences < 1 OR a.absent_since IS NULL)""",
    ),
    Rule(
        31, "won_is_paid",
        "A charge that succeeded has its payment: as much, of the same customer, at the same processor.",
        f"""
        SELECT a.id AS attempt_id, a.number, a.state, a.approved_amount, p.number AS payment, p.amount, p.currency
        FROM payments_paymentattempt a LEFT JOIN payments_payment p ON p.id = a.payment_id
        WHERE {mine("a.organization_id")} AND (
          (a.state = 'succeeded' AND a.operation IN {TAKING}) <> (a.payment_id IS NOT NULL)
          OR p.id IS NOT NULL AND (
            p.request_key <> 'attempt:' || a.key
            OR (a.organization_id, a.customer_id, a.gateway_account_id, a.currency, a.approved_amount)
              IS DISTINCT FROM (p.organization_id, p.customer_id, p.gateway_account_id, p.currency, p.amount)))""",
    ),
    Rule(
        31, "paid_was_won", "A payment that came by a charge belongs to exactly that charge.",
        f"""
        SELECT p.id AS payment_id, p.number, p.request_key FROM payments_payment p
        LEFT JOIN payments_paymentattempt a ON a.payment_id = p.id
        WHERE {mine("p.organization_id")} AND p.request_key LIKE 'attempt:%%' AND a.id IS NULL""",
    ),
    Rule(
        32, "reference_once", "Nothing a processor did counts for two attempts, whoever shares its credentials.",
        f"""
        SELECT g.configuration, a.operation, a.gateway_ref, count(*) AS attempts FROM payments_paymentattempt a
        JOIN payments_gatewayaccount g ON g.id = a.gateway_account_id
        WHERE a.gateway_ref <> '' AND a.operation IN ('sale', 'auth', 'capture', 'refund')
        GROUP BY 1, 2, 3 HAVING count(*) > 1 AND bool_or({mine("a.organization_id")})""",
    ),
    Rule(
        33, "tries_within_caps",
        "By itself a card is tried four times at most, a bank's debit three, for one obligation.",
        f"""
        SELECT k.invoice_id, k.cycle, a.method_id, m.instrument, count(*) AS tries FROM payments_attemptclaim k
        JOIN payments_paymentattempt a ON a.id = k.attempt_id JOIN payments_paymentmethod m ON m.id = a.method_id
        WHERE {mine("a.organization_id")} AND {BY_ITSELF} AND a.state IN {LEFT} AND NOT (
          m.instrument IN ('card', 'wallet') AND EXISTS (SELECT FROM payments_retrydecision d
            WHERE d.used_id = a.id AND d.chosen_by_id IS NOT NULL))
        GROUP BY 1, 2, 3, 4 HAVING count(*) > CASE WHEN m.instrument IN ('card', 'wallet') THEN 4 ELSE 3 END""",
    ),
    Rule(
        33, "never_again_by_itself", "What may never be tried again is not, until somebody saw to the method.",
        f"""
        SELECT a.id AS attempt_id, a.number, a.method_id, f.number AS failed, f.reason FROM payments_paymentattempt a
        JOIN payments_paymentattempt f ON f.method_id = a.method_id AND f.id < a.id AND f.state = 'declined'
          AND f.operation IN ('sale', 'auth') AND f.reason IN {FOR_EVER} AND f.settled_at < a.created_at
        WHERE {mine("a.organization_id")} AND {BY_ITSELF} AND a.state IN {LEFT} AND NOT EXISTS (
          SELECT FROM payments_methodevent e WHERE e.method_id = a.method_id AND e.kind IN {AGAIN}
            AND e.at >= f.created_at)""",
    ),
    Rule(
        34, "nothing_is_forgotten", "What is not known for too long is a person's task; until then it is asked about.",
        forgotten,
    ),
    Rule(
        35, "one_owner_charges", "What Zoho alone charges has no charge of ours under way.",
        f"""
        SELECT k.invoice_id, a.number, a.state, g.id AS agreement_id FROM payments_attemptclaim k
        JOIN payments_paymentattempt a ON a.id = k.attempt_id JOIN billing_invoice i ON i.id = k.invoice_id
        JOIN billing_agreement g ON g.id = i.agreement_id
        WHERE {mine("a.organization_id")} AND g.dunning_owner = 'zoho' AND a.state IN {LIVE}""",
    ),
    Rule(
        31, "returned_was_told", "A charge whose payment is returned has the return that a bank or processor told.",
        f"""
        SELECT p.id AS payment_id, p.number, a.number AS attempt FROM payments_payment p
        JOIN payments_paymentattempt a ON a.payment_id = p.id
        WHERE {mine("p.organization_id")} AND p.state = 'returned'
          AND NOT EXISTS (SELECT FROM payments_debitreturn r WHERE r.payment_id = p.id AND r.attempt_id = a.id)""",
    ),
    Rule(
        36, "refund_is_what_the_processor_did", "A refund's try by a processor says what became of its call there.",
        f"""
        SELECT t.id AS refund_attempt_id, r.number, t.state, a.number AS attempt, a.operation, a.state AS there
        FROM payments_refundattempt t JOIN payments_refund r ON r.id = t.refund_id
        JOIN payments_paymentattempt a ON a.id = t.gateway_attempt_id
        LEFT JOIN payments_paymentattempt f ON f.id = a.follows_id
        WHERE {mine("r.organization_id")} AND (
          a.operation NOT IN ('void', 'refund') OR a.amount <> r.paid_amount OR a.currency <> r.currency
          OR f.payment_id IS DISTINCT FROM r.payment_id
          OR CASE WHEN t.state IN ('sent', 'unknown') THEN a.state NOT IN {LIVE} ELSE a.state <> t.state END)""",
    ),
    Rule(
        39, "attempt_numbers", "Numbers of attempts run without holes, by day.",
        numbers_have_holes("ATT", "payments_paymentattempt", period=r"\d{8}", digits=6),
    ),
]  # fmt: skip
