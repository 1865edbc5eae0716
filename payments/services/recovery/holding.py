"""Which invoices are not charged by themselves at the moment, and why: what reminders ask, asked for charges."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from billing.models import DebtPlan, DunningCase, Invoice
from billing.models.dunning import DebtPlanState
from billing.money import ZERO
from billing.office.models import Organization
from billing.office.policies import policies_for_agreements, policies_for_customers
from billing.selectors.chasing.gate import gate_facts, hold_of
from payments.services.recovery.gathering import held_customers

# Holds of reminders that keep no charge back: only the paper is to be spared, not the money.
REMINDERS_ONLY = ("below_minimum", "fresh", "bank_not_loaded", "retry_planned", "autopay")
SPLIT_KEY = "split:"


def held_back(
    organization: Organization, invoices: Iterable[Invoice], today: date, now: datetime
) -> dict[int, str]:  # fmt: skip
    """Invoice key → why it is not charged now: disputed, paused, promised, in a debt plan, perhaps paid already, or
    automation is off. About fifteen queries, however many. invoices: with agreement and customer."""
    invoices = [invoice for invoice in invoices if invoice.open_amount > ZERO]
    if not invoices:
        return {}
    # The gate asks timelines; an invoice that has none yet is asked as if it had.
    cases = [
        DunningCase(
            pk=one.pk, organization=organization, customer_id=one.customer_id, agreement=one.agreement, invoice=one
        )
        for one in invoices
    ]
    with_terms = [(a.pk, a.customer_id, a.provider_id) for a in (one.agreement for one in invoices) if a is not None]
    own = policies_for_agreements(organization, with_terms)
    rest = policies_for_customers(organization, {one.customer_id for one in invoices if one.agreement_id is None})
    books = {one.pk: own[one.agreement_id] if one.agreement_id else rest[one.customer_id] for one in invoices}
    facts = gate_facts(organization, cases, books, today, now)
    suspected = held_customers({one.customer_id for one in invoices})
    found = {}
    for case in cases:
        hold = hold_of(case, books[case.invoice_id], facts, None)
        if case.customer_id in suspected:
            found[case.invoice_id] = "held"
        elif hold is not None and hold.code not in REMINDERS_ONLY:
            found[case.invoice_id] = hold.code
    return found


def split_plans(invoice_ids: Iterable[int]) -> Mapping[int, DebtPlan]:
    """Invoice key → the plan by which its payer pays it in parts that are charged by themselves. One query."""
    through = DebtPlan.invoices.through.objects.filter(
        invoice__in=list(invoice_ids), debtplan__state=DebtPlanState.ACTIVE, debtplan__request_key__startswith=SPLIT_KEY
    )
    return {row.invoice_id: row.debtplan for row in through.select_related("debtplan")}
