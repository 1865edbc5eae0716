"""The rules that money moving must keep, by what moves."""

from payments.selectors.invariants import cash, cheques, disputes, received, reconciled, refunds

RULES = [*received.RULES, *reconciled.RULES, *cheques.RULES, *cash.RULES, *refunds.RULES, *disputes.RULES]
COUNTED = {
    "payments": ("payments_payment", "organization_id"),
    "cheques": ("payments_cheque", "organization_id"),
    "deposits": ("payments_deposit", "organization_id"),
    "refunds": ("payments_refund", "organization_id"),
    "disputes": ("payments_dispute", "organization_id"),
}
