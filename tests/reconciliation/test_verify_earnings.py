"""The rules of earnings and payouts are seen to bite (R89, R90)."""

from datetime import timedelta

import pytest

from billing.office.acting import acting
from billing.office.models import Organization
from tests import builders, deeds
from tests.agreements import provider
from tests.billing.earning.cast import (
    accrue,
    agent,
    approve,
    one_lesson,
    paid_out_to,
    policy_of,
    premium,
    prepare,
    tell,
)
from tests.reconciliation.test_verify_books import TRAIL, broken, lift_the_guards, plant, settle

pytestmark = pytest.mark.usefixtures("db")

LATER = builders.NOW + timedelta(hours=2)


@pytest.fixture(scope="module")
def books(one_world: None) -> Organization:
    """Lessons and premiums earned, corrected, taken back, paid out, in a batch that is approved, and in none yet."""
    school = builders.organization("earning")
    builders.policy(school, "commissions.first_year_percent", "15")
    with acting(None, "test"):
        tess, ann = provider(school, "Tess"), agent(school, "Ann")
        seat = one_lesson(tess)
        for one in (seat, one_lesson(tess)):
            tell(one, "attended")
        for void in (True, False):
            bill = premium(policy_of(ann))
            taken = builders.pay(bill.customer, "100.00", by_hand=[(bill, "100.00")])
            accrue(school)
            if void:
                deeds.void(taken.payment, builders.user(school, "clerk"), builders.user(school, "manager"))
        accrue(school)
        paid_out_to(school)
        tell(seat, "no_show", now=LATER)
        tell(one_lesson(provider(school, "Theo")), "attended", now=LATER)
        accrue(school, LATER)
        maker, checker = builders.user(school, "school_admin"), builders.user(school, "finance_manager")
        approve(prepare(school, by=maker, now=LATER), maker, checker, LATER)
        tell(one_lesson(provider(school, "Tom")), "attended", now=LATER)
        accrue(school, LATER + timedelta(hours=2))
    settle()
    assert broken() == set()
    lift_the_guards()
    return school


