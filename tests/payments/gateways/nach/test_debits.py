"""Debits by file: presented before the cut-off, pending until the bank's result, sometimes taken back later."""

from datetime import UTC, date, datetime

import pytest

from payments.gateways.base import (
    Advice,
    Forged,
    GatewayRef,
    HostedToken,
    Instrument,
    MethodRef,
    Money,
    NotSupported,
    Outcome,
    Reason,
    State,
)
from payments.gateways.nach.codes import RETURNS
from payments.gateways.nach.debits import settles_on
from tests.payments.gateways.nach.desk import JPEG, NOW, ORDER, PAYER, Desk, inr, ref_of


def test_a_debit_is_pending_until_the_evening(at: Desk) -> None:
    method, key = at.mandate(), at.key()
    sent = at.debit(method, 1250_00, key)
    assert (sent.outcome, sent.state, sent.money, sent.ref) == (
        Outcome.PENDING, State.PENDING_SETTLEMENT, inr(1250_00), key,
    )  # fmt: skip
    assert at.gateway().status(ref_of(sent)).outcome == Outcome.PENDING
    at.evening()
    done = at.gateway().status(ref_of(sent))
    assert (done.outcome, done.state, done.money, done.key) == (Outcome.APPROVED, State.SETTLED, inr(1250_00), key)
    assert done.related  # the banks' own number
    assert [one.outcome for one in at.find(key)] == [Outcome.APPROVED]
    assert at.minor("capture", key=key) == 1250_00


@pytest.mark.parametrize(
    ("at_", "on"),
    [
        ("2026-03-09T04:24:59", date(2026, 3, 9)), ("2026-03-09T04:25:00", date(2026, 3, 10)),
        ("2026-03-09T18:29:59", date(2026, 3, 10)), ("2026-03-09T18:30:00", date(2026, 3, 10)),
    ],
)  # fmt: skip
def test_for_which_day_a_file_is(at_: str, on: date) -> None:
    """Until five minutes before ten in the morning in India for the same day."""
    assert settles_on(datetime.fromisoformat(at_).replace(tzinfo=UTC)) == on


