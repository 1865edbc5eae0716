"""What follows from an event: read back, done once, kept until somebody knows better (R47, R150; 41; F23-F28)."""

import itertools
from datetime import timedelta
from decimal import Decimal
from functools import partial
from threading import Thread
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test import override_settings

from billing.errors import BadInput
from billing.models import Invoice
from billing.office import clock
from billing.office.models import Notice
from billing.transactions import in_transaction
from payments import tasks
from payments.gateways.base import Event, Moved, Topic
from payments.models import Dispute, GatewayExchange, Payment, PaymentAttempt, WebhookEvent
from payments.models.webhook import EventState
from payments.services import inbox, inbox_topics
from payments.services.calling import reread as reread_attempt
from payments.services.charging import follow_up, send_prepared
from payments.services.inbox import AlreadyWorkedOn
from receipts.models import Receipt
from tests.assertions import assert_books_whole
from tests.builders import user
from tests.conftest import RunInThreads
from tests.payments.charging.cast import Scene
from tests.payments.webhooks.post import body, deliver, post, sign, told, work
from tests.payments.webhooks.reports import line

WAITS = inbox.WAITS


def event() -> WebhookEvent:
    return WebhookEvent.objects.get()


def lost(scene: Scene, amount: str = "120.00") -> PaymentAttempt:
    """A charge that was carried out and whose answer never came. The processor takes no amount twice of a card."""
    method, invoice = scene.card(), scene.bill(amount)
    scene.at.nmi.faults.add("drop_after", path="transact")
    return scene.charge(method, invoice)


def captures(scene: Scene, attempt: PaymentAttempt) -> int:
    return len(scene.at.nmi.ledger.captures(attempt.key))


