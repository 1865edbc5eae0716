"""What a run would bill: whose day has come, by period and payer, odd ones on top (R52, requirements §4 row 10)."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.models import Agreement, BillingRun, Customer, Installment
from billing.models.billing_run import RunKind
from billing.models.installment import ChargeKind
from billing.office.models import Organization
from billing.rules.bills import Before, Bill, Group, Owing, Period, group, in_order, judge, make_bills
from billing.rules.priced import Tax, price_line
from billing.services.runs.preparing import PreviewOpen
from tests import builders
from tests.agreements import agreement, installment, lessons
from tests.billing.runs.cast import DAY, bill, charge, monthly, prepare, prepared, shared
from tests.builders import TODAY


class Fixed:
    """Shares that hold for every day."""

    def __init__(self, *shares: tuple[int, Decimal]) -> None:
        self.found = shares

    def shares(self, agreement_id: int, on: date) -> tuple[tuple[int, Decimal], ...]:
        return self.found


def period(key: int = 1, *, start: date = TODAY, estimate: bool = False, amount: str = "90.00") -> Period:
    line = price_line("Tuition", Decimal(amount), "USD", Tax())
    return Period(key, start, start + 29 * DAY, start, estimate, [line.to_json()])


def owing(key: int, on: date, *, one_off: bool = False, amount: str = "40.00") -> Owing:
    return Owing(key, on, one_off, price_line("Lesson", Decimal(amount), "USD", Tax()).to_json())


class TestGrouping:
    """Which charges join which period."""

    def test_a_lesson_joins_the_period_that_covers_it(self) -> None:
        march, april = period(1, estimate=True), period(2, start=TODAY + 30 * DAY, estimate=True)
        lesson, later = owing(7, TODAY + 29 * DAY), owing(8, TODAY + 30 * DAY)
        assert group([april, march], [later, lesson]) == [Group(march, [lesson]), Group(april, [later])]

    def test_what_no_period_covers_joins_the_first(self) -> None:
        march, april = period(1), period(2, start=TODAY + 30 * DAY)
        book, early = owing(7, TODAY + 40 * DAY, one_off=True), owing(8, TODAY - DAY)
        assert group([april, march], [book, early]) == [Group(march, [book, early]), Group(april, [])]

    def test_charges_without_a_period_stand_alone(self) -> None:
        assert group([], [owing(7, TODAY)]) == [Group(None, [owing(7, TODAY)])]


class TestSplitting:
    @given(
        st.integers(1, 10_000_000), st.lists(st.integers(1, 9999), min_size=1, max_size=6),
        st.sampled_from(["0", "0.05", "0.08875"]), st.sampled_from([1, -1]),
    )  # fmt: skip
    def test_R22_the_bills_of_all_payers_add_up_whatever_the_shares(
        self, cents: int, weights: list[int], rate: str, sign: int
    ) -> None:
        tax = Tax(Decimal(rate), name="Tax")
        plain = price_line("Tuition", Decimal(cents) / 100, "USD", tax)
        back = price_line("Lesson", sign * Decimal(cents) / 300, "USD", tax)
        shares = [(n, Decimal(weight) / 100) for n, weight in enumerate(weights)]
        found = Group(Period(1, TODAY, TODAY, TODAY, False, [plain.to_json()]), [Owing(5, TODAY, True, back.to_json())])
        bills = make_bills(1, "USD", found, Fixed(*shares))
        assert sum(bill.net for bill in bills) == plain.net + back.net
        assert sum(bill.tax for bill in bills) == plain.tax + back.tax
        assert all(len(bill.lines) == 2 and bill.lines[1]["charge"] == 5 for bill in bills)

    def test_of_an_estimate_only_what_was_attended_is_billed(self) -> None:
        bills = make_bills(1, "USD", Group(period(estimate=True), [owing(5, TODAY)]), Fixed((1, Decimal(1))))
        assert [(bill.customer_id, bill.amount) for bill in bills] == [(1, Decimal("40.00"))]

    def test_where_nothing_was_attended_one_empty_bill_tells_so(self) -> None:
        payers = Fixed((1, Decimal(1)), (2, Decimal(1)))
        (empty,) = make_bills(1, "USD", Group(period(estimate=True)), payers)
        assert (empty.customer_id, empty.lines, empty.amount) == (1, [], Decimal(0))


class TestOddities:
    @pytest.mark.parametrize(
        ("amount", "previous", "odd"),
        [
            ("125.00", "100.00", []),  # exactly 25 % more: still usual
            ("125.01", "100.00", ["changed"]),
            ("75.00", "100.00", []),  # exactly 25 % less
            ("74.99", "100.00", ["changed"]),
            ("100.00", "0.00", ["changed"]),
            ("0.00", "100.00", ["changed", "zero"]),
            ("-10.00", "-10.00", ["negative"]),
        ],
    )
    def test_a_bill_that_differs_by_more_than_the_setting_is_odd(
        self, amount: str, previous: str, odd: list[str]
    ) -> None:
        one = self._bill(amount)
        judge(one, Before({(1, 2): Decimal(previous)}, frozenset({1})), periods=1, issue_on=TODAY,
              odd_share=Decimal("0.25"))  # fmt: skip
        assert (one.oddities, one.previous) == (odd, Decimal(previous))

    @pytest.mark.parametrize(
        ("before", "periods", "issue_on", "odd"),
        [
            (Before({}, frozenset()), 1, TODAY, ["first"]),
            (Before({(1, 3): Decimal(1)}, frozenset({1})), 1, TODAY, ["new_payer"]),
            (Before({(1, 2): Decimal(100)}, frozenset({1})), 2, TODAY, ["several_periods"]),
            (Before({(1, 2): Decimal(100)}, frozenset({1})), 1, TODAY + DAY, ["late"]),
        ],
    )
    def test_each_oddity(self, before: Before, periods: int, issue_on: date, odd: list[str]) -> None:
        one = self._bill("100.00")
        judge(one, before, periods=periods, issue_on=issue_on, odd_share=Decimal("0.25"))
        assert one.oddities == odd
        assert one.due_on == max(TODAY, issue_on)

    def test_the_most_telling_is_on_top_and_payers_of_a_period_stay_together(self) -> None:
        bills = [self._bill("1.00", agreement=n) for n in range(1, 5)]
        bills.append(self._bill("2.00", agreement=2))
        bills[0].oddities, bills[2].oddities, bills[4].oddities = ["first"], ["changed"], ["negative"]
        assert [(bill.agreement_id, bill.amount) for bill in in_order(bills)] == [
            (2, Decimal(1)), (2, Decimal(2)), (3, Decimal(1)), (1, Decimal(1)), (4, Decimal(1)),
        ]  # fmt: skip

    def _bill(self, amount: str, *, agreement: int = 1) -> Bill:
        line = price_line("Tuition", Decimal(amount), "USD", Tax()).to_json()
        return Bill(agreement, 2, period(agreement), "USD", [line], Decimal(amount), Decimal(0))


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("school")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada")


def billed(run: BillingRun) -> list[tuple[str, Decimal]]:
    return [(item.customer.name, item.amount) for item in run.items.order_by("ordinal")]


class TestDue:
    @pytest.mark.parametrize(("until", "found"), [(TODAY - DAY, False), (TODAY, True), (TODAY + DAY, True)])
    def test_R52_a_period_is_billed_from_its_day_on(
        self, school: Organization, ada: Customer, until: date, found: bool
    ) -> None:
        monthly(ada)
        assert (prepare(school, until) is not None) is found

    @pytest.mark.parametrize(("until", "found"), [(TODAY - DAY, False), (TODAY, True)])
    def test_a_charge_is_billed_from_its_day_on(
        self, school: Organization, ada: Customer, until: date, found: bool
    ) -> None:
        charge(agreement(ada), "5.00", on=TODAY - 9 * DAY, bill_on=TODAY)
        assert (prepare(school, until) is not None) is found

    @pytest.mark.parametrize(("issue_on", "found"), [(TODAY, False), (TODAY + DAY, True)])
    def test_R78_a_period_billed_by_attendance_is_taken_up_once_it_is_over(
        self, school: Organization, ada: Customer, issue_on: date, found: bool
    ) -> None:
        installment(lessons(ada), "160.00", is_estimate=True, period_start=TODAY - 9 * DAY, period_end=TODAY,
                    bill_on=TODAY)  # fmt: skip
        assert (prepare(school, issue_on=issue_on) is not None) is found

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            ({"backend": "zoho"}, False), ({"state": "cancelled"}, False), ({"state": "lapsed"}, False),
            ({"state": "suspended"}, True), ({"state": "paused"}, True),
        ],
    )  # fmt: skip
    def test_only_running_agreements_that_are_billed_here(
        self, school: Organization, ada: Customer, change: dict[str, str], found: bool
    ) -> None:
        of = monthly(ada)
        Agreement.objects.filter(pk=of.pk).update(**change)
        assert (prepare(school) is not None) is found

    def test_an_ended_agreement_still_owes_its_charges(self, school: Organization, ada: Customer) -> None:
        of = agreement(ada)
        charge(of, "5.00")
        Agreement.objects.filter(pk=of.pk).update(state="ended")
        assert billed(prepared(school)) == [("Ada", Decimal("5.00"))]

    def test_another_organization_is_left_alone(self, school: Organization, ada: Customer) -> None:
        monthly(builders.customer(builders.organization("other"), "Eve"))
        assert prepare(school) is None

    def test_the_number_of_queries_does_not_grow(
        self, school: Organization, ada: Customer, django_assert_max_num_queries: object
    ) -> None:
        for _n in range(30):
            shared(monthly(ada), (ada, "1"), (builders.customer(school), "1"))
        with django_assert_max_num_queries(20):  # type: ignore[operator]
            assert prepared(school).items.count() == 60


class TestRun:
    def test_one_run_at_a_time_is_looked_at(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school)
        for goes_out in (False, True):
            with pytest.raises(PreviewOpen, match=run.number):
                prepare(school, is_approved=goes_out)

    def test_its_bills_say_what_was_billed_last_time(self, school: Organization, ada: Customer) -> None:
        of = monthly(ada)
        bill(school)
        installment(of, "120.00", due_on=TODAY + 44 * DAY, period_start=TODAY + 30 * DAY, bill_on=TODAY)
        item = prepared(school).items.get()
        assert (item.previous_amount, item.oddities) == (Decimal("90.00"), ["changed"])

    def test_odd_ones_are_on_top(self, school: Organization, ada: Customer) -> None:
        usual = monthly(ada)
        bill(school)
        installment(usual, "90.00", due_on=TODAY + 44 * DAY, period_start=TODAY + 30 * DAY, bill_on=TODAY)
        monthly(builders.customer(school, "Ben"), "70.00")
        charge(agreement(builders.customer(school, "Cleo")), "-5.00", kind=ChargeKind.ADJUSTMENT)
        assert billed(prepared(school)) == [
            ("Cleo", Decimal("-5.00")), ("Ben", Decimal("70.00")), ("Ada", Decimal("90.00")),
        ]  # fmt: skip

    def test_requirements_4_10_a_supplement_takes_up_what_came_in_late(
        self, school: Organization, ada: Customer
    ) -> None:
        monthly(ada)
        bill(school)
        monthly(builders.customer(school, "Ben"))
        late = prepared(school, kind=RunKind.SUPPLEMENT)
        assert (late.kind, billed(late)) == ("supplement", [("Ben", Decimal("90.00"))])
        assert Installment.objects.filter(state="planned").count() == 1
