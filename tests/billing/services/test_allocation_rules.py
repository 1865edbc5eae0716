"""What a payment pays: strategies, discount, write-off, by hand (R117-R126, R87; requirements §2 rows 1, 2, 15-17)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.errors import BadInput, DomainError
from billing.models import Allocation, Invoice
from billing.office.models import Organization
from billing.office.models.user import Role
from billing.selectors.strategies import Disputed, MoreThanPaid, NotOpenHere, OverAllocation
from billing.services.invoicing import mark_disputed, void_invoice
from payments.models import Payment
from receipts.services.counter import Taken
from tests.assertions import assert_books_whole, assert_posts
from tests.builders import NOW, TODAY, customer, invoice, organization, pay, policy, user
from tests.deeds import accept

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def gas() -> Organization:
    """A company in Taiwan that writes off what is less than NT$100, up to NT$500 a year."""
    org = organization(currency="TWD", zone="Asia/Taipei")
    policy(org, "write_off.below", "100")
    policy(org, "write_off.yearly_cap", "500")
    return org


def paid(taken: Taken) -> list[tuple[str, str]]:
    """Which invoices got what of the payment, in the order of doing."""
    assert taken.received.proposal is not None
    return [(part.invoice.number, f"{part.credit:.2f}") for part in taken.received.proposal.slices]


def parts(taken: Taken) -> tuple[str, str, str, str]:
    """Credit, discount, write-off, and what stays as credit."""
    found = taken.received.proposal
    assert found is not None
    return f"{found.applied:.2f}", f"{found.discount:.2f}", f"{found.write_off:.2f}", f"{found.left_over:.2f}"


def left(*invoices: Invoice) -> list[Decimal]:
    for one in invoices:
        one.refresh_from_db()
    return [one.open_amount for one in invoices]


class TestOrder:
    """R117-R119, R122."""

    def _three(self, org: Organization):
        ada = customer(org)
        a = invoice(ada, 300, number="A", issued_on=date(2026, 1, 5), due_on=date(2026, 3, 20))
        b = invoice(ada, 100, number="B", issued_on=date(2026, 2, 5), due_on=date(2026, 2, 10))
        c = invoice(ada, 200, number="C", issued_on=date(2026, 1, 20), due_on=date(2026, 2, 28))
        return ada, a, b, c

    @pytest.mark.parametrize(
        ("strategy", "order"),
        [
            ("fifo", [("A", "300.00"), ("C", "200.00"), ("B", "50.00")]),
            ("due_date", [("B", "100.00"), ("C", "200.00"), ("A", "250.00")]),
            ("amount", [("B", "100.00"), ("C", "200.00"), ("A", "250.00")]),
            ("none", []),
        ],
    )
    def test_R117_R118_R119_each_strategy_goes_its_own_way(
        self, school, strategy: str, order: list[tuple[str, str]]
    ) -> None:
        ada, *_invoices = self._three(school)
        taken = pay(ada, 550, strategy=strategy)
        assert paid(taken) == order
        assert set(Allocation.objects.values_list("strategy", flat=True)) <= {strategy}
        assert_books_whole()

    def test_R117_ties_of_issue_go_by_due_day_and_then_by_entry(self, school) -> None:
        ada = customer(school)
        same: dict[str, Any] = {"issued_on": date(2026, 2, 1)}
        invoice(ada, 10, number="later due", due_on=date(2026, 3, 2), **same)
        invoice(ada, 10, number="first entered", due_on=date(2026, 3, 1), **same)
        invoice(ada, 10, number="second entered", due_on=date(2026, 3, 1), **same)
        assert [n for n, _a in paid(pay(ada, 30))] == ["first entered", "second entered", "later due"]

    def test_R118_ties_of_due_day_go_by_issue(self, school) -> None:
        ada = customer(school)
        due: dict[str, Any] = {"due_on": date(2026, 3, 1)}
        invoice(ada, 10, number="younger", issued_on=date(2026, 2, 2), **due)
        invoice(ada, 10, number="older", issued_on=date(2026, 2, 1), **due)
        assert [n for n, _a in paid(pay(ada, 20, strategy="due_date"))] == ["older", "younger"]

    def test_R119_ties_of_amount_go_by_issue(self, school) -> None:
        ada = customer(school)
        invoice(ada, 10, number="younger", issued_on=date(2026, 2, 2))
        invoice(ada, 10, number="older", issued_on=date(2026, 2, 1))
        assert [n for n, _a in paid(pay(ada, 20, strategy="amount"))] == ["older", "younger"]

    def test_R122_a_part_goes_to_the_oldest_and_the_rest_waits(self, school) -> None:
        ada, a, b, c = self._three(school)
        pay(ada, "120.50")
        assert left(a, b, c) == [D("179.50"), D(100), D(200)]
        link = Allocation.objects.get()
        assert (link.amount, link.allocated_on, link.invoice, link.credit_item.payment) == (
            D("120.50"), TODAY, a, Payment.objects.get(),
        )  # fmt: skip

    def test_R123_overpayment_is_kept_as_credit(self, school) -> None:
        ada, a, b, c = self._three(school)
        taken = pay(ada, "600.01")
        assert left(a, b, c) == [0, 0, 0]
        assert taken.payment.credit_item.unapplied_amount == D("0.01")
        assert_books_whole()

    def test_R121_money_can_be_held(self, school) -> None:
        ada, a, *_rest = self._three(school)
        taken = pay(ada, 300, strategy="none")
        assert left(a) == [300]
        assert parts(taken) == ("0.00", "0.00", "0.00", "300.00")
        assert_posts([taken.payment.entry], "2026-03-12  cash Dr 300.00  unapplied_cash Cr 300.00")

    def test_R124_a_disputed_invoice_is_passed_over(self, school) -> None:
        ada, a, b, c = self._three(school)
        mark_disputed(invoice=a, is_disputed=True)
        taken = pay(ada, 550)
        assert paid(taken) == [("C", "200.00"), ("B", "100.00")]
        assert left(a, b, c) == [300, 0, 0]
        assert taken.payment.credit_item.unapplied_amount == 250

    def test_R124_a_settled_dispute_is_paid_again(self, school) -> None:
        ada, a, *_rest = self._three(school)
        mark_disputed(invoice=a, is_disputed=True)
        mark_disputed(invoice=a, is_disputed=False)
        assert paid(pay(ada, 10)) == [("A", "10.00")]

    def test_the_invoices_the_payer_named_come_first_and_once(self, school) -> None:
        ada, *_invoices = self._three(school)
        assert paid(pay(ada, 350, first=("B", "nowhere", "C", "B"))) == [
            ("B", "100.00"), ("C", "200.00"), ("A", "50.00"),
        ]  # fmt: skip

    def test_held_money_still_pays_the_invoices_the_payer_named(self, school) -> None:
        ada, *_invoices = self._three(school)
        taken = pay(ada, 350, strategy="none", first=("B",))
        assert (paid(taken), taken.payment.credit_item.unapplied_amount) == ([("B", "100.00")], 250)

    def test_a_disputed_invoice_is_not_paid_even_when_named(self, school) -> None:
        ada, a, *_rest = self._three(school)
        mark_disputed(invoice=a, is_disputed=True)
        assert paid(pay(ada, 100, first=("A",))) == [("C", "100.00")]

    def test_R127_another_customers_invoice_is_never_touched(self, school) -> None:
        _ada, a, *_rest = self._three(school)
        ben = customer(school, "Ben")
        taken = pay(ben, 300, first=("A",))
        assert (paid(taken), left(a)) == ([], [300])

    def test_an_invoice_in_another_currency_is_not_paid(self, school) -> None:
        ada = customer(school)
        other = invoice(ada, 100, currency="EUR")
        assert paid(pay(ada, 100)) == []
        assert left(other) == [100]


class TestPartNotAllowed:
    """Requirements §2 row 2, bad input 14."""

    def test_a_short_sum_is_kept_as_credit_and_what_is_due_is_named(self, school) -> None:
        policy(school, "payments.partial_allowed", False)
        ada = customer(school)
        due = invoice(ada, 150)
        taken = pay(ada, "149.99")
        assert parts(taken) == ("0.00", "0.00", "0.00", "149.99")
        assert [i.number for i in taken.received.proposal.kept_because_short] == [due.number]
        assert_books_whole()

    def test_exactly_what_is_due_is_applied(self, school) -> None:
        policy(school, "payments.partial_allowed", False)
        ada = customer(school)
        invoice(ada, 150)
        assert parts(pay(ada, 150)) == ("150.00", "0.00", "0.00", "0.00")

    def test_a_smaller_invoice_that_can_be_paid_whole_is_paid(self, school) -> None:
        policy(school, "payments.partial_allowed", False)
        ada = customer(school)
        invoice(ada, 150, number="big", issued_on=date(2026, 1, 1))
        invoice(ada, 40, number="small", issued_on=date(2026, 2, 1))
        assert paid(pay(ada, 149)) == [("small", "40.00")]

    def test_it_holds_for_the_customer_whose_contract_says_so(self, school) -> None:
        ada, ben = customer(school), customer(school, "Ben")
        policy(school, "payments.partial_allowed", False, scope="customer", scope_key=ada.pk)
        invoice(ada, 150), invoice(ben, 150)
        assert (parts(pay(ada, 10))[0], parts(pay(ben, 10))[0]) == ("0.00", "10.00")

    def test_by_hand_the_shortfall_is_refused_with_what_is_due(self, school) -> None:
        policy(school, "payments.partial_allowed", False)
        ada = customer(school)
        due = invoice(ada, 150)
        with pytest.raises(BadInput, match=r"150\.00 is due; 149\.99 can only be kept as credit\.") as refusal:
            pay(ada, 200, by_hand=[(due, "149.99")])
        assert refusal.value.field == f"apply-{due.pk}"


class TestByHand:
    """R120, bad input 64-67. One table: nothing is written, the sentence stands at the line."""

    @pytest.fixture
    def scene(self, school):
        ada, ben = customer(school), customer(school, "Ben")
        rows = {
            "ours": invoice(ada, 40, number="1042"),
            "second": invoice(ada, 100, number="1043"),
            "bens": invoice(ben, 40, number="1044"),
            "euro": invoice(ada, 40, number="1045", currency="EUR"),
            "void": invoice(ada, 40, number="1046"),
            "disputed": invoice(ada, 40, number="1047", is_disputed=True),
            "paid": invoice(ada, 40, number="1048"),
            "foreign": invoice(customer(organization(), "Eve"), 40, number="1049"),
        }
        void_invoice(invoice=rows["void"], reason="twice", now=NOW, by=None)
        pay(ada, 40, by_hand=[(rows["paid"], "40")], lookalike_reason="-")
        return ada, rows

    @pytest.mark.parametrize(
        ("chosen", "kind", "sentence"),
        [
            ([("ours", "40.01")], OverAllocation, "Invoice 1042 has 40.00 left."),
            ([("second", "25.01")], MoreThanPaid, "25.00 of this payment is free."),
            ([("ours", "20"), ("second", "5.01")], MoreThanPaid, "5.00 of this payment is free."),
            ([("bens", "5")], NotOpenHere, "Invoice 1044 belongs to another customer."),
            ([("euro", "5")], NotOpenHere, "Invoice 1045 is in EUR; this money is in USD."),
            ([("void", "5")], NotOpenHere, "Invoice 1046 was voided on 2026-03-12."),
            ([("disputed", "5")], Disputed, "Invoice 1047 is disputed; money is not applied to it."),
            ([("paid", "5")], NotOpenHere, "Invoice 1048 is already settled."),
            ([("foreign", "5")], DomainError, "There is no such record."),
            ([("ours", "0")], BadInput, "The amount must be more than 0."),
            ([("ours", "-1")], BadInput, "The amount must be more than 0."),
            ([("ours", "1.005")], BadInput, "USD has no such fraction."),
            ([("ours", "5"), ("ours", "6")], BadInput, "Invoice 1042 is listed twice."),
        ],
    )
    def test_R120_what_cannot_be_is_said_at_its_line(self, scene, chosen, kind, sentence: str) -> None:
        ada, rows = scene
        before = Payment.objects.count(), Allocation.objects.count()
        with pytest.raises(kind) as refusal:
            pay(ada, 25, by_hand=[(rows[name], amount) for name, amount in chosen])
        assert (str(refusal.value), refusal.value.field) == (sentence, f"apply-{rows[chosen[-1][0]].pk}")
        assert (Payment.objects.count(), Allocation.objects.count()) == before

    def test_R120_the_clerks_own_distribution_is_kept(self, scene) -> None:
        ada, rows = scene
        taken = pay(ada, 60, by_hand=[(rows["second"], "35.50"), (rows["ours"], "10")])
        assert paid(taken) == [("1043", "35.50"), ("1042", "10.00")]
        assert taken.payment.credit_item.unapplied_amount == D("14.50")
        assert taken.payment.strategy == "manual"
        assert_books_whole()


class TestEarlyDiscount:
    """R87, requirements §2 row 15: 2 % by day 10 inclusive, on the net, if the invoice becomes settled, once."""

    ISSUED = date(2026, 3, 1)

    @pytest.fixture
    def ada(self, school):
        return customer(school)

    def _invoice(self, ada, amount="100.00", **details):
        return invoice(ada, amount, issued_on=self.ISSUED, terms="2/10 net 30", **details)

    @pytest.mark.parametrize(("day", "discount"), [(1, "2.00"), (10, "2.00"), (11, "2.00"), (12, "0.00")])
    def test_R87_it_is_won_until_ten_days_after_issue(self, ada, day: int, discount: str) -> None:
        due = self._invoice(ada)
        taken = pay(ada, 98, received_on=date(2026, 3, day))
        assert parts(taken) == ("98.00", discount, "0.00", "0.00")
        assert left(due) == [0 if D(discount) else 2]
        assert_books_whole()

    def test_R87_R137_the_books_show_cash_and_discount_against_the_receivable(self, ada) -> None:
        self._invoice(ada)
        pay(ada, 98, received_on=date(2026, 3, 11))
        assert_posts(ada.organization, """
            2026-03-01  accounts_receivable Dr 100.00   revenue Cr 100.00
            2026-03-11  cash Dr 98.00                   unapplied_cash Cr 98.00
            2026-03-11  unapplied_cash Dr 98.00  sales_discount Dr 2.00  accounts_receivable Cr 100.00""")  # fmt: skip
        assert list(Allocation.objects.values_list("kind", "amount").order_by("kind")) == [
            ("credit", D(98)), ("discount", D(2)),
        ]  # fmt: skip

    def test_a_cent_short_wins_nothing(self, ada) -> None:
        due = self._invoice(ada)
        assert parts(pay(ada, "97.99", received_on=self.ISSUED)) == ("97.99", "0.00", "0.00", "0.00")
        assert left(due) == [D("2.01")]

    def test_who_pays_all_of_it_in_time_keeps_the_discount_as_credit(self, ada) -> None:
        self._invoice(ada)
        assert parts(pay(ada, 100, received_on=self.ISSUED)) == ("98.00", "2.00", "0.00", "2.00")

    def test_two_parts_in_time_win_it_with_the_second(self, ada) -> None:
        due = self._invoice(ada)
        pay(ada, 50, received_on=date(2026, 3, 2))
        assert parts(pay(ada, 48, received_on=date(2026, 3, 5)))[:2] == ("48.00", "2.00")
        assert left(due) == [0]

    @pytest.mark.parametrize(("net_of_tax", "needed"), [(True, "103.00"), (False, "102.90")])
    def test_R87_it_is_a_share_of_the_net_unless_the_setting_says_of_all(self, ada, net_of_tax, needed: str) -> None:
        policy(ada.organization, "discount.net_of_tax", net_of_tax)
        due = self._invoice(ada, tax_rate="0.05")
        assert parts(pay(ada, needed, received_on=self.ISSUED))[0] == needed
        assert left(due) == [0]

    def test_it_is_rounded_half_up_once(self, ada) -> None:
        self._invoice(ada, "33.25")
        assert parts(pay(ada, "32.58", received_on=self.ISSUED))[:2] == ("32.58", "0.67")

    def test_a_disputed_invoice_wins_none(self, ada) -> None:
        self._invoice(ada, is_disputed=True)
        assert parts(pay(ada, 98, received_on=self.ISSUED)) == ("0.00", "0.00", "0.00", "98.00")

    def test_money_from_before_the_invoice_counts_as_paid_on_its_day(self, ada) -> None:
        due = self._invoice(ada)
        assert parts(pay(ada, 98, received_on=date(2026, 2, 20)))[:2] == ("98.00", "2.00")
        assert set(Allocation.objects.filter(invoice=due).values_list("allocated_on", flat=True)) == {self.ISSUED}

    def test_each_invoice_has_its_own_window(self, ada) -> None:
        invoice(ada, 100, number="old", issued_on=date(2026, 2, 20), terms="2/10 net 30")
        self._invoice(ada, number="young")
        taken = pay(ada, 198, received_on=date(2026, 3, 11))
        assert [(s.invoice.number, s.discount) for s in taken.received.proposal.slices] == [
            ("old", 0), ("young", 2),
        ]  # fmt: skip

    @pytest.mark.parametrize(("amount", "discount", "open_after"), [("98", 2, 0), ("99", 1, 0), ("97.99", 0, "2.01")])
    def test_by_hand_what_the_terms_allow_is_taken_as_discount(self, ada, amount, discount, open_after) -> None:
        due = self._invoice(ada)
        taken = pay(ada, amount, received_on=self.ISSUED, by_hand=[(due, amount)])
        assert taken.received.proposal.discount == discount
        assert left(due) == [D(open_after)]

    def test_by_hand_no_discount_is_taken_after_the_window(self, ada) -> None:
        due = self._invoice(ada)
        pay(ada, 98, received_on=date(2026, 3, 12), by_hand=[(due, "98")])
        assert left(due) == [2]


class TestWriteOff:
    """R125, requirements §2 row 16: less than NT$100 is written off, NT$100 is not; not beyond the year's cap."""

    @pytest.mark.parametrize(("amount", "written_off"), [(901, "99.00"), (900, "0.00"), (999, "1.00"), (1000, "0.00")])
    def test_R125_99_are_written_off_and_100_are_not(self, gas, amount: int, written_off: str) -> None:
        wang = customer(gas)
        due = invoice(wang, 1000)
        assert parts(pay(wang, amount))[2] == written_off
        assert left(due) == [1000 - amount - D(written_off)]
        assert_books_whole()

    def test_R125_the_books_show_the_small_difference(self, gas) -> None:
        wang = customer(gas)
        invoice(wang, 1000)
        pay(wang, 950)
        assert_posts(gas, """
            2026-02-12  accounts_receivable Dr 1000   revenue Cr 1000
            2026-03-12  cash Dr 950                   unapplied_cash Cr 950
            2026-03-12  unapplied_cash Dr 950  small_differences Dr 50  accounts_receivable Cr 1000""")  # fmt: skip

    @pytest.mark.parametrize(("last", "written_off"), [(104, "104.00"), (105, "0.00")])
    def test_R125_the_yearly_cap_is_kept_to_the_dollar(self, gas, last: int, written_off: str) -> None:
        policy(gas, "write_off.below", "200")
        wang = customer(gas)
        for shaved in (199, 197):
            invoice(wang, 1000)
            pay(wang, 1000 - shaved)
        invoice(wang, 1000)
        assert parts(pay(wang, 1000 - last))[2] == written_off

    def test_R125_one_payment_over_many_invoices_keeps_the_cap(self, gas) -> None:
        policy(gas, "write_off.yearly_cap", "100")
        wang = customer(gas)
        first, second = invoice(wang, 1000), invoice(wang, 1000)
        taken = pay(wang, 1880, by_hand=[(first, "940"), (second, "940")])
        assert [s.write_off for s in taken.received.proposal.slices] == [60, 0]

    def test_the_cap_is_the_customers_own_and_the_years_own(self, gas) -> None:
        policy(gas, "write_off.yearly_cap", "99")
        wang, li = customer(gas, "Wang"), customer(gas, "Li")
        for payer, day in ((wang, date(2025, 12, 31)), (wang, date(2026, 1, 1)), (li, date(2026, 1, 1))):
            invoice(payer, 1000, issued_on=date(2025, 12, 1))
            assert parts(pay(payer, 901, received_on=day, lookalike_reason="-"))[2] == "99.00"

    def test_a_disputed_invoice_is_not_written_off(self, gas) -> None:
        wang = customer(gas)
        due = invoice(wang, 50, is_disputed=True)
        pay(wang, 50)
        assert left(due) == [50]

    def test_an_invoice_nothing_was_paid_on_is_not_written_off(self, gas) -> None:
        wang = customer(gas)
        small = invoice(wang, 50, issued_on=date(2026, 3, 1))
        invoice(wang, 1000, issued_on=date(2026, 2, 1))
        pay(wang, 1000)
        assert left(small) == [50]

    def test_bare_organizations_write_nothing_off(self, school) -> None:
        ada = customer(school)
        due = invoice(ada, "100.00")
        pay(ada, "99.99")
        assert left(due) == [D("0.01")]

    def test_no_limit_is_carried_over_to_another_currency(self, gas) -> None:
        policy(gas, "payments.currencies", ["USD"])
        wang, clerk = customer(gas), user(gas, Role.CLERK)
        due = invoice(wang, "100.00", currency="USD")
        taken = pay(wang, "99.00", currency="USD", by=clerk)
        accept(taken.payment, user(gas, Role.MANAGER))
        assert left(due) == [1]


