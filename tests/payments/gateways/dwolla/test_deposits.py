"""Proving a bank account by micro-deposits (R24): each answer of the table in dwolla.md §2."""

from decimal import Decimal

import pytest

from payments.gateways.base import Advice, GatewayRef, Instrument, Kind, MethodRef, Outcome, Reason
from tests.payments.gateways.dwolla.desk import Desk, payer

RIGHT, WRONG = (3, 7), (9, 9)


@pytest.fixture(name="method")
def _method(at: Desk) -> MethodRef:
    return at.stored()


def started(at: Desk, method: MethodRef, *, arrived: bool = True) -> None:
    assert at.gateway().start_micro_deposits(method, at.key()).outcome == Outcome.APPROVED
    if arrived:
        at.sandbox.do("settle_deposits")


def test_the_right_amounts_prove_it(at: Desk, method: MethodRef) -> None:
    started(at, method)
    result = at.gateway().confirm_micro_deposits(method, RIGHT, at.key())
    assert (result.outcome, result.kind, result.existing) == (Outcome.APPROVED, Kind.CONFIRM, False)
    assert result.view is not None and result.view.is_verified
    again = at.gateway().confirm_micro_deposits(method, RIGHT, at.key())
    assert (again.outcome, again.existing) == (Outcome.APPROVED, True)
    assert at.gateway().start_micro_deposits(method, at.key()).existing


def test_amounts_go_out_exactly(at: Desk, method: MethodRef) -> None:
    started(at, method)
    at.gateway().confirm_micro_deposits(method, (1, 10), at.key())
    assert '"amount1":{"value":"0.01","currency":"USD"}' in at.said
    assert f'"value":"{Decimal("0.10")}"' in at.said


def test_deposits_are_started_once(at: Desk, method: MethodRef) -> None:
    started(at, method, arrived=False)
    again = at.gateway().start_micro_deposits(method, at.key())
    assert (again.outcome, again.existing) == (Outcome.APPROVED, True)


def test_amounts_told_too_early_are_no_try(at: Desk, method: MethodRef) -> None:
    """TryAgainLater is pending; once the deposits are there, the same attempt is declined and told again."""
    started(at, method, arrived=False)
    early = at.gateway().confirm_micro_deposits(method, RIGHT, at.key())
    assert (early.outcome, early.advice, early.raw_code) == (Outcome.PENDING, Advice.RETRY_AFTER, "TryAgainLater")
    ref = GatewayRef(early.ref, Instrument.BANK)
    still = at.gateway().status(ref)
    assert (still.outcome, still.kind, still.ref) == (Outcome.PENDING, Kind.CONFIRM, early.ref)
    at.sandbox.do("settle_deposits")
    since = at.gateway().status(ref)
    assert (since.outcome, since.advice) == (Outcome.DECLINED, Advice.RETRY_AFTER)
    assert at.gateway().confirm_micro_deposits(method, RIGHT, at.key()).outcome == Outcome.APPROVED
    assert at.gateway().status(ref).outcome == Outcome.APPROVED


def test_two_early_attempts_have_references_of_their_own(at: Desk, method: MethodRef) -> None:
    """One reference of one operation belongs to one attempt."""
    started(at, method, arrived=False)
    first, second = (at.gateway().confirm_micro_deposits(method, RIGHT, at.key()) for _ in range(2))
    assert first.ref != second.ref
    assert max(len(first.ref), len(second.ref)) <= 200


def test_wrong_amounts_are_declined_and_the_third_time_is_the_last(at: Desk, method: MethodRef) -> None:
    started(at, method)
    for _try in range(3):
        wrong = at.gateway().confirm_micro_deposits(method, WRONG, at.key())
        assert (wrong.outcome, wrong.reason) == (Outcome.DECLINED, Reason.INVALID_ACCOUNT)
        assert wrong.advice != Advice.DO_NOT_RETRY
    spent = at.gateway().confirm_micro_deposits(method, RIGHT, at.key())
    assert (spent.outcome, spent.reason, spent.advice) == (
        Outcome.DECLINED, Reason.INVALID_ACCOUNT, Advice.DO_NOT_RETRY,
    )  # fmt: skip
    checked = at.gateway().verify(method, at.key(), payer())
    assert (checked.outcome, checked.advice) == (Outcome.DECLINED, Advice.DO_NOT_RETRY)


