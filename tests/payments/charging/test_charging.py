"""Charging a stored card: three phases, one settlement, nothing twice (R48; invariants 25-31; faults F10-F16)."""

from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.db import connection, transaction

from billing.errors import DomainError, KeyReused
from billing.ledger.models import Role
from billing.models import Invoice
from billing.office import clock
from billing.office.models import Notice
from payments.gateways.base import Kind, Money, Outcome, Result
from payments.models import AttemptClaim, GatewayError, GatewayExchange, Payment, PaymentAttempt
from payments.models.attempt import AttemptState
from payments.services import sweeping
from payments.services.attempts import AttemptOrder, BeingConfirmed, MethodUnusable, NotChargeable, prepare_attempt
from payments.services.calling import reread as reread_attempt
from payments.services.calling import send_attempt
from payments.services.charging import send_prepared
from payments.services.settling import settle_attempt
from receipts.models import Receipt
from tests.assertions import assert_books_whole, assert_posts, balance, reread
from tests.builders import invoice as bill
from tests.builders import pay
from tests.payments.charging.cast import Scene, nobody_there

LATER = timedelta(minutes=2)


def captures(scene: Scene, attempt: PaymentAttempt) -> int:
    return len(scene.at.nmi.ledger.captures(attempt.key))


def open_amount(invoice: Invoice) -> Decimal:
    left: Decimal = Invoice.objects.values_list("open_amount", flat=True).get(pk=invoice.pk)
    return left


def sweep_at(after: timedelta) -> int:
    return sweeping.sweep(now=clock.now() + after)


class TestOneCharge:
    def test_R48_it_is_paid_receipted_and_told_in_one_go(self, scene: Scene) -> None:
        invoice = scene.bill()
        attempt = scene.charge(scene.card(), invoice)
        assert (attempt.state, attempt.settled_from) == ("succeeded", "worker")
        assert attempt.approved_amount == Decimal("120.00")
        assert attempt.payment is not None and attempt.payment.method == "card"
        assert open_amount(invoice) == 0 and captures(scene, attempt) == 1
        receipt = Receipt.objects.get(payment=attempt.payment)
        assert Notice.objects.filter(kind="receipt", fact=f"receipt:{receipt.pk}").count() == 1
        assert_books_whole()

    def test_the_money_lies_in_the_clearing_account_of_its_processor(self, scene: Scene) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        assert attempt.payment is not None and attempt.payment.entry is not None
        line = attempt.payment.entry.lines.get(debit__gt=0)
        assert line.account_id == scene.account.ledger_account_id
        today = scene.school.today(clock.now())
        assert_posts([attempt.payment.entry], f"{today}  card_clearing Dr 120.00    unapplied_cash Cr 120.00")

    def test_several_invoices_at_once(self, scene: Scene) -> None:
        one, two = scene.bill("30.00"), scene.bill("50.00")
        attempt = scene.charge(scene.card(), one, two, amounts=[Decimal("30.00"), Decimal("20.00")])
        assert (attempt.amount, open_amount(one), open_amount(two)) == (Decimal("50.00"), 0, Decimal("30.00"))
        assert_books_whole()

    def test_what_was_said_is_in_the_log_and_nothing_secret_in_it(self, scene: Scene) -> None:
        method = scene.card()
        attempt = scene.charge(method, scene.bill())
        said = "".join(f"{row.url}{row.asked}{row.answered}" for row in GatewayExchange.objects.filter(attempt=attempt))
        assert attempt.key in said
        assert scene.at.nmi.security_key not in said and "4111111111111111" not in said

    def test_a_decline_is_an_answer_and_frees_the_invoice(self, scene: Scene) -> None:
        invoice, method = scene.bill(), scene.card()
        scene.at.nmi.do("decline_next", code="202")
        attempt = scene.charge(method, invoice)
        assert (attempt.state, attempt.reason, attempt.raw_code) == ("declined", "insufficient_funds", "202")
        assert GatewayError.objects.get(attempt=attempt).reason == "insufficient_funds"
        assert scene.charge(method, invoice).state == "succeeded"
        assert Payment.objects.count() == 1
        assert_books_whole()

    def test_F14_a_partial_approval_books_its_part_and_leaves_the_rest_chargeable(self, scene: Scene) -> None:
        invoice, method = scene.bill(), scene.card()
        scene.at.nmi.do("approve_partly", amount="50.00")
        attempt = scene.charge(method, invoice)
        assert (attempt.state, attempt.approved_amount, open_amount(invoice)) == ("succeeded", Decimal(50), Decimal(70))
        rest = scene.charge(method, invoice, amounts=[Decimal("70.00")])
        assert rest.state == "succeeded" and open_amount(invoice) == 0
        assert list(AttemptClaim.objects.order_by("pk").values_list("cycle", flat=True)) == [1, 2]
        assert_books_whole()


