"""What was settled by day, and the news of bank accounts, against the sandbox's own ledger."""

from datetime import date, timedelta

import pytest

from payments.gateways.base import GatewayDown, Moved, SettledItem
from tests.payments.gateways.dwolla.desk import NOW, Desk, ref_of, usd

MONDAY = NOW.date()
IN, OUT = (Moved.CAPTURE, Moved.ADJUSTMENT), (Moved.REFUND, Moved.RETURN, Moved.PAYOUT)


def settled(at: Desk, day: date = MONDAY) -> list[SettledItem]:
    return list(at.gateway().settlement(day))


def moved(items: list[SettledItem], kind: Moved) -> list[int]:
    return [one.money.minor for one in items if one.moved == kind]


def test_the_report_adds_up_to_the_ledger(at: Desk) -> None:
    """Days with debits, refunds, an early return, a late one and a refund sent back."""
    method, late = at.bank(), at.bank(name="R01-late")
    first, _second = at.settled(100_00, method), at.settled(50_00, method)
    at.charge(late, 30_00)
    at.charge(at.bank(name="R03"), 7_00)
    at.sandbox.do("process_transfers")
    back = at.gateway().refund(ref_of(first), usd(25_00), at.key())
    for _leg in range(2):
        at.sandbox.do("process_transfers")
    at.sandbox.clock.advance(days=1)
    at.sandbox.do("return_transfer", transfer=back.ref.rpartition("/")[2], code="R03")
    days = [MONDAY, MONDAY + timedelta(days=1)]
    items = [item for day in days for item in settled(at, day)]
    came, went = (sum(sum(moved(items, kind)) for kind in kinds) for kinds in (IN, OUT))
    assert came - went == at.sandbox.ledger.held("USD")
    assert sum(moved(items, Moved.CAPTURE)) == 180_00
    assert (moved(items, Moved.RETURN), moved(items, Moved.ADJUSTMENT)) == ([30_00], [25_00])


def test_a_debit_is_in_the_report_of_the_day_it_was_processed(at: Desk) -> None:
    method, key = at.bank(), at.key()
    result = at.charge(method, 12_34, key)
    assert settled(at) == []
    at.sandbox.clock.advance(days=3)
    at.sandbox.do("process_transfers")
    assert settled(at) == []
    (item,) = settled(at, MONDAY + timedelta(days=3))
    assert (item.moved, item.money, item.ref, item.key, item.on) == (
        Moved.CAPTURE, usd(12_34), result.ref, key, MONDAY + timedelta(days=3),
    )  # fmt: skip
    assert item.text == at.gateway().status(ref_of(result)).related != ""


def test_what_goes_on_to_our_bank_names_the_debit(at: Desk) -> None:
    result = at.settled(100_00)
    at.sandbox.do("process_transfers")
    (payout,) = (item for item in settled(at) if item.moved == Moved.PAYOUT)
    assert (payout.money, payout.related) == (usd(100_00), result.ref)


def test_a_late_return_is_in_the_report_of_its_own_day(at: Desk) -> None:
    result = at.settled(100_00)
    at.sandbox.clock.advance(days=40)
    at.sandbox.do("return_transfer", code="R10")
    (item,) = settled(at, MONDAY + timedelta(days=40))
    assert (item.moved, item.money, item.code, item.ref, item.related) == (
        Moved.RETURN, usd(100_00), "R10", result.ref, result.ref,
    )  # fmt: skip
    assert moved(settled(at), Moved.CAPTURE) == [100_00]


def test_a_debit_that_never_was_money_is_in_no_report(at: Desk) -> None:
    at.charge(at.bank(name="R01"))
    at.sandbox.do("process_transfers")
    assert settled(at) == []


def test_a_refund_names_what_it_gives_back(at: Desk) -> None:
    charge = at.settled(100_00)
    back = at.gateway().refund(ref_of(charge), usd(25_00), at.key())
    for _leg in range(2):
        at.sandbox.do("process_transfers")
    (item,) = (item for item in settled(at) if item.moved == Moved.REFUND)
    assert (item.ref, item.related, item.money) == (back.ref, charge.ref, usd(25_00))


def test_a_long_list_is_read_to_its_end(at: Desk) -> None:
    """More events than Dwolla gives at a time."""
    method = at.bank()
    keys = {at.charge(method, 1, at.key()).key for _ in range(55)}
    at.sandbox.do("process_transfers")
    assert {item.key for item in settled(at) if item.moved == Moved.CAPTURE} == keys
    assert at.raw("GET", "/events").json()["total"] > 200


@pytest.mark.parametrize("kind", ["error_before", "html", "empty", "garbled", "truncated", "drop_before"])
def test_a_report_with_holes_is_none(at: Desk, kind: str) -> None:
    at.settled()
    for path in ("/events$", "/transfers/"):
        at.fault(kind, path=path)
        with pytest.raises(GatewayDown):
            settled(at)
    at.fault(kind, path="/events$")
    with pytest.raises(GatewayDown):
        at.gateway().updates(NOW)


def test_news_of_bank_accounts_comes_oldest_first(at: Desk) -> None:
    method = at.bank()
    at.sandbox.clock.advance(hours=1)
    since = at.sandbox.clock.now()
    at.sandbox.do("notice_of_change", bank=method.token.rpartition("/")[2], code="C01")
    at.sandbox.clock.advance(seconds=1)
    at.sandbox.do("suspend_customer", customer=method.payer_id.rpartition("/")[2])
    at.gateway().delete_method(method, at.key())
    found = list(at.gateway().updates(since))
    assert [one.change for one in found if one.change != "removed"] == ["updated", "paused"]
    assert {one.token for one in found} == {method.token}
    assert {one.change for one in found} == {"updated", "paused", "removed"}
    assert found[0].view is not None and found[0].view.fingerprint
    assert [one.event for one in found] == [one.event for one in at.gateway().updates(since)]
    assert len({one.event for one in found}) == len(found)


def test_a_return_that_costs_the_payer_their_account_is_news(at: Desk) -> None:
    """R10: Dwolla removes the account and suspends its owner."""
    method = at.bank()
    at.settled(100_00, method)
    at.sandbox.clock.advance(hours=1)
    since = at.sandbox.clock.now()
    at.sandbox.do("return_transfer", code="R10")
    changes = {one.change for one in at.gateway().updates(since) if one.token == method.token}
    assert {"removed", "unverified", "paused"} <= changes


def test_three_wrong_tries_are_news(at: Desk) -> None:
    method = at.stored()
    at.gateway().start_micro_deposits(method, at.key())
    at.sandbox.do("settle_deposits")
    for _try in range(3):
        at.gateway().confirm_micro_deposits(method, (9, 9), at.key())
    found = [one for one in at.gateway().updates(NOW) if one.change == "tries_used_up"]
    assert [one.token for one in found] == [method.token]
