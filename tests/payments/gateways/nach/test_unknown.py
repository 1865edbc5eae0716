"""What is said where no answer came, or one that cannot be read (invariants 28-30); files and reports."""

from datetime import timedelta

import pytest

from payments.gateways.base import Advice, GatewayDown, Kind, Moved, Outcome, Reason, State
from tests.payments.gateways.nach.desk import ORDER, Desk, inr, ref_of
from tests.sandbox.server import stop

PUT = "^/presentations/"
COMMITTED = ["drop_after", "hang_after", "error_after", "html", "empty", "garbled", "truncated"]
NEVER_CAME = ["drop_before", "hang_before", "error_before"]


@pytest.mark.parametrize("kind", COMMITTED)
def test_a_file_whose_answer_is_lost_is_unknown_and_adopted(at: Desk, kind: str) -> None:
    method, key = at.mandate(), at.key()
    at.fault(kind, path=PUT)
    lost = at.debit(method, key=key)
    assert (lost.outcome, lost.money) == (Outcome.UNKNOWN, inr(1250_00))
    assert [(one.outcome, one.state, one.money, one.key) for one in at.find(key)] == [
        (Outcome.PENDING, State.PENDING_SETTLEMENT, inr(1250_00), key)
    ]
    at.evening()
    assert len(at.sandbox.ledger.captures(key)) == 1


@pytest.mark.parametrize("kind", NEVER_CAME)
def test_a_file_that_never_came_is_unknown_and_absent(at: Desk, kind: str) -> None:
    method, key = at.mandate(), at.key()
    at.fault(kind, path=PUT)
    assert at.debit(method, key=key).outcome == Outcome.UNKNOWN
    assert at.find(key) == []
    at.evening()
    assert at.minor("capture") == 0


def test_a_mandate_whose_answer_was_lost_is_found(at: Desk) -> None:
    key = at.key()
    at.fault("drop_after", path="^/mandates$")
    assert at.register(key=key).outcome == Outcome.UNKNOWN
    assert [one.outcome for one in at.find(key, Kind.MANDATE)] == [Outcome.PENDING]
    assert at.find(at.key(), Kind.MANDATE) == []


@pytest.mark.parametrize("kind", [*NEVER_CAME, "html", "empty", "garbled", "truncated", "rate_limit", "expired"])
def test_a_question_without_an_answer_is_no_absence(at: Desk, kind: str) -> None:
    sent = at.debit(at.mandate())
    for sort in (Kind.SALE, Kind.MANDATE, Kind.DELETE):
        at.fault(kind)
        asked = at.find(sent.key, sort, "M1")
        assert [(one.outcome, one.kind) for one in asked] == [(Outcome.UNKNOWN, sort)]
    at.fault(kind)
    assert at.gateway().status(ref_of(sent)).outcome == Outcome.UNKNOWN


def test_what_does_not_show_yet_is_not_there(at: Desk) -> None:
    sent = at.debit(at.mandate())
    at.sandbox.faults.add("blind", seconds=30)
    assert at.find(sent.key) == []
    at.later(seconds=31)
    assert len(at.find(sent.key)) == 1


def test_nobody_there_is_an_error(at: Desk) -> None:
    method = at.mandate()
    stop(at.server)
    result = at.debit(method)
    assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)


def test_credentials_that_are_no_longer_good_are_an_error(at: Desk) -> None:
    """Not unknown: who is not let in has moved nothing."""
    method = at.mandate()
    at.fault("expired", path=PUT)
    result = at.debit(method)
    assert (result.outcome, result.raw_code) == (Outcome.ERROR, "unauthorized")
    wrong = at.gateway(password="not-it").charge(method, inr(1), at.key(), ORDER, None)
    assert wrong.outcome == Outcome.ERROR
    at.evening()
    assert at.minor("capture") == 0


def test_too_many_calls_are_an_error_with_a_time(at: Desk) -> None:
    method = at.mandate()
    at.fault("rate_limit", path=PUT)
    result = at.debit(method)
    assert (result.outcome, result.advice) == (Outcome.ERROR, Advice.RETRY_AFTER)
    assert result.retry_after is not None and result.retry_after.tzinfo is not None


def test_an_amount_that_was_not_asked_for_is_no_yes(at: Desk) -> None:
    method, key = at.mandate(), at.key()
    at.fault("lie_amount", path=PUT)
    assert at.debit(method, key=key).outcome == Outcome.UNKNOWN
    at.evening()
    at.fault("lie_amount", path="^/items/")
    assert at.find(key)[0].money != inr(1250_00)


def test_nothing_secret_is_in_the_log(at: Desk) -> None:
    at.debit(at.mandate())
    assert at.said and at.sandbox.PASSWORD not in at.said


# Files and reports


def test_result_files_tell_what_the_records_tell(at: Desk) -> None:
    day = at.today
    sent = [at.debit(at.mandate(last4), 100_00 + n) for n, last4 in enumerate(("0000", "9904", "9800", "9706"))]
    at.evening()
    told = {one.key: one for one in at.gateway().results(day)}
    assert [told[one.key].outcome for one in sent] == [
        Outcome.APPROVED, Outcome.DECLINED, Outcome.PENDING, Outcome.APPROVED,
    ]  # fmt: skip
    at.later(days=2)
    told = {one.key: one for one in at.gateway().results(day)}  # what was told last
    for one in sent:
        record, line = at.gateway().status(ref_of(one)), told[one.key]
        assert (line.outcome, line.state, line.money, line.return_code, line.reason, line.related) == (
            record.outcome, record.state, record.money, record.return_code, record.reason, record.related,
        )  # fmt: skip


def test_a_report_adds_up_to_what_the_bank_moved(at: Desk) -> None:
    good, late, _bad = at.debit(at.mandate()), at.debit(at.mandate("9704"), 99_99), at.debit(at.mandate("9904"))
    days = []
    for _day in range(4):
        at.evening()
        days.append(at.today)
    items = [item for day in days for item in at.gateway().settlement(day)]
    sums = {moved: sum(one.money.minor for one in items if one.moved == moved) for moved in Moved}
    assert sums[Moved.CAPTURE] == at.minor("capture") == 1349_99
    assert sums[Moved.RETURN] == at.minor("return") == 99_99
    assert {one.key for one in items if one.moved == Moved.CAPTURE} == {good.key, late.key}
    assert [(one.key, one.code) for one in items if one.moved == Moved.RETURN] == [(late.key, "04")]


@pytest.mark.parametrize("kind", ["drop_before", "html", "garbled", "expired"])
def test_a_report_that_cannot_be_had_is_none(at: Desk, kind: str) -> None:
    with pytest.raises(GatewayDown):  # it is not six yet
        at.gateway().settlement(at.today)
    for ask in (
        lambda: at.gateway().settlement(at.today - timedelta(days=1)), lambda: at.gateway().results(at.today),
        lambda: at.gateway().updates(at.sandbox.clock.now()),
    ):  # fmt: skip
        at.fault(kind)
        with pytest.raises(GatewayDown):
            ask()


@pytest.mark.parametrize("kind", ["html", "truncated", "garbled", "empty"])
def test_a_file_that_is_not_whole_is_none(at: Desk, kind: str) -> None:
    at.debit(at.mandate())
    at.evening()
    at.fault(kind, path="^/results/.")
    with pytest.raises(GatewayDown):
        at.gateway().results(at.today)
    assert len(at.gateway().results(at.today)) == 1
