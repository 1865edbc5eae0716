"""The rules of agreements and schedules are seen to bite (invariants 4, 18, 20, 21, 22)."""

from datetime import date
from decimal import Decimal

import pytest

from billing.models import Agreement
from billing.office.acting import acting
from billing.office.models import Organization
from billing.services.plans.changing import NewTerms, change_terms, grant_discount
from billing.services.plans.ending import end_agreement
from billing.services.plans.regenerating import regenerate_chosen
from tests import agreements, builders
from tests.billing.plans.desk import bill_one, discount, done, enrolled
from tests.reconciliation.test_verify_books import TRAIL, broken, lift_the_guards, plant, settle

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def books(one_world: None) -> Organization:
    """One agreement with a billed period, a settled change and a granted discount; one that never began."""
    school = builders.organization("agreed")
    ada, clerk = builders.customer(school, "Ada"), builders.user(school, "clerk")
    with acting(clerk, "test"):
        of = agreements.plan(school, "90.00")
        one = enrolled(ada, of, ends_on=date(2026, 6, 30))
        bill_one(one, date(2026, 4, 1))
        new = NewTerms(date(2026, 4, 16), of, "monthly", Decimal(120))
        done(change_terms, agreement=one, new=new, reason="dearer", by=clerk)
        rule = discount(school, "10", "granted")
        done(grant_discount, agreement=one, rule=rule, from_on=date(2026, 6, 1), until_on=None, reason="good")
        gone = enrolled(ada, of, starts_on=date(2026, 5, 1))
        done(end_agreement, agreement=gone, last_on=date(2026, 4, 1), reason="never came")
        builders.policy(school, "agreements.due_days", 5)
        ids = list(Agreement.objects.values_list("pk", flat=True))
        done(regenerate_chosen, organization=school, agreement_ids=ids, reason="later", request_key="k")
    settle()
    assert broken() == set()
    lift_the_guards()
    return school


ONE = "(SELECT min(id) FROM billing_agreement)"
GONE = "(SELECT max(id) FROM billing_agreement)"
PLANNED = "(SELECT min(id) FROM billing_installment WHERE state = 'planned')"
SETTLING = "(SELECT min(id) FROM billing_charge WHERE source LIKE 'change:%')"
PLANTS = {
    "a line that lost a cent": (
        "ALTER TABLE billing_installment DROP CONSTRAINT installment_adds_up;"
        f"UPDATE billing_installment SET net_amount = net_amount + 1, amount = amount + 1 WHERE id = {PLANNED}",
        {"22 installment_lines_add_up"},
    ),
    "a charge of another amount": (
        f"UPDATE billing_charge SET net_amount = net_amount + 1 WHERE id = {SETTLING}",
        {"22 charge_line_is_its_amount"},
    ),
    "a day in two periods": (
        f"UPDATE billing_installment SET period_end = period_end + 1 WHERE id = {PLANNED}",
        {"22 periods_do_not_overlap"},
    ),
    "a period before the agreement": (
        f"UPDATE billing_agreement SET ends_on = '2026-05-31' WHERE id = {ONE}",
        {"22 planned_is_within_the_agreement"},
    ),
    "a period of what never began": (
        "UPDATE billing_installment SET state = 'planned' WHERE agreement_id = " + GONE +
        " AND period_start = '2026-05-01'",
        {"21 planned_is_of_the_running"},
    ),
    "terms that begin too late": (
        f"UPDATE billing_agreementterms SET effective_on = '2026-05-02' WHERE agreement_id = {GONE}",
        {"20 terms_hold_from_the_start"},
    ),
    "a frequency nobody agreed on": (
        f"UPDATE billing_agreement SET frequency = 'annual' WHERE id = {ONE}", {"20 terms_hold_from_the_start"},
    ),
    "terms in another currency": (
        f"UPDATE billing_agreementterms SET currency = 'EUR' WHERE agreement_id = {GONE}",
        {"18 agreed_in_one_currency"},
    ),
    "an adjustment of nothing": (
        f"UPDATE billing_charge SET source = 'change:999999:1:0' WHERE id = {SETTLING}",
        {"4 adjustment_has_its_change"},
    ),
    "a regeneration that lost a difference": (
        "UPDATE billing_scheduleregeneration SET changed = changed + 1", {"22 regeneration_counts_its_changes"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_what_is_wrong_with_agreements_is_named(books: Organization, name: str) -> None:
    sql, rules = PLANTS[name]
    plant(sql)
    assert broken() - {TRAIL} == rules
