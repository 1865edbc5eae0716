"""Each rule is seen to bite: books are built whole, one thing is put wrong behind the guards, that rule is named."""

import importlib
import json
import pkgutil
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection, transaction

from billing.models import Allocation
from billing.office import approvals
from billing.office.acting import acting
from billing.office.models import Organization
from billing.selectors.invariants.office import APPEND_ONLY, BESIDES, FROZEN
from billing.selectors.proof import list_rules, prove
from billing.services.allocating import allocate_credit, unallocate
from billing.services.invoicing import issue_credit_memo, void_invoice
from payments.models import Method
from payments.selectors.invariants import charged
from payments.services.voiding import ask_for_void
from receipts.services.counter import ReceiptWish
from receipts.services.voiding import void_with_receipt
from tests import builders, reconciliation
from tests.commands import run

pytestmark = pytest.mark.usefixtures("db")

TRAIL = "46 trail_tells_the_rows"


@pytest.fixture(scope="module")
def books(one_world: None) -> Organization:
    """A school with a bit of everything: each method, discount, write-off, undo, void, credit memo, two customers."""
    school = builders.organization("whole")
    builders.policy(school, "write_off.below", "1.00")
    ada, ben = builders.customer(school, "Ada", email="ada@example.com"), builders.customer(school, "Ben")
    clerk = builders.user(school, "clerk", name="clerk")
    manager = builders.user(school, "manager", name="manager")
    with acting(clerk, "test"):
        for n in range(6):
            builders.invoice(ada, "100.00", number=f"A{n}", tax_rate="0.05")
        builders.invoice(ben, "200.00", number="B1", issued_on=date(2026, 3, 5), terms="2/10 net 30")
        builders.invoice(ben, "50.00")
        for method in Method:
            cheque = builders.cheque() if method == Method.CHEQUE else None
            builders.pay(ada, "60.00", method=method, cheque=cheque, lookalike_reason="another lesson", by=clerk)
        builders.pay(ben, "196.00", first=("B1",), by=clerk)
        builders.pay(ben, "49.50", by=clerk)
        builders.pay(ada, "104.50", by=clerk, wish=ReceiptWish("email"))
        builders.invoice(ben, "40.00")
        wrong = builders.pay(ben, "30.00", by=clerk).payment
        voided = builders.invoice(ben, "10.00", number="B2")
        with transaction.atomic():
            void_invoice(invoice=voided, reason="twice", now=builders.NOW, by=manager)
            memo = issue_credit_memo(
                organization=school, customer_id=ada.pk, net=Decimal("20.00"), tax=Decimal("1.00"), currency="USD",
                issued_on=builders.TODAY, reason="goodwill", now=builders.NOW, by=manager,
            )  # fmt: skip
            allocate_credit(credit_item=memo.credit_item, strategy="fifo", now=builders.NOW, by=manager)
            undone = Allocation.objects.filter(customer=ada, reverses=None).order_by("id")[:1]
            unallocate(allocations=undone, now=builders.NOW, by=manager, reason="moved")
            request = ask_for_void(payment=wrong, reason="typed twice", by=clerk, now=builders.NOW)
            approvals.decide(request=request, approve=True, shown_hash=request.shown_hash, by=manager, now=builders.NOW)
            void_with_receipt(payment=wrong, approval=request, by=manager, now=builders.NOW)
    settle()
    return school


def settle() -> None:
    """What a commit does: the deferred checks, and the seal on the audit trail."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def lift_the_guards() -> None:
    """What a superuser can do: triggers and foreign keys off, until the test's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")


@pytest.fixture
def behind_the_guards(books: Organization) -> None:
    lift_the_guards()


def plant(sql: str) -> None:
    """Statements divided by semicolons, first those that take a constraint away; the last must change something."""
    with connection.cursor() as cursor:
        for statement in sql.split(";"):
            cursor.execute(statement)
        assert cursor.rowcount > 0, f"nothing was planted by: {sql}"


