"""What is said where no answer came, or one that cannot be read (invariants 28-30); the report of a day."""

from datetime import timedelta

import pytest

from payments.gateways.base import GatewayDown, Kind, Moved, Outcome, Reason
from tests.payments.gateways.netbanking.desk import Desk, inr, ref_of
from tests.sandbox.server import stop

COMMITTED = ["drop_after", "hang_after", "error_after", "html", "empty", "garbled", "truncated"]
NEVER_CAME = ["drop_before", "hang_before", "error_before"]
REFUND = "cancel_refund_transaction"


@pytest.mark.parametrize("kind", COMMITTED)
def test_a_refund_whose_answer_is_lost_is_unknown_and_adopted(at: Desk, kind: str) -> None:
    paid, key = at.paid(), at.key()
    at.fault(kind, body=REFUND)
    lost = at.gateway().refund(ref_of(paid), inr(10_00), key)
    assert (lost.outcome, lost.money) == (Outcome.UNKNOWN, inr(10_00))
    assert [(one.outcome, one.money, one.key) for one in at.find(key, Kind.REFUND, paid.ref)] == [
        (Outcome.PENDING, inr(10_00), key)
    ]


@pytest.mark.parametrize("kind", NEVER_CAME)
def test_a_refund_that_never_came_is_unknown_and_absent(at: Desk, kind: str) -> None:
    paid, key = at.paid(), at.key()
    at.fault(kind, body=REFUND)
    assert at.gateway().refund(ref_of(paid), inr(10_00), key).outcome == Outcome.UNKNOWN
    assert at.find(key, Kind.REFUND, paid.ref) == []
    at.later(days=2)
    assert at.minor("refund") == 0


@pytest.mark.parametrize("kind", [*NEVER_CAME, "html", "empty", "garbled", "truncated", "rate_limit", "expired"])
def test_a_question_without_an_answer_is_no_absence(at: Desk, kind: str) -> None:
    paid = at.paid()
    for sort in (Kind.SALE, Kind.REFUND):
        at.fault(kind, path="/merchant/")
        asked = at.find(paid.key, sort, paid.ref)
        assert [(one.outcome, one.kind) for one in asked] == [(Outcome.UNKNOWN, sort)]
    at.fault(kind, path="/merchant/")
    assert at.gateway().status(ref_of(paid)).outcome == Outcome.UNKNOWN


def test_what_does_not_show_yet_is_not_there(at: Desk) -> None:
    paid = at.paid()
    at.sandbox.faults.add("blind", seconds=30)
    assert at.find(paid.key) == []
    assert at.gateway().status(ref_of(paid)).outcome == Outcome.UNKNOWN
    at.later(seconds=31)
    assert len(at.find(paid.key)) == 1


def test_nobody_there_is_an_error(at: Desk) -> None:
    paid, gateway = at.paid(), at.gateway()
    stop(at.server)
    result = gateway.refund(ref_of(paid), inr(1_00), at.key())
    assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)


@pytest.mark.parametrize("kind", ["expired", "rate_limit"])
def test_who_is_not_let_in_has_moved_nothing(at: Desk, kind: str) -> None:
    paid = at.paid()
    at.fault(kind, body=REFUND)
    assert at.gateway().refund(ref_of(paid), inr(1_00), at.key()).outcome == Outcome.ERROR
    at.later(days=2)
    assert at.minor("refund") == 0


@pytest.mark.parametrize("wrong", [{"salt": "not-it"}, {"key": "OTHER"}])
def test_credentials_that_are_no_longer_good_are_an_error(at: Desk, wrong: dict[str, str]) -> None:
    paid = at.paid()
    result = at.gateway(**wrong).refund(ref_of(paid), inr(1_00), at.key())
    assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)


def test_an_amount_that_was_not_asked_for_is_told_as_it_is(at: Desk) -> None:
    paid = at.paid(1250_00)
    at.fault("lie_amount", body="verify_payment")
    assert at.gateway().status(ref_of(paid)).money != inr(1250_00)


def test_nothing_secret_is_in_the_log(at: Desk) -> None:
    paid = at.paid()
    at.gateway().refund(ref_of(paid), inr(1_00), at.key())
    assert at.said
    for secret in (at.sandbox.SALT, at.sandbox.KEY, "asha@example.org", "Asha", "9876543210"):
        assert secret not in at.said


# The report of a day


def test_a_report_adds_up_to_what_payu_moved(at: Desk) -> None:
    first, second, key = at.paid(1250_00), at.paid(99_99), at.key()
    sent = at.gateway().refund(ref_of(first), inr(50_00), key)
    at.do("charge_back", txnid=second.key)
    days = []
    for _day in range(4):
        at.later(days=1)
        days.append(at.today)
    items = [item for day in days for item in at.gateway().settlement(day)]
    sums = {moved: sum(one.money.minor for one in items if one.moved == moved) for moved in Moved}
    assert sums[Moved.CAPTURE] == at.minor("capture") == 1349_99
    assert sums[Moved.REFUND] == at.minor("refund") == 50_00
    assert sums[Moved.CHARGEBACK] == at.minor("chargeback") == 99_99
    assert {one.key for one in items if one.moved == Moved.CAPTURE} == {first.key, second.key}
    assert [(one.ref, one.related) for one in items if one.moved == Moved.REFUND] == [(sent.ref, first.key)]


def test_a_day_without_a_payout_is_an_empty_report(at: Desk) -> None:
    assert list(at.gateway().settlement(at.today - timedelta(days=3))) == []


@pytest.mark.parametrize("kind", ["drop_before", "html", "garbled", "expired"])
def test_a_report_that_cannot_be_had_is_none(at: Desk, kind: str) -> None:
    at.fault(kind)
    with pytest.raises(GatewayDown):
        at.gateway().settlement(at.today)