class TestConfirmed:
    def test_R150_an_unknown_charge_is_settled_by_what_its_record_says(self, scene: Scene) -> None:
        attempt = lost(scene)
        assert attempt.state == "unknown"
        deliver(*told(scene, "transaction.sale.success"))
        assert work() == 1
        attempt = reread_attempt(attempt)
        assert (attempt.state, attempt.settled_from) == ("succeeded", "webhook")
        assert (event().state, event().tries) == ("processed", 1)
        assert event().effect == f"{attempt.number}: succeeded" and event().next_at is None
        assert Payment.objects.count() == Receipt.objects.count() == captures(scene, attempt) == 1
        assert GatewayExchange.objects.filter(attempt=attempt, url__contains="query.php").exists()
        assert_books_whole()

    def test_the_job_works_on_what_is_due(self, scene: Scene) -> None:
        attempt = lost(scene)
        deliver(*told(scene, "transaction.sale.success"))
        assert tasks.hear_webhooks(clock.now()) == 1
        assert reread_attempt(attempt).state == "succeeded"

    def test_R150_a_refund_of_which_nothing_was_known_is_settled(self, scene: Scene) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        scene.at.nmi.do("settle")
        scene.at.nmi.faults.add("drop_after", path="transact")
        refund = follow_up(
            attempt=attempt, operation="refund", amount=Decimal("20.00"), request_key="r-1", now=clock.now(), by=None
        )
        assert refund.state == "unknown"
        deliver(*told(scene, "transaction.refund.success"))
        work()
        assert (event().state, reread_attempt(refund).state) == ("processed", "succeeded")
        assert reread_attempt(attempt).state == "succeeded"

    def test_R33_news_of_a_stored_card_is_taken_in(self, scene: Scene) -> None:
        method = scene.card()
        scene.at.nmi.do("close_card", customer_vault_id=method.token)
        deliver(*told(scene, "acu.summary.closedaccount"))
        work()
        method.refresh_from_db()
        assert (event().state, event().effect, method.state) == ("processed", "1 methods changed", "disabled")

    def test_R107_a_chargeback_that_names_no_charge_waits_for_a_person(self, scene: Scene) -> None:
        """The processor tells card and amount only: whose it is, is never guessed."""
        attempt = scene.charge(scene.card(), scene.bill())
        scene.at.nmi.do("settle")
        scene.at.nmi.do("charge_back", transaction_id=attempt.key)
        deliver(*told(scene, "chargeback.batch.complete"))
        work()
        assert event().state == "parked" and "card 1111" in event().trouble
        assert not Dispute.objects.exists()

    def test_R107_of_several_chargebacks_those_that_are_known_are_opened(self, scene: Scene) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        today = scene.school.today(clock.now())
        items = (
            line(Moved.CHARGEBACK, "120.00", attempt, ref="case-1", on=today),
            line(Moved.CHARGEBACK, "5.00", ref="case-2", on=today),
        )
        told_of = Event("e-1", Topic.DISPUTE, "dispute", items=items)
        inbox.keep_events(configuration="precisepay", events=[told_of], raw=b"", now=clock.now())
        work()
        work(WAITS[0] + timedelta(seconds=5))
        assert event().state == "parked" and "case-2" in event().trouble and "case-1" not in event().trouble
        assert Dispute.objects.get().amount == 120
        assert_books_whole()

    def test_41_the_amount_is_read_back_and_not_believed(self, scene: Scene) -> None:
        attempt = lost(scene)
        raw = body(order_id=attempt.key, transaction_id="", action={"action_type": "sale", "amount": "1.00"})
        assert post(raw, sign(raw)) == 200
        work()
        assert reread_attempt(attempt).approved_amount == Decimal("120.00")

    def test_41_an_event_that_says_success_of_a_decline_changes_nothing(self, scene: Scene) -> None:
        method, invoice = scene.card(), scene.bill()
        scene.at.nmi.do("decline_next", code="202")
        attempt = scene.charge(method, invoice)
        raw = body(order_id=attempt.key, transaction_id=attempt.gateway_ref)
        post(raw, sign(raw))
        work()
        assert event().state == "processed"
        assert reread_attempt(attempt).state == "declined" and not Payment.objects.exists()

    def test_F24_before_our_own_answer(self, scene: Scene) -> None:
        """The charge is told of while the worker still waits for its answer; then the answer comes."""
        method, invoice = scene.card(), scene.bill()
        seen: list[tuple[str, str]] = []

        def tell() -> None:
            deliver(*told(scene, "transaction.sale.success"))
            work()
            seen.append((event().state, PaymentAttempt.objects.get().settled_from))

        attempt = charged_while(scene, method, invoice, tell)
        assert seen == [("processed", "webhook")]
        assert (attempt.state, attempt.settled_from) == ("succeeded", "webhook")
        assert Payment.objects.count() == Receipt.objects.count() == 1
        assert_books_whole()

    def test_a_bank_debit_becomes_a_payment_once_the_bank_paid_it(self, scene: Scene) -> None:
        attempt = scene.charge(scene.bank(), scene.bill())
        assert attempt.state == "pending"
        deliver(*told(scene))
        work()
        assert reread_attempt(attempt).state == "pending" and not Payment.objects.exists()
        scene.at.nmi.do("settle")
        scene.at.nmi.do("settle_checks")
        deliver(*told(scene, "transaction.check.status.settle"))
        work()
        assert reread_attempt(attempt).state == "succeeded"
        assert_books_whole()

    def test_a_bank_debit_that_comes_back_before_is_declined_with_the_banks_reason(self, scene: Scene) -> None:
        invoice = scene.bill()
        attempt = scene.charge(scene.bank(), invoice)
        scene.at.nmi.do("settle")
        scene.at.nmi.do("return_check", transaction_id=attempt.key, code="R01")
        deliver(*told(scene, "transaction.check.status.return"))
        work()
        attempt = reread_attempt(attempt)
        assert (attempt.state, attempt.reason) == ("declined", "insufficient_funds")
        assert event().state == "processed" and not Payment.objects.exists()
        assert_books_whole()

    def test_a_return_that_the_record_does_not_know_waits(self, scene: Scene) -> None:
        attempt = scene.charge(scene.bank(), scene.bill())
        scene.at.nmi.do("settle")
        raw = body(name="transaction.check.status.return", order_id=attempt.key, transaction_id=attempt.gateway_ref)
        post(raw, sign(raw))
        work()
        assert event().state == "parked" and "does not say" in event().trouble
        assert reread_attempt(attempt).state == "pending"

    def test_F22_a_success_that_came_too_late_goes_back(self, scene: Scene) -> None:
        attempt = lost(scene)
        PaymentAttempt.objects.filter(pk=attempt.pk).update(state="not_sent", ask_at=None)
        attempt.claims.update(holds=False)
        deliver(*told(scene, "transaction.sale.success"))
        work()
        assert reread_attempt(attempt).state == "not_sent"
        assert attempt.followers.get().operation == "void"
        send_prepared(now=clock.now())
        assert attempt.followers.get().state == "succeeded" and not Payment.objects.exists()


