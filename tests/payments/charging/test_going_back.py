"""Money goes back where a processor took it: refunds, voids, returns, chargebacks (R96, R101-R108, R115)."""

from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from billing.ledger.models import Role
from billing.models import Invoice, InvoiceKind
from billing.office import clock
from billing.office.models import Notice
from billing.selectors.proof import prove
from payments.gateways.base import Kind, Money, Moved, Outcome, Result, SettledItem, State
from payments.models import DebitReturn, Dispute, Payment, PaymentAttempt, Refund, RetryDecision
from payments.services import charging, sweeping
from payments.services.calling import reread as reread_attempt
from payments.services.calling import send_attempt
from payments.services.chargebacks import open_from_processor
from payments.services.charging import TRIES, send_prepared
from payments.services.debit_returns import record_debit_return
from payments.services.paying_out import settle_attempt as settle_refund
from payments.services.reading_back import take_in
from receipts.models import Receipt
from tests import builders
from tests.assertions import assert_books_whole, assert_posts, balance, reread
from tests.console_desk import Desk, desk
from tests.deeds import void
from tests.payments.charging.cast import Scene, nobody_there
from tests.refund_desk import approved


def charged(scene: Scene, amount: str = "120.00", **changes: Any) -> PaymentAttempt:
    attempt = scene.charge(scene.card(), scene.bill(amount), **changes)
    assert attempt.payment is not None, attempt.raw_text
    return attempt


def paid(attempt: PaymentAttempt) -> Payment:
    assert attempt.payment is not None
    return attempt.payment


def held(scene: Scene) -> Decimal:
    """What the processor holds for us, by its own count, beside what our books say."""
    booked = balance(scene.school, Role.CARD_CLEARING)
    assert booked == Decimal(scene.at.nmi.ledger.held("USD")).scaleb(-2)
    return booked


