"""Debits through Dwolla: accepted, processed, returned early or late, cancelled; who is refused and why."""

import pytest

from payments.gateways.ach_codes import RETURNS
from payments.gateways.base import Advice, Kind, Money, Outcome, Reason, State
from payments.gateways.dwolla.calls import idempotency
from tests.payments.gateways.dwolla.desk import ORDER, Desk, ref_of, usd


def test_a_debit_is_pending_until_it_is_processed(at: Desk) -> None:
    method, key = at.bank(), at.key()
    result = at.charge(method, 12_34, key)
    assert (result.outcome, result.state, result.money, result.key, result.reason) == (
        Outcome.PENDING, State.PENDING_SETTLEMENT, usd(12_34), key, None,
    )  # fmt: skip
    assert result.ref.startswith(f"{at.server.url}/transfers/")
    still = at.gateway().status(ref_of(result))
    assert (still.outcome, still.state, still.key, still.ref) == (
        Outcome.PENDING, State.PENDING_SETTLEMENT, key, result.ref,
    )  # fmt: skip
    at.sandbox.do("process_transfers")
    done = at.gateway().status(ref_of(result))
    assert (done.outcome, done.state, done.money, done.kind) == (
        Outcome.APPROVED, State.SETTLED, usd(12_34), "sale",
    )  # fmt: skip
    assert done.related  # the number on the bank's statement
    assert at.minor("settle", key=key) == 12_34


def test_what_a_transfer_says_on_the_wire(at: Desk) -> None:
    """Exact amount, our bank at the end, our key as the label, the invoice for Dwolla's screens."""
    method, key = at.bank(), at.key()
    row = at.raw("GET", at.charge(method, 1_000_00, key).ref).json()
    assert row["amount"] == {"value": "1000.00", "currency": "USD"}
    assert (row["correlationId"], row["metadata"]) == (key, {"order": ORDER.number})
    assert row["_links"]["source-funding-source"]["href"] == method.token
    assert row["_links"]["destination-funding-source"]["href"] == at.our_bank


def test_the_idempotency_key_follows_from_ours() -> None:
    """A restored backup asks with the same key again, so this must never change."""
    assert idempotency("0TESTKEY000000000001") == "2bc5ecef-24ef-57a4-a968-d73c595ede50"
    assert idempotency("0TESTKEY000000000001") != idempotency("0TESTKEY000000000002")


def test_the_same_call_twice_is_one_debit(at: Desk) -> None:
    method, key = at.bank(), at.key()
    first, again = at.charge(method, 12_34, key), at.charge(method, 12_34, key)
    assert first.ref == again.ref
    assert at.minor("capture") == 12_34


def test_a_key_that_was_used_for_something_else_is_unknown(at: Desk) -> None:
    method, key = at.bank(), at.key()
    at.charge(method, 12_34, key)
    other = at.charge(method, 12_35, key)
    assert (other.outcome, other.reason, other.raw_code) == (Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT, "Conflict")
    assert [one.money for one in at.find(key, method)] == [usd(12_34)]


def test_a_call_that_is_still_worked_on_is_unknown(at: Desk) -> None:
    method, key = at.bank(), at.key()
    at.sandbox.do("take_time", seconds="30")
    at.charge(method, 12_34, key)
    assert at.charge(method, 12_34, key).outcome == Outcome.UNKNOWN
    at.sandbox.clock.advance(seconds=31)
    assert at.charge(method, 12_34, key).outcome == Outcome.PENDING
    assert at.minor("capture") == 12_34


@pytest.mark.parametrize("code", ["R01", "R02", "R03", "R05", "R07", "R08", "R10", "R16", "R20", "R29"])
def test_a_returned_debit_is_declined_by_its_code(at: Desk, code: str) -> None:
    """Each with the reason of the whole table, whatever Dwolla did with the bank account besides."""
    method, key = at.bank(), at.key()
    result = at.charge(method, 12_34, key)
    at.sandbox.do("process_transfers")
    at.sandbox.do("return_transfer", code=code)
    for back in (at.gateway().status(ref_of(result)), *at.find(key, method)):
        assert (back.outcome, back.state, back.return_code, back.reason) == (
            Outcome.DECLINED, State.RETURNED, code, RETURNS[code].reason,
        )  # fmt: skip
        assert back.advice == RETURNS[code].advice


def test_a_debit_may_come_back_before_it_was_processed(at: Desk) -> None:
    """The name of a test account has Dwolla return it at the first simulation."""
    result = at.charge(at.bank(name="R03"))
    at.sandbox.do("process_transfers")
    back = at.gateway().status(ref_of(result))
    assert (back.outcome, back.return_code, back.reason) == (Outcome.DECLINED, "R03", Reason.INVALID_ACCOUNT)


def test_a_debit_may_come_back_long_after_it_was_settled(at: Desk) -> None:
    result = at.charge(at.bank(name="R01-late"))
    at.sandbox.do("process_transfers")
    assert at.gateway().status(ref_of(result)).outcome == Outcome.APPROVED
    at.sandbox.clock.advance(days=2)
    at.sandbox.do("process_transfers")
    back = at.gateway().status(ref_of(result))
    assert (back.outcome, back.state, back.return_code) == (Outcome.DECLINED, State.RETURNED, "R01")


