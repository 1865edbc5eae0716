"""UPI AutoPay: agreed to once, announced a day before, carried out with the amount that was announced (R38)."""

from datetime import datetime, timedelta

import pytest

from payments.gateways.base import Advice, Kind, MandateTerms, Money, Outcome, Reason, State
from payments.gateways.upi.mandates import debit_at
from tests.payments.gateways.upi.desk import BACK, NOW, Desk, handle, inr, payer, ref_of

DAY = timedelta(days=1)


def test_a_mandate_waits_for_its_payer(at: Desk) -> None:
    key = at.key()
    made = at.gateway().create_mandate(at.terms(), payer(), key, BACK)
    assert (made.outcome, made.kind, made.token) == (Outcome.PENDING, Kind.MANDATE, "")
    assert made.redirect.startswith("upi://mandate?")
    at.do("approve_mandate", mandate_ref=key)
    stands = at.gateway().status(ref_of(made))
    assert (stands.outcome, stands.key, stands.payer_id) == (Outcome.APPROVED, key, key)
    assert stands.token.endswith("@psp") and stands.related == stands.token
    assert [one.token for one in at.find(key, Kind.MANDATE)] == [stands.token]
    assert stands.view is not None and stands.view.bank_name == "as***@okbank"


def test_a_mandate_that_is_declined_is_none(at: Desk) -> None:
    key = at.key()
    at.gateway().create_mandate(at.terms(), payer(), key, BACK)
    at.do("decline_mandate", mandate_ref=key)
    found = at.find(key, Kind.MANDATE)
    assert [(one.outcome, one.reason, one.token) for one in found] == [
        (Outcome.DECLINED, Reason.AUTHORIZATION_REVOKED, "")
    ]


def test_a_mandate_that_nobody_answers_is_none(at: Desk) -> None:
    key = at.key()
    at.gateway().create_mandate(at.terms(), payer(), key, BACK)
    at.later(days=2)
    assert [one.outcome for one in at.find(key, Kind.MANDATE)] == [Outcome.DECLINED]


def test_the_same_mandate_twice_is_one(at: Desk) -> None:
    key = at.key()
    at.gateway().create_mandate(at.terms(), payer(), key, BACK)
    again = at.gateway().create_mandate(at.terms(), payer(), key, BACK)
    assert (again.outcome, again.existing) == (Outcome.PENDING, True)


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"handle": "nobody"}, Outcome.DECLINED), ({"frequency": "hourly"}, Outcome.ERROR),
        ({"most": Money(100, "USD")}, Outcome.ERROR), ({"ends_on": None}, Outcome.PENDING),
        ({"frequency": "any"}, Outcome.PENDING), ({"handle": "nobody@okbank"}, Outcome.DECLINED),
    ],
)  # fmt: skip
def test_what_a_mandate_may_be(at: Desk, changed: dict[str, object], outcome: Outcome) -> None:
    assert at.gateway().create_mandate(at.terms(**changed), payer(), at.key(), BACK).outcome == outcome


# Notices


def test_a_notice_is_given_a_day_before(at: Desk) -> None:
    method, key = at.mandate(), at.key()
    told = at.gateway().notify_debit(method, inr(1250_00), at.today + DAY, key)
    assert (told.outcome, told.kind, told.money, told.ref) == (Outcome.APPROVED, Kind.NOTIFY, inr(1250_00), key)
    assert [one.money for one in at.find(key, Kind.NOTIFY, payer_id=method.payer_id)] == [inr(1250_00)]
    assert at.gateway().notify_debit(method, inr(1250_00), at.today + DAY, key).existing
    assert at.find(at.key(), Kind.NOTIFY, payer_id=method.payer_id) == []


def test_a_notice_for_a_day_too_far_away_says_when_it_may_be_given(at: Desk) -> None:
    result = at.gateway().notify_debit(at.mandate(), inr(1), at.today + 3 * DAY, at.key())
    assert (result.outcome, result.reason, result.advice) == (
        Outcome.ERROR, Reason.LIMIT_EXCEEDED, Advice.RETRY_AFTER,
    )  # fmt: skip
    assert result.retry_after is not None and NOW < result.retry_after < NOW + DAY