class TestRefunds:
    @pytest.fixture
    def clerk(self, scene: Scene) -> Desk:
        return desk(scene.school, "clerk")

    @pytest.fixture
    def manager(self, scene: Scene) -> Desk:
        return desk(scene.school, "manager")

    def pay_out(self, clerk: Desk, refund: Refund) -> Refund:
        clerk.post(f"refunds/{refund.pk}/pay-out/", method="card")
        reread(refund)
        return refund

    def test_R96_all_of_an_unsettled_charge_is_voided_there(self, scene: Scene, clerk: Desk, manager: Desk) -> None:
        attempt = charged(scene)
        refund = self.pay_out(clerk, approved(clerk, manager, paid(attempt), "120.00", reason_code="wrong_customer"))
        assert refund.state == "processed" and held(scene) == 0
        assert [e.kind for e in scene.at.nmi.ledger.of("void", "refund")] == ["void"]
        payment = paid(attempt)
        reread(payment)
        assert payment.state == "refunded"
        assert_books_whole()

    def test_R115_what_was_refunded_and_then_taken_back_by_the_bank_is_asked_for_again(
        self, scene: Scene, clerk: Desk, manager: Desk
    ) -> None:
        attempt = charged(scene)
        scene.at.nmi.do("settle")
        self.pay_out(clerk, approved(clerk, manager, paid(attempt), "120.00", reason_code="wrong_customer"))
        taken = Result(
            Outcome.APPROVED, Kind.SALE, attempt.key, state=State.RETURNED, ref=attempt.gateway_ref, return_code="R01"
        )
        with transaction.atomic():
            take_in(attempt=attempt, result=taken, source="webhook", now=clock.now())
        payment = paid(attempt)
        reread(payment)
        returned = DebitReturn.objects.get()
        assert (payment.state, returned.code) == ("returned", "R01")
        assert returned.recovery_invoice is not None and returned.recovery_invoice.invoiced_amount == 120
        settled = Result(Outcome.APPROVED, Kind.SALE, attempt.key, state=State.SETTLED, ref=attempt.gateway_ref)
        with transaction.atomic():
            take_in(attempt=attempt, result=settled, source="report", now=clock.now())
        assert reread_attempt(attempt).money_state == "returned"
        assert_books_whole()

    def test_R96_a_part_or_what_settled_is_refunded(self, scene: Scene, clerk: Desk, manager: Desk) -> None:
        attempt = charged(scene)
        scene.at.nmi.do("settle")
        refund = self.pay_out(clerk, approved(clerk, manager, paid(attempt), "50.00", reason_code="wrong_customer"))
        assert refund.state == "processed" and held(scene) == Decimal("70.00")
        assert [e.minor for e in scene.at.nmi.ledger.of("refund")] == [5000]
        assert_books_whole()

    def test_a_void_that_came_too_late_goes_on_as_a_refund(self, scene: Scene, clerk: Desk, manager: Desk) -> None:
        attempt = charged(scene)
        scene.at.nmi.do("settle")
        refund = self.pay_out(clerk, approved(clerk, manager, paid(attempt), "120.00", reason_code="wrong_customer"))
        assert refund.state == "submitted"
        send_prepared(now=clock.now() + timedelta(minutes=1))
        reread(refund)
        assert refund.state == "processed" and held(scene) == 0
        assert_books_whole()

    def test_R101_declined_it_failed_and_may_be_tried_again(self, scene: Scene, clerk: Desk, manager: Desk) -> None:
        attempt = charged(scene)
        scene.at.nmi.do("settle")
        refund = approved(clerk, manager, paid(attempt), "50.00", reason_code="wrong_customer")
        scene.at.nmi.do("decline_next", code="300")
        assert self.pay_out(clerk, refund).state == "failed" and held(scene) == Decimal("120.00")
        clerk.post(f"refunds/{refund.pk}/retry/")
        assert self.pay_out(clerk, refund).state == "processed" and held(scene) == Decimal("70.00")
        assert_books_whole()

    def test_lost_answers_leave_it_on_its_way_until_known(self, scene: Scene, clerk: Desk, manager: Desk) -> None:
        attempt = charged(scene)
        scene.at.nmi.do("settle")
        refund = approved(clerk, manager, paid(attempt), "50.00", reason_code="wrong_customer")
        scene.at.nmi.faults.add("drop_after", path="transact")
        assert self.pay_out(clerk, refund).state == "submitted"
        clerk.post(f"refunds/{refund.pk}/pay-out/", 422, method="card")
        sweeping.sweep(now=clock.now() + timedelta(minutes=2))
        reread(refund)
        assert refund.state == "processed" and held(scene) == Decimal("70.00")
        assert len(list(scene.at.nmi.ledger.of("refund"))) == 1
        assert_books_whole()

    def test_what_a_person_said_of_it_stays_and_the_office_is_told(
        self, scene: Scene, clerk: Desk, manager: Desk
    ) -> None:
        attempt = charged(scene)
        scene.at.nmi.do("settle")
        refund = approved(clerk, manager, paid(attempt), "50.00", reason_code="wrong_customer")
        scene.at.nmi.faults.add("drop_after", path="transact")
        assert self.pay_out(clerk, refund).state == "submitted"
        with transaction.atomic():
            settle_refund(
                attempt=refund.attempts.get(), outcome="declined", on=scene.school.today(clock.now()), note="By phone",
                now=clock.now(), by=builders.user(scene.school, "manager"),
            )  # fmt: skip
        sweeping.sweep(now=clock.now() + timedelta(minutes=2))
        reread(refund)
        assert refund.state == "failed" and attempt.followers.get(operation="refund").state == "succeeded"
        notice = Notice.objects.get(kind="attempt_for_person")
        assert f"The processor says succeeded of refund {refund.number}" in notice.body
        assert [found.rule.number for found in prove().broken] == [36]  # the two disagree until a person settles it


