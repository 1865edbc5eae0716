"""What plans cost on a day, and what a family may choose (R56, R61)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from billing.models import Agreement, Plan, PlanItem, PlanPrice
from billing.models.plan import Frequency, PlanState
from billing.office.models import Organization
from billing.office.policies import policies_for, policies_for_agreements


@dataclass(frozen=True)
class Choice:
    """A plan at a frequency with its price as it holds then. is_current: what the agreement has."""

    plan: Plan
    frequency: str
    price: PlanPrice
    is_current: bool = False

    @property
    def frequency_words(self) -> str:
        return str(Frequency(self.frequency).label)


def prices_on(plan_ids: Iterable[int], on: date) -> dict[tuple[int, str], PlanPrice]:
    """(plan, frequency) → the newest price that has begun. One query."""
    rows = PlanPrice.objects.filter(plan_id__in=list(plan_ids), effective_on__lte=on)
    newest = rows.order_by("plan_id", "frequency", "-effective_on", "-id").distinct("plan_id", "frequency")
    return {(row.plan_id, row.frequency): row for row in newest}


def price_on(plan: Plan, frequency: str, on: date) -> PlanPrice | None:
    """One query."""
    return prices_on([plan.pk], on).get((plan.pk, frequency))


def plan_items(plan: Plan, frequency: str, *, once: bool = True) -> list[dict[str, Any]]:
    """The further lines of a plan at a frequency, as terms keep them. once: those that come only once too."""
    rows = PlanItem.objects.filter(plan=plan, per_frequency__in=["", frequency]).order_by("ordinal")
    return [
        {"text": row.line_text, "amount": f"{row.amount:.2f}", "tax_code": row.tax_code_id, "once": row.is_once,
         "prorated": row.is_prorated}
        for row in rows if once or not row.is_once
    ]  # fmt: skip


def offers(organization: Organization, on: date, **filters: Any) -> list[Choice]:
    """Plans on offer at the frequencies that have a price, by name. Two queries."""
    plans = {p.pk: p for p in Plan.objects.filter(organization=organization, state=PlanState.ACTIVE, **filters)}
    found = [Choice(plans[pk], frequency, price) for (pk, frequency), price in prices_on(plans, on).items()]
    order = list(Frequency)
    return sorted(found, key=lambda one: (one.plan.name, one.plan.code, order.index(Frequency(one.frequency))))


def allowed_frequencies(organization: Organization, customer_id: int, provider_id: int | None) -> set[str]:
    book = policies_for(organization, customer_id=customer_id, provider_id=provider_id)
    return set(book.choices("agreements.frequencies"))


def choices_for(agreement: Agreement, on: date) -> list[Choice]:
    """What the family may change to from a day on: plans that families may choose, of the same kind, at frequencies
    that have a price and are allowed where the agreement lives (R56). What it has now is among them. Three queries."""
    key = (agreement.pk, agreement.customer_id, agreement.provider_id)
    policies = policies_for_agreements(agreement.organization, [key])[agreement.pk]
    allowed = set(policies.choices("agreements.frequencies"))
    found = offers(agreement.organization, on, families_may_choose=True, kind=agreement.kind, basis=agreement.basis)
    return [
        Choice(one.plan, one.frequency, one.price, one.plan.pk == agreement.plan_id
               and one.frequency == agreement.frequency)
        for one in found
        if one.frequency in allowed and one.price.currency == agreement.currency
    ]  # fmt: skip


def list_prices(agreements: Iterable[Agreement], on: date) -> dict[int, Decimal]:
    """Agreement → the price its plan has at its frequency on a day, where there is one. One query."""
    rows = list(agreements)
    prices = prices_on({row.plan_id for row in rows}, on)
    found = {row.pk: prices.get((row.plan_id, row.frequency)) for row in rows}
    return {pk: price.amount for pk, price in found.items() if price is not None}
