"""Chasing at the console: what a clerk sees and does about what is overdue (R72, R134-R136)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from billing.models import CollectionCase, DebtPlan, DunningPause, LateFee
from billing.office.models import ApprovalRequest
from billing.selectors.regularity import PaidBill, judge
from tests.assertions import assert_books_whole, reread
from tests.billing.chasing.cast import at, owed, run, run_days, school, steps_of
from tests.builders import TODAY, customer, organization, pay
from tests.console_desk import desk, plain
from tests.deeds import decide

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _today():
    with time_machine.travel(at(TODAY), tick=False):
        yield


@pytest.fixture
def org(db):
    return school(late_fee__kind="flat", late_fee__amount="15", dunning__collections_days=60)


@pytest.fixture
def ada(org):
    return customer(org, "Ada", email="ada@example.com")


@pytest.fixture
def clerk(org):
    return desk(org, "clerk")


class TestTimelines:
    def test_an_empty_list_says_what_would_be_here(self, org, clerk) -> None:
        assert "The next run opens the timelines of new ones." in clerk.see("timelines/")

    def test_the_list_tells_what_comes_next_and_why_something_waits(self, org, ada, clerk) -> None:
        first, second = owed(ada, late=1), owed(customer(org, "Ben"), late=2, is_disputed=True)
        run(org)
        text = clerk.see("timelines/?tab=all")
        for words in (first.number, "reminder, level 2", "the invoice is disputed", "1 day late"):
            assert words in text
        held = clerk.see("timelines/?tab=held&held=disputed")
        assert second.number in held and "days before the due day" not in held
        assert first.number not in clerk.see("timelines/?tab=held&held=disputed")
        assert first.number in clerk.see("timelines/?tab=all&level=1&q=Ada")
        assert "Nothing here is so." in clerk.see("timelines/?tab=all&q=nobody")

    def test_one_invoice_with_what_was_done_what_comes_and_the_letter(self, org, ada, clerk) -> None:
        bill = owed(ada, late=1)
        run(org)
        text = clerk.see(f"timelines/{bill.pk}/")
        for words in (
            "reminder, level 1", "Message to ada@example.com", "perhaps you overlooked this", "reminder, level 2",
            "21 Mar 2026", "late fee, month 1", "The late fee is US$15.00.",
        ):  # fmt: skip
            assert words in text

    def test_before_the_first_run_it_says_when_there_will_be_one(self, org, ada, clerk) -> None:
        assert "opened by the next run" in clerk.see(f"timelines/{owed(ada, late=1).pk}/")

    def test_other_organizations_and_roles_see_nothing(self, org, ada, clerk) -> None:
        bill = owed(ada, late=1)
        run(org)
        desk(organization(), "clerk").get(f"timelines/{bill.pk}/", 404)
        desk(org, "school_admin").post(f"timelines/{bill.pk}/send/", 403)

    def test_send_now_and_pass_over(self, org, ada, clerk) -> None:
        bill = owed(ada, late=1)
        run(org)
        assert "Send the next reminder now" in clerk.see(f"timelines/{bill.pk}/")
        assert "Sent." in clerk.follow(f"timelines/{bill.pk}/send/", step="level_2")
        assert "was changed by somebody else" in clerk.follow(f"timelines/{bill.pk}/send/", step="level_2")  # twice
        assert steps_of(bill)[-1] == "level_2"
        assert "Passed over: reminder, level 3." in clerk.follow(f"timelines/{bill.pk}/skip/", step="level_3")
        assert "was changed by somebody else" in clerk.follow(f"timelines/{bill.pk}/skip/", step="level_3")
        assert "Send the next reminder now" not in clerk.see(f"timelines/{bill.pk}/")
        assert "No reminder is left to send." in clerk.follow(f"timelines/{bill.pk}/send/", step="level_3")

    def test_pause_and_lift(self, org, ada, clerk) -> None:
        bill = owed(ada, late=1)
        run(org)
        clerk.post(f"timelines/{bill.pk}/pause/", 422, until="2026-03-01", reason="moving")
        clerk.post(f"timelines/{bill.pk}/pause/", 422, until="2026-04-01", reason="")
        text = clerk.follow(f"timelines/{bill.pk}/pause/", until="2026-04-01", reason="moving house")
        assert "Paused until 1 Apr 2026: moving house" in text and "reminders are paused" in text
        pause = DunningPause.objects.get()
        assert "The pause is lifted." in clerk.follow(f"pauses/{pause.pk}/lift/")
        assert "was lifted already" in clerk.follow(f"pauses/{pause.pk}/lift/")

    def test_a_late_fee_is_waived_by_two_people(self, org, ada, clerk) -> None:
        owed(ada, late=1)
        run(org)
        fee = LateFee.objects.select_related("fee_invoice").get()
        assert "Ask to waive US$15.00" in clerk.see(f"late-fees/{fee.pk}/waive/")
        clerk.post(f"late-fees/{fee.pk}/waive/", reason="first time late")
        asked = ApprovalRequest.objects.get()
        boss = desk(org, "supervisor")
        assert "waive a late fee" in boss.see(f"approvals/{asked.pk}/").lower()
        boss.post(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash)
        assert fee.fee_invoice is not None
        reread(fee.fee_invoice)
        assert fee.fee_invoice.voided_on == TODAY
        assert_books_whole()


class TestDebtPlans:
    def test_the_parts_are_worked_out_shown_and_agreed(self, org, ada, clerk) -> None:
        bills = [owed(ada, "100.00", late=5), owed(ada, "0.01", late=1)]
        path = f"customers/{ada.pk}/debt-plan/"
        assert "US$100.01 chosen" in clerk.see(path)
        chosen = [bill.pk for bill in bills]
        form = {"invoice": chosen, "count": "3", "first": "2026-03-31", "every": "month", "key": "k"}
        answer = clerk.post(path, 200, step="show", **form)
        text = answer.content.decode()
        for words in ("33.34", "33.33", "2026-03-31", "2026-04-30", "2026-05-31"):
            assert words in text
        assert "Agree on US$100.01 in 3 parts" in plain(answer)
        rows = {"due_on": ["2026-03-31", "2026-04-30"], "amount": ["50.00", "50.00"]}
        refused = clerk.post(path, 422, step="agree", **form, **rows)
        assert "The parts make US$100.00; US$100.01 is open." in plain(refused)
        rows["amount"] = ["50.01", "50.00"]
        told = clerk.follow(path, step="agree", **form, **rows)
        assert "US$0.00 of US$100.01 paid" in told
        plan = DebtPlan.objects.get()
        pay(ada, "60.00")
        assert "US$60.00 of US$100.01 paid" in clerk.see(f"debt-plans/{plan.pk}/")
        assert plan.number in clerk.see(f"customers/{ada.pk}/")
        assert "is given up" in clerk.follow(f"debt-plans/{plan.pk}/end/")
        assert plan.number in clerk.see("billing/debtplan/")
        assert_books_whole()

    @pytest.mark.parametrize(("typed", "trouble"), [
        ({"count": "0"}, "Between 1 and 60 parts"), ({"first": "soon"}, "Write the date"),
        ({"invoice": []}, "at least one"),
    ])  # fmt: skip
    def test_what_cannot_be_worked_out_says_why_and_keeps_what_was_typed(self, org, ada, clerk, typed, trouble) -> None:
        bill = owed(ada, late=5)
        form = {"invoice": [bill.pk], "count": "3", "first": "2026-03-31", "every": "week", "key": "k", "note": "kept"}
        answer = clerk.post(f"customers/{ada.pk}/debt-plan/", 422, step="show", **{**form, **typed})
        assert trouble in plain(answer) and "kept" in answer.content.decode()


class TestCollections:
    def test_from_the_queue_to_the_agency_and_back(self, org, ada, clerk) -> None:
        assert "No case is open." in clerk.see("collections/")
        owed(ada, "100.00", late=60)
        run(org)
        case = CollectionCase.objects.get()
        page = f"collections/{case.pk}/"
        assert case.number in clerk.see("collections/")
        assert "Noted." in clerk.follow(f"{page}note/", kind="call", text="no answer")
        assert "Assigned." in clerk.follow(f"{page}assign/", collector=clerk.user.pk)
        clerk.post(f"{page}hand-over/", 422, agency="", reference="")
        assert "Handed over." in clerk.follow(f"{page}hand-over/", agency="Inkasso & Co", reference="A1")
        listed = clerk.get("collections/agency.csv?agency=Inkasso %26 Co")
        assert f"{case.number},Inkasso & Co,A1" in listed.content.decode()
        clerk.get("collections/agency.csv?agency=other", 404)
        rows = f"case_number,status,status_on\n{case.number},reached,2026-03-12\nCOL-1,x,2026-03-12\n"
        answer = clerk.post("collections/statuses/", 200, file=SimpleUploadedFile("s.csv", rows.encode()))
        assert "1 new statuses, 0 known already." in plain(answer) and "Line 3: There is no" in plain(answer)
        clerk.post("collections/statuses/", 422)
        text = clerk.see(page)
        assert "no answer" in text and "reached" in text and "Inkasso & Co" in text
        assert "Taken back." in clerk.follow(f"{page}take-back/")
        assert "Closed." in clerk.follow(f"{page}close/", outcome="given_up")
        assert "given up" in clerk.see("collections/?tab=closed")
        assert_books_whole()

    def test_opened_by_hand(self, org, ada, clerk) -> None:
        path = f"customers/{ada.pk}/collection/"
        assert "Nothing of this customer is overdue." in clerk.see(path)
        owed(ada, "100.00", late=5)
        assert "is open." in clerk.follow(path, reason="moved without a word")
        accountant = desk(org, "accountant")
        assert "moved without a word" in accountant.see(f"collections/{CollectionCase.objects.get().pk}/")
        accountant.post(path, 403, reason="me too")


class TestRegularity:
    BILLS = [PaidBill(date(2026, 1, 1), 0), PaidBill(date(2026, 2, 1), 40), PaidBill(date(2025, 7, 1), 5)]

    def test_R135_the_score_is_the_mean_of_what_each_bill_is_worth(self) -> None:
        """(100 + 60 + 95) / 3 = 85; one default; half a year (0 + 40) / 2 = 20 days late, before 5: worse."""
        found = judge(self.BILLS, TODAY)
        assert (found.bills, found.in_time, found.defaults, found.score, found.trend, found.days_late) == (
            3, 1, 1, 85, "worse", 15
        )  # fmt: skip

    @pytest.mark.parametrize(("days", "defaults"), [(30, 0), (31, 1)])
    def test_R135_more_than_thirty_days_late_is_a_default(self, days, defaults) -> None:
        assert judge([PaidBill(TODAY - 50 * DAY, days)], TODAY).defaults == defaults

    def test_R135_it_stands_on_the_customers_page(self, org, ada, clerk) -> None:
        owed(ada, late=10)
        pay(ada, "120.00")
        assert "90 of 100" in clerk.see(f"customers/{ada.pk}/")
        assert judge([], TODAY).score is None

    def test_R133_the_share_of_what_fell_due_that_is_paid(self, org, ada, clerk) -> None:
        owed(ada, "75.00", late=10), owed(ada, "25.00", late=5)
        pay(ada, Decimal(75))
        run_days(org, TODAY, TODAY)
        assert "Of what fell due in the last 90 days, 75.0 % is paid." in clerk.see("timelines/")


def test_the_checker_may_not_be_the_maker(org, ada, clerk) -> None:
    from billing.office.approvals import OwnRequest

    owed(ada, late=1)
    run(org)
    fee = LateFee.objects.get()
    boss = desk(org, "supervisor")
    boss.post(f"late-fees/{fee.pk}/waive/", reason="goodwill")
    with pytest.raises(OwnRequest):
        decide(ApprovalRequest.objects.get(), boss.user)
