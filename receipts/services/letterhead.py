"""What every paper of ours says of who issues it and for whom, frozen when it is issued (R154)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from billing.models import Customer, Provider
from billing.office.models import Organization, User
from billing.office.papers.engine import paper_size
from billing.office.policies import PolicyBook
from billing.words import amount_in_words
from receipts.papers.labels import LANGUAGES


def letterhead(
    *, organization: Organization, customer: Customer | Provider, issued_at: datetime, issued_by: User | None,
    book: PolicyBook,
) -> dict[str, Any]:  # fmt: skip
    """No queries. issued_at becomes the organization's wall clock with its offset."""
    return {
        "version": 1,
        "languages": languages_of(book),
        "paper": paper_size(organization.country),
        "organization": organization_facts(organization),
        "customer": _customer(customer),
        "issued_at": issued_at.astimezone(organization.zone).isoformat(timespec="seconds"),
        "zone": organization.time_zone,
        "terms": book.text("receipts.terms"),
        "signatory": book.text("receipts.signatory"),
        "issued_by": _person(issued_by) if issued_by else "",
    }


def money_facts(amount: Decimal, currency: str, languages: list[str]) -> dict[str, Any]:
    """The sum a paper is about, in figures and in words of each of its languages."""
    words = {code: amount_in_words(amount, currency, code) for code in languages}
    return {"currency": currency, "amount": amount_text(amount), "words": words}


def amount_text(value: Decimal) -> str:
    return f"{value:.2f}"


def languages_of(book: PolicyBook) -> list[str]:
    chosen = [code for code in book.choices("receipts.languages") if code in LANGUAGES]
    return list(dict.fromkeys(chosen)) or ["en"]


def organization_facts(organization: Organization) -> dict[str, str]:
    return {
        "code": organization.code,
        "name": organization.name,
        "local_name": organization.local_name,
        "address": organization.address,
        "local_address": organization.local_address,
        "country": organization.country,
        "tax_id": organization.tax_id,
        "phone": organization.phone,
        "email": organization.email,
        "website": organization.website,
        "logo": organization.logo.name or "",
    }


def _customer(customer: Customer | Provider) -> dict[str, str]:
    return {
        "code": customer.code,
        "name": customer.name,
        "latin_name": customer.latin_name,
        "tax_id": customer.tax_id,
        "address": customer.address if isinstance(customer, Customer) else "",
    }


def _person(user: User) -> str:
    """As their own language writes it: family name first, without a space, in Chinese."""
    if user.last_name and not user.last_name.isascii() and "\u4e00" <= user.last_name[0] <= "\u9fff":
        return user.last_name + user.first_name
    return str(user)
