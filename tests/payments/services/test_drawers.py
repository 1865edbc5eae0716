"""Drawers: opened with a float, closed by a blind count, differences posted or put before a second person (R12)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.errors import BadInput, DomainError, KeyReused
from billing.ledger.models import JournalEntry, Role
from billing.ledger.periods import close_period
from billing.ledger.posting import post_entries
from billing.money import EXPONENTS, quantum
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.policies import policies_for
from payments.models.cash import CashCount, CashMovement, CashPoint, DrawerSession
from payments.postings import refund_paid
from payments.selectors.cash import (
    cash_in_house,
    drawer_expected,
    is_over_limit,
    open_sessions,
    safe_balance,
    session_of,
)
from payments.services.cash_moving import lock_pay_out, pay_out_cash
from payments.services.cash_points import change_cash_point
from payments.services.cash_taking import DrawerNeeded
from payments.services.denominations import FACES
from payments.services.drawers import accept_difference, close_drawer, count_again, explain_difference, open_drawer
from tests.assertions import assert_books_whole, assert_posts, balance
from tests.builders import NOW, customer, organization, pay, policy, user
from tests.deeds import accept, decide, void
from tests.payments.services.tills import bank, cash_in, closed, coins, fetch, move, opened, point

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def clerk(school: Organization) -> User:
    return user(school, "clerk")


@pytest.fixture
def supervisor(school: Organization) -> User:
    return user(school, "supervisor")


@pytest.fixture
def drawer(school: Organization, clerk: User) -> DrawerSession:
    """Drawer 1 with a float of 100 out of a safe of 500."""
    fetch(school, 500, clerk)
    return opened(point(school), clerk, 100)


def refused(kind: type[DomainError], deed, *arguments, **options) -> tuple[str, str, str]:
    before = [model.objects.count() for model in (DrawerSession, CashCount, CashMovement, JournalEntry)]
    with pytest.raises(kind) as refusal, transaction.atomic():
        deed(*arguments, **options)
    assert [model.objects.count() for model in (DrawerSession, CashCount, CashMovement, JournalEntry)] == before
    return refusal.value.field, refusal.value.code, str(refusal.value)


def asked(session: DrawerSession) -> ApprovalRequest:
    return ApprovalRequest.objects.get(subject=f"drawer:{session.pk}", state="requested")


def accepted(session: DrawerSession, by: User) -> DrawerSession:
    request = decide(asked(session), by)
    with transaction.atomic():
        return accept_difference(session=session, approval=request, by=by, now=NOW)


class TestOpening:
    def test_R12_float_comes_out_of_the_safe_and_is_in_the_drawer(self, school, drawer) -> None:
        assert (drawer.state, drawer.opening_float) == ("open", 100)
        assert (drawer_expected(drawer), safe_balance(school, "USD")) == (100, 400)
        assert_books_whole()

    def test_R12_float_may_be_all_that_is_in_the_safe_and_no_cent_more(self, school, clerk) -> None:
        fetch(school, 100, clerk)
        place = point(school)
        assert refused(DomainError, opened, place, clerk, "100.01")[:2] == ("denominations", "not_in_safe")
        opened(place, clerk, 100)
        assert safe_balance(school, "USD") == 0

    def test_two_drawers_do_not_share_the_safe(self, school, clerk) -> None:
        fetch(school, 100, clerk)
        opened(point(school, "A"), clerk, 60)
        other = user(school, "clerk")
        assert refused(DomainError, opened, point(school, "B"), other, "40.01")[1] == "not_in_safe"
        opened(CashPoint.objects.get(name="B"), other, 40)

    def test_a_point_is_open_once_a_currency(self, school, drawer) -> None:
        other = user(school, "clerk")
        field, code, words = refused(DomainError, opened, drawer.cash_point, other)
        assert (field, code) == ("cash_point", "drawer_open")
        assert "Drawer 1 has been open in USD since 2026-03-12 11:00" in words
        policy(school, "payments.currencies", ["EUR"])
        with transaction.atomic():
            second = open_drawer(
                cash_point=drawer.cash_point, currency="EUR", denominations=(), now=NOW, by=drawer.opened_by
            )
        assert second.currency == "EUR"

    def test_a_person_has_one_counter_drawer_but_any_number_of_bags(self, school, drawer, clerk) -> None:
        refusal = refused(DomainError, opened, point(school, "Drawer 2"), clerk)
        assert refusal[1:] == ("has_drawer", "You have Drawer 1 open in USD already; close it before you open another.")
        opened(point(school, "Bag of Dov", "driver"), clerk)
        opened(point(school, "Box at the door", "drop_box"), clerk)
        assert session_of(clerk, school, "USD") == drawer
        assert [s.cash_point.name for s in open_sessions(school)] == ["Bag of Dov", "Box at the door", "Drawer 1"]

    def test_what_cannot_be_opened_says_why(self, school, clerk) -> None:
        place = point(school)
        with transaction.atomic():
            change_cash_point(cash_point=place, name="Old drawer", is_active=False)
        assert refused(BadInput, opened, place, clerk) == ("cash_point", "not_in_use", "Old drawer is out of use.")
        with transaction.atomic():
            change_cash_point(cash_point=place, name="Old drawer", is_active=True)
        wrong = refused(BadInput, open_drawer, cash_point=place, currency="GBP", denominations=(), now=NOW, by=clerk)
        assert wrong == ("currency", "wrong_currency", "This organization works in USD.")
        wrong = refused(
            BadInput, open_drawer, cash_point=place, currency="USD", denominations=coins(20), now=NOW, by=clerk,
            float_amount=D(21),
        )  # fmt: skip
        assert wrong[:2] == ("denominations", "denominations_differ")

    def test_an_open_point_is_not_taken_out_of_use(self, drawer) -> None:
        with pytest.raises(DomainError) as refusal, transaction.atomic():
            change_cash_point(cash_point=drawer.cash_point, name="Drawer 1", is_active=False)
        assert refusal.value.code == "cash_point_open"


class TestTaking:
    def test_R1_payment_into_a_drawer_is_expected_there_and_carries_its_kind(self, school, drawer) -> None:
        payment = cash_in(drawer, "12.34")
        assert (payment.drawer_session, payment.channel) == (drawer, "drawer")
        assert drawer_expected(drawer) == D("112.34")
        assert safe_balance(school, "USD") == 400
        assert_books_whole()

    def test_R12_drawer_required_refuses_cash_over_the_counter_without_one(self, school, drawer) -> None:
        policy(school, "cash.drawer_required", True)
        ada = customer(school)
        with pytest.raises(DrawerNeeded) as refusal:
            pay(ada, 10)
        assert (refusal.value.field, str(refusal.value)) == (
            "drawer_session", "Open your drawer first (Cash → Drawers).",
        )  # fmt: skip
        assert pay(ada, 10, drawer_session_id=drawer.pk).payment.state == "processed"
        assert pay(ada, 11, method="card").payment.state == "processed"
        assert pay(ada, 12, channel="api").payment.state == "processed"
        policy(school, "cash.drawer_required", False)
        assert pay(ada, 13).payment.drawer_session is None

    def test_a_closed_or_foreign_drawer_takes_nothing(self, school, drawer, clerk) -> None:
        ada = customer(school)
        elsewhere = organization()
        theirs = opened(point(elsewhere), user(elsewhere, "clerk"))
        closed(drawer, 100, clerk)
        for wrong, code in ((drawer, "drawer_not_open"), (theirs, "not_found")):
            field, told, _words = refused(DomainError, pay, ada, 10, drawer_session_id=wrong.pk)
            assert (field, told) == ("drawer_session", code)
        assert refused(DomainError, pay, ada, 10, drawer_session_id=drawer.pk)[2] == (
            "Drawer 1 is closed; choose an open one (Cash → Drawers)."
        )

    def test_only_cash_of_its_currency_goes_into_a_drawer(self, school, drawer) -> None:
        ada = customer(school)
        policy(school, "payments.currencies", ["EUR"])
        assert refused(BadInput, pay, ada, 10, method="card", drawer_session_id=drawer.pk)[1] == "not_cash"
        wrong = refused(BadInput, pay, ada, 10, currency="EUR", drawer_session_id=drawer.pk)
        assert wrong == ("drawer_session", "wrong_currency", "Drawer 1 holds USD.")

    def test_a_full_drawer_should_go_to_the_safe_above_the_limit_only(self, school, drawer) -> None:
        assert not is_over_limit(drawer, policies_for(school))
        policy(school, "cash.drawer_limit", "150")
        cash_in(drawer, 50)
        assert not is_over_limit(drawer, policies_for(school))
        cash_in(drawer, "0.01")
        assert is_over_limit(drawer, policies_for(school))


class TestDenominations:
    def test_every_currency_has_notes_it_can_be_counted_in(self) -> None:
        assert set(FACES) == set(EXPONENTS)
        for currency, row in FACES.items():
            values = [D(face) for face in row.split()]
            assert values == sorted(set(values), reverse=True)
            assert all(value % quantum(currency) == 0 for value in values)

    def test_row_15_notes_that_do_not_add_up_are_told(self, school) -> None:
        notes = ((D(100), 9), (D(50), 1), (D(20), 1), (D(10), 1))
        refusal = refused(BadInput, pay, customer(school), 1000, denominations=notes)
        assert refusal == (
            "denominations", "denominations_differ", "Notes and coins make 980.00, the receipt says 1,000.00.",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("notes", "code"),
        [
            (((D(30), 1),), "unknown_denomination"), (((D("0.50"), 1), (D("0.02"), 1)), "unknown_denomination"),
            (((D(20), -1),), "bad_count"), (((D(20), 100_001),), "bad_count"), (((D(20), 1), (D(20), 1)), "bad_count"),
            (((D(0), 1),), "bad_count"),
        ],
    )  # fmt: skip
    def test_a_note_there_is_not_and_a_number_that_cannot_be_are_refused(self, drawer, clerk, notes, code) -> None:
        wrong = refused(BadInput, close_drawer, session=drawer, denominations=notes, reason="", now=NOW, by=clerk)
        assert wrong[:2] == ("denominations", code)

    def test_an_empty_drawer_is_counted_as_0_but_not_counting_is_refused(self, school, clerk) -> None:
        bag = opened(point(school, kind="driver"), clerk)
        wrong = refused(BadInput, close_drawer, session=bag, denominations=(), reason="", now=NOW, by=clerk)
        assert wrong[:2] == ("denominations", "required")
        assert closed(bag, 0, clerk).state == "closed"


class TestMoving:
    def test_cash_to_and_from_the_safe_posts_nothing(self, school, drawer, clerk) -> None:
        entries = JournalEntry.objects.count()
        move(school, drawer, "to_safe", 30, clerk)
        assert (drawer_expected(drawer), safe_balance(school, "USD")) == (70, 430)
        move(school, drawer, "from_safe", 430, clerk)
        assert (drawer_expected(drawer), safe_balance(school, "USD")) == (500, 0)
        assert JournalEntry.objects.count() == entries
        assert refused(DomainError, move, school, drawer, "from_safe", "0.01", clerk)[1] == "not_in_safe"
        assert_books_whole()

    def test_what_goes_to_the_safe_is_not_checked_against_what_should_be_there(self, school, drawer, clerk) -> None:
        """A refusal would tell what is expected, one try after the other."""
        move(school, drawer, "to_safe", 120, clerk)
        assert (drawer_expected(drawer), safe_balance(school, "USD")) == (-20, 500)
        assert closed(drawer, 0, clerk).variance == 20
        assert safe_balance(school, "USD") == 520
        assert_books_whole()

    def test_cash_fetched_from_the_bank_is_posted(self, school, drawer, clerk) -> None:
        account = bank(school)
        fetched = move(school, drawer, "from_bank", 40, clerk, bank_account=account)
        assert_posts([fetched.entry], "2026-03-12  cash Dr 40.00  bank Cr 40.00")
        assert (drawer_expected(drawer), safe_balance(school, "USD")) == (140, 400)
        assert refused(BadInput, move, school, drawer, "from_bank", 40, clerk)[:2] == ("bank_account", "required")
        assert_books_whole()

    def test_the_same_key_moves_once_and_another_movement_with_it_is_refused(self, school, drawer, clerk) -> None:
        first = move(school, drawer, "to_safe", 30, clerk, key="form")
        assert move(school, drawer, "to_safe", 30, clerk, key="form") == first
        assert refused(KeyReused, move, school, drawer, "to_safe", 31, clerk, key="form")[0] == "request_key"
        assert drawer_expected(drawer) == 70

    def test_a_closed_drawer_moves_nothing(self, school, drawer, clerk) -> None:
        closed(drawer, 100, clerk)
        assert refused(DomainError, move, school, drawer, "to_safe", 1, clerk)[1] == "drawer_not_open"

    @pytest.mark.parametrize(("amount", "code"), [("0", "not_positive"), ("-1", "not_positive")])
    def test_less_than_a_cent_is_not_moved(self, school, drawer, clerk, amount, code) -> None:
        assert refused(BadInput, move, school, drawer, "to_safe", amount, clerk)[1] == code

    def test_fractions_a_currency_does_not_have_are_not_moved(self) -> None:
        gas = organization(currency="TWD", zone="Asia/Taipei")
        clerk = user(gas, "clerk")
        assert refused(BadInput, fetch, gas, "10.50", clerk)[1] == "too_many_decimals"


def pay_out(school: Organization, session: DrawerSession | None, amount: str | int, by: User, key: str) -> CashMovement:
    """As a refund does: lock, post, pay out."""
    with transaction.atomic():
        lock_pay_out(school, session)
        draft = refund_paid(
            key=f"test:{key}", number=key, customer_id=customer(school).pk, method="cash", amount=D(amount),
            currency=school.currency, on=NOW.date(),
        )  # fmt: skip
        entry = post_entries(organization_id=school.pk, drafts=[draft], now=NOW, by_id=by.pk)[0]
        return pay_out_cash(
            organization=school, session=session, amount=D(amount), currency=school.currency, reason="refund",
            request_key=key, entry=entry, now=NOW, by=by,
        )  # fmt: skip


class TestPayingOut:
    def test_a_refund_leaves_the_drawer_up_to_what_is_there(self, school, drawer, clerk) -> None:
        assert refused(DomainError, pay_out, school, drawer, "100.01", clerk, "R1")[1] == "not_in_drawer"
        pay_out(school, drawer, 100, clerk, "R2")
        assert (drawer_expected(drawer), safe_balance(school, "USD")) == (0, 400)

    def test_a_refund_leaves_the_safe_up_to_what_is_there(self, school, drawer, clerk) -> None:
        assert refused(DomainError, pay_out, school, None, "400.01", clerk, "R1")[1] == "not_in_safe"
        pay_out(school, None, 400, clerk, "R2")
        assert (drawer_expected(drawer), safe_balance(school, "USD")) == (100, 0)

    def test_provisional_cash_is_counted_but_not_paid_out(self, school, drawer, clerk) -> None:
        policy(school, "payments.verify_above", "50")
        pending = cash_in(drawer, 60, clerk)
        assert pending.state == "pending"
        assert (drawer_expected(drawer), safe_balance(school, "USD")) == (160, 400)
        assert refused(DomainError, pay_out, school, drawer, "100.01", clerk, "R1")[1] == "not_in_drawer"
        accept(pending, user(school, "supervisor"))
        pay_out(school, drawer, "100.01", clerk, "R2")


class TestClosing:
    def test_R12_no_difference_closes_and_posts_nothing(self, school, drawer, clerk) -> None:
        cash_in(drawer, "20.05")
        entries = JournalEntry.objects.count()
        done = closed(drawer, "120.05", clerk)
        assert (done.state, done.expected_amount, done.counted_amount, done.variance) == (
            "closed", D("120.05"), D("120.05"), 0,
        )  # fmt: skip
        assert (done.entry, done.closed_by, JournalEntry.objects.count()) == (None, clerk, entries)
        assert safe_balance(school, "USD") == D("520.05")
        assert CashCount.objects.get().denominations == [["100", 1], ["20", 1], ["0.05", 1]]
        assert_books_whole()

    @pytest.mark.parametrize(
        ("counted", "posts"),
        [
            ("99.99", "2026-03-12  cash Cr 0.01  cash_over_short Dr 0.01"),
            ("100.01", "2026-03-12  cash Dr 0.01  cash_over_short Cr 0.01"),
        ],
    )
    def test_R12_one_cent_over_or_short_is_posted(self, school, drawer, clerk, counted, posts) -> None:
        done = closed(drawer, counted, clerk)
        assert_posts([done.entry], posts)
        assert safe_balance(school, "USD") == D(400) + D(counted)
        assert_books_whole()

    @pytest.mark.parametrize(("counted", "variance"), [(99, -1), (101, 1)])
    def test_R12_one_dollar_over_or_short_in_twd(self, counted, variance) -> None:
        gas = organization(currency="TWD", zone="Asia/Taipei")
        clerk = user(gas, "clerk")
        fetch(gas, 100, clerk)
        done = closed(opened(point(gas), clerk, 100), counted, clerk)
        assert (done.state, done.variance) == ("closed", variance)
        assert balance(gas, Role.CASH_OVER_SHORT) == -variance
        assert_books_whole()

    @pytest.mark.parametrize("sign", [-1, 1])
    def test_R12_a_difference_up_to_the_limit_is_posted_a_cent_more_needs_a_second_person(
        self, school, drawer, clerk, sign
    ) -> None:
        policy(school, "cash.variance_limit", "5")
        at_limit = opened(point(school, "Bag", "driver"), clerk, 100)
        assert closed(at_limit, 100 + sign * 5, clerk).state == "closed"
        above = closed(drawer, D(100) + sign * D("5.01"), clerk)
        assert (above.state, above.variance, above.entry) == ("counted", sign * D("5.01"), None)
        assert not ApprovalRequest.objects.exists()
        assert_books_whole()

    def test_with_a_reason_a_second_person_is_asked_and_closes_it(self, school, drawer, clerk, supervisor) -> None:
        policy(school, "cash.variance_limit", "5")
        closed(drawer, 94, clerk, reason="wrong change given")
        request = asked(drawer)
        assert request.shown["difference"] == "-6.00"
        assert request.shown["counts"] == [{"counted_by": clerk.get_username(), "counted": "94.00"}]
        assert (request.shown["expected"], request.shown["explanation"]) == ("100.00", "wrong change given")
        done = accepted(drawer, supervisor)
        assert (done.state, done.closed_by) == ("closed", supervisor)
        assert_posts([done.entry], "2026-03-12  cash Cr 6.00  cash_over_short Dr 6.00")
        assert done.entry.reason == "wrong change given"
        assert safe_balance(school, "USD") == 494
        assert_books_whole()

    def test_37_who_counted_does_not_accept(self, school, drawer, clerk, supervisor) -> None:
        policy(school, "cash.variance_limit", "5")
        closed(drawer, 90, supervisor)
        with transaction.atomic():
            request = explain_difference(session=drawer, reason="see the count", now=NOW, by=clerk)
        decide(request, supervisor)
        wrong = refused(DomainError, accept_difference, session=drawer, approval=request, by=supervisor, now=NOW)
        assert wrong[1] == "own_count"

    def test_a_refused_difference_is_counted_again_and_the_first_count_stays(
        self, school, drawer, clerk, supervisor
    ) -> None:
        policy(school, "cash.variance_limit", "5")
        closed(drawer, 90, clerk, reason="do not know")
        decide(asked(drawer), supervisor, approve=False, reason="count again")
        with transaction.atomic():
            count_again(session=drawer)
        again = closed(drawer, 100, clerk)
        assert again.state == "counted", "the figures were shown, so a second person must agree whatever is counted"
        with transaction.atomic():
            explain_difference(session=drawer, reason="a bundle was under the tray", now=NOW, by=clerk)
        done = accepted(drawer, supervisor)
        assert (done.variance, done.entry) == (0, None)
        assert list(CashCount.objects.order_by("id").values_list("counted_amount", flat=True)) == [90, 100]
        assert_books_whole()

    def test_a_recount_nobody_was_asked_about_closes_by_itself(self, school, drawer, clerk) -> None:
        policy(school, "cash.variance_limit", "5")
        closed(drawer, 90, clerk)
        with transaction.atomic():
            count_again(session=drawer)
        assert closed(drawer, 100, clerk).state == "closed"
        assert CashCount.objects.count() == 2

    def test_counting_again_withdraws_what_waits(self, school, drawer, clerk) -> None:
        policy(school, "cash.variance_limit", "5")
        closed(drawer, 90, clerk, reason="?")
        with transaction.atomic():
            count_again(session=drawer)
        assert ApprovalRequest.objects.get().state == "withdrawn"
        drawer.refresh_from_db()
        assert drawer.state == "open"

    def test_a_counted_drawer_takes_nothing(self, school, drawer, clerk) -> None:
        policy(school, "cash.variance_limit", "5")
        closed(drawer, 90, clerk)
        wrong = refused(DomainError, pay, customer(school), 10, drawer_session_id=drawer.pk)
        assert wrong[1] == "drawer_not_open"
        assert safe_balance(school, "USD") == 400

    def test_a_foreign_difference_is_never_measured_with_the_own_limit(self, school, clerk) -> None:
        policy(school, "payments.currencies", ["EUR"])
        policy(school, "cash.variance_limit", "5")
        with transaction.atomic():
            euros = open_drawer(cash_point=point(school), currency="EUR", denominations=(), now=NOW, by=clerk)
        assert closed(euros, "0.01", clerk).state == "counted"

    def test_closing_twice_is_refused(self, drawer, clerk) -> None:
        closed(drawer, 100, clerk)
        assert refused(DomainError, closed, drawer, 100, clerk)[1] == "drawer_not_open"

    def test_a_closed_month_takes_no_difference_the_next_one_does(self, school, drawer, clerk) -> None:
        manager = user(school, "finance_manager")
        with transaction.atomic():
            close_period(organization_id=school.pk, month=NOW.date().replace(day=1), now=NOW, by_id=manager.pk)
        done = closed(drawer, 99, clerk)
        assert str(done.entry.entry_date) == "2026-04-01"


class TestVoidedAndProvisional:
    def test_a_void_before_the_count_is_not_expected(self, school, drawer, clerk) -> None:
        void(cash_in(drawer, 20, clerk), clerk, user(school, "manager"))
        assert drawer_expected(drawer) == 100
        assert closed(drawer, 100, clerk).variance == 0
        assert_books_whole()

    def test_a_void_after_the_count_is_missing_from_the_safe(self, school, drawer, clerk) -> None:
        payment = cash_in(drawer, 20, clerk)
        closed(drawer, 120, clerk)
        assert safe_balance(school, "USD") == 520
        void(payment, clerk, user(school, "manager"), now=NOW + timedelta(hours=2))
        assert safe_balance(school, "USD") == 500
        assert_books_whole()

    def test_provisional_cash_of_a_closed_drawer_is_in_the_safe_but_not_free(self, school, drawer, clerk) -> None:
        policy(school, "payments.verify_above", "50")
        pending = cash_in(drawer, 60, clerk)
        assert closed(drawer, 160, clerk).variance == 0
        house = cash_in_house(school, "USD")
        assert (house.in_safe, house.free_in_safe) == (560, 500)
        accept(pending, user(school, "supervisor"))
        assert safe_balance(school, "USD") == 560
        assert_books_whole()

    def test_provisional_cash_moved_to_the_safe_is_never_free(self, school, drawer, clerk) -> None:
        policy(school, "payments.verify_above", "50")
        cash_in(drawer, 60, clerk)
        move(school, drawer, "to_safe", 160, clerk)
        house = cash_in_house(school, "USD")
        assert (house.in_safe, house.free_in_safe, house.booked) == (560, 500, 500)
