"""The settlement report adds up to what the processor itself holds (R151)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payments.gateways.base import GatewayDown, Money, Moved
from tests.payments.gateways.paysafe import canned
from tests.payments.gateways.paysafe.canned import settlement
from tests.payments.gateways.paysafe.desk import ORDER, Desk, ref_of, usd

DAY = datetime(2026, 3, 9, tzinfo=UTC).date()


def today(desk: Desk) -> Any:
    return desk.sandbox.clock.now().date()


def busy_day(desk: Desk) -> None:
    """A sale refunded in part, a hold captured in part, a void, a decline, a bank debit; batched by night."""
    card, bank = desk.card(), desk.bank()
    sale = desk.charge(card, 1000, "att-1")
    held = desk.gateway.authorize(card, usd(900), "att-2", ORDER, None)
    desk.gateway.capture(ref_of(held), usd(500), "att-3")
    desk.gateway.void(ref_of(desk.charge(card, 700, "att-4")), usd(700), "att-5")
    desk.charge(card, 11, "att-6")
    desk.charge(bank, 2500, "att-7")
    desk.sandbox.do("run_batch")
    desk.gateway.refund(ref_of(sale), usd(400), "att-8")
    desk.sandbox.do("run_batch")


class TestAtTheSandbox:
    def test_it_adds_up_to_the_ledger(self, desk: Desk) -> None:
        busy_day(desk)
        items = list(desk.gateway.settlement(today(desk)))
        assert {(item.key, item.moved, item.money.minor) for item in items} == {
            ("att-1", Moved.CAPTURE, 1000), ("att-3", Moved.CAPTURE, 500), ("att-7", Moved.CAPTURE, 2500),
            ("att-8", Moved.REFUND, 400),
        }  # fmt: skip
        ledger = desk.sandbox.ledger
        taken = sum(entry.minor for entry in ledger.captures())
        given = sum(entry.minor for entry in ledger.of("refund"))
        signs = {Moved.CAPTURE: 1, Moved.REFUND: -1}
        assert sum(signs[item.moved] * item.money.minor for item in items) == taken - given
        assert {item.ref for item in items if item.moved == Moved.CAPTURE} == {e.ref for e in ledger.of("settle")}

    def test_what_the_night_has_not_taken_is_not_in_it(self, desk: Desk) -> None:
        desk.charge(desk.card(), 1000, "att-1")
        assert list(desk.gateway.settlement(today(desk))) == []

    def test_it_is_of_one_day(self, desk: Desk) -> None:
        busy_day(desk)
        for other in (today(desk) - timedelta(days=1), today(desk) + timedelta(days=1)):
            assert list(desk.gateway.settlement(other)) == []

    def test_it_goes_through_all_pages(self, desk: Desk) -> None:
        card = desk.card()
        for number in range(52):
            desk.charge(card, 1000 + number, f"att-{number}")
        desk.sandbox.do("run_batch")
        items = list(desk.gateway.settlement(today(desk)))
        assert sorted(item.money.minor for item in items) == list(range(1000, 1052))

    @pytest.mark.parametrize("fault", ["drop_before", "error_before", "html", "expired", "rate_limit"])
    @pytest.mark.parametrize("path", ["/settlements$", "/refunds$"])
    def test_half_a_report_is_none(self, desk: Desk, fault: str, path: str) -> None:
        desk.sandbox.faults.add(fault, path=path)
        with pytest.raises(GatewayDown):
            list(desk.gateway.settlement(today(desk)))


class TestReplies:
    def test_it_asks_for_a_day_in_utc(self) -> None:
        gateway, wire = canned.gateway((200, {"settlements": []}), (200, {"refunds": []}))
        assert gateway.settlement(DAY) == []
        assert wire.asked[0][2] == {
            "limit": "50", "offset": "0", "startDate": "2026-03-09T00:00:00Z", "endDate": "2026-03-10T00:00:00Z"
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("time", "is_in"),
        [
            ("2026-03-08T23:59:59Z", False), ("2026-03-09T00:00:00Z", True), ("2026-03-09T23:59:59Z", True),
            ("2026-03-10T00:00:00Z", False), ("2026-03-10T00:30:00+01:00", True), ("soon", False),
        ],
    )  # fmt: skip
    def test_the_day_has_its_bounds(self, time: str, is_in: bool) -> None:
        row = settlement(status="COMPLETED", txnTime=time, paymentId="pay-1")
        replies = [(200, {"settlements": [row]}), (200, {"settlements": []}), (200, {"refunds": []})]
        items = list(canned.gateway(*replies)[0].settlement(DAY))
        assert [(item.ref, item.related, item.money) for item in items] == (
            [("set-1", "pay-1", Money(1100, "USD"))] if is_in else []
        )

    @pytest.mark.parametrize("changed", [{"amount": None}, {"currencyCode": None}, {"amount": 11.5}, {"amount": -1}])
    def test_a_line_without_its_amount_spoils_the_report(self, changed: dict[str, Any]) -> None:
        row = settlement(status="COMPLETED", **changed)
        gateway, _wire = canned.gateway((200, {"settlements": [row]}), (200, {"settlements": []}))
        with pytest.raises(GatewayDown):
            list(gateway.settlement(DAY))
