"""Opening an organization."""

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput
from billing.inputs import clean_text, parse_zone
from billing.ledger.chart import open_chart
from billing.money import EXPONENTS
from billing.office.models import Organization, User
from billing.office.policies import PRESETS, set_policy
from billing.transactions import transaction_required


@transaction_required
def create_organization(
    *,
    code: str,
    name: str,
    currency: str,
    country: str,
    time_zone: str,
    now: datetime,
    by: User | None = None,
    preset: str = "",
    **details: str,
) -> Organization:
    """A bare organization with its chart of accounts; no limits, fees or write-offs beyond what `preset` sets.

    details: address, tax_id, phone, email, website, local_name, local_address. Raises BadInput.
    """
    if currency not in EXPONENTS:
        raise BadInput(_("Unknown currency {currency}."), field="currency", code="unknown_currency", currency=currency)
    if len(country) != 2 or not country.isascii() or not country.isalpha():
        raise BadInput(_("A country is two letters, for example US."), field="country", code="unknown_country")
    parse_zone(time_zone)
    if Organization.objects.filter(code=code).exists():
        raise BadInput(_("There is already an organization {taken}."), field="code", code="already_exists", taken=code)
    if preset and preset not in PRESETS:
        raise BadInput(_("Unknown preset."), field="preset", code="unknown_preset")
    organization = Organization.objects.create(
        code=clean_text(code, field="code", longest=40, required=True),
        name=clean_text(name, field="name", longest=120, required=True),
        currency=currency,
        country=country.upper(),
        time_zone=time_zone,
        **details,
    )
    open_chart(organization.pk, "zh-hant" if organization.country == "TW" else "en")
    for key, value in PRESETS.get(preset, {}).items():
        set_policy(organization=organization, key=key, value=value, now=now, by=by, reason=f"preset {preset}")
    return organization