def charged_while(scene: Scene, method: Any, invoice: Invoice, tell: Any) -> PaymentAttempt:
    """Charge, and have `tell` run after the processor did it and before we hear of it."""
    answer = scene.at.nmi.transact

    def run() -> None:
        tell()
        connections.close_all()

    def late(request: Any) -> Any:
        reply = answer(request)
        scene.at.nmi.lock.release()
        thread = Thread(target=run)
        thread.start()
        thread.join(timeout=30)
        scene.at.nmi.lock.acquire()
        return reply

    scene.at.nmi.transact = late  # type: ignore[method-assign]
    return scene.charge(method, invoice)


class TestOrder:
    def test_F24_whatever_the_order_the_end_is_the_same(self, scene: Scene) -> None:
        """A declined try, the charge that followed, its batch, and two that say the opposite, in all 120 orders."""
        method, invoice = scene.card(), scene.bill()
        scene.at.nmi.do("decline_next", code="202")
        declined = scene.charge(method, invoice)
        won = scene.charge(method, invoice)
        scene.at.nmi.do("settle")
        rows = [row for row in told(scene) if row.topic.startswith(("transaction.sale", "settlement"))]
        repeated = body("e-old", order_id=declined.key, transaction_id=declined.gateway_ref)
        parts = [(row.body, row.headers["Webhook-Signature"]) for row in rows] + [(repeated, sign(repeated))]
        other = body("e-failure", "transaction.sale.failure", order_id=won.key, transaction_id=won.gateway_ref)
        parts = [*parts, (other, sign(other))][:5]
        assert len(parts) == 5
        for order in itertools.permutations(parts):
            forget()
            for raw, signature in order:
                assert post(raw, signature) == 200
            assert work() == 5
            assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"processed"}
            assert standing() == {(won.pk, "succeeded", "settled"), (declined.pk, "declined", "")}
            assert Payment.objects.count() == Receipt.objects.count() == 1
        assert captures(scene, won) == 1
        assert_books_whole()

    def test_F25_a_replay_after_a_month_and_after_a_year_does_nothing(self, scene: Scene) -> None:
        scene.charge(scene.card(), scene.bill())
        (sale,) = told(scene, "transaction.sale.success")
        deliver(sale)
        work()
        done = event()
        for days in (31, 365):
            deliver(sale)
            assert work(timedelta(days=days)) == 0
        assert (event().repeats, event().processed_at) == (2, done.processed_at)
        assert Payment.objects.count() == 1

    def test_F23_two_workers_at_once_do_it_once(self, scene: Scene, run_in_threads: RunInThreads) -> None:
        attempts = [lost(scene, f"12{n}.00") for n in range(3)]
        deliver(*told(scene, "transaction.sale.success"))
        done = run_in_threads(lambda _n: work(), 4)
        assert done.errors == [] and sum(done.results) == 3
        assert {reread_attempt(one).state for one in attempts} == {"succeeded"}
        assert Payment.objects.count() == 3
        assert_books_whole()

    def test_F28_a_processor_that_posts_by_itself_repeats_and_shuffles(self, scene: Scene, live_server: Any) -> None:
        """Django serves, the double posts: the whole way, over HTTP."""
        hooks = scene.at.nmi.webhooks
        hooks.url, hooks.repeat, hooks.shuffled = f"{live_server.url}/webhooks/precisepay/", 2, True
        attempts = [lost(scene, f"12{n}.00") for n in range(3)]
        hooks.deliver_due()
        assert all(row.is_done for row in hooks.rows)
        work()
        assert {reread_attempt(one).state for one in attempts} == {"succeeded"}
        sales = WebhookEvent.objects.filter(name="transaction.sale.success")
        assert list(sales.values_list("repeats", flat=True)) == [2, 2, 2]
        assert Payment.objects.count() == 3


