import pytest

from billing.models import Customer
from billing.office import clock
from billing.office.models import Organization
from tests import builders
from tests.receipts.admin.counter import Counter


@pytest.fixture
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands at the builders' NOW: Thursday 12 March 2026 in New York."""
    monkeypatch.setattr(clock, "now", lambda: builders.NOW)


@pytest.fixture
def school(db: None, _at_noon: None) -> Organization:
    return builders.organization()


@pytest.fixture
def clerk(school: Organization) -> Counter:
    return Counter(school)


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada Lovelace", code="C1", email="ada@example.org")
