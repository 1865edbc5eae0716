"""The rules of cheques are seen to bite: each is broken on purpose behind the guards and then named."""

from datetime import date

import pytest
from django.db import connection

from billing.office.models import Organization
from billing.selectors.proof import prove
from receipts.services.maturing import mature_cheques
from tests import builders
from tests.builders import NOW
from tests.payments.vault_cast import in_vault

pytestmark = pytest.mark.usefixtures("db")

VAULT, PAYMENT, ORDER = "5 vault_is_no_money", "5 cheque_is_its_payment", "5 presentations_in_order"


@pytest.fixture(scope="module")
def house(one_world: None) -> Organization:
    """A current cheque, one in the vault and one that matured; then triggers and foreign keys are off."""
    school = builders.organization()
    ada, ben = builders.customer(school, "Ada"), builders.customer(school, "Ben")
    builders.invoice(ada, 100)
    builders.pay(ada, 10, method="cheque", cheque=builders.cheque("CURRENT"))
    in_vault(ada, 20, number="MATURED", cheque_date=date(2026, 3, 16))
    in_vault(ben, 30, number="WAITS")
    assert mature_cheques(as_of=None, now=NOW.replace(day=16)).matured == 1
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET LOCAL session_replication_role = replica")  # until the test's transaction ends
    return school


def broken() -> set[str]:
    return {f"{found.rule.number} {found.rule.name}" for found in prove().broken}


def plant(sql: str) -> None:
    with connection.cursor() as cursor:
        for statement in sql.split(";"):
            cursor.execute(statement)
        assert cursor.rowcount > 0, f"nothing was planted by: {sql}"


def test_cheques_in_order_break_no_rule(house: Organization) -> None:
    assert broken() == set()


MATURED, WAITS = "(SELECT id FROM payments_cheque WHERE number = 'MATURED')", "number = 'WAITS'"
PRESENT = (
    "INSERT INTO payments_chequepresentation (organization_id, cheque_id, ordinal, payment_id, result, reason, note)"
    " SELECT c.organization_id, c.id, {ordinal}, {payment}, '', '', '' FROM payments_cheque c WHERE {which}"
)
PLANTS: dict[str, tuple[str, set[str]]] = {
    "a payment of a cheque that waits in the vault": (
        "ALTER TABLE payments_cheque DROP CONSTRAINT cheque_in_vault_has_no_payment;"
        f"UPDATE payments_cheque SET payment_id = (SELECT max(id) + 1000 FROM payments_payment) WHERE {WAITS}",
        {VAULT, PAYMENT, ORDER},
    ),
    "a cheque handed in while it waits in the vault": (
        PRESENT.format(ordinal=1, payment=-1, which=WAITS), {VAULT, ORDER},
    ),
    "a cheque that fell due without a payment": (
        "ALTER TABLE payments_cheque DROP CONSTRAINT cheque_due_has_payment;"
        f"UPDATE payments_cheque SET state = 'due' WHERE {WAITS}",
        {PAYMENT},
    ),
    "a matured cheque of a cent more": (
        "UPDATE payments_cheque SET amount = amount + 0.01 WHERE number = 'MATURED'", {PAYMENT},
    ),
    "a current cheque of a cent more": (
        "UPDATE payments_cheque SET amount = amount + 0.01 WHERE number = 'CURRENT'", {PAYMENT},
    ),
    "a cheque in another currency than its payment": (
        "UPDATE payments_cheque SET currency = 'EUR' WHERE number = 'MATURED'", {PAYMENT},
    ),
    "a cheque of another customer than its payment": (
        "UPDATE payments_cheque SET customer_id = (SELECT id FROM billing_customer WHERE name = 'Ben')"
        " WHERE number = 'MATURED'",
        {PAYMENT},
    ),
    "a first presentation that was skipped": (
        f"UPDATE payments_chequepresentation SET ordinal = 2 WHERE cheque_id = {MATURED}", {ORDER},
    ),
    "a due cheque that nobody may present": (
        f"DELETE FROM payments_chequepresentation WHERE cheque_id = {MATURED}", {ORDER},
    ),
    "a second presentation while the first is open": (
        PRESENT.format(ordinal=2, payment=-1, which="number = 'MATURED'"), {ORDER},
    ),
    "a presentation after one that was skipped": (
        PRESENT.format(ordinal=3, payment=-1, which="number = 'MATURED'"), {ORDER},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", PLANTS)
def test_5_what_is_put_wrong_is_named(what: str, house: Organization) -> None:
    sql, rules = PLANTS[what]
    plant(sql)
    assert {VAULT, PAYMENT, ORDER} & broken() == rules
