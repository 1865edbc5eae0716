"""Giving an agreement its insurance policy: the number printed on it, and what it insures."""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.models import Agreement, AgreementKind, AgreementState, InsurancePolicy
from billing.office.models import User
from billing.office.numbers import take_numbers
from billing.services.locking import lock_customers
from billing.transactions import transaction_required

PRODUCT = re.compile(r"[A-Z0-9]{1,12}", re.ASCII)


class NotInsurable(DomainError):
    code = "not_insurable"
    sentence = _("Only an agreement by a plan of the kind insurance policy has a policy number.")


class AlreadyInsured(DomainError):
    code = "already_insured"
    sentence = _("This agreement is policy {number} already.")


@dataclass(frozen=True)
class PolicyOrder:
    """policy_number "": the next of the series, "POL-LIFE-2026-000001" for the product "LIFE"."""

    policy_number: str = ""
    product: str = ""
    insured_name: str = ""
    sum_assured: Decimal | None = None


@transaction_required
def set_up_policy(*, agreement: Agreement, order: PolicyOrder, now: datetime, by: User | None) -> InsurancePolicy:
    """Make an agreement an insurance policy. A number used before is refused. Raises NotInsurable, AlreadyInsured,
    BadInput.
    """
    organization = agreement.organization
    lock_customers(organization, [agreement.customer_id])
    agreement.refresh_from_db(fields=["state", "state_since"])
    if agreement.kind != AgreementKind.POLICY:
        raise NotInsurable()
    earlier = InsurancePolicy.objects.filter(agreement=agreement).first()
    if earlier is not None:
        raise AlreadyInsured(number=earlier.policy_number)
    number = clean_text(order.policy_number, field="policy_number", longest=40, free=False)
    product = clean_text(order.product, field="product", longest=40).upper()
    insured = clean_text(order.insured_name, field="insured_name", longest=160)
    if number and InsurancePolicy.objects.filter(organization=organization, policy_number=number).exists():
        raise BadInput(_("There is already a policy of this number."), field="policy_number", code="number_taken")
    lapsed = agreement.state == AgreementState.LAPSED
    return InsurancePolicy.objects.create(
        organization=organization, agreement=agreement, product=product, insured_name=insured,
        policy_number=number or _next_number(agreement, product, now), currency=agreement.currency,
        sum_assured=order.sum_assured, lapsed_on=agreement.state_since if lapsed else None,
    )  # fmt: skip


def _next_number(agreement: Agreement, product: str, now: datetime) -> str:
    """The series counts on, whatever the product; one that was given by hand before is passed over."""
    organization = agreement.organization
    word = f"{product}-" if PRODUCT.fullmatch(product) else ""
    while True:
        number = take_numbers(organization, organization.today(now), {"POL": 1})["POL"][0].replace("-", f"-{word}", 1)
        if not InsurancePolicy.objects.filter(organization=organization, policy_number=number).exists():
            return number