class TestWhatIsRefused:
    def test_more_than_is_open(self, scene: Scene) -> None:
        with pytest.raises(NotChargeable):
            scene.charge(scene.card(), scene.bill("10.00"), amounts=[Decimal("10.01")])
        assert PaymentAttempt.objects.count() == 0

    @pytest.mark.parametrize("state", ["verifying", "suspended", "disabled"])
    def test_R24_a_method_that_is_not_active(self, scene: Scene, state: str) -> None:
        method = scene.card(state=state, place=0)
        with pytest.raises(MethodUnusable):
            scene.charge(method, scene.bill())

    def test_one_key_one_body(self, scene: Scene) -> None:
        invoice, method, key = scene.bill(), scene.card(), uuid4().hex
        first = scene.charge(method, invoice, amounts=[Decimal("50.00")], request_key=key)
        assert scene.charge(method, invoice, amounts=[Decimal("50.00")], request_key=key).pk == first.pk
        assert captures(scene, first) == 1
        with pytest.raises(KeyReused):
            scene.charge(method, invoice, amounts=[Decimal("60.00")], request_key=key)

    def test_nothing_is_called_inside_a_transaction(self, scene: Scene) -> None:
        with transaction.atomic():
            attempt = prepare(scene)
            with pytest.raises(AssertionError, match="nothing locked"):
                send_attempt(attempt)


def prepare(scene: Scene, invoice: Invoice | None = None, method: object = None) -> PaymentAttempt:
    invoice = invoice or scene.bill()
    order = AttemptOrder(
        gateway_account=scene.account, customer_id=scene.ada.pk, operation="sale", currency="USD",
        request_key=uuid4().hex, amount=invoice.open_amount, method=method or scene.card(),  # type: ignore[arg-type]
        claims=[(invoice.pk, invoice.open_amount)],
    )  # fmt: skip
    with transaction.atomic():
        return prepare_attempt(order, now=clock.now(), by=None)


COMMITTED = ["drop_after", "hang_after", "error_after", "truncated", "html", "empty", "garbled"]
NOT_COMMITTED = ["drop_before", "hang_before", "error_before"]


