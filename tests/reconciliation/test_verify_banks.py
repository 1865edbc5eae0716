"""Each rule about banks is seen to bite: one thing is put wrong behind the guards, that rule is named."""

from datetime import date

import pytest
from django.db import connection, transaction

from billing.ledger.models import LedgerAccount, Role
from billing.office.acting import acting
from billing.selectors.proof import prove
from reconciliation.services import explaining
from reconciliation.services.undoing import unmatch
from tests.assertions import assert_books_whole
from tests.builders import NOW
from tests.reconciliation.bank_desk import Booked, Sheet, load
from tests.reconciliation.reconciling import Bureau, bureau, opened, paid, signed
from tests.reconciliation.test_verify_books import TRAIL, broken, lift_the_guards, plant, settle

pytestmark = pytest.mark.usefixtures("db")

NINTH, TENTH = date(2026, 3, 9), date(2026, 3, 10)
APART, EXPLAINED = "43 bank_taken_apart", "43 line_feeds_its_amount"
MATCH, LINE, STATEMENT = "reconciliation_match", "reconciliation_statementline", "reconciliation_bankstatement"
SIGNED, ALTERED = "44 signed_by_another_person", "44 reconciliation_is_what_was_signed"
FIRST = f"WHERE id = (SELECT min(id) FROM {MATCH} WHERE kind = 'payment' AND undone_at IS NULL)"
OPEN = "WHERE amount = 5"
ROW = "WHERE state = 'signed'"


@pytest.fixture(scope="module")
def banks(one_world: None) -> Bureau:
    """Two days of one account: payments, a fee, suspense, one undone; signed, opened, signed again."""
    with acting(None, "test"):
        office = bureau("banks")
        load(office.account, Sheet([Booked("100.00", day=NINTH)], first=NINTH, last=NINTH))
        load(
            office.account,
            Sheet([Booked("20.00"), Booked("-2.50", text="fee"), Booked("7.00", text="who"), Booked("5.00")],
                  opening="100.00", number="2"),
        )  # fmt: skip
        first, second, fee, unknown, _open = office.account.lines.order_by("booked_on", "ordinal")
        paid(office, first)
        fees = LedgerAccount.objects.get(organization=office.org, role=Role.SMALL_DIFFERENCES)
        with transaction.atomic():
            explaining.book_bank_item(line=fee, ledger_account=fees, now=NOW, by=office.supervisor)
            explaining.send_to_suspense(line=unknown, now=NOW, by=office.supervisor)
        opened(office, signed(office, NINTH))
        wrong = paid(office, second)
        with transaction.atomic():
            assert wrong.payment is not None
            unmatch(match=wrong, reason="wrong family", now=NOW, by=office.supervisor)
            explaining.match_existing_payment(line=second, payment=wrong.payment, now=NOW, by=office.supervisor)
        signed(office, TENTH)
    settle()
    assert_books_whole()
    return office


PLANTS: dict[str, tuple[str, set[str]]] = {
    "a line that is more": (f"UPDATE {LINE} SET amount = amount + 1 WHERE amount = 5", {"43 statement_adds_up"}),
    "a line of another kind": (f"UPDATE {LINE} SET kind = 'interim' WHERE amount = 5", {"43 line_of_its_statement"}),
    "a line taken back alone": (f"UPDATE {LINE} SET withdrawn = true WHERE amount = 5", {"43 line_of_its_statement"}),
    "a statement that closes elsewhere": (
        f"UPDATE {STATEMENT} SET closing = closing + 1 WHERE number = '2'", {"43 statement_adds_up", TRAIL},
    ),
    "a statement that opens elsewhere": (
        f"UPDATE {STATEMENT} SET opening = opening + 1, closing = closing + 1 WHERE number = '2'",
        {"43 statement_follows", TRAIL},
    ),
    "explained by more than its matches": (f"UPDATE {LINE} SET matched_amount = 1 {OPEN}", {EXPLAINED, APART}),
    "a match of more than its payment": (
        f"UPDATE {MATCH} SET amount = amount + 1 {FIRST}", {"43 match_is_its_payment", EXPLAINED, APART, TRAIL},
    ),
    "suspense of less than was booked": (
        f"UPDATE {MATCH} SET amount = amount - 1 WHERE kind = 'suspense'",
        {"43 match_posts_its_amount", "43 suspense_line_by_line", EXPLAINED, APART, TRAIL},
    ),
    "a fee whose entry is another's": (
        f"UPDATE {MATCH} SET entry_id = (SELECT entry_id FROM {MATCH} WHERE kind = 'suspense')"
        " WHERE kind = 'bank_item'",
        {"43 match_posts_its_amount", TRAIL},
    ),
    "a matched payment not reconciled": (
        "DELETE FROM payments_paymentreconciliation WHERE opened_at IS NULL",
        {"43 matched_is_reconciled", TRAIL},
    ),
    "a payment opened by somebody": (
        "UPDATE payments_paymentreconciliation SET opened_at = opened_at + interval '1 second'"
        " WHERE opened_at IS NOT NULL",
        {"44 match_opened_by_unmatching", TRAIL},
    ),
    "a signed match undone": (
        f"UPDATE {MATCH} SET undone_at = undone_at + interval '1 hour' WHERE undone_at IS NOT NULL",
        {"44 signed_matches_stand", "44 match_opened_by_unmatching", TRAIL},
    ),
    "signed by the preparer": (
        "ALTER TABLE reconciliation_bankreconciliation DROP CONSTRAINT bank_reconciliation_signed_by_another;"
        f"UPDATE reconciliation_bankreconciliation SET signed_by_id = prepared_by_id {ROW}", {SIGNED, TRAIL},
    ),
    "signed by a matcher": (
        "UPDATE reconciliation_bankreconciliation SET content = jsonb_set(content, '{matchers,0,0}',"
        f" to_jsonb(signed_by_id)) {ROW}", {SIGNED, ALTERED},
    ),
    "another balance": (
        f"UPDATE reconciliation_bankreconciliation SET book_balance = book_balance + 1 {ROW}", {ALTERED, TRAIL},
    ),
    "a list made shorter": (
        f"UPDATE reconciliation_bankreconciliation SET content = jsonb_set(content, '{{cleared}}', '[]') {ROW}",
        {ALTERED},
    ),
    "opened on no approval": (
        "UPDATE reconciliation_bankreconciliation SET open_approval_id = approval_id WHERE state = 'opened'",
        {"44 opened_by_the_finance_manager", TRAIL},
    ),
    "a line of another organization": (
        f"UPDATE {LINE} SET organization_id = organization_id + 1 {OPEN}", {"45 bank_work_same_organization"},
    ),
    "a guard asleep": (
        f"ALTER TABLE {MATCH} DISABLE TRIGGER signed_stays; UPDATE {LINE} SET text = 'x' {OPEN}",
        {"3 bank_guards_in_place"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("sql", "bitten"), PLANTS.values(), ids=PLANTS)
def test_each_bites(banks: Bureau, sql: str, bitten: set[str]) -> None:
    lift_the_guards()
    plant(sql)
    assert bitten <= broken()


def test_they_pass_over_what_is_another_organizations(banks: Bureau) -> None:
    lift_the_guards()
    plant(PLANTS["suspense of less than was booked"][0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) + 1 FROM office_organization")
        other = cursor.fetchone()[0]
    assert not {one.rule.name for one in prove(other).broken} & {"suspense_line_by_line", "bank_taken_apart"}
