"""The rules of deposit slips and returned cheques are seen to bite: each is broken on purpose and then named."""

import pytest
from django.db import connection

from billing.office.models import Organization
from billing.selectors.proof import prove
from payments.selectors.invariants.cheques import RULES
from tests.bank_run import at_bank, bank, bounce, cancel, clear, hand_in, held, slip
from tests.builders import customer, invoice, organization, pay, policy, user

pytestmark = pytest.mark.usefixtures("db")

RETURNED = "(SELECT min(id) FROM payments_chequepresentation WHERE result = 'returned')"
SLIP = "(SELECT min(id) FROM payments_deposit WHERE state = 'deposited' AND cash_amount > 0)"
POSTED, ENTRY, ADDS_UP, WHERE, RETURN, RETURN_ENTRY, BILLS, IN_HAND, NUMBERS, RECEIPT = (
    "5 deposit_is_posted", "5 deposit_entry_has_deposit", "5 slip_adds_up", "5 cheque_is_where_its_slip_is",
    "5 return_is_posted", "5 return_entry_has_cheque", "5 what_a_return_bills", "11 cheques_in_hand",
    "39 deposit_numbers", "39 receipt_of_payment",
)  # fmt: skip


@pytest.fixture(scope="module")
def house(one_world: None) -> Organization:
    """One in hand, one on a prepared slip, one at the bank, one cleared, one returned with a fee; a cancelled slip."""
    school = organization()
    policy(school, "cheques.return_fee", "25")
    ada, account = customer(school), bank(school)
    invoice(ada, 300)
    pay(ada, 50)
    in_hand, promised, at, cleared, returned = (held(ada, 10 * n) for n in range(1, 6))
    cancel(slip(account, [in_hand]))
    slip(account, [promised])
    hand_in(slip(account, [at, cleared], 50))
    at_bank(account, [returned])
    clear(cleared)
    bounce(returned, user(school, "clerk"), user(school, "supervisor"))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET LOCAL session_replication_role = replica")  # until the test's transaction ends
    return school


def broken() -> set[str]:
    return {f"{found.rule.number} {found.rule.name}" for found in prove().broken}


def test_slips_and_returns_in_order_break_no_rule(house: Organization) -> None:
    assert broken() == set()
    assert {POSTED, ENTRY, ADDS_UP, WHERE, RETURN, RETURN_ENTRY, BILLS, IN_HAND, NUMBERS} <= {
        f"{rule.number} {rule.name}" for rule in RULES
    }


PLANTS: dict[str, tuple[str, set[str]]] = {
    "the slip says a cent more cash": (
        f"UPDATE payments_deposit SET cash_amount = cash_amount + 0.01 WHERE id = {SLIP}", {POSTED},
    ),
    "the slip's entry is another's": (
        "UPDATE payments_deposit SET entry_id = (SELECT max(entry_id) FROM payments_deposit)"
        f" WHERE id = {SLIP}", {POSTED, ENTRY},
    ),
    "the entry went into another account": (
        f"UPDATE payments_deposit SET bank_account_id = 0 WHERE id = {SLIP};"
        "INSERT INTO payments_bankaccount (organization_id, code, name, currency, number, number_hash, number_tail,"
        " csv_profile, ledger_account_id, is_active) SELECT organization_id, 'x', 'x', currency, '', '', '', '',"
        " ledger_account_id + 1000, true FROM payments_bankaccount LIMIT 1;"
        f"UPDATE payments_deposit SET bank_account_id = (SELECT max(id) FROM payments_bankaccount) WHERE id = {SLIP}",
        {POSTED},
    ),
    "a cheque slipped off its slip": (
        f"UPDATE payments_chequepresentation SET deposit_id = NULL WHERE deposit_id = {SLIP} AND result = ''",
        {ADDS_UP, WHERE},
    ),
    "the slip counts one cheque more": (
        f"UPDATE payments_deposit SET cheque_count = cheque_count + 1 WHERE id = {SLIP}", {ADDS_UP},
    ),
    "a cancelled slip keeps a cheque": (
        "UPDATE payments_chequepresentation SET deposit_id ="
        " (SELECT id FROM payments_deposit WHERE state = 'cancelled') WHERE deposit_id IS NULL", {ADDS_UP},
    ),
    "a cheque in hand that is at the bank": (
        "UPDATE payments_cheque SET state = 'due' WHERE state = 'deposited'", {WHERE, IN_HAND},
    ),
    "a cheque at the bank that never left": (
        "UPDATE payments_cheque SET state = 'deposited' WHERE state = 'due' AND id ="
        " (SELECT min(id) FROM payments_cheque)", {WHERE, IN_HAND},
    ),
    "cleared, but nobody said so": (
        "UPDATE payments_cheque SET state = 'cleared' WHERE state = 'deposited'", {WHERE},
    ),
    "answered before it was handed in": (
        "UPDATE payments_chequepresentation SET result_on = '2026-03-11' WHERE result = 'cleared'", {WHERE},
    ),
    "returned, but the payment stands": (
        "UPDATE payments_payment SET state = 'processed' WHERE state = 'returned'", {RETURN, RECEIPT},
    ),
    "a payment returned without a cheque": (
        "UPDATE payments_payment SET state = 'returned' WHERE method = 'cash'", {RETURN, RECEIPT},
    ),
    "a return of a cent more": (
        "UPDATE ledger_journalline SET credit = credit + 0.01 WHERE credit > 0 AND entry_id ="
        f" (SELECT entry_id FROM payments_chequepresentation WHERE id = {RETURNED})", {RETURN},
    ),
    "a return nobody approved": (
        f"UPDATE payments_chequepresentation SET approval_id = NULL WHERE id = {RETURNED}", {RETURN},
    ),
    "a return's entry without its cheque": (
        "ALTER TABLE payments_chequepresentation DROP CONSTRAINT presentation_return_is_posted;"
        f"UPDATE payments_chequepresentation SET entry_id = NULL WHERE id = {RETURNED}", {RETURN, RETURN_ENTRY},
    ),
    "a fee that is no fee": (
        "UPDATE billing_invoice SET kind = 'sale' WHERE kind = 'return_fee'", {BILLS},
    ),
    "a refund nobody asks back": (
        "ALTER TABLE billing_credititem DROP CONSTRAINT credit_item_not_over_applied;"
        "UPDATE billing_credititem SET refunded_amount = 5 WHERE reversed_on IS NOT NULL", {BILLS},
    ),
    "a fee for a cheque that cleared": (
        "UPDATE payments_chequepresentation SET fee_invoice_id = (SELECT min(id) FROM billing_invoice)"
        " WHERE result = 'cleared'", {BILLS},
    ),
    "a slip's number was skipped": (
        "UPDATE payments_deposit SET number = 'DEP-2026-00000009' WHERE state = 'cancelled'", {NUMBERS},
    ),
    "the receipt forgets that its cheque came back": (
        "UPDATE receipts_receipt SET returned_on = NULL WHERE returned_on IS NOT NULL", {RECEIPT},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", PLANTS)
def test_5_11_what_is_put_wrong_is_named(what: str, house: Organization) -> None:
    sql, rules = PLANTS[what]
    with connection.cursor() as cursor:
        for statement in sql.split(";"):
            cursor.execute(statement)
        assert cursor.rowcount > 0, f"nothing was planted by: {sql}"
    assert rules <= broken()
