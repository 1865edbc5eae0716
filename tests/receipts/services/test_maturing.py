"""Post-dated cheques become payments on their day, each once (R113, R114; fault F42)."""

import random
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from billing.ledger.models import Role
from billing.ledger.periods import close_period
from billing.models import Customer
from billing.office.models import Notice, Organization
from billing.office.models.audit import AuditEntry
from billing.selectors.proof import prove
from payments.models import Cheque, ChequePresentation, Payment
from payments.services.vault import cancel_cheque
from receipts.management.commands import mature_cheques as mature_cheques_command
from receipts.models import Receipt
from receipts.services import maturing
from receipts.services.maturing import MaturityReport, NotYet, mature_cheques
from receipts.tasks import mature_due_cheques
from tests import builders
from tests.assertions import assert_books_whole, assert_posts, balance
from tests.builders import NOW
from tests.conftest import RunInThreads
from tests.deeds import accept
from tests.killing import run_and_kill
from tests.payments.vault_cast import in_vault, take, vault_order

MONDAY = date(2026, 3, 16)
ON_MONDAY = NOW.replace(day=16)


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization()


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada Lovelace", email="ada@example.com")


def mature(now: datetime = ON_MONDAY, **more: Any) -> MaturityReport:
    return mature_cheques(as_of=more.pop("as_of", None), now=now, **more)


def counts(report: MaturityReport) -> tuple[int, int, int]:
    return (report.matured, report.waiting, report.troubled)


class TestItsDay:
    def test_R114_the_payment_record_comes_only_when_the_day_arrives(self, school, ada) -> None:
        due = builders.invoice(ada, 100)
        cheque = in_vault(ada, 100, cheque_date=MONDAY, reference="March")
        assert counts(mature(NOW.replace(day=13))) == (0, 0, 0)
        assert not Payment.objects.exists()
        assert counts(mature()) == (1, 0, 0)
        payment = Payment.objects.get()
        assert (payment.received_on, payment.amount, payment.method) == (MONDAY, 100, "cheque")
        assert (payment.reference, payment.channel, payment.request_key) == ("March", "vault", f"cheque:{cheque.pk}:1")
        cheque.refresh_from_db()
        due.refresh_from_db()
        assert (cheque.state, cheque.payment_id, due.open_amount) == ("due", payment.pk, 0)
        assert ChequePresentation.objects.get(cheque=cheque).ordinal == 1
        assert Receipt.objects.get().payment_id == payment.pk
        assert_posts([payment.entry], "2026-03-16  cheques_in_hand Dr 100.00  unapplied_cash Cr 100.00")
        assert balance(school, Role.CHEQUES_IN_HAND) == 100
        assert_books_whole()

    def test_R114_a_second_run_does_nothing(self, ada) -> None:
        in_vault(ada, cheque_date=MONDAY)
        assert counts(mature()) == (1, 0, 0)
        assert mature().organizations == []
        assert Payment.objects.count() == 1

    def test_42_a_cheque_of_sunday_is_booked_on_monday_and_on_no_day_off(self, ada) -> None:
        in_vault(ada, cheque_date=date(2026, 3, 15))
        sunday = mature(NOW.replace(day=15))
        assert sunday.organizations == []
        assert counts(mature()) == (1, 0, 0)
        assert Payment.objects.get().received_on == MONDAY

    def test_nothing_happens_on_a_day_off_even_for_what_was_left_over(self, school, ada) -> None:
        in_vault(ada, cheque_date=date(2026, 3, 13))
        found = mature(NOW.replace(day=15)).organizations
        assert [(part.organization, part.is_closed, part.matured) for part in found] == [(school, True, 0)]
        assert counts(mature()) == (1, 0, 0)
        assert Payment.objects.get().received_on == date(2026, 3, 13)

    def test_42_the_29th_of_february(self, school, ada) -> None:
        in_vault(ada, cheque_date=date(2028, 2, 29), received_on=date(2028, 2, 1), now=NOW.replace(2028, 2, 1))
        assert counts(mature(NOW.replace(2028, 2, 28))) == (0, 0, 0)
        assert counts(mature(NOW.replace(2028, 2, 29))) == (1, 0, 0)
        assert Payment.objects.get().received_on == date(2028, 2, 29)

    def test_the_day_begins_where_the_organization_is(self, db) -> None:
        school = builders.organization(currency="TWD", zone="Asia/Taipei")
        mei = builders.customer(school, "Mei")
        in_vault(mei, cheque_date=date(2026, 3, 17))
        assert counts(mature(ON_MONDAY.replace(hour=15, minute=59))) == (0, 0, 0)
        assert counts(mature(ON_MONDAY.replace(hour=16, minute=0))) == (1, 0, 0)

    def test_R114_a_month_that_closed_meanwhile_dates_the_entry_in_the_open_one(self, school, ada) -> None:
        builders.invoice(ada, 100, issued_on=date(2026, 3, 1))
        in_vault(ada, cheque_date=date(2026, 3, 31))
        finance = builders.user(school, "finance_manager")
        with transaction.atomic():
            close_period(organization_id=school.pk, month=date(2026, 3, 1), now=NOW, by_id=finance.pk)
        assert counts(mature(NOW.replace(month=4, day=2))) == (1, 0, 0)
        payment = Payment.objects.get()
        assert payment.entry is not None
        assert (payment.received_on, payment.entry.entry_date) == (date(2026, 3, 31), date(2026, 4, 1))
        assert_books_whole()


