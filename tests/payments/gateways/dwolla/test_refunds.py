"""Money sent back: a transfer the other way, never more than came (R66)."""

import pytest

from payments.gateways.base import Advice, Kind, Outcome, Reason, Result, State
from tests.payments.gateways.dwolla.desk import Desk, ref_of, usd


def refund(at: Desk, of: Result, minor: int, key: str = "") -> Result:
    return at.gateway().refund(ref_of(of), usd(minor), key or at.key())


def test_a_part_goes_back_to_the_bank_account_it_came_from(at: Desk) -> None:
    method, key = at.bank(), at.key()
    charge = at.settled(100_00, method)
    back = refund(at, charge, 40_00, key)
    assert (back.outcome, back.state, back.money, back.kind) == (
        Outcome.PENDING, State.PENDING_SETTLEMENT, usd(40_00), Kind.REFUND,
    )  # fmt: skip
    row = at.raw("GET", back.ref).json()
    assert row["_links"]["source-funding-source"]["href"] == at.our_bank
    assert row["_links"]["destination-funding-source"]["href"] == method.token
    assert (row["amount"]["value"], row["correlationId"]) == ("40.00", key)
    at.sandbox.do("process_transfers")
    at.sandbox.do("process_transfers")
    done = at.gateway().status(ref_of(back))
    assert (done.outcome, done.state, done.kind) == (Outcome.APPROVED, State.REFUNDED, Kind.REFUND)
    assert at.minor("refund", key=key) == 40_00


def test_parts_go_back_until_nothing_is_left(at: Desk) -> None:
    charge = at.settled(100_00)
    assert refund(at, charge, 60_00).outcome == Outcome.PENDING
    over = refund(at, charge, 40_01)
    assert (over.outcome, over.reason, over.ref) == (Outcome.DECLINED, Reason.GATEWAY_ERROR, "")
    assert refund(at, charge, 40_00).outcome == Outcome.PENDING
    assert refund(at, charge, 1).outcome == Outcome.DECLINED
    assert at.minor("refund") == 100_00


def test_a_refund_of_another_charge_does_not_count(at: Desk) -> None:
    method = at.bank()
    one, other = at.settled(100_00, method), at.settled(100_00, method)
    assert refund(at, one, 100_00).outcome == Outcome.PENDING
    assert refund(at, other, 100_00).outcome == Outcome.PENDING


def test_the_same_refund_twice_is_one(at: Desk) -> None:
    charge, key = at.settled(100_00), at.key()
    first, again = refund(at, charge, 100_00, key), refund(at, charge, 100_00, key)
    assert (again.outcome, again.existing, again.ref) == (Outcome.PENDING, True, first.ref)
    assert at.minor("refund") == 100_00


def test_a_refund_that_was_cancelled_leaves_it_all(at: Desk) -> None:
    charge = at.settled(100_00)
    back = refund(at, charge, 100_00)
    assert at.gateway().void(ref_of(back), usd(100_00), at.key()).outcome == Outcome.APPROVED
    assert refund(at, charge, 100_00).outcome == Outcome.PENDING


def test_a_debit_on_its_way_is_voided_not_refunded(at: Desk) -> None:
    charge = at.charge(at.bank())
    early = refund(at, charge, 12_34)
    assert (early.outcome, early.advice) == (Outcome.DECLINED, Advice.RETRY_AFTER)
    at.gateway().void(ref_of(charge), usd(12_34), at.key())
    late = refund(at, charge, 12_34)
    assert (late.outcome, late.advice) == (Outcome.DECLINED, Advice.DO_NOT_RETRY)
    assert at.minor("refund") == 0


def test_a_returned_debit_is_not_refunded_too(at: Desk) -> None:
    """The payer's bank took it back already."""
    charge = at.settled(100_00)
    at.sandbox.do("return_transfer", code="R10")
    assert refund(at, charge, 100_00).outcome == Outcome.DECLINED
    assert at.sandbox.ledger.held("USD") <= 0


@pytest.mark.parametrize("kind", ["drop_after", "hang_after", "error_after", "html", "empty", "garbled"])
def test_a_refund_whose_answer_is_lost_is_unknown_and_adopted(at: Desk, kind: str) -> None:
    method, key = at.bank(), at.key()
    charge = at.settled(100_00, method)
    at.fault(kind, path="/transfers$", body=key)
    assert refund(at, charge, 100_00, key).outcome == Outcome.UNKNOWN
    found = at.find(key, method, Kind.REFUND)
    assert [(one.outcome, one.kind, one.money) for one in found] == [(Outcome.PENDING, Kind.REFUND, usd(100_00))]
    assert refund(at, charge, 1).outcome == Outcome.DECLINED  # it counts, whatever we were told


def test_a_refund_that_never_came_is_not_found(at: Desk) -> None:
    method, key = at.bank(), at.key()
    charge = at.settled(100_00, method)
    at.fault("drop_before", path="/transfers$", body=key)
    assert refund(at, charge, 100_00, key).outcome == Outcome.UNKNOWN
    assert at.find(key, method, Kind.REFUND) == []
    assert at.minor("refund") == 0


@pytest.mark.parametrize("path", ["/transfers/", "/customers/.+/transfers$"])
def test_what_was_refunded_before_must_be_known(at: Desk, path: str) -> None:
    """Without that nothing is sent: it could be too much."""
    charge = at.settled(100_00)
    at.fault("error_before", path=path)
    assert refund(at, charge, 100_00).outcome == Outcome.ERROR
    assert at.minor("refund") == 0


def test_a_refund_that_the_bank_sends_back_failed_and_may_be_made_again(at: Desk) -> None:
    charge = at.settled(100_00)
    back = refund(at, charge, 100_00)
    at.sandbox.do("process_transfers")
    at.sandbox.do("process_transfers")
    at.sandbox.do("return_transfer", transfer=back.ref.rpartition("/")[2], code="R23")
    failed = at.gateway().status(ref_of(back))
    assert (failed.outcome, failed.return_code, failed.reason) == (Outcome.DECLINED, "R23", Reason.DO_NOT_HONOR)
    assert at.minor("refund_returned") == 100_00
