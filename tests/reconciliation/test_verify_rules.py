"""Each rule about matching rules is seen to bite: one thing is put wrong behind the guards, that rule is named."""

import pytest
from django.db import connection

from billing.office.acting import acting
from billing.selectors.proof import prove
from reconciliation.services.auto_matching import match_open_lines
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.reconciliation.bank_desk import Booked, lines
from tests.reconciliation.rule_desk import Office, office
from tests.reconciliation.test_verify_books import TRAIL, broken, lift_the_guards, plant, settle

pytestmark = pytest.mark.usefixtures("db")

RULE, TRIAL = "reconciliation_matchingrule", "reconciliation_ruletrial"
ON_TRIAL, ELSEWHERE = "43 rule_acts_on_its_trial", "45 rule_same_organization"
AUTOMATIC = "UPDATE reconciliation_match SET {} WHERE is_automatic"


@pytest.fixture(scope="module")
def banks(one_world: None) -> Office:
    """A rule that was let act and has booked a line."""
    with acting(None, "test"):
        bank = office()
        bank.decide(lines(bank.account, *[Booked("-5.00", text="Monthly fee")] * 4)[:3])
        bank.let(bank.rule())
        match_open_lines(bank_account=bank.account, now=NOW)
    settle()
    assert_books_whole()
    return bank


PLANTS: dict[str, tuple[str, set[str]]] = {
    "a trial with something against": (f"UPDATE {TRIAL} SET against = 1, fitted = fitted + 1", {ON_TRIAL, TRAIL}),
    "a trial with too little for it": (
        f"UPDATE {TRIAL} SET agreed = 2, undecided = undecided + 1", {ON_TRIAL, TRAIL},
    ),
    "a trial of another version": (f"UPDATE {TRIAL} SET version = 2", {ON_TRIAL, TRAIL}),
    "no trial": (f"DELETE FROM {TRIAL}", {ON_TRIAL, TRAIL}),
    "let act at another time": (f"UPDATE {RULE} SET let_act_at = let_act_at + interval '1 hour'", {ON_TRIAL, TRAIL}),
    "let act by its writer": (
        f"ALTER TABLE {RULE} DROP CONSTRAINT matching_rule_let_act_by_another;"
        f"UPDATE {RULE} SET let_act_by_id = changed_by_id", {"43 rule_let_act_by_another", ON_TRIAL, TRAIL},
    ),
    "posted as something else": (
        AUTOMATIC.format(
            "ledger_account_id = (SELECT min(id) FROM ledger_ledgeraccount)"
        ), {"43 match_is_as_its_rule", TRAIL},
    ),
    "posted by a version that never was": (AUTOMATIC.format("rule_version = 7"), {"43 match_is_as_its_rule", TRAIL}),
    "a rule of another organization": (
        f"UPDATE {RULE} SET organization_id = organization_id + 1", {ELSEWHERE, TRAIL},
    ),
    "a trial of another organization": (
        f"UPDATE {TRIAL} SET organization_id = organization_id + 1", {ELSEWHERE, TRAIL},
    ),
    "a guard asleep": (
        f"ALTER TABLE {TRIAL} DISABLE TRIGGER append_only; UPDATE {TRIAL} SET version = 3",
        {"3 rule_guards_in_place", ON_TRIAL},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "bitten"), PLANTS.values(), ids=PLANTS)
def test_each_bites(banks: Office, sql: str, bitten: set[str]) -> None:
    lift_the_guards()
    plant(sql)
    assert bitten <= broken()


def test_they_pass_over_what_is_another_organizations(banks: Office) -> None:
    lift_the_guards()
    plant(PLANTS["no trial"][0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) + 1 FROM office_organization")
        other = cursor.fetchone()[0]
    assert "rule_acts_on_its_trial" not in {one.rule.name for one in prove(other).broken}
