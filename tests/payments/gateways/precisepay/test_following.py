"""Voids and refunds, against the double."""

from payments.gateways.base import GatewayRef, Instrument, Kind, Outcome, Reason, State
from tests.payments.gateways.precisepay.desk import ORDER, Desk, hint, ref_of, usd


def test_a_charge_is_voided_before_it_is_settled(at: Desk) -> None:
    gateway, key = at.gateway(), at.key()
    sale = ref_of(gateway.charge(at.method(), usd(1250), key, ORDER, None))
    result = gateway.void(sale, usd(1250), at.key())
    assert (result.outcome, result.kind, result.state, result.related) == (
        Outcome.APPROVED, Kind.VOID, State.VOIDED, sale.ref,
    )  # fmt: skip
    assert at.nmi.ledger.captures() == []
    assert [(one.outcome, one.state) for one in gateway.find(key, hint(Kind.SALE, usd(1250)))] == [
        (Outcome.ERROR, State.VOIDED)
    ]


def test_voiding_twice_is_voided_once(at: Desk) -> None:
    gateway = at.gateway()
    sale = ref_of(gateway.charge(at.method(), usd(1250), at.key(), ORDER, None))
    gateway.void(sale, usd(1250), at.key())
    again = gateway.void(sale, usd(1250), at.key())
    assert (again.outcome, again.existing, again.reason) == (Outcome.APPROVED, True, None)
    assert len(list(at.nmi.ledger.of("void"))) == 1


def test_what_is_settled_is_not_voided(at: Desk) -> None:
    gateway, key = at.gateway(), at.key()
    sale = ref_of(gateway.charge(at.method(), usd(1250), at.key(), ORDER, None))
    at.nmi.do("settle")
    result = gateway.void(sale, usd(1250), key)
    assert (result.outcome, result.reason) == (Outcome.DECLINED, Reason.GATEWAY_ERROR)
    assert [one.outcome for one in gateway.find(key, hint(Kind.VOID, related=sale.ref))] == [Outcome.DECLINED]
    assert len(at.nmi.ledger.captures()) == 1


def test_a_void_that_was_accepted_counts_once_the_record_says_so(at: Desk) -> None:
    gateway, key = at.gateway(), at.key()
    sale = ref_of(gateway.charge(at.method(), usd(1250), at.key(), ORDER, None))
    at.nmi.faults.add("error_before", path="query")
    assert gateway.void(sale, usd(1250), key).outcome == Outcome.UNKNOWN
    found = gateway.find(key, hint(Kind.VOID, usd(1250), related=sale.ref))
    assert [(one.outcome, one.state) for one in found] == [(Outcome.APPROVED, State.VOIDED)]


def test_a_void_that_never_arrived_is_nowhere(at: Desk) -> None:
    gateway, key = at.gateway(), at.key()
    sale = ref_of(gateway.charge(at.method(), usd(1250), at.key(), ORDER, None))
    at.nmi.faults.add("drop_before", path="transact")
    assert gateway.void(sale, usd(1250), key).outcome == Outcome.UNKNOWN
    assert gateway.find(key, hint(Kind.VOID, usd(1250), related=sale.ref)) == []
    assert len(at.nmi.ledger.captures()) == 1


def test_a_charge_is_refunded_in_parts_and_not_beyond_its_sum(at: Desk) -> None:
    gateway = at.gateway()
    sale = ref_of(gateway.charge(at.method(), usd(1200), at.key(), ORDER, None))
    at.nmi.do("settle")
    first, second, third = at.key(), at.key(), at.key()
    result = gateway.refund(sale, usd(500), first)
    assert (result.outcome, result.kind, result.approved, result.related) == (
        Outcome.APPROVED, Kind.REFUND, usd(500), sale.ref,
    )  # fmt: skip
    assert result.ref != sale.ref
    assert gateway.refund(sale, usd(700), second).outcome == Outcome.APPROVED
    over = gateway.refund(sale, usd(100), third)
    assert (over.outcome, over.approved) == (Outcome.DECLINED, None)
    assert [entry.minor for entry in at.nmi.ledger.of("refund")] == [500, 700]
    assert [one.approved for one in gateway.find(second, hint(Kind.REFUND, usd(700), related=sale.ref))] == [usd(700)]
    assert gateway.find(third, hint(Kind.REFUND, usd(100), related=sale.ref)) == []


def test_a_full_refund_is_not_given_twice(at: Desk) -> None:
    gateway = at.gateway()
    sale = ref_of(gateway.charge(at.method(), usd(1200), at.key(), ORDER, None))
    at.nmi.do("settle")
    assert gateway.refund(sale, usd(1200), at.key()).outcome == Outcome.APPROVED
    assert gateway.refund(sale, usd(1200), at.key()).outcome == Outcome.DECLINED
    assert at.nmi.ledger.held("USD") == 0


def test_a_refund_that_lost_our_key_is_for_a_person(at: Desk) -> None:
    """The gateway may keep the sale's order id: never "absent", or it would be given twice."""
    gateway, sale_key, key = at.gateway(), at.key(), at.key()
    sale = ref_of(gateway.charge(at.method(), usd(1200), sale_key, ORDER, None))
    at.nmi.do("settle")
    assert gateway.refund(sale, usd(500), sale_key).outcome == Outcome.APPROVED
    found = gateway.find(key, hint(Kind.REFUND, usd(500), related=sale.ref))
    assert [(one.outcome, one.kind) for one in found] == [(Outcome.UNKNOWN, Kind.REFUND)]
    assert gateway.find(key, hint(Kind.REFUND, usd(499), related=sale.ref)) == []


def test_what_never_was_is_neither_refunded_nor_captured(at: Desk) -> None:
    gateway, unknown = at.gateway(), GatewayRef("999", Instrument.CARD)
    assert gateway.refund(unknown, usd(100), at.key()).outcome == Outcome.ERROR
    assert gateway.capture(unknown, usd(100), at.key()).outcome == Outcome.ERROR
    assert gateway.status(unknown).outcome == Outcome.UNKNOWN


def test_a_bank_debit_is_voided_and_refunded_as_one(at: Desk) -> None:
    """Without payment=check both fail."""
    gateway, method = at.gateway(), at.method(at.bank())
    early = ref_of(gateway.charge(method, usd(1000), at.key(), ORDER, None), Instrument.BANK)
    assert gateway.void(early, usd(1000), at.key()).outcome == Outcome.APPROVED
    debit = ref_of(gateway.charge(method, usd(2000), at.key(), ORDER, None), Instrument.BANK)
    at.nmi.do("settle")
    at.nmi.do("settle_checks")
    back = gateway.refund(debit, usd(800), at.key())
    assert (back.outcome, back.state) == (Outcome.PENDING, State.PENDING_SETTLEMENT)
    at.nmi.do("settle")
    at.nmi.do("settle_checks")
    paid = gateway.status(ref_of(back, Instrument.BANK))
    assert (paid.outcome, paid.kind, paid.approved) == (Outcome.APPROVED, Kind.REFUND, usd(800))
