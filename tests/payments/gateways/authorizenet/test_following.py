"""What follows a charge: voids, refunds, late returns, chargebacks; against the double."""

import pytest

from payments.gateways.base import (
    Advice,
    GatewayRef,
    Instrument,
    Kind,
    Outcome,
    Reason,
    Result,
    State,
)
from tests.payments.gateways.authorizenet.desk import Desk, hint, ref_of, usd

BANK = Instrument.BANK


def settled(at: Desk, minor: int = 1200, *, by_bank: bool = False) -> Result:
    result = at.charged(minor, at.method(at.bank()) if by_bank else None)
    at.sandbox.do("settle")
    return result


def test_a_charge_is_voided_before_the_night_under_its_own_number(at: Desk) -> None:
    sale = at.charged()
    result = at.gateway().void(ref_of(sale), usd(1200), at.key())
    assert (result.outcome, result.state, result.ref, result.related) == (
        Outcome.APPROVED, State.VOIDED, sale.ref, sale.ref,
    )  # fmt: skip
    assert at.taken() == 0
    told = at.gateway().status(ref_of(sale))
    assert (told.kind, told.outcome, told.state, told.approved) == (
        Kind.SALE, Outcome.DECLINED, State.VOIDED, None,
    )  # fmt: skip


def test_voided_twice_is_voided_once(at: Desk) -> None:
    sale = ref_of(at.charged())
    results = [at.gateway().void(sale, usd(1200), at.key()) for _time in range(2)]
    assert [(one.outcome, one.existing) for one in results] == [(Outcome.APPROVED, False), (Outcome.APPROVED, True)]
    assert len(list(at.sandbox.ledger.of("void"))) == 1


def test_what_is_settled_is_not_voided(at: Desk) -> None:
    sale, key = ref_of(settled(at)), at.key()
    result = at.gateway().void(sale, usd(1200), key)
    assert (result.outcome, result.reason, result.state) == (Outcome.DECLINED, Reason.GATEWAY_ERROR, State.SETTLED)
    assert result.raw_code == "16"
    assert at.taken() == 1200
    assert [one.outcome for one in at.gateway().find(key, hint(Kind.VOID, related=sale.ref))] == [Outcome.DECLINED]


def test_what_is_not_there_is_not_voided(at: Desk) -> None:
    result = at.gateway().void(GatewayRef("60000099999", Instrument.CARD), usd(1200), at.key())
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.ERROR, Reason.GATEWAY_ERROR, "16")


@pytest.mark.parametrize("by_bank,outcome,then", [
    (False, Outcome.APPROVED, Outcome.APPROVED), (True, Outcome.PENDING, Outcome.APPROVED),
])  # fmt: skip
def test_a_part_is_refunded_under_a_number_of_its_own(
    at: Desk, by_bank: bool, outcome: Outcome, then: Outcome
) -> None:  # fmt: skip
    sale, key = settled(at, by_bank=by_bank), at.key()
    ref = ref_of(sale, BANK if by_bank else Instrument.CARD)
    result = at.gateway().refund(ref, usd(500), key)
    assert (result.outcome, result.state, result.related) == (outcome, State.PENDING_SETTLEMENT, sale.ref)
    assert result.ref not in ("", sale.ref)
    assert [(entry.key, entry.minor) for entry in at.sandbox.ledger.of("refund")] == [(key, 500)]
    at.sandbox.do("settle")
    told = at.gateway().status(ref_of(result))
    assert (told.kind, told.outcome, told.state, told.approved, told.related) == (
        Kind.REFUND, then, State.REFUNDED, usd(500), sale.ref,
    )  # fmt: skip


def test_more_than_was_charged_is_not_refunded(at: Desk) -> None:
    """Partial refunds until the sum; a double refund is refused."""
    sale, gateway = ref_of(settled(at)), at.gateway()
    results = [gateway.refund(sale, usd(minor), at.key()) for minor in (700, 501, 500)]
    assert [(one.outcome, one.raw_code) for one in results] == [
        (Outcome.APPROVED, "1"), (Outcome.DECLINED, "55"), (Outcome.APPROVED, "1"),
    ]  # fmt: skip
    assert [entry.minor for entry in at.sandbox.ledger.of("refund")] == [700, 500]


def test_before_the_night_nothing_is_refunded(at: Desk) -> None:
    """Notes §9.2: void it instead."""
    result = at.gateway().refund(ref_of(at.charged()), usd(1200), at.key())
    assert (result.outcome, result.reason, result.raw_code) == (Outcome.DECLINED, Reason.GATEWAY_ERROR, "54")
    assert list(at.sandbox.ledger.of("refund")) == []


