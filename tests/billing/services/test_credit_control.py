"""Credit limit and hold, judged after allocation (R129-R131, requirements §2 row 18)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.models import CreditHoldEvent, Customer
from billing.office.models import Notice, Organization
from billing.office.models.user import Role
from billing.services.allocating import allocate_credit
from billing.services.credit_control import available_credit, release_hold, set_hold
from tests.builders import NOW, TODAY, cheque, customer, invoice, organization, pay, policy, user
from tests.deeds import void

pytestmark = pytest.mark.django_db
D = Decimal
OLD: dict[str, Any] = {"issued_on": date(2026, 1, 1), "due_on": TODAY - timedelta(days=1)}
DUE_TODAY: dict[str, Any] = {"issued_on": date(2026, 1, 1), "due_on": TODAY}


@pytest.fixture
def school() -> Organization:
    return organization()


def on_hold(school, **details) -> Customer:
    ben = customer(school, "Ben", **details)
    with transaction.atomic():
        set_hold(customer=ben, reason="pays late", now=NOW, by=None)
    return ben


def holds(ben: Customer) -> bool:
    ben.refresh_from_db()
    return ben.is_on_hold


def last_event(ben: Customer) -> tuple[str, str]:
    event = ben.hold_events.order_by("-id")[0]
    return event.change, event.cause


class TestRelease:
    @pytest.mark.parametrize(("amount", "cause"), [("100.00", "covered"), ("99.99", "overdue")])
    def test_R130_what_is_overdue_must_be_covered_to_the_cent(self, school, amount: str, cause: str) -> None:
        ben = on_hold(school)
        invoice(ben, 100, **OLD)
        pay(ben, amount)
        assert (holds(ben), last_event(ben)[1]) == (cause != "covered", cause)

    @pytest.mark.parametrize(("amount", "cause"), [("50.00", "covered"), ("49.99", "above_limit")])
    def test_R129_R130_and_the_limit_must_be_kept_to_the_cent(self, school, amount: str, cause: str) -> None:
        ben = on_hold(school, credit_limit=D(100))
        invoice(ben, 150, **DUE_TODAY)
        pay(ben, amount)
        assert (holds(ben), last_event(ben)[1]) == (cause != "covered", cause)

    def test_R130_both_must_hold_at_once(self, school) -> None:
        ben = on_hold(school, credit_limit=D(100))
        invoice(ben, 30, **OLD), invoice(ben, 150, **DUE_TODAY)
        pay(ben, 30)
        assert (holds(ben), last_event(ben)) == (True, ("kept", "above_limit"))
        pay(ben, 50)
        assert (holds(ben), last_event(ben)) == (False, ("released", "covered"))

    def test_R129_money_not_yet_applied_counts_for_the_limit_but_not_for_what_is_overdue(self, school) -> None:
        ben = on_hold(school, credit_limit=D(100))
        invoice(ben, 30, **OLD)
        pay(ben, 30, strategy="none")
        assert last_event(ben) == ("kept", "overdue")
        assert available_credit(ben, TODAY) == 100

    def test_R131_sales_are_told_once_and_orders_go_on(self, school) -> None:
        ben = on_hold(school)
        invoice(ben, 100, **OLD)
        pay(ben, 100)
        pay(ben, 7)
        told = Notice.objects.get(kind="hold_released")
        assert (told.recipient, told.party, told.channel) == ("sales", ben.pk, "office")
        assert (ben.code in told.subject, "New orders are allowed" in told.body) == (True, True)
        assert list(CreditHoldEvent.objects.order_by("id").values_list("change", flat=True)) == ["set", "released"]

    def test_R130_why_it_was_kept_is_said(self, school) -> None:
        ben = on_hold(school)
        invoice(ben, 100, **OLD)
        pay(ben, 60)
        assert ben.hold_events.first().explanation == "US$40.00 is still overdue."
        assert not Notice.objects.filter(kind="hold_released").exists()

    @pytest.mark.parametrize(("days", "released"), [(0, False), (1, True)])
    def test_R130_a_hold_with_an_end_ends_after_its_last_day(self, school, days: int, released: bool) -> None:
        ben = on_hold(school)
        with transaction.atomic():
            set_hold(customer=ben, reason="until then", until=TODAY, now=NOW, by=None)
        invoice(ben, 100, **OLD)
        now = NOW + timedelta(days=days)
        assert ben.holds_on(school.today(now)) is not released
        pay(ben, 1, now=now, received_on=TODAY)
        assert (holds(ben), last_event(ben)[1]) == (not released, "expired" if released else "overdue")

    def test_R130_management_may_release_it_whatever_is_owed(self, school) -> None:
        ben = on_hold(school)
        invoice(ben, 100, **OLD)
        with transaction.atomic():
            release_hold(customer=ben, cause="manager", explanation="old friend", now=NOW, by=None)
        assert (holds(ben), last_event(ben)) == (False, ("released", "manager"))

    @pytest.mark.parametrize(("left", "released"), [("0.37", True), ("0.38", False)])
    def test_small_overdue_sums_do_not_keep_a_hold(self, school, left: str, released: bool) -> None:
        policy(school, "credit.small_overdue", "0.37")
        ben = on_hold(school)
        invoice(ben, 100, **OLD)
        pay(ben, 100 - D(left))
        assert holds(ben) is not released

    def test_an_invoice_due_today_is_not_overdue(self, school) -> None:
        ben = on_hold(school)
        invoice(ben, 100, **DUE_TODAY)
        pay(ben, 1)
        assert not holds(ben)

    def test_without_a_hold_nothing_is_written(self, school) -> None:
        pay(customer(school), 5)
        assert not CreditHoldEvent.objects.exists()


class TestPaperMoney:
    """Requirements §2 rows 18 and 31: an uncleared cheque does not release a hold, unless the setting says so."""

    def _pay_by_cheque(self, school) -> Customer:
        ben = on_hold(school)
        invoice(ben, 100, **OLD)
        pay(ben, 100, method="cheque", cheque=cheque())
        return ben

    def test_a_cheque_keeps_the_hold(self, school) -> None:
        ben = self._pay_by_cheque(school)
        assert (holds(ben), last_event(ben)) == (True, ("kept", "overdue"))

    def test_it_still_does_when_something_else_is_paid_in_cash(self, school) -> None:
        ben = self._pay_by_cheque(school)
        pay(ben, 7)
        assert (holds(ben), last_event(ben)) == (True, ("kept", "overdue"))

    def test_it_still_does_when_the_cheque_is_applied_later(self, school) -> None:
        ben = on_hold(school)
        invoice(ben, 100, **OLD)
        item = pay(ben, 100, method="cheque", cheque=cheque(), strategy="none").payment.credit_item
        assert item is not None
        with transaction.atomic():
            allocate_credit(credit_item=item, strategy="fifo", now=NOW, by=None)
        assert (holds(ben), last_event(ben)) == (True, ("kept", "overdue"))

    def test_nor_does_it_make_room_below_the_limit(self, school) -> None:
        ben = on_hold(school, credit_limit=D(100))
        invoice(ben, 150, **DUE_TODAY)
        pay(ben, 150, method="cheque", cheque=cheque())
        assert last_event(ben) == ("kept", "above_limit")

    def test_where_the_setting_counts_cheques_they_release(self, school) -> None:
        policy(school, "credit.count_uncleared_cheques", True)
        assert not holds(self._pay_by_cheque(school))

    def test_the_limit_counts_what_a_cheque_did_not_pay_only_once(self, school) -> None:
        ben = on_hold(school, credit_limit=D(100))
        invoice(ben, 100, **DUE_TODAY)
        pay(ben, 40, method="cheque", cheque=cheque())
        assert not holds(ben)


class TestVoids:
    def test_a_void_does_not_release_a_hold_with_the_money_it_takes_away(self, school) -> None:
        ben = customer(school, "Ben", credit_limit=D(100))
        invoice(ben, 150, **DUE_TODAY)
        payment = pay(ben, 60, by=user(school, Role.CLERK)).payment
        with transaction.atomic():
            set_hold(customer=ben, reason="bad news", now=NOW, by=None)
        void(payment, user(school, Role.CLERK), user(school, Role.MANAGER))
        assert (holds(ben), last_event(ben)) == (True, ("kept", "above_limit"))


class TestAvailableCredit:
    def test_R129_it_is_what_the_limit_leaves(self, school) -> None:
        ben = customer(school, "Ben", credit_limit=D(100))
        invoice(ben, 60)
        assert available_credit(ben, TODAY) == 40
        pay(ben, 20)
        assert available_credit(ben, TODAY) == 60
        invoice(ben, 200)
        assert available_credit(ben, TODAY) == 0

    def test_without_a_limit_there_is_none(self, school) -> None:
        assert available_credit(customer(school), TODAY) is None
