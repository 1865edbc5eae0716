"""Each rule about refunds is seen to bite: one thing is put wrong behind the guards, that rule is named."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from billing.models import Customer
from billing.office.acting import acting
from billing.office.models import Organization
from payments.selectors.invariants.refunds import RULES
from tests.assertions import assert_books_whole
from tests.bank_run import bank
from tests.builders import TODAY, customer, invoice, organization, pay, policy, user
from tests.payments.refund_cast import Office, again, approved, ask, office, reject, send, settle, withdraw
from tests.reconciliation.test_verify_books import TRAIL, broken, plant
from tests.reconciliation.test_verify_books import settle as commit

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def books(one_world: None) -> Organization:
    """Refunds in every state, by cash, card, bank and kept as credit, with a fee and with a bill reduced."""
    school = organization("refunds")
    policy(school, "refunds.fee", "2.00")
    policy(school, "refunds.full_days", 0)
    policy(school, "refunds.cash_limit", "100")
    with acting(user(school, "clerk", name="clerk"), "test"):
        _many(school, office(school), customer(school, "Ada", email="ada@example.com"))
    commit()
    assert_books_whole()
    return school


def _many(school: Organization, desk: Office, ada: Customer) -> None:
    def came(amount: int, method: str = "card", **details: Any) -> Any:
        return pay(ada, amount, method=method, strategy="none", **details).payment

    account = bank(school)
    elsewhere: dict[str, Any] = {"destination_reason": "card stolen"}
    ask(came(11), 5, desk.clerk)
    reject(ask(came(12), 5, desk.clerk), desk.manager)
    withdraw(approved(came(13), 5, desk), desk.clerk)
    approved(came(14, received_on=TODAY - timedelta(days=1)), 5, desk)
    send(approved(came(15), 5, desk), desk.teller)
    settle(send(approved(came(16), 5, desk), desk.teller), desk.teller, "unknown")
    settle(send(approved(came(17), 5, desk), desk.teller), desk.teller, "declined")
    settle(send(approved(came(18), 18, desk), desk.teller), desk.teller)
    send(approved(came(19, "cash"), 5, desk), desk.teller, "cash")
    send(approved(came(20), 6, desk, destination="credit", consent="agreed"), desk.teller, "credit")
    by_bank = approved(came(21), 5, desk, destination="bank_transfer", payee_account="12345678", **elsewhere)
    settle(send(by_bank, desk.teller, "bank_transfer", bank_account=account), desk.teller)
    twice = approved(came(22), 5, desk)
    again(settle(send(twice, desk.teller), desk.teller, "declined"), desk.clerk)
    bill = invoice(ada, 30, tax_rate="0.05", number="R1")
    paid = pay(ada, "31.50", method="card", first=("R1",)).payment
    approved(paid, "31.50", desk, reason_code="cancelled", invoice_id=bill.pk)


@pytest.fixture
def behind_the_guards(books: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")


def of(state: str) -> str:
    return f"(SELECT min(id) FROM payments_refund WHERE state = '{state}')"


PAID_BY_CARD = "(SELECT min(r.id) FROM payments_refund r JOIN payments_refundattempt a ON a.refund_id = r.id" \
    " WHERE a.state = 'succeeded' AND a.method = 'card')"  # fmt: skip
PLANTS: dict[str, tuple[str, set[str]]] = {
    "a refund over more than its entry": (
        "UPDATE payments_refund SET gross_amount = gross_amount + 1, paid_amount = paid_amount + 1"
        f" WHERE id = {of('approved')}",
        {"5 refund_is_posted", "9 refunds_payable_control", "16 refunded_is_reserved", "37 refund_was_approved", TRAIL},
    ),
    "a fee that went to nobody": (
        "UPDATE ledger_journalline SET account_id = (SELECT id FROM ledger_ledgeraccount WHERE role = 'late_fees'"
        " LIMIT 1) WHERE credit = 2.00 AND entry_id = (SELECT entry_id FROM payments_refund WHERE state = 'approved'"
        " AND fee_amount > 0 ORDER BY id LIMIT 1)",
        {"5 refund_is_posted", TRAIL},
    ),
    "a failed refund whose money was not released": (
        f"UPDATE payments_refund SET state = 'failed' WHERE id = {of('approved')}",
        {"5 refund_is_released", "9 refunds_payable_control", "16 refunded_is_reserved", TRAIL},
    ),
    "a refund paid out of another account": (
        "UPDATE ledger_journalline SET account_id ="
        " (SELECT id FROM ledger_ledgeraccount WHERE role = 'small_differences')"
        f" WHERE credit > 0 AND entry_id = (SELECT paid_entry_id FROM payments_refund WHERE id = {PAID_BY_CARD})",
        {"5 refund_is_paid", TRAIL},
    ),
    "credit kept of another amount": (
        "UPDATE billing_credititem SET amount = amount + 1 WHERE number LIKE 'REF-%'",
        {"5 refund_is_paid", "8 unapplied_control", TRAIL},
    ),
    "two refunds on one entry": (
        "UPDATE payments_refund SET paid_entry_id = (SELECT max(paid_entry_id) FROM payments_refund)"
        f" WHERE id = {PAID_BY_CARD}",
        {"5 refund_is_paid", "5 refund_entry_has_refund", TRAIL},
    ),
    "a counter moved alone": (
        "UPDATE billing_credititem SET refunded_amount = refunded_amount - 1 WHERE id ="
        f" (SELECT credit_item_id FROM payments_refund WHERE id = {of('approved')})",
        {"8 unapplied_control", "16 refunded_is_reserved", TRAIL},
    ),
    "a try that is open though the refund is done": (
        f"UPDATE payments_refundattempt SET state = 'unknown' WHERE refund_id = {of('failed')}",
        {"30 refund_attempts", TRAIL},
    ),
    "more refunded than came in": (
        "UPDATE payments_payment SET amount = 4 WHERE credit_item_id ="
        f" (SELECT credit_item_id FROM payments_refund WHERE id = {of('approved')});"
        "ALTER TABLE billing_credititem DROP CONSTRAINT credit_item_not_over_applied;"
        "UPDATE billing_credititem SET amount = 4 WHERE id ="
        f" (SELECT credit_item_id FROM payments_refund WHERE id = {of('approved')})",
        {
            "5 payment_is_posted",
            "8 unapplied_control",
            "11 money_on_hand",
            "15 credit_adds_up",
            "36 refunds_within_amount",
            "36 never_more_than_paid",
            "36 refunds_and_chargebacks_within_amount",
            "39 receipt_of_payment",
            TRAIL,
        },
    ),
    "an approval that was never used": (
        "UPDATE office_approvalrequest SET state = 'approved', used_at = NULL WHERE id ="
        f" (SELECT approval_id FROM payments_refund WHERE id = {of('approved')})",
        {"37 refund_was_approved", TRAIL},
    ),
    "who asked decided": (
        "UPDATE payments_refund SET requested_by_id = (SELECT decided_by_id FROM office_approvalrequest q"
        f" WHERE q.id = approval_id) WHERE id = {of('approved')}",
        {"37 refund_was_approved", TRAIL},
    ),
    "a refund sent another way": (
        f"UPDATE payments_refundattempt SET method = 'ach' WHERE refund_id = {of('submitted')}",
        {"38 refund_goes_back", TRAIL},
    ),
    "a transfer where the processor gives back": (
        f"UPDATE payments_refundattempt SET method = 'bank_transfer' WHERE refund_id = {of('submitted')}",
        {"38 refund_goes_back", TRAIL},
    ),
    "another way without its approval": (
        f"UPDATE payments_refund SET destination = 'cheque', destination_reason = 'x' WHERE id = {of('approved')}",
        {"38 refund_goes_back", TRAIL},
    ),
    "a hole in the refund numbers": (
        "UPDATE office_numberseries SET last = last + 1 WHERE series = 'REF'",
        {"39 refund_numbers", TRAIL},
    ),
}


@pytest.mark.parametrize("what", PLANTS)
def test_a_fault_is_named_by_its_rules_and_no_other(what: str, books: Organization, behind_the_guards: None) -> None:
    sql, expected = PLANTS[what]
    plant(sql)
    assert broken() - {TRAIL} == expected - {TRAIL}


def test_every_rule_about_refunds_is_seen_to_bite() -> None:
    bitten = {name for _sql, expected in PLANTS.values() for name in expected}
    assert {f"{rule.number} {rule.name}" for rule in RULES} <= bitten