class TestVoids:
    @pytest.mark.parametrize(("settled", "kind"), [(False, "void"), (True, "refund")])
    def test_R102_a_voided_payment_is_voided_or_refunded_there(self, scene: Scene, settled: bool, kind: str) -> None:
        attempt = charged(scene)
        if settled:
            scene.at.nmi.do("settle")
        clerk, manager = builders.user(scene.school, "clerk"), builders.user(scene.school, "manager")
        made = void(paid(attempt), clerk, manager, now=clock.now())
        assert made.approval.shown["processor"] == "PrecisePay"
        for minutes in (1, 2):
            send_prepared(now=clock.now() + timedelta(minutes=minutes))
        assert held(scene) == 0 and [e.kind for e in scene.at.nmi.ledger.of("void", "refund")] == [kind]
        assert_books_whole()

    @pytest.mark.parametrize(("lost", "told"), [(TRIES - 1, 0), (TRIES, 1)])
    def test_F22_what_never_reached_the_processor_is_tried_again_and_then_a_person_told(
        self, scene: Scene, lost: int, told: int
    ) -> None:
        attempt = charged(scene)
        void(paid(attempt), builders.user(scene.school, "clerk"), builders.user(scene.school, "manager"))
        later = clock.now() + timedelta(minutes=1)
        with nobody_there(scene):
            assert [send_prepared(now=later) for _ in range(lost)] == [1] * lost
        assert send_prepared(now=later) == 1 - told
        assert Notice.objects.filter(kind="attempt_for_person").count() == told
        assert len(list(scene.at.nmi.ledger.of("void"))) == 1 - told
        assert attempt.followers.filter(operation="void").count() == TRIES
        assert_books_whole()

    def test_F22_a_refund_instead_that_is_declined_is_told_to_a_person(self, scene: Scene) -> None:
        attempt = charged(scene)
        scene.at.nmi.do("settle")
        void(paid(attempt), builders.user(scene.school, "clerk"), builders.user(scene.school, "manager"))
        later = clock.now() + timedelta(minutes=1)
        send_prepared(now=later)
        scene.at.nmi.do("decline_next", code="200")
        assert send_prepared(now=later) == 1 and send_prepared(now=later) == 0
        notice = Notice.objects.get(kind="attempt_for_person")
        assert f"The money of {attempt.number} could not be given back" in notice.body
        assert_books_whole()

    def test_one_that_cannot_be_settled_does_not_hold_up_the_others(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first, second = charged(scene), charged(scene)
        for attempt in (first, second):
            void(paid(attempt), builders.user(scene.school, "clerk"), builders.user(scene.school, "manager"))
        real = send_attempt

        def send(attempt: PaymentAttempt) -> PaymentAttempt:
            if attempt.follows_id == first.pk:
                raise RuntimeError("cannot be settled")
            return real(attempt)

        monkeypatch.setattr(charging, "send_attempt", send)
        later = clock.now() + timedelta(minutes=1)
        assert send_prepared(now=later) == 2
        assert [a.followers.get(operation="void").state for a in (first, second)] == ["created", "succeeded"]
        monkeypatch.undo()
        assert send_prepared(now=later) == 1 and held(scene) == 0
        assert_books_whole()


def come_back(attempt: PaymentAttempt, code: str = "R01") -> DebitReturn:
    with transaction.atomic():
        return record_debit_return(
            attempt=attempt, code=code, returned_on=attempt.organization.today(clock.now()), event=None, now=clock.now()
        )


class TestReturns:
    def test_F41_everything_comes_undone_and_the_invoice_may_be_charged_again(self, scene: Scene) -> None:
        invoice, method = scene.bill(), scene.card()
        attempt = scene.charge(method, invoice)
        made = come_back(attempt)
        assert attempt.payment is not None
        reread(invoice, attempt.payment)
        assert (invoice.open_amount, attempt.payment.state) == (Decimal("120.00"), "returned")
        assert Receipt.objects.get(payment=attempt.payment).returned_on == made.returned_on
        assert Notice.objects.filter(kind="debit_returned", recipient="ada@example.com").count() == 1
        today = scene.school.today(clock.now())
        assert_posts([made.entry], f"{today}  unapplied_cash Dr 120.00    card_clearing Cr 120.00")
        assert scene.charge(method, invoice, amounts=[Decimal("119.00")]).state == "succeeded"
        assert_books_whole()

    def test_told_again_it_changes_nothing(self, scene: Scene) -> None:
        attempt = charged(scene)
        assert come_back(attempt).pk == come_back(attempt, "R10").pk
        assert DebitReturn.objects.count() == 1
        assert_books_whole()

    @pytest.mark.parametrize(("code", "fees"), [("R01", 1), ("R09", 1), ("R02", 0), ("R10", 0), ("voided", 0)])
    def test_a_fee_is_asked_for_too_little_money_only(self, scene: Scene, code: str, fees: int) -> None:
        builders.policy(scene.school, "debits.return_fee", "15")
        come_back(charged(scene), code)
        assert Invoice.objects.filter(kind=InvoiceKind.RETURN_FEE).count() == fees
        assert_books_whole()

    def test_F40_what_was_refunded_of_it_is_billed_again(self, scene: Scene) -> None:
        attempt = charged(scene)
        clerk, manager = (desk(scene.school, role) for role in ("clerk", "manager"))
        scene.at.nmi.do("settle")
        refund = approved(clerk, manager, paid(attempt), "50.00", reason_code="wrong_customer")
        clerk.post(f"refunds/{refund.pk}/pay-out/", method="card")
        made = come_back(attempt, "R10")
        assert made.recovery_invoice is not None and made.recovery_invoice.invoiced_amount == Decimal("50.00")
        assert_books_whole()

    @pytest.mark.parametrize(("code", "verdict", "state"), [("R01", "retry", "active"), ("R10", "stop", "disabled")])
    def test_33_what_came_back_is_tried_again_only_where_its_code_allows(
        self, scene: Scene, code: str, verdict: str, state: str
    ) -> None:
        method = scene.bank()
        attempt = scene.charge(method, scene.bill(), channel="autopay", by_payer=False)
        scene.at.nmi.do("settle")
        scene.at.nmi.do("settle_checks")
        sweeping.ask(reread_attempt(attempt), now=clock.now() + timedelta(days=1))
        attempt = reread_attempt(attempt)
        assert attempt.state == "succeeded"
        come_back(attempt, code)
        decision = RetryDecision.objects.get(failed=attempt)
        reread(method)
        assert (decision.verdict, method.state) == (verdict, state)
        assert (decision.try_at is not None) is (verdict == "retry")
        assert_books_whole()

    def test_told_by_four_at_once_it_is_booked_once(self, scene: Scene) -> None:
        attempt, gate = charged(scene), Barrier(4)

        def one() -> None:
            gate.wait()
            come_back(attempt)
            connection.close()

        threads = [Thread(target=one) for _each in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert DebitReturn.objects.count() == 1
        assert_books_whole()


class TestChargebacks:
    def told(
        self, attempt: PaymentAttempt, minor: int = 12000, case: str = "CB-7", code: str = "10.4"
    ) -> Dispute | None:
        item = SettledItem(
            Moved.CHARGEBACK, Money(minor, "USD"), attempt.organization.today(clock.now()), "B-1", attempt.gateway_ref,
            text=case, code="10.4",
        )  # fmt: skip
        with transaction.atomic():
            return open_from_processor(attempt=attempt, item=item, event=None, now=clock.now())

    def test_R107_the_file_opens_by_itself_and_the_money_is_held(self, scene: Scene) -> None:
        dispute = self.told(charged(scene))
        assert dispute is not None
        assert (dispute.reason_code, dispute.opened_by, dispute.state) == ("fraud", None, "open")
        assert balance(scene.school, Role.DISPUTED_FUNDS) == Decimal("120.00")
        assert balance(scene.school, Role.CARD_CLEARING) == 0
        assert_books_whole()

    def test_the_same_case_again_is_the_same_file(self, scene: Scene) -> None:
        attempt = charged(scene)
        first = self.told(attempt)
        assert first is not None and self.told(attempt) == first and Dispute.objects.count() == 1

    def test_more_than_was_taken_is_for_a_person(self, scene: Scene) -> None:
        assert self.told(charged(scene), 12001) is None
        assert Notice.objects.filter(kind="attempt_for_person").exists()
        assert_books_whole()

    def test_its_page_can_be_read(self, scene: Scene) -> None:
        dispute = self.told(charged(scene))
        assert dispute is not None
        page = desk(scene.school, "manager").get(f"disputes/{dispute.pk}/")
        assert dispute.number in page.content.decode()
