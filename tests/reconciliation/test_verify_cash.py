"""The rules about cash are seen to bite: one thing is put wrong behind the guards, that rule is named."""

import pytest
from django.db import connection, transaction

from billing.office.acting import acting
from billing.office.models import ApprovalRequest, Organization
from payments.services.cash_counts import accept_safe_difference, count_safe
from payments.services.drawers import accept_difference
from tests import builders
from tests.builders import NOW
from tests.deeds import decide
from tests.payments.services.tills import cash_in, closed, coins, fetch, move, opened, point
from tests.reconciliation.test_verify_books import TRAIL, broken, plant, settle

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def house(one_world: None) -> Organization:
    """Floats, payments, movements; drawers closed even, short, over with a second person; the safe counted twice."""
    school = builders.organization("cash")
    builders.policy(school, "cash.variance_limit", "5")
    clerk, supervisor = builders.user(school, "clerk", name="clerk"), builders.user(school, "supervisor", name="sue")
    with acting(clerk, "test"):
        fetch(school, 500, clerk)
        place = point(school)
        even = opened(place, clerk, 100)
        cash_in(even, "20.50", clerk, denominations=coins("20.50"))
        move(school, even, "to_safe", 50, clerk)
        closed(even, "70.50", clerk)
        closed(opened(place, clerk, 100), 99, clerk)
        over = opened(place, clerk, 10)
        closed(over, 20, clerk, reason="change kept back")
        request = decide(ApprovalRequest.objects.get(state="requested"), supervisor)
        with transaction.atomic():
            accept_difference(session=over, approval=request, by=supervisor, now=NOW)
        cash_in(opened(place, clerk, 30), 5, clerk)
        for amount, note in ((497, ""), (400, "a bundle is missing")):
            with transaction.atomic():
                count = count_safe(
                    organization=school, currency="USD", denominations=coins(amount), note=note, now=NOW, by=clerk
                )
        request = decide(ApprovalRequest.objects.get(state="requested"), supervisor)
        with transaction.atomic():
            accept_safe_difference(count=count, approval=request, by=supervisor, now=NOW)
    settle()
    return school


@pytest.fixture
def behind_the_guards(house: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")


def test_whole_cash_breaks_no_rule(house: Organization) -> None:
    assert broken() == set()


def session(variance: str) -> str:
    return f"(SELECT id FROM payments_drawersession WHERE state = 'closed' AND variance = {variance})"


SHORT, OVER, EVEN = session("-1"), session("10"), session("0")
POSTED = "(SELECT id FROM payments_cashcount WHERE session_id IS NULL AND entry_id IS NOT NULL)"
ACCEPTED = "(SELECT max(id) FROM payments_cashcount WHERE session_id IS NULL)"

PLANTS: dict[str, tuple[str, set[str]]] = {
    "a payment of cash that was another sum": (
        "UPDATE payments_payment SET amount = amount + 0.01 WHERE amount = 5",
        {
            "11 cash_on_hand", "5 payment_is_posted", "11 money_on_hand", "15 payment_and_its_credit",
            "39 receipt_of_payment", TRAIL,
        },
    ),
    "a difference of a drawer by another cent": (
        f"UPDATE payments_drawersession SET counted_amount = counted_amount - 0.01, variance = variance - 0.01"
        f" WHERE id = {SHORT}",
        {"11 cash_on_hand", "5 drawer_difference_is_posted", TRAIL},
    ),
    "a difference of a drawer without its entry": (
        "ALTER TABLE payments_drawersession DROP CONSTRAINT drawer_variance_is_posted;"
        f"UPDATE payments_drawersession SET entry_id = NULL WHERE id = {OVER}",
        {"5 drawer_difference_is_posted", "5 cash_entry_has_count", TRAIL},
    ),
    "a drawer that adds up with an entry of another": (
        "ALTER TABLE payments_drawersession DROP CONSTRAINT drawer_variance_is_posted;"
        f"UPDATE payments_drawersession SET entry_id = (SELECT entry_id FROM payments_drawersession WHERE id = {OVER})"
        f" WHERE id = {EVEN}",
        {"5 drawer_difference_is_posted", "5 cash_entry_has_count", TRAIL},
    ),
    "an expected sum that its documents do not make": (
        "ALTER TABLE payments_drawersession DROP CONSTRAINT drawer_counted_has_variance;"
        f"UPDATE payments_drawersession SET expected_amount = expected_amount + 1 WHERE id = {EVEN}",
        {"11 drawer_expected_is_documents", TRAIL},
    ),
    "a count of the safe that posted another sum": (
        f"UPDATE payments_cashcount SET expected_amount = expected_amount - 1 WHERE id = {POSTED}",
        {"11 cash_on_hand", "5 safe_difference_is_posted", TRAIL},
    ),
    "a count of the safe nobody accepted": (
        "UPDATE office_approvalrequest SET state = 'rejected' WHERE subject LIKE 'cash_count:%'",
        {"11 cash_on_hand", "5 safe_difference_is_posted", "5 cash_entry_has_count", TRAIL},
    ),
    "notes that do not make what was counted": (
        f"UPDATE payments_cashcount SET denominations = '[[\"100\", 3]]' WHERE id = {ACCEPTED}",
        {"11 count_is_its_notes", TRAIL},
    ),
    "notes that do not make the payment": (
        "UPDATE payments_payment SET denominations = '[[\"20\", 1]]' WHERE amount = 20.50",
        {"11 count_is_its_notes", TRAIL},
    ),
    "a movement of another sum": (
        "UPDATE payments_cashmovement SET amount = amount + 1 WHERE kind = 'from_bank'",
        {"11 cash_on_hand", "5 cash_movement_entry", TRAIL},
    ),
    "a movement to the safe nobody made": (
        "UPDATE payments_cashmovement SET amount = amount + 1 WHERE kind = 'to_safe'",
        {"11 drawer_expected_is_documents", TRAIL},
    ),
    "a card payment in a drawer": (
        "UPDATE payments_payment SET drawer_session_id = (SELECT id FROM payments_drawersession WHERE state = 'open'),"
        " currency = 'EUR' WHERE amount = 5",
        {
            "11 drawer_holds_its_cash", "11 cash_on_hand", "11 money_on_hand", "5 payment_is_posted",
            "15 payment_and_its_credit", TRAIL,
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", PLANTS)
def test_what_is_wrong_is_named(behind_the_guards: None, wrong: str) -> None:
    sql, named = PLANTS[wrong]
    plant(sql)
    assert broken() == named