class TestDiscountBeforeWriteOff:
    """Requirements §2 row 16: allocate, discount, then write off what is still left."""

    @pytest.fixture
    def due(self, gas):
        return invoice(customer(gas), 5000, issued_on=TODAY, terms="2/10 net 30")

    @pytest.mark.parametrize(
        ("amount", "discount", "written_off", "open_after"),
        [(4900, 100, 0, 0), (4899, 100, 1, 0), (4801, 100, 99, 0), (4800, 0, 0, 200)],
    )
    def test_the_discount_comes_first(self, due, amount: int, discount: int, written_off: int, open_after: int) -> None:
        taken = pay(due.customer, amount)
        assert parts(taken) == (f"{amount}.00", f"{discount}.00", f"{written_off}.00", "0.00")
        assert left(due) == [open_after]
        assert_books_whole()

    def test_by_hand_it_is_the_same(self, due) -> None:
        assert parts(pay(due.customer, 4850, by_hand=[(due, "4850")]))[:3] == ("4850.00", "100.00", "50.00")

    def test_after_the_window_only_the_write_off_is_left(self, due) -> None:
        late = due.issued_on + timedelta(days=11)
        taken = pay(due.customer, 4910, received_on=late, now=NOW + timedelta(days=11))
        assert parts(taken)[1:3] == ("0.00", "90.00")


