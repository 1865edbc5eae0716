"""A processor's report beside our books: what ties, what differs, what follows (R151; invariants 10, 27; F15, F28)."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.test import override_settings

from billing.ledger.models import JournalEntry, Role
from billing.office import clock
from billing.office.models import Notice
from billing.transactions import in_transaction
from payments import tasks
from payments.gateways.base import GatewayDown, Moved
from payments.models import (
    DebitReturn,
    Dispute,
    Payment,
    PaymentAttempt,
    Settlement,
    SettlementDay,
    SettlementLine,
    WebhookEvent,
)
from payments.models.attempt import Operation
from payments.services import settlement_days
from payments.services.calling import reread as reread_attempt
from payments.services.charging import send_prepared
from payments.services.gateway_accounts import open_gateway_account
from payments.services.settlements import fetch_settlements
from tests import builders
from tests.assertions import assert_books_whole, assert_posts, balance
from tests.payments.charging.cast import Scene
from tests.payments.webhooks.post import deliver, told, work
from tests.payments.webhooks.reports import DAY, elsewhere, line, reported

HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)


def fetch(scene: Scene, **changes: Any) -> list[Settlement]:
    values: dict[str, Any] = {"gateway_account": scene.account, "day": DAY, "now": clock.now()}
    return fetch_settlements(**values | changes)


def trouble(moved: str = "") -> str:
    rows = SettlementLine.objects.filter(moved=moved) if moved else SettlementLine.objects.all()
    return rows.get().trouble


def charged(scene: Scene, amount: str = "120.00") -> PaymentAttempt:
    return scene.charge(scene.card(), scene.bill(amount))


def lost(scene: Scene, amount: str = "120.00") -> PaymentAttempt:
    method, invoice = scene.card(), scene.bill(amount)
    scene.at.nmi.faults.add("drop_after", path="transact")
    return scene.charge(method, invoice)


class TestKept:
    def test_R151_gross_less_what_went_back_less_fees_is_net(self, scene: Scene) -> None:
        one, two = charged(scene, "120.00"), charged(scene, "80.00")
        with reported(
            line(Moved.CAPTURE, "120.00", one, fee="3.48"), line(Moved.CAPTURE, "80.00", two, fee="2.32"),
            line(Moved.FEE, "10.00", ref="monthly"), line(Moved.PAYOUT, "184.20", ref="payout-1"),
        ):  # fmt: skip
            (made,) = fetch(scene)
        assert (made.batch, made.settled_on, made.currency) == ("B-1", DAY, "USD")
        assert (made.gross_amount, made.fee_amount) == (Decimal("200.00"), Decimal("15.80"))
        assert made.net_amount == made.paid_out_amount == Decimal("184.20")
        assert not made.lines.exclude(trouble="").exists()
        assert {reread_attempt(row).money_state for row in (one, two)} == {"settled"}
        assert_books_whole()

    def test_10_fees_are_posted_once_off_the_account_of_the_processor(self, scene: Scene) -> None:
        one = charged(scene)
        with reported(line(Moved.CAPTURE, "120.00", one, fee="3.48")):
            (made,) = fetch(scene)
            assert fetch(scene) == []
        assert_posts([made.entry], f"{DAY}  processor_fees Dr 3.48    card_clearing Cr 3.48")
        assert JournalEntry.objects.filter(event="fees_kept").count() == 1
        assert balance(scene.school, Role.CARD_CLEARING) == Decimal("116.52")
        assert_books_whole()

    def test_without_fees_nothing_is_posted(self, scene: Scene) -> None:
        one = charged(scene)
        with reported(line(Moved.CAPTURE, "120.00", one)):
            (made,) = fetch(scene)
        assert made.entry is None and not JournalEntry.objects.filter(event="fees_kept").exists()

    def test_a_report_that_grew_gives_what_is_new_and_its_fees(self, scene: Scene) -> None:
        one, two = charged(scene, "120.00"), charged(scene, "80.00")
        first, second = line(Moved.CAPTURE, "120.00", one, fee="3.00"), line(Moved.CAPTURE, "80.00", two, fee="2.00")
        with reported(first):
            fetch(scene)
        with reported(first, second):
            (grown,) = fetch(scene)
            assert fetch(scene) == []
        assert (grown.batch, grown.gross_amount, grown.fee_amount) == ("B-1 +1", Decimal("80.00"), Decimal("2.00"))
        assert Settlement.objects.count() == SettlementLine.objects.count() == 2
        assert_books_whole()

    def test_lines_that_look_alike_are_both_kept(self, scene: Scene) -> None:
        with reported(line(Moved.FEE, "1.00", ref="fee"), line(Moved.FEE, "1.00", ref="fee")):
            (made,) = fetch(scene)
            assert fetch(scene) == []
        assert (made.fee_amount, made.lines.count()) == (Decimal("2.00"), 2)
        assert_books_whole()

    def test_a_day_without_lines_makes_no_settlement(self, scene: Scene) -> None:
        with reported():
            assert fetch(scene) == []

    def test_what_is_in_another_currency_is_kept_apart(self, scene: Scene) -> None:
        one = charged(scene)
        with reported(
            line(Moved.CAPTURE, "120.00", one), elsewhere(line(Moved.CAPTURE, "5.00", ref="x"), "EUR"),
        ):  # fmt: skip
            fetch(scene)
        assert set(Settlement.objects.values_list("batch", "currency", "gross_amount")) == {
            ("B-1", "USD", Decimal("120.00")), ("B-1 EUR", "EUR", Decimal("5.00")),
        }  # fmt: skip
        assert_books_whole()

    def test_45_of_shared_credentials_each_account_gets_its_own_and_the_rest_is_the_first_ones(
        self, scene: Scene
    ) -> None:
        other = builders.organization()
        second = in_transaction(
            partial(open_gateway_account, organization=other, configuration="precisepay", now=clock.now())
        )
        ours, theirs = charged(scene), Scene(scene.at, other, second, builders.customer(other))
        mine = theirs.charge(theirs.card(), theirs.bill("30.00"))
        report = [
            line(Moved.CAPTURE, "120.00", ours), line(Moved.CAPTURE, "30.00", mine), line(Moved.FEE, "1.00", ref="fee")
        ]  # fmt: skip
        with reported(*report):
            (first,), (last,) = fetch(scene), fetch(scene, gateway_account=second)
        assert (first.organization, first.gross_amount, first.fee_amount) == (scene.school, 120, 1)
        assert (last.organization, last.gross_amount, last.fee_amount) == (other, 30, 0)
        assert_books_whole()


class TestDifferences:
    def test_F28_an_unknown_charge_is_settled_by_the_report(self, scene: Scene) -> None:
        attempt = lost(scene)
        with reported(line(Moved.CAPTURE, "120.00", attempt, ref="3192000099")):
            fetch(scene)
        attempt = reread_attempt(attempt)
        assert (attempt.state, attempt.settled_from, attempt.money_state) == ("succeeded", "report", "settled")
        assert Payment.objects.count() == 1 and trouble() == ""
        assert_books_whole()

    def test_F13_an_unknown_charge_of_another_amount_is_for_a_person(self, scene: Scene) -> None:
        attempt = lost(scene)
        with reported(line(Moved.CAPTURE, "99.00", attempt, ref="3192000099")):
            fetch(scene)
        attempt = reread_attempt(attempt)
        assert attempt.state == "unknown" and attempt.needs_person == trouble() != ""
        assert not Payment.objects.exists()

    def test_F22_money_of_a_charge_that_counts_as_failed_goes_back(self, scene: Scene) -> None:
        attempt = lost(scene)
        PaymentAttempt.objects.filter(pk=attempt.pk).update(state="not_sent", ask_at=None)
        attempt.claims.update(holds=False)
        with reported(line(Moved.CAPTURE, "120.00", attempt, ref=scene.at.nmi.named(attempt.key).id)):
            fetch(scene)
            fetch(scene)
        assert "goes back" in trouble()
        send_prepared(now=clock.now())
        assert [row.operation for row in attempt.followers.all()] == ["void"]
        assert not Payment.objects.exists()

    def test_a_capture_nobody_asked_for_is_an_alarm(self, scene: Scene) -> None:
        with reported(line(Moved.CAPTURE, "7.00", ref="stranger")):
            fetch(scene)
            fetch(scene)
        assert "nothing here asked for" in trouble()
        assert Notice.objects.filter(kind="settlement_differs").count() == 1

    def test_a_difference_that_is_explained_later_goes(self, scene: Scene) -> None:
        """The charge was made known here after its settlement was fetched."""
        attempt = charged(scene)
        item = line(Moved.CAPTURE, "120.00", attempt)
        with reported(line(Moved.CAPTURE, "120.00", ref=attempt.gateway_ref, key="")), override_settings():
            PaymentAttempt.objects.filter(pk=attempt.pk).update(gateway_ref="")
            fetch(scene)
            assert trouble() != ""
        with reported(item):
            fetch(scene)
        found = SettlementLine.objects.get()
        assert (found.attempt, found.trouble) == (attempt, "")
        assert_books_whole()

    @pytest.mark.parametrize(("amount", "differs"), [("119.99", True), ("120.00", False), ("120.01", True)])
    def test_an_amount_is_compared_to_the_cent(self, scene: Scene, amount: str, differs: bool) -> None:
        with reported(line(Moved.CAPTURE, amount, charged(scene))):
            fetch(scene)
        assert bool(trouble()) is differs
        assert_books_whole()

    def test_27_a_charge_that_took_money_twice_by_its_own_count_is_named(self, scene: Scene) -> None:
        attempt = charged(scene)
        with reported(
            line(Moved.CAPTURE, "120.00", attempt), line(Moved.CAPTURE, "120.00", attempt, ref="again"),
        ):  # fmt: skip
            fetch(scene)
            fetch(scene)
        assert [row.trouble for row in SettlementLine.objects.order_by("pk")] == ["", "The processor has it twice."]
        assert_books_whole()

    def test_a_refund_that_nothing_here_asked_for_is_named(self, scene: Scene) -> None:
        attempt = charged(scene)
        refund = line(Moved.REFUND, "20.00", ref="r-1", related=attempt.gateway_ref)
        with reported(line(Moved.CAPTURE, "120.00", attempt), refund):
            (made,) = fetch(scene)
        assert (made.refunded_amount, made.net_amount) == (20, 100)
        assert "given back" in trouble("refund") and trouble("capture") == ""

    def test_an_adjustment_is_in_no_total_and_for_a_person(self, scene: Scene) -> None:
        with reported(line(Moved.ADJUSTMENT, "5.00")):
            (made,) = fetch(scene)
        assert made.net_amount == 0 and "changed its own sums" in trouble()

    def test_a_mistake_at_one_line_is_written_on_it_and_the_others_are_followed(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from payments.services import settlement_lines

        one, other = charged(scene), lost(scene, "80.00")
        with monkeypatch.context() as patch:
            patch.setitem(settlement_lines.EFFECTS, Moved.CHARGEBACK, lambda _seen, _now: str(1 // 0))
            with reported(
                line(Moved.CAPTURE, "120.00", one), line(Moved.CHARGEBACK, "120.00", one, ref="case"),
                line(Moved.CAPTURE, "80.00", other, ref="3192000077"),
            ):  # fmt: skip
                fetch(scene)
        assert trouble("chargeback") == "ZeroDivisionError"
        assert reread_attempt(other).state == "succeeded"


class TestTakenBack:
    def test_R115_a_return_in_the_report_reverses_the_payment_once(self, scene: Scene) -> None:
        attempt = scene.charge(scene.bank(), scene.bill())
        scene.at.nmi.do("settle")
        scene.at.nmi.do("settle_checks")
        deliver(*told(scene, "transaction.check.status.settle"))
        work()
        came_back = line(Moved.RETURN, "120.00", reread_attempt(attempt), code="R01", batch="returns")
        for _time in range(2):
            with reported(line(Moved.CAPTURE, "120.00", attempt), came_back):
                fetch(scene)
        (found,) = DebitReturn.objects.all()
        assert (found.code, found.returned_on, found.payment.state) == ("R01", DAY, "returned")
        assert reread_attempt(attempt).money_state == "returned"
        assert balance(scene.school, Role.CARD_CLEARING) == 0
        assert not SettlementLine.objects.exclude(trouble="").exists()
        assert_books_whole()

    def test_a_return_of_a_debit_still_on_its_way_is_a_decline_with_its_reason(self, scene: Scene) -> None:
        attempt = scene.charge(scene.bank(), scene.bill())
        scene.at.nmi.do("settle")
        scene.at.nmi.do("return_check", transaction_id=attempt.key, code="R09")
        with reported(line(Moved.RETURN, "120.00", attempt, code="R09")):
            fetch(scene)
        assert trouble() == ""
        attempt = reread_attempt(attempt)
        assert (attempt.state, attempt.reason) == ("declined", "insufficient_funds")
        assert trouble() == "" and not Payment.objects.exists()
        assert_books_whole()

    def test_a_return_of_a_part_is_for_a_person(self, scene: Scene) -> None:
        with reported(line(Moved.RETURN, "20.00", charged(scene), code="R01")):
            fetch(scene)
        assert "came back" in trouble() and not DebitReturn.objects.exists()

    def test_R107_a_chargeback_in_the_report_opens_its_file_once(self, scene: Scene) -> None:
        attempt = charged(scene)
        today = scene.school.today(clock.now())
        back = line(Moved.CHARGEBACK, "120.00", attempt, ref="case-7", code="10.4", on=today)
        for _time in range(2):
            with reported(line(Moved.CAPTURE, "120.00", attempt), back):
                fetch(scene)
        assert Dispute.objects.get().amount == 120
        made = Settlement.objects.get()
        assert (made.charged_back_amount, made.net_amount) == (120, 0)
        assert_books_whole()

    def test_R108_a_chargeback_that_was_won_differs_until_its_file_is_closed(self, scene: Scene) -> None:
        attempt = charged(scene)
        today = scene.school.today(clock.now())
        back = line(Moved.CHARGEBACK, "120.00", attempt, ref="case-7", on=today)
        won = line(Moved.CHARGEBACK_WON, "120.00", attempt, ref="case-7", on=today)
        with reported(back, won):
            (made,) = fetch(scene)
        dispute = Dispute.objects.get()
        assert (made.charged_back_amount, made.net_amount) == (0, 0)
        assert trouble("chargeback_won") == f"The chargeback was won; {dispute.number} is still open."
        assert_books_whole()

    def test_F15_what_was_voided_at_the_processor_before_it_settled_is_reversed(self, scene: Scene) -> None:
        invoice = scene.bill()
        attempt = scene.charge(scene.card(), invoice)
        void_at_the_processor(scene, attempt)
        later = clock.now() + settlement_days.ASK_AFTER + HOUR
        assert settlement_days.ask_after_unsettled(gateway_account=scene.account, now=clock.now()) == 0
        assert settlement_days.ask_after_unsettled(gateway_account=scene.account, now=later) == 1
        assert DebitReturn.objects.get().code == "voided"
        assert reread_attempt(attempt).money_state == "voided"
        invoice.refresh_from_db()
        assert invoice.open_amount == 120 and balance(scene.school, Role.CARD_CLEARING) == 0
        assert settlement_days.ask_after_unsettled(gateway_account=scene.account, now=later) == 0
        assert_books_whole()

    def test_F15_its_webhook_does_the_same(self, scene: Scene) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        void_at_the_processor(scene, attempt)
        deliver(*(row for row in told(scene) if "validate" not in row.topic))
        work()
        assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
        assert DebitReturn.objects.get().code == "voided" and DebitReturn.objects.get().event != ""
        assert_books_whole()

    def test_our_own_void_is_not_taken_for_a_loss(self, scene: Scene) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        void_at_the_processor(scene, attempt)
        PaymentAttempt.objects.create(
            organization=scene.school, customer=scene.ada, gateway_account=scene.account, number="ATT-VOID",
            key="0" * 20, body_hash="", request_key="void", operation=Operation.VOID, state="sent", currency="USD",
            amount=120, follows=attempt, created_at=clock.now(), sent_at=clock.now(),
        )  # fmt: skip
        deliver(*told(scene))
        work()
        assert not DebitReturn.objects.exists()
        assert attempt.payment is not None and Payment.objects.get().state == "processed"


def void_at_the_processor(scene: Scene, attempt: PaymentAttempt) -> None:
    """By a person at its own screens, with a key that is not ours."""
    ref = attempt.gateway_ref
    form = {"security_key": scene.at.nmi.security_key, "type": "void", "transactionid": ref}
    scene.at.gateway()._desk.line.post({name: value for name, value in form.items() if name != "security_key"})
    assert scene.at.nmi.named(attempt.key).condition == "canceled"


class TestDays:
    def days(self) -> dict[Any, tuple[int, bool]]:
        rows = SettlementDay.objects.values_list("day", "times", "ask_at")
        return {day: (times, ask_at is not None) for day, times, ask_at in rows}

    def test_every_day_that_is_over_is_planned_once_in_the_organizations_calendar(self, scene: Scene) -> None:
        made, today = scene.account.made_at, scene.school.today(scene.account.made_at)
        settlement_days.plan_days(now=made)
        assert self.days() == {}
        for _time in range(2):
            settlement_days.plan_days(now=made + 3 * A_DAY)
        assert sorted(self.days()) == [today, today + A_DAY, today + 2 * A_DAY]

    def test_no_more_than_two_weeks_back(self, scene: Scene) -> None:
        now = scene.account.made_at + 60 * A_DAY
        settlement_days.plan_days(now=now)
        yesterday = scene.school.today(now) - A_DAY
        assert sorted(self.days()) == [yesterday - n * A_DAY for n in reversed(range(14))]

    def test_an_account_out_of_use_and_one_without_credentials_have_none(self, scene: Scene) -> None:
        with override_settings(GATEWAYS={}):
            settlement_days.plan_days(now=scene.account.made_at + A_DAY)
        scene.account.is_active = False
        scene.account.save(update_fields=["is_active"])
        settlement_days.plan_days(now=scene.account.made_at + A_DAY)
        assert self.days() == {}

    def test_a_day_is_fetched_until_it_is_there_and_again_on_the_days_after(self, scene: Scene) -> None:
        now = scene.account.made_at + A_DAY
        settlement_days.plan_days(now=now)
        with reported(down=True):
            assert settlement_days.fetch_due(now=now) == 1
            assert settlement_days.fetch_due(now=now + timedelta(minutes=14)) == 0
        row = SettlementDay.objects.get()
        assert (row.fetched_at, row.trouble, row.tries) == (None, "closed for the night", 1)
        for time in range(settlement_days.TIMES):
            with reported():
                assert settlement_days.fetch_due(now=now + (time + 1) * A_DAY) == 1
        row.refresh_from_db()
        assert (row.times, row.ask_at, row.trouble) == (3, None, "")
        with reported():
            assert settlement_days.fetch_due(now=now + 30 * A_DAY) == 0

    def test_F28_with_every_webhook_lost_the_sandbox_report_settles_it(self, scene: Scene) -> None:
        """The whole way at the double: charged, unknown, batched, and found in the report of its day."""
        attempt = lost(scene)
        scene.at.nmi.do("settle")
        PaymentAttempt.objects.filter(pk=attempt.pk).update(ask_at=None)
        fetch(scene, day=clock.now().date())
        attempt = reread_attempt(attempt)
        assert (attempt.state, attempt.settled_from, attempt.money_state) == ("succeeded", "report", "settled")
        (made,) = Settlement.objects.all()
        assert (made.gross_amount, made.net_amount) == (120, 120)
        assert_books_whole()

    def test_a_webhook_of_a_settled_batch_fetches_its_day(self, scene: Scene) -> None:
        attempt = charged(scene)
        scene.at.nmi.do("settle")
        deliver(*told(scene, "settlement.batch.complete"))
        work()
        assert WebhookEvent.objects.get().effect.startswith("1 settlements of")
        assert reread_attempt(attempt).money_state == "settled"

    def test_what_no_report_names_for_long_is_for_a_person(self, scene: Scene) -> None:
        charged(scene)
        later = clock.now() + settlement_days.PERSON_AFTER + HOUR
        settlement_days.ask_after_unsettled(gateway_account=scene.account, now=later)
        assert Notice.objects.filter(kind="attempt_for_person").count() == 1

    def test_the_job_plans_once_an_hour_and_fetches_whenever_something_is_due(self, scene: Scene) -> None:
        now = (scene.account.made_at + A_DAY).replace(minute=tasks.SETTLE_AT + 1)
        with reported():
            assert tasks.fetch_settlements(now) == 0
            assert tasks.fetch_settlements(now.replace(minute=tasks.SETTLE_AT)) == 1
            assert tasks.fetch_settlements(now + A_DAY) == 1
        assert SettlementDay.objects.get().times == 2

    def test_a_report_that_cannot_be_had_says_so(self, scene: Scene) -> None:
        with reported(down=True), pytest.raises(GatewayDown):
            fetch(scene)
