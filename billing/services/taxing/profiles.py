"""Billing profiles: to whom and where invoices are made out, checked; who is exempt, by two people (R39)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, Refusals
from billing.inputs import clean_text
from billing.models import AgreementPayer, BillingProfile, Customer
from billing.models.agreement import ChangeKind
from billing.office import approvals
from billing.office.models import ApprovalRequest, User
from billing.office.policy_changes import NothingChanges
from billing.rules.addresses import Address, checked_address
from billing.services.locking import lock_customers
from billing.services.plans.regenerating import running_agreements
from billing.services.plans.scheduling import rebuild_schedules
from billing.transactions import transaction_required

ACTION = "set_prices"
LONGEST = {"legal_name": 160, "street": 200, "city": 80, "region": 10, "postal_code": 12, "tax_id": 40}


class NoProfile(DomainError):
    code = "no_billing_profile"
    sentence = _("Enter the billing profile first.")


@dataclass(frozen=True)
class ProfileOrder:
    legal_name: str
    address: Address


@transaction_required
def save_profile(*, customer: Customer, order: ProfileOrder, now: datetime, by: User | None) -> BillingProfile:
    """Make or change the billing profile of a customer; the region decides the tax of what is billed from now on.

    Where the place changed, the customer's schedules are planned anew. Whether the customer is exempt stays as it is.
    Raises Refusals, a BadInput for each part that cannot be right.
    """
    name, address = _checked(order)
    organization = customer.organization
    lock_customers(organization, touched(customer))
    before = BillingProfile.objects.filter(customer=customer).values_list("country", "region").first()
    values = {
        "legal_name": name, "street": address.street, "city": address.city, "region": address.region,
        "postal_code": address.postal_code, "country": address.country, "tax_id": address.tax_id, "checked_at": now,
    }  # fmt: skip
    profile, _made = BillingProfile.objects.update_or_create(
        customer=customer, defaults=values, create_defaults={**values, "organization": organization}
    )
    if before != (address.country, address.region):
        _plan_anew(customer, str(_("The place of the billing profile changed.")), now, by)
    return profile


def touched(customer: Customer) -> set[int]:
    """Whose rows a change of tax locks: the customer's, and those of others who pay for the same agreements."""
    paying = AgreementPayer.objects.filter(agreement__customer=customer)
    return {customer.pk, *paying.values_list("customer_id", flat=True)}


def _plan_anew(customer: Customer, reason: str, now: datetime, by: User | None) -> None:
    organization = customer.organization
    rebuild_schedules(
        organization=organization, agreement_ids=running_agreements(organization).filter(customer=customer)
        .values_list("pk", flat=True), kind=ChangeKind.REGENERATED, reason=reason,
        effective_on=organization.today(now), now=now, by=by,
    )  # fmt: skip


def _checked(order: ProfileOrder) -> tuple[str, Address]:
    refused: list[DomainError] = []
    cleaned: dict[str, str] = {}
    given = {
        "legal_name": order.legal_name,
        **{name: getattr(order.address, name) for name in LONGEST if name != "legal_name"},
    }
    for field, text in given.items():
        try:
            cleaned[field] = clean_text(
                text, field=field, longest=80 if field == "region" else LONGEST[field], required=field == "legal_name"
            )
        except BadInput as refusal:
            refused.append(refusal)
            cleaned[field] = ""
    name = cleaned.pop("legal_name")
    already = {refusal.field for refusal in refused}
    address = Address(**cleaned, country=order.address.country.strip())
    try:
        address = checked_address(address)
        if len(address.region) > LONGEST["region"]:
            raise BadInput(_("Write the state or region in at most 10 characters."), field="region", code="too_long")
    except Refusals as more:
        refused += [one for one in more.refusals if one.field not in already]
    except BadInput as one:
        refused.append(one)
    if refused:
        raise Refusals(refused)
    return name, address


# Exemption


@transaction_required
def ask_for_exemption(
    *, customer: Customer, is_exempt: bool, because: str, reason: str, by: User, now: datetime
) -> ApprovalRequest:
    """Ask a second person to exempt a customer from tax, or to end that. because: what invoices will say.

    Raises NoProfile, BadInput (because, reason), NothingChanges, NotPermitted.
    """
    lock_customers(customer.organization, [customer.pk])
    because = clean_text(because, field="because", longest=200, required=is_exempt).rstrip(".。 ") if is_exempt else ""
    profile = _profile_of(customer)
    if (profile.is_exempt, profile.exempt_reason) == (is_exempt, because):
        raise NothingChanges(field="because")
    return approvals.ask(
        organization=customer.organization, action=ACTION, subject=f"customer:{customer.pk}:tax_exempt",
        shown=_exemption_facts(customer, profile, is_exempt=is_exempt, because=because), reason=reason, by=by, now=now,
        title=f"{'Exempt' if is_exempt else 'No longer exempt'} from tax: {customer.name} ({customer.code})"[:200],
    )  # fmt: skip


def _profile_of(customer: Customer) -> BillingProfile:
    found = BillingProfile.objects.filter(customer=customer).first()
    if found is None:
        raise NoProfile()
    return found


def _exemption_facts(customer: Customer, profile: BillingProfile, *, is_exempt: bool, because: str) -> dict[str, Any]:
    return {
        "deed": "tax_exempt" if is_exempt else "tax_not_exempt",
        "customer": f"{customer.code} {customer.name}",
        "tax_id": profile.tax_id,
        "exempt_now": profile.is_exempt,
        "because": because,
    }


def exemption_facts_now(request: ApprovalRequest, customer: Customer) -> dict[str, Any]:
    shown = request.shown
    is_exempt = shown["deed"] == "tax_exempt"
    return _exemption_facts(customer, _profile_of(customer), is_exempt=is_exempt, because=shown["because"])


@transaction_required
def carry_out_exemption(*, request: ApprovalRequest, customer: Customer, now: datetime) -> BillingProfile:
    """Spend the approval; what is billed from now on is with or without tax, the customer's schedules are planned anew.

    Raises what approvals.use raises.
    """
    lock_customers(customer.organization, touched(customer))
    shown = exemption_facts_now(request, customer)
    approvals.use(request=request, action=ACTION, subject=request.subject, shown=shown, now=now)
    profile = _profile_of(customer)
    profile.is_exempt, profile.exempt_reason = shown["deed"] == "tax_exempt", shown["because"]
    profile.save(update_fields=["is_exempt", "exempt_reason"])
    _plan_anew(customer, request.reason, now, request.requested_by)
    return profile