def broken() -> set[str]:
    return {f"{found.rule.number} {found.rule.name}" for found in prove().broken}


def test_whole_books_break_no_rule_and_are_counted(books: Organization) -> None:
    answer = json.loads(run("verify_books", "--json").out)
    assert answer["broken"] == []
    assert answer["holds"] is True
    assert answer["counts"]["payments"] == 12
    assert answer["counts"]["receipts"] == 12
    assert len(answer["audit_chain"]["digest"]) == 64
    assert len({(rule["number"], rule["name"]) for rule in answer["rules"]}) == len(answer["rules"]) > 40
    assert Allocation.objects.filter(kind="discount").exists()
    assert Allocation.objects.filter(kind="write_off").exists()


ONE_LINE = "(SELECT min(id) FROM ledger_journalline)"
ONE_PAYMENT = "(SELECT min(id) FROM payments_payment WHERE state = 'processed')"
ONE_ALLOCATION = "(SELECT max(id) FROM billing_allocation WHERE kind = 'credit' AND reverses_id IS NULL)"
B1 = "(SELECT id FROM billing_invoice WHERE number = 'B1')"

PLANTS: dict[str, tuple[str, set[str]]] = {
    "one wrong cent in a journal line": (
        f"UPDATE ledger_journalline SET debit = debit + 0.01 WHERE id = {ONE_LINE}",
        {"1 entry_balances", "5 invoice_is_posted", "6 trial_balance", "7 receivable_control", TRAIL},
    ),
    "a line on both sides": (
        "ALTER TABLE ledger_journalline DROP CONSTRAINT journal_line_one_side;"
        f"UPDATE ledger_journalline SET debit = debit + 1, credit = 1 WHERE id = {ONE_LINE}",
        {"2 line_one_side", TRAIL},
    ),
    "half a cent": (
        "ALTER TABLE billing_promisetopay DROP CONSTRAINT promise_amount_fits_currency;"
        "INSERT INTO billing_promisetopay (customer_id, currency, amount, promised_on, note, taken_at, taken_by_id)"
        " SELECT min(c.id), 'TWD', 0.50, '2026-04-01', '', now(), min(u.id) FROM billing_customer c, office_user u",
        {"2 amounts_fit_currency", TRAIL},
    ),
    "an invoice whose entry is another's": (
        "UPDATE billing_invoice SET entry_id = (SELECT entry_id FROM billing_invoice WHERE number = 'A0')"
        " WHERE number = 'B1'",
        {"5 invoice_is_posted", "5 entry_has_document", "5 tax_is_posted", TRAIL},
    ),
    "one wrong cent in an allocation": (
        f"UPDATE billing_allocation SET amount = amount + 0.01 WHERE id = {ONE_ALLOCATION}",
        {"5 allocation_is_posted", "16 applied_is_allocated", "17 open_is_what_is_left", TRAIL},
    ),
    "a moved counter on a credit item": (
        "UPDATE billing_credititem SET applied_amount = applied_amount - 0.01 WHERE id ="
        " (SELECT max(id) FROM billing_credititem WHERE kind = 'payment' AND applied_amount > 0)",
        {"8 unapplied_control", "16 applied_is_allocated", TRAIL},
    ),
    "a moved counter on an invoice": (
        f"UPDATE billing_invoice SET applied_amount = applied_amount - 0.01 WHERE id = {B1}",
        {"7 receivable_control", "17 open_is_what_is_left", TRAIL},
    ),
    "a credit memo that lost its credit": (
        "UPDATE billing_creditmemo SET net_amount = net_amount - 1",
        {"5 credit_memo_is_posted", TRAIL},
    ),
    "a credit memo's item with more in it": (
        "UPDATE billing_credititem SET refunded_amount = 0, applied_amount = applied_amount - 1"
        " WHERE kind = 'credit_memo'",
        {"8 customer_credit_control", "16 applied_is_allocated", TRAIL},
    ),
    "money under another method": (
        f"UPDATE payments_payment SET method = 'cheque' WHERE id = {ONE_PAYMENT}",
        {"5 payment_is_posted", "11 money_on_hand", "11 cash_on_hand", TRAIL},
    ),
    "a payment of another amount": (
        f"UPDATE payments_payment SET amount = amount + 0.01 WHERE id = {ONE_PAYMENT}",
        {
            "5 payment_is_posted",
            "11 money_on_hand",
            "11 cash_on_hand",
            "15 payment_and_its_credit",
            "39 receipt_of_payment",
            TRAIL,
        },
    ),
    "a month that vanished": (
        "DELETE FROM ledger_period WHERE month = '2026-02-01'",
        {"12 entry_in_a_month", TRAIL},
    ),
    "a reversal that does not mirror": (
        "UPDATE ledger_journalline SET department = department, party = party + 100000 WHERE party IS NOT NULL AND"
        " entry_id = (SELECT min(id) FROM ledger_journalentry WHERE event = 'payment_received_reversed')",
        {"8 unapplied_control", "13 reversal_mirrors", TRAIL},
    ),
    "a void invoice that stands": (
        "UPDATE billing_invoice SET voided_on = NULL WHERE number = 'B2'",
        {"7 receivable_control", "13 void_invoice_is_mirrored", TRAIL},
    ),
    "a void payment that stands": (
        "UPDATE payments_payment SET state = 'processed' WHERE state = 'voided'",
        {
            "11 money_on_hand",
            "11 cash_on_hand",
            "13 void_is_mirrored",
            "15 payment_and_its_credit",
            "39 receipt_of_payment",
            TRAIL,
        },
    ),
    "a hole in the journal's numbers": (
        "UPDATE ledger_journalentry SET number = 9999 WHERE number = 3",
        {"14 journal_numbers", TRAIL},
    ),
    "a credit item that does not add up": (
        "ALTER TABLE billing_credititem DROP CONSTRAINT credit_item_reversed_is_empty;"
        "UPDATE billing_credititem SET reversed_on = available_on WHERE id = (SELECT max(id) FROM billing_credititem"
        " WHERE kind = 'payment' AND unapplied_amount = 0 AND reversed_on IS NULL)",
        {"15 credit_adds_up", "15 payment_and_its_credit", TRAIL},
    ),
    "money of Ada's on an invoice of Ben's": (
        f"UPDATE billing_allocation SET customer_id = customer_id + 1 WHERE id = {ONE_ALLOCATION}",
        {"5 allocation_is_posted", "18 allocation_within_customer", TRAIL},
    ),
    "an undo that does not mirror": (
        "UPDATE billing_allocation SET kind = 'discount' WHERE reverses_id IS NOT NULL AND kind = 'credit'",
        {"5 allocation_is_posted", "16 applied_is_allocated", "17 open_is_what_is_left", "19 undo_mirrors", TRAIL},
    ),
    "an invoice line changed": (
        f"UPDATE billing_invoiceline SET net_amount = net_amount + 1 WHERE invoice_id = {B1}",
        {"22 lines_add_up", TRAIL},
    ),
    "a discount won too late": (
        f"UPDATE billing_invoice SET discount_until = issued_on WHERE id = {B1}",
        {"24 discount_once", TRAIL},
    ),
    "more given back than came in": (
        "ALTER TABLE billing_credititem DROP CONSTRAINT credit_item_not_over_applied;"
        "UPDATE billing_credititem SET refunded_amount = 1 WHERE id = (SELECT max(id) FROM billing_credititem"
        " WHERE kind = 'payment' AND unapplied_amount = 0 AND reversed_on IS NULL)",
        {"8 unapplied_control", "15 credit_adds_up", "16 refunded_is_reserved", "36 refunds_within_amount", TRAIL},
    ),
    "a void that lost its entry": (
        "UPDATE payments_paymentvoid SET entry_id = NULL",
        {"5 payment_entry_has_payment", "13 void_is_mirrored", TRAIL},
    ),
    "a checker without the right": (
        "UPDATE office_membership SET withdrawn_at = '2026-03-01T00:00:00Z' WHERE role = 'manager'",
        {"37 maker_is_not_checker", TRAIL},
    ),
    "a maker who checked": (
        "ALTER TABLE office_approvalrequest DROP CONSTRAINT approval_maker_is_not_checker;"
        "UPDATE office_approvalrequest SET decided_by_id = requested_by_id",
        {"37 maker_is_not_checker", TRAIL},
    ),
    "facts other than those approved": (
        'UPDATE office_approvalrequest SET shown = shown || \'{"amount": "1.00"}\'',
        {"37 approved_is_what_was_shown", TRAIL},
    ),
    "a hole in our invoice numbers": (
        "UPDATE billing_invoice SET number = 'INV-2026-00000007' WHERE number = 'INV-2026-00000001'",
        {"5 invoice_is_posted", "39 invoice_numbers", TRAIL},
    ),
    "a credit memo with a number of its own": (
        "UPDATE billing_creditmemo SET number = 'CM-2026-00000002'",
        {"5 credit_memo_is_posted", "39 credit_memo_numbers", TRAIL},
    ),
    "a hole in the payment numbers": (
        "UPDATE office_numberseries SET last = last + 1 WHERE series = 'PAY'",
        {"39 payment_numbers"},
    ),
    "a hole in the transaction numbers": (
        "UPDATE office_numberseries SET last = last + 1 WHERE series = 'TXN'",
        {"39 transaction_numbers"},
    ),
    "a receipt that is gone": (
        f"DELETE FROM receipts_receipt WHERE payment_id = {ONE_PAYMENT}",
        {"39 receipt_of_payment", "39 receipt_numbers", TRAIL},
    ),
    "a receipt that says another amount": (
        'UPDATE receipts_receipt SET content = content || \'{"amount": "61.00"}\' WHERE payment_id = ' + ONE_PAYMENT,
        {"39 receipt_of_payment", TRAIL},
    ),
    "a file row taken twice": (
        "DROP INDEX payment_source_reference_once;"
        " UPDATE payments_payment SET source_reference = 'bank-17' WHERE id IN"
        " (SELECT id FROM payments_payment ORDER BY id LIMIT 2)",
        {"40 request_once", TRAIL},
    ),
    "a mail about a receipt that is not there": (
        "UPDATE office_notice SET fact = 'receipt:0' WHERE kind = 'receipt'",
        {"42 receipt_mail_has_fact"},
    ),
    "a row of another organization": (
        f"UPDATE billing_invoice SET organization_id = organization_id + 1 WHERE id = {B1}",
        {"45 same_organization", TRAIL},
    ),
    "a customer that is gone": (
        "DELETE FROM billing_customer WHERE name = 'Ben'",
        {"45 references_exist", TRAIL},
    ),
    "an audit row deleted": (
        "DELETE FROM office_auditentry WHERE id = (SELECT max(id) FROM office_auditentry"
        " WHERE table_name = 'office_numberseries' OR operation = 'update')",
        {"46 audit_chain", TRAIL},
    ),
    "an audit row rewritten": (
        "UPDATE office_auditentry SET actor = 'somebody else' WHERE id = (SELECT min(id) FROM office_auditentry)",
        {"46 audit_chain"},
    ),
    "a row nobody wrote down": (
        "INSERT INTO billing_household (organization_id, name) SELECT min(id), 'Quiet' FROM office_organization",
        {TRAIL},
    ),
}


