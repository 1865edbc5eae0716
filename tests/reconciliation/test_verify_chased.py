"""Each rule about chasing is seen to bite: one thing is put wrong behind the guards, that rule is named."""

from decimal import Decimal

import pytest
from django.db import transaction

from billing.office.models import Organization
from billing.services.chasing.debt_plans import DebtPlanOrder, Part, agree_on_parts
from tests import agreements
from tests.billing.chasing.cast import DAY, owed, run, run_days, school
from tests.builders import NOW, TODAY, customer
from tests.reconciliation.test_verify_books import TRAIL, broken, lift_the_guards, plant, settle

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def books(one_world: None) -> Organization:
    """A suspended agreement with a late fee, a debt plan, and an invoice in collections."""
    org = school(
        late_fee__kind="flat", late_fee__amount="15", dunning__suspend_days=30, dunning__collections_days=60,
    )  # fmt: skip
    ada, ben = customer(org, "Ada"), customer(org, "Ben")
    owed(ada, late=27, agreement_id=agreements.agreement(ada).pk)
    owed(ben, late=60)
    planned = owed(customer(org, "Cleo"), "150.00", late=1)
    order = DebtPlanOrder([planned.pk], [Part(TODAY, Decimal(50)), Part(TODAY.replace(month=4), Decimal(100))])
    with transaction.atomic():
        agree_on_parts(customer=planned.customer, order=order, now=NOW, by=None)
    run(org)
    run_days(org, TODAY + DAY, TODAY + DAY)
    owed(ben, late=-5)
    run(org, TODAY + 3 * DAY)
    settle()
    assert broken() == set()
    lift_the_guards()
    return org


CHASED = "(SELECT id FROM billing_dunningcase WHERE state = 'chasing' AND agreement_id IS NOT NULL LIMIT 1)"
IN_COLLECTIONS = "(SELECT id FROM billing_dunningcase WHERE state = 'collections' LIMIT 1)"

PLANTS: dict[str, tuple[str, set[str]]] = {
    "a late fee of another amount than was billed": (
        "UPDATE billing_latefee SET amount = amount + 1 WHERE id = (SELECT min(id) FROM billing_latefee)",
        {"5 late_fee_is_billed"},
    ),
    "a timeline of another customer": (
        f"UPDATE billing_dunningcase c SET customer_id = (SELECT max(id) FROM billing_customer) WHERE id = {CHASED}",
        {"45 timeline_is_the_invoices"},
    ),
    "a timeline settled although its invoice is open": (
        "UPDATE billing_dunningcase SET state = 'settled', settled_on = opened_on, next_step = '', next_on = NULL"
        " WHERE id = (SELECT max(id) FROM billing_dunningcase WHERE state = 'upcoming')",
        {"21 settled_timeline_is_paid"},
    ),
    "an agreement left suspended": (
        "INSERT INTO billing_dunningstep (organization_id, case_id, step, round, planned_on, taken_on, outcome, why,"
        " made_at) SELECT organization_id, case_id, 'reopened', 2, planned_on, taken_on, 'done', '', made_at"
        " FROM billing_dunningstep WHERE step = 'suspend'",
        {"29 stopped_for_something_unpaid"},
    ),
    "a step taken about what Zoho chases": (
        "UPDATE billing_agreement SET backend = 'zoho', dunning_owner = 'zoho'",
        {"35 zoho_chases_its_own"},
    ),
    "parts that do not make their plan": (
        "UPDATE billing_debtplanpart SET amount = amount - 0.01 WHERE id = (SELECT min(id) FROM billing_debtplanpart)",
        {"22 debt_plan_adds_up"},
    ),
    "a plan called kept too early": (
        "UPDATE billing_debtplan SET state = 'kept', ended_on = agreed_on",
        {"21 debt_plan_says_how_it_stands"},
    ),
    "an invoice in collections that nobody works on": (
        "UPDATE billing_collectioncase SET state = 'closed', closed_on = opened_on, outcome = 'given_up'",
        {"34 collection_is_worked_on"},
    ),
    "a hole in the numbers of debt plans": (
        "UPDATE billing_debtplan SET number = 'DPL-2026-000009'", {"39 debt_plan_numbers"},
    ),
    "a hole in the numbers of collection cases": (
        "UPDATE billing_collectioncase SET number = 'COL-2026-000009'", {"39 collection_numbers"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_the_rule_bites(books: Organization, name: str) -> None:
    sql, expected = PLANTS[name]
    plant(sql)
    assert broken() - {TRAIL} == expected
