"""Each rule about lessons is seen to bite: one thing is put wrong behind the guards, that rule is named."""

from datetime import UTC, datetime

import pytest

from billing.services.teaching.expiring import expire_credits
from tests.agreements import lessons
from tests.billing.teaching.desk import bill, correct, package, period, seat, tell
from tests.builders import customer, organization, policy
from tests.reconciliation.test_verify_books import TRAIL, broken, lift_the_guards, plant, settle

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def books(one_world: None) -> None:
    """Lessons settled in every way, billed, corrected before and after, credit given, used, expired and withdrawn."""
    org = organization()
    policy(org, "lessons.no_show_percent", "50")
    policy(org, "lessons.money_credit_days", 10)
    payer = customer(org)
    singly, of_package, monthly = lessons(payer), package(payer), period(payer)
    corrected, billed = seat(singly), seat(singly)
    for place in (corrected, billed):
        tell(place, "attended")
    correct(corrected, "no_show")
    bill(singly)
    correct(billed, "no_show")
    given_back = seat(of_package)
    tell(given_back, "attended")
    correct(given_back, "teacher_cancelled")
    tell(seat(of_package), "attended")
    tell(seat(monthly), "teacher_cancelled")
    taken_back = seat(monthly)
    tell(taken_back, "teacher_cancelled")
    correct(taken_back, "attended")
    expire_credits(organization=org, customer_ids=[payer.pk], now=datetime(2026, 3, 30, 12, tzinfo=UTC), by=None)
    policy(org, "lessons.credit_kind", "make_up")
    tell(seat(monthly), "teacher_cancelled")
    tell(seat(lessons(payer, student=monthly.student)), "attended")
    settle()
    assert broken() == set()
    lift_the_guards()


def head(condition: str) -> str:
    return f"(SELECT min(a.id) FROM billing_attendance a WHERE {condition})"


MONEY = "(SELECT min(id) FROM billing_lessoncredit WHERE kind = 'money')"
MADE_UP = "(SELECT min(id) FROM billing_lessoncredit WHERE kind = 'make_up')"
PLANTS: dict[str, tuple[str, set[str]]] = {
    "an amount that was not charged": (
        f"UPDATE billing_attendance SET amount = amount + 1 WHERE id = {head('ordinal = 1')}",
        {"5 attendance_charge_is_its_own"},
    ),
    "a charge of another source": (
        "UPDATE billing_charge SET source = 'attendance:0' || id WHERE state = 'billed' AND kind = 'lesson'",
        {"5 attendance_charge_is_its_own"},
    ),
    "a charge nobody told": (
        "UPDATE billing_attendance SET charge_id = NULL WHERE ordinal = 1 AND paid_by = 'charge' AND charge_id ="
        " (SELECT min(id) FROM billing_charge WHERE state = 'cancelled')",
        {"5 charge_has_attendance"},
    ),
    "an adjustment that does not add up": (
        "UPDATE billing_charge SET net_amount = net_amount - 1,"
        " line = jsonb_set(line, '{net}', to_jsonb((net_amount - 1)::text))"
        " WHERE kind = 'adjustment' AND net_amount < 0",
        {"22 corrections_add_up"},
    ),
    "a link missing in the chain": (
        "UPDATE billing_attendance SET ordinal = 3 WHERE ordinal = 2 AND paid_by = 'none'",
        {"22 attendance_is_a_chain"},
    ),
    "a package with a lesson too many": (
        "ALTER TABLE billing_agreement DROP CONSTRAINT agreement_package_not_overdrawn;"
        "UPDATE billing_agreement SET package_used = package_used + 1 WHERE kind = 'package'",
        {"22 package_used_is_its_uses"},
    ),
    "a lesson of the package that took none": (
        "UPDATE billing_packageuse SET attendance_id = (SELECT max(attendance_id) FROM billing_packageuse"
        " WHERE lessons < 0) WHERE id = (SELECT max(id) FROM billing_packageuse WHERE lessons > 0)",
        {"22 package_pays_for_a_lesson"},
    ),
    "credit used without a use": (
        f"UPDATE billing_lessoncredit SET used = 0 WHERE id = {MADE_UP}",
        {"22 lesson_credit_used_is_its_uses"},
    ),
    "credit of another amount than its memo": (
        f"UPDATE billing_lessoncredit SET granted = granted + 1 WHERE id = {MONEY}",
        {"15 lesson_credit_is_its_memo"},
    ),
    "credit that lapsed too early": (
        "UPDATE billing_lessoncredit SET expired_on = expires_on WHERE expired_on IS NOT NULL",
        {"15 lesson_credit_lapses_after_its_day"},
    ),
    "a lesson before the agreement": (
        "UPDATE billing_agreement SET starts_on = '2026-03-12' WHERE kind = 'package'",
        {"45 attendance_within_agreement"},
    ),
    "a lesson told after the agreement was cancelled": (
        "UPDATE billing_agreement SET state = 'cancelled', ends_on = '2026-03-01' WHERE kind = 'package';"
        "INSERT INTO billing_agreementchange (organization_id, agreement_id, kind, effective_on, summary, reason,"
        " difference, made_at) SELECT organization_id, id, 'cancelled', '2026-03-01', '', '', '[]', '2026-03-01'"
        " FROM billing_agreement WHERE kind = 'package'",
        {"45 attendance_within_agreement"},
    ),
}


@pytest.mark.parametrize("what", PLANTS)
def test_a_fault_is_named_by_its_rule(what: str, books: None) -> None:
    sql, expected = PLANTS[what]
    plant(sql)
    assert broken() - {TRAIL} == expected
