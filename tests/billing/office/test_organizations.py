"""Opening an organization."""

from typing import Any

import pytest
from django.db import transaction

from billing.errors import BadInput
from billing.ledger.models import LedgerAccount, Role
from billing.office.models import Organization
from billing.office.organizations import create_organization
from tests.builders import NOW, organization

pytestmark = pytest.mark.django_db
GOOD: dict[str, Any] = {
    "code": "allegro",
    "name": "Allegro",
    "currency": "USD",
    "country": "us",
    "time_zone": "America/New_York",
}


def test_it_has_an_account_for_every_role() -> None:
    org = organization()
    roles = LedgerAccount.objects.filter(organization=org, is_default=True).values_list("role", flat=True)
    assert sorted(roles) == sorted(Role.values)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"currency": "XXX"}, "currency", "unknown_currency"), ({"country": "USA"}, "country", "unknown_country"),
        ({"country": "1!"}, "country", "unknown_country"), ({"time_zone": "Mars/Base"}, "time_zone", "unknown_zone"),
        ({"name": " "}, "name", "required"), ({"name": "x" * 121}, "name", "too_long"),
        ({"code": "x" * 41}, "code", "too_long"), ({"code": ""}, "code", "required"),
        ({"preset": "casino"}, "preset", "unknown_preset"),
    ],
)  # fmt: skip
def test_bad_facts_are_named_and_nothing_is_made(change: dict[str, str], field: str, code: str) -> None:
    with pytest.raises(BadInput) as refusal, transaction.atomic():
        create_organization(now=NOW, **(GOOD | change))
    assert (refusal.value.field, refusal.value.code) == (field, code)
    assert not Organization.objects.exists()


def test_a_code_is_taken_once() -> None:
    organization("allegro")
    with pytest.raises(BadInput, match="There is already an organization allegro"):
        organization("allegro")
