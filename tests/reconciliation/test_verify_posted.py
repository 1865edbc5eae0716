"""The rules of the general ledger are seen to bite (R138 to R143)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.ledger.models import GlExport, LedgerAccount
from billing.office.acting import acting
from billing.office.documents import path_of
from billing.office.models import ApprovalRequest, Organization
from billing.services.books.adjusting import (
    AdjustmentOrder,
    LineOrder,
    make_adjustment,
    post_adjustment,
    reverse_adjustment,
)
from billing.services.books.exporting import store_export
from tests import builders, deeds
from tests.billing.books.cast import LATER, post, taken
from tests.reconciliation.test_verify_books import TRAIL, broken, lift_the_guards, plant, settle

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def books(one_world: None) -> Organization:
    """Posted, adjusted, the adjustment taken back, exported twice; something waits for the next run."""
    with acting(None, "test"):
        school = taken("posted")
        fin, fay = (builders.user(school, "finance_manager", name=name) for name in ("fin", "fay"))
        accounts = {one.role: one.pk for one in LedgerAccount.objects.filter(organization=school, is_default=True)}
        lines = (
            LineOrder(accounts["revenue"], debit=Decimal(30)),
            LineOrder(accounts["late_fees"], credit=Decimal(30)),
        )
        with transaction.atomic():
            order = AdjustmentOrder(date(2026, 3, 10), "USD", "moved", "misposted", lines)
            made = make_adjustment(organization=school, order=order, request_key="a", now=builders.NOW, by=fin)
        for step in (1, 2):
            asked = ApprovalRequest.objects.latest("id")
            with transaction.atomic():
                post_adjustment(request=deeds.decide(asked, fay), by=fay, now=builders.NOW)
            if step == 1:
                with transaction.atomic():
                    reverse_adjustment(
                        adjustment=made, entry_date=date(2026, 3, 11), reason="no", request_key="b", now=builders.NOW,
                        by=fin,
                    )  # fmt: skip
        post(school)
        _export(school)
        builders.pay(builders.customer(school), "9.00", received_on=date(2026, 3, 11))
        post(school)
        _export(school)
        post(school, now=LATER + timedelta(hours=3))
        builders.pay(builders.customer(school), "3.00", now=LATER + timedelta(hours=3))
    settle()
    assert broken() == set()
    lift_the_guards()
    return school


def _export(school: Organization) -> None:
    with transaction.atomic():
        store_export(
            organization=school, layout="csv", first=date(2026, 2, 1), last=date(2026, 3, 11), now=LATER, by=None
        )


CASH = "(SELECT min(id) FROM ledger_glbatch WHERE payment_type = 'cash')"
CASH_ENTRY = f"(SELECT min(entry_id) FROM ledger_glbatchentry WHERE batch_id = {CASH})"
FIRST = "(SELECT min(id) FROM ledger_adjustmententry)"
BACK = "(SELECT max(id) FROM ledger_adjustmententry)"
LINES, HOLES = "16 gl_batch_is_its_lines", "39 gl_batch_numbers_have_no_holes"
PLANTS = {
    "an entry in no batch": (
        f"DELETE FROM ledger_glbatchentry WHERE batch_id = {CASH}", {"5 gl_has_every_entry", LINES},
    ),
    "an entry in two batches": (
        "ALTER TABLE ledger_glbatchentry DROP CONSTRAINT ledger_glbatchentry_entry_id_key;"
        "INSERT INTO ledger_glbatchentry (organization_id, batch_id, entry_id) SELECT organization_id,"
        f" {CASH}, entry_id FROM ledger_glbatchentry WHERE batch_id = {CASH}",
        {"5 gl_entry_once", LINES},
    ),
    "an entry in a batch of another day": (
        f"UPDATE ledger_glbatch SET day = day - 1 WHERE id = {CASH}", {"5 gl_has_every_entry", LINES, TRAIL},
    ),
    "of another currency": (
        f"UPDATE ledger_glbatch SET currency = 'TWD' WHERE id = {CASH}", {"5 gl_has_every_entry", TRAIL},
    ),
    "an entry that is gone": (
        f"UPDATE ledger_glbatchentry SET entry_id = 0 WHERE batch_id = {CASH}",
        {"5 gl_entry_once", "5 gl_has_every_entry", "45 references_exist", LINES},
    ),
    "control totals of another sum": (
        f"UPDATE ledger_glbatch SET debit_amount = 61, credit_amount = 61 WHERE id = {CASH}", {LINES, TRAIL},
    ),
    "a count of entries that is wrong": (
        f"UPDATE ledger_glbatch SET entry_count = 2 WHERE id = {CASH}", {LINES, TRAIL},
    ),
    "another hash": (
        f"UPDATE ledger_glbatch SET content_hash = repeat('0', 64) WHERE id = {CASH}", {LINES, TRAIL},
    ),
    "a department changed after posting": (
        f"UPDATE ledger_journalline SET department = 'dance' WHERE entry_id = {CASH_ENTRY}", {LINES, TRAIL},
    ),
    "posted without balance": (
        "ALTER TABLE ledger_glbatch DROP CONSTRAINT gl_batch_posted_is_balanced;"
        f"UPDATE ledger_glbatch SET debit_amount = 61 WHERE id = {CASH}",
        {"6 gl_batch_balances", LINES, TRAIL},
    ),
    "suspended for no reason": (
        "ALTER TABLE ledger_glbatch DROP CONSTRAINT gl_batch_posted_is_balanced;"
        f"UPDATE ledger_glbatch SET state = 'suspended', posted_at = NULL WHERE id = {CASH}",
        {"6 gl_batch_balances", TRAIL},
    ),
    "a hole in the numbers of batches": (
        f"UPDATE ledger_glbatch SET number = 'GLB-2026-000099' WHERE id = {CASH}", {HOLES, TRAIL},
    ),
    "an adjustment that says another amount": (
        f"UPDATE ledger_adjustmententry SET amount = 31 WHERE id = {FIRST}", {"5 adjustment_is_posted", TRAIL},
    ),
    "an adjustment of other lines than were posted": (
        f"UPDATE ledger_adjustmentline SET project = 'x' WHERE adjustment_id = {FIRST}",
        {"5 adjustment_is_posted", TRAIL},
    ),
    "a document that is gone": (
        f"DELETE FROM ledger_adjustmentline WHERE adjustment_id = {BACK};"
        f"DELETE FROM ledger_adjustmententry WHERE id = {BACK}",
        {"5 adjusted_entry_has_document", "39 adjustment_numbers_have_no_holes", TRAIL},
    ),
    "an adjustment that takes back nothing": (
        f"UPDATE ledger_adjustmententry SET reverses_id = NULL WHERE id = {BACK}", {"5 adjustment_is_posted", TRAIL},
    ),
    "an adjustment of a control account": (
        "UPDATE ledger_ledgeraccount SET role = 'refunds_payable', is_default = false WHERE role = 'late_fees'",
        {"8 adjustment_leaves_control_accounts", TRAIL},
    ),
    "made by who approved it": (
        "UPDATE ledger_adjustmententry d SET made_by_id = r.decided_by_id FROM office_approvalrequest r"
        f" WHERE r.id = d.approval_id AND d.id = {FIRST}",
        {"37 adjustment_is_agreed", TRAIL},
    ),
    "an export of another hash": (
        "UPDATE ledger_glexport SET content_hash = repeat('0', 64) WHERE supersedes_id IS NULL",
        {"16 gl_export_is_its_file", TRAIL},
    ),
    "an export that does not balance": (
        """UPDATE ledger_glexport SET totals = '{"USD": {"debit": "1.00", "credit": "2.00", "lines": 2}}'"""
        " WHERE supersedes_id IS NULL",
        {"16 gl_export_balances", TRAIL},
    ),
    "an export that supersedes one of other days": (
        "UPDATE ledger_glexport SET first_on = first_on - 1 WHERE supersedes_id IS NULL",
        {"16 gl_export_balances", TRAIL},
    ),
    "a hole in the numbers of exports": (
        "UPDATE ledger_glexport SET number = 'GLX-2026-000007' WHERE supersedes_id IS NULL",
        {"39 gl_export_numbers_have_no_holes", TRAIL},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_what_is_wrong_with_the_general_ledger_is_named(books: Organization, name: str) -> None:
    sql, rules = PLANTS[name]
    plant(sql)
    assert broken() == rules


def test_an_export_whose_file_is_gone_is_named(books: Organization) -> None:
    path_of(GlExport.objects.earliest("id").stored_as).unlink()
    assert broken() == {"16 gl_export_is_its_file"}
