"""R157, R132: a statement says what was owed, what moved it and what is owed, and agrees with the aging report."""

from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from billing.errors import BadInput
from billing.models import Allocation, CreditItem, Customer
from billing.office.models import Organization
from billing.office.policies import policies_for
from billing.selectors.aging import aging
from billing.selectors.customer_account import positions
from billing.services.allocating import unallocate
from billing.services.invoicing import issue_credit_memo, void_invoice
from payments.models import Refund
from payments.services.refund_books import lock_refund, release
from receipts.models import IssuedPaper
from receipts.selectors.statements import Account, accounts
from receipts.services.statement_papers import issue_family_statement, issue_statements
from tests import builders
from tests.billing.services.test_moving import move
from tests.builders import NOW, TODAY
from tests.payments.refund_cast import approve, ask, office

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FEB = (date(2026, 2, 1), date(2026, 2, 28))
MARCH = (date(2026, 3, 1), TODAY)


@pytest.fixture
def school() -> Organization:
    return builders.organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada", email="ada@example.com")


def account(customer: Customer, days: tuple[date, date]) -> Account:
    return accounts(customer.organization, [customer.pk], *days)[customer.pk][0]


def told(found: Account) -> list[tuple[str, str, D]]:
    return [(f"{line.on:%d %b}", line.kind, line.amount) for line in found.lines]


def issue(*customers: Customer, days: tuple[date, date] = MARCH) -> list[IssuedPaper]:
    with transaction.atomic():
        return issue_statements(
            organization=customers[0].organization, customers=customers, first=days[0], last=days[1], now=NOW, by=None
        )


def test_R157_opening_movement_and_closing_with_what_is_still_open(school, ada) -> None:
    builders.invoice(ada, "300.00", issued_on=date(2026, 1, 10))
    builders.invoice(ada, "120.00", issued_on=date(2026, 3, 2))
    builders.pay(ada, "350.00", received_on=date(2026, 3, 5))
    found = account(ada, MARCH)
    assert (found.opening, found.closing) == (D("300.00"), D("70.00"))
    assert told(found) == [("02 Mar", "invoice", D("120.00")), ("05 Mar", "payment", D("-350.00"))]
    assert [(item.due_on, item.amount) for item in found.open] == [(date(2026, 4, 1), D("70.00"))]
    assert found.buckets == (D("70.00"), 0, 0, 0, 0) and found.ties
    before = account(ada, FEB)
    assert (before.opening, before.lines, before.closing) == (D("300.00"), [], D("300.00"))
    assert before.buckets == (0, D("300.00"), 0, 0, 0)  # due on 9 February, 19 days late


def test_R157_what_was_void_in_the_same_month_makes_no_noise_and_later_stands_where_it_belongs(school, ada) -> None:
    wrong = builders.invoice(ada, "90.00", issued_on=date(2026, 3, 3))
    earlier = builders.invoice(ada, "40.00", issued_on=date(2026, 2, 3))
    with transaction.atomic():
        void_invoice(invoice=wrong, reason="twice", now=NOW, by=None)
        void_invoice(invoice=earlier, reason="twice", now=NOW, by=None)
    assert told(account(ada, MARCH)) == [("12 Mar", "void", D("-40.00"))]
    assert told(account(ada, FEB)) == [("03 Feb", "invoice", D("40.00"))]
    both = account(ada, (FEB[0], TODAY))
    assert (both.opening, both.lines, both.closing, both.ties) == (0, [], 0, True)


