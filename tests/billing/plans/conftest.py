"""A school with a family of two children, and what it offers."""

from typing import Any

import pytest

from billing.models import Customer, Household, Student
from billing.office.models import Organization, User
from tests import agreements
from tests.builders import customer, organization, user


@pytest.fixture
def org() -> Organization:
    return organization()


@pytest.fixture
def clerk(org: Organization) -> User:
    return user(org, "clerk")


@pytest.fixture
def ada(org: Organization) -> Customer:
    return customer(org, "Ada", household=Household.objects.create(organization=org, name="Lovelace"))


@pytest.fixture
def anna(ada: Customer) -> Student:
    return agreements.student(ada, "Anna")


@pytest.fixture
def bert(ada: Customer) -> Student:
    return agreements.student(ada, "Bert")


@pytest.fixture
def piano(org: Organization) -> Any:
    """90.00 a month."""
    return agreements.plan(org, "90.00", families_may_choose=True)
