"""The rules of taxes are seen to bite (22, 45)."""

import pytest
from django.db import connection

from billing.office.acting import acting
from billing.office.models import Organization
from tests import builders
from tests.billing.taxing.test_tax_invoice import issue, priced
from tests.reconciliation.test_verify_books import TRAIL, broken, plant, settle
from tests.taxes import rate, tax_code


@pytest.fixture
def books(db: None) -> Organization:
    """A line by a code with parts, one by an exempt code, and a code of another school."""
    school = builders.organization("taxed", currency="INR")
    with acting(builders.user(school, "clerk"), "test"):
        ada, gst, free = builders.customer(school), tax_code(school), tax_code(school, "Books", kind="exempt")
        rate(gst, "0.18", parts=[("CGST", "0.09"), ("SGST", "0.09")])
        issue(ada, priced(ada, gst, "Lessons", "100.00"))
        issue(ada, priced(ada, free, "Book", "50.00"))
        tax_code(builders.organization("other"), "VAT")
    settle()
    assert broken() == set()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # until the test's transaction ends
    return school


OTHER = "(SELECT id FROM billing_taxcode WHERE name = 'VAT')"
FREE = "(SELECT id FROM billing_taxcode WHERE kind = 'exempt')"
PLANTS = {
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
