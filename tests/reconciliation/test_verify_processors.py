"""Each rule about settlements and webhooks is seen to bite: one thing is put wrong behind the guards, it is named."""

from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from billing.office import clock
from billing.selectors.proof import prove
from payments.gateways.base import Moved
from payments.models import DebitReturn, Settlement, WebhookEvent
from payments.services.settlements import fetch_settlements
from tests import builders
from tests.payments.charging.cast import Scene, charging_scene
from tests.payments.webhooks.post import body, deliver, post, sign, told, work
from tests.payments.webhooks.reports import DAY, line, reported

OURS = (
    "10 clearing_is_what_lies_at_the_processor", "10 settlement_adds_up", "10 settled_as_booked", "5 fees_are_posted",
    "5 fees_entry_has_settlement", "27 captured_once_by_its_own_count", "41 worked_on_says_what_it_did",
    "41 told_returns_are_booked", "5 debit_return_is_posted", "5 what_a_returned_debit_bills", "5 return_is_posted",
    "5 return_entry_has_cheque",
)  # fmt: skip
CLEARING, ADDS_UP, AS_BOOKED, FEES, FEES_ENTRY, ONCE, WORKED_ON, RETURNS, DEBIT, BILLS, POSTED, OF_RETURN = OURS


@pytest.fixture
def scene(transactional_db: None) -> Iterator[Scene]:
    """Two charges that are settled with their fees, a bank debit that came back, and an event that nobody knows."""
    with charging_scene() as found:
        one, two = (found.charge(found.card(), found.bill(amount)) for amount in ("120.00", "80.00"))
        debit = found.charge(found.bank(), found.bill("30.00"))
        for deed in ("settle", "settle_checks"):
            found.at.nmi.do(deed)
        deliver(*(row for row in told(found) if row.topic.startswith("transaction")))
        work()
        found.at.nmi.do("return_check", transaction_id=debit.key, code="R01")
        strange = body("nobody knows")
        post(strange, sign(strange))
        deliver(*told(found, "transaction.check.status.latereturn"))
        work()
        report = [line(Moved.CAPTURE, "120.00", one, fee="3.00"), line(Moved.CAPTURE, "80.00", two, fee="2.00")]
        with reported(*report, line(Moved.REFUND, "7.00", ref="not ours", batch="B-2")):
            fetch_settlements(gateway_account=found.account, day=DAY, now=clock.now())
        yield found


