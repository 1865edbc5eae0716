"""Whether an address and a tax id can be right, part by part (R39)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext_lazy as _
from stdnum import exceptions, get_cc_module
from stdnum.eu import vat as eu_vat
from stdnum.us import ein

from billing.errors import BadInput, DomainError, Refusals
from billing.rules.address_data import COUNTRIES, GST_STATES, Country

SEPARATORS = re.compile(r"[\s-]+")
SOCIAL_SECURITY = re.compile(r"\d{3}-\d{2}-\d{4}")


@dataclass(frozen=True)
class Address:
    """country: ISO 3166. region: the code of a state where the country has such codes. tax_id: empty for none."""

    street: str
    city: str
    country: str
    region: str = ""
    postal_code: str = ""
    tax_id: str = ""


def checked_address(given: Address) -> Address:
    """The address as it is kept: codes in capitals, the postal code and tax id in their usual writing.

    Raises Refusals, one BadInput for each part that cannot be right.
    """
    country = COUNTRIES.get(given.country.upper())
    if country is None:
        raise BadInput(_("Choose a country of the list."), field="country", code="unknown_country")
    found, refused = replace(given, country=given.country.upper()), list[DomainError]()
    for name, check in CHECKS:
        try:
            found = replace(found, **{name: check(found, country)})
        except BadInput as refusal:
            refused.append(refusal)
    if refused:
        raise Refusals(refused)
    return found


def _street(given: Address, country: Country) -> str:
    return _needed(given.street, "street")


def _city(given: Address, country: Country) -> str:
    return _needed(given.city, "city")


def _needed(text: str, field: str) -> str:
    if not text.strip():
        raise BadInput(_("An address in this country needs it."), field=field, code="required")
    return text.strip()


def _region(given: Address, country: Country) -> str:
    region = given.region.strip()
    if not country.regions:
        return region
    _needed(region, "region")
    by_name = {name.casefold(): code for code, name in country.regions.items()}
    code = by_name.get(region.casefold(), region.upper())
    if code not in country.regions:
        sentence = _("{region} is no state of {country}; choose one of the list.")
        raise BadInput(sentence, field="region", code="unknown_region", region=region[:20], country=country.name)
    return code


def _postal_code(given: Address, country: Country) -> str:
    """Written the usual way, whatever spaces and hyphens were typed."""
    typed = given.postal_code.strip().upper()
    if not country.postal:
        return typed
    _needed(typed, "postal_code")
    code, bare = typed, SEPARATORS.sub("", typed)
    if country.tail and len(bare) > country.tail:
        code = f"{bare[: -country.tail]}{country.joint}{bare[-country.tail :]}"
    if not code.isascii() or not re.fullmatch(country.postal, code):
        sentence = _("{typed} is no postal code of {country}; one looks like {example}.")
        raise BadInput(
            sentence, field="postal_code", code="bad_postal_code", typed=typed, country=country.name,
            example=country.example,
        )  # fmt: skip
    return code


def _tax_id(given: Address, country: Country) -> str:
    """A number with its check digit, as the country's registers write it; other countries' as it was typed."""
    typed = given.tax_id.strip()
    if not typed:
        return ""
    if given.country == "US" and SOCIAL_SECURITY.fullmatch(typed):
        sentence = _("This looks like a social security number, which is not kept here. Enter an EIN, or nothing.")
        raise BadInput(sentence, field="tax_id", code="social_security_number")
    try:
        number = _reader(given.country)(typed)
    except exceptions.ValidationError:
        sentence = _("{number} is no tax id of {country}: its length or check digit is wrong.")
        raise BadInput(sentence, field="tax_id", code="bad_tax_id", number=typed[:40], country=country.name) from None
    if given.country == "IN" and GST_STATES.get(number[:2]) != _region(given, country):
        there = country.regions.get(GST_STATES.get(number[:2], ""), number[:2])
        sentence = _("This GSTIN was given by {there}; the address is in another state.")
        raise BadInput(sentence, field="tax_id", code="gstin_of_other_state", there=there)
    return number


def _reader(country: str) -> Callable[[str], str]:
    prefix = {"GR": "EL"}.get(country, country)
    if country == "US":
        return lambda typed: str(ein.format(ein.validate(typed)))
    if country.lower() in eu_vat.MEMBER_STATES:
        return lambda typed: str(eu_vat.validate(_with_prefix(typed, prefix)))
    module: Any = get_cc_module(country, "vat")
    return str.strip if module is None else lambda typed: str(module.validate(typed))


def _with_prefix(typed: str, prefix: str) -> str:
    return typed if typed.upper().startswith(prefix) else prefix + typed


CHECKS: tuple[tuple[str, Callable[[Address, Country], str]], ...] = (
    ("street", _street), ("city", _city), ("region", _region), ("postal_code", _postal_code), ("tax_id", _tax_id),
)  # fmt: skip
