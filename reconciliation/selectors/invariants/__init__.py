"""The rules that proving money must keep, by what is proven."""

from reconciliation.selectors.invariants import closing, processors

RULES = [*closing.RULES, *processors.RULES]
COUNTED = {
    "proofs": ("reconciliation_booksproof", "organization_id"),
    "processor differences": ("reconciliation_processordiscrepancy", "organization_id"),
    "closed days": ("reconciliation_dayclose", "organization_id"),
    "closed months": ("reconciliation_monthclose", "organization_id"),
}
