"""Answers that never came, or came spoilt: unknown until they are found (README §4, invariant 30)."""

from collections.abc import Callable

import pytest

from payments.gateways.base import GatewayRef, Instrument, Kind, Outcome, Reason, Result, State
from tests.payments.gateways.paysafe.desk import ADA, ORDER, Desk, hint, ref_of, usd
from tests.sandbox.server import stop

# Done, and then the answer was lost or spoilt.
COMMITTED = ["drop_after", "hang_after", "error_after", "truncated", "html", "empty", "garbled"]
NOT_COMMITTED = ["drop_before", "hang_before", "error_before"]
SOON = 0.3


def impatient(desk: Desk) -> Desk:
    desk.gateway = desk.open(read_seconds=SOON)
    return desk


class TestCharge:
    @pytest.mark.parametrize("fault", COMMITTED)
    def test_one_that_was_carried_out_is_found_and_adopted(self, desk: Desk, fault: str) -> None:
        method = desk.card()
        desk.sandbox.faults.add(fault, path="/payments$", seconds=1)
        result = impatient(desk).charge(method, 1000, "att-1")
        assert (result.outcome, result.reason) == (Outcome.UNKNOWN, Reason.GATEWAY_TIMEOUT)
        desk.gateway = desk.open()
        (found,) = desk.gateway.find("att-1", hint(1000))
        assert (found.outcome, found.money, found.key) == (Outcome.APPROVED, usd(1000), "att-1")
        assert (desk.captured("att-1"), found.ref) == (1000, desk.sandbox.ledger.captures("att-1")[0].ref)

    @pytest.mark.parametrize("fault", NOT_COMMITTED)
    def test_one_that_was_not_carried_out_is_nowhere(self, desk: Desk, fault: str) -> None:
        method = desk.card()
        desk.sandbox.faults.add(fault, path="/payments$", seconds=1)
        assert impatient(desk).charge(method, 1000, "att-1").outcome == Outcome.UNKNOWN
        desk.gateway = desk.open()
        assert desk.gateway.find("att-1", hint(1000)) == []
        assert desk.captured("att-1") == 0

    def test_a_processor_that_is_slower_than_we_wait_is_unknown_and_told_later(self, desk: Desk) -> None:
        """96 in the simulator: declined after 35 seconds, here one."""
        method, desk.sandbox.slowness = desk.card(), 1 / 35
        assert impatient(desk).charge(method, 96, "att-1").outcome == Outcome.UNKNOWN
        desk.gateway = desk.open()
        assert Outcome.APPROVED not in [found.outcome for found in desk.gateway.find("att-1", hint(96))]
        assert desk.captured("att-1") == 0

    def test_nobody_there_is_an_error_and_no_question(self, desk: Desk) -> None:
        method = desk.card()
        stop(desk.server)
        desk.gateway = desk.open()
        result = desk.charge(method, 1000, "att-1")
        assert (result.outcome, result.reason) == (Outcome.ERROR, Reason.GATEWAY_ERROR)
        assert [found.outcome for found in desk.gateway.find("att-1", hint(1000))] == [Outcome.UNKNOWN]

    def test_credentials_that_are_no_longer_good_are_an_error(self, desk: Desk) -> None:
        method = desk.card()
        desk.sandbox.faults.add("expired", path="/payments$")
        result = desk.charge(method, 1000, "att-1")
        assert (result.outcome, result.raw_code, desk.captured("att-1")) == (Outcome.ERROR, "5275", 0)
        wrong = desk.open(password="wrong")
        assert wrong.charge(method, usd(1000), "att-2", ORDER, None).outcome == Outcome.ERROR
        assert [found.outcome for found in wrong.find("att-2", hint(1000))] == [Outcome.UNKNOWN]

    def test_too_many_requests_are_an_error_with_advice(self, desk: Desk) -> None:
        method = desk.card()
        desk.sandbox.faults.add("rate_limit", path="/payments$")
        result = desk.charge(method, 1000, "att-1")
        assert (result.outcome, result.raw_code, result.advice) == (Outcome.ERROR, "1200", "retry_after")
        assert desk.captured("att-1") == 0

    def test_the_same_key_after_a_lost_answer_takes_the_money_once(self, desk: Desk) -> None:
        method = desk.card()
        desk.sandbox.faults.add("drop_after", path="/payments$")
        desk.charge(method, 1000, "att-1")
        again = desk.charge(method, 1000, "att-1")
        assert (again.outcome, again.existing, desk.captured("att-1")) == (Outcome.APPROVED, True, 1000)

    def test_what_does_not_show_yet_is_not_adopted_but_stays_unknown(self, desk: Desk) -> None:
        method = desk.card()
        desk.charge(method, 1000, "att-1")
        desk.sandbox.faults.add("blind", seconds=60, times=None)
        assert desk.gateway.find("att-1", hint(1000)) == []
        again = desk.charge(method, 1000, "att-1")
        assert (again.outcome, again.reason) == (Outcome.UNKNOWN, Reason.DUPLICATE)

    def test_a_question_that_gets_no_answer_is_no_absence(self, desk: Desk) -> None:
        desk.charge(desk.card(), 1000, "att-1")
        for fault in ("drop_before", "error_before", "html", "rate_limit", "expired"):
            desk.sandbox.faults.add(fault, path="/payments$")
            assert [found.outcome for found in desk.gateway.find("att-1", hint(1000))] == [Outcome.UNKNOWN]

    def test_a_status_that_gets_no_answer_is_unknown(self, desk: Desk) -> None:
        sale = desk.charge(desk.card(), 1000, "att-1")
        desk.sandbox.faults.add("drop_before", path="/payments/")
        assert desk.gateway.status(ref_of(sale)).outcome == Outcome.UNKNOWN

    def test_an_answer_about_another_amount_is_told_as_it_is(self, desk: Desk) -> None:
        method = desk.card()
        desk.sandbox.faults.add("lie_amount", path="/payments$")
        result = desk.charge(method, 1000, "att-1")
        assert result.money is not None and result.money != usd(1000)


