"""What is said where no answer came, or one that cannot be read (invariants 28-30)."""

import pytest

from payments.gateways.base import Advice, Kind, Outcome, Reason
from tests.payments.gateways.upi.desk import Desk, inr, ref_of
from tests.sandbox.server import stop

ORDERS, EXECUTIONS, REFUNDS = "/v1/orders$", "/executions$", "/refunds$"
COMMITTED = ["drop_after", "hang_after", "error_after", "html", "empty", "garbled", "truncated"]
NEVER_CAME = ["drop_before", "hang_before", "error_before"]


@pytest.mark.parametrize("kind", COMMITTED)
def test_a_debit_whose_answer_is_lost_is_unknown_and_adopted(at: Desk, kind: str) -> None:
    method, key = at.mandate(), at.key()
    at.fault(kind, path=EXECUTIONS, body=key)
    lost = at.debit(method, key=key)
    assert (lost.outcome, lost.money) == (Outcome.UNKNOWN, inr(1250_00))
    assert [(one.outcome, one.money, one.key) for one in at.find(key)] == [(Outcome.APPROVED, inr(1250_00), key)]
    assert len(at.sandbox.ledger.captures(key)) == 1


@pytest.mark.parametrize("kind", NEVER_CAME)
def test_a_debit_that_never_came_is_unknown_and_absent(at: Desk, kind: str) -> None:
    method, key = at.mandate(), at.key()
    at.fault(kind, path=EXECUTIONS, body=key)
    assert at.debit(method, key=key).outcome == Outcome.UNKNOWN
    assert at.find(key) == []
    assert at.minor("capture") == 0


@pytest.mark.parametrize("kind", ["drop_after", "html", "empty"])
def test_a_link_whose_answer_was_lost_is_found(at: Desk, kind: str) -> None:
    key = at.key()
    at.fault(kind, path=ORDERS)
    assert at.start(key=key).outcome == Outcome.UNKNOWN
    found = at.find(key)
    assert [(one.outcome, one.redirect.startswith("upi://pay?")) for one in found] == [(Outcome.PENDING, True)]


@pytest.mark.parametrize("kind", ["drop_after", "hang_after", "garbled"])
def test_a_refund_whose_answer_was_lost_is_found(at: Desk, kind: str) -> None:
    paid, key = at.paid(), at.key()
    at.fault(kind, path=REFUNDS)
    assert at.gateway().refund(ref_of(paid), inr(10_00), key).outcome == Outcome.UNKNOWN
    assert [one.outcome for one in at.find(key, Kind.REFUND)] == [Outcome.PENDING]
    at.later(seconds=61)
    assert at.minor("refund", key=key) == 10_00


def test_an_amount_that_was_not_asked_for_is_told_as_it_is(at: Desk) -> None:
    """Whoever settles it compares; here nothing is made to fit."""
    key = at.key()
    at.fault("lie_amount", path=ORDERS)
    assert at.start(1250_00, key).money != inr(1250_00)


def test_what_does_not_show_yet_is_not_there(at: Desk) -> None:
    started = at.start()
    at.sandbox.faults.add("blind", seconds=30)
    assert at.find(started.key) == []
    at.later(seconds=31)
    assert len(at.find(started.key)) == 1


@pytest.mark.parametrize("kind", [*NEVER_CAME, "html", "empty", "garbled", "truncated", "rate_limit", "expired"])
def test_a_question_without_an_answer_is_no_absence(at: Desk, kind: str) -> None:
    started = at.start()
    for sort in (Kind.SALE, Kind.REFUND, Kind.MANDATE, Kind.NOTIFY, Kind.DELETE):
        at.fault(kind)
        asked = at.find(started.key, sort, payer_id="M1")
        assert [(one.outcome, one.kind) for one in asked] == [(Outcome.UNKNOWN, sort)]
    at.fault(kind)
    assert at.gateway().status(ref_of(started)).outcome == Outcome.UNKNOWN


def test_nobody_there_is_an_error(at: Desk) -> None:
    method, key = at.mandate(), at.key()
    stop(at.server)
    result = at.debit(method, key=key)
    assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)
    assert at.start().outcome == Outcome.ERROR
    assert at.minor("capture") == 0


def test_without_a_look_at_the_notice_nothing_is_debited(at: Desk) -> None:
    method = at.mandate()
    notice = at.noticed(method)
    at.fault("drop_before", path="/notifications/")
    assert at.debit(method, notice=notice).outcome == Outcome.ERROR
    assert at.minor("capture") == 0


def test_credentials_that_are_no_longer_good_are_an_error(at: Desk) -> None:
    """Not unknown: who is not let in has moved nothing."""
    method = at.mandate()
    at.fault("expired", path=EXECUTIONS)
    result = at.debit(method)
    assert (result.outcome, result.reason, result.raw_code) == (
        Outcome.ERROR, Reason.GATEWAY_ERROR, "unauthorized",
    )  # fmt: skip
    wrong = at.gateway(key_secret="not-it").check_handle("asha.rao@okbank")
    assert wrong.outcome == Outcome.ERROR
    assert at.minor("capture") == 0


def test_too_many_calls_are_an_error_with_a_time(at: Desk) -> None:
    method = at.mandate()
    at.fault("rate_limit", path=EXECUTIONS)
    result = at.debit(method)
    assert (result.outcome, result.advice, result.raw_code) == (
        Outcome.ERROR, Advice.RETRY_AFTER, "too_many_requests",
    )  # fmt: skip
    assert result.retry_after is not None and result.retry_after.tzinfo is not None
    assert at.minor("capture") == 0


def test_nothing_secret_is_in_the_log(at: Desk) -> None:
    method = at.mandate("asha.rao@okbank")
    at.debit(method)
    at.start(vpa="asha.rao@okbank")
    at.gateway().check_handle("asha.rao@okbank")
    assert at.said
    for secret in (at.sandbox.KEY_SECRET, at.sandbox.WEBHOOK_SECRET, "asha.rao", "ASHA RAO", "asha@example.org"):
        assert secret not in at.said
