"""Nobody is chased who may have paid, promised, disputed or owes too little (§5 row 1, §4 rows 15-18, 29)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.models import Invoice
from billing.office.models import Notice
from billing.selectors.chasing import money_around
from billing.services.chasing.pausing import lift_pause, pause_reminders
from billing.services.invoicing import mark_disputed
from billing.services.promising import record_promise
from tests.billing.chasing.cast import at, case_of, mails, owed, run, run_days, school, steps_of, taken_on
from tests.builders import NOW, TODAY, cheque, credit_of, customer, pay, user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def org(db):
    return school(dunning__before_days="")


@pytest.fixture
def ada(org):
    return customer(org, "Ada", email="ada@example.com")


class TestMoneyAround:
    def test_credit_that_covers_what_is_late_stops_the_reminder_and_asks_the_office_once(self, org, ada) -> None:
        bill = owed(ada, "120.00", late=1)
        pay(ada, "120.00", strategy="none")
        run(org)
        run(org, TODAY + DAY)
        assert (steps_of(bill), mails(org), case_of(bill).held_because) == ([], [], "credit_covers")
        assert case_of(bill).next_on == TODAY + 2 * DAY
        assert Notice.objects.filter(kind="credit_waits").count() == 1

    def test_credit_one_cent_short_stops_nothing(self, org, ada) -> None:
        bill = owed(ada, "120.00", late=1)
        pay(ada, "119.99", strategy="none")
        run(org)
        assert steps_of(bill) == ["level_1"]

    @pytest.mark.parametrize(("amount", "held"), [("120.00", True), ("119.99", False)])
    def test_a_cheque_in_the_vault_that_covers_it_stops_the_reminder(self, org, ada, amount, held) -> None:
        from tests.payments.vault_cast import in_vault

        bill = owed(ada, "120.00", late=1)
        in_vault(ada, amount)
        run(org)
        assert (case_of(bill).held_because == "cheque_covers") is held
        assert steps_of(bill) == ([] if held else ["level_1"])

    def test_credit_and_a_cheque_cover_it_together(self, org, ada) -> None:
        from tests.payments.vault_cast import in_vault

        bill = owed(ada, "120.00", late=1)
        pay(ada, "60.00", strategy="none")
        in_vault(ada, "60.00")
        run(org)
        assert case_of(bill).held_because == "cheque_covers"

    def test_whom_else_the_run_looks_at_changes_nothing_of_what_a_cheque_covers(self) -> None:
        """Ada's cheque covers what is due tomorrow; that Ben is reminded of a later day is not her affair."""
        from tests.payments.vault_cast import in_vault

        org = school(dunning__before_days="7 1")
        ada = customer(org)
        bill, later = owed(ada, "80.00", late=-1), owed(ada, "100.00", late=-5)
        in_vault(ada, "80.00")
        bens = owed(customer(org), late=-7)
        run(org)
        assert (steps_of(bill), case_of(bill).held_because) == ([], "cheque_covers")
        assert (steps_of(later), steps_of(bens)) == (["before_7"], ["before_7"])

    def test_a_payment_that_waits_for_a_second_person_stops_it(self, org, ada) -> None:
        bill = owed(ada, "120.00", late=1)
        from tests import builders

        builders.policy(org, "payments.verify_above", "100")
        taken = pay(ada, "120.00", by=user(org, "clerk"))
        assert taken.payment.pending_for
        run(org)
        assert (steps_of(bill), case_of(bill).held_because) == ([], "payment_pending")

    @pytest.mark.parametrize(("reach", "held"), [(None, True), (TODAY - 2 * DAY, True), (TODAY - DAY, False)])
    def test_the_banks_files_must_reach_far_enough(self, ada, monkeypatch, reach, held) -> None:
        org = school(dunning__bank_days=1)
        bill = owed(customer(org), late=1)
        if reach:
            monkeypatch.setattr(money_around, "BANK_REACH", [lambda organization: reach])
        run(org)
        assert (case_of(bill).held_because == "bank_not_loaded") is held

    def test_before_the_due_day_the_bank_is_not_asked(self) -> None:
        org = school(dunning__bank_days=1)
        bill = owed(customer(org), late=-1)
        run(org)
        assert steps_of(bill)[-1:] == ["before_1"]

    def test_nothing_is_lost_the_reminder_goes_out_once_the_money_was_for_something_else(self, org, ada) -> None:
        bill = owed(ada, "120.00", late=1)
        taken = pay(ada, "120.00", strategy="none")
        run(org)
        other = owed(ada, "120.00", late=-90)
        from billing.services.allocating import allocate_credit

        with transaction.atomic():
            allocate_credit(
                credit_item=credit_of(taken.payment), strategy="manual", by_hand=[(other.pk, Decimal(120))], now=NOW,
                by=None,
            )  # fmt: skip
        run(org, TODAY + DAY)
        assert taken_on(bill) == {"level_1": 2}


