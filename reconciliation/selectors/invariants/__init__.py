"""The rules that proving money must keep."""

from reconciliation.selectors.invariants import closing

RULES = [*closing.RULES]
COUNTED = {
    "proofs": ("reconciliation_booksproof", "organization_id"),
}
