"""The rules of moved money and of matches to the bank are seen to bite (R127, invariants 16, 18, 44)."""

from datetime import date

import pytest
from django.db import connection, transaction

from billing.office.acting import acting
from billing.office.models import Organization
from billing.services.moving import lock_touched, undo_transfers
from payments.services.reconciling import mark_reconciled
from payments.services.voiding import VOID_RECONCILED, ask_for_void
from tests import builders
from tests.billing.services.test_moving import move
from tests.deeds import carry_out_void, decide
from tests.reconciliation.test_verify_books import TRAIL, broken, plant, settle

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def books(one_world: None) -> Organization:
    """Money moved and standing, money moved and fetched back, a match that stands and one that was opened."""
    school = builders.organization("moved")
    ada, ben = builders.customer(school, "Ada"), builders.customer(school, "Ben")
    people = {role: builders.user(school, role) for role in ("clerk", "manager", "supervisor", "finance_manager")}
    clerk, manager = people["clerk"], people["manager"]
    with acting(clerk, "test"):
        builders.invoice(ben, "30.00")
        stands = builders.pay(ada, "100.00", by=clerk).payment
        move(builders.credit_of(stands), ben, "40.00", clerk, manager, strategy="fifo")
        fetched = builders.credit_of(builders.pay(ada, "50.00", by=clerk).payment)
        move(fetched, ben, "20.00", clerk, manager)
        opened = builders.pay(ada, "60.00", by=clerk).payment
        with transaction.atomic():
            lock_touched(school, [fetched])
            undo_transfers(credit_item=fetched, now=builders.NOW, by=manager, reason="returned")
            for payment in (stands, opened):
                mark_reconciled(
                    payment=payment, reconciled_on=date(2026, 3, 3), statement_reference="S1", now=builders.NOW,
                    by=people["supervisor"],
                )  # fmt: skip
            asked = ask_for_void(
                payment=opened, reason="not ours", by=people["supervisor"], now=builders.NOW, action=VOID_RECONCILED
            )
        carry_out_void(opened, decide(asked, people["finance_manager"]), people["finance_manager"])
    settle()
    assert broken() == set()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # until the test's transaction ends
    return school


STANDS = "(SELECT min(id) FROM billing_credittransfer WHERE undone_on IS NULL)"
FETCHED = "(SELECT min(id) FROM billing_credittransfer WHERE undone_on IS NOT NULL)"
NO_CONSENT = "ALTER TABLE billing_credittransfer DROP CONSTRAINT credit_transfer_has_consent;"
HALF_UNDONE = "ALTER TABLE billing_credittransfer DROP CONSTRAINT credit_transfer_undo_is_posted;"
PLANTS = {
    "another amount": (
        f"UPDATE billing_credittransfer SET amount = amount - 1 WHERE id = {STANDS}",
        {"5 transfer_is_posted", "16 moved_is_transferred", "18 transfer_joins_two_customers", "37 transfer_is_agreed"},
    ),
    "an entry of another transfer": (
        "UPDATE billing_credittransfer SET entry_id = (SELECT entry_id FROM billing_credittransfer WHERE id ="
        f" {FETCHED}) WHERE id = {STANDS}",
        {"5 transfer_is_posted", "5 moved_entry_has_transfer"},
    ),
    "a counter that was moved": (
        f"UPDATE billing_credititem SET moved_amount = moved_amount - 1 WHERE id ="
        f" (SELECT from_item_id FROM billing_credittransfer WHERE id = {STANDS})",
        {"8 unapplied_control", "16 moved_is_transferred"},
    ),
    "fetched back without a day": (
        f"{HALF_UNDONE}UPDATE billing_credittransfer SET undone_on = NULL WHERE id = {FETCHED}",
        {"13 transfer_undo_mirrors", "16 moved_is_transferred"},
    ),
    "fetched back without its entry": (
        f"{HALF_UNDONE}UPDATE billing_credittransfer SET undo_entry_id = NULL WHERE id = {FETCHED}",
        {"5 moved_entry_has_transfer", "13 transfer_undo_mirrors"},
    ),
    "to the same customer": (
        "UPDATE billing_credititem SET customer_id = (SELECT customer_id FROM billing_credititem f JOIN"
        f" billing_credittransfer t ON t.from_item_id = f.id WHERE t.id = {STANDS}) WHERE id ="
        f" (SELECT to_item_id FROM billing_credittransfer WHERE id = {STANDS})",
        {
            "5 transfer_is_posted", "8 unapplied_control", "18 allocation_within_customer",
            "18 transfer_joins_two_customers",
        },
    ),
    "without consent": (
        f"{NO_CONSENT}UPDATE billing_credittransfer SET consent = ' ' WHERE id = {STANDS}", {"37 transfer_is_agreed"},
    ),
    "on an approval of something else": (
        "UPDATE office_approvalrequest SET action = 'override_allocation' WHERE id ="
        f" (SELECT approval_id FROM billing_credittransfer WHERE id = {STANDS})",
        {"37 transfer_is_agreed"},
    ),
    "a hole in the numbers": (
        f"UPDATE billing_credittransfer SET number = 'TRF-2026-00000009' WHERE id = {STANDS}",
        {"5 transfer_is_posted", "18 transfer_joins_two_customers", "39 transfer_numbers"},
    ),
    "a match that stands on a void payment": (
        "ALTER TABLE payments_paymentreconciliation DROP CONSTRAINT reconciliation_opened_with_reason;"
        "UPDATE payments_paymentreconciliation SET opened_at = NULL WHERE opened_at IS NOT NULL",
        {"44 reconciled_stands"},
    ),
    "a match opened on another approval": (
        "UPDATE payments_paymentreconciliation SET open_approval_id = (SELECT approval_id FROM billing_credittransfer"
        f" WHERE id = {STANDS}) WHERE opened_at IS NOT NULL",
        {"44 match_opened_by_approval"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_what_is_wrong_with_moved_money_is_named(books: Organization, name: str) -> None:
    sql, rules = PLANTS[name]
    plant(sql)
    assert broken() - {TRAIL} == rules
