"""Disputes: opened, escalated, answered, settled, with every boundary on both sides (R107, R108, R124)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from billing.errors import BadInput, KeyReused, NotFound
from billing.ledger.models import Period, Role
from billing.models import Allocation, Customer, Invoice
from billing.office import approvals
from billing.office.calendar import add_business_days
from billing.office.models import ApprovalRequest, Notice, Organization, User
from billing.services.allocating import allocate_credit
from billing.services.invoicing import FileOpen, mark_disputed, void_invoice
from billing.services.locking import lock_customers
from billing.services.move_requests import ask_to_move, carry_out_move
from billing.services.moving import MoveOrder
from payments.models import Dispute, DisputeEvent, Method, Payment
from payments.selectors.dispute_history import compile_history
from payments.selectors.disputes import Contested, disputed_amount, figures, left_to_contest, open_follow_ups, queue
from payments.services.dispute_care import (
    AlreadyEscalated,
    assign_dispute,
    escalate_dispute,
    move_deadline,
)
from payments.services.dispute_outcomes import rehearse_settlement
from payments.services.dispute_steps import STEPS, Closed, OwnStep, StepsOpen, check_steps, tick_step
from payments.services.dispute_work import (
    AlreadyAnswered,
    NoEvidence,
    add_contact,
    add_evidence,
    add_follow_up,
    add_note,
    answer_dispute,
    finish_follow_up,
)
from payments.services.disputes import CONTESTABLE, AlreadyContested, NotContestable, TooMuchContested
from tests.assertions import assert_books_whole, assert_posts, balance, reread
from tests.builders import NOW, TODAY, cheque, credit_of, customer, invoice, organization, pay, policy, user
from tests.payments.dispute_cast import approve_loss, complete, contest, lose, settle
from tests.uploads import picture

DAY = timedelta(days=1)


@pytest.fixture
def school(db: None) -> Organization:
    return organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return customer(school, email="ada@example.com")


@pytest.fixture
def boss(school: Organization) -> User:
    return user(school, "supervisor", name="sup")


@pytest.fixture
def manager(school: Organization) -> User:
    return user(school, "manager", name="mgr")


@pytest.fixture
def bill(ada: Customer) -> Invoice:
    return invoice(ada, "100.00", number="A1", tax_rate="0.05")


@pytest.fixture
def card(ada: Customer, bill: Invoice) -> Payment:
    """Pays the bill of 105 and leaves 15 as credit."""
    return pay(ada, "120.00", method="card", reference="4242").payment


def do(work: Any, **details: Any) -> Any:
    with transaction.atomic():
        return work(now=details.pop("now", NOW), **details)


class TestOpening:
    def test_R107_a_contested_invoice_gets_a_file_and_leaves_automatic_allocation(self, bill, boss) -> None:
        dispute = contest(bill, "40.00", boss)
        reread(bill)
        assert (dispute.number, dispute.state, dispute.kind) == ("DSP-2026-00000001", "open", "invoice")
        assert (dispute.assigned_to, dispute.opened_on, bill.is_disputed) == (boss, TODAY, True)
        assert dispute.deadline_on == add_business_days(dispute.organization, TODAY, 10)
        assert [step.key for step in dispute.steps.all()] == [
            "evidence",
            "zoho_books",
            "zoho_crm",
            "customer",
            "outcome",
        ]
        assert_books_whole()

    def test_R107_a_chargeback_books_the_money_as_held(self, school, card, boss) -> None:
        dispute = contest(card, "50.00", boss, opened_on=TODAY, deadline_on=TODAY + 7 * DAY)
        assert (dispute.kind, dispute.deadline_on) == ("chargeback", TODAY + 7 * DAY)
        assert_posts([dispute.hold_entry], "2026-03-12  disputed_funds Dr 50.00    card_clearing Cr 50.00")
        assert dispute.hold_entry.key == "dispute:DSP-2026-00000001:held"
        assert [step.key for step in dispute.steps.all()] == list(STEPS)
        assert dispute.steps.get(key="money_held").reference == str(dispute.hold_entry)
        assert disputed_amount(card) == 50
        assert_books_whole()

    def test_a_chargeback_of_a_transfer_takes_from_the_bank(self, school, ada, boss) -> None:
        paid = pay(ada, "80.00", method="bank_transfer").payment
        dispute = contest(paid, "80.00", boss)
        assert_posts([dispute.hold_entry], "2026-03-12  disputed_funds Dr 80.00    bank Cr 80.00")
        assert_books_whole()

    @pytest.mark.parametrize("method", [Method.CASH, Method.CHEQUE])
    def test_what_no_bank_takes_back_is_no_chargeback(self, ada, boss, method) -> None:
        paid = pay(ada, "80.00", method=method, cheque=cheque() if method == Method.CHEQUE else None).payment
        with pytest.raises(NotContestable, match="not taken back by a bank's chargeback"):
            contest(paid, "10.00", boss)
        assert method not in CONTESTABLE

    @pytest.mark.parametrize(("amount", "fits"), [("105.00", True), ("105.01", False), ("0.01", True)])
    def test_an_invoice_is_contested_up_to_what_is_open(self, ada, bill, boss, amount, fits) -> None:
        if fits:
            assert contest(bill, amount, boss).amount == Decimal(amount)
            return
        with pytest.raises(TooMuchContested, match=r"Only US\$105.00 of A1 can be contested") as refusal:
            contest(bill, amount, boss)
        assert refusal.value.field == "amount"
        assert not Dispute.objects.exists()

    def test_what_was_paid_of_an_invoice_is_no_longer_contested(self, ada, bill, boss) -> None:
        pay(ada, "60.00")
        with pytest.raises(TooMuchContested):
            contest(bill, "45.01", boss)
        pay(ada, "45.00", lookalike_reason="the rest")
        with pytest.raises(NotContestable, match="A1 is settled; what was paid of it comes back as a refund"):
            contest(bill, "1.00", boss)

    @pytest.mark.parametrize(("second", "fits"), [("70.00", True), ("70.01", False)])
    def test_36_a_payment_is_contested_up_to_what_is_left_of_it(self, card, boss, second, fits) -> None:
        contest(card, "50.00", boss)
        assert left_to_contest(card) == 70
        if fits:
            contest(card, second, boss)
            with pytest.raises(NotContestable, match="Nothing of PAY-2026-03-00000001 is left to contest"):
                contest(card, "0.01", boss)
        else:
            with pytest.raises(TooMuchContested, match=r"Only US\$70.00"):
                contest(card, second, boss)
        assert_books_whole()

    def test_36_what_a_chargeback_lost_cannot_be_contested_again(self, card, boss, manager) -> None:
        lose(contest(card, "50.00", boss), "30.00", boss, manager)
        card.refresh_from_db()
        assert left_to_contest(card) == 90
        with pytest.raises(TooMuchContested):
            contest(card, "90.01", boss)
        contest(card, "90.00", boss)
        assert_books_whole()

    @pytest.mark.parametrize(
        ("details", "field", "code"),
        [
            ({"reason_code": "weather"}, "reason_code", "unknown_choice"),
            ({"description": "  "}, "description", "required"),
            ({"description": "card 4111 1111 1111 1111"}, "description", "card_number"),
            ({"processor_reference": ""}, "processor_reference", "required"),
            ({"opened_on": TODAY + DAY}, "opened_on", "future_day"),
            ({"opened_on": TODAY - DAY}, "opened_on", "before_payment"),
            ({"deadline_on": TODAY - DAY}, "deadline_on", "deadline_before_opening"),
        ],
    )
    def test_bad_input_is_refused_at_its_field(self, card, boss, details, field, code) -> None:
        with pytest.raises(BadInput) as refusal:
            contest(card, "10.00", boss, **details)
        assert (refusal.value.field, refusal.value.code) == (field, code)
        assert not Dispute.objects.exists()

    @pytest.mark.parametrize(
        ("amount", "code"), [("0", "not_positive"), ("-1", "not_positive"), ("0.005", "too_many_decimals")]
    )
    def test_amounts_that_are_none_are_refused(self, card, boss, amount, code) -> None:
        with pytest.raises(BadInput) as refusal:
            contest(card, amount, boss)
        assert (refusal.value.field, refusal.value.code) == ("amount", code)

    def test_one_key_is_one_dispute(self, card, boss) -> None:
        first = contest(card, "10.00", boss, request_key="form", processor_reference="CB1")
        assert contest(card, "10.00", boss, request_key="form", processor_reference="CB1") == first
        assert Dispute.objects.count() == 1
        with pytest.raises(KeyReused):
            contest(card, "11.00", boss, request_key="form", processor_reference="CB1")

    def test_one_case_of_the_bank_and_one_invoice_is_one_open_dispute(self, school, ada, bill, boss) -> None:
        contest(bill, "10.00", boss)
        with pytest.raises(AlreadyContested, match="DSP-2026-00000001"):
            contest(bill, "10.00", boss)
        paid = pay(ada, "30.00", method="card").payment
        contest(paid, "10.00", boss, processor_reference="CB9")
        with pytest.raises(AlreadyContested, match="DSP-2026-00000002"):
            contest(paid, "10.00", boss, processor_reference="CB9")

    def test_another_organizations_invoice_does_not_exist(self, bill, boss) -> None:
        other = organization()
        bill.organization = other
        with pytest.raises(NotFound):
            contest(bill, "10.00", user(other, "supervisor"))

    @pytest.mark.parametrize(("amount", "told"), [("50.00", 0), ("50.01", 1)])
    def test_R107_above_the_limit_the_managers_are_told_at_once(self, school, card, boss, amount, told) -> None:
        policy(school, "disputes.escalate_above", "50.00")
        dispute = contest(card, amount, boss)
        assert (dispute.escalated_at is not None) == bool(told)
        assert dispute.events.filter(kind="escalation").count() == told
        assert Notice.objects.filter(kind="dispute_escalated", channel="office", recipient="managers").count() == told


class TestLeftAlone:
    @pytest.mark.parametrize("strategy", ["fifo", "due_date", "amount", "none"])
    def test_R124_no_strategy_pays_an_invoice_with_an_open_file(self, ada, bill, boss, strategy) -> None:
        contest(bill, "10.00", boss)
        later = invoice(ada, "50.00", number="A2", issued_on=date(2026, 3, 1))
        pay(ada, "155.00", strategy=strategy, first=("A1",))
        reread(bill, later)
        assert bill.open_amount == 105
        assert later.open_amount == (50 if strategy == "none" else 0)
        assert_books_whole()

    def test_R124_what_is_left_of_it_is_not_written_off(self, school, ada, boss) -> None:
        policy(school, "write_off.below", "100.00")
        small = invoice(ada, "30.00")
        contest(small, "30.00", boss)
        other = invoice(ada, "10.00")
        pay(ada, "10.00")
        reread(small, other)
        assert (small.open_amount, small.written_off_amount, other.open_amount) == (30, 0, 0)

    def test_R124_waiting_credit_passes_it_by_until_it_is_settled(self, school, ada, bill, boss) -> None:
        policy(school, "allocation.auto_apply_credit", True)
        dispute = contest(bill, "10.00", boss)
        pay(ada, "105.00")
        reread(bill)
        assert bill.open_amount == 105
        settle(complete(dispute, boss), "won", boss)
        reread(bill)
        assert (bill.open_amount, bill.is_disputed) == (0, False)
        assert_books_whole()

    def test_while_the_file_is_open_the_mark_stays_and_the_invoice_is_not_voided(self, bill, boss) -> None:
        contest(bill, "10.00", boss)
        with pytest.raises(FileOpen, match="Dispute DSP-2026-00000001 is open"), transaction.atomic():
            mark_disputed(invoice=bill, is_disputed=False)
        with pytest.raises(FileOpen), transaction.atomic():
            void_invoice(invoice=bill, reason="wrong", now=NOW, by=boss)
        reread(bill)
        assert bill.is_disputed and bill.voided_on is None


class TestTheFile:
    def test_R107_contacts_notes_evidence_and_follow_ups_are_lines_of_the_file(self, card, boss, settings, tmp_path):
        settings.DOCUMENTS_DIR = tmp_path
        dispute = contest(card, "50.00", boss)
        do(add_contact, dispute=dispute, channel="phone", text="She will send the mail.", by=boss)
        do(add_note, dispute=dispute, text="Ask the teacher", by=boss)
        evidence = do(add_evidence, dispute=dispute, text="Lesson log", files=[("log.jpg", picture())], by=boss)
        due = do(add_follow_up, dispute=dispute, text="Call again", due_on=TODAY, by=boss)
        told = compile_history(dispute)
        assert [entry.event.kind for entry in told.entries] == ["state", "contact", "note", "evidence", "follow_up"]
        assert [paper.name for paper in told.evidence[0].documents] == ["log.jpg"]
        assert told.evidence[0].event == evidence
        assert dispute.steps.get(key="customer").reference == "2026-03-12 phone"
        assert list(open_follow_ups(dispute.organization)) == [due]
        finished = do(finish_follow_up, event=due, by=boss)
        assert finished.done_by == boss
        assert do(finish_follow_up, event=due, by=boss, now=NOW + DAY).done_at == NOW
        assert not open_follow_ups(dispute.organization)

    def test_a_second_click_adds_no_second_line_but_the_same_words_tomorrow_do(self, card, boss) -> None:
        dispute = contest(card, "50.00", boss)
        for now in (NOW, NOW + timedelta(seconds=2), NOW + DAY):
            do(add_contact, dispute=dispute, channel="phone", text="Nobody answered.", by=boss, now=now)
        assert dispute.events.filter(kind="contact").count() == 2

    @pytest.mark.parametrize(
        ("work", "details", "field"),
        [
            (add_contact, {"channel": "dream", "text": "x"}, "channel"),
            (add_contact, {"channel": "phone", "text": " "}, "text"),
            (add_note, {"text": "x" * 1001}, "text"),
            (add_evidence, {"text": ""}, "text"),
            (add_evidence, {"text": "x", "files": [("a.exe", b"MZ")]}, "document"),
            (add_follow_up, {"text": "x", "due_on": TODAY - DAY}, "due_on"),
        ],
    )
    def test_bad_lines_are_refused_at_their_field(self, card, boss, work, details, field) -> None:
        dispute = contest(card, "50.00", boss)
        with pytest.raises(BadInput) as refusal:
            do(work, dispute=dispute, by=boss, **details)
        assert refusal.value.field == field
        assert dispute.events.count() == 1

    def test_only_follow_ups_are_ticked_as_done(self, card, boss) -> None:
        line = contest(card, "50.00", boss).events.get()
        with pytest.raises(BadInput, match="Only a follow-up"):
            do(finish_follow_up, event=line, by=boss)

    def test_R107_history_tells_payment_allocations_invoices_and_messages(self, ada, bill, card, boss) -> None:
        told = compile_history(contest(card, "50.00", boss))
        assert (told.payments, [row.invoice for row in told.allocations]) == ([card], [bill])
        assert [(row.invoice, [line.description for line in row.lines]) for row in told.invoices] == [
            (bill, ["Lessons"])
        ]
        open_one = invoice(ada, "70.00")
        about_bill = compile_history(contest(open_one, "50.00", boss))
        assert ([row.invoice for row in about_bill.invoices], about_bill.payments) == ([open_one], [])
        assert [other.kind for other in about_bill.other_disputes] == ["chargeback"]

    def test_an_owner_must_be_able_to_work_on_it(self, school, card, boss, manager) -> None:
        dispute = contest(card, "50.00", boss)
        assert do(assign_dispute, dispute=dispute, owner=manager, by=boss).assigned_to == manager
        do(assign_dispute, dispute=dispute, owner=manager, by=boss)
        assert dispute.events.filter(channel="owner").count() == 1
        with pytest.raises(BadInput, match="may not work on disputes"):
            do(assign_dispute, dispute=dispute, owner=user(school, "accountant"), by=boss)
        assert do(assign_dispute, dispute=dispute, owner=None, by=boss).assigned_to is None

    def test_R107_it_is_escalated_once_with_a_reason(self, card, boss) -> None:
        dispute = contest(card, "50.00", boss)
        with pytest.raises(BadInput):
            do(escalate_dispute, dispute=dispute, reason=" ", by=boss)
        assert do(escalate_dispute, dispute=dispute, reason="Newspaper", by=boss).escalated_at == NOW
        with pytest.raises(AlreadyEscalated):
            do(escalate_dispute, dispute=dispute, reason="Again", by=boss)
        assert "Newspaper" in Notice.objects.get(kind="dispute_escalated").body

    def test_the_deadline_moves_with_a_reason_and_not_before_the_opening(self, card, boss) -> None:
        dispute = contest(card, "50.00", boss)
        assert do(move_deadline, dispute=dispute, deadline_on=TODAY, reason="asked", by=boss).deadline_on == TODAY
        with pytest.raises(BadInput) as refusal:
            do(move_deadline, dispute=dispute, deadline_on=TODAY - DAY, reason="asked", by=boss)
        assert refusal.value.field == "deadline_on"


class TestAnswering:
    def test_R107_an_answer_needs_evidence_or_a_reason_for_none(self, card, boss) -> None:
        dispute = contest(card, "50.00", boss)
        with pytest.raises(NoEvidence) as refusal:
            do(answer_dispute, dispute=dispute, sent_on=TODAY, note="portal", by=boss)
        assert refusal.value.field == "reason_without"
        do(add_evidence, dispute=dispute, text="Lesson log", by=boss)
        answered = do(answer_dispute, dispute=dispute, sent_on=TODAY, note="portal, receipt 7", by=boss)
        assert answered.state == "answered"
        assert dispute.steps.get(key="answer_sent").reference == "2026-03-12 portal, receipt 7"
        with pytest.raises(AlreadyAnswered):
            do(answer_dispute, dispute=dispute, sent_on=TODAY, note="again", by=boss)

    def test_without_evidence_the_reason_is_kept(self, card, boss) -> None:
        dispute = contest(card, "50.00", boss)
        do(answer_dispute, dispute=dispute, sent_on=TODAY, note="portal", reason_without="they are right", by=boss)
        assert dispute.events.latest("id").text == "2026-03-12 portal (they are right)"

    @pytest.mark.parametrize("days", [-1, 1])
    def test_it_was_sent_between_the_opening_and_today(self, card, boss, days) -> None:
        dispute = contest(card, "50.00", boss)
        with pytest.raises(BadInput) as refusal:
            do(answer_dispute, dispute=dispute, sent_on=TODAY + days * DAY, note="x", reason_without="y", by=boss)
        assert refusal.value.field == "sent_on"


class TestChecklist:
    def test_R108_nothing_is_settled_before_every_step_is_ticked_or_does_not_apply(self, card, boss) -> None:
        dispute = contest(card, "50.00", boss)
        with pytest.raises(StepsOpen, match="Zoho Books: invoice, credit note and payment status are updated"):
            settle(dispute, "won", boss)
        for key in ("evidence", "answer_sent", "zoho_books", "zoho_crm", "customer"):
            do(tick_step, dispute=dispute, key=key, reference="CN-12", by=boss)
        with pytest.raises(StepsOpen) as refusal:
            settle(dispute, "won", boss)
        assert refusal.value.facts["steps"] == "The bank or processor statement was checked"
        do(tick_step, dispute=dispute, key="statement", reference="no statement yet", applies=False, by=boss)
        with transaction.atomic():
            check_steps(dispute=dispute)
        assert settle(dispute, "won", boss).state == "won"
        step = dispute.steps.get(key="statement")
        assert (step.applies, step.done_by, step.done_at) == (False, boss, NOW)

    @pytest.mark.parametrize(("applies", "code"), [(True, "reference_required"), (False, "reason_required")])
    def test_R108_each_tick_needs_a_reference_or_a_reason(self, card, boss, applies, code) -> None:
        dispute = contest(card, "50.00", boss)
        with pytest.raises(BadInput) as refusal:
            do(tick_step, dispute=dispute, key="zoho_books", reference="  ", applies=applies, by=boss)
        assert (refusal.value.code, refusal.value.field) == (code, "reference")

    def test_what_the_program_does_is_ticked_by_the_program(self, card, boss) -> None:
        dispute = contest(card, "50.00", boss)
        with pytest.raises(OwnStep):
            do(tick_step, dispute=dispute, key="outcome", reference="done, promised", by=boss)
        with pytest.raises(BadInput):
            do(tick_step, dispute=dispute, key="nothing", reference="x", by=boss)

    def test_after_the_end_the_checklist_stays_but_the_file_goes_on(self, card, boss) -> None:
        dispute = contest(card, "50.00", boss)
        settle(complete(dispute, boss), "won", boss)
        with pytest.raises(Closed):
            do(tick_step, dispute=dispute, key="zoho_crm", reference="x", by=boss)
        with pytest.raises(Closed):
            do(assign_dispute, dispute=dispute, owner=None, by=boss)
        with pytest.raises(Closed):
            do(escalate_dispute, dispute=dispute, reason="x", by=boss)
        do(add_contact, dispute=dispute, channel="phone", text="She is content.", by=boss)
        assert dispute.events.filter(kind="contact").count() == 1


class TestChargebackEnds:
    @pytest.mark.parametrize("outcome", ["won", "withdrawn"])
    def test_R107_won_or_withdrawn_the_held_money_is_ours_again(self, school, card, boss, outcome) -> None:
        dispute = settle(complete(contest(card, "50.00", boss), boss), outcome, boss)
        reread(card)
        assert (dispute.state, dispute.lost_amount, card.state) == (outcome, 0, "processed")
        assert_posts([dispute.outcome_entry], "2026-03-12  card_clearing Dr 50.00    disputed_funds Cr 50.00")
        assert balance(school, Role.DISPUTED_FUNDS) == 0
        assert dispute.steps.get(key="outcome").reference == str(dispute.outcome_entry)
        assert_books_whole()

    def test_R107_lost_in_part_reopens_what_it_paid_and_tells_the_customer(
        self, school, bill, card, boss, manager
    ) -> None:
        dispute = complete(contest(card, "50.00", boss), boss)
        asked = settle(dispute, "lost", boss, lost="40.00")
        assert (asked.action, asked.state, asked.amount) == ("refund_large", "requested", 40)
        assert asked.shown["reopens"] == [{"invoice": "A1", "kind": "credit", "amount": "25.00"}]
        assert (asked.shown["won_back"], asked.shown["deed"]) == ("10.00", "chargeback_lost")
        reread(dispute, bill)
        assert (dispute.state, bill.open_amount) == ("open", 0)
        done = approve_loss(asked, manager)
        reread(bill, card, card.credit_item)
        assert (done.state, done.lost_amount, bill.open_amount, card.state) == ("lost", 40, 25, "processed")
        assert (card.credit_item.refunded_amount, card.credit_item.unapplied_amount) == (40, 0)
        assert_posts(
            [done.outcome_entry],
            "2026-03-12  unapplied_cash Dr 40.00    card_clearing Dr 10.00    disputed_funds Cr 50.00",
        )
        told = Notice.objects.get(kind="dispute_settled")
        assert (told.recipient, "US$40.00" in told.body) == ("ada@example.com", True)
        assert_books_whole()

    @pytest.mark.parametrize(("lost", "state"), [("120.00", "refunded"), ("119.99", "processed")])
    def test_a_payment_of_which_nothing_is_left_is_refunded(self, card, boss, manager, lost, state) -> None:
        lose(contest(card, "120.00", boss), lost, boss, manager)
        reread(card)
        assert card.state == state
        assert_books_whole()

    @pytest.mark.parametrize(
        ("lost", "code"), [("50.01", "more_than_contested"), ("0", "not_positive"), ("1.001", "too_many_decimals")]
    )
    def test_no_more_is_lost_than_is_contested(self, card, boss, lost, code) -> None:
        dispute = complete(contest(card, "50.00", boss), boss)
        with pytest.raises(BadInput) as refusal:
            settle(dispute, "lost", boss, lost=lost)
        assert (refusal.value.code, refusal.value.field) == (code, "lost_amount")

    @pytest.mark.parametrize(("outcome", "reason", "field"), [("maybe", "x", "outcome"), ("won", "  ", "reason")])
    def test_an_outcome_needs_a_word_and_a_reason(self, card, boss, outcome, reason, field) -> None:
        with pytest.raises(BadInput) as refusal:
            settle(complete(contest(card, "50.00", boss), boss), outcome, boss, reason=reason)
        assert refusal.value.field == field

    def test_37_who_asks_for_the_loss_does_not_approve_it(self, card, boss, manager) -> None:
        asked = settle(complete(contest(card, "50.00", boss), boss), "lost", manager, lost="50.00")
        with pytest.raises(approvals.OwnRequest):
            approve_loss(asked, manager)
        assert Dispute.objects.get().state == "open"

    def test_37_what_changed_since_it_was_asked_is_not_carried_out(self, ada, card, boss, manager) -> None:
        asked = settle(complete(contest(card, "50.00", boss), boss), "lost", boss, lost="50.00")
        more = invoice(ada, "15.00", number="A2")
        do(allocate_credit, credit_item=card.credit_item, strategy="manual", by_hand=[(more.pk, Decimal(15))], by=boss)
        with pytest.raises(approvals.ShownChanged):
            approve_loss(asked, manager)
        assert Dispute.objects.get().state == "open"
        assert_books_whole()

    def test_settled_otherwise_the_request_is_withdrawn(self, card, boss) -> None:
        dispute = complete(contest(card, "50.00", boss), boss)
        asked = settle(dispute, "lost", boss, lost="50.00")
        settle(dispute, "won", boss)
        reread(asked)
        assert asked.state == "withdrawn"
        with pytest.raises(Closed):
            settle(dispute, "won", boss)

    def test_a_rehearsal_shows_the_bookings_and_leaves_nothing(self, bill, card, boss) -> None:
        dispute = complete(contest(card, "50.00", boss), boss)
        shown = do(
            rehearse_settlement, dispute=dispute, outcome="lost", lost_amount=Decimal(40), reason="look", by=boss
        )
        assert [row.entry.event for row in shown.entries][-1] == "chargeback_settled"
        assert (shown.needs_approval, shown.reopens[0]["amount"]) == (True, "25.00")
        reread(dispute, bill)
        assert (dispute.state, bill.open_amount) == ("open", 0)
        assert not ApprovalRequest.objects.exists()
        assert Notice.objects.filter(kind="dispute_settled").count() == 0
        assert_books_whole()

    def test_in_a_closed_month_nothing_is_posted(self, school, card, boss) -> None:
        Period.objects.filter(organization=school, month=date(2026, 3, 1)).update(state="closed")
        dispute = contest(card, "50.00", boss)
        assert dispute.hold_entry.entry_date == date(2026, 4, 1)
        done = settle(complete(dispute, boss), "won", boss)
        assert done.outcome_entry.entry_date == date(2026, 4, 1)
        assert_books_whole()


class TestInvoiceEnds:
    @pytest.mark.parametrize("outcome", ["won", "withdrawn"])
    def test_R124_won_or_withdrawn_it_is_owed_like_any_other(self, ada, bill, boss, outcome) -> None:
        dispute = settle(complete(contest(bill, "40.00", boss), boss), outcome, boss)
        reread(bill)
        assert (dispute.state, bill.is_disputed, bill.open_amount) == (outcome, False, 105)
        pay(ada, "105.00")
        reread(bill)
        assert bill.open_amount == 0
        assert_books_whole()

    def test_R107_lost_a_credit_memo_with_its_tax_is_set_against_it(self, school, bill, boss, manager) -> None:
        dispute = complete(contest(bill, "42.00", boss), boss)
        asked = settle(dispute, "lost", boss, lost="21.00")
        assert (asked.action, asked.shown["net"], asked.shown["tax"]) == ("override_discount", "20.00", "1.00")
        done = approve_loss(asked, manager)
        reread(bill)
        assert (done.state, done.lost_amount, bill.open_amount, bill.is_disputed) == ("lost", 21, 84, False)
        assert (done.credit_memo.net_amount, done.credit_memo.tax_amount) == (20, 1)
        assert_posts(
            [done.credit_memo.entry, Allocation.objects.get().entry],
            """2026-03-12  sales_returns Dr 20.00    tax_payable Dr 1.00    customer_credits Cr 21.00
            2026-03-12  customer_credits Dr 21.00    accounts_receivable Cr 21.00""",
        )
        assert_books_whole()

    def test_a_supervisor_who_asked_is_not_the_second_person(self, school, bill, boss) -> None:
        asked = settle(complete(contest(bill, "40.00", boss), boss), "lost", boss, lost="40.00")
        with pytest.raises(approvals.OwnRequest):
            approve_loss(asked, boss)
        assert approve_loss(asked, user(school, "supervisor")).state == "lost"

    def test_an_invoice_may_be_contested_again_after_the_end(self, bill, boss) -> None:
        settle(complete(contest(bill, "40.00", boss), boss), "won", boss)
        assert contest(bill, "40.00", boss).number == "DSP-2026-00000002"

    def test_without_an_address_the_office_tells_the_customer(self, school, boss) -> None:
        ben = customer(school, "Ben")
        settle(complete(contest(invoice(ben, "40.00"), "40.00", boss), boss), "won", boss)
        told = Notice.objects.get(kind="dispute_settled")
        assert (told.channel, told.recipient) == ("office", "clerks")
        assert "by other means" in told.body


class TestAfterwards:
    def test_R107_five_business_days_later_somebody_asks_the_customer(self, school, card, boss) -> None:
        dispute = settle(complete(contest(card, "50.00", boss), boss), "won", boss)
        look_back = open_follow_ups(school).get()
        assert look_back.due_on == add_business_days(school, TODAY, 5) == date(2026, 3, 19)
        assert figures(school, date(2026, 3, 18)).follow_ups == 0
        assert figures(school, date(2026, 3, 19)).follow_ups == 1
        assert list(queue(school, "follow_ups", today=TODAY)) == [dispute]

    def test_queues_and_figures_tell_the_same(self, school, ada, card, boss, manager) -> None:
        late = contest(card, "10.00", boss, deadline_on=TODAY)
        soon = contest(card, "20.00", boss, deadline_on=TODAY + 4 * DAY)
        mine = contest(invoice(ada, "70.00"), "70.00", manager, deadline_on=TODAY + 30 * DAY)
        on = TODAY + DAY
        assert list(queue(school, "open", today=on)) == [late, soon, mine]
        assert list(queue(school, "late", today=on)) == [late]
        assert list(queue(school, "late", today=TODAY)) == []
        assert list(queue(school, "soon", today=on)) == [soon]
        assert list(queue(school, "soon", today=TODAY)) == [late]
        assert list(queue(school, "mine", today=on, user=manager)) == [mine]
        told = figures(school, on, manager)
        assert (told.open, told.late, told.soon, told.mine, told.escalated) == (3, 1, 1, 1, 0)
        assert told.sums == {"USD": Decimal("100.00")}
        do(answer_dispute, dispute=late, sent_on=TODAY, note="x", reason_without="y", by=boss)
        assert list(queue(school, "late", today=on)) == []
        settle(complete(mine, manager), "withdrawn", manager)
        assert list(queue(school, "closed", today=on)) == [mine]
        assert list(queue(organization(), "open", today=on)) == []

    def test_an_event_of_state_is_never_taken_for_a_second_click(self, card, boss, manager) -> None:
        dispute = contest(card, "50.00", boss)
        for owner in (manager, boss, manager):
            do(assign_dispute, dispute=dispute, owner=owner, by=boss)
        assert DisputeEvent.objects.filter(channel="owner").count() == 3


class TestMovedMoney:
    def test_R127_a_loss_fetches_moved_money_back(self, school, bill, card, boss, manager) -> None:
        ben = customer(school, "Ben")
        his = invoice(ben, "15.00", number="B1")
        move_to(ben, card, "15.00", boss, manager)
        reread(his)
        assert his.open_amount == 0
        dispute = contest(card, "120.00", boss)
        asked = settle(complete(dispute, boss), "lost", boss, lost="120.00")
        assert asked.shown["moved_back"] == [{"customer": str(ben), "amount": "15.00"}]
        assert asked.shown["reopens"] == [{"invoice": "A1", "kind": "credit", "amount": "105.00"}]
        approve_loss(asked, manager)
        reread(his, bill, card)
        assert (his.open_amount, bill.open_amount, card.state) == (15, 105, "refunded")
        assert_books_whole()

    def test_a_loss_that_what_is_here_covers_leaves_it_there(self, school, bill, card, boss, manager) -> None:
        his = invoice(customer(school, "Ben"), "15.00", number="B1")
        move_to(his.customer, card, "15.00", boss, manager)
        lose(contest(card, "120.00", boss), "105.00", boss, manager)
        reread(his, bill)
        assert (his.open_amount, bill.open_amount) == (0, 105)
        assert_books_whole()

    def test_while_a_chargeback_is_open_no_money_of_the_payment_is_moved(self, school, card, boss, manager) -> None:
        contest(card, "10.00", boss)
        with pytest.raises(Contested, match=r"Dispute DSP-2026-00000001 holds US\$10.00 of PAY-"):
            move_to(customer(school, "Ben"), card, "15.00", boss, manager)


def move_to(other: Customer, payment: Payment, amount: str, asker: User, manager: User) -> None:
    """Asked, approved and carried out; it pays what the other owes."""
    order = MoveOrder(other.pk, Decimal(amount), "Both agreed by letter", strategy="fifo")
    item = credit_of(payment)
    asked = do(ask_to_move, credit_item=item, order=order, reason="a sibling's lesson", by=asker)
    with transaction.atomic():
        lock_customers(item.organization, [item.customer_id, other.pk])
        approvals.decide(request=asked, approve=True, shown_hash=asked.shown_hash, by=manager, now=NOW)
        asked.refresh_from_db()
        carry_out_move(request=asked, credit_item=item, by=manager, now=NOW)
