"""What automation leaves to a person, at the console (R44, R49, R66)."""

from decimal import Decimal as D

import pytest

from tests import builders
from tests.assertions import assert_books_whole
from tests.console_desk import desk
from tests.payments.recovery.cast import School, decision, left, states, told

pytestmark = pytest.mark.django_db(transaction=True)
FRAUD = "253"


@pytest.fixture
def suspected(place: School) -> School:
    """Fraud is suspected of Ada's card; another invoice of hers falls due tomorrow."""
    ada = place.family()
    place.card = place.method(ada)  # type: ignore[attr-defined]
    place.decline(place.card, FRAUD)  # type: ignore[attr-defined]
    place.due = place.bill(ada)  # type: ignore[attr-defined]
    place.other = place.bill(ada, "55.00", due=1)  # type: ignore[attr-defined]
    place.charge()
    return place


def path(place: School) -> str:
    return f"failed-charges/{decision(place.due).pk}/decide/"  # type: ignore[attr-defined]


def test_R49_it_stands_in_the_list_with_its_reasons(suspected: School) -> None:
    text = desk(suspected.org, "supervisor").see("failed-charges/")
    assert "Fraud is suspected" in text and "US$90.00" in text and "Charge it again" in text
    assert "No failed charge" in desk(builders.organization(), "supervisor").see("failed-charges/")


def test_R66_released_it_is_charged_again_and_automation_is_on(suspected: School) -> None:
    suspected.decline(suspected.card, "")  # type: ignore[attr-defined]
    manager = desk(suspected.org, "manager")
    assert "It is charged again." in manager.follow(path(suspected), deed="retry")
    suspected.pass_time(days=1)
    assert suspected.retry().came == {"succeeded": 1}
    assert suspected.charge() == {"succeeded": 1}
    assert (left(suspected.due), left(suspected.other)) == (D(0), D(0))  # type: ignore[attr-defined]
    assert_books_whole()


def test_R66_left_alone_nothing_more_is_tried_of_it(suspected: School) -> None:
    desk(suspected.org, "manager").post(path(suspected), deed="close")
    suspected.pass_time(days=1)
    assert suspected.retry().looked_at == 0
    assert states(suspected.due) == ["declined"]  # type: ignore[attr-defined]


def test_the_payer_is_asked_and_may_choose(suspected: School) -> None:
    desk(suspected.org, "manager").post(path(suspected), deed="ask_payer")
    assert decision(suspected.due).verdict == "ask_payer"  # type: ignore[attr-defined]
    assert len(told("charge_failed")) == 2


def test_decided_twice_it_is_decided_once(suspected: School) -> None:
    manager = desk(suspected.org, "manager")
    address = path(suspected)
    manager.post(address, deed="close")
    assert "Somebody decided this already." in manager.follow(address, deed="retry")
    assert suspected.retry().looked_at == 0


def test_R167_a_clerk_sees_and_does_not_decide(suspected: School) -> None:
    clerk = desk(suspected.org, "clerk")
    assert "Charge it again" not in clerk.see("failed-charges/")
    clerk.post(path(suspected), 403, deed="retry")
    desk(builders.organization(), "manager").post(path(suspected), 404, deed="retry")
    assert decision(suspected.due).verdict == "person"  # type: ignore[attr-defined]
