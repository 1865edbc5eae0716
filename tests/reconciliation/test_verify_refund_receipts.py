"""Each rule about refund receipts is seen to bite: one thing is put wrong behind the guards, that rule is named."""

from decimal import Decimal

import pytest
from django.db import connection, transaction

from billing.office.acting import acting
from billing.office.models import Organization
from billing.selectors.proof import prove
from payments.models import Refund
from payments.services.refunding import RefundOrder, approve_refund, request_refund
from receipts.services.refunds import pay_out_refund
from tests import builders, deeds
from tests.builders import NOW
from tests.refund_desk import asked_of, small_refunds

pytestmark = pytest.mark.usefixtures("db")

TRAIL = "46 trail_tells_the_rows"


@pytest.fixture(scope="module")
def books(one_world: None) -> Organization:
    """One refund paid in cash with its receipt, one that was only asked for."""
    school = builders.organization("whole")
    small_refunds(school)
    ada = builders.customer(school, "Ada", email="ada@example.com")
    clerk, boss = builders.user(school, "clerk"), builders.user(school, "supervisor")
    with acting(clerk, "test"):
        paid_back = _ask(school, builders.pay(ada, "90.00", by=clerk).payment, "first", clerk)
        _ask(school, builders.pay(ada, "80.00", by=clerk, lookalike_reason="x").payment, "second", clerk)
        asked = deeds.decide(asked_of(paid_back), boss)
        with transaction.atomic():
            approve_refund(refund=paid_back, approval=asked, by=boss, now=NOW)
            pay_out_refund(refund=paid_back, method="cash", reference="", now=NOW, by=clerk)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    return school


def _ask(school, payment, key, by) -> Refund:
    order = RefundOrder(
        customer_id=payment.customer_id, credit_item_id=payment.credit_item_id, gross_amount=Decimal(40),
        reason_code="overpaid", reason="Paid too much", request_key=key,
    )  # fmt: skip
    with transaction.atomic():
        return request_refund(organization=school, order=order, now=NOW, by=by)


def broken() -> set[str]:
    return {f"{found.rule.number} {found.rule.name}" for found in prove().broken}


def test_whole_books_break_no_rule(books: Organization) -> None:
    assert broken() == set()
    assert prove().counts["refund receipts"] == 1


PLANTS: dict[str, tuple[str, set[str]]] = {
    "a paper that says another amount": (
        """UPDATE receipts_refundreceipt SET content = jsonb_set(content, '{amount}', '"40.01"')""",
        {"39 refund_receipt_of_refund", TRAIL},
    ),
    "a paper that says another number": (
        """UPDATE receipts_refundreceipt SET content = jsonb_set(content, '{number}', '"REF-1"')""",
        {"39 refund_receipt_of_refund", TRAIL},
    ),
    "a paper of a refund that was not paid": (
        "UPDATE receipts_refundreceipt SET refund_id = (SELECT id FROM payments_refund WHERE state = 'requested')",
        {"39 refund_receipt_of_refund", TRAIL},
    ),
    "a paper that is mailed by no message": (
        "UPDATE office_notice SET attachment = '' WHERE attachment LIKE 'refund_receipt:%'",
        {"42 refund_mail_has_fact"},
    ),
    "a message with a paper that is not there": (
        "UPDATE office_notice SET attachment = 'refund_receipt:0' WHERE attachment LIKE 'refund_receipt:%'",
        {"42 refund_mail_has_fact"},
    ),
    "a guard that sleeps": (
        "ALTER TABLE receipts_refundreceipt DISABLE TRIGGER append_only",
        {"3 receipt_guards_in_place"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "rules"), PLANTS.values(), ids=PLANTS)
def test_what_is_put_wrong_is_named(books: Organization, sql: str, rules: set[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
    assert broken() == rules
