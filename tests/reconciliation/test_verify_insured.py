"""The rules of policies and their loans are seen to bite (invariants 5, 8, 16, 18, 21, 39)."""

from decimal import Decimal

import pytest
from django.db import transaction

from billing.office.acting import acting
from billing.services.insurance.lapsing import lapse
from billing.services.invoicing import void_invoice
from tests.billing.insurance.cast import LAPSE, at, billed, insure, insurer, reread
from tests.billing.insurance.test_loans import APRIL, ask_back, lent
from tests.builders import customer, user
from tests.reconciliation.test_verify_books import TRAIL, broken, lift_the_guards, plant, settle

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module", autouse=True)
def books(one_world: None) -> None:
    """A policy with a loan, of which one bill stands and one is void; and one that is lapsed."""
    org = insurer()
    with acting(user(org, "clerk"), "test"):
        policy = billed(org)
        loan = lent(policy)
        ask_back(loan, "20000.00")
        (again, *_rest) = ask_back(loan, "5000.00")
        with transaction.atomic():
            void_invoice(invoice=again, reason="not asked", now=at(APRIL), by=None)
            other = insure(customer(org, "Jane"), policy_number="POL-2", tax="0")
            lapse(agreement=other, on=LAPSE, now=at(LAPSE), by=None)
    assert reread(policy).insurance.sum_assured == Decimal("1000000.00")
    settle()
    assert broken() == set()
    lift_the_guards()


PLANTS = {
    "more lent than booked": (
        "UPDATE billing_policyloan SET principal_amount = principal_amount + 1",
        {"5 loan_is_posted", "8 policy_loans_control"},
    ),
    "lent from another account": (
        "UPDATE ledger_journalline SET account_id = (SELECT id FROM ledger_ledgeraccount WHERE role = 'card_clearing')"
        " WHERE credit > 0 AND entry_id = (SELECT entry_id FROM billing_policyloan)",
        {"5 loan_is_posted"},
    ),
    "lent without a loan": (
        "DELETE FROM billing_policyloanbill; DELETE FROM billing_policyloan",
        {"5 loan_entry_has_loan", "8 policy_loans_control", "18 loan_bill_is_its_invoice", "39 policy_loan_numbers"},
    ),
    "a counter that was moved": (
        "UPDATE billing_policyloan SET repaid_amount = repaid_amount + 1", {"16 loan_repaid_is_billed"},
    ),
    "a bill of another amount": (
        "UPDATE billing_policyloanbill SET amount = amount + 1 WHERE part = 'principal' AND invoice_id IN"
        " (SELECT id FROM billing_invoice WHERE voided_on IS NULL)",
        {"8 policy_loans_control", "16 loan_repaid_is_billed", "18 loan_bill_is_its_invoice"},
    ),
    "a loan invoice without its loan": (
        "DELETE FROM billing_policyloanbill WHERE part = 'interest'", {"18 loan_bill_is_its_invoice"},
    ),
    "a hole in the numbers": (
        "UPDATE ledger_journalentry SET key = 'policy_loan:LOAN-2026-000009:lent' WHERE event = 'loan_lent';"
        "UPDATE billing_policyloan SET number = 'LOAN-2026-000009'",
        {"39 policy_loan_numbers"},
    ),
    "lapsed without a day": (
        "UPDATE billing_insurancepolicy SET lapsed_on = NULL WHERE policy_number = 'POL-2'", {"21 lapsed_has_its_day"},
    ),
    "in force with a day of lapse": (
        "UPDATE billing_insurancepolicy SET lapsed_on = '2026-02-15' WHERE policy_number <> 'POL-2'",
        {"21 lapsed_has_its_day"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_what_is_wrong_with_policies_and_loans_is_named(name: str) -> None:
    sql, rules = PLANTS[name]
    plant(sql)
    assert broken() - {TRAIL} == rules
