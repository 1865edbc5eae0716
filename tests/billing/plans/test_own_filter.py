"""The lists of the console offer rows of the organization alone in their filters, too (R168)."""

import pytest
from django.urls import reverse

from billing.office.models import Organization
from tests import builders as b
from tests.agreements import agreement, plan
from tests.config.console.cast import person

pytestmark = pytest.mark.django_db


def test_R168_agreements_are_filtered_by_own_plans_alone(org: Organization) -> None:
    there = b.organization()
    theirs = plan(there, name="Harp of another school")
    for name in ("Piano", "Violin"):
        agreement(b.customer(org), plan(org, name=name))
    client, url = person(org, "manager"), reverse("admin:billing_agreement_changelist")
    page = client.get(url).content.decode()
    assert "Violin" in page and "Harp" not in page
    assert "Harp" not in client.get(f"{url}?plan__id__exact={theirs.pk}").content.decode()