LESSON = "(SELECT max(id) FROM billing_earning WHERE kind = 'lesson')"
CORRECTION = "(SELECT max(id) FROM billing_earning WHERE kind = 'correction')"
CLAWBACK = "(SELECT max(id) FROM billing_earning WHERE kind = 'clawback')"
PREMIUM = "(SELECT max(id) FROM billing_earning WHERE kind = 'first_year')"
PAID = "(SELECT id FROM billing_payoutbatch WHERE state = 'paid')"
READY = "(SELECT id FROM billing_payoutbatch WHERE state = 'approved')"
TOLD = "22 lesson_earned_as_told"
PLANTS = {
    "another amount": (
        f"UPDATE billing_earning SET amount = amount + 1 WHERE id = {LESSON}",
        {"4 earning_is_posted", "8 providers_control", TOLD},
    ),
    "of another provider": (
        f"UPDATE billing_earning SET provider_id = (SELECT min(id) FROM billing_provider) WHERE id = {LESSON}",
        {"4 earning_is_posted", "8 providers_control"},
    ),
    "on another day": (
        f"UPDATE billing_earning SET earned_on = earned_on + 1 WHERE id = {LESSON}", {"4 earning_is_posted"},
    ),
    "an earning that is gone": (
        f"DELETE FROM billing_earning WHERE id = {LESSON}", {"5 earned_entry_has_earning", "8 providers_control"},
    ),
    "paid and not posted": (
        "UPDATE billing_payout SET entry_id = NULL WHERE id = (SELECT min(id) FROM billing_payout)",
        {"5 payout_is_posted", "5 earned_entry_has_earning"},
    ),
    "paid back to a state before": (
        f"UPDATE billing_payoutbatch SET state = 'approved' WHERE id = {PAID}",
        {"5 payout_is_posted", "8 providers_control"},
    ),
    "an earning put into a batch afterwards": (
        f"UPDATE billing_earning SET payout_id = (SELECT id FROM billing_payout WHERE batch_id = {READY})"
        f" WHERE id = {CORRECTION}",
        {"16 payout_is_its_earnings"},
    ),
    "a cancelled batch that keeps its earnings": (
        f"UPDATE billing_payoutbatch SET state = 'cancelled' WHERE id = {READY}", {"16 payout_is_its_earnings"},
    ),
    "a batch of another sum": (
        f"UPDATE billing_payoutbatch SET amount = amount + 1 WHERE id = {READY}", {"16 payout_is_its_earnings"},
    ),
    "taken back by another amount": (
        f"UPDATE billing_earning SET amount = amount + 1 WHERE id = {CLAWBACK}",
        {"4 earning_is_posted", "13 clawback_mirrors", "16 payout_is_its_earnings"},
    ),
    "taken back without saying what": (
        f"UPDATE billing_earning SET reverses_id = NULL WHERE id = {CLAWBACK}",
        {"13 clawback_mirrors", "19 commission_stands_with_payment"},
    ),
    "a lesson below nothing": (
        f"UPDATE billing_earning SET amount = -30 WHERE id = {CORRECTION}",
        {"4 earning_is_posted", "8 providers_control", "22 lesson_earned_once", TOLD},
    ),
    "a lesson that earns two": (
        "UPDATE billing_earning SET attendance_id = (SELECT max(attendance_id) FROM billing_earning WHERE kind ="
        " 'lesson') WHERE id = (SELECT min(id) FROM billing_earning WHERE kind = 'lesson')",
        {"22 lesson_earned_once", TOLD},
    ),
    "a lesson that says it earned something else": (
        "UPDATE billing_earning SET derivation = jsonb_set(derivation, '{-1,pay_amount}', '\"19.00\"')"
        f" WHERE id = {LESSON}",
        {TOLD},
    ),
    "pay booked as commission": (
        "UPDATE ledger_journalline SET account_id = (SELECT id FROM ledger_ledgeraccount WHERE role = 'commissions')"
        f" WHERE debit > 0 AND entry_id = (SELECT entry_id FROM billing_earning WHERE id = {LESSON})",
        {"4 earning_is_posted"},
    ),
    "paid out of another account": (
        "UPDATE ledger_journalline SET account_id = (SELECT id FROM ledger_ledgeraccount WHERE role = 'card_clearing')"
        " WHERE credit > 0 AND entry_id = (SELECT min(entry_id) FROM billing_payout)",
        {"5 payout_is_posted"},
    ),
    "taken back for a payment that stands": (
        f"UPDATE billing_earning SET allocation_id = (SELECT allocation_id FROM billing_earning WHERE id = {PREMIUM})"
        f" WHERE id = {CLAWBACK}",
        {"13 clawback_mirrors"},
    ),
    "more than the rate": (
        "UPDATE billing_earning SET derivation = jsonb_set(derivation, '{1,percent}', '\"14.9\"')"
        f" WHERE id = {PREMIUM}",
        {"22 commission_within_rate"},
    ),
    "a commission that says nothing of how it came about": (
        f"UPDATE billing_earning SET derivation = '[]' WHERE id = {PREMIUM}", {"22 commission_within_rate"},
    ),
    "of more than was paid": (
        "UPDATE billing_earning SET derivation = jsonb_set(derivation, '{1,net_amount}', '\"100.02\"')"
        f" WHERE id = {PREMIUM}",
        {"22 commission_within_rate"},
    ),
    "prepared by who approved it": (
        f"UPDATE billing_payoutbatch b SET made_by_id = r.decided_by_id FROM office_approvalrequest r"
        f" WHERE r.id = b.approval_id AND b.id = {READY}",
        {"37 payout_is_agreed"},
    ),
    "other facts than were approved": (
        f"UPDATE billing_payoutbatch SET content_hash = repeat('0', 64) WHERE id = {READY}", {"37 payout_is_agreed"},
    ),
    "a hole in the numbers": (
        f"UPDATE billing_payoutbatch SET number = 'OUT-2026-000009' WHERE id = {READY}",
        {"39 payout_numbers_have_no_holes"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_what_is_wrong_with_earnings_is_named(books: Organization, name: str) -> None:
    sql, rules = PLANTS[name]
    plant(sql)
    assert broken() - {TRAIL} == rules
