"""Each rule about disputes is seen to bite: one thing is put wrong behind the guards, that rule is named."""

import pytest
from django.db import connection

from billing.office.acting import acting
from billing.office.models import Organization
from billing.selectors.proof import prove
from payments.models import PaymentReconciliation
from tests import builders
from tests.payments.dispute_cast import complete, contest, lose, settle

pytestmark = pytest.mark.usefixtures("db")

TRAIL = "46 trail_tells_the_rows"


@pytest.fixture(scope="module")
def books(one_world: None) -> Organization:
    """A lost and an open chargeback, a lost and an open contested bill, and a reconciled payment."""
    school = builders.organization("whole")
    ada = builders.customer(school, "Ada", email="ada@example.com")
    boss, manager = builders.user(school, "supervisor", name="sup"), builders.user(school, "manager", name="mgr")
    with acting(boss, "test"):
        bills = [builders.invoice(ada, "100.00", number=f"A{n}", tax_rate="0.05") for n in range(3)]
        first = builders.pay(ada, "105.00", method="card", by=boss).payment
        other = builders.pay(ada, "50.00", method="bank_transfer", strategy="none", by=boss).payment
        lose(contest(first, "60.00", boss), "40.00", boss, manager)
        contest(first, "20.00", boss)
        settle(complete(contest(other, "5.00", boss), boss), "won", boss)
        lose(contest(bills[1], "21.00", boss), "21.00", boss, manager)
        contest(bills[2], "10.00", boss)
        PaymentReconciliation.objects.create(
            organization=school, payment=other, reconciled_on=builders.TODAY, statement_reference="S1",
            made_at=builders.NOW, made_by=boss,
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return school


def broken() -> set[str]:
    return {f"{found.rule.number} {found.rule.name}" for found in prove().broken}


def test_whole_books_break_no_rule(books: Organization) -> None:
    assert broken() == set()
    assert prove().counts["disputes"] == 5


OPEN_ONE = "(SELECT id FROM payments_dispute WHERE kind = 'chargeback' AND state = 'open')"
LOST_ONE = "(SELECT id FROM payments_dispute WHERE kind = 'chargeback' AND state = 'lost')"
LOST_BILL = "(SELECT id FROM payments_dispute WHERE kind = 'invoice' AND state = 'lost')"

PLANTS: dict[str, tuple[str, set[str]]] = {
    "a held amount that is not the dispute's": (
        f"UPDATE payments_dispute SET amount = amount + 0.01 WHERE id = {OPEN_ONE}",
        {"5 chargeback_is_held", "5 disputed_funds", TRAIL},
    ),
    "a hold that took money from elsewhere": (
        "UPDATE ledger_journalline SET account_id = (SELECT id FROM ledger_ledgeraccount a WHERE a.role = 'cash'"
        " AND a.organization_id = ledger_journalline.organization_id) WHERE credit > 0 AND entry_id ="
        f" (SELECT hold_entry_id FROM payments_dispute WHERE id = {OPEN_ONE})",
        {"5 chargeback_is_held", TRAIL},
    ),
    "a loss that was booked otherwise": (
        f"UPDATE payments_dispute SET lost_amount = lost_amount - 1 WHERE id = {LOST_ONE}",
        {"5 chargeback_is_settled", "37 loss_was_approved", TRAIL},
    ),
    "a closed chargeback that says it is open": (
        "ALTER TABLE payments_dispute DROP CONSTRAINT dispute_closed_has_outcome;"
        "ALTER TABLE payments_dispute DROP CONSTRAINT dispute_is_posted;"
        "UPDATE payments_dispute SET state = 'open' WHERE state = 'won'",
        {"5 chargeback_is_settled", "5 disputed_funds", TRAIL},
    ),
    "an entry that no dispute names": (
        "ALTER TABLE payments_dispute DROP CONSTRAINT dispute_is_posted;"
        f"UPDATE payments_dispute SET hold_entry_id = NULL WHERE id = {OPEN_ONE}",
        {"5 chargeback_is_held", "5 chargeback_entry_has_dispute", TRAIL},
    ),
    "more contested than was paid": (
        f"UPDATE payments_dispute SET amount = 65.01 WHERE id = {OPEN_ONE}",
        {"36 never_more_than_paid", "5 chargeback_is_held", "5 disputed_funds", TRAIL},
    ),
    "a contested invoice that takes money again": (
        "UPDATE billing_invoice SET is_disputed = false WHERE number = 'A2'",
        {"36 contested_invoice_is_left_alone", TRAIL},
    ),
    "a loss nobody approved": (
        f"UPDATE payments_dispute SET approval_id = NULL WHERE id = {LOST_ONE}",
        {"37 loss_was_approved", TRAIL},
    ),
    "a loss on an approval of something else": (
        "UPDATE office_approvalrequest SET subject = 'dispute:0' WHERE subject ="
        f" 'dispute:' || {LOST_BILL}",
        {"37 loss_was_approved", TRAIL},
    ),
    "a lost bill without its credit memo": (
        f"UPDATE payments_dispute SET credit_memo_id = NULL WHERE id = {LOST_BILL}",
        {"37 loss_was_approved", TRAIL},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_one_thing_put_wrong_is_named(books: Organization, name: str) -> None:
    sql, expected = PLANTS[name]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # until the test's transaction ends
        for statement in sql.split(";"):
            cursor.execute(statement)
        assert cursor.rowcount > 0
    found = broken()
    assert expected <= found, found
    assert {rule for rule in found - expected if "dispute" in rule or "chargeback" in rule or "44" in rule} == set()


def test_44_a_void_payment_whose_match_stands_is_named(books: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE payments_payment SET state = 'voided'"
            " WHERE id = (SELECT payment_id FROM payments_paymentreconciliation)"
        )
    assert "44 reconciled_stands" in broken()


def test_only_the_organization_asked_about_is_proved(books: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE billing_invoice SET is_disputed = false WHERE number = 'A2'")
    other = builders.organization()
    names = {found.rule.name for found in prove(other.pk).broken}
    assert "contested_invoice_is_left_alone" not in names
