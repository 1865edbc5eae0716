"""Primary and backups, removal with confirmation, history (R34-R36)."""

from datetime import timedelta
from typing import Any

import pytest

from billing.models import Invoice
from billing.office import clock
from billing.office.models import Notice
from payments.models import PaymentAttempt
from payments.services.methods.tending import tend_methods
from tests import agreements, builders
from tests.conftest import RunInThreads
from tests.console_desk import plain
from tests.payments.gateways.precisepay.desk import AMEX, MASTERCARD, Desk
from tests.payments.methods.cast import Family

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def three(ada: Family, at: Desk) -> list[int]:
    """Keys of three cards, in their order."""
    keys = []
    for number in ("4111111111111111", MASTERCARD, AMEX):
        ada.add(at.card(number))
        keys.append(ada.method().pk)
    return keys


def places(ada: Family) -> list[int]:
    return [place for _state, _why, place in ada.methods()]


def test_R34_up_down_and_first(ada: Family, three: list[int]) -> None:
    ada.post(f"methods/{three[2]}/place/", move="up")
    assert places(ada) == [1, 3, 2]
    ada.post(f"methods/{three[0]}/place/", move="down")
    assert places(ada) == [2, 3, 1]
    ada.post(f"methods/{three[1]}/place/", move="first")
    assert places(ada) == [3, 1, 2]
    ada.post(f"methods/{three[1]}/place/", move="up")
    ada.post(f"methods/{three[0]}/place/", move="down")
    assert places(ada) == [3, 1, 2], "beyond the ends nothing changes"
    ada.post(f"methods/{three[0]}/place/", 404, move="sideways")


def test_R34_two_hands_at_once_leave_one_order(ada: Family, three: list[int], run_in_threads: RunInThreads) -> None:
    def push(n: int) -> None:
        window = Family(ada.org, ada.customer, ada.user, ada.account)
        window.client.force_login(ada.user)
        window.post(f"methods/{three[n]}/place/", move="first")

    assert run_in_threads(push, 3).errors == []
    assert sorted(places(ada)) == [1, 2, 3]


def test_R35_removal_is_confirmed_the_processor_forgets_and_the_rest_move_up(
    ada: Family, at: Desk, three: list[int]
) -> None:
    text = ada.get(f"methods/{three[0]}/remove/")
    assert "Remove Visa •••1111?" in text and places(ada) == [1, 2, 3]
    ada.post(f"methods/{three[0]}/remove/")
    assert ada.methods() == [("removed", "being_removed", 0), ("active", "", 1), ("active", "", 2)]
    assert len(at.nmi.vaults) == 2
    method = ada.method().__class__.objects.get(pk=three[0])
    assert method.token == "" and method.payer_id == "" and method.removed_at is not None
    ada.post(f"methods/{three[0]}/remove/")
    assert ada.asked().count("delete") == 1, "removed twice is removed once"
    assert "removed" in ada.get(f"methods/{three[0]}/"), "the history stays"


def test_R35_a_removal_that_was_not_carried_out_is_tried_again(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    at.nmi.faults.add("rate_limit", path="transact")
    ada.post(f"methods/{ada.method().pk}/remove/")
    assert ada.methods() == [("disabled", "being_removed", 0)] and len(at.nmi.vaults) == 1
    ada.get("methods/")  # with the word that it was removed
    assert "Visa" not in ada.get("methods/"), "gone for the payer at once"
    tend_methods(now=clock.now() + timedelta(minutes=30))
    assert len(at.nmi.vaults) == 1
    tend_methods(now=clock.now() + timedelta(minutes=61))
    assert ada.methods() == [("removed", "being_removed", 0)] and len(at.nmi.vaults) == 0


def test_R35_a_removal_that_never_succeeds_is_told_to_the_office(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    at.nmi.faults.add("rate_limit", path="transact", times=None)
    ada.post(f"methods/{ada.method().pk}/remove/")
    for _n in range(6):
        PaymentAttempt.objects.filter(operation="delete").update(settled_at=clock.now() - timedelta(hours=2))
        tend_methods(now=clock.now())
    assert ada.asked().count("delete") == 5
    assert Notice.objects.get(kind="method_not_removed").channel == "office"
    assert ada.methods() == [("disabled", "being_removed", 0)]


def _owes(ada: Family, amount: str = "120.00") -> Invoice:
    today = ada.org.today(clock.now())
    return builders.invoice(ada.customer, amount, issued_on=today - timedelta(days=3))


def test_R35_while_a_charge_is_being_confirmed_it_cannot_be_removed(ada: Family, at: Desk) -> None:
    ada.add(at.card())
    invoice = _owes(ada)
    at.nmi.faults.add("drop_after", path="transact", body="type=sale")
    at.nmi.faults.add("blind", path="query", seconds=600)
    key = ada.method().pk
    typed: dict[str, Any] = {"invoices": invoice.pk, f"amount_{invoice.pk}": "120.00", "method": key, "confirm": "1"}
    ada.post(f"pay/of/{ada.customer.pk}/USD/", request_key="p1", **typed)
    assert PaymentAttempt.objects.get(operation="sale").state == "unknown"
    text = plain(ada.post(f"methods/{key}/remove/", 422))
    assert "A payment with Visa •••1111 is being confirmed." in text
    assert ada.methods() == [("active", "", 1)]


def test_R34_autopay_that_would_have_nothing_left_is_told_before(ada: Family, at: Desk) -> None:
    of = agreements.agreement(ada.customer, collects_itself=True)
    ada.add(at.card())
    text = ada.get(f"methods/{ada.method().pk}/remove/")
    assert "It is the last one." in text and of.plan.name in text
    ada.add(at.card(AMEX))
    assert "It is the last one." not in ada.get(f"methods/{ada.method().pk}/remove/")


def test_R36_a_change_touches_charges_to_come_only(ada: Family, at: Desk, three: list[int]) -> None:
    invoice = _owes(ada)
    typed: dict[str, Any] = {
        "invoices": invoice.pk,
        f"amount_{invoice.pk}": "50.00",
        "method": three[0],
        "confirm": "1",
    }
    ada.post(f"pay/of/{ada.customer.pk}/USD/", request_key="p1", **typed)
    ada.post(f"methods/{three[2]}/place/", move="first")
    ada.post(f"methods/{three[0]}/remove/")
    attempt = PaymentAttempt.objects.get(operation="sale")
    assert (attempt.method_id, attempt.state) == (three[0], "succeeded")
    assert "Visa •••1111" in ada.get(f"pay/result/{attempt.pk}/")


def test_R35_history_tells_who_did_what(ada: Family, three: list[int]) -> None:
    ada.post(f"methods/{three[1]}/place/", move="first")
    text = ada.get(f"methods/{three[1]}/")
    for word in ("added", "active", "order changed", "made the primary"):
        assert word in text or word == "active"