def _hold(desk: Desk) -> GatewayRef:
    return ref_of(desk.gateway.authorize(desk.card(), usd(1000), "att-0", ORDER, None))


def _sale(desk: Desk) -> GatewayRef:
    return ref_of(desk.charge(desk.card(), 1000, "att-0"))


def _settled(desk: Desk) -> GatewayRef:
    sale = _sale(desk)
    desk.sandbox.do("run_batch")
    return sale


FOLLOW_UPS: dict[str, tuple[Kind, Callable[[Desk], GatewayRef], str]] = {
    "capture": (Kind.CAPTURE, _hold, "/payments/[^/]+/settlements$"),
    "void of a hold": (Kind.VOID, _hold, "/voidauths$"),
    "void of a sale": (Kind.VOID, _sale, "/settlements/[^/]+$"),
    "refund": (Kind.REFUND, _settled, "/refunds$"),
}


def _follow(desk: Desk, kind: Kind, ref: GatewayRef) -> Result:
    ask = {Kind.CAPTURE: desk.gateway.capture, Kind.VOID: desk.gateway.void, Kind.REFUND: desk.gateway.refund}[kind]
    return ask(ref, usd(1000), "att-1")


@pytest.mark.parametrize("name", FOLLOW_UPS)
class TestFollowUp:
    @pytest.mark.parametrize("fault", ["drop_after", "html", "truncated"])
    def test_one_that_was_carried_out_is_found(self, desk: Desk, name: str, fault: str) -> None:
        kind, prepare, path = FOLLOW_UPS[name]
        ref = prepare(desk)
        desk.sandbox.faults.add(fault, path=path, body=".")
        assert _follow(desk, kind, ref).outcome == Outcome.UNKNOWN
        found = desk.gateway.find("att-1", hint(1000, kind, related=ref.ref))
        assert [one.outcome for one in found] == [Outcome.APPROVED]
        assert (found[0].kind, found[0].money) == (kind, usd(1000))

    def test_one_that_was_not_carried_out_is_nowhere(self, desk: Desk, name: str) -> None:
        kind, prepare, path = FOLLOW_UPS[name]
        ref = prepare(desk)
        desk.sandbox.faults.add("drop_before", path=path, body=".")
        assert _follow(desk, kind, ref).outcome == Outcome.UNKNOWN
        assert desk.gateway.find("att-1", hint(1000, kind, related=ref.ref)) == []

    def test_expired_credentials_move_nothing(self, desk: Desk, name: str) -> None:
        kind, prepare, path = FOLLOW_UPS[name]
        ref = prepare(desk)
        desk.sandbox.faults.add("expired", path=path)
        before = list(desk.sandbox.ledger.of())
        assert _follow(desk, kind, ref).outcome == Outcome.ERROR
        assert list(desk.sandbox.ledger.of()) == before