@pytest.mark.parametrize("what", PLANTS)
def test_a_fault_is_named_by_its_rules_and_no_other(what: str, books: Organization, behind_the_guards: None) -> None:
    sql, expected = PLANTS[what]
    plant(sql)
    assert broken() == expected


GUARDS = [
    ("ledger_journalline", "append_only", "3 guards_in_place"),
    ("billing_invoice", "frozen", "3 guards_in_place"),
    ("billing_attendance", "append_only_whole", "3 guards_in_place"),
    ("billing_earning", "frozen", "3 guards_in_place"),
    ("billing_billingrunitem", "run_item_stays", "3 guards_in_place"),
    ("billing_installment", "billed_stays", "3 guards_in_place"),
    ("billing_packageuse", "package_adds_up", "3 guards_in_place"),
    ("payments_payment", "frozen", "3 payment_guards_in_place"),
    ("receipts_receipt", "frozen_whole", "3 receipt_guards_in_place"),
    ("reconciliation_booksproof", "append_only", "3 closing_guards_in_place"),
    ("reconciliation_dayclose", "day_closed_once", "3 closing_guards_in_place"),
    ("reconciliation_monthpack", "frozen", "3 closing_guards_in_place"),
]


@pytest.mark.parametrize(("table", "guard", "rule"), GUARDS)
def test_a_guard_switched_off_is_named(table: str, guard: str, rule: str, books: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {guard}")
    assert broken() == {rule}


def test_every_guard_of_what_is_owed_is_watched() -> None:
    """A new table's guards are in the list that the proof goes by; the trail has a rule of its own.

    What payments asks of an agreement is in payments' list.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname::text FROM pg_trigger WHERE NOT tgisinternal"
            " AND tgrelid::regclass::text ~ '^(billing|ledger|office)_' AND tgname !~ '^audit_'"
        )
        there = set(cursor.fetchall())
    watched = {(table, name) for table in APPEND_ONLY for name in ("append_only", "append_only_whole")}
    watched |= {(table, name) for table in FROZEN for name in ("frozen", "frozen_whole")}
    watched |= {(table, name) for table, names in BESIDES.items() for name in names.split()}
    watched |= {("billing_agreement", name) for name in charged.BESIDES["billing_agreement"].split()}
    assert watched == there


def test_every_rule_is_seen_to_bite() -> None:
    """Here or in a file beside this one: each has its PLANTS."""
    beside = [found.name for found in pkgutil.iter_modules(reconciliation.__path__, "tests.reconciliation.")]
    files = [importlib.import_module(name) for name in beside if ".test_verify_" in name]
    bitten = {name for file in files for _sql, expected in file.PLANTS.values() for name in expected}
    bitten |= {rule for _table, _guard, rule in GUARDS}
    assert {f"{rule.number} {rule.name}" for rule in list_rules()} == bitten


def test_the_command_names_what_is_broken_and_exits_with_one(books: Organization, behind_the_guards: None) -> None:
    assert run("verify_books").code == 0
    plant(f"UPDATE billing_invoice SET applied_amount = applied_amount - 0.01 WHERE id = {B1}")
    ran = run("verify_books")
    assert ran.code == 1
    assert "The books are broken: 7 receivable_control, 17 open_is_what_is_left, 46 trail_tells_the_rows." in ran.err
    assert "BROKEN 17 open_is_what_is_left" in ran.out
    assert "What an invoice has open is its total less what was applied" in ran.out
    assert "number B1, invoiced_amount 200.00, open_amount 0.01" in ran.out
    assert "BROKEN  7" in ran.out


def test_one_organization_is_proved_by_itself(books: Organization) -> None:
    builders.invoice(builders.customer(builders.organization("other")), "80.00", number="O1")
    settle()
    lift_the_guards()
    plant("UPDATE billing_invoiceline SET net_amount = 81 WHERE invoice_id IN "
          "(SELECT id FROM billing_invoice WHERE number = 'O1')")  # fmt: skip
    assert "22 lines_add_up" in broken()
    assert "22 lines_add_up" not in run("verify_books", "--organization", "whole").err
    assert "22 lines_add_up" in run("verify_books", "--organization", "other").err
    assert run("verify_books", "--organization", "nobody").code == 1