class TestAsOf:
    def test_a_day_gone_by_books_only_what_was_due_then(self, ada) -> None:
        in_vault(ada, 10, cheque_date=date(2026, 3, 13))
        in_vault(ada, 20, cheque_date=MONDAY)
        assert counts(mature(as_of=date(2026, 3, 13))) == (1, 0, 0)
        assert Payment.objects.get().amount == 10

    def test_a_day_to_come_is_refused_and_nothing_is_done(self, school, ada) -> None:
        in_vault(ada, cheque_date=MONDAY)
        with pytest.raises(NotYet, match="today is 2026-03-16 there"):
            mature(as_of=date(2026, 3, 17))
        assert not Payment.objects.exists()

    def test_only_the_organization_asked_for(self, school, ada) -> None:
        other = builders.customer(builders.organization(), "Eve")
        in_vault(ada, cheque_date=MONDAY)
        in_vault(other, cheque_date=MONDAY)
        assert counts(mature(organization=school)) == (1, 0, 0)
        assert counts(mature()) == (1, 0, 0)


class TestWhatItPays:
    def test_the_invoices_it_is_meant_for_come_first(self, ada) -> None:
        old, new = builders.invoice(ada, 100), builders.invoice(ada, 100, issued_on=date(2026, 3, 1))
        in_vault(ada, 100, cheque_date=MONDAY, for_invoices=(new.number,))
        mature()
        old.refresh_from_db()
        new.refresh_from_db()
        assert (old.open_amount, new.open_amount) == (100, 0)

    def test_two_of_one_customer_on_one_day_pay_one_after_the_other(self, ada) -> None:
        due = builders.invoice(ada, 150)
        for _n in range(2):
            in_vault(ada, 100, cheque_date=MONDAY)
        assert counts(mature()) == (2, 0, 0)
        due.refresh_from_db()
        assert due.open_amount == 0
        assert_books_whole()

    def test_its_own_small_remainder_is_written_off_when_no_other_cheque_is_left(self, school, ada) -> None:
        builders.policy(school, "write_off.below", "1.00")
        due = builders.invoice(ada, "100.50")
        in_vault(ada, 100, cheque_date=MONDAY)
        mature()
        due.refresh_from_db()
        assert (due.open_amount, str(due.written_off_amount)) == (0, "0.50")

    @pytest.mark.parametrize(
        ("policy", "email", "delivery"),
        [("email", "ada@example.com", "email"), ("email", "", "print"), ("both", "", "print"),
         ("print", "ada@example.com", "print"), ("none", "ada@example.com", "none")],
    )  # fmt: skip
    def test_the_receipt_goes_out_as_the_organization_does_it(self, school, policy, email, delivery) -> None:
        builders.policy(school, "receipts.delivery", policy)
        in_vault(builders.customer(school, "Ben", email=email), cheque_date=MONDAY)
        mature()
        assert Receipt.objects.get().delivery == delivery
        assert Notice.objects.filter(kind="receipt").count() == (delivery == "email")

    def test_R13_a_large_one_waits_for_a_second_person(self, school, ada) -> None:
        builders.policy(school, "payments.verify_above", "1000")
        in_vault(ada, "1000.00", cheque_date=MONDAY)
        large = in_vault(ada, "1000.01", cheque_date=MONDAY)
        assert counts(mature()) == (1, 1, 0)
        large.refresh_from_db()
        assert large.payment is not None
        assert (large.state, large.payment.state) == ("due", "pending")
        supervisor = builders.user(school, "supervisor")
        from receipts.services.counter import ask_for_approvals

        with transaction.atomic():
            ask_for_approvals(large.payment, now=ON_MONDAY, by=builders.user(school, "clerk"))
        assert accept(large.payment, supervisor, now=ON_MONDAY) is not None
        assert_books_whole()


