"""Teachers, agents and payouts at the console (R89, R90, R165, R168)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.models import Earning, PayoutBatch, Provider
from billing.office import clock
from billing.office.models import ApprovalRequest, Organization
from billing.selectors.earnings import own_provider, statements
from tests.agreements import provider
from tests.assertions import assert_books_whole, reread
from tests.billing.earning.cast import accrue, agent, one_lesson, paid_out_to, policy_of, premium, prepare, tell
from tests.builders import NOW, organization, pay, policy, user
from tests.console_desk import Desk, desk

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def school() -> Organization:
    return organization()


@pytest.fixture
def tess(school: Organization) -> Provider:
    """Two lessons of 40 and 60, one missed: 20 + 30 × 50 % = 35."""
    one = provider(school, "Tess Teacher", tax_id="12-3456789")
    tell(one_lesson(one, "40.00"), "attended")
    tell(one_lesson(one, "60.00"), "no_show")
    accrue(school)
    return one


@pytest.fixture
def admin(school: Organization) -> Desk:
    return desk(school, "school_admin")


class TestProviderPage:
    def test_R89_it_shows_what_is_owed_and_why(self, school, tess, admin) -> None:
        page = admin.see(f"providers/{tess.pk}/")
        for words in (
            "Owed before US$0.00", "Earned US$35.00", "Paid out US$0.00", "Owed on 12 Mar 2026 US$35.00",
            "The teacher earns 50 percent of the lesson's price of US$60.00: US$30.00.",
            "The student did not come, so 50 percent of it is earned: US$15.00.", "not billed yet",
        ):  # fmt: skip
            assert words in page, words

    def test_R165_and_how_the_lessons_went(self, school, tess, admin) -> None:
        """Two lessons, one of two students came; 35 by two is 17.50."""
        assert "March 2026 2 50.0 % – 35.00 17.50" in admin.see(f"providers/{tess.pk}/")

    def test_what_was_before_the_period_is_the_opening(self, school, tess, admin) -> None:
        page = admin.see(f"providers/{tess.pk}/?from=2026-03-11&to=2026-03-12")
        assert "Owed before US$35.00" in page
        assert "Nothing was earned in these days" in page

    def test_a_period_that_is_none_says_so(self, tess, admin) -> None:
        assert (
            "The first day is after the last"
            in admin.client.get(f"/console/providers/{tess.pk}/?from=2026-03-12&to=2026-03-01").content.decode()
        )

    def test_R158_year_totals_are_what_was_paid_out(self, school, tess, admin) -> None:
        paid_out_to(school)
        page = admin.see(f"providers/{tess.pk}/")
        assert "2026 1 US$35.00" in page
        assert "Owed on 12 Mar 2026 US$0.00" in page
        file = admin.get("providers/years/?year=2026&format=csv").content.decode()
        assert f"2026,{tess.code},Tess Teacher,12-3456789,,USD,35.00,1" in file
        assert "Nothing was paid out in 2025" in admin.see("providers/years/?year=2025")

    def test_R158_the_year_asks_no_more_for_many(self, school, admin) -> None:
        """As many questions for four providers as for one."""
        counts = []
        admin.get("providers/years/")  # what is asked once for a login is not counted
        for names in (["Tess"], ["Theo", "Tom", "Tina"]):
            for name in names:
                tell(one_lesson(provider(school, name)), "attended")
            accrue(school)
            paid_out_to(school)
            with CaptureQueriesContext(connection) as asked:
                admin.get("providers/years/?year=2026")
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_the_statement_as_a_file(self, school, tess, admin) -> None:
        file = admin.get(f"providers/{tess.pk}/?format=csv").content.decode()
        assert "2026-03-10,lesson,USD,20.00," in file
        assert "2026-03-12,closing,USD,35.00," in file

    def test_an_agents_commission_leads_to_the_invoice(self, school, admin) -> None:
        policy(school, "commissions.first_year_percent", "15")
        ann = agent(school)
        bill = premium(policy_of(ann))
        pay(bill.customer, "100.00", by_hand=[(bill, "100.00")])
        accrue(school)
        assert f'href="/console/invoices/{bill.pk}/"' in admin.get(f"providers/{ann.pk}/").content.decode()

    def test_another_organizations_teacher_is_not_there(self, admin) -> None:
        admin.get(f"providers/{provider(organization()).pk}/", 404)

    @pytest.mark.parametrize(("role", "status"), [("manager", 200), ("accountant", 200), ("clerk", 403)])
    def test_R168_who_may_see_pay(self, school, tess, role: str, status: int) -> None:
        desk(school, role).get(f"providers/{tess.pk}/", status)

    def test_R168_a_clerk_who_also_teaches_sees_only_their_own_pay(self, school, tess) -> None:
        both = desk(school, "clerk", "teacher")
        own = provider(school, "Cleo", user=both.user)
        both.get(f"providers/{own.pk}/")
        both.get(f"providers/{tess.pk}/", 404)
        assert "Tess" not in both.see("billing/provider/")
        assert "Tess" not in both.see("billing/earning/")


class TestLists:
    def test_the_list_says_what_is_owed(self, tess, admin) -> None:
        assert "US$35.00" in admin.see("billing/provider/")

    def test_earnings_say_how_they_came_about(self, tess, admin) -> None:
        assert "The student did not come" in admin.see("billing/earning/")
        admin.get(f"billing/earning/{Earning.objects.latest('pk').pk}/change/")

    def test_a_teacher_is_added_and_changed(self, school, admin) -> None:
        fields = {"code": "T-1", "kind": "teacher", "name": "Ned", "latin_name": "", "email": "", "tax_id": "",
                  "user": "", "manager": "", "is_active": "on"}  # fmt: skip
        admin.post("billing/provider/add/", **fields)
        made = Provider.objects.get(code="T-1")
        assert made.organization == school
        assert "There is already a provider T-1" in str(admin.post("billing/provider/add/", 200, **fields).content)
        admin.post(f"billing/provider/{made.pk}/change/", **{**fields, "name": "Ned Newman"})
        reread(made)
        assert made.name == "Ned Newman"

    def test_one_login_is_one_provider(self, school, admin) -> None:
        login = user(school, "teacher")
        provider(school, "Cleo", user=login)
        fields = {"code": "T-2", "kind": "teacher", "name": "Ned", "user": str(login.pk), "is_active": "on"}
        assert "belongs to another provider" in str(admin.post("billing/provider/add/", 200, **fields).content)

    def test_an_accountant_changes_nobody(self, school, tess) -> None:
        reader = desk(school, "accountant")
        reader.get("billing/provider/add/", 403)
        assert 'name="_save"' not in reader.get(f"billing/provider/{tess.pk}/change/").content.decode()
        reader.post(f"billing/provider/{tess.pk}/change/", 403, name="Somebody Else")


class TestPayouts:
    def test_from_preview_to_paid_by_two_people(self, school, tess, admin) -> None:
        assert "Could be paid out today US$35.00" in admin.see("payouts/")
        assert "Prepare US$35.00 for 1 provider" in admin.see("payouts/new/")
        page = admin.follow("payouts/new/", until="2026-03-12", currency="USD", request_key="k1")
        batch = PayoutBatch.objects.get()
        assert "Ask for approval of US$35.00" in page
        assert "text/html" in admin.get(f"payouts/{batch.pk}/?format=csv")["Content-Type"]  # not before it is approved
        admin.follow(f"payouts/{batch.pk}/ask/", reason="month end")
        asked = ApprovalRequest.objects.get(action="pay_providers")
        finance = desk(school, "finance_manager")
        shown = finance.see(f"approvals/{asked.pk}/")
        assert "Tess Teacher" in shown
        assert batch.number in shown
        finance.follow(f"approvals/{asked.pk}/", decision="approve", shown_hash=asked.shown_hash, reason="")
        assert "Pay out US$35.00" in admin.see(f"payouts/{batch.pk}/")
        assert (
            f"{tess.code},Tess Teacher,35.00,USD,{batch.number}/"
            in admin.get(f"payouts/{batch.pk}/?format=csv").content.decode()
        )
        account = admin.get(f"payouts/{batch.pk}/pay/").context["form"].fields[1].choices[0][0]
        page = admin.follow(f"payouts/{batch.pk}/pay/", paid_on="2026-03-12", account=account, bank_reference="ACH 7")
        assert "US$35.00 is paid out and booked" in page
        assert "ACH 7" in page
        reread(batch)
        assert batch.state == "paid"
        assert_books_whole()

    def test_37_its_maker_cannot_approve(self, school, tess) -> None:
        both = desk(school, "manager", "finance_manager")
        both.follow("payouts/new/", until="2026-03-12", currency="USD", request_key="k1")
        batch = PayoutBatch.objects.get()
        both.follow(f"payouts/{batch.pk}/ask/", reason="month end")
        asked = ApprovalRequest.objects.get(action="pay_providers")
        both.post(f"approvals/{asked.pk}/", 422, decision="approve", shown_hash=asked.shown_hash, reason="")
        reread(batch)
        assert batch.state == "draft"

    def test_what_was_typed_stays_and_the_refusal_is_at_its_field(self, school, tess, admin) -> None:
        batch = prepare(school, by=admin.user)
        PayoutBatch.objects.filter(pk=batch.pk).update(state="approved")
        answer = admin.post(f"payouts/{batch.pk}/pay/", 422, paid_on="2026-03-13", account="1", bank_reference="ACH 7")
        assert 'value="ACH 7"' in answer.content.decode()
        assert "That day is still to come" in answer.content.decode()

    def test_cancelled_with_a_reason(self, school, tess, admin) -> None:
        batch = prepare(school, by=admin.user)
        admin.post(f"payouts/{batch.pk}/cancel/", 422, reason=" ")
        assert "Cancelled. What was in it goes into the next batch." in admin.follow(
            f"payouts/{batch.pk}/cancel/", reason="wrong day"
        )
        reread(batch)
        assert batch.state == "cancelled"

    def test_who_waits_is_shown_with_why(self, school, tess, admin) -> None:
        policy(school, "earnings.payout_minimum", "100")
        page = admin.see("payouts/new/")
        assert "nobody has earned anything that is paid out now" in page
        assert "Carried forward" in page
        assert "100.00 35.00" in page
        assert "not earned yet" in str(
            admin.post("payouts/new/", 422, until="2026-03-13", currency="USD", request_key="k").content
        )

    @pytest.mark.parametrize(("role", "status"), [("accountant", 200), ("clerk", 403), ("supervisor", 403)])
    def test_who_may_look(self, school, tess, role: str, status: int) -> None:
        batch = prepare(school)
        one = desk(school, role)
        for path in ("payouts/", f"payouts/{batch.pk}/"):
            one.get(path, status)
        for path in ("payouts/new/", f"payouts/{batch.pk}/ask/", f"payouts/{batch.pk}/pay/"):
            one.get(path, 403)

    def test_nothing_yet_says_how_to_make_the_first(self, school, admin) -> None:
        assert "Prepare the first when somebody has earned something" in admin.see("payouts/")


def test_the_teachers_login_finds_its_own_statement_only(school: Organization) -> None:
    login = user(school, "teacher")
    own = provider(school, "Cleo", user=login)
    assert own_provider(login, school) == own
    assert own_provider(login, organization()) is None
    assert own_provider(user(school, "teacher"), school) is None
    assert statements(own, NOW.date() - timedelta(days=9), NOW.date())[0].closing == 0