class TestStore:
    @pytest.mark.parametrize("fault", ["drop_after", "html", "truncated", "error_after"])
    def test_a_lost_answer_is_read_back_at_once(self, desk: Desk, fault: str) -> None:
        token = desk.token()
        desk.sandbox.faults.add(fault, path="/customers/[^/]+/paymenthandles$")
        result = desk.gateway.store(token, ADA, "att-1")
        assert result.outcome == Outcome.APPROVED
        assert desk.charge(desk.card(), 1000, "att-2").outcome == Outcome.APPROVED
        (found,) = desk.gateway.find("att-1", hint(0, Kind.STORE, payer_id=result.payer_id))
        assert found.token == result.token

    def test_what_was_not_saved_stays_unknown_and_is_nowhere(self, desk: Desk) -> None:
        token = desk.token()
        desk.sandbox.faults.add("drop_before", path="/customers/[^/]+/paymenthandles$")
        assert desk.gateway.store(token, ADA, "att-1").outcome == Outcome.UNKNOWN
        assert desk.gateway.find("att-1", hint(0, Kind.STORE)) == []
        assert desk.gateway.store(token, ADA, "att-2").outcome == Outcome.APPROVED

    @pytest.mark.parametrize("fault", ["drop_after", "drop_before", "expired", "rate_limit", "html"])
    def test_trouble_with_the_customer_leaves_the_token_untouched(self, desk: Desk, fault: str) -> None:
        token = desk.token()
        desk.sandbox.faults.add(fault, path="/customers$")
        assert desk.gateway.store(token, ADA, "att-1").outcome == Outcome.ERROR
        assert desk.gateway.store(token, ADA, "att-2").outcome == Outcome.APPROVED

    def test_a_customer_whose_making_was_lost_is_found_the_next_time(self, desk: Desk) -> None:
        token = desk.token()
        desk.sandbox.faults.add("drop_after", path="/customers$", body="merchantCustomerId")
        assert desk.gateway.store(token, ADA, "att-1").outcome == Outcome.ERROR
        assert desk.gateway.store(token, ADA, "att-2").outcome == Outcome.APPROVED


class TestVerify:
    def test_a_lost_verification_is_found(self, desk: Desk) -> None:
        method = desk.card()
        desk.sandbox.faults.add("drop_after", path="/verifications$")
        assert desk.gateway.verify(method, "att-1", ADA).outcome == Outcome.UNKNOWN
        assert [one.outcome for one in desk.gateway.find("att-1", hint(0, Kind.VERIFY))] == [Outcome.APPROVED]


class TestBankDebit:
    def test_a_lost_debit_is_found_pending(self, desk: Desk) -> None:
        method = desk.bank()
        desk.sandbox.faults.add("drop_after", path="/payments$")
        assert desk.charge(method, 2500, "att-1").outcome == Outcome.UNKNOWN
        (found,) = desk.gateway.find("att-1", hint(2500, instrument=Instrument.BANK))
        assert (found.outcome, found.state) == (Outcome.PENDING, State.PENDING_SETTLEMENT)