def forget() -> None:
    """Empty the inbox behind the guards, and what the charges are said to have come to."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM payments_webhookevent")
        cursor.execute("UPDATE payments_paymentattempt SET money_state = '' WHERE state = 'succeeded'")


def standing() -> set[tuple[int, str, str]]:
    return set(PaymentAttempt.objects.values_list("pk", "state", "money_state"))


class TestNotYet:
    def test_F27_an_unknown_object_is_kept_tried_again_and_left_for_a_person(self, scene: Scene) -> None:
        raw = body()
        post(raw, sign(raw))
        began = clock.now()
        for tries, wait in enumerate(WAITS, 1):
            assert work(timedelta(days=tries)) == 1
            kept = event()
            assert (kept.state, kept.tries) == ("parked", tries) and "Nothing of ours" in kept.trouble
            assert kept.next_at is not None
            assert abs(kept.next_at - (began + timedelta(days=tries) + wait)) < timedelta(minutes=1)
            assert inbox.work_due(now=kept.next_at - timedelta(seconds=1)) == 0
        assert not Notice.objects.filter(kind="webhook_for_person").exists()
        assert work(timedelta(days=30)) == 1
        assert (event().state, event().next_at) == ("parked", None)
        assert work(timedelta(days=3650)) == 0
        assert Notice.objects.filter(kind="webhook_for_person").count() == 1

    def test_F27_what_was_unknown_is_worked_on_once_it_is_known(self, scene: Scene) -> None:
        """Of credentials that are new here: the event is older than the account."""
        attempt = lost(scene)
        key = attempt.key
        hide(attempt, "X" * 20)
        deliver(*told(scene, "transaction.sale.success"))
        work()
        assert event().state == "parked"
        hide(attempt, key)
        work(WAITS[0] + timedelta(seconds=5))
        assert event().state == "processed" and reread_attempt(attempt).state == "succeeded"

    def test_F27_an_unknown_kind_of_event_is_kept_and_disturbs_nobody(self, scene: Scene) -> None:
        raw = body(name="moon.phase.changed")
        assert post(raw, sign(raw)) == 200
        for day in range(len(WAITS) + 1):
            work(timedelta(days=day))
        assert (event().state, event().topic, event().next_at) == ("parked", "other", None)
        assert "moon.phase.changed" in event().trouble
        assert not Notice.objects.filter(kind="webhook_for_person").exists()

    def test_a_processor_that_does_not_answer_is_asked_again(self, scene: Scene) -> None:
        attempt = lost(scene)
        deliver(*told(scene, "transaction.sale.success"))
        scene.at.nmi.faults.add("error_before", path="query")
        work()
        assert event().state == "failed" and reread_attempt(attempt).state == "unknown"
        work(WAITS[0] + timedelta(seconds=5))
        assert event().state == "processed" and reread_attempt(attempt).state == "succeeded"

    def test_a_processor_that_does_not_answer_holds_up_nobody_else(self, scene: Scene) -> None:
        attempts = [lost(scene, f"12{n}.00") for n in range(3)]
        deliver(*told(scene, "transaction.sale.success"))
        scene.at.nmi.faults.add("error_before", path="query", times=None)
        strange = Event("e-1", Topic.OTHER, "moon.phase.changed")
        inbox.keep_events(configuration="north", events=[strange], raw=b"", now=clock.now())
        assert work() == 2
        tried = WebhookEvent.objects.filter(tries=1).values_list("configuration", "state")
        assert sorted(tried) == [("north", "parked"), ("precisepay", "failed")]
        assert {reread_attempt(one).state for one in attempts} == {"unknown"}

    def test_a_mistake_of_ours_keeps_the_event_and_the_next_is_worked_on(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        attempt = lost(scene)
        deliver(*told(scene, "transaction.sale.success"))

        def broken(_event: WebhookEvent, _now: Any) -> Any:
            raise ZeroDivisionError

        raw = body("e-2", "settlement.batch.complete", batch_id="7")
        post(raw, sign(raw))
        with monkeypatch.context() as patch:
            patch.setitem(inbox_topics.HANDLERS, ("", "settlement"), broken)
            assert work() == 2
        states = dict(WebhookEvent.objects.values_list("topic", "state"))
        assert states == {"transaction": "processed", "settlement": "failed"}
        assert reread_attempt(attempt).state == "succeeded"

    def test_41_a_deed_that_fails_leaves_neither_effect_nor_mark(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        attempt = lost(scene)
        deliver(*told(scene, "transaction.sale.success"))
        with monkeypatch.context() as patch:
            patch.setattr(inbox, "move", lambda *_what, **_more: 1 / 0)
            work()
        assert (event().state, reread_attempt(attempt).state) == ("failed", "unknown")
        assert not Payment.objects.exists()
        work(WAITS[0] + timedelta(seconds=5))
        assert (event().state, reread_attempt(attempt).state) == ("processed", "succeeded")

    def test_a_worker_that_died_is_followed_by_another_after_the_lease(self, scene: Scene) -> None:
        raw = body()
        post(raw, sign(raw))
        now = clock.now()
        assert inbox._claim(now) is not None
        assert inbox.work_due(now=now + inbox.LEASE - timedelta(seconds=1)) == 0
        assert inbox.work_due(now=now + inbox.LEASE) == 1

    def test_an_event_that_kills_its_worker_each_time_ends_with_a_person(self, scene: Scene) -> None:
        raw = body()
        post(raw, sign(raw))
        now = clock.now()
        for n in range(len(WAITS) + 1):
            assert inbox._claim(now + n * inbox.LEASE) is not None
        assert work(timedelta(days=1)) == 1
        assert (event().state, event().next_at) == ("failed", None)

    def test_credentials_that_went_leave_the_event(self, scene: Scene) -> None:
        attempt = lost(scene)
        deliver(*told(scene, "transaction.sale.success"))
        with override_settings(GATEWAYS={}):
            work()
        assert event().state == "failed" and reread_attempt(attempt).state == "unknown"


def hide(attempt: PaymentAttempt, key: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE payments_paymentattempt SET key = %s WHERE id = %s", [key, attempt.pk])


class TestPeople:
    def test_a_person_puts_it_back_in_the_queue(self, scene: Scene) -> None:
        raw = body()
        post(raw, sign(raw))
        for day in range(len(WAITS) + 1):
            work(timedelta(days=day))
        in_transaction(partial(inbox.replay, event=event(), now=clock.now()))
        assert event().tries == 0
        assert work() == 1 and event().tries == 1

    def test_a_person_sets_it_aside_with_a_reason(self, scene: Scene) -> None:
        boss = user(scene.school, "manager", name="boss")
        raw = body()
        post(raw, sign(raw))
        with pytest.raises(BadInput):
            in_transaction(partial(inbox.set_aside, event=event(), reason=" ", now=clock.now(), by=boss))
        in_transaction(partial(inbox.set_aside, event=event(), reason="a test of theirs", now=clock.now(), by=boss))
        assert (event().state, event().effect) == ("processed", "Set aside by boss: a test of theirs")
        assert work(timedelta(days=1)) == 0
        with pytest.raises(AlreadyWorkedOn):
            in_transaction(partial(inbox.replay, event=event(), now=clock.now()))


class TestRemembered:
    def test_the_job_forgets_once_an_hour(self, scene: Scene) -> None:
        raw = body()
        post(raw, sign(raw))
        age("e-1", 15, "processed")
        now = clock.now().replace(minute=tasks.FORGET_AT)
        assert tasks.forget_webhooks(now + timedelta(minutes=1)) == 0
        assert tasks.forget_webhooks(now) == 1 and not WebhookEvent.objects.exists()

    @pytest.mark.parametrize(("months", "left"), [(12, 2), (13, 2), (15, 1)])
    def test_F25_thirteen_months_at_least_and_what_waits_for_ever(self, scene: Scene, months: int, left: int) -> None:
        worked, waits = body("worked"), body("waits")
        post(worked, sign(worked))
        post(waits, sign(waits))
        age("worked", months, "processed")
        age("waits", months, "parked")
        assert in_transaction(partial(inbox.forget_old, today=clock.now().date())) == 2 - left
        assert WebhookEvent.objects.count() == left

    def test_F25_the_database_forgets_no_sooner_and_never_what_waits(self, scene: Scene) -> None:
        raw = body()
        post(raw, sign(raw))
        for months, state in ((12, "processed"), (15, "parked")):
            age("e-1", months, state)
            with pytest.raises(IntegrityError), transaction.atomic():
                WebhookEvent.objects.all().delete()
        age("e-1", 14, "processed")
        WebhookEvent.objects.all().delete()
        assert not WebhookEvent.objects.exists()

    @pytest.mark.parametrize("state", [EventState.RECEIVED, EventState.PARKED, EventState.FAILED])
    def test_41_what_was_worked_on_stays_so(self, scene: Scene, state: str) -> None:
        raw = body()
        post(raw, sign(raw))
        age("e-1", 0, "processed")
        for change in ({"state": state}, {"effect": "something else"}, {"processed_at": None}):
            with pytest.raises(IntegrityError), transaction.atomic():
                WebhookEvent.objects.update(**change)
        post(raw, sign(raw))
        assert (event().state, event().repeats) == ("processed", 1)


def age(identity: str, months: int, state: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE payments_webhookevent SET state = %s, effect = 'done', processed_at = now(), next_at = NULL,"
            " received_at = now() - make_interval(months => %s) - interval '1 hour' WHERE event_id = %s",
            [state, months, identity],
        )