class TestTrouble:
    def test_one_that_is_refused_stays_and_says_why_and_the_others_land(self, school, ada) -> None:
        ben = builders.customer(school, "Ben")
        bad, good = in_vault(ben, cheque_date=MONDAY), in_vault(ada, cheque_date=MONDAY)
        Customer.objects.filter(pk=ben.pk).update(is_active=False)
        report = mature()
        assert counts(report) == (1, 0, 1)
        bad.refresh_from_db()
        good.refresh_from_db()
        assert (bad.state, bad.trouble, good.state) == ("in_vault", "This customer is closed.", "due")
        assert [t.sentence for t in report.organizations[0].troubles] == ["This customer is closed."]

    def test_the_next_run_tries_again(self, ada) -> None:
        cheque = in_vault(ada, cheque_date=MONDAY)
        Customer.objects.filter(pk=ada.pk).update(is_active=False)
        mature()
        Customer.objects.filter(pk=ada.pk).update(is_active=True)
        assert counts(mature()) == (1, 0, 0)
        cheque.refresh_from_db()
        assert cheque.trouble == ""

    def test_an_unchanged_trouble_is_not_written_again(self, ada) -> None:
        in_vault(ada, cheque_date=MONDAY)
        Customer.objects.filter(pk=ada.pk).update(is_active=False)
        mature()
        before = AuditEntry.objects.count()
        mature()
        assert AuditEntry.objects.count() == before

    def test_a_method_no_longer_taken_is_trouble(self, school, ada) -> None:
        in_vault(ada, cheque_date=MONDAY)
        builders.policy(school, "payments.methods", ["cash"])
        assert mature().organizations[0].troubles[0].sentence == "cheque is not taken here."

    def test_what_the_database_refuses_stops_only_its_own_cheque(self, school, ada) -> None:
        cheques = [in_vault(builders.customer(school, f"C{n}"), cheque_date=MONDAY) for n in range(5)]
        # The key that the third cheque's payment will want is taken.
        builders.pay(ada, 1, request_key=f"cheque:{cheques[2].pk}:1")
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
            cursor.execute("ALTER TABLE payments_cheque ADD CONSTRAINT odd CHECK (id <> %s OR state = 'in_vault')",
                           [cheques[3].pk])  # fmt: skip
        assert counts(mature()) == (3, 0, 2)
        states = [Cheque.objects.get(pk=cheque.pk).state for cheque in cheques]
        assert states == ["due", "due", "in_vault", "in_vault", "due"]
        assert all(Cheque.objects.get(pk=cheques[n].pk).trouble for n in (2, 3))

    def test_one_organization_in_trouble_does_not_stop_the_next(self, school, ada) -> None:
        closed = builders.organization()
        eve = builders.customer(closed, "Eve")
        in_vault(eve, cheque_date=MONDAY)
        in_vault(ada, cheque_date=MONDAY)
        days = " ".join(str(MONDAY - timedelta(days=1) + timedelta(days=n)) for n in range(400))
        builders.policy(closed, "calendar.closed_days", days)
        assert mature().matured == 1

    def test_one_cancelled_meanwhile_is_left_alone(self, ada) -> None:
        cheque = in_vault(ada, cheque_date=MONDAY)
        with transaction.atomic():
            cancel_cheque(cheque=cheque, reason="handed back", now=NOW, by=None)
        assert mature().organizations == []