@pytest.mark.parametrize(
    ("days", "at_"),
    [
        # From 21:45 in India: a day on it is 21:45 tomorrow, not the morning before.
        (0, "2026-03-10T16:17:00+00:00"), (1, "2026-03-10T16:17:00+00:00"), (2, "2026-03-10T18:30:00+00:00"),
        (3, None),
    ],
)  # fmt: skip
def test_when_a_debit_may_be(days: int, at_: str | None) -> None:
    """Between a day and two days after its notice, and not before its own day begins in India."""
    assert debit_at(NOW.date() + days * DAY, NOW) == (datetime.fromisoformat(at_) if at_ else None)


def test_no_notice_for_more_than_the_mandate_allows(at: Desk) -> None:
    method = at.mandate(most=inr(1250_00))
    over = at.gateway().notify_debit(method, inr(1250_01), at.today + DAY, at.key())
    assert (over.outcome, over.reason) == (Outcome.DECLINED, Reason.LIMIT_EXCEEDED)
    whole = at.gateway().notify_debit(method, inr(1250_00), at.today + DAY, at.key())
    assert whole.outcome == Outcome.APPROVED


def test_a_request_needs_no_notice(at: Desk) -> None:
    told = at.gateway().notify_debit(handle(), inr(1), at.today + DAY, at.key())
    assert told.outcome == Outcome.APPROVED


# Debits


def test_a_debit_that_was_announced_is_made(at: Desk) -> None:
    method = at.mandate()
    notice, key = at.noticed(method), at.key()
    result = at.debit(method, notice=notice, key=key)
    assert (result.outcome, result.state, result.money, result.ref) == (
        Outcome.APPROVED, State.SETTLED, inr(1250_00), key,
    )  # fmt: skip
    assert at.minor("capture", key=key) == 1250_00


def test_the_first_debit_needs_no_notice_for_five_minutes(at: Desk) -> None:
    early, late = at.mandate(), at.mandate()
    at.later(minutes=4)
    assert at.debit(early).outcome == Outcome.APPROVED
    at.later(minutes=2)
    result = at.debit(late)
    assert (result.outcome, result.raw_code) == (Outcome.ERROR, "notice_needed")


def test_the_amount_must_be_the_one_announced(at: Desk) -> None:
    method = at.mandate()
    notice = at.noticed(method, 1250_00)
    other = at.debit(method, 1249_99, notice)
    assert (other.outcome, other.raw_code) == (Outcome.ERROR, "amount_differs")
    assert at.debit(method, 1250_00, notice).outcome == Outcome.APPROVED
    assert at.minor("capture") == 1250_00


def test_a_notice_is_good_for_one_payment(at: Desk) -> None:
    method = at.mandate()
    notice = at.noticed(method)
    at.debit(method, notice=notice)
    again = at.debit(method, notice=notice)
    assert (again.outcome, again.reason, again.advice) == (
        Outcome.DECLINED, Reason.DUPLICATE, Advice.DO_NOT_RETRY,
    )  # fmt: skip
    assert at.minor("capture") == 1250_00


def test_too_early_says_from_when(at: Desk) -> None:
    method, key = at.mandate(), at.key()
    at.gateway().notify_debit(method, inr(1250_00), at.today + DAY, key)
    at.later(hours=23)
    result = at.debit(method, notice=key)
    assert (result.outcome, result.advice, result.raw_code) == (Outcome.ERROR, Advice.RETRY_AFTER, "too_early")
    assert result.retry_after == NOW + timedelta(hours=24, minutes=2)


def test_a_notice_lapses(at: Desk) -> None:
    method = at.mandate()
    notice = at.noticed(method)
    at.later(hours=73)
    result = at.debit(method, notice=notice)
    assert (result.outcome, result.raw_code) == (Outcome.ERROR, "notice_lapsed")


def test_in_the_peak_hours_nothing_is_debited(at: Desk) -> None:
    """An error that says when; the provider is well, so its circuit is not opened by it."""
    method = at.mandate()
    notice = at.noticed(method)
    at.later(hours=12, minutes=13)  # 10:00 in India
    result = at.debit(method, notice=notice)
    assert (result.outcome, result.reason, result.advice, result.raw_code) == (
        Outcome.ERROR, Reason.LIMIT_EXCEEDED, Advice.RETRY_AFTER, "blackout",
    )  # fmt: skip
    assert result.retry_after == datetime.fromisoformat("2026-03-11T13:00:00+05:30")
    at.later(hours=3)
    assert at.debit(method, notice=notice).outcome == Outcome.APPROVED