class TestUnknown:
    @pytest.mark.parametrize("fault", COMMITTED)
    def test_F11_F12_taken_and_the_answer_lost_it_is_found_and_booked_once(self, scene: Scene, fault: str) -> None:
        invoice, method = scene.bill(), scene.card()
        scene.at.nmi.faults.add(fault, path="transact", seconds=0.6)
        attempt = scene.charge(method, invoice)
        assert (attempt.state, open_amount(invoice)) == ("unknown", Decimal("120.00"))
        with pytest.raises(BeingConfirmed):
            scene.charge(method, invoice)
        sweep_at(LATER)
        reread(attempt)
        assert (attempt.state, attempt.settled_from, captures(scene, attempt)) == ("succeeded", "sweeper", 1)
        assert sweep_at(LATER * 2) == 0
        assert (Payment.objects.count(), Receipt.objects.count(), open_amount(invoice)) == (1, 1, 0)
        assert_books_whole()

    @pytest.mark.parametrize("fault", NOT_COMMITTED)
    def test_F10_proven_absent_twice_it_may_be_tried_again(self, scene: Scene, fault: str) -> None:
        invoice, method = scene.bill(), scene.card()
        scene.at.nmi.faults.add(fault, path="transact", seconds=0.6)
        attempt = scene.charge(method, invoice)
        assert attempt.state == "unknown"
        sweep_at(LATER)
        reread(attempt)
        assert (attempt.state, attempt.absences) == ("unknown", 1)
        with pytest.raises(BeingConfirmed):
            scene.charge(method, invoice)
        sweep_at(LATER + timedelta(minutes=10))
        reread(attempt)
        assert (attempt.state, captures(scene, attempt)) == ("not_sent", 0)
        assert scene.charge(method, invoice).state == "succeeded"
        assert_books_whole()

    def test_two_absences_within_a_minute_prove_nothing(self, scene: Scene) -> None:
        method = scene.card()
        scene.at.nmi.faults.add("drop_before", path="transact")
        attempt = scene.charge(method, scene.bill())
        now = clock.now() + LATER
        for after in (0, 59):
            sweeping.ask(attempt_now(attempt), now=now + timedelta(seconds=after))
        assert attempt_now(attempt).state == "unknown"
        sweeping.ask(attempt_now(attempt), now=now + timedelta(seconds=60))
        assert attempt_now(attempt).state == "not_sent"

    def test_F16_an_inquiry_that_is_down_leaves_it_unknown(self, scene: Scene) -> None:
        method = scene.card()
        scene.at.nmi.faults.add("drop_after", path="transact")
        attempt = scene.charge(method, scene.bill())
        scene.at.nmi.faults.add("error_before", path="query", times=None)
        for hours in (1, 2, 3):
            sweep_at(timedelta(hours=hours))
        assert attempt_now(attempt).state == "unknown"
        scene.at.nmi.faults.clear()
        sweep_at(timedelta(hours=5))
        assert attempt_now(attempt).state == "succeeded"

    @pytest.mark.parametrize(("hours", "says"), [(23.9, ""), (24.1, "Its outcome is still not known.")])
    def test_34_after_a_day_a_person_is_asked(self, scene: Scene, hours: float, says: str) -> None:
        method = scene.card()
        scene.at.nmi.faults.add("drop_after", path="transact")
        attempt = scene.charge(method, scene.bill())
        scene.at.nmi.faults.add("error_before", path="query", times=None)
        sweep_at(timedelta(hours=hours))
        assert attempt_now(attempt).needs_person == says
        assert Notice.objects.filter(kind="attempt_for_person").exists() is bool(says)

    def test_nobody_reached_means_nothing_done(self, scene: Scene) -> None:
        invoice, method = scene.bill(), scene.card()
        with nobody_there(scene):
            attempt = scene.charge(method, invoice)
        assert (attempt.state, attempt.reason) == ("not_sent", "gateway_error")
        assert scene.charge(method, invoice).state == "succeeded"


def attempt_now(attempt: PaymentAttempt) -> PaymentAttempt:
    return reread_attempt(attempt)


class TestContradictions:
    def test_F13_another_amount_is_not_booked_and_a_person_is_told(self, scene: Scene) -> None:
        invoice, method = scene.bill(), scene.card()
        scene.at.nmi.faults.add("lie_amount", path="transact")
        attempt = scene.charge(method, invoice)
        assert attempt.state == "unknown" and "asked was US$120.00" in attempt.needs_person
        assert Payment.objects.count() == 0
        with pytest.raises(BeingConfirmed):
            scene.charge(method, invoice)

    def test_31_a_reference_of_another_attempt_is_not_booked(self, scene: Scene) -> None:
        first = scene.charge(scene.card(), scene.bill())
        attempt = prepare(scene)
        PaymentAttempt.objects.filter(pk=attempt.pk).update(state="sent", sent_at=clock.now())
        settle(attempt, ref=first.gateway_ref)
        attempt = attempt_now(attempt)
        assert attempt.state == "unknown" and "belongs to another attempt" in attempt.needs_person


def settle(attempt: PaymentAttempt, outcome: Outcome = Outcome.APPROVED, **facts: object) -> None:
    result = Result(outcome, Kind.SALE, attempt.key, **{"ref": "T-1", **facts})  # type: ignore[arg-type]
    with transaction.atomic():
        settle_attempt(attempt_id=attempt.pk, result=result, source="webhook", now=clock.now())


