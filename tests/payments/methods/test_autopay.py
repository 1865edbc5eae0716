"""Autopay on and off with its preferences, by the family alone (R34, R56)."""

import pytest

from billing.models import Agreement
from payments.models import AutopayPreference
from payments.services.methods.autopay import methods_in_order
from tests import agreements, builders
from tests.console_desk import plain
from tests.payments.gateways.precisepay.desk import AMEX, Desk
from tests.payments.methods import cast
from tests.payments.methods.cast import Family

pytestmark = pytest.mark.django_db(transaction=True)


def is_on(of: Agreement) -> bool:
    return Agreement.objects.get(pk=of.pk).collects_itself


def test_R56_on_with_a_first_choice_and_off_again(ada: Family, at: Desk) -> None:
    of = agreements.agreement(ada.customer)
    ada.add(at.card())
    ada.add(at.card(AMEX))
    amex = ada.method()
    ada.post(f"autopay/{of.pk}/", is_on="yes", method=amex.pk)
    assert is_on(of) and methods_in_order(of)[0].pk == amex.pk
    assert "autopay is on" in ada.get("methods/")
    ada.post(f"autopay/{of.pk}/", is_on="no", method="")
    assert not is_on(of) and methods_in_order(of)[0].place == 1
    assert AutopayPreference.objects.count() == 1


def test_R56_it_needs_a_method_that_is_ready(ada: Family, at: Desk) -> None:
    of = agreements.agreement(ada.customer)
    text = plain(ada.post(f"autopay/{of.pk}/", 422, is_on="yes"))
    assert "Add a card or bank account first" in text and not is_on(of)


def test_R56_the_pay_day_is_chosen_only_where_the_school_allows(ada: Family, at: Desk) -> None:
    of = agreements.agreement(ada.customer)
    ada.add(at.card())
    assert "This is paid on its due day." in plain(ada.post(f"autopay/{of.pk}/", 422, is_on="yes", pay_day="5"))
    builders.policy(ada.org, "payments.methods.pay_day", True)
    for bad in ("29", "x", "-1"):
        ada.post(f"autopay/{of.pk}/", 422, is_on="yes", pay_day=bad)
    ada.post(f"autopay/{of.pk}/", is_on="yes", pay_day="28")
    assert AutopayPreference.objects.get().pay_day == 28


def test_R56_what_zoho_collects_is_changed_there(ada: Family, at: Desk) -> None:
    of = agreements.agreement(ada.customer, backend="zoho")
    ada.add(at.card())
    assert "Zoho Billing collects this" in plain(ada.post(f"autopay/{of.pk}/", 422, is_on="yes"))


def test_R162_anothers_agreement_or_method_does_not_exist(ada: Family, at: Desk) -> None:
    of = agreements.agreement(ada.customer)
    ada.add(at.card())
    eve = cast.family(ada.org, ada.account, "Eve Ek")
    eve.get(f"autopay/{of.pk}/", 404)
    theirs = agreements.agreement(eve.customer)
    eve.add(at.card(AMEX))
    eve.post(f"autopay/{theirs.pk}/", 422, is_on="yes", method=ada.method().pk)
    assert not is_on(theirs)