AMOUNTS = st.decimals(min_value="0.01", max_value="400", places=2)


@given(
    bills=st.lists(st.tuples(AMOUNTS, st.integers(0, 60), st.booleans(), st.booleans()), max_size=6),
    sums=st.lists(AMOUNTS, min_size=1, max_size=3),
    strategy=st.sampled_from(["fifo", "due_date", "amount", "none"]),
    write_off=st.sampled_from(["0", "0.50", "25"]),
    partial=st.booleans(),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_owed_and_paid_every_cent_has_a_place(bills, sums, strategy, write_off, partial) -> None:
    org = organization()
    policy(org, "write_off.below", write_off)
    policy(org, "payments.partial_allowed", partial)
    ada = customer(org)
    for amount, age, discounted, disputed in bills:
        terms = "2/10 net 30" if discounted else "net 30"
        invoice(ada, amount, issued_on=TODAY - timedelta(days=age), terms=terms, is_disputed=disputed)
    for amount in sums:
        taken = pay(ada, amount, strategy=strategy, lookalike_reason="-")
        proposal = taken.received.proposal
        assert proposal is not None
        assert proposal.applied + proposal.left_over == amount
        assert taken.payment.credit_item.unapplied_amount == proposal.left_over
    assert not Invoice.objects.filter(open_amount__lt=0).exists()
    assert not Allocation.objects.filter(invoice__is_disputed=True).exists()
    assert_books_whole()