class TestFinal:
    def test_29_told_again_changes_nothing(self, scene: Scene) -> None:
        attempt = scene.charge(scene.card(), scene.bill())
        settle(attempt, Outcome.DECLINED)
        settle(attempt, ref=attempt.gateway_ref, money=Money(12000, "USD"))
        assert (attempt_now(attempt).state, Payment.objects.count()) == ("succeeded", 1)

    def test_F22_a_success_after_it_counted_as_failed_goes_back_at_once(self, scene: Scene) -> None:
        invoice, method = scene.bill(), scene.card()
        scene.at.nmi.faults.add("drop_after", path="transact")
        attempt = scene.charge(method, invoice)
        settle(attempt, Outcome.ERROR, ref="")
        taken = scene.at.nmi.ledger.captures(attempt.key)[0]
        settle(attempt, ref=taken.ref, money=Money(12000, "USD"))
        send_prepared(now=clock.now())
        assert captures(scene, attempt) == 0
        assert attempt.followers.get(operation="void").state == "succeeded"
        assert Payment.objects.count() == 0
        assert scene.charge(method, invoice, amounts=[Decimal("119.00")]).state == "succeeded"
        assert_books_whole()

    def test_F22_an_invoice_voided_before_it_is_sent_is_not_charged(self, scene: Scene) -> None:
        attempt = prepare(scene)
        Invoice.objects.filter(claims__attempt=attempt).update(voided_on=scene.school.today(clock.now()))
        assert send_attempt(attempt).state == "not_sent"
        assert list(scene.at.nmi.ledger.of("capture")) == []

    def test_money_for_an_invoice_paid_meanwhile_is_kept_as_credit(self, scene: Scene) -> None:
        invoice, method = scene.bill(), scene.card()
        scene.at.nmi.faults.add("drop_after", path="transact")
        attempt = scene.charge(method, invoice)
        pay(scene.ada, "120.00", method="cash")
        sweep_at(LATER)
        attempt = attempt_now(attempt)
        assert attempt.state == "succeeded" and attempt.payment is not None
        assert attempt.payment.credit_item is not None
        assert attempt.payment.credit_item.unapplied_amount == Decimal("120.00")
        assert_books_whole()

    def test_what_was_never_sent_is_freed(self, scene: Scene) -> None:
        invoice = scene.bill()
        attempt = prepare(scene, invoice)
        sweep_at(timedelta(seconds=100))
        assert attempt_now(attempt).state == AttemptState.CREATED
        sweep_at(timedelta(seconds=130))
        assert attempt_now(attempt).state == AttemptState.NOT_SENT
        assert send_attempt(attempt).state == "not_sent" and captures(scene, attempt) == 0


class TestRaces:
    def test_26_F17_eight_at_once_charge_an_invoice_once(self, scene: Scene) -> None:
        invoice, method, gate = scene.bill(), scene.card(), Barrier(8)
        won: list[PaymentAttempt] = []
        refused: list[str] = []

        def one() -> None:
            gate.wait()
            try:
                won.append(scene.charge(method, invoice))
            except DomainError as refusal:
                refused.append(refusal.code)
            finally:
                connection.close()

        threads = [Thread(target=one) for _each in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1 and set(refused) <= {"being_confirmed", "not_chargeable"}
        assert len(scene.at.nmi.ledger.captures()) == 1
        assert_books_whole()

    def test_F24_webhook_and_worker_at_once_book_once(self, scene: Scene) -> None:
        attempt, gate = prepare(scene), Barrier(4)
        PaymentAttempt.objects.filter(pk=attempt.pk).update(state="sent", sent_at=clock.now())

        def one() -> None:
            gate.wait()
            settle(attempt, ref="T-9", money=Money(12000, "USD"))
            connection.close()

        threads = [Thread(target=one) for _each in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (Payment.objects.count(), Receipt.objects.count()) == (1, 1)
        assert_books_whole()


def test_10_balance_of_the_clearing_account_is_what_the_processor_holds(scene: Scene) -> None:
    method = scene.card()
    for amount in ("10.00", "25.50"):
        scene.charge(method, bill(scene.ada, amount))
    assert balance(scene.school, Role.CARD_CLEARING) == Decimal("35.50")
    assert scene.at.nmi.ledger.held("USD") == 3550
