"""Invoices and credit memos (R10, R86, R124, R137, R139; invariants 14, 20, 22)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.errors import BadInput, NotFound
from billing.ledger.models import JournalEntry
from billing.ledger.periods import close_period
from billing.models import Invoice
from billing.office.models import Organization
from billing.services.invoicing import (
    InvoiceOrder,
    LineOrder,
    NotVoidable,
    issue_credit_memo,
    issue_invoices,
    void_invoice,
)
from tests.assertions import assert_books_whole, assert_posts
from tests.builders import NOW, TODAY, customer, invoice, organization, pay

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def ada(school):
    return customer(school)


def issue(payer, *lines: LineOrder, **details: Any) -> Invoice:
    facts = {"customer_id": payer.pk, "lines": lines, "issued_on": TODAY, "currency": "USD"} | details
    with transaction.atomic():
        return issue_invoices(organization=payer.organization, orders=[InvoiceOrder(**facts)], now=NOW, by=None)[0]


def test_R10_R86_total_is_net_and_tax_rounded_once_a_line(ada) -> None:
    made = issue(
        ada, LineOrder("Lessons", D("33.33"), D(3), D("0.0825")), LineOrder("Book", D("0.10"), tax_rate=D("0.05")),
        LineOrder("Sibling", D("-10")),
    )  # fmt: skip
    assert list(made.lines.values_list("net_amount", "tax_amount")) == [
        (D("99.99"), D("8.25")), (D("0.10"), D("0.01")), (D("-10.00"), D("0.00")),
    ]  # fmt: skip
    assert (made.net_amount, made.tax_amount, made.invoiced_amount) == (D("90.09"), D("8.26"), D("98.35"))
    assert_posts(ada.organization, "2026-03-12  accounts_receivable Dr 98.35  revenue Cr 90.09  tax_payable Cr 8.26")
    assert_books_whole()


def test_whole_dollars_in_taiwan(school) -> None:
    wang = customer(organization(currency="TWD"))
    made = issue(wang, LineOrder("Gas", D("100.50"), tax_rate=D("0.05")), currency="TWD")
    assert (made.net_amount, made.tax_amount, made.invoiced_amount) == (101, 5, 106)


def test_what_was_taken_over_is_no_revenue_here_and_a_fee_is_its_own(ada) -> None:
    issue(ada, LineOrder("Old", D(50)), is_opening=True)
    issue(ada, LineOrder("Late", D(7)), kind="fee")
    assert_posts(ada.organization, """
        2026-03-12  accounts_receivable Dr 50  opening_balance Cr 50
        2026-03-12  accounts_receivable Dr 7   late_fees Cr 7""")  # fmt: skip


@pytest.mark.parametrize(
    ("details", "field", "code"),
    [
        ({"lines": []}, "amount", "not_positive"),
        ({"lines": [LineOrder("Nothing", D(0))]}, "amount", "not_positive"),
        ({"due_on": TODAY - timedelta(days=1)}, "due_on", "due_before_issue"),
    ],
)
def test_an_invoice_of_nothing_or_due_before_it_exists_is_refused(ada, details, field: str, code: str) -> None:
    with pytest.raises(BadInput) as refusal:
        issue(ada, *details.pop("lines", [LineOrder("Lessons", D(5))]), **details)
    assert (refusal.value.field, refusal.value.code) == (field, code)
    assert not JournalEntry.objects.exists()


def test_45_the_customer_is_the_organizations_own(school) -> None:
    eve = customer(organization())
    with pytest.raises(NotFound), transaction.atomic():
        facts = InvoiceOrder(customer_id=eve.pk, lines=[LineOrder("x", D(5))], issued_on=TODAY, currency="USD")
        issue_invoices(organization=school, orders=[facts], now=NOW, by=None)


def test_numbers_run_through_unless_given(ada) -> None:
    numbers = [issue(ada, LineOrder("x", D(5)), **more).number for more in ({}, {"number": "OLD-7"}, {})]
    assert numbers == ["INV-2026-00000001", "OLD-7", "INV-2026-00000002"]


def test_an_invoice_of_a_closed_month_is_booked_in_the_next_open_one(ada, school) -> None:
    close_period(organization_id=school.pk, month=date(2026, 2, 1), now=NOW, by_id=None)
    assert invoice(ada, 5, issued_on=date(2026, 2, 5)).entry.entry_date == date(2026, 3, 1)


class TestVoiding:
    def test_it_mirrors_the_entry_today_and_keeps_the_number(self, ada) -> None:
        made = invoice(ada, 100, tax_rate="0.05")
        with transaction.atomic():
            void_invoice(invoice=made, reason="twice", now=NOW, by=None)
        made.refresh_from_db()
        assert (made.open_amount, made.voided_on, made.number) == (0, TODAY, "INV-2026-00000001")
        assert_posts(ada.organization, """
            2026-02-12  accounts_receivable Dr 105  revenue Cr 100  tax_payable Cr 5
            2026-03-12  accounts_receivable Cr 105  revenue Dr 100  tax_payable Dr 5""")  # fmt: skip
        assert_books_whole()

    def test_one_of_a_later_day_is_not_mirrored_before_it_exists(self, ada) -> None:
        made = invoice(ada, 100, issued_on=date(2026, 4, 1))
        with transaction.atomic():
            void_invoice(invoice=made, reason="twice", now=NOW, by=None)
        assert set(JournalEntry.objects.values_list("entry_date", flat=True)) == {date(2026, 4, 1)}

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_a_reason_is_needed(self, ada, reason: str) -> None:
        with pytest.raises(BadInput, match=r"A reason is needed\."), transaction.atomic():
            void_invoice(invoice=invoice(ada, 5), reason=reason, now=NOW, by=None)

    def test_not_what_money_was_set_against_nor_twice(self, ada) -> None:
        first, second = invoice(ada, 100, number="A"), invoice(ada, 100, number="B")
        pay(ada, 1)
        with pytest.raises(NotVoidable, match="Money was set against invoice A"), transaction.atomic():
            void_invoice(invoice=first, reason="twice", now=NOW, by=None)
        void_invoice(invoice=second, reason="twice", now=NOW, by=None)
        with pytest.raises(NotVoidable), transaction.atomic():
            void_invoice(invoice=second, reason="twice", now=NOW, by=None)


@pytest.mark.parametrize(
    ("net", "tax", "reason", "code"),
    [("0", "0", "x", "not_positive"), ("-5", "0", "x", "not_positive"), ("5", "-1", "x", "not_positive"),
     ("0.005", "0", "x", "not_positive"), ("5", "0", " ", "reason_required")],
)  # fmt: skip
def test_a_credit_memo_gives_something_back_for_a_reason(ada, school, net, tax, reason, code: str) -> None:
    with pytest.raises(BadInput) as refusal, transaction.atomic():
        issue_credit_memo(
            organization=school, customer_id=ada.pk, net=D(net), tax=D(tax), currency="USD", issued_on=TODAY,
            reason=reason, now=NOW, by=None,
        )  # fmt: skip
    assert refusal.value.code == code