def test_the_same_refund_again_is_adopted(at: Desk) -> None:
    sale, key, gateway = ref_of(settled(at)), at.key(), at.gateway()
    first, again = (gateway.refund(sale, usd(300), key) for _time in range(2))
    assert (again.outcome, again.existing, again.ref) == (Outcome.APPROVED, True, first.ref)
    assert [entry.minor for entry in at.sandbox.ledger.of("refund")] == [300]


def test_a_card_with_a_new_number_is_refunded_by_the_one_it_was_charged_by(at: Desk) -> None:
    """The record of the charge tells the last digits; the method may have others by now."""
    method = at.method()
    sale = at.charged(method=method)
    at.sandbox.do("settle")
    at.sandbox.do("update_card", payment_profile_id=method.token, last4="0027")
    result = at.gateway().refund(ref_of(sale, last4="0027"), usd(1200), at.key())
    assert result.outcome == Outcome.APPROVED


@pytest.mark.parametrize("last4,outcome", [("1111", Outcome.APPROVED), ("", Outcome.ERROR)])
def test_without_reports_a_card_is_refunded_by_what_we_know(at: Desk, last4: str, outcome: Outcome) -> None:
    sale = settled(at)
    at.sandbox.do("allow_reports", allowed="no")
    assert at.gateway().refund(ref_of(sale, last4=last4), usd(1200), at.key()).outcome == outcome


def test_without_reports_a_bank_debit_is_not_refunded(at: Desk) -> None:
    sale = settled(at, by_bank=True)
    at.sandbox.do("allow_reports", allowed="no")
    result = at.gateway().refund(ref_of(sale, BANK, "0022"), usd(1200), at.key())
    assert (result.outcome, result.raw_code) == (Outcome.ERROR, "E00011")
    assert list(at.sandbox.ledger.of("refund")) == []


@pytest.mark.parametrize("code,reason,advice", [
    ("R01", Reason.INSUFFICIENT_FUNDS, None), ("R02", Reason.ACCOUNT_CLOSED, Advice.UPDATE_METHOD),
    ("R10", Reason.AUTHORIZATION_REVOKED, Advice.DO_NOT_RETRY),
])  # fmt: skip
def test_a_bank_debit_that_comes_back_late_is_declined_with_its_code(
    at: Desk, code: str, reason: Reason, advice: Advice | None
) -> None:  # fmt: skip
    """Notes §9.5: approval is not money, nor is settlement the end of it."""
    sale = settled(at, by_bank=True)
    assert at.gateway().status(ref_of(sale)).state == State.SETTLED
    at.sandbox.clock.advance(days=20)
    at.sandbox.do("return_debit", trans_id=sale.ref, code=code)
    told = at.gateway().status(ref_of(sale))
    assert (told.outcome, told.state, told.return_code, told.reason, told.advice) == (
        Outcome.DECLINED, State.RETURNED, code, reason, advice,
    )  # fmt: skip
    assert told.approved is None
    at_return = at.sandbox.clock.now()
    assert told.occurred_at is not None and told.occurred_at.date() == at_return.date()


def test_a_notice_of_change_is_no_return(at: Desk) -> None:
    """ach-returns §4: money moved."""
    sale = settled(at, by_bank=True)
    at.sandbox.do("notice_of_change", trans_id=sale.ref, code="C01")
    told = at.gateway().status(ref_of(sale))
    assert (told.outcome, told.state, told.return_code) == (Outcome.APPROVED, State.SETTLED, "")


def test_a_chargeback_is_a_state_of_what_was_taken(at: Desk) -> None:
    sale = ref_of(settled(at))
    at.sandbox.do("charge_back", trans_id=sale.ref)
    told = at.gateway().status(sale)
    assert (told.outcome, told.state) == (Outcome.APPROVED, State.CHARGED_BACK)
    at.sandbox.do("win_chargeback", trans_id=sale.ref)
    assert at.gateway().status(sale).state == State.SETTLED


def test_of_what_is_not_there_nothing_is_known(at: Desk) -> None:
    told = at.gateway().status(GatewayRef("60000099999", Instrument.CARD))
    assert (told.outcome, told.raw_code) == (Outcome.UNKNOWN, "E00040")
    assert at.gateway().status(GatewayRef("", Instrument.CARD)).outcome == Outcome.UNKNOWN
