"""Which tax holds for an item, a customer and a day; what an invoice's tax is made of (R39, R86)."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from billing.models import BillingProfile, Invoice, TaxCode, TaxRate
from billing.models.tax import ABROAD, EVERYWHERE, TaxKind
from billing.office.models import Organization
from billing.rules.priced import NO_TAX, Tax
from billing.rules.tax_parts import SummaryRow, TaxedLine, TaxPart, summarize


class Place(NamedTuple):
    """Where a customer is, as rates name it, and why no tax is paid; "" if it is."""

    place: str
    exempt_because: str


class TaxBook:
    """The tax codes and rates of one organization, with where its customers are. Three queries when made, none asked.

    A rate of the customer's place goes before the one that holds everywhere; of each the newest that has begun.
    """

    def __init__(
        self, codes: Mapping[int, TaxCode], rates: Mapping[tuple[int, str], list[TaxRate]],
        places: Mapping[int, Place],
    ) -> None:  # fmt: skip
        self._codes, self._rates, self._places = codes, rates, places

    def tax(self, tax_code_id: int | None, customer_id: int, on: date) -> Tax:
        """No tax for an item without a code, an exempt code, or before the first rate.

        An exempt customer's tax knows its rate, because a price that includes it is paid without it.
        """
        code = self._codes.get(tax_code_id or 0)
        if code is None:
            return NO_TAX
        where = self._places.get(customer_id, Place(EVERYWHERE, ""))
        holding = self.rate(code.pk, where.place, on)
        if code.kind == TaxKind.EXEMPT or holding is None or not holding.rate:
            return Tax(code=code.pk, name=code.name)
        parts = tuple(TaxPart(part["name"], Decimal(part["rate"])) for part in holding.parts)
        return Tax(holding.rate, code.is_inclusive, code.pk, code.name, parts, where.exempt_because)

    def rate(self, code_id: int, place: str, on: date) -> TaxRate | None:
        """What holds in a place on a day: of the place itself, else everywhere; None before the first."""
        return self._newest(code_id, place, on) or (self._newest(code_id, EVERYWHERE, on) if place else None)

    def _newest(self, code_id: int, place: str, on: date) -> TaxRate | None:
        begun = [rate for rate in self._rates.get((code_id, place), ()) if rate.effective_on <= on]
        return begun[-1] if begun else None


def tax_book(organization: Organization, customer_ids: Iterable[int]) -> TaxBook:
    """Three queries."""
    codes = {code.pk: code for code in TaxCode.objects.filter(organization=organization)}
    rates: dict[tuple[int, str], list[TaxRate]] = {}
    for rate in TaxRate.objects.filter(organization=organization).order_by("effective_on", "id"):
        rates.setdefault((rate.tax_code_id, rate.place), []).append(rate)
    profiles = BillingProfile.objects.filter(organization=organization, customer_id__in=list(customer_ids))
    return TaxBook(codes, rates, {profile.customer_id: _place(profile, organization) for profile in profiles})


def _place(profile: BillingProfile, organization: Organization) -> Place:
    at_home = profile.country == organization.country
    return Place(profile.region if at_home else ABROAD, profile.exempt_reason if profile.is_exempt else "")


def tax_summary(invoice: Invoice) -> list[SummaryRow]:
    """The tax of an invoice by code, rate and part: net and tax add up to the invoice's. One query."""
    lines = invoice.lines.order_by("ordinal").values_list(
        "net_amount", "tax_amount", "tax_rate", "tax_code_id", "tax_code__name", "derivation"
    )
    return summarize([TaxedLine(*line) for line in lines], invoice.currency)
