"""The daily run, through its command and its job: each step once, on its day (R72-R75, R174)."""

from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from billing.models import DunningCase, DunningStep, Household, Invoice, LateFee, PayLink
from billing.models.agreement import AgreementState
from billing.models.dunning import CaseState
from billing.office.models import Notice, PolicySetting
from billing.services import allocating
from billing.services.chasing.looking import look_again
from billing.services.pay_links import address_of, find_link
from billing.tasks import CHASE_AT, chase_overdue
from tests import agreements, builders, commands
from tests.assertions import assert_books_whole, reread
from tests.billing.chasing.cast import at, bodies, case_of, mails, owed, run, run_days, school, steps_of, taken_on
from tests.builders import TODAY, customer

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


class TestReminders:
    def test_R174_they_go_out_7_3_and_1_days_before_and_by_levels_after(self) -> None:
        org = school()
        bill = owed(customer(org, email="ada@example.com"), late=-10)
        run_days(org, TODAY, bill.due_on + 25 * DAY)
        assert taken_on(bill) == {
            "before_7": -7, "before_3": -3, "before_1": -1, "level_1": 1, "level_2": 10, "level_3": 20,
        }  # fmt: skip
        assert case_of(bill).level == 3
        assert_books_whole()

    def test_R72_nothing_goes_out_on_the_due_day_and_the_first_on_the_day_after(self) -> None:
        org = school(dunning__before_days="")
        bill = owed(customer(org, email="ada@example.com"), late=0)
        run(org)
        assert (steps_of(bill), case_of(bill).state, case_of(bill).next_on) == ([], CaseState.UPCOMING, TODAY + DAY)
        run(org, TODAY + DAY)
        assert (steps_of(bill), case_of(bill).state) == (["level_1"], CaseState.CHASING)

    def test_row_21_one_message_tells_a_family_of_all_its_invoices(self) -> None:
        org = school(dunning__before_days="")
        ada = customer(org, "Ada", email="ada@example.com", virtual_account="9910001")
        bills = [owed(ada, "120.00", late=1), owed(ada, "80.50", late=1)]
        run(org)
        (mail,) = mails(org)
        assert (mail.kind, mail.fact, mail.recipient) == (
            "reminder_1", f"case:{case_of(bills[0]).pk}:1:level_1", "ada@example.com"
        )  # fmt: skip
        for words in (bills[0].number, "US$120.00", bills[1].number, "US$80.50", "Together: US$200.50", "1 day late",
                      "9910001", "office@allegro.example"):  # fmt: skip
            assert words in mail.body
        assert DunningStep.objects.filter(notice=mail).count() == 2

    def test_row_21_what_the_same_day_tells_later_is_a_message_of_its_own(self) -> None:
        org = school(dunning__before_days="")
        ada = customer(org, email="ada@example.com")
        first = owed(ada, late=1)
        run(org)
        second = owed(ada, "80.50", late=1)
        run(org)
        told = [DunningStep.objects.get(case__invoice=bill, step="level_1").notice for bill in (first, second)]
        assert mails(org) == told
        assert [bill.number in mail.body for mail in mails(org) for bill in (first, second)] == [
            True, False, False, True,
        ]  # fmt: skip

    def test_row_21_each_level_has_its_own_message(self) -> None:
        org = school()
        ada = customer(org, email="ada@example.com")
        owed(ada, late=1), owed(ada, late=10)
        run(org)
        assert sorted(mail.kind for mail in mails(org)) == ["reminder_1", "reminder_2"]

    def test_members_of_a_household_stay_apart_unless_they_read_the_same_mail(self) -> None:
        org = school()
        home = Household.objects.create(organization=org, name="Lovelace")
        for name, email in (("Ada", "us@example.com"), ("Ben", "US@example.com"), ("Cleo", "cleo@example.com")):
            owed(customer(org, name, email=email, household=home), late=1)
        run(org)
        assert sorted(mail.recipient for mail in mails(org)) == ["cleo@example.com", "us@example.com"]

    def test_a_message_speaks_the_customers_language_and_without_an_address_the_office_calls(self) -> None:
        org = school()
        owed(customer(org, "Ada", language="zh-hant", email="ada@example.com"), late=1)
        owed(customer(org, "Ben"), late=1)
        run(org)
        first, second = mails(org)
        assert (first.language, second.channel, second.recipient) == ("zh-hant", "office", "counter")
        assert second.subject.startswith("Tell Ben")

    def test_it_says_what_follows_and_when(self) -> None:
        org = school(late_fee__kind="flat", late_fee__amount="15", dunning__grace_days=10)
        owed(customer(org, email="ada@example.com"), late=1)
        run(org)
        assert "If it is not paid before 22 Mar 2026, a late fee is added." in bodies(mails(org))

    def test_R174_it_carries_the_link_by_which_it_is_paid(self, settings: Any) -> None:
        """One for each member of a household that reads the same message; none where links are off."""
        settings.PUBLIC_URL = "https://pay.example.org"
        org = school()
        home = Household.objects.create(organization=org, name="Lovelace")
        payers = [customer(org, name, email="us@example.com", household=home) for name in ("Ada", "Ben")]
        zoe = customer(org, "Zoe", email="zoe@example.com")
        builders.policy(org, "pay_links.days", 0, scope="customer", scope_key=zoe.pk)
        for payer in (*payers, zoe):
            owed(payer, late=1)
        run(org)
        told = {mail.recipient: mail.body for mail in mails(org)}
        for payer in payers:
            (link,) = PayLink.objects.filter(customer=payer)
            line = f"{payer.shown_name}: Pay here, without signing in: {address_of(link)}"
            assert line in told["us@example.com"] and find_link(address_of(link).split("/")[-2]) == link
        assert "without signing in" not in told["zoe@example.com"]

    def test_R76_what_zoho_chases_is_not_chased_here(self) -> None:
        org = school()
        ada = customer(org, email="ada@example.com")
        bill = owed(ada, late=30, agreement_id=agreements.agreement(ada, backend="zoho").pk)
        run(org)
        assert (mails(org), case_of(bill).held_because, case_of(bill).next_step) == ([], "zoho", "")


