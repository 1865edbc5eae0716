"""Zoho's interfaces over real HTTP: tokens, rates, lost answers, refusals, what is read back."""

from datetime import date, datetime
from decimal import Decimal
from threading import Thread
from typing import Any

import pytest
import requests

from payments.gateways.base import (
    FIND,
    GatewayRef,
    Instrument,
    Kind,
    Money,
    NotSupported,
    OrderHint,
    Outcome,
    State,
)
from payments.gateways.zoho import gate
from payments.gateways.zoho.line import to_json
from payments.gateways.zoho.objects import Subscription
from payments.gateways.zoho.trouble import NotThere, Refused, Unreachable, Unsure
from tests.payments.gateways.zoho.desk import BANK, CARD, PLAN, Desk
from tests.sandbox.zoho import Zoho

HINT = OrderHint(Kind.SALE, Money(10000, "USD"), "", datetime(2026, 3, 12))


def subscribed(at: Desk, form: dict[str, str] = CARD, key: str = "KEY1") -> Subscription:
    billing = at.gateway().billing
    payer = billing.find_customer("P1", "ada@example.com") or billing.make_customer(
        "P1", "Ada", "ada@example.com", "USD"
    )
    page = billing.page_for_subscription(payer.id, PLAN, key, "http://127.0.0.1:9/back")
    at.subscribe(page.url, form)
    (found,) = billing.find_subscriptions(key, payer.id)
    return found


