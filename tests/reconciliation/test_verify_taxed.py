"""The rules of taxes are seen to bite (5, 22, 45)."""

from decimal import Decimal

import pytest
from django.db import transaction

from billing.office.acting import acting
from billing.office.models import Organization
from billing.services.invoicing import issue_credit_memo
from tests import builders
from tests.billing.taxing.test_tax_invoice import issue, priced
from tests.reconciliation.test_verify_books import TRAIL, broken, lift_the_guards, plant, settle
from tests.taxes import rate, tax_code

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def books(one_world: None) -> Organization:
    """A line by a code with parts, one by an exempt code, a credit memo, and a code of another school."""
    school = builders.organization("taxed", currency="INR")
    with acting(builders.user(school, "clerk"), "test"):
        ada, gst, free = builders.customer(school), tax_code(school), tax_code(school, "Books", kind="exempt")
        rate(gst, "0.18", parts=[("CGST", "0.09"), ("SGST", "0.09")])
        issue(ada, priced(ada, gst, "Lessons", "100.00"))
        issue(ada, priced(ada, free, "Book", "50.00"))
        with transaction.atomic():
            issue_credit_memo(
                organization=school, customer_id=ada.pk, net=Decimal(10), tax=Decimal("1.80"), currency="INR",
                issued_on=builders.TODAY, reason="one lesson less", now=builders.NOW, by=None,
            )  # fmt: skip
        tax_code(builders.organization("other"), "VAT")
    settle()
    assert broken() == set()
    lift_the_guards()
    return school


OTHER = "(SELECT id FROM billing_taxcode WHERE name = 'VAT')"
FREE = "(SELECT id FROM billing_taxcode WHERE kind = 'exempt')"
TAX = "account_id IN (SELECT id FROM ledger_ledgeraccount WHERE role = 'tax_payable')"
AS_REVENUE = (
    "UPDATE ledger_journalline l SET account_id = (SELECT id FROM ledger_ledgeraccount a WHERE role = 'revenue'"
    f" AND a.organization_id = l.organization_id) WHERE {TAX}"
)
PLANTS = {
    "tax of an invoice booked as revenue": (f"{AS_REVENUE} AND credit > 0", {"5 tax_is_posted"}),
    "tax of a credit memo taken off revenue": (f"{AS_REVENUE} AND debit > 0", {"5 tax_is_posted"}),
    "parts that make another rate": (
        "UPDATE billing_taxrate SET rate = 0.19", {"22 rate_parts_add_up"},
    ),
    "a code of another school": (
        f"UPDATE billing_invoiceline SET tax_code_id = {OTHER} WHERE tax_amount > 0", {"45 line_is_taxed_by_own_code"},
    ),
    "tax by an exempt code": (
        f"UPDATE billing_invoiceline SET tax_code_id = {FREE} WHERE tax_amount > 0", {"22 exempt_code_takes_nothing"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", PLANTS)
def test_a_planted_fault_is_found_by_its_rule_and_no_other(fault: str, books: Organization) -> None:
    sql, expected = PLANTS[fault]
    plant(sql)
    assert broken() - {TRAIL} == expected