def test_above_fifteen_thousand_the_payer_enters_a_pin(at: Desk) -> None:
    method = at.mandate()
    whole, over = at.noticed(method, 15_000_00), at.key()
    assert at.debit(method, 15_000_00, whole).outcome == Outcome.APPROVED
    more = at.noticed(method, 15_000_01)
    waits = at.debit(method, 15_000_01, more, over)
    assert waits.outcome == Outcome.PENDING
    at.do("pay", tr=over)
    assert at.gateway().status(ref_of(waits)).outcome == Outcome.APPROVED


def test_nine_tries_and_no_tenth(at: Desk) -> None:
    """The tenth that fails would end the mandate."""
    method = at.mandate("asha.z9@okbank")
    notice = at.noticed(method)
    tries = [at.debit(method, notice=notice) for _try in range(9)]
    assert {(one.outcome, one.reason) for one in tries} == {(Outcome.DECLINED, Reason.INSUFFICIENT_FUNDS)}
    last = at.debit(method, notice=notice)
    assert (last.outcome, last.raw_code, last.advice) == (Outcome.DECLINED, "tries_used", Advice.DO_NOT_RETRY)
    assert at.gateway().mandate_status(method).outcome == Outcome.APPROVED


def test_a_debit_of_which_the_bank_knows_nothing_is_not_sent_again(at: Desk) -> None:
    method = at.mandate("asha.ut@okbank")
    notice, key = at.noticed(method), at.key()
    unknown = at.debit(method, notice=notice, key=key)
    assert (unknown.outcome, unknown.money) == (Outcome.UNKNOWN, inr(1250_00))
    again = at.debit(method, notice=notice)  # by another attempt: it stays with the first
    assert (again.outcome, again.reason) == (Outcome.DECLINED, Reason.DUPLICATE)
    at.later(minutes=11)
    assert [one.outcome for one in at.find(key)] == [Outcome.APPROVED]
    assert at.minor("capture") == 1250_00


# A mandate's life


def test_a_mandate_that_is_paused_waits(at: Desk) -> None:
    method = at.mandate()
    notice = at.noticed(method)
    at.do("pause_mandate", mandate_ref=method.payer_id)
    result = at.debit(method, notice=notice)
    assert (result.outcome, result.reason, result.raw_code, result.advice) == (
        Outcome.DECLINED, Reason.AUTHORIZATION_REVOKED, "VT", Advice.RETRY_AFTER,
    )  # fmt: skip
    assert at.gateway().mandate_status(method).outcome == Outcome.PENDING
    at.do("resume_mandate", mandate_ref=method.payer_id)
    assert at.gateway().mandate_status(method).outcome == Outcome.APPROVED
    assert at.debit(method, notice=notice).outcome == Outcome.APPROVED


def test_a_mandate_that_is_revoked_ends(at: Desk) -> None:
    method = at.mandate()
    notice = at.noticed(method)
    at.do("revoke_mandate", mandate_ref=method.payer_id)
    result = at.debit(method, notice=notice)
    assert (result.outcome, result.reason, result.advice) == (
        Outcome.DECLINED, Reason.AUTHORIZATION_REVOKED, Advice.REAUTHORISE,
    )  # fmt: skip
    assert at.gateway().mandate_status(method).outcome == Outcome.DECLINED
    assert at.minor("capture") == 0


def test_a_mandate_is_ended_by_us_once(at: Desk) -> None:
    method, key = at.mandate(), at.key()
    assert at.find(key, Kind.DELETE, payer_id=method.payer_id) == []
    ended = at.gateway().delete_method(method, key)
    assert (ended.outcome, ended.kind) == (Outcome.APPROVED, Kind.DELETE)
    assert at.gateway().delete_method(method, at.key()).existing
    assert [one.outcome for one in at.find(key, Kind.DELETE, payer_id=method.payer_id)] == [Outcome.APPROVED]


def test_terms_never_show_the_payers_id() -> None:
    terms = MandateTerms("upi", inr(1), "any", NOW.date(), handle="asha@okbank")
    assert "asha" not in repr(terms)