def test_a_return_without_its_reason_yet_is_asked_for_again(at: Desk) -> None:
    """Only the code tells whether the debit may be presented again."""
    result = at.charge(at.bank(name="R01"))
    at.sandbox.do("process_transfers")
    at.fault("error_before", path="/failure$")
    assert at.gateway().status(ref_of(result)).outcome == Outcome.UNKNOWN
    assert at.gateway().status(ref_of(result)).return_code == "R01"


def test_an_amount_above_the_limit_is_declined(at: Desk) -> None:
    method = at.bank()
    over = at.charge(method, 5_000_01)
    assert (over.outcome, over.reason, over.raw_code) == (
        Outcome.DECLINED, Reason.LIMIT_EXCEEDED, "Invalid /amount/value",
    )  # fmt: skip
    assert at.charge(method, 5_000_00).outcome == Outcome.PENDING
    assert at.minor("capture") == 5_000_00


def test_nothing_at_all_cannot_be_charged(at: Desk) -> None:
    result = at.charge(at.bank(), 0)
    assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)


def test_dollars_only(at: Desk) -> None:
    result = at.gateway().charge(at.bank(), Money(100, "CAD"), at.key(), ORDER, None)
    assert (result.outcome, at.minor("capture")) == (Outcome.ERROR, 0)


def test_a_suspended_payer_is_declined_for_good(at: Desk) -> None:
    method = at.bank()
    at.sandbox.do("suspend_customer", customer=method.payer_id.rpartition("/")[2])
    result = at.charge(method)
    assert (result.outcome, result.reason, result.advice) == (
        Outcome.DECLINED, Reason.AUTHORIZATION_REVOKED, Advice.DO_NOT_RETRY,
    )  # fmt: skip
    at.sandbox.do("reinstate_customer", customer=method.payer_id.rpartition("/")[2])
    assert at.charge(method).outcome == Outcome.PENDING


def test_a_bank_account_of_ours_that_is_wrong_is_not_the_payers_fault(at: Desk) -> None:
    nowhere = f"{at.server.url}/funding-sources/00000000-0000-0000-0000-000000000000"
    result = at.gateway(funding_source=nowhere).charge(at.bank(), usd(1), at.key(), ORDER, None)
    assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)


# Cancelling


def test_a_debit_can_be_cancelled_while_it_is_pending(at: Desk) -> None:
    method, key = at.bank(), at.key()
    result = at.charge(method, 12_34, key)
    voided = at.gateway().void(ref_of(result), usd(12_34), at.key())
    assert (voided.outcome, voided.state, voided.ref, voided.existing) == (
        Outcome.APPROVED, State.VOIDED, result.ref, False,
    )  # fmt: skip
    assert at.sandbox.ledger.captures(key) == []
    again = at.gateway().void(ref_of(result), usd(12_34), at.key())
    assert (again.outcome, again.existing) == (Outcome.APPROVED, True)
    after = at.gateway().status(ref_of(result))
    assert (after.outcome, after.state) == (Outcome.DECLINED, State.VOIDED)


def test_a_processed_debit_cannot_be_cancelled(at: Desk) -> None:
    result = at.settled()
    voided = at.gateway().void(ref_of(result), usd(100_00), at.key())
    assert (voided.outcome, voided.reason, voided.ref) == (Outcome.DECLINED, Reason.GATEWAY_ERROR, "")
    assert at.sandbox.ledger.held("USD") == 100_00


def test_a_part_of_a_debit_cannot_be_cancelled(at: Desk) -> None:
    result = at.charge(at.bank(), 12_34)
    for minor in (12_33, 12_35):
        assert at.gateway().void(ref_of(result), usd(minor), at.key()).outcome == Outcome.DECLINED
    assert at.gateway().void(ref_of(result), usd(12_34), at.key()).outcome == Outcome.APPROVED


@pytest.mark.parametrize("kind", ["drop_after", "error_after", "html", "empty", "garbled", "truncated"])
def test_a_cancellation_whose_answer_is_lost_is_unknown_and_found(at: Desk, kind: str) -> None:
    method = at.bank()
    result = at.charge(method)
    at.fault(kind, body="cancelled")
    assert at.gateway().void(ref_of(result), usd(12_34), "VOID").outcome == Outcome.UNKNOWN
    found = at.gateway().find("VOID", at.hint(Kind.VOID, method, related=result.ref))
    assert [(one.outcome, one.state) for one in found] == [(Outcome.APPROVED, State.VOIDED)]


def test_a_cancellation_that_never_came_is_not_found(at: Desk) -> None:
    method = at.bank()
    result = at.charge(method)
    at.fault("drop_before", body="cancelled")
    assert at.gateway().void(ref_of(result), usd(12_34), "VOID").outcome == Outcome.UNKNOWN
    assert at.gateway().find("VOID", at.hint(Kind.VOID, method, related=result.ref)) == []
    assert at.minor("void") == 0


def test_the_hours_of_a_days_work_do_not_expire_a_token_unnoticed(at: Desk) -> None:
    """A token that runs out between two calls is replaced, and the call is made once."""
    method = at.bank()
    at.sandbox.clock.advance(hours=2)
    assert at.charge(method).outcome == Outcome.PENDING
    assert at.minor("capture") == 12_34
