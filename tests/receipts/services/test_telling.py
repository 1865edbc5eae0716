"""Who has a phone and no e-mail address is told by it where the receipt is (R175)."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import transaction

from billing.models import Customer
from billing.office.models import Notice, Organization
from payments.models import Payment
from receipts.services.charged import take_charged
from tests.assertions import assert_books_whole
from tests.billing.telling.cast import PHONE, carriers, prefer, send
from tests.builders import NOW, customer, order, organization, policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return customer(school, "Ada", language="en")


def charged(payer: Customer, now: Any = NOW) -> Payment:
    with transaction.atomic():
        made = order(payer, "60.00", method="card", reference="C1")
        return take_charged(organization=payer.organization, order=made, now=now, by=None)


def test_R175_by_sms_with_the_page_on_which_they_sign_in(ada) -> None:
    prefer(ada, phone=PHONE)
    with carriers() as at:
        receipt = charged(ada).receipt
        assert send() == 1
        (sms,) = at.sms.messages.values()
    assert receipt.number in sms.body and sms.body.endswith(f"http://localhost/family/receipts/{receipt.pk}/")
    assert (receipt.email, Notice.objects.get().channel, mail.outbox) == ("", "sms", [])
    assert_books_whole()


def test_R175_by_whatsapp_where_they_chose_it(ada) -> None:
    prefer(ada, phone=PHONE, topics={"payments": ["whatsapp"]})
    with carriers() as at:
        charged(ada)
        send()
        assert (len(at.whatsapp.messages), len(at.sms.messages)) == (1, 0)


def test_R175_none_is_none(ada) -> None:
    prefer(ada, phone=PHONE, topics={"payments": []})
    with carriers() as at:
        charged(ada)
        assert (send(), len(at.sms.messages)) == (0, 0)
    assert Notice.objects.get().state == "withheld"


def test_R172_at_night_it_waits(ada) -> None:
    prefer(ada, phone=PHONE)
    night = NOW + timedelta(hours=11)  # 22:00 in New York
    with carriers():
        charged(ada, night)
        assert (send(night), send(night + timedelta(hours=10))) == (0, 1)


@pytest.mark.parametrize("why", ["not_confirmed", "no_carrier", "has_address", "switched_off"])
def test_otherwise_nothing_goes_to_the_phone(school, ada, why) -> None:
    wishes = prefer(ada, phone=PHONE)
    if why == "not_confirmed":
        wishes.phone_confirmed_at = None
        wishes.save()
    if why == "has_address":
        Customer.objects.filter(pk=ada.pk).update(email="ada@example.org")
        ada.refresh_from_db()
    if why == "switched_off":
        policy(school, "receipts.delivery", "none")
    if why == "no_carrier":
        charged(ada)
    else:
        with carriers():
            charged(ada)
    assert not Notice.objects.filter(kind="receipt_link").exists()
    assert Notice.objects.filter(kind="receipt").exists() == (why == "has_address")
