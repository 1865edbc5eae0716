"""The settlement report adds up to what the processor itself holds (R151); the account updater's news (R33)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from payments.gateways.base import GatewayDown, Instrument, MethodView, Moved, SettledItem
from tests.payments.gateways.authorizenet.desk import ORDER, Desk, ref_of, usd

SIGNS = {
    Moved.CAPTURE: 1, Moved.REFUND: -1, Moved.RETURN: -1, Moved.CHARGEBACK: -1, Moved.CHARGEBACK_WON: 1,
    Moved.ADJUSTMENT: 1,
}  # fmt: skip


def today(at: Desk) -> Any:
    return at.sandbox.clock.now().date()


def report(at: Desk, days_ago: int = 0) -> list[SettledItem]:
    return list(at.gateway().settlement(today(at) - timedelta(days=days_ago)))


def total(items: list[SettledItem]) -> int:
    return sum(SIGNS[item.moved] * item.money.minor for item in items)


def busy_day(at: Desk) -> list[str]:
    """A sale refunded in part, a hold captured in part, a void, a decline, a bank debit, a charge under review."""
    card, bank, gateway, keys = at.method(), at.method(at.bank()), at.gateway(), [at.key() for _number in range(8)]
    sale = gateway.charge(card, usd(1000), keys[0], ORDER, None)
    held = gateway.authorize(card, usd(900), keys[1], ORDER, None)
    gateway.capture(ref_of(held), usd(500), keys[2])
    gateway.void(ref_of(gateway.charge(card, usd(700), keys[3], ORDER, None)), usd(700), keys[4])
    at.sandbox.do("decline_next", code="2")
    gateway.charge(card, usd(300), keys[5], ORDER, None)
    gateway.charge(bank, usd(2500), keys[6], ORDER, None)
    at.sandbox.do("hold_next")
    at.charged(1100, card)
    at.sandbox.do("settle")
    gateway.refund(ref_of(sale), usd(400), keys[7])
    at.sandbox.do("settle")
    return keys


def test_it_adds_up_to_the_ledger(at: Desk) -> None:
    keys = busy_day(at)
    items = report(at)
    assert {(item.key, item.moved, item.money.minor) for item in items} == {
        (keys[0], Moved.CAPTURE, 1000), (keys[1], Moved.CAPTURE, 500), (keys[6], Moved.CAPTURE, 2500),
        (keys[7], Moved.REFUND, 400),
    }  # fmt: skip
    assert total(items) == at.sandbox.ledger.held("USD") == 3600
    assert {item.ref for item in items} == {entry.ref for entry in at.sandbox.ledger.of("settle")}


def test_what_the_night_has_not_taken_is_not_in_it(at: Desk) -> None:
    at.charged()
    assert report(at) == []


def test_it_is_of_one_day(at: Desk) -> None:
    busy_day(at)
    at.sandbox.clock.advance(days=1)
    assert report(at) == []
    assert total(report(at, days_ago=1)) == 3600
    assert report(at, days_ago=2) == []


@pytest.mark.parametrize("by_bank", [True, False])
def test_what_comes_back_later_is_in_its_own_day_and_the_first_day_stays(at: Desk, by_bank: bool) -> None:
    """A row shows how it stands today in every batch it is in."""
    sale = at.charged(2500, at.method(at.bank()) if by_bank else None)
    at.sandbox.do("settle")
    at.sandbox.clock.advance(days=3)
    if by_bank:
        at.sandbox.do("return_debit", trans_id=sale.ref, code="R02")
    else:
        at.sandbox.do("charge_back", trans_id=sale.ref)
    first, later = report(at, days_ago=3), report(at)
    assert [(one.moved, one.money, one.key) for one in first] == [(Moved.CAPTURE, usd(2500), sale.key)]
    moved, code = (Moved.RETURN, "R02") if by_bank else (Moved.CHARGEBACK, "")
    assert [(one.moved, one.money, one.related, one.code) for one in later] == [(moved, usd(2500), sale.ref, code)]
    assert total(first + later) == at.sandbox.ledger.held("USD") == 0


def test_a_chargeback_that_was_won_is_in_three_days(at: Desk) -> None:
    sale = at.charged()
    at.sandbox.do("settle")
    for deed in ("charge_back", "win_chargeback"):
        at.sandbox.clock.advance(days=2)
        at.sandbox.do(deed, trans_id=sale.ref)
    days = [report(at, days_ago=ago) for ago in (4, 2, 0)]
    assert [[one.moved for one in day] for day in days] == [
        [Moved.CAPTURE], [Moved.CHARGEBACK], [Moved.CHARGEBACK_WON]
    ]  # fmt: skip
    assert total([one for day in days for one in day]) == at.sandbox.ledger.held("USD") == 1200


@pytest.mark.parametrize("fault", ["drop_before", "error_before", "html", "expired", "rate_limit"])
@pytest.mark.parametrize("request_name", ["getSettledBatchList", "getTransactionList"])
def test_half_a_report_is_none(at: Desk, fault: str, request_name: str) -> None:
    busy_day(at)
    at.sandbox.faults.add(fault, body=request_name)
    with pytest.raises(GatewayDown):
        report(at)


def test_a_return_whose_record_cannot_be_had_spoils_the_report(at: Desk) -> None:
    sale = at.charged(2500, at.method(at.bank()))
    at.sandbox.do("settle")
    at.sandbox.do("return_debit", trans_id=ref_of(sale, Instrument.BANK).ref)
    at.sandbox.faults.add("drop_before", body="getTransactionDetails")
    with pytest.raises(GatewayDown):
        report(at)


class TestAccountUpdater:
    def test_new_dates_and_numbers_are_told(self, at: Desk) -> None:
        method = at.method()
        at.sandbox.do("update_card", payment_profile_id=method.token, expires="2032-01")
        at.sandbox.do("update_card", payment_profile_id=method.token, last4="0027")
        found = list(at.gateway().updates(datetime.now(UTC) - timedelta(hours=1)))
        assert [(one.token, one.change, one.code) for one in found] == [
            (method.token, "updated", "NED"), (method.token, "updated", "NAN"),
        ]  # fmt: skip
        assert [one.view for one in found] == [
            MethodView("Visa", "1111", 1, 2032), MethodView("Visa", "0027", 1, 2032),
        ]  # fmt: skip
        assert len({one.event for one in found}) == 2
        assert list(at.gateway().updates(datetime.now(UTC) - timedelta(hours=1))) == found

    @pytest.mark.parametrize("reason,change", [("ACL", "closed"), ("CCH", "contact")])
    def test_a_closed_account_is_told(self, at: Desk, reason: str, change: str) -> None:
        method = at.method()
        at.sandbox.do("close_card", payment_profile_id=method.token, reason=reason)
        found = list(at.gateway().updates(datetime.now(UTC) - timedelta(hours=1)))
        assert [(one.token, one.change, one.view) for one in found] == [(method.token, change, None)]

    def test_older_news_and_no_news(self, at: Desk) -> None:
        method = at.method()
        assert list(at.gateway().updates(datetime.now(UTC) - timedelta(days=40))) == []
        at.sandbox.do("update_card", payment_profile_id=method.token, expires="2032-01")
        assert list(at.gateway().updates(datetime.now(UTC) + timedelta(seconds=5))) == []

    def test_what_cannot_be_had_is_down(self, at: Desk) -> None:
        at.sandbox.faults.add("html", body="getAUJobDetails")
        with pytest.raises(GatewayDown):
            at.gateway().updates(datetime.now(UTC))
