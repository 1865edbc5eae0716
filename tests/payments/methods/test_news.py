"""News of the networks, and cards that expire (R33, R77)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

from billing.office import clock
from billing.office.models import Notice
from payments.gateways.base import MethodUpdate, MethodView
from payments.models import PaymentMethod, UpdaterMark
from payments.services.methods.expiry import notice_due, tend_expiring
from payments.services.methods.updating import apply_update, fetch_updates
from tests import agreements
from tests.payments.gateways.precisepay.desk import AMEX, Desk
from tests.payments.methods.cast import Family

pytestmark = pytest.mark.django_db(transaction=True)


def tell(family: Family, change: str, event: str = "e1", view: MethodView | None = None) -> int:
    update = MethodUpdate(event, family.method().token, change, clock.now(), view)
    with transaction.atomic():
        return apply_update(configuration=family.account.configuration, update=update, now=clock.now())


def test_R33_a_new_date_is_taken_in_once_however_often_it_is_told(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    view = MethodView(brand="visa", last4="1111", exp_month=8, exp_year=2033)
    assert [tell(ada, "updated", view=view), tell(ada, "updated", view=view)] == [1, 0]
    method = ada.method()
    assert (method.exp_month, method.exp_year, method.state) == (8, 2033, "active")
    assert method.events.filter(kind="updated").count() == 1
    assert "valid until 08/2033" in ada.get(f"methods/{method.pk}/")


def test_R33_the_processors_report_is_fetched_about_once_a_day(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    at.nmi.do("update_card", customer_vault_id=ada.method().token, number=AMEX, expires="0831")
    now = clock.now()
    assert fetch_updates(now=now + timedelta(minutes=1)) == 1
    method = ada.method()
    assert (method.last4, method.brand, method.exp_month, method.exp_year) == ("1111", "American Express", 8, 2031)
    mark = UpdaterMark.objects.get().asked_until
    assert fetch_updates(now=now + timedelta(hours=19)) == 0 and UpdaterMark.objects.get().asked_until == mark
    assert fetch_updates(now=now + timedelta(hours=21)) == 0 and UpdaterMark.objects.get().asked_until > mark


def test_R33_an_expired_card_comes_back_with_its_new_date(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    tend_expiring(organization=ada.org, now=datetime(2031, 1, 1, 17, tzinfo=UTC))
    assert ada.methods() == [("disabled", "expired", 0)]
    tell(ada, "updated", view=MethodView(exp_month=12, exp_year=2034))
    assert ada.methods() == [("active", "", 1)]


@pytest.mark.parametrize(
    ("change", "state", "why", "told"),
    [("closed", "disabled", "closed", 1), ("revoked", "disabled", "revoked", 1), ("paused", "suspended", "paused", 1),
     ("contact", "active", "", 0), ("removed", "removed", "closed", 1)],
)  # fmt: skip
def test_R33_what_stops_a_card_stops_it_and_the_payer_is_told(
    ada: Family, at: Desk, change: str, state: str, why: str, told: int
) -> None:
    ada.add(at.card())
    tell(ada, change)
    assert ada.methods() == [(state, why, int(state == "active"))]
    assert Notice.objects.filter(kind="method_stopped").count() == told
    if state == "suspended":
        tell(ada, "resumed", "e2")
        assert ada.methods() == [("active", "", 1)]


def test_R33_news_of_what_is_not_ours_changes_nothing(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    with transaction.atomic():
        update = MethodUpdate("e1", "999", "closed", clock.now())
        assert apply_update(configuration="precisepay", update=update, now=clock.now()) == 0
        own = MethodUpdate("e1", ada.method().token, "closed", clock.now())
        assert apply_update(configuration="another", update=own, now=clock.now()) == 0
    assert ada.methods() == [("active", "", 1)]


@pytest.mark.parametrize(
    ("today", "told_on", "due"),
    [
        (date(2030, 11, 30), None, 0), (date(2030, 12, 1), None, 30), (date(2030, 12, 2), date(2030, 12, 1), 0),
        (date(2030, 12, 23), date(2030, 12, 1), 0), (date(2030, 12, 24), date(2030, 12, 1), 7),
        (date(2030, 12, 31), date(2030, 12, 24), 0), (date(2030, 12, 31), None, 7), (date(2031, 1, 1), None, -1),
    ],
)  # fmt: skip
def test_R33_thirty_and_seven_days_before_the_last_day_and_over_the_day_after(
    today: date, told_on: date | None, due: int
) -> None:
    method = PaymentMethod(exp_month=12, exp_year=2030, expiry_told_on=told_on)
    assert notice_due(method, today) == due


def test_R77_the_notice_names_the_card_the_day_and_what_it_could_not_pay(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    of = agreements.agreement(ada.customer, collects_itself=True)
    agreements.installment(of, "90.00", due_on=date(2031, 1, 5))
    noon = datetime(2030, 12, 1, 17, tzinfo=UTC)
    assert [tend_expiring(organization=ada.org, now=noon) for _n in range(2)] == [1, 0]
    notice = Notice.objects.get(kind="card_expiring")
    assert notice.recipient == "ada@example.org" and notice.subject == "Visa •••1111 expires soon"
    for words in ("Dear Ada Ames", "30 more days", "31 Dec 2030", of.plan.name, "US$90.00 on 5 Jan 2031"):
        assert words in notice.body, notice.body
    tend_expiring(organization=ada.org, now=datetime(2030, 12, 25, 17, tzinfo=UTC))
    assert Notice.objects.filter(kind="card_expiring").count() == 2
    tend_expiring(organization=ada.org, now=datetime(2031, 1, 1, 17, tzinfo=UTC))
    assert ada.methods() == [("disabled", "expired", 0)]
    assert Notice.objects.filter(kind="method_stopped").count() == 1
