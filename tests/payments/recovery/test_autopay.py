"""Charging what is due to those who wished it so (R52, R59): each once, whoever runs it how often."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.core import mail
from django.db import transaction

from billing.models import Agreement, DunningPause, Invoice
from billing.office.notices import send_due_notices
from billing.services.chasing.debt_plans import DebtPlanOrder, Part, agree_on_parts
from payments.models import AutopayPreference, PaymentAttempt
from payments.services.recovery.workers import Crew
from receipts.models import Receipt
from tests import builders
from tests.assertions import assert_books_whole
from tests.payments.recovery.cast import School, attempts, left, states, told

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def test_R52_what_is_due_is_charged_to_the_primary_method_and_told(place: School) -> None:
    ada = place.family()
    card = place.method(ada)
    place.method(ada)
    agreement = place.agreement(ada)
    due, later = place.bill(ada, under=agreement), place.bill(ada, "80.00", under=agreement, due=20)
    assert place.charge() == {"succeeded": 1}
    assert (left(due), left(later), place.taken()) == (D(0), D("80.00"), D("90.00"))
    attempt = attempts(due)[0]
    assert (attempt.method, attempt.channel, attempt.by_payer) == (card, "autopay", False)
    assert attempt.request_key == f"autopay:{due.pk}:1:1"
    body = told("charge_done")[0].body
    assert "90.00" in body and "1111" in body and "is active" in body
    assert "80.00, due 1 Apr 2026" in body  # R59: the next due day and amount
    assert_books_whole()


def test_R175_the_charge_and_its_receipt_are_one_mail(place: School) -> None:
    ada = place.family()
    place.method(ada)
    place.bill(ada)
    place.charge()
    receipt = Receipt.objects.get()
    assert told("receipt")[0].values["payment"] == told("charge_done")[0].values["payment"] != ""
    mail.outbox.clear()
    send_due_notices(place.now)
    mails = [one for one in mail.outbox if receipt.number in one.body or one.attachments]
    assert [[name for name, *_rest in one.attachments] for one in mails] == [[f"{receipt.number}.pdf"]]
    assert "was charged to" in str(mails[0].body)


def test_R52_twice_is_once(place: School) -> None:
    ada = place.family()
    place.method(ada)
    due = place.bill(ada)
    place.charge()
    assert place.charge() == {}
    assert (states(due), place.captures()) == (["succeeded"], 1)


class TestWhatIsNotCharged:
    @pytest.fixture
    def due(self, place: School) -> Invoice:
        self.ada = place.family()
        place.method(self.ada)
        self.agreement = place.agreement(self.ada)
        return place.bill(self.ada, under=self.agreement)

    def assert_not_charged(self, place: School, due: Invoice) -> None:
        place.charge()
        assert (states(due), place.captures(), left(due)) == ([], 0, D("90.00"))
        assert_books_whole()

    def test_of_an_agreement_that_is_not_collected_by_itself(self, place: School, due: Invoice) -> None:
        Agreement.objects.update(collects_itself=False)
        self.assert_not_charged(place, due)

    def test_R76_of_one_that_zoho_bills(self, place: School, due: Invoice) -> None:
        Agreement.objects.filter(invoices=due).update(backend="zoho")
        self.assert_not_charged(place, due)

    def test_what_is_disputed(self, place: School, due: Invoice) -> None:
        Invoice.objects.update(is_disputed=True)
        self.assert_not_charged(place, due)

    def test_while_the_family_is_paused(self, place: School, due: Invoice) -> None:
        today = place.org.today(place.now)
        DunningPause.objects.create(
            organization=place.org, customer=self.ada, from_on=today, until_on=today, reason="on holiday",
            made_at=place.now,
        )  # fmt: skip
        self.assert_not_charged(place, due)
        place.pass_time(days=1)
        assert place.charge() == {"succeeded": 1}

    def test_what_a_debt_plan_covers(self, place: School, due: Invoice) -> None:
        today = place.org.today(place.now)
        with transaction.atomic():
            agree_on_parts(
                customer=self.ada, now=place.now, by=None,
                order=DebtPlanOrder([due.pk], [Part(today + DAY, D("90.00"))], request_key="plan"),
            )  # fmt: skip
        self.assert_not_charged(place, due)

    def test_what_credit_covers(self, place: School, due: Invoice) -> None:
        builders.pay(self.ada, "90.00", strategy="none")
        self.assert_not_charged(place, due)

    def test_before_its_day_or_the_hour(self, place: School, due: Invoice) -> None:
        builders.policy(place.org, "autopay.hour", 12)  # it is eleven there
        self.assert_not_charged(place, due)
        place.pass_time(hours=1)
        assert place.charge() == {"succeeded": 1}

    def test_what_is_due_tomorrow_where_the_school_is(self, place: School, due: Invoice) -> None:
        soon = place.bill(self.ada, "10.00", due=1)
        place.charge()
        assert (states(due), states(soon)) == (["succeeded"], [])
        place.pass_time(hours=13)  # midnight in New York, long past it in Greenwich
        place.charge(as_of=place.org.today(place.now))
        assert states(soon) == ["succeeded"]


def test_an_expired_card_is_not_even_tried(place: School) -> None:
    ada = place.family()
    place.method(ada, exp_month=2, exp_year=2026)
    second = place.method(ada)
    due = place.bill(ada)
    place.charge()
    assert attempts(due)[0].method == second


def test_who_has_no_method_is_told_once(place: School) -> None:
    ada = place.family()
    place.bill(ada)
    assert place.charge() == {"no_method": 1}
    place.charge()
    assert len(told("charge_no_method")) == 1
    assert "no card or account" in told("charge_no_method")[0].body


def test_R56_the_family_chooses_method_and_day_for_an_agreement(place: School) -> None:
    ada = place.family()
    place.method(ada)
    chosen = place.method(ada)
    agreement = place.agreement(ada)
    AutopayPreference.objects.create(
        organization=place.org, agreement=agreement, method=chosen, pay_day=14, changed_at=place.now
    )
    due = place.bill(ada, under=agreement, due=10)  # the 22nd
    assert place.charge() == {}
    place.pass_time(days=2)
    place.charge()
    assert attempts(due)[0].method == chosen


def test_a_part_that_was_paid_by_hand_leaves_the_rest_to_be_charged(place: School) -> None:
    ada = place.family()
    place.method(ada)
    due = place.bill(ada)
    builders.pay(ada, "30.00", by_hand=[(due, "30.00")])
    place.charge()
    assert (left(due), place.taken()) == (D(0), D("60.00"))
    assert_books_whole()


class TestCrashes:
    def test_what_was_prepared_and_never_left_is_charged_next_time(
        self, place: School, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Killed after the attempt was written and before it was sent."""
        ada = place.family()
        place.method(ada)
        due = place.bill(ada)
        with monkeypatch.context() as patch:
            patch.setattr("payments.services.charging.send_attempt", _die)
            assert place.charge() == {"failed": 1}
        assert (states(due), place.charge()) == (["created"], {})
        place.ask()  # frees it
        assert place.charge() == {"succeeded": 1}
        assert [one.request_key for one in attempts(due)] == [f"autopay:{due.pk}:1:1", f"autopay:{due.pk}:1:2"]
        assert (states(due), place.captures()) == (["not_sent", "succeeded"], 1)
        assert_books_whole()

    def test_30_an_answer_that_was_lost_is_asked_for_and_not_charged_again(self, place: School) -> None:
        ada = place.family()
        place.method(ada)
        due = place.bill(ada)
        place.desks["precisepay"].nmi.faults.add("drop_after", path="transact", body="type=sale")
        assert place.charge() == {"unknown": 1}
        assert place.charge() == {} and place.retry().looked_at == 0
        place.ask()
        assert (states(due), place.captures(), left(due)) == (["succeeded"], 1, D(0))
        assert_books_whole()


def _die(*_args: Any, **_more: Any) -> None:
    raise RuntimeError("killed")


@pytest.mark.parametrize("workers", [1, 4])
def test_F17_two_jobs_at_once_charge_each_invoice_once(
    place: School, run_in_threads: Any, workers: int
) -> None:  # fmt: skip
    families = [place.family(f"Family {n}") for n in range(6)]
    for family in families:
        place.method(family)
    # The processor takes the same card and amount for a double: the test numbers are few, so amounts differ.
    bills = [place.bill(family, f"{90 + n}.00") for n, family in enumerate(families)]
    found = run_in_threads(lambda _n: place.charge(crew=Crew("race", workers=workers)), 2)
    assert found.errors == []
    assert [states(one) for one in bills] == [["succeeded"]] * 6
    assert (place.captures(), place.taken(), PaymentAttempt.objects.count()) == (6, D("555.00"), 6)
    assert_books_whole()
