"""The rules that the journal, what is owed and the office must keep."""

from billing.selectors.invariants import books, moved, office, owed, shape

RULES = [*books.RULES, *owed.RULES, *moved.RULES, *office.RULES, *shape.RULES]
COUNTED = {
    "organizations": ("office_organization", "id"),
    "customers": ("billing_customer", "organization_id"),
    "invoices": ("billing_invoice", "organization_id"),
    "allocations": ("billing_allocation", "organization_id"),
    "journal entries": ("ledger_journalentry", "organization_id"),
    "journal lines": ("ledger_journalline", "organization_id"),
    "audit rows": ("office_auditentry", "organization_id"),
}
