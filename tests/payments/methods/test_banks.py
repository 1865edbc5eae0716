"""Bank accounts: two small amounts, three tries, ACH status (R23, R24, R31)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from billing.errors import BadInput
from billing.office import clock
from payments.gateways.base import HostedToken, Instrument
from payments.models import PaymentAttempt, PaymentMethod
from payments.services.attempts import MethodUnusable, check_usable
from payments.services.methods.banks import check_aba, check_ach_method
from payments.services.methods.offering import offers_for
from payments.services.methods.payers import payer_ref
from payments.services.methods.verifying import finish_verifications
from tests import builders
from tests.console_desk import plain
from tests.payments.gateways.dwolla.desk import Desk
from tests.payments.gateways.precisepay.desk import Desk as CardDesk
from tests.payments.methods import cast
from tests.payments.methods.cast import Family

banks = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dwolla() -> Iterator[Desk]:
    with cast.at_dwolla() as desk:
        yield desk


@pytest.fixture
def ada(dwolla: Desk, transactional_db: None) -> Family:
    return cast.family(*cast.school("dwolla"))


def add(family: Family, dwolla: Desk, account: str = "") -> Any:
    """What the drop-in made of what was typed, posted by the page."""
    url = dwolla.typed_bank(payer_ref(family.customer, family.account), account=account)
    return family.add(HostedToken(url, Instrument.BANK), kind="bank", last4="6789", postal_code="")


def give(family: Family, first: str, second: str, status: int = 302) -> str:
    answer = family.post(f"methods/{family.method().pk}/amounts/", status, amount1=first, amount2=second)
    return plain(answer)


@banks
def test_R23_R24_pending_until_the_two_amounts_are_told(ada: Family, dwolla: Desk) -> None:
    text = plain(add(ada, dwolla))
    assert "Which amounts arrived?" in text and "You have 3 tries." in text
    method = ada.method()
    assert (method.state, method.state_reason, check_ach_method(method)) == ("verifying", "micro_deposits", 2)
    with pytest.raises(MethodUnusable):
        check_usable(method)
    dwolla.sandbox.do("settle_deposits")
    give(ada, "0.03", "0.07")
    method = ada.method()
    assert (method.state, method.place, check_ach_method(method)) == ("active", 1, 1)
    assert ada.asked() == ["store", "micro_deposits", "confirm"]


@banks
def test_R23_three_tries_and_no_more(ada: Family, dwolla: Desk) -> None:
    add(ada, dwolla)
    dwolla.sandbox.do("settle_deposits")
    assert "You have 2 tries." in give(ada, "0.09", "0.09", 422)
    assert "You have 1 try." in give(ada, "0.09", "0.09", 422)
    give(ada, "0.09", "0.09")
    method = ada.method()
    assert (method.state, method.state_reason, method.micro_tries) == ("disabled", "micro_failed", 3)
    assert check_ach_method(method) == 0
    assert "No amounts are expected" in give(ada, "0.03", "0.07", 422)
    assert ada.asked().count("confirm") == 3


@banks
@pytest.mark.parametrize("typed", ["", "1.00", "x", "0.005", "-0.03"])
def test_R23_what_is_no_small_amount_costs_no_try(ada: Family, dwolla: Desk, typed: str) -> None:
    add(ada, dwolla)
    dwolla.sandbox.do("settle_deposits")
    give(ada, typed, "0.07", 422)
    assert ada.method().micro_tries == 0 and "confirm" not in ada.asked()


@banks
def test_R23_an_answer_before_the_amounts_arrived_costs_no_try(ada: Family, dwolla: Desk) -> None:
    add(ada, dwolla)
    assert "have not arrived yet" in give(ada, "0.03", "0.07", 422)
    assert ada.method().micro_tries == 0 and ada.methods() == [("verifying", "micro_deposits", 0)]
    dwolla.sandbox.do("settle_deposits")
    give(ada, "0.03", "0.07")
    assert ada.methods() == [("active", "", 1)]


@banks
def test_R30_the_same_token_again_is_the_method_that_is_there(ada: Family, dwolla: Desk) -> None:
    add(ada, dwolla)
    url = ada.method().token
    ada.add(HostedToken(url, Instrument.BANK), kind="bank", last4="6789", postal_code="")
    assert PaymentMethod.objects.count() == 1 and ada.asked().count("store") == 2


@banks
def test_R30_a_token_of_another_payer_is_nobodys_here(ada: Family, dwolla: Desk) -> None:
    add(ada, dwolla)
    ben = cast.family(ada.org, ada.account, "Ben Bow")
    ben.add(HostedToken(ada.method().token, Instrument.BANK), kind="bank", last4="6789", postal_code="")
    assert not PaymentMethod.objects.filter(customer=ben.customer).exists()


@banks
def test_R23_where_nobody_can_prove_a_bank_account_none_is_taken(at: CardDesk, transactional_db: None) -> None:
    family = cast.family(*cast.school())
    assert offers_for(family.customer, builders.NOW) == ["card"]
    assert "This cannot be added at the moment" in family.get(f"methods/add/{family.customer.pk}/bank/", 409)


@pytest.mark.parametrize("number", ["490000018", "222222226", "0210 0002 1"])
def test_R31_routing_numbers_with_a_right_check_digit(number: str) -> None:
    assert check_aba(number) == number.replace(" ", "")


@pytest.mark.parametrize("number", ["490000019", "49000001", "4900000180", "000000000", "49000001x", "", "４90000018"])
def test_R31_routing_numbers_that_cannot_be(number: str) -> None:
    with pytest.raises(BadInput):
        check_aba(number)


@banks
def test_R23_deposits_that_never_left_are_sent_later(ada: Family, dwolla: Desk) -> None:
    """Its worker died before anything was sent: the attempt is freed, and the payer must not wait in vain."""
    dwolla.sandbox.faults.add("rate_limit", path="micro-deposits")
    add(ada, dwolla)
    method = ada.method()
    assert PaymentAttempt.objects.get(operation="micro_deposits").state == "not_sent"
    PaymentMethod.objects.filter(pk=method.pk).update(state_reason="micro_deposits")
    finish_verifications(now=clock.now() + timedelta(minutes=16))
    assert ada.asked() == ["store", "micro_deposits", "micro_deposits"]
    finish_verifications(now=clock.now() + timedelta(minutes=60))
    assert ada.asked().count("micro_deposits") == 2 and ada.method() == method
