"""The rules that money moving must keep, by what moves."""

from payments.selectors.invariants import (
    cash,
    charged,
    cheques,
    debits,
    disputes,
    methods,
    received,
    reconciled,
    refunds,
    settled,
)

RULES = [
    *received.RULES,
    *reconciled.RULES,
    *cheques.RULES,
    *cash.RULES,
    *refunds.RULES,
    *disputes.RULES,
    *debits.RULES,
    *charged.RULES,
    *methods.RULES,
    *settled.RULES,
]
COUNTED = {
    "payments": ("payments_payment", "organization_id"),
    "cheques": ("payments_cheque", "organization_id"),
    "deposits": ("payments_deposit", "organization_id"),
    "refunds": ("payments_refund", "organization_id"),
    "disputes": ("payments_dispute", "organization_id"),
    "charges": ("payments_paymentattempt", "organization_id"),
    "settlements": ("payments_settlement", "organization_id"),
}
