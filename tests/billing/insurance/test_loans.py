"""Policy loans: lent on a second person's word, billed back with simple interest to the day (source 2 §1.2)."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.errors import BadInput
from billing.ledger.models import JournalEntry, Role
from billing.models import Agreement, Invoice, PolicyLoan
from billing.office import approvals
from billing.office.approvals import ApprovalNeeded, OwnRequest, ShownChanged
from billing.services.insurance.loans import (
    LoanMoved,
    LoanOrder,
    NothingToBill,
    NotLendable,
    ask_for_loan,
    bill_loan,
    due_of,
    fingerprint_of,
    lend,
)
from billing.services.invoicing import void_invoice
from tests.assertions import assert_books_whole, assert_posts, balance
from tests.billing.insurance.cast import JANUARY, LAPSE, at, billed, insurer, lapsed, pay, reread
from tests.builders import user

pytestmark = pytest.mark.django_db
APRIL = date(2026, 4, 15)  # 90 days after 15 January


def lent(
    policy: Agreement, amount: str = "50000.00", *, on: date = JANUARY, rate: str = "0.09", **more: Any
) -> PolicyLoan:
    org = policy.organization
    clerk, manager = user(org, "clerk"), user(org, "manager")
    order = LoanOrder(Decimal(amount), Decimal(rate), on, **more)
    with transaction.atomic():
        asked = ask_for_loan(agreement=policy, order=order, reason="hospital", request_key="k1", now=at(on), by=clerk)
        approvals.decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=manager, now=at(on))
        return lend(agreement=policy, request=asked, now=at(on), by=manager)


def ask_back(loan: PolicyLoan, principal: str, on: date = APRIL, **more: Any) -> list[Invoice]:
    with transaction.atomic():
        found = bill_loan(loan=loan, principal=Decimal(principal), on=on, now=at(on), by=None, **more)
    loan.refresh_from_db()
    return found


def test_a_loan_is_lent_from_the_bank_once_a_second_person_agreed() -> None:
    policy = billed(insurer(**{"approvals.valid_hours": 72}))
    before = set(JournalEntry.objects.values_list("pk", flat=True))
    loan = lent(policy)
    assert (loan.number, loan.interest_until, loan.repaid_amount) == ("LOAN-2026-000001", JANUARY, 0)
    made = JournalEntry.objects.exclude(pk__in=before)
    assert_posts(made, "2026-01-15  policy_loans Dr 50000.00    bank Cr 50000.00")
    assert_books_whole()


def test_whoever_asks_does_not_approve_and_an_approval_lends_once() -> None:
    policy = billed()
    manager = user(policy.organization, "manager")
    order = LoanOrder(Decimal(100), Decimal("0.09"), JANUARY)
    with transaction.atomic():
        asked = ask_for_loan(agreement=policy, order=order, reason="x", request_key="k", now=at(JANUARY), by=manager)
        again = ask_for_loan(agreement=policy, order=order, reason="x", request_key="k", now=at(JANUARY), by=manager)
    assert again == asked
    with pytest.raises(OwnRequest), transaction.atomic():
        approvals.decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=manager, now=at(JANUARY))
    with pytest.raises(ApprovalNeeded), transaction.atomic():
        lend(agreement=policy, request=asked, now=at(JANUARY), by=manager)
    assert not PolicyLoan.objects.exists()


def test_what_changed_since_it_was_shown_is_not_lent() -> None:
    policy = billed()
    clerk, manager = user(policy.organization, "clerk"), user(policy.organization, "manager")
    with transaction.atomic():
        order = LoanOrder(Decimal(100), Decimal("0.09"), JANUARY)
        asked = ask_for_loan(agreement=policy, order=order, reason="x", request_key="k", now=at(JANUARY), by=clerk)
        approvals.decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=manager, now=at(JANUARY))
    policy.customer.name = "John Smith"
    policy.customer.save(update_fields=["name"])
    with pytest.raises(ShownChanged), transaction.atomic():
        lend(agreement=policy, request=asked, now=at(JANUARY), by=manager)


@pytest.mark.parametrize(
    ("order", "field"),
    [
        (LoanOrder(Decimal(0), Decimal("0.09"), JANUARY), "amount"),
        (LoanOrder(Decimal("0.001"), Decimal("0.09"), JANUARY), "amount"),
        (LoanOrder(Decimal(1), Decimal("-0.01"), JANUARY), "rate"),
        (LoanOrder(Decimal(1), Decimal("1.01"), JANUARY), "rate"),
        (LoanOrder(Decimal(1), Decimal("0.09"), date(2026, 1, 16)), "lent_on"),
        (LoanOrder(Decimal(1), Decimal("0.09"), date(2026, 1, 14)), "lent_on"),
        (LoanOrder(Decimal(1), Decimal("0.09"), JANUARY, 999999), "account"),
    ],
)
def test_a_loan_that_makes_no_sense_is_refused_at_its_field(order: LoanOrder, field: str) -> None:
    policy = billed()
    with pytest.raises(BadInput) as refusal, transaction.atomic():
        clerk = user(policy.organization, "clerk")
        ask_for_loan(agreement=policy, order=order, reason="x", request_key="k", now=at(JANUARY), by=clerk)
    assert refusal.value.field == field


def test_a_lapsed_policy_is_not_lent_against() -> None:
    with pytest.raises(NotLendable):
        lent(lapsed(), on=LAPSE)


def test_principal_and_interest_are_billed_as_two_invoices() -> None:
    loan = lent(billed())
    principal, interest = ask_back(loan, "20000.00")
    # 50,000 × 9 % × 90 ÷ 365 = 1,109.589…
    assert (f"{principal.invoiced_amount}", f"{interest.invoiced_amount}") == ("20000.00", "1109.59")
    assert (principal.kind, interest.kind) == ("loan", "interest")
    assert (interest.period_start, interest.period_end) == (date(2026, 1, 16), APRIL)
    assert interest.lines.get().explanation == (
        "₹50,000.00 × 9 percent a year × 90 ÷ 365 = ₹1,109.59: interest from 16 Jan 2026 to 15 Apr 2026."
    )
    assert principal.lines.get().explanation == "₹20,000.00 of the loan of ₹50,000.00 from 15 Jan 2026 is paid back."
    assert (loan.repaid_amount, loan.interest_until) == (20000, APRIL)
    assert balance(loan.organization, Role.POLICY_LOANS, party=loan.customer_id) == 30000
    assert balance(loan.organization, Role.LOAN_INTEREST) == Decimal("-1109.59")
    # from then on 30,000: × 9 % × 30 ÷ 365 = 221.917…
    assert f"{due_of(loan, date(2026, 5, 15)).interest}" == "221.92"
    pay(loan.agreement, "36109.59", APRIL)  # with the premium
    assert_books_whole()


def test_no_more_is_billed_back_than_was_lent() -> None:
    loan = lent(billed())
    with pytest.raises(BadInput) as refusal:
        ask_back(loan, "50000.01")
    assert str(refusal.value) == "Only 50,000.00 of the loan is left."
    ask_back(loan, "50000.00")
    with pytest.raises(NothingToBill):
        ask_back(loan, "0")
    assert balance(loan.organization, Role.POLICY_LOANS) == 0
    assert_books_whole()


def test_a_second_click_bills_nothing() -> None:
    loan = lent(billed())
    seen = fingerprint_of(loan)
    ask_back(loan, "100.00", seen=seen)
    with pytest.raises(LoanMoved):
        ask_back(loan, "100.00", seen=seen)


def test_a_void_gives_principal_and_days_of_interest_back() -> None:
    loan = lent(billed())
    for invoice in ask_back(loan, "20000.00"):
        with transaction.atomic():
            void_invoice(invoice=invoice, reason="asked too early", now=at(APRIL), by=None)
    loan.refresh_from_db()
    assert (loan.repaid_amount, loan.interest_until) == (0, JANUARY)
    assert balance(loan.organization, Role.POLICY_LOANS) == 50000
    assert f"{due_of(loan, APRIL).interest}" == "1109.59"
    assert_books_whole()


def test_interest_voided_in_between_is_not_billed_twice() -> None:
    loan = lent(billed())
    first = ask_back(loan, "0", date(2026, 2, 15))
    ask_back(loan, "0", APRIL)
    with transaction.atomic():
        void_invoice(invoice=first[0], reason="waived", now=at(APRIL), by=None)
    loan.refresh_from_db()
    assert loan.interest_until == APRIL
    assert reread(loan.agreement).state == "active"
    assert_books_whole()
