"""The rules of billing runs are seen to bite (invariants 5, 22, 26, 37)."""

import pytest

from billing.models import Invoice
from billing.models.billing_run import RunKind
from billing.models.installment import ChargeKind
from billing.office.models import Organization
from tests import builders
from tests.agreements import agreement
from tests.billing.runs.cast import bill, charge, monthly, shared, void
from tests.reconciliation.test_verify_books import TRAIL, broken, lift_the_guards, plant, settle

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def books(one_world: None) -> Organization:
    """A run with a plain bill, a shared one with a charge, a credit memo; a voided bill."""
    school = builders.organization("billed")
    ada, ben = builders.customer(school, "Ada"), builders.customer(school, "Ben")
    monthly(ada)
    of = monthly(ben, "100.01")
    shared(of, (ben, "1"), (ada, "1"))
    charge(of, "5.00", kind=ChargeKind.ONE_OFF)
    charge(agreement(ada), "-7.00", kind=ChargeKind.ADJUSTMENT)
    bill(school)
    monthly(ada, "33.00")
    bill(school, kind=RunKind.SUPPLEMENT)
    void(Invoice.objects.get(invoiced_amount="33.00"))
    settle()
    assert broken() == set()
    lift_the_guards()
    return school


PLAIN = "(SELECT min(id) FROM billing_billingrunitem WHERE amount = 90)"
VOIDED = "(SELECT id FROM billing_billingrunitem WHERE amount = 33)"
MEMO = "(SELECT id FROM billing_billingrunitem WHERE amount < 0)"
SHARED = "(SELECT min(id) FROM billing_billingrunitem WHERE amount BETWEEN 52 AND 53)"
DOCUMENT, LINES = "5 bill_is_its_document", "22 bill_is_its_lines"
COVERED, ONCE = "22 billed_period_is_covered", "26 period_is_billed_once"
CHARGED, APPROVED = "26 charge_is_billed_once", "37 run_is_as_approved"
PLANTS = {
    "another amount": (
        f"UPDATE billing_billingrunitem SET amount = 91, net_amount = 91 WHERE id = {PLAIN}",
        {DOCUMENT, LINES, APPROVED},
    ),
    "another customer": (
        f"UPDATE billing_billingrunitem SET customer_id = customer_id + 1 WHERE id = {PLAIN}", {DOCUMENT, APPROVED},
    ),
    "a credit memo of another bill": (
        f"UPDATE billing_billingrunitem SET net_amount = -8, amount = -8 WHERE id = {MEMO}",
        {DOCUMENT, LINES, APPROVED},
    ),
    "billed with an invoice that is void": (
        f"UPDATE billing_billingrunitem SET state = 'billed' WHERE id = {VOIDED}", {DOCUMENT},
    ),
    "void with an invoice that stands": (
        f"UPDATE billing_billingrunitem SET state = 'voided' WHERE id = {PLAIN}", {DOCUMENT, COVERED},
    ),
    "a share that was never billed": (
        f"UPDATE billing_billingrunitem SET state = 'refused', invoice_id = NULL WHERE id = {SHARED}",
        {COVERED, CHARGED},
    ),
    "a billed period that is planned again": (
        f"UPDATE billing_installment SET state = 'planned' WHERE id = (SELECT installment_id FROM"
        f" billing_billingrunitem WHERE id = {PLAIN})",
        {ONCE},
    ),
    "a period billed twice": (
        "DROP INDEX installment_billed_once; UPDATE billing_billingrunitem SET installment_id = (SELECT installment_id"
        f" FROM billing_billingrunitem WHERE id = {PLAIN}), customer_id = (SELECT customer_id FROM"
        f" billing_billingrunitem WHERE id = {PLAIN}) WHERE id = {MEMO}",
        {ONCE, APPROVED},
    ),
    "a billed charge that is open again": (
        "UPDATE billing_charge SET state = 'unbilled' WHERE net_amount = 5", {CHARGED},
    ),
    "a charge of another amount": (
        "UPDATE billing_charge SET net_amount = 6 WHERE net_amount = 5", {CHARGED, "22 charge_line_is_its_amount"},
    ),
    "a charge that names another bill": (
        f"UPDATE billing_charge SET item_id = {PLAIN} WHERE net_amount = 5", {CHARGED},
    ),
    "a bill that was moved to another day": (
        f"UPDATE billing_billingrunitem SET due_on = due_on + 1 WHERE id = {PLAIN}", {APPROVED},
    ),
    "a finished run with a bill to make": (
        f"UPDATE billing_billingrunitem SET state = 'planned', invoice_id = NULL WHERE id = {PLAIN}",
        {APPROVED, COVERED},
    ),
    "a run that billed while it was looked at": (
        "UPDATE billing_billingrun SET state = 'preview' WHERE id = (SELECT min(id) FROM billing_billingrun)",
        {APPROVED},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", PLANTS)
def test_each_rule_bites(books: Organization, what: str) -> None:
    sql, expected = PLANTS[what]
    plant(sql)
    assert broken() - {TRAIL} == expected