class TestTwice:
    def test_row_14_run_again_it_takes_each_step_once(self) -> None:
        org = school(late_fee__kind="flat", late_fee__amount="15")
        bill = owed(customer(org, email="ada@example.com"), late=12)
        run(org)
        before = (Notice.objects.count(), DunningStep.objects.count(), Invoice.objects.count())
        for _again in range(3):
            run(org)
        # The fee's own timeline is opened by the second run; nothing else comes.
        assert (Notice.objects.count(), DunningStep.objects.count(), Invoice.objects.count()) == before
        assert LateFee.objects.filter(invoice=bill).count() == 1
        assert_books_whole()

    def test_a_timeline_opened_while_its_payment_was_taken_is_settled_by_the_next_run(self, monkeypatch) -> None:
        """The payment found no timeline to settle, the run found the invoice still open."""
        org = school()
        bill = owed(customer(org), late=1)
        with monkeypatch.context() as nobody_told:
            nobody_told.setattr(allocating, "AFTER_MONEY", [])
            builders.pay(bill.customer, "120.00")
        DunningCase.objects.create(
            organization=org, customer=bill.customer, invoice=bill, next_step="look", next_on=TODAY, opened_on=TODAY
        )
        run(org)
        assert (case_of(bill).state, case_of(bill).next_on, steps_of(bill)) == (CaseState.SETTLED, None, [])

    def test_what_was_missed_does_not_come_in_a_burst(self) -> None:
        org = school()
        bill = owed(customer(org, email="ada@example.com"), late=21)
        run(org)
        assert (steps_of(bill), steps_of(bill, "skipped")) == (
            ["level_3"], ["before_7", "before_3", "before_1", "level_1", "level_2"]
        )  # fmt: skip
        assert [mail.kind for mail in mails(org)] == ["reminder_3"]


class TestLateFees:
    def test_R74_flat_after_the_last_day_of_grace(self) -> None:
        org = school(late_fee__kind="flat", late_fee__amount="15", dunning__grace_days=10)
        bill = owed(customer(org), late=10)
        run(org)
        assert not LateFee.objects.exists()
        run(org, TODAY + DAY)
        fee = LateFee.objects.get(invoice=bill)
        assert fee.fee_invoice is not None
        assert (fee.amount, fee.period, fee.fee_invoice.invoiced_amount, fee.fee_invoice.kind) == (
            Decimal("15.00"), 1, Decimal("15.00"), "fee"
        )  # fmt: skip
        line = fee.fee_invoice.lines.get()
        assert line.description == f"Late fee on {bill.number}"
        assert line.explanation == (
            "It was due on 2 Mar 2026; the 10 days of grace ended on 12 Mar 2026. The late fee is US$15.00."
        )
        assert_books_whole()

    def test_R74_the_sum_of_the_months_is_the_rules_total(self) -> None:
        """2,000 × 1 % × 1, 2, 3 months = 20, 40, 60; at most 50: 20 + 20 + 10, then nothing more."""
        org = school(late_fee__kind="percent_a_month", late_fee__percent="1", late_fee__maximum="50")
        bill = owed(customer(org), "2000", late=1)
        run_days(org, TODAY, TODAY + 120 * DAY)
        fees = LateFee.objects.filter(invoice=bill).values_list("period", "amount")
        assert list(fees) == [(1, Decimal(20)), (2, Decimal(20)), (3, Decimal(10))]
        assert_books_whole()

    def test_R74_never_for_being_late_with_a_fee(self) -> None:
        org = school(late_fee__kind="flat", late_fee__amount="15")
        owed(customer(org), late=1)
        run_days(org, TODAY, TODAY + 40 * DAY)
        assert LateFee.objects.count() == 1

    def test_never_while_disputed(self) -> None:
        org = school(late_fee__kind="flat", late_fee__amount="15")
        bill = owed(customer(org), late=40, is_disputed=True)
        run(org)
        assert (LateFee.objects.count(), case_of(bill).held_because) == (0, "disputed")


