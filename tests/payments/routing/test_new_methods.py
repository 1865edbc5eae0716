"""Where a payer's new card is stored: school, teacher, teacher's first school, default (R42, R43; §2 row 27)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.models import Customer, Provider
from billing.office import clock
from billing.office.models import Organization, User
from payments.models import GatewayAccount, GatewayHealth
from payments.services.gateway_accounts import open_gateway_account
from payments.services.new_methods import account_for_new_method, find_home
from tests import agreements, builders

NAMES = ("precisepay", "north", "teachers")
SETTINGS = {
    "precisepay": {
        "kind": "precisepay", "base_url": "http://127.0.0.1:1", "security_key": "k", "tokenization_key": "t",
        "webhook_key": "w",
    },
    "dwolla": {
        "kind": "dwolla", "base_url": "http://127.0.0.1:1", "key": "k", "secret": "s", "webhook_secret": "w",
        "funding_source": "f",
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def _credentials(settings: Any) -> None:
    settings.GATEWAYS = dict.fromkeys(NAMES, SETTINGS["precisepay"])


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school)


def opened(school: Organization, configuration: str, **details: Any) -> GatewayAccount:
    with transaction.atomic():
        return open_gateway_account(
            organization=school, configuration=configuration, now=clock.now(), name=configuration, **details
        )


def teacher(school: Organization, user: User | None = None, **details: Any) -> Provider:
    found, _made = Provider.objects.get_or_create(
        organization=school, code="T1", kind="teacher", name="Theo", user=user, **details
    )
    return found


def taught_by(ada: Customer, theo: Provider) -> None:
    agreements.agreement(ada, provider=theo)


def store(ada: Customer, instrument: str = "card") -> GatewayAccount | None:
    with transaction.atomic():
        return account_for_new_method(
            organization=ada.organization, customer=ada, instrument=instrument, now=clock.now()
        )


def test_R42_nobody_has_set_anything_the_default_is_opened_once(school: Organization, ada: Customer) -> None:
    assert GatewayAccount.objects.count() == 0
    first, second = store(ada), store(ada)
    assert first is not None and first == second
    assert (first.configuration, first.provider, first.organization) == ("precisepay", None, school)


def test_R42_the_default_is_a_setting_of_the_installation(ada: Customer, settings: Any) -> None:
    settings.DEFAULT_GATEWAY = "north"
    found = store(ada)
    assert found is not None and found.configuration == "north"


def test_without_credentials_nobody_takes_it_and_nothing_is_opened(ada: Customer, settings: Any) -> None:
    settings.GATEWAYS = {}
    assert store(ada) is None and GatewayAccount.objects.count() == 0


def test_R42_the_schools_own_setting_comes_before_the_teachers(school: Organization, ada: Customer) -> None:
    theo = teacher(school)
    taught_by(ada, theo)
    own = opened(school, "teachers", provider=theo)
    assert store(ada) == own
    schools = opened(school, "north")
    assert store(ada) == schools


def test_R43_a_teachers_own_account_is_for_those_taught_by_them(school: Organization, ada: Customer) -> None:
    opened(school, "teachers", provider=teacher(school))
    found = store(ada)
    assert found is not None and found.configuration == "precisepay"


def test_R42_the_teachers_first_school_lends_its_credentials_not_its_account(
    school: Organization, ada: Customer
) -> None:
    user = builders.user()
    first, other = builders.organization(), builders.organization()
    theirs, later = opened(first, "north"), opened(other, "teachers")
    Provider.objects.create(organization=other, code="T1", kind="teacher", name="Theo", user=user)
    oldest = Provider.objects.create(organization=first, code="T1", kind="teacher", name="Theo", user=user)
    Provider.objects.filter(pk=oldest.pk).update(created_at=clock.now() - timedelta(days=900))
    taught_by(ada, teacher(school, user))
    found = store(ada)
    assert found is not None and found.configuration == theirs.configuration
    assert found.organization == school and found not in (theirs, later)


def test_the_first_schools_account_in_another_currency_is_no_help(school: Organization, ada: Customer) -> None:
    user = builders.user()
    first = builders.organization(currency="TWD")
    opened(first, "north")
    made = Provider.objects.create(organization=first, code="T1", kind="teacher", name="Theo", user=user)
    Provider.objects.filter(pk=made.pk).update(created_at=clock.now() - timedelta(days=900))
    taught_by(ada, teacher(school, user))
    found = store(ada)
    assert found is not None and found.configuration == "precisepay"


def test_the_rank_decides_within_the_school(school: Organization, ada: Customer) -> None:
    opened(school, "precisepay", rank=2)
    first = opened(school, "north", rank=1)
    assert store(ada) == first


def test_R45_one_that_does_not_answer_is_taken_last_one_out_of_use_never(school: Organization, ada: Customer) -> None:
    first, second = opened(school, "precisepay", rank=1), opened(school, "north", rank=2)
    now = clock.now()
    GatewayHealth.objects.create(
        configuration="precisepay", failures=5, opened_at=now, open_until=now + timedelta(seconds=60)
    )
    assert store(ada) == second
    GatewayAccount.objects.filter(pk=second.pk).update(paused_until=now + timedelta(hours=1), pause_reason="upkeep")
    assert store(ada) == first
    GatewayAccount.objects.filter(pk=first.pk).update(paused_until=now + timedelta(hours=1), pause_reason="upkeep")
    assert store(ada) is None, "the school's own is only out of use: nothing is stored elsewhere meanwhile"
    assert GatewayAccount.objects.filter(organization=school).count() == 2


@pytest.mark.parametrize(("minutes", "taken"), [(-1, True), (0, True), (1, False)])
def test_a_pause_ends_at_its_moment(school: Organization, ada: Customer, minutes: int, taken: bool) -> None:
    account, now = opened(school, "precisepay"), clock.now()
    until = now + timedelta(minutes=minutes)
    GatewayAccount.objects.filter(pk=account.pk).update(paused_until=until, pause_reason="upkeep")
    assert bool(find_home(school, ada, "card", now)) is taken


def test_what_is_paid_in_another_currency_needs_an_account_in_it(school: Organization, ada: Customer) -> None:
    now = clock.now()
    assert find_home(school, ada, "card", now, "EUR") is None, "what would be opened has the school's own"
    dollars, euros = opened(school, "precisepay"), opened(school, "north", currency="EUR")
    for currency, account in [("", dollars), ("USD", dollars), ("EUR", euros)]:
        home = find_home(school, ada, "card", now, currency)
        assert home is not None and home.account == account


def test_a_school_that_closed_the_default_does_not_get_it_back(school: Organization, ada: Customer) -> None:
    account = opened(school, "precisepay")
    GatewayAccount.objects.filter(pk=account.pk).update(is_active=False)
    assert store(ada) is None


def test_R23_a_bank_account_goes_only_where_it_can_be_proven(
    school: Organization, ada: Customer, settings: Any
) -> None:
    """PrecisePay takes bank accounts and cannot prove whose they are; Dwolla can."""
    opened(school, "precisepay")
    assert store(ada, "bank") is None
    settings.GATEWAYS = {**settings.GATEWAYS, "dwolla": SETTINGS["dwolla"]}
    dwolla = opened(school, "dwolla")
    assert store(ada, "bank") == dwolla


def test_costs_of_an_account_that_is_opened_by_itself_are_none(ada: Customer) -> None:
    found = store(ada)
    assert found is not None and (found.cost_percent, found.cost_fixed) == (Decimal(0), Decimal(0))
