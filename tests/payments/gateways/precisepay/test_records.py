"""Documented answers of the query API, read without any server."""

from datetime import UTC, date, datetime

import pytest

from payments.gateways.base import GatewayDown, GatewayRef, Instrument, Kind, Outcome, State
from tests.payments.gateways.precisepay.desk import ORDER, hint, usd
from tests.payments.gateways.precisepay.recorded import CARD, PENDING, told


def test_a_transaction_that_was_looked_up_is_read() -> None:
    found = told(PENDING).find("att-7", hint(Kind.SALE, usd(1100)))
    assert [(one.outcome, one.ref, one.state, one.money) for one in found] == [
        (Outcome.APPROVED, "2612675976", State.PENDING_SETTLEMENT, usd(1100))
    ]
    assert found[0].occurred_at.isoformat() == "2026-03-12T21:52:05+00:00"


@pytest.mark.parametrize("condition,outcome,state", [
    ("pendingsettlement", Outcome.APPROVED, State.PENDING_SETTLEMENT),
    ("in_progress", Outcome.APPROVED, State.PENDING_SETTLEMENT), ("complete", Outcome.APPROVED, State.SETTLED),
    ("pending", Outcome.PENDING, State.AUTHORIZED), ("canceled", Outcome.ERROR, State.VOIDED),
    ("abandoned", Outcome.DECLINED, State.FAILED), ("failed", Outcome.DECLINED, State.FAILED),
    ("unknown", Outcome.UNKNOWN, None), ("new", Outcome.UNKNOWN, None),
])  # fmt: skip
def test_a_condition_says_how_far_a_sale_has_come(condition: str, outcome: Outcome, state: State | None) -> None:
    body = PENDING.replace("pendingsettlement", condition)
    result = told(body).status(GatewayRef("2612675976", Instrument.CARD))
    assert (result.outcome, result.state, result.key) == (outcome, state, "att-7")
    assert (result.approved is None) == (outcome not in (Outcome.APPROVED, Outcome.PENDING))


@pytest.mark.parametrize("code,condition,outcome", [
    ("202", "failed", Outcome.DECLINED), ("420", "failed", Outcome.ERROR), ("420", "unknown", Outcome.UNKNOWN),
    ("430", "failed", Outcome.UNKNOWN), ("299", "failed", Outcome.DECLINED),
])  # fmt: skip
def test_a_record_that_failed_is_proof_except_of_a_duplicate(code: str, condition: str, outcome: Outcome) -> None:
    body = PENDING.replace("<success>1", "<success>0").replace(">100<", f">{code}<")
    found = told(body.replace("pendingsettlement", condition)).find("att-7", hint(Kind.SALE))
    assert [one.outcome for one in found] == [outcome]


def test_nothing_found_is_nothing_and_not_unknown() -> None:
    assert told("<nm_response></nm_response>").find("K", hint(Kind.SALE)) == []
    assert told(PENDING).find("another", hint(Kind.SALE)) == []
    for kind in (Kind.REFUND, Kind.AUTHORIZE, Kind.MICRO_DEPOSITS):
        assert told(PENDING).find("att-7", hint(kind)) == []


@pytest.mark.parametrize("body,status", [
    ("<nm_response><error_response>Invalid Security Key REFID:1</error_response></nm_response>", 200),
    ("<html></html>", 200), ("", 200), ("<nm_response>", 200), ("<nm_response></nm_response>", 500),
    ('<!DOCTYPE x [<!ENTITY a "b">]><nm_response></nm_response>', 200),
    (PENDING.replace("11.00", "much"), 200), (PENDING.replace("20260312215205", "yesterday"), 200),
    (PENDING.replace("2612675976", ""), 200),
])  # fmt: skip
def test_a_question_that_was_not_answered_is_unknown_and_no_absence(body: str, status: int) -> None:
    gateway = told(body, status)
    for kind in (Kind.SALE, Kind.VERIFY):
        found = gateway.find("att-7", hint(kind))
        assert [(one.outcome, one.kind) for one in found] == [(Outcome.UNKNOWN, kind)]
    assert gateway.status(GatewayRef("2612675976", Instrument.CARD)).outcome == Outcome.UNKNOWN


def test_a_record_of_something_else_is_no_answer() -> None:
    assert told(PENDING).status(GatewayRef("2612675977", Instrument.CARD)).outcome == Outcome.UNKNOWN


@pytest.mark.parametrize("success,count", [("1", 1), ("0", 0)])
def test_a_batch_that_failed_moved_nothing(success: str, count: int) -> None:
    settle = PENDING[PENDING.index("<action>") : PENDING.index("</transaction>")].replace("sale", "settle")
    settle = settle.replace("<success>1", f"<success>{success}")
    body = PENDING.replace("</transaction>", f"{settle}</transaction>")
    assert len(list(told(body).settlement(date(2026, 3, 12)))) == count


@pytest.mark.parametrize("since,count", [(5, 1), (6, 0)])
def test_news_of_a_card_from_before_is_left_out(since: int, count: int) -> None:
    body = """<nm_response><customer_vault><customer id="v"><customer_vault_id>v</customer_vault_id>
     <cc_number>4xxxxxxxxxxx1111</cc_number><cc_exp>1230</cc_exp><account_updated>20260312215205</account_updated>
     </customer></customer_vault></nm_response>"""
    assert len(list(told(body).updates(datetime(2026, 3, 12, 21, 52, since, tzinfo=UTC)))) == count


def test_a_report_that_cannot_be_had_says_so() -> None:
    with pytest.raises(GatewayDown):
        list(told("<html></html>").settlement(hint(Kind.SALE).sent_at.date()))
    with pytest.raises(GatewayDown):
        list(told("<html></html>").updates(hint(Kind.SALE).sent_at))


def test_of_several_records_under_a_key_a_decline_does_not_hide_what_is_unknown() -> None:
    first = PENDING.replace("<success>1", "<success>0").replace("pendingsettlement", "failed").replace(">100<", ">202<")
    second = PENDING.replace("<success>1", "<success>0").replace("pendingsettlement", "unknown")
    declined, unsure, taken = (one[len("<nm_response>") : -len("</nm_response>")] for one in (first, second, PENDING))
    duplicate = "response=3&responsetext=Duplicate transaction REFID:1&response_code=300"
    for rows, outcome in ((declined + unsure, Outcome.UNKNOWN), (declined + unsure + taken, Outcome.APPROVED)):
        gateway = told(duplicate, found=f"<nm_response>{rows}</nm_response>")
        assert gateway.charge(CARD, usd(1100), "att-7", ORDER, None).outcome == outcome