class TestSuspension:
    def test_R75_service_stops_on_its_day_and_only_that_of_the_unpaid_agreement(self) -> None:
        org = school(dunning__suspend_days=30)
        ada = customer(org, email="ada@example.com")
        unpaid, other = agreements.agreement(ada), agreements.agreement(ada)
        bill = owed(ada, late=20, agreement_id=unpaid.pk)
        run_days(org, TODAY, TODAY + 9 * DAY)
        reread(unpaid)
        assert unpaid.state == AgreementState.ACTIVE
        run(org, TODAY + 10 * DAY)
        reread(unpaid, other)
        assert (unpaid.state, other.state) == (AgreementState.SUSPENDED, AgreementState.ACTIVE)
        assert taken_on(bill) == {"level_3": 20, "final": 27, "suspend": 30}
        assert [mail.kind for mail in mails(org, "agreement_suspend")] == ["agreement_suspend"]

    def test_R72_the_final_notice_names_the_day_and_the_ways_out(self) -> None:
        org = school(dunning__suspend_days=30)
        ada = customer(org, email="ada@example.com")
        owed(ada, late=27, agreement_id=agreements.agreement(ada).pk)
        run(org)
        (mail,) = mails(org)
        assert mail.kind == "reminder_final"
        assert "If it is not paid before 15 Mar 2026, the service stops until it is." in mail.body
        assert "we can agree on parts" in mail.body

    def test_R73_a_policy_is_in_grace_on_day_30_and_lapses_on_day_31(self) -> None:
        org = school(dunning__grace_days=30, dunning__lapse=True)
        ada = customer(org)
        policy = agreements.agreement(ada, agreements.plan(org, kind="policy"))
        owed(ada, late=30, agreement_id=policy.pk)
        run(org)
        reread(policy)
        assert policy.state == AgreementState.ACTIVE
        run(org, TODAY + DAY)
        reread(policy)
        assert policy.state == AgreementState.LAPSED
        assert_books_whole()


class TestDoors:
    def test_the_command_says_what_it_did(self) -> None:
        org = school()
        bill = owed(customer(org, email="ada@example.com"), late=1)
        with time_machine.travel(at(TODAY), tick=False):
            told = commands.run("run_reminders", "--as-of", TODAY, "--organization", org.code)
        assert told.code == 0
        assert told.out.startswith(f"{org.code}: 1 reminders, 0 late fees, 0 suspended")
        assert steps_of(bill) == ["level_1"]

    def test_a_day_to_come_is_refused_and_an_earlier_one_takes_the_steps_of_that_day(self) -> None:
        org = school(dunning__before_days="")
        bill = owed(customer(org), late=1)
        with time_machine.travel(at(TODAY), tick=False):
            later = commands.run("run_reminders", "--as-of", TODAY + DAY, "--organization", org.code)
            commands.run("run_reminders", "--as-of", TODAY - DAY, "--organization", org.code)
        assert (later.code, "still to come" in later.err) == (1, True)
        assert (steps_of(bill), case_of(bill).state) == ([], CaseState.UPCOMING)

    def test_the_job_runs_once_an_hour(self) -> None:
        org = school()
        owed(customer(org), late=1)
        assert chase_overdue(at(TODAY).replace(minute=CHASE_AT + 1)) == []
        assert not DunningCase.objects.exists()
        chase_overdue(at(TODAY).replace(minute=CHASE_AT))
        assert DunningCase.objects.get().level == 1

    def test_a_system_wide_setting_is_followed_by_the_next_run_wherever_it_is_yesterday_still(self) -> None:
        """20:00 in New York is the next day in UTC."""
        org = school()
        bill = owed(customer(org), late=5)
        run(org)
        setting = PolicySetting(scope="system", key="dunning.after_days")
        look_again(setting, at(TODAY, 20).astimezone(UTC))
        assert case_of(bill).next_on == TODAY

    def test_a_changed_policy_is_followed_by_the_next_run(self) -> None:
        org = school()
        bill = owed(customer(org), late=5)
        run(org)
        assert case_of(bill).next_on == bill.due_on + 10 * DAY
        builders.policy(org, "dunning.after_days", "1 4")
        run(org)
        assert (steps_of(bill), case_of(bill).next_step) == (["level_1", "level_2"], "")