@pytest.mark.parametrize("amounts", [(90, 9), (11, 1), (0, 1)])
def test_amounts_out_of_range_are_declined(at: Desk, method: MethodRef, amounts: tuple[int, int]) -> None:
    started(at, method)
    result = at.gateway().confirm_micro_deposits(method, amounts, at.key())
    assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.INVALID_ACCOUNT)


def test_there_is_nothing_to_confirm_before_a_start(at: Desk, method: MethodRef) -> None:
    result = at.gateway().confirm_micro_deposits(method, RIGHT, at.key())
    assert (result.outcome, result.raw_code) == (Outcome.ERROR, "NotFound")


def test_deposits_that_come_back_say_why(at: Desk, method: MethodRef) -> None:
    started(at, method, arrived=False)
    at.sandbox.do("fail_deposits", bank=method.token.rpartition("/")[2], code="R02")
    for result in (
        at.gateway().verify(method, at.key(), payer()), at.gateway().start_micro_deposits(method, at.key()),
        at.gateway().confirm_micro_deposits(method, RIGHT, at.key()),
    ):  # fmt: skip
        assert (result.outcome, result.reason, result.return_code) == (
            Outcome.DECLINED, Reason.ACCOUNT_CLOSED, "R02",
        )  # fmt: skip


@pytest.mark.parametrize("kind", ["drop_after", "error_after", "html", "empty", "garbled"])
def test_a_confirmation_whose_answer_is_lost_is_read_back(at: Desk, method: MethodRef, kind: str) -> None:
    """HTTP 200 with nothing is what a yes looks like: only the account itself says that it is proven."""
    started(at, method)
    at.fault(kind, path="micro-deposits", body="amount1")
    assert at.gateway().confirm_micro_deposits(method, RIGHT, at.key()).outcome == Outcome.APPROVED
    assert [one.outcome for one in at.find(at.key(), method, Kind.CONFIRM)] == [Outcome.APPROVED]


def test_a_confirmation_that_never_came_is_unknown_and_find_has_nothing(at: Desk, method: MethodRef) -> None:
    started(at, method)
    at.fault("drop_before", path="micro-deposits", body="amount1")
    assert at.gateway().confirm_micro_deposits(method, RIGHT, at.key()).outcome == Outcome.UNKNOWN
    assert at.find(at.key(), method, Kind.CONFIRM) == []


@pytest.mark.parametrize(("kind", "outcome"), [("drop_after", "approved"), ("drop_before", "unknown")])
def test_a_start_whose_answer_is_lost_is_read_back(at: Desk, method: MethodRef, kind: str, outcome: str) -> None:
    at.fault(kind, path="micro-deposits$")
    assert at.gateway().start_micro_deposits(method, at.key()).outcome == outcome
    assert bool(at.find(at.key(), method, Kind.MICRO_DEPOSITS)) is (outcome == "approved")


def test_verify_gives_the_three_answers_of_the_sources(at: Desk, method: MethodRef) -> None:
    """CheckAchMethod: 0 not approved, 2 pending, 1 approved."""
    assert at.gateway().verify(method, at.key(), payer()).outcome == Outcome.DECLINED
    started(at, method, arrived=False)
    pending = at.gateway().verify(method, at.key(), payer())
    assert pending.outcome == Outcome.PENDING
    at.sandbox.do("settle_deposits")
    ref = GatewayRef(pending.ref, Instrument.BANK)
    assert at.gateway().status(ref).outcome == Outcome.PENDING
    at.gateway().confirm_micro_deposits(method, RIGHT, at.key())
    proven = at.gateway().verify(method, at.key(), payer())
    assert (proven.outcome, proven.token, proven.payer_id) == (Outcome.APPROVED, method.token, method.payer_id)
    assert at.gateway().status(ref).outcome == Outcome.APPROVED
    at.gateway().delete_method(method, at.key())
    assert at.gateway().verify(method, at.key(), payer()).outcome == Outcome.DECLINED


def test_an_account_that_is_not_proven_cannot_be_debited(at: Desk, method: MethodRef) -> None:
    result = at.charge(method)
    assert (result.outcome, result.reason, result.state) == (Outcome.DECLINED, Reason.INVALID_ACCOUNT, None)
    assert at.minor("capture") == 0
