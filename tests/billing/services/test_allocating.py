"""Setting kept credit against invoices, taking it back, distributing it anew (R121-R126, invariants 13, 16-19)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.errors import BadInput, NotFound
from billing.ledger.models import JournalEntry
from billing.ledger.periods import close_period
from billing.models import Allocation, CreditItem, Invoice
from billing.office.models import Organization
from billing.services.allocating import (
    AlreadyUndone,
    NothingFree,
    allocate_credit,
    reallocate,
    unallocate,
)
from billing.services.invoicing import issue_credit_memo
from tests.assertions import assert_books_whole, assert_posts, reread
from tests.builders import NOW, TODAY, customer, invoice, organization, pay, policy

pytestmark = pytest.mark.django_db
D = Decimal
LATER = NOW + timedelta(days=20)  # 1 April in New York


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def ada(school):
    return customer(school)


def held(payer, amount, **details) -> CreditItem:
    """Money taken and not applied."""
    return credited(payer, amount, strategy="none", **details)


def credited(payer, amount, **details) -> CreditItem:
    """What a payment brought."""
    item = pay(payer, amount, **details).payment.credit_item
    assert item is not None
    return item


def apply(item: CreditItem, *, now=NOW, strategy="fifo", **more):
    with transaction.atomic():
        return allocate_credit(credit_item=item, strategy=strategy, now=now, by=None, **more)


def undo(*allocations: Allocation, now=NOW, reason="wrong invoice"):
    with transaction.atomic():
        return unallocate(allocations=allocations, now=now, by=None, reason=reason)


def standing(item: CreditItem) -> list[tuple[str, str, Decimal]]:
    rows = Allocation.objects.filter(credit_item=item, reverses__isnull=True, reversed_by__isnull=True)
    return list(rows.order_by("id").values_list("invoice__number", "kind", "amount"))


class TestApplying:
    def test_R121_held_money_is_applied_later_and_counts_from_then(self, ada) -> None:
        due = invoice(ada, 100)
        item = held(ada, 120)
        proposal = apply(item, now=LATER)
        reread(due, item)
        assert (proposal.applied, proposal.left_over, due.open_amount, item.unapplied_amount) == (100, 20, 0, 20)
        assert Allocation.objects.get().allocated_on == date(2026, 4, 1)
        assert_books_whole()

    def test_nothing_is_free_of_a_spent_payment(self, ada) -> None:
        invoice(ada, 120)
        item = credited(ada, 120)
        with pytest.raises(NothingFree, match=f"Nothing of {item.number} is left to apply"):
            apply(item)

    def test_a_credit_memo_is_applied_from_customer_credits(self, ada, school) -> None:
        invoice(ada, 100)
        with transaction.atomic():
            memo = issue_credit_memo(
                organization=school, customer_id=ada.pk, net=D(20), tax=D(1), currency="USD", issued_on=TODAY,
                reason="lesson cancelled", now=NOW, by=None,
            )  # fmt: skip
        apply(memo.credit_item)
        assert_posts(school, """
            2026-02-12  accounts_receivable Dr 100  revenue Cr 100
            2026-03-12  sales_returns Dr 20  tax_payable Dr 1  customer_credits Cr 21
            2026-03-12  customer_credits Dr 21  accounts_receivable Cr 21""")  # fmt: skip
        assert_books_whole()

    def test_R87_money_that_came_in_time_wins_the_discount_whenever_it_is_applied(self, ada) -> None:
        invoice(ada, 100, issued_on=date(2026, 3, 2), terms="2/10 net 30")
        item = held(ada, 98)
        assert apply(item, now=LATER).discount == 2
        late = held(ada, 99, received_on=date(2026, 3, 11))
        invoice(ada, 100, issued_on=date(2026, 2, 28), terms="2/10 net 30")
        assert apply(late, now=LATER).discount == 0
        assert_books_whole()

    def test_by_hand_the_sentences_are_those_of_the_counter(self, ada, school) -> None:
        item = held(ada, 100)
        other = invoice(customer(school, "Ben"), 50, number="B-1")
        with pytest.raises(Exception, match=r"Invoice B-1 belongs to another customer\."):
            apply(item, by_hand=[(other.pk, D(50))])
        with pytest.raises(NotFound):
            apply(item, by_hand=[(0, D(50))])

    def test_a_backdated_receipt_counts_from_the_day_of_the_invoice_at_the_earliest(self, ada) -> None:
        due = invoice(ada, 100, issued_on=date(2026, 3, 5))
        pay(ada, 100, received_on=date(2026, 3, 1))
        assert Allocation.objects.get().allocated_on == due.issued_on
        assert_posts(ada.organization, """
            2026-03-05  accounts_receivable Dr 100  revenue Cr 100
            2026-03-01  cash Dr 100                 unapplied_cash Cr 100
            2026-03-05  unapplied_cash Dr 100       accounts_receivable Cr 100""")  # fmt: skip

    def test_an_advance_waits_until_its_invoice_exists(self, ada) -> None:
        item = credited(ada, 100)
        due = invoice(ada, 100, issued_on=date(2026, 4, 1))
        apply(item)
        assert Allocation.objects.get().allocated_on == due.issued_on
        assert JournalEntry.objects.get(event="credit_allocated").entry_date == due.issued_on

    def test_an_advance_is_booked_in_an_open_month_though_that_of_the_invoice_closed_again(self, ada, school) -> None:
        invoice(ada, 100, issued_on=date(2026, 2, 20))
        for month in (date(2026, 1, 1), date(2026, 2, 1)):
            close_period(organization_id=school.pk, month=month, now=NOW, by_id=None)
        pay(ada, 100, received_on=date(2026, 1, 15))
        days = JournalEntry.objects.exclude(event="invoice_issued").values_list("entry_date", flat=True)
        assert set(days) == {date(2026, 3, 1)}
        assert Allocation.objects.get().allocated_on == date(2026, 2, 20)
        assert_books_whole()


class TestUndoing:
    """Invariants 13 and 19."""

    def test_an_undo_restores_invoice_and_credit_and_mirrors_the_entry_today(self, ada) -> None:
        due = invoice(ada, 100)
        item = credited(ada, 100)
        made = undo(*Allocation.objects.all(), now=LATER)
        reread(due, item)
        assert (due.open_amount, item.unapplied_amount, made[0].amount) == (100, 100, -100)
        assert made[0].allocated_on == date(2026, 4, 1)
        assert_posts([made[0].entry], "2026-04-01  unapplied_cash Cr 100  accounts_receivable Dr 100")
        assert made[0].entry.reverses == Allocation.objects.get(reverses=None).entry
        assert_books_whole()

    def test_an_undo_gives_discount_and_write_off_back_with_it(self, ada, school) -> None:
        policy(school, "write_off.below", "5")
        due = invoice(ada, 100, issued_on=TODAY, terms="2/10 net 30")
        pay(ada, 95)
        credit = Allocation.objects.get(kind="credit")
        assert len(undo(credit)) == 3
        due.refresh_from_db()
        assert (due.open_amount, due.discounted_amount, due.written_off_amount) == (100, 0, 0)
        pay(ada, 98, lookalike_reason="-")
        due.refresh_from_db()
        assert (due.open_amount, due.discounted_amount) == (0, 2)
        assert_books_whole()

    def test_an_undone_write_off_gives_the_cap_of_its_year_back(self, ada, school) -> None:
        policy(school, "write_off.below", "50")
        policy(school, "write_off.yearly_cap", "40")
        invoice(ada, 100, issued_on=date(2025, 12, 1))
        pay(ada, 60, received_on=date(2025, 12, 31))
        undo(*Allocation.objects.all())
        for day, written_off in ((date(2026, 1, 2), 40), (date(2026, 1, 3), 0)):
            invoice(ada, 70, issued_on=date(2025, 12, 1))
            taken = pay(ada, 30, received_on=day, by_hand=[(Invoice.objects.latest("id"), "30")], lookalike_reason="-")
            assert taken.received.proposal.write_off == written_off

    def test_an_undone_write_off_no_longer_counts_against_the_cap(self, ada, school) -> None:
        policy(school, "write_off.below", "50")
        policy(school, "write_off.yearly_cap", "40")
        invoice(ada, 100)
        pay(ada, 60)
        undo(*Allocation.objects.all())
        assert pay(ada, 60, lookalike_reason="-").received.proposal.write_off == 40

    @pytest.mark.parametrize("what", ["credit", "discount", "undo"])
    def test_nothing_is_undone_twice(self, ada, what: str) -> None:
        invoice(ada, 100, issued_on=TODAY, terms="2/10 net 30")
        pay(ada, 98)
        undo(Allocation.objects.get(kind="credit"))
        again = {
            "credit": Allocation.objects.get(kind="credit", reverses=None),
            "discount": Allocation.objects.get(kind="discount", reverses=None),
            "undo": Allocation.objects.get(kind="credit", reverses__isnull=False),
        }[what]
        before = Allocation.objects.count(), JournalEntry.objects.count()
        with pytest.raises(AlreadyUndone):
            undo(again)
        assert (Allocation.objects.count(), JournalEntry.objects.count()) == before

    def test_a_reason_is_needed(self, ada) -> None:
        invoice(ada, 100)
        pay(ada, 100)
        with pytest.raises(BadInput, match=r"A reason is needed\."):
            undo(Allocation.objects.get(), reason="  ")

    def test_nothing_chosen_is_not_found(self) -> None:
        with pytest.raises(NotFound):
            undo()

    def test_one_of_several_can_be_undone(self, ada) -> None:
        first, second = invoice(ada, 60), invoice(ada, 40)
        item = credited(ada, 100)
        undo(Allocation.objects.get(invoice=second))
        reread(first, second, item)
        assert (first.open_amount, second.open_amount, item.unapplied_amount) == (0, 40, 40)
        assert_books_whole()


class TestDistributingAnew:
    """R126: a supervisor moves money inside one customer."""

    def test_R126_all_of_a_payment_is_set_anew(self, ada) -> None:
        first, second = invoice(ada, 100, number="A"), invoice(ada, 100, number="B")
        item = credited(ada, 100)
        with transaction.atomic():
            reallocate(
                credit_item=item, by_hand=[(second.pk, D(70)), (first.pk, D(20))], now=NOW, by=None, reason="as asked"
            )
        item.refresh_from_db()
        assert standing(item) == [("B", "credit", 70), ("A", "credit", 20)]
        assert item.unapplied_amount == 10
        assert set(Allocation.objects.filter(reason="as asked").values_list("amount", flat=True)) == {-100, 70, 20}
        assert_books_whole()

    def test_R126_what_cannot_be_leaves_everything_as_it_was(self, ada) -> None:
        first, second = invoice(ada, 100, number="A"), invoice(ada, 30, number="B")
        item = credited(ada, 100)
        with pytest.raises(Exception, match=r"Invoice B has 30\.00 left"), transaction.atomic():
            reallocate(credit_item=item, by_hand=[(second.pk, D(31))], now=NOW, by=None, reason="as asked")
        first.refresh_from_db()
        assert (standing(item), first.open_amount) == ([("A", "credit", 100)], 0)

    def test_R126_to_nothing_holds_it_all(self, ada) -> None:
        invoice(ada, 100)
        item = credited(ada, 100)
        with transaction.atomic():
            proposal = reallocate(credit_item=item, by_hand=[], now=NOW, by=None, reason="dispute")
        assert (proposal.left_over, standing(item)) == (100, [])

    def test_R87_who_paid_in_time_keeps_the_discount(self, ada) -> None:
        first = invoice(ada, 100, issued_on=TODAY, terms="2/10 net 30", number="A")
        item = credited(ada, 98)
        with transaction.atomic():
            reallocate(credit_item=item, by_hand=[(first.pk, D(98))], now=LATER, by=None, reason="as asked")
        assert standing(item) == [("A", "credit", 98), ("A", "discount", 2)]


def test_R123_credit_that_waits_pays_the_next_invoice_where_the_policy_says_so(school, ada) -> None:
    ben = customer(school, "Ben")
    policy(school, "allocation.auto_apply_credit", True, scope="customer", scope_key=ada.pk)
    for payer in (ada, ben):
        pay(payer, "100.00")
    first, bens = invoice(ada, "60.00", issued_on=TODAY), invoice(ben, "60.00", issued_on=TODAY)
    second = invoice(ada, "60.00", issued_on=TODAY)
    assert [bill.open_amount for bill in (first, bens, second)] == [D("0"), D("60.00"), D("20.00")]
    assert_books_whole()
