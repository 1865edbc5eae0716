"""Tax codes, rates and billing profiles for tests: rows as the services would write them."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from billing.models import BillingProfile, Customer, TaxCode, TaxRate
from billing.models.tax import TaxKind
from billing.office.models import Organization
from tests.builders import NOW

_serial = count(1)


def tax_code(
    org: Organization, name: str = "GST", *, kind: str = TaxKind.GST, inclusive: bool = False, code: str = ""
) -> TaxCode:
    return TaxCode.objects.create(
        organization=org, code=code or f"tax-{next(_serial)}", name=name, kind=kind, is_inclusive=inclusive
    )


def rate(
    code: TaxCode, share: str, on: date = date(2020, 1, 1), *, place: str = "", parts: Sequence[tuple[str, str]] = ()
) -> TaxRate:
    return TaxRate.objects.create(
        organization=code.organization, tax_code=code, place=place, effective_on=on, rate=Decimal(share), made_at=NOW,
        parts=[{"name": name, "rate": part} for name, part in parts],
    )  # fmt: skip


def profile(payer: Customer, **details: Any) -> BillingProfile:
    """In the organization's country, in no region unless told."""
    details.setdefault("country", payer.organization.country)
    return BillingProfile.objects.create(
        organization=payer.organization, customer=payer, legal_name=details.pop("legal_name", payer.name),
        street="1 Main Street", city="Town", checked_at=NOW, **details,
    )  # fmt: skip
