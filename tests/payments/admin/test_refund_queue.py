"""The queue of refunds: what waits for what, and how late it is, in words and shapes (R98, R101, §2 row 8)."""

from datetime import date, datetime, timedelta

import pytest
from django.db import transaction

from billing.office import clock
from billing.office.calendar import WorkCalendar
from payments.models import Refund
from payments.services.refunding import RefundOrder, request_refund
from tests import builders
from tests.console_desk import Desk, desk
from tests.refund_desk import approved, ask, paid, small_refunds


@pytest.fixture
def school(db):
    school = builders.organization(zone="UTC", country="TW", currency="USD")
    small_refunds(school)
    builders.policy(school, "calendar.weekend", [])
    return school


@pytest.fixture
def ada(school):
    return builders.customer(school, name="Ada Lovelace")


@pytest.fixture
def clerk(school) -> Desk:
    return desk(school, "clerk", name="carla")


def asked_days_ago(clerk: Desk, payer, days: int) -> Refund:
    """Every day is a business day here but public holidays, which are counted out."""
    now, calendar = clock.now(), WorkCalendar(payer.organization)
    day = payer.organization.today(now)
    while calendar.business_days_between(calendar.next_business_day(day), payer.organization.today(now)) < days:
        day -= timedelta(days=1)
    payment = paid(payer, "50.00", received_on=day, lookalike_reason="another", request_key=f"pay{days}")
    order = RefundOrder(
        customer_id=payer.pk, credit_item_id=builders.credit_of(payment).pk, gross_amount=payment.amount,
        reason_code="overpaid", reason="Paid twice the sum", request_key=f"late{days}",
    )  # fmt: skip
    with transaction.atomic():
        return request_refund(organization=payer.organization, order=order, now=_noon(day), by=clerk.user)


def _noon(day: date) -> datetime:
    return clock.now().replace(year=day.year, month=day.month, day=day.day)


@pytest.mark.parametrize(
    ("days", "alarm", "tabs"),
    [
        (5, None, ()),
        (6, "▲ late: 6 business days", ("late",)),
        (15, "▲ late: 15 business days", ("late",)),
        (16, "■ promise broken: 16 business days", ("late", "breach")),
        (30, "■ promise broken: 30 business days", ("late", "breach")),
        (31, "✕ over the hard limit: 31 business days", ("late", "breach")),
    ],
)
def test_R98_alarms_follow_the_business_days(ada, clerk, days, alarm, tabs):
    refund = asked_days_ago(clerk, ada, days)
    for tab in ("late", "breach"):
        assert (refund.number in clerk.see(f"refunds/?tab={tab}")) == (tab in tabs)
    # The request for approval lapsed meanwhile, so it is to be put forward anew.
    for page in (clerk.see("refunds/?tab=to_put_forward"), clerk.see(f"refunds/{refund.pk}/")):
        if alarm is None:
            assert "business day" not in page and refund.number in page
        else:
            assert alarm in page


def test_each_tab_says_what_waits_and_how_many(school, ada, clerk):
    supervisor = desk(school, "supervisor")
    waiting = ask(clerk, paid(ada, "60.00"), request_key="w")
    ready = approved(clerk, supervisor, paid(ada, "70.00", lookalike_reason="x"), request_key="r")
    other = ask(
        clerk, paid(ada, "80.00", lookalike_reason="x"), request_key="o", destination="cheque",
        destination_reason="Moved",
    )  # fmt: skip
    clerk.get("refunds/")  # reads what the console had to say about each
    for tab, refund, count in (("waiting", waiting, "waiting for approval 1"), ("to_pay_out", ready, "to pay out 1"),
                               ("to_put_forward", other, "to put forward 1")):  # fmt: skip
        page = clerk.see(f"refunds/?tab={tab}")
        assert refund.number in page and count in page
        assert sum(each.number in page for each in (waiting, ready, other)) == 1
    assert other.number in clerk.see("refunds/"), "without a tab, the first that has something to do"


def test_a_request_that_lapsed_is_to_be_put_forward_again(ada, clerk):
    refund = asked_days_ago(clerk, ada, 5)
    assert refund.number in clerk.see("refunds/?tab=to_put_forward")
    page = clerk.see(f"refunds/{refund.pk}/")
    assert "nobody was asked to decide: put it forward" in page
    clerk.post(f"refunds/{refund.pk}/forward/", destination="source", destination_reason="", payee_name="")
    assert refund.number in clerk.see("refunds/?tab=waiting")


def test_an_empty_tab_says_what_would_be_here_and_an_unknown_one_is_404(school, clerk):
    assert "No refund is on its way." in clerk.see("refunds/?tab=on_its_way")
    clerk.get("refunds/?tab=nothing", 404)


def test_only_refunds_of_the_organization_are_seen(school, ada, clerk):
    refund = ask(clerk, paid(ada))
    stranger = desk(builders.organization(), "clerk")
    assert refund.number not in stranger.see("refunds/?tab=waiting")
    assert refund.number not in stranger.see("payments/refund/")
    assert refund.number in clerk.see("payments/refund/")


def test_the_customers_page_and_the_payments_page_list_them(ada, clerk):
    payment = paid(ada)
    refund = ask(clerk, payment)
    for page in (clerk.see(f"customers/{ada.pk}/"), clerk.see(f"payments/{payment.pk}/")):
        assert refund.number in page and "◔ requested" in page
    assert f"Refund asked for {refund.number} US$40.00" in clerk.see(f"customers/{ada.pk}/")
