"""The rules that proving money must keep, by what is proven."""

from reconciliation.selectors.invariants import banks, closing, processors, ruled, signed

RULES = [*closing.RULES, *processors.RULES, *banks.RULES, *signed.RULES, *ruled.RULES]
COUNTED = {
    "bank lines": ("reconciliation_statementline", "organization_id"),
    "matching rules": ("reconciliation_matchingrule", "organization_id"),
    "bank reconciliations": ("reconciliation_bankreconciliation", "organization_id"),
    "proofs": ("reconciliation_booksproof", "organization_id"),
    "processor differences": ("reconciliation_processordiscrepancy", "organization_id"),
    "closed days": ("reconciliation_dayclose", "organization_id"),
    "closed months": ("reconciliation_monthclose", "organization_id"),
}