class TestSmallAndFresh:
    @pytest.mark.parametrize(("amount", "told"), [("4.99", False), ("5.00", True)])
    def test_row_17_nobody_is_reminded_of_less_than_the_minimum(self, amount, told) -> None:
        org = school(dunning__minimum="5")
        bill = owed(customer(org), amount, late=1)
        run(org)
        assert bool(steps_of(bill)) is told
        assert (case_of(bill).held_because == "below_minimum") is not told

    def test_row_29_small_ones_count_together_net_of_credit(self) -> None:
        org = school(dunning__minimum="5")
        ada = customer(org)
        bills = [owed(ada, "3.00", late=1), owed(ada, "3.00", late=1)]
        pay(ada, "1.01", strategy="none")
        run(org)
        assert [steps_of(bill) for bill in bills] == [[], []]

    @pytest.mark.parametrize(("hours", "told"), [(23, False), (24, True)])
    def test_row_20_no_reminder_within_24_hours_of_issue(self, hours, told) -> None:
        """Issued at NOW, which is noon in New York (11:00 with daylight time), due the day before."""
        org = school(dunning__fresh_hours=24, dunning__before_days="")
        bill = owed(customer(org), late=1)
        from billing.services.chasing.running import chase

        chase(now=NOW + timedelta(hours=hours), organization=org)
        assert bool(steps_of(bill)) is told

    def test_a_fresh_invoice_is_not_spared_its_late_fee(self) -> None:
        org = school(dunning__fresh_hours=24, late_fee__kind="flat", late_fee__amount="15")
        bill = owed(customer(org), late=40)
        run(org, TODAY)
        assert steps_of(bill) == ["late_fee_1"]


class TestPeople:
    def test_row_16_a_promise_rests_the_chasing_until_its_day(self, org, ada) -> None:
        bill = owed(ada, late=1)
        with transaction.atomic():
            record_promise(
                customer=ada, amount=Decimal(120), promised_on=TODAY + 5 * DAY, note="", now=NOW, by=user(org)
            )
        run(org)
        assert (steps_of(bill), case_of(bill).held_because, case_of(bill).next_on) == ([], "promise", TODAY + 6 * DAY)
        run_days(org, TODAY + DAY, TODAY + 6 * DAY)
        assert taken_on(bill) == {"level_1": 7}

    def test_row_16_but_not_for_longer_than_the_policy_allows(self) -> None:
        org = school(dunning__promise_days=3)
        ada = customer(org)
        bill = owed(ada, late=1)
        with transaction.atomic():
            record_promise(
                customer=ada, amount=Decimal(120), promised_on=TODAY + 50 * DAY, note="", now=NOW, by=user(org)
            )
        run_days(org, TODAY, TODAY + 4 * DAY)
        assert taken_on(bill) == {"level_1": 5}

    def test_a_disputed_invoice_rests_and_the_others_do_not(self, org, ada) -> None:
        contested, other = owed(ada, late=1), owed(ada, late=1)
        with transaction.atomic():
            mark_disputed(invoice=contested, is_disputed=True)
        run(org)
        assert (steps_of(contested), steps_of(other)) == ([], ["level_1"])
        assert case_of(contested).next_step == "level_1"
        with transaction.atomic():
            mark_disputed(invoice=Invoice.objects.get(pk=contested.pk), is_disputed=False)
        run(org, TODAY + DAY)
        assert taken_on(contested) == {"level_1": 2}

    def test_row_15_a_pause_of_a_customer_until_a_day(self, org, ada) -> None:
        bill = owed(ada, late=1)
        with transaction.atomic():
            pause_reminders(customer=ada, invoice=None, until=TODAY + 2 * DAY, reason="moving", now=NOW, by=None)
        assert (case_of(bill).held_because, case_of(bill).next_on) == ("paused", TODAY + 3 * DAY)
        run_days(org, TODAY, TODAY + 3 * DAY)
        assert taken_on(bill) == {"level_1": 4}

    def test_row_15_a_pause_of_one_invoice_until_it_is_lifted(self, org, ada) -> None:
        resting, other = owed(ada, late=1), owed(ada, late=1)
        with transaction.atomic():
            pause = pause_reminders(customer=ada, invoice=resting, until=None, reason="wrong address", now=NOW, by=None)
        run_days(org, TODAY, TODAY + 12 * DAY)
        assert (steps_of(resting), steps_of(other)) == ([], ["level_1", "level_2"])
        assert (case_of(resting).next_step, case_of(resting).held_because) == ("", "paused")
        with transaction.atomic():
            lift_pause(pause=pause, now=at(TODAY + 13 * DAY), by=None)
        run(org, TODAY + 13 * DAY)
        assert taken_on(resting) == {"level_2": 14}


def test_a_cheque_at_the_counter_counts_as_paid_until_it_comes_back(org, ada) -> None:
    """§2 row 31: reminders stop with the provisional payment."""
    bill = owed(ada, "120.00", late=1)
    pay(ada, "120.00", method="cheque", cheque=cheque())
    run(org)
    assert (steps_of(bill), mails(org)) == ([], [])