def broken(sql: str = "", organization_id: int | None = None) -> set[str]:
    """The rules that are broken after some SQL, which is taken back."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for statement in filter(None, sql.split(";")):
                cursor.execute(statement)
                assert cursor.rowcount != 0, statement
        found = {f"{one.rule.number} {one.rule.name}" for one in prove(organization_id).broken}
        transaction.set_rollback(True)
    return found


def test_whole_books_break_no_rule(scene: Scene) -> None:
    assert DebitReturn.objects.count() == 1 and Settlement.objects.count() == 2
    assert WebhookEvent.objects.filter(topic="return", state="processed").count() == 1
    assert broken() == set()
    assert prove().counts["settlements"] == 2


FIRST_LINE = "(SELECT min(id) FROM payments_settlementline WHERE moved = 'capture')"
FEES_OF = "(SELECT entry_id FROM payments_settlement WHERE batch = 'B-1')"
WEBHOOK = "(SELECT min(id) FROM payments_webhookevent WHERE state = 'processed')"
RETURNED = "(SELECT payment_id FROM payments_debitreturn)"

PLANTS: dict[str, tuple[str, set[str]]] = {
    "fees that a settlement does not name": (
        "UPDATE payments_settlement SET fee_amount = fee_amount + 0.01 WHERE batch = 'B-1'", {CLEARING, ADDS_UP, FEES},
    ),
    "a payment that says it lies elsewhere": (
        "UPDATE payments_payment SET gateway_account_id = NULL WHERE amount = 80", {CLEARING},
    ),
    "a payment booked off the processor's account": (
        "UPDATE ledger_journalline SET account_id = (SELECT a.id FROM ledger_ledgeraccount a WHERE a.is_default"
        " AND a.role = 'card_clearing' AND a.organization_id = ledger_journalline.organization_id) WHERE debit = 80",
        {CLEARING},
    ),
    "a return that nobody recorded": ("DELETE FROM payments_debitreturn", {CLEARING, POSTED, OF_RETURN}),
    "a total that is not of its lines": (
        "UPDATE payments_settlement SET gross_amount = gross_amount + 1 WHERE batch = 'B-1'", {ADDS_UP},
    ),
    "a line less": (f"DELETE FROM payments_settlementline WHERE id = {FIRST_LINE}", {ADDS_UP}),
    "fees posted to another account": (
        "UPDATE ledger_journalline SET account_id = (SELECT id FROM ledger_ledgeraccount a WHERE a.role = 'bank' AND"
        f" a.organization_id = ledger_journalline.organization_id LIMIT 1) WHERE credit > 0 AND entry_id = {FEES_OF}",
        {CLEARING, FEES},
    ),
    "fees whose entry is forgotten": (
        "UPDATE payments_settlement SET entry_id = NULL WHERE batch = 'B-1'", {FEES, FEES_ENTRY},
    ),
    "fees posted for nothing": (
        f"UPDATE payments_settlement SET entry_id = {FEES_OF} WHERE batch = 'B-2'", {FEES, FEES_ENTRY},
    ),
    "a difference that is hidden": (
        "UPDATE payments_settlementline SET trouble = '' WHERE moved = 'refund'", {AS_BOOKED},
    ),
    "a settled amount that is not the charge's": (
        f"UPDATE payments_settlementline SET amount = amount - 0.01 WHERE id = {FIRST_LINE}", {AS_BOOKED, ADDS_UP},
    ),
    "a settled charge that did not succeed": (
        "UPDATE payments_paymentattempt SET state = 'declined', payment_id = NULL WHERE amount = 80", {AS_BOOKED},
    ),
    "a charge that the processor has twice": (
        f"UPDATE payments_settlementline SET attempt_id = (SELECT attempt_id FROM payments_settlementline"
        f" WHERE id = {FIRST_LINE}), amount = 120 WHERE moved = 'capture' AND id <> {FIRST_LINE}",
        {ONCE, ADDS_UP},
    ),
    "an event that was worked on and is still due": (
        f"UPDATE payments_webhookevent SET next_at = now() WHERE id = {WEBHOOK}", {WORKED_ON},
    ),
    "an event that was worked on and does not say what it did": (
        f"UPDATE payments_webhookevent SET effect = '' WHERE id = {WEBHOOK}", {WORKED_ON},
    ),
    "an event that did something and is not worked on": (
        "UPDATE payments_webhookevent SET effect = 'something' WHERE state = 'parked'", {WORKED_ON},
    ),
    "a return that was told and not booked": (
        f"UPDATE payments_payment SET state = 'processed' WHERE id = {RETURNED}", {RETURNS, DEBIT, POSTED},
    ),
    "a returned debit posted over another amount": (
        "UPDATE ledger_journalline SET debit = debit - 1 WHERE debit > 0 AND entry_id ="
        " (SELECT entry_id FROM payments_debitreturn)", {DEBIT},
    ),
    "a returned debit that was taken off another account": (
        "UPDATE ledger_journalline SET account_id = (SELECT id FROM ledger_ledgeraccount a WHERE a.role = 'bank' AND"
        " a.organization_id = ledger_journalline.organization_id LIMIT 1) WHERE credit > 0 AND entry_id ="
        " (SELECT entry_id FROM payments_debitreturn)", {CLEARING, DEBIT},
    ),
    "a returned debit of somebody else's charge": (
        "UPDATE payments_debitreturn SET attempt_id = (SELECT min(id) FROM payments_paymentattempt)", {DEBIT},
    ),
    "a returned debit of which a refund was not billed again": (
        f"UPDATE billing_credititem SET refunded_amount = 5 WHERE id = (SELECT credit_item_id FROM payments_payment"
        f" WHERE id = {RETURNED})", {BILLS},
    ),
    "a fee for somebody else": (
        "UPDATE payments_debitreturn SET fee_invoice_id = (SELECT min(id) FROM billing_invoice)", {BILLS},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_one_thing_put_wrong_is_named(scene: Scene, name: str) -> None:
    sql, expected = PLANTS[name]
    found = broken(sql)
    assert found & set(OURS) == expected, found


def test_41_what_a_person_set_aside_need_not_be_booked(scene: Scene) -> None:
    aside = "UPDATE payments_webhookevent SET effect = 'Set aside by boss: a test' WHERE topic = 'return'"
    assert RETURNS not in broken(f"{aside};{PLANTS['a return that was told and not booked'][0]}")


def test_only_the_organization_asked_about_is_proved(scene: Scene) -> None:
    sql = f"{PLANTS['a total that is not of its lines'][0]};{PLANTS['a return that nobody recorded'][0]}"
    assert {ADDS_UP, CLEARING} <= broken(sql, scene.school.pk)
    assert not broken(sql, builders.organization().pk) & set(OURS)