class TestReading:
    def test_the_page_the_subscription_its_invoice_and_its_payment(self, at: Desk) -> None:
        found = subscribed(at)
        assert (found.status, found.plan_code, found.amount, found.last4) == ("live", PLAN, Decimal(100), "1111")
        billing = at.gateway().billing
        (bill,) = billing.invoices(found.id)
        assert billing.invoice(bill.id) == bill
        assert (bill.total, bill.balance, bill.status, bill.subscription_ids) == (
            Decimal(100), Decimal(0), "paid", (found.id,),
        )  # fmt: skip
        (paid,) = billing.payments(found.customer_id)
        assert billing.payment(paid.id) == paid
        assert (paid.amount, paid.shares, paid.mode) == (Decimal(100), ((bill.id, Decimal(100)),), "creditcard")
        (capture,) = at.zoho.ledger.captures("KEY1")
        assert (capture.minor, capture.currency) == (int(paid.amount * 100), paid.currency)

    def test_refunds_are_read_back_with_their_credit_note(self, at: Desk) -> None:
        found = subscribed(at)
        at.zoho.do("refund_in_zoho", amount="30.00")
        (paid,) = at.gateway().billing.payments(found.customer_id)
        (back,) = paid.refunds
        assert (paid.refunded, back.amount, back.status, back.credit_note[:3]) == (
            Decimal(30), Decimal(30), "success", "CN-",
        )  # fmt: skip

    def test_status_settled_returned_and_gone(self, at: Desk) -> None:
        found = subscribed(at, BANK)
        (bill,) = at.gateway().billing.invoices(found.id)
        assert bill.debit_under_way and bill.expected_on is not None
        at.zoho.clock.advance(days=7)
        gate.forget_gates()
        at.zoho.do("run_engine")
        (paid,) = at.gateway().billing.payments(found.customer_id)
        ref = GatewayRef(paid.id, Instrument.BANK)
        result = at.gateway().status(ref)
        assert (result.outcome, result.state, result.money) == (Outcome.APPROVED, State.SETTLED, Money(10000, "USD"))
        at.zoho.do("return_bank_debit", code="R10")
        result = at.gateway().status(ref)
        assert (result.outcome, result.state) == (Outcome.DECLINED, State.RETURNED)
        assert at.gateway().status(GatewayRef("1", Instrument.CARD)).outcome == Outcome.DECLINED

    def test_lists_are_read_to_their_end(self, at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("payments.gateways.zoho.line.PER_PAGE", 2)
        billing = at.gateway().billing
        made = [billing.make_customer(f"P{n}", f"Ada {n}", f"a{n}@example.com", "USD").id for n in range(5)]
        rows = list(at.gateway().line.pages("billing", "/customers", "customers"))
        assert {row["customer_id"] for row in rows} == set(made)
        monkeypatch.setattr("payments.gateways.zoho.line.MOST_PAGES", 2)
        with pytest.raises(Unreachable, match="no end"):
            list(at.gateway().line.pages("billing", "/customers", "customers"))

    def test_books_has_what_zoho_took_by_the_processors_reference(self, at: Desk) -> None:
        found = subscribed(at)
        today = at.zoho.clock.now().date()
        (paid,), (row,) = at.gateway().billing.payments(found.customer_id), at.gateway().books.receipts(today, today)
        assert (row.reference, row.amount) == (paid.gateway_ref, Decimal(100))
        assert at.gateway().books.receipts(date(2020, 1, 1), date(2020, 1, 2)) == []

    def test_crm_is_told_and_each_record_has_its_verdict(self, at: Desk) -> None:
        crm = at.gateway().crm
        assert crm.tell("ada@example.com", "Ames", "live") == crm.tell("ada@example.com", "Ames", "dunning")
        with pytest.raises((Refused, Unsure)):
            at.gateway(crm_module="Nonsense").crm.tell("ada@example.com", "Ames", "live")


class TestRecording:
    def record(self, at: Desk, found: Subscription, amount: str = "100.00") -> Any:
        at.zoho.do("decline_next")
        at.zoho.do("renew_now")
        (bill,) = [one for one in at.gateway().billing.invoices(found.id) if one.balance]
        return lambda: at.gateway().billing.record_payment(
            found.customer_id, "cash", Decimal(amount), date(2026, 3, 12), "OURKEY", [(bill.id, Decimal(amount))]
        )

    @pytest.mark.parametrize(
        "kind", ["drop_after", "hang_after", "error_after", "html", "empty", "garbled", "truncated"]
    )
    def test_an_answer_that_was_lost_is_unsure_and_found_by_our_reference(self, at: Desk, kind: str) -> None:
        record = self.record(at, subscribed(at))
        at.zoho.faults.add(kind, path="/payments", body="payment_mode", seconds=1)
        with pytest.raises(Unsure):
            record()
        (found,) = at.gateway().find("OURKEY", HINT)
        assert (found.outcome, found.money) == (Outcome.APPROVED, Money(10000, "USD"))

    @pytest.mark.parametrize("kind", ["drop_before", "hang_before", "error_before"])
    def test_one_that_was_never_carried_out_is_unsure_too_and_not_found(self, at: Desk, kind: str) -> None:
        record = self.record(at, subscribed(at))
        at.zoho.faults.add(kind, path="/payments", body="payment_mode", seconds=1)
        with pytest.raises(Unsure):
            record()
        assert at.gateway().find("OURKEY", HINT) == []

    def test_more_than_is_open_is_refused(self, at: Desk) -> None:
        with pytest.raises(Refused):
            self.record(at, subscribed(at), "100.01")()
        assert at.gateway().find("OURKEY", HINT) == []

    def test_a_question_that_was_not_answered_is_one_unknown_result(self, at: Desk) -> None:
        at.zoho.faults.add("error_before", path="/payments")
        assert [one.outcome for one in at.gateway().find("OURKEY", HINT)] == [Outcome.UNKNOWN]

    def test_amounts_leave_as_the_very_digits(self) -> None:
        assert to_json({"a": Decimal("0.10"), "b": [Decimal(3)], "c": 'é"', "d": None, "e": True}) == (
            '{"a":0.10,"b":[3],"c":"é\\"","d":null,"e":true}'
        )


class TestSubscriptions:
    def test_cancel_go_on_and_cancel_again(self, at: Desk) -> None:
        found, billing = subscribed(at), at.gateway().billing
        assert billing.cancel(found.id, at_end=True).status == "non_renewing"
        assert billing.reactivate(found.id).status == "live"
        assert billing.cancel(found.id, at_end=False).status == "cancelled"
        with pytest.raises(Refused) as no:
            billing.cancel(found.id, at_end=False)
        assert no.value.code == "3001"
        with pytest.raises(NotThere):
            billing.subscription("1")

    def test_another_card_by_zohos_page(self, at: Desk) -> None:
        found = subscribed(at)
        page = at.gateway().billing.page_for_method(found.id, "http://127.0.0.1:9/back")
        at.subscribe(page.url, number="5424000000000015")
        assert at.gateway().billing.page(page.id).status == "success"
        assert at.gateway().billing.subscription(found.id).last4 == "0015"


class TestPassing:
    """One token for each set of credentials; rest after "too often"; nobody there."""

    def tokens(self, at: Desk) -> int:
        return sum("/oauth/" in one.url for one in at.wire.exchanges)

    def test_one_token_serves_many_calls_and_threads(self, at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        asked = []
        found = gate.Gate()

        def ask() -> tuple[str, int]:
            asked.append(1)
            return f"T{len(asked)}", 3600

        threads = [Thread(target=lambda: found.token(ask)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(asked), found.token(ask)) == (1, "T1")
        assert (found.token(ask, spent="T1"), found.token(ask, spent="T1"), len(asked)) == ("T2", "T2", 2)
        now = gate.seconds()
        monkeypatch.setattr(gate, "seconds", lambda: now + 3600 - gate.EARLY)
        assert found.token(ask) == "T3"

    def test_a_spent_token_is_changed_once_and_the_call_made_again(self, at: Desk) -> None:
        at.gateway().books.receipts(date(2026, 1, 1), date(2026, 1, 2))
        at.zoho.faults.add("expired", path="/customers")
        assert at.gateway().billing.find_customer("P1", "a@example.com") is None
        assert self.tokens(at) == 1
        at.zoho.faults.add("expired", path="/customers", times=None)
        with pytest.raises(Unreachable, match="credentials"):
            at.gateway().billing.make_customer("P1", "Ada", "a@example.com", "USD")
        at.zoho.faults.clear()
        assert at.gateway().billing.find_customer("P1", "a@example.com") is None

    @pytest.mark.parametrize("wrong", ["client_id", "client_secret", "refresh_token"])
    def test_wrong_credentials_are_said_in_a_body_with_200(self, at: Desk, wrong: str) -> None:
        with pytest.raises(Unreachable, match="no token"):
            at.gateway(**{wrong: "nonsense"}).billing.make_customer("P1", "Ada", "a@example.com", "USD")

    def test_another_organisation_is_refused(self, at: Desk) -> None:
        with pytest.raises(Refused) as no:
            at.gateway(organization_id="1").billing.payments("1")
        assert no.value.code == "6041"

    @pytest.mark.parametrize(
        ("limits", "least"),
        [({"daily_limit": 1}, 3600), ({"burst_limit": 1}, 30), ({"burst_limit": 1, "burst_code": 43}, 30)],
    )
    def test_too_often_closes_the_gate_and_nobody_asks_again(
        self, at: Desk, limits: dict[str, int], least: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in limits.items():
            setattr(at.zoho, name, value)
        billing = at.gateway().billing
        billing.find_customer("P1", "a@example.com")
        with pytest.raises(Unreachable) as first:
            billing.find_customer("P1", "a@example.com")
        said = len(at.wire.exchanges)
        with pytest.raises(Unreachable) as second:
            billing.find_customer("P1", "a@example.com")
        assert first.value.wait >= least and 0 < second.value.wait <= first.value.wait
        assert len(at.wire.exchanges) == said
        at.zoho.daily_limit = at.zoho.burst_limit = 10_000
        now = gate.seconds()
        monkeypatch.setattr(gate, "seconds", lambda: now + first.value.wait)
        billing.find_customer("P1", "a@example.com")

    def test_too_many_tokens_rest_as_well(self, at: Desk) -> None:
        for _ in range(12):
            requests.post(
                f"{at.server.url}/oauth/v2/token", timeout=5,
                data={"refresh_token": Zoho.refresh_token, "client_id": Zoho.client_id,
                      "client_secret": Zoho.client_secret, "grant_type": "refresh_token"},
            )  # fmt: skip
        with pytest.raises(Unreachable) as trouble:
            at.gateway().billing.payments("1")
        assert trouble.value.wait == 600

    def test_nobody_there(self, at: Desk) -> None:
        url = "http://127.0.0.1:9"
        with pytest.raises(Unreachable):
            at.gateway(accounts_url=url).billing.payments("1")
        with pytest.raises(Unreachable):
            at.gateway(billing_url=url).billing.make_customer("P1", "Ada", "a@example.com", "USD")

    def test_nothing_secret_is_in_the_log(self, at: Desk) -> None:
        subscribed(at)
        at.gateway().billing.payments("1")
        gate.forget_gates()
        wire = at.gateway().wire
        at.gateway().billing.payments("1")
        said = " ".join(f"{one.url} {one.asked} {one.answered}" for one in (*wire.exchanges, *at.wire.exchanges))
        for secret in (Zoho.client_secret, Zoho.refresh_token, Zoho.webhook_secret, "Zoho-oauthtoken 1000"):
            assert secret not in said


def test_zoho_alone_moves_money(at: Desk) -> None:
    found: Any = at.gateway()
    assert found.capabilities == {FIND} and found.hosted_fields("en") == {}
    for name in ("store", "verify", "charge", "authorize", "capture", "void", "refund", "delete_method", "settlement",
                 "updates", "start_micro_deposits", "confirm_micro_deposits"):  # fmt: skip
        method = getattr(found, name)
        with pytest.raises(NotSupported):
            method(*[None] * (method.__code__.co_argcount - 1))
    assert at.wire.exchanges == []