def test_R132_on_every_day_the_statement_the_open_items_and_the_aging_report_agree(school, ada) -> None:
    """Discount, write-off, undo, memo, overpayment, void: every account of the last months ties, whatever its ends."""
    builders.policy(school, "write_off.below", "1.00")
    for amount, days in (("300.00", 120), ("80.00", 70), ("55.50", 40), ("10.00", 3)):
        builders.invoice(ada, amount, issued_on=TODAY - days * DAY, due_on=TODAY - days // 2 * DAY, terms="2/10 net 30")
    builders.pay(ada, "100.00", received_on=TODAY - 65 * DAY)
    taken = builders.pay(ada, "334.75", received_on=TODAY - 20 * DAY, strategy="due_date")
    builders.pay(ada, "90.00", received_on=TODAY - 2 * DAY)
    with transaction.atomic():
        issue_credit_memo(
            organization=school, customer_id=ada.pk, net=D("20.00"), tax=D("0"), currency="USD",
            issued_on=TODAY - DAY, reason="goodwill", now=NOW, by=None,
        )  # fmt: skip
        rows = Allocation.objects.filter(credit_item=taken.payment.credit_item)
        unallocate(allocations=rows, now=NOW, by=None, reason="wrong family")
    seen = set()
    for back in range(0, 130, 9):
        last = TODAY - back * DAY
        for long in (0, 30, 400):
            found = account(ada, (last - long * DAY, last))
            assert found.ties, (last, long, found)
            seen.add((found.opening, found.closing))
    assert len(seen) > 10


def test_R157_a_second_run_makes_nothing_and_a_change_makes_a_version_that_names_the_first(school, ada) -> None:
    builders.invoice(ada, "120.00", issued_on=date(2026, 3, 2))
    [first] = issue(ada)
    [again] = issue(ada)
    assert (again.pk, first.number, first.version) == (first.pk, "STM-2026-00000001", 1)
    builders.pay(ada, "20.00", received_on=date(2026, 3, 5))
    [second] = issue(ada)
    assert (second.version, second.supersedes, second.number) == (2, first, "STM-2026-00000002")
    assert second.content["replaces"] == "STM-2026-00000001" and second.content["amount"] == "100.00"
    assert issue(ada)[0].pk == second.pk and IssuedPaper.objects.count() == 2


def test_R157_three_children_at_different_schools_on_one_paper_in_their_own_currencies(school, ada) -> None:
    parent = builders.user(name="mei")
    taipei = builders.organization(currency="TWD", zone="Asia/Taipei", name="Zhang Piano", local_name="張氏鋼琴")
    third, stranger = builders.organization(name="Studio Three"), builders.customer(school, "Stranger")
    wang, cleo = builders.customer(taipei, "王"), builders.customer(third, "Cleo")
    for one, amount in ((ada, "120.00"), (wang, "3000"), (cleo, "30.00"), (stranger, "999.00")):
        builders.invoice(one, amount, issued_on=date(2026, 3, 2))
        if one is not stranger:
            one.users.add(parent)
    with transaction.atomic():
        paper = issue_family_statement(user=parent, first=MARCH[0], last=MARCH[1], now=NOW, by=parent)
    assert paper.organization is None and paper.number.startswith("FAM-2026-")
    assert paper.content["totals"] == [["TWD", "3000.00"], ["USD", "150.00"]]
    blocks = [(b["school"]["name"], b["currency"], b["closing"]) for b in paper.content["facts"]["blocks"]]
    assert blocks == [
        ("Allegro Music School", "USD", "120.00"), ("Studio Three", "USD", "30.00"), ("Zhang Piano", "TWD", "3000.00"),
    ]  # fmt: skip
    assert "999.00" not in str(paper.content)
    with pytest.raises(BadInput, match="No account at a school"), transaction.atomic():
        issue_family_statement(user=builders.user(), first=MARCH[0], last=MARCH[1], now=NOW, by=None)


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (TODAY, TODAY - DAY, "days_reversed"),
        (TODAY, TODAY + DAY, "in_the_future"),
        (TODAY - 1099 * DAY, TODAY, "period_too_long"),
    ],
)
def test_R157_a_period_that_cannot_be_is_refused(ada, first, last, code) -> None:
    with pytest.raises(BadInput) as refusal:
        issue(ada, days=(first, last))
    assert refusal.value.code == code and IssuedPaper.objects.count() == 0


