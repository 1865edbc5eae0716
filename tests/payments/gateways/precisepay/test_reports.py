"""The settlement report and the account updater's news, against the double."""

from datetime import UTC, datetime, timedelta

import pytest

from payments.gateways.base import GatewayDown, Instrument, Moved
from payments.gateways.precisepay import reports
from tests.payments.gateways.precisepay.desk import AMEX, MASTERCARD, ORDER, Desk, desk, ref_of, usd
from tests.sandbox.clock import Clock

MONDAY = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)


def test_the_report_adds_up_to_the_doubles_ledger() -> None:
    """Captures less refunds and returns, over all days, are what the processor holds for us."""
    with desk(clock=Clock(MONDAY)) as at:
        gateway, card, account = at.gateway(), at.method(), at.method(at.bank())
        sale = ref_of(gateway.charge(card, usd(12000), at.key(), ORDER, None))
        voided = ref_of(gateway.charge(card, usd(700), at.key(), ORDER, None))
        gateway.void(voided, usd(700), at.key())
        gateway.charge(card, usd(50), at.key(), ORDER, None)  # declined
        debit = ref_of(gateway.charge(account, usd(3000), at.key(), ORDER, None), Instrument.BANK)
        at.nmi.do("settle")
        at.nmi.clock.advance(days=1)
        gateway.refund(sale, usd(2500), at.key())
        gateway.charge(card, usd(900), at.key(), ORDER, None)
        at.nmi.do("settle")
        at.nmi.do("settle_checks")
        at.nmi.clock.advance(days=3)
        at.nmi.do("return_check", transaction_id=debit.ref, code="R01")
        days = [list(gateway.settlement((MONDAY + timedelta(days=n)).date())) for n in range(-1, 6)]
        moved = [sorted((str(item.moved), item.money.minor) for item in day) for day in days]
        assert moved == [
            [], [("capture", 3000), ("capture", 12000)], [("capture", 900), ("refund", 2500)], [], [],
            [("return", 3000)], [],
        ]  # fmt: skip
        signs = {Moved.CAPTURE: 1, Moved.REFUND: -1, Moved.RETURN: -1}
        assert sum(signs[item.moved] * item.money.minor for day in days for item in day) == at.nmi.ledger.held("USD")


def test_lines_say_which_batch_transaction_and_key(at: Desk) -> None:
    gateway, key = at.gateway(), at.key()
    debit = gateway.charge(at.method(at.bank()), usd(3000), key, ORDER, None)
    at.nmi.do("settle")
    at.nmi.do("return_check", transaction_id=debit.ref, code="R03")
    today = at.nmi.clock.now().date()
    taken, back = gateway.settlement(today)
    assert (taken.ref, taken.key, taken.on, taken.code) == (debit.ref, key, today, "")
    assert (back.ref, back.key, back.code, back.batch) == (debit.ref, key, "R03", f"returns-{today:%Y%m%d}")
    assert taken.batch not in ("", "0", back.batch)


def test_a_report_of_many_pages_is_read_to_its_end(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "PAGE", 2)
    gateway, method = at.gateway(), at.method()
    for n in range(5):
        gateway.charge(method, usd(1000 + n), at.key(), ORDER, None)
    at.nmi.do("settle")
    items = list(gateway.settlement(at.nmi.clock.now().date()))
    assert sorted(item.money.minor for item in items) == [1000, 1001, 1002, 1003, 1004]


@pytest.mark.parametrize("fault", ["error_before", "expired", "rate_limit", "html", "empty", "truncated", "drop_after"])
def test_a_report_that_did_not_come_is_not_an_empty_one(at: Desk, fault: str) -> None:
    at.nmi.faults.add(fault, path="query", times=2)
    with pytest.raises(GatewayDown):
        list(at.gateway().settlement(at.nmi.clock.now().date()))
    with pytest.raises(GatewayDown):
        list(at.gateway().updates(at.nmi.clock.now()))


def test_the_account_updater_tells_of_a_new_card_once_and_the_same_by_both_ways(at: Desk) -> None:
    gateway, method, other = at.gateway(), at.method(), at.method(at.card(AMEX))
    since = at.nmi.clock.now() - timedelta(hours=1)
    assert gateway.updates(since) == []
    at.nmi.do("update_card", customer_vault_id=method.token, number=MASTERCARD, expires="1131")
    (news,) = gateway.updates(since)
    assert (news.token, news.change) == (method.token, "updated")
    assert (news.view.brand, news.view.exp_month, news.view.exp_year) == ("mastercard", 11, 2031)
    (event,) = gateway.parse_webhook(*at.webhooks()[-1], [])
    assert event.update is not None and event.update.event == news.event
    assert other.token not in (news.token, event.ref)
    assert gateway.updates(at.nmi.clock.now() + timedelta(seconds=2)) == []