class TestTheJob:
    def test_it_is_nearly_free_while_nothing_is_due(self, school, ada) -> None:
        in_vault(ada, cheque_date=date(2026, 4, 15))
        with CaptureQueriesContext(connection) as found:
            mature_due_cheques(ON_MONDAY)
        assert len([query for query in found if "set_config" not in query["sql"]]) == 1

    def test_its_question_reads_a_small_index(self, school, ada) -> None:
        in_vault(ada, cheque_date=date(2026, 4, 15))
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(
                "INSERT INTO payments_cheque SELECT (jsonb_populate_record(c, jsonb_build_object('id', n, 'state',"
                " 'cancelled', 'number', n, 'request_key', n, 'ended_on', c.cheque_date, 'end_reason', 'x'))).*"
                " FROM payments_cheque c, generate_series(1000, 5000) n"
            )
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("REINDEX TABLE payments_cheque")  # rows of other tests, rolled back, leave room behind
            cursor.execute("ANALYZE payments_cheque")
            cursor.execute(
                "EXPLAIN SELECT DISTINCT organization_id FROM payments_cheque"
                " WHERE state = 'in_vault' AND matures_on <= '2026-03-16'"
            )
            assert "cheque_maturing" in str(cursor.fetchall())

    def test_it_books_what_is_due_and_is_written_down_as_the_job(self, ada) -> None:
        in_vault(ada, cheque_date=MONDAY)
        assert counts(mature_due_cheques(ON_MONDAY.replace(minute=7))) == (1, 0, 0)
        origins = AuditEntry.objects.filter(table_name="payments_payment").values_list("origin", flat=True)
        assert set(origins) == {"job mature_cheques"}

    def test_what_was_in_trouble_is_tried_again_every_hour(self, ada) -> None:
        in_vault(ada, cheque_date=MONDAY)
        Customer.objects.filter(pk=ada.pk).update(is_active=False)
        assert counts(mature_due_cheques(ON_MONDAY.replace(minute=7))) == (0, 0, 1)
        Customer.objects.filter(pk=ada.pk).update(is_active=True)
        assert counts(mature_due_cheques(ON_MONDAY.replace(minute=8))) == (0, 0, 0)
        assert counts(mature_due_cheques(ON_MONDAY.replace(hour=16, minute=0))) == (1, 0, 0)

    def test_the_dispatcher_calls_it(self) -> None:
        from config import tasks

        assert dict(tasks.JOBS)["mature_cheques"] is mature_due_cheques


class TestAtOnce:
    def test_R114_two_runs_at_once_book_each_cheque_once(self, run_in_threads: RunInThreads) -> None:
        school = builders.organization()
        people = [builders.customer(school, f"C{n}") for n in range(6)]
        for person in people:
            builders.invoice(person, 150)
            for _n in range(3):
                in_vault(person, 100, cheque_date=MONDAY)
        done = run_in_threads(lambda _n: mature(), 2)
        assert done.errors == []
        assert sum(report.matured for report in done.results) == 18
        assert Payment.objects.count() == Receipt.objects.count() == 18
        assert not Cheque.objects.exclude(state="due").exists()
        assert_books_whole()

    def test_a_run_against_handing_back_gives_one_or_the_other(self, run_in_threads: RunInThreads) -> None:
        ada = builders.customer(builders.organization())
        cheque = in_vault(ada, cheque_date=MONDAY)

        def either(n: int) -> Any:
            if n:
                return mature()
            with transaction.atomic():
                return cancel_cheque(cheque=cheque, reason="handed back", now=NOW, by=None)

        done = run_in_threads(either, 2)
        cheque.refresh_from_db()
        assert (cheque.state, Payment.objects.count()) in {("cancelled", 0), ("due", 1)}
        assert {getattr(error, "code", error) for error in done.errors} <= {"cheque_not_endable"}
        assert_books_whole()


class TestKilled:
    def test_R114_killed_at_any_point_and_run_again_each_matures_once(self, transactional_db: None) -> None:
        school = builders.organization()
        people = [builders.customer(school, f"C{n}") for n in range(60)]
        for person in people:
            builders.invoice(person, 150)
            take(*(vault_order(person, 50, cheque_date=MONDAY) for _n in range(5)), payer=person)
        dice = random.Random()
        for run in range(2):
            run_and_kill(
                mature_cheques_command, maturing, now=ON_MONDAY, done=Cheque.objects.filter(state="due").count,
                after=dice.randrange(100) + 100 * run, wait=dice.uniform(0, 0.1),
            )  # fmt: skip
        left = Cheque.objects.filter(state="in_vault").count()
        assert left < 300
        assert prove().holds
        assert counts(mature()) == (left, 0, 0)
        assert Payment.objects.count() == Receipt.objects.count() == ChequePresentation.objects.count() == 300
        assert len(set(Cheque.objects.filter(state="due").values_list("payment_id", flat=True))) == 300
        assert_books_whole()