def test_R157_today_and_three_years_are_allowed(ada) -> None:
    assert issue(ada, days=(TODAY, TODAY))[0].content["amount"] == "0.00"
    assert issue(ada, days=(TODAY - 1098 * DAY, TODAY))[0].version == 1


def test_R157_a_broken_book_gets_no_statement(school, ada) -> None:
    builders.pay(ada, "20.00", received_on=date(2026, 3, 5))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE billing_credititem SET refunded_amount = 5")
    assert CreditItem.objects.get().unapplied_amount == 15
    with pytest.raises(Exception, match="does not agree with the aging report"):
        issue(ada)


def test_R157_many_customers_take_no_more_queries_than_one(school, django_assert_max_num_queries) -> None:
    family: list[Any] = [builders.customer(school) for _n in range(6)]
    for one in family:
        builders.invoice(one, "10.00", issued_on=date(2026, 3, 2))
    with django_assert_max_num_queries(16):
        assert len({paper.number for paper in issue(*family)}) == 6


@pytest.mark.django_db(transaction=True)
def test_R157_while_money_of_the_customer_moves_no_statement_is_read(school, ada, run_in_threads: Any) -> None:
    builders.invoice(ada, "120.00", issued_on=date(2026, 3, 2))

    def impatient(_n: int) -> list[IssuedPaper]:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        return issue(ada)

    with transaction.atomic():
        builders.pay(ada, "120.00")
        (trouble,) = run_in_threads(impatient, 1).errors
    assert isinstance(trouble, OperationalError) and not IssuedPaper.objects.exists()
    assert issue(ada)[0].content["totals"] == [["USD", "0.00"]]


def given_back(school: Organization, ada: Customer) -> tuple[CreditItem, CreditItem, Refund]:
    """Ada paid 100 on 2 March; on the 12th 40 of it went to Ben, who owed 20 and was promised 15 of the rest back."""
    people, ben = office(school), builders.customer(school, "Ben")
    builders.invoice(ben, "20.00", issued_on=date(2026, 2, 12))
    paid = builders.pay(ada, "100.00", received_on=date(2026, 3, 2), by=people.teller, strategy="none")
    item = builders.credit_of(paid.payment)
    moved = move(item, ben, "40.00", people.clerk, people.manager, strategy="fifo")
    way: dict[str, Any] = {
        "destination": "bank_transfer", "destination_reason": "moved money", "payee_account": "12345678",
    }  # fmt: skip
    refund = ask(moved.to_item, "15.00", people.supervisor, **way)
    approve(refund, people.finance)
    return item, moved.to_item, refund


def test_R132_what_was_moved_or_refunded_later_still_lay_there_on_the_day(school, ada) -> None:
    _item, there, _refund = given_back(school, ada)
    then, ben = date(2026, 3, 5), there.customer
    assert [row.unapplied for row in aging(school, then, ada.pk)] == [D("100.00")]
    assert [row.unapplied for row in aging(school, TODAY, ada.pk)] == [D("60.00")]
    assert positions(ada, policies_for(school), then, TODAY)[0].unapplied_amount == D("100.00")
    assert [row.unapplied for row in aging(school, TODAY, ben.pk)] == [D("5.00")]
    for customer in (ada, ben):
        for last in (date(2026, 3, 1), then, TODAY):
            assert account(customer, (FEB[0], last)).ties, (customer, last)
    assert told(account(ada, MARCH)) == [("02 Mar", "payment", D("-100.00")), ("12 Mar", "moved_out", D("40.00"))]
    assert told(account(ben, MARCH)) == [("12 Mar", "transfer", D("-40.00")), ("12 Mar", "refund", D("15.00"))]


def test_R157_a_refund_that_was_withdrawn_the_same_month_makes_no_noise(school, ada) -> None:
    _item, there, refund = given_back(school, ada)
    with transaction.atomic():
        fresh, _customer = lock_refund(refund)
        release(refund=fresh, to="withdrawn", now=NOW, by=None, reason="changed their mind")
    found = account(there.customer, MARCH)
    assert told(found) == [("12 Mar", "transfer", D("-40.00"))] and found.ties