def test_a_file_that_came_too_late_is_presented_for_the_next_day(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our clock is slow; a refused file is not there, so that the next day has room for it."""
    method = at.mandate()
    at.later(hours=3)
    monkeypatch.setattr("billing.office.clock.now", lambda: NOW)
    sent = at.debit(method)
    assert sent.outcome == Outcome.PENDING
    at.evening()
    assert at.gateway().status(ref_of(sent)).outcome == Outcome.PENDING
    at.evening()
    assert at.gateway().status(ref_of(sent)).outcome == Outcome.APPROVED
    assert at.minor("capture") == 1250_00


# Nothing of a debit itself: it was known, or has a second meaning, or is not decided.
OTHERWISE = ("12", "13", "31", "82", "99")


@pytest.mark.parametrize("code", [code for code in RETURNS if code not in OTHERWISE])
def test_a_returned_debit_is_declined_by_its_code(at: Desk, code: str) -> None:
    method = at.mandate(f"99{code}")
    sent = at.debit(method)
    at.evening()
    back = at.gateway().status(ref_of(sent))
    assert (back.outcome, back.state, back.return_code, back.reason, back.advice) == (
        Outcome.DECLINED, State.RETURNED, code, RETURNS[code].reason, RETURNS[code].advice,
    )  # fmt: skip
    assert at.minor("capture") == 0


def test_the_banks_may_take_a_day_or_two_more(at: Desk) -> None:
    good, bad = at.debit(at.mandate("9800")), at.debit(at.mandate("9804"))
    at.evening()
    for one in (good, bad):
        waits = at.gateway().status(ref_of(one))
        assert (waits.outcome, waits.raw_code) == (Outcome.PENDING, "98")
    at.later(days=2)
    assert at.gateway().status(ref_of(good)).outcome == Outcome.APPROVED
    assert at.gateway().status(ref_of(bad)).return_code == "04"
    assert at.minor("capture") == 1250_00


def test_a_debit_may_come_back_after_it_was_settled(at: Desk) -> None:
    sent = at.debit(at.mandate("9704"))
    at.evening()
    assert at.gateway().status(ref_of(sent)).state == State.SETTLED
    at.later(days=2)
    back = at.gateway().status(ref_of(sent))
    assert (back.outcome, back.state, back.return_code, back.reason) == (
        Outcome.DECLINED, State.RETURNED, "04", Reason.INSUFFICIENT_FUNDS,
    )  # fmt: skip
    assert at.minor("return") == 1250_00


def test_a_mandate_for_every_month_is_debited_once_a_month(at: Desk) -> None:
    """The bank refuses the second; it says so by a code with two meanings, and the next month is free."""
    method = at.mandate(frequency="monthly")
    first = at.debit(method, 100_00)
    at.evening()
    assert at.gateway().status(ref_of(first)).outcome == Outcome.APPROVED
    second = at.debit(method, 200_00)
    at.evening()
    back = at.gateway().status(ref_of(second))
    assert (back.outcome, back.return_code, back.reason, back.advice) == (
        Outcome.DECLINED, "12", Reason.LIMIT_EXCEEDED, Advice.RETRY_AFTER,
    )  # fmt: skip
    assert back.retry_after == datetime(2026, 3, 31, 18, 30, tzinfo=UTC)
    at.later(days=25)
    third = at.debit(method, 200_00)
    at.evening()
    assert at.gateway().status(ref_of(third)).outcome == Outcome.APPROVED


def test_a_debit_that_came_back_does_not_use_up_the_month(at: Desk) -> None:
    method = at.mandate(frequency="monthly")
    at.do("steer", umrn=method.token, code="04")
    at.debit(method)
    at.evening()
    again = at.debit(method)
    at.evening()
    assert at.gateway().status(ref_of(again)).outcome == Outcome.APPROVED


@pytest.mark.parametrize(("minor", "outcome"), [(500_00, Outcome.APPROVED), (500_01, Outcome.DECLINED)])
def test_no_more_than_the_mandate_allows(at: Desk, minor: int, outcome: Outcome) -> None:
    sent = at.debit(at.mandate(most=inr(500_00)), minor)
    at.evening()
    back = at.gateway().status(ref_of(sent))
    assert back.outcome == outcome
    assert back.reason == (None if outcome == Outcome.APPROVED else Reason.LIMIT_EXCEEDED)


def test_a_mandate_that_ended_is_not_debited(at: Desk) -> None:
    method = at.mandate()
    at.do("cancel", umrn=method.token)
    sent = at.debit(method)
    at.evening()
    back = at.gateway().status(ref_of(sent))
    assert (back.reason, back.advice) == (Reason.AUTHORIZATION_REVOKED, Advice.REAUTHORISE)


def test_a_debit_of_ecs_is_in_a_file_of_its_own_kind(at: Desk) -> None:
    """Its result comes a day later."""
    paper = at.mandate(scheme="ecs", account=at.account(proof="paper", image=JPEG))
    sent = at.debit(paper)
    at.later(days=2)
    assert at.gateway().status(ref_of(sent)).outcome == Outcome.APPROVED


def test_the_same_call_twice_is_one_debit(at: Desk) -> None:
    """Also another day, when the file would be another."""
    method, key = at.mandate(), at.key()
    at.debit(method, key=key)
    again = at.debit(method, key=key)
    assert (again.outcome, again.existing) == (Outcome.PENDING, True)
    at.evening()
    later = at.debit(method, key=key)
    assert (later.outcome, later.existing) == (Outcome.APPROVED, True)
    at.evening()
    assert at.minor("capture") == 1250_00


def test_a_key_that_was_used_for_another_amount_tells_the_first(at: Desk) -> None:
    method, key = at.mandate(), at.key()
    at.debit(method, 100_00, key)
    assert at.debit(method, 200_00, key).money == inr(100_00)


def test_other_currencies_are_not_presented(at: Desk) -> None:
    method = at.mandate()
    for money in (Money(100, "USD"), inr(0)):
        assert at.gateway().charge(method, money, at.key(), ORDER, None).outcome == Outcome.ERROR


def test_what_nach_has_not_is_refused(at: Desk) -> None:
    gateway, bank = at.gateway(), MethodRef("x", Instrument.BANK)
    ref = GatewayRef("x", Instrument.MANDATE)
    for call in (
        lambda: gateway.charge(bank, inr(1), "k", ORDER, None), lambda: gateway.void(ref, inr(1), "k"),
        lambda: gateway.refund(ref, inr(1), "k"), lambda: gateway.capture(ref, inr(1), "k"),
        lambda: gateway.authorize(bank, inr(1), "k", ORDER, None),
        lambda: gateway.store(HostedToken("x"), PAYER, "k"), lambda: gateway.start_micro_deposits(bank, "k"),
        lambda: gateway.confirm_micro_deposits(bank, (1, 2), "k"),
    ):  # fmt: skip
        with pytest.raises(NotSupported):
            call()
    with pytest.raises(Forged):
        gateway.parse_webhook(b"{}", {}, [])
    assert gateway.hosted_fields("en") == {}
