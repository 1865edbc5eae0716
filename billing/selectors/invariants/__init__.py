"""The rules that the journal, what is owed and the office must keep."""

from billing.selectors.invariants import (
    agreed,
    billed,
    books,
    chased,
    earned,
    insured,
    moved,
    office,
    owed,
    posted,
    shape,
    taught,
    taxed,
)

RULES = [
    *books.RULES, *owed.RULES, *moved.RULES, *agreed.RULES, *billed.RULES, *taught.RULES, *taxed.RULES, *insured.RULES,
    *chased.RULES, *earned.RULES, *posted.RULES, *office.RULES, *shape.RULES,
]  # fmt: skip
COUNTED = {
    "organizations": ("office_organization", "id"),
    "customers": ("billing_customer", "organization_id"),
    "agreements": ("billing_agreement", "organization_id"),
    "invoices": ("billing_invoice", "organization_id"),
    "allocations": ("billing_allocation", "organization_id"),
    "journal entries": ("ledger_journalentry", "organization_id"),
    "journal lines": ("ledger_journalline", "organization_id"),
    "GL batches": ("ledger_glbatch", "organization_id"),
    "audit rows": ("office_auditentry", "organization_id"),
}
