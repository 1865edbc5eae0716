"""The demo: organizations with every state a clerk meets, made by the real services; a family at three schools."""

import stat
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count
from django.test import Client

from billing.ledger.models import Period
from billing.models import (
    Agreement,
    Allocation,
    Attendance,
    BillingRun,
    Charge,
    CreditHoldEvent,
    CreditItem,
    CreditMemo,
    CreditTransfer,
    Customer,
    DunningCase,
    DunningStep,
    Earning,
    Installment,
    InsurancePolicy,
    Invoice,
    InvoiceLine,
    LessonCredit,
    PayoutBatch,
    PromiseToPay,
)
from billing.models.lesson import AttendanceStatus
from billing.office import clock
from billing.office.access import roles_in
from billing.office.models import ApprovalRequest, Notice, Organization, User
from billing.office.models.user import STAFF_ROLES
from billing.rules.explaining import sentences
from config import tasks
from config.demo.cast import AGENT, FAMILY, HOUSES, PARENT, PASSWORD, PLATFORM_ADMIN, TEACHER
from config.demo.family import SCHOOLS
from payments.models import Cheque, Deposit, Dispute, DrawerSession, Payment, Refund
from payments.selectors.refunds import late_refunds
from receipts.models import Receipt, ReceiptCopy, RefundReceipt
from tests import builders
from tests.assertions import assert_books_whole
from tests.conftest import EMPTY_DATABASE

CODES = {house.code for house in HOUSES}


@pytest.fixture(scope="module")
def said(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo, loaded once for this file, committed, and taken away again. Gives what the command said."""
    home: Path = tmp_path_factory.mktemp("var")
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        from django.conf import settings

        patch.setattr(settings, "VAR_DIR", home)
        patch.setattr(settings, "MEDIA_ROOT", home / "media")
        out = StringIO()
        call_command("demo", stdout=out)
        try:
            yield out.getvalue()
        finally:
            with connection.cursor() as cursor:
                cursor.execute(EMPTY_DATABASE)


@pytest.fixture(params=sorted(CODES))
def organization(request: pytest.FixtureRequest, said: str, db: None) -> Organization:
    return Organization.objects.get(code=request.param)


def snapshot() -> list[int]:
    models = (Organization, User, Customer, Invoice, Payment, Allocation, Receipt, ApprovalRequest, Notice)
    return [model.objects.count() for model in models]


class TestRefusal:
    """Before the demo is loaded below, so that there would be something to load."""

    def test_production_is_left_alone(self, db: None, settings: Any) -> None:
        settings.PRODUCTION, before = True, snapshot()
        with pytest.raises(CommandError, match="--force"):
            call_command("demo", stdout=StringIO())
        assert snapshot() == before

    def test_if_empty_leaves_a_database_with_an_organization_alone(self, db: None) -> None:
        builders.organization("mine")
        before = snapshot()
        call_command("demo", if_empty=True, stdout=StringIO())
        assert snapshot() == before


@pytest.mark.slow
class TestLoaded:
    def test_it_says_how_far_it_is(self, said: str, db: None) -> None:
        assert [line.split(" (")[0] for line in said.splitlines()[:4]] == [f"Demo: {n} %" for n in (25, 50, 75, 100)]
        assert "are open" in said

    def test_running_it_again_changes_nothing(self, said: str, db: None) -> None:
        before, out = snapshot(), StringIO()
        call_command("demo", stdout=out)
        call_command("demo", if_empty=True, stdout=out)
        assert snapshot() == before
        assert out.getvalue() == "The demo is already loaded.\n"

    def test_the_books_of_all_five_are_whole(self, said: str, db: None) -> None:
        assert Organization.objects.count() == 5
        assert_books_whole()

    def test_it_has_hundreds_of_customers_of_whom_many_pay(self, said: str, db: None) -> None:
        assert Customer.objects.count() > 400
        assert Payment.objects.filter(state="processed").count() > 2000

    def test_the_logins_are_its_owners_to_read_and_they_work(self, said: str, db: None, settings: Any) -> None:
        path = settings.VAR_DIR / "demo-logins.txt"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        text = path.read_text()
        assert PASSWORD in text
        for username in [user for house in HOUSES for user, _name, _role in house.staff]:
            assert username in text
            assert User.objects.get(username=username).check_password(PASSWORD)

    def test_a_clerk_signs_in_to_the_console(self, said: str, db: None) -> None:
        client = Client()
        client.force_login(User.objects.get(username="ada.clerk"), backend="django.contrib.auth.backends.ModelBackend")
        assert client.get("/console/", follow=True).status_code == 200

    def test_R89_teacher_and_agent_see_what_they_earned(self, said: str, db: None) -> None:
        for username in (TEACHER[0], AGENT[0]):
            client = Client()
            user = User.objects.get(username=username)
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
            assert client.get("/teacher/").status_code == 200
            page = client.get("/teacher/earnings/")
            assert page.status_code == 200 and page.context["payouts"]

    def test_the_parent_pays_in_all_three(self, said: str, db: None) -> None:
        parent = User.objects.get(username=PARENT[0])
        assert set(parent.customers.values_list("organization__code", flat=True)) == CODES

    def test_names_are_chinese_with_latin_beside_them_in_taiwan(self, said: str, db: None) -> None:
        names = Customer.objects.filter(organization__code="fulong").exclude(users__isnull=False)
        assert not any(name.isascii() for name in names.values_list("name", flat=True))
        assert all(name.isascii() and name for name in names.values_list("latin_name", flat=True))


@pytest.mark.slow
class TestEveryState:
    """In each of the three organizations."""

    def test_every_staff_role_is_held_by_somebody_of_that_role_alone(self, organization: Organization) -> None:
        held = [roles_in(user, organization) for user in User.objects.filter(memberships__organization=organization)]
        assert all(len(roles) == 1 for roles in held)
        assert {role for roles in held for role in roles} >= STAFF_ROLES
        assert roles_in(User.objects.get(username=PLATFORM_ADMIN[0]), organization) == {"platform_admin"}

    def test_invoices_are_open_paid_disputed_and_late_by_every_bucket(self, organization: Organization) -> None:
        mine, today = Invoice.objects.filter(organization=organization), organization.today(clock.now())
        late = [invoice.days_overdue(today) for invoice in mine.open()]
        for first, last in ((0, 0), (1, 30), (31, 60), (61, 90), (91, 999)):
            assert any(first <= days <= last for days in late), (first, last)
        assert mine.filter(open_amount=0, voided_on=None).exists()
        assert mine.filter(is_disputed=True, open_amount__gt=0).exists()
        assert mine.filter(voided_on__isnull=False).exists()
        assert mine.filter(kind="fee").exists()

    def test_part_paid_where_parts_are_applied(self, organization: Organization) -> None:
        part_paid = Invoice.objects.filter(organization=organization, open_amount__gt=0, applied_amount__gt=0).exists()
        assert part_paid == (organization.code != "suraksha")  # a premium is taken whole or kept as credit

    def test_discounts_are_won_and_missed_and_small_rests_written_off(self, organization: Organization) -> None:
        mine = Allocation.objects.filter(organization=organization)
        has_terms = organization.code != "suraksha"
        assert mine.filter(kind="discount").exists() == has_terms
        assert mine.filter(kind="write_off").exists() == has_terms
        missed = Invoice.objects.filter(organization=organization, discount_rate__gt=0, discounted_amount=0)
        assert missed.filter(open_amount=0, voided_on=None).exists() == has_terms

    def test_credit_is_kept_applied_and_taken_back(self, organization: Organization) -> None:
        items = CreditItem.objects.filter(organization=organization)
        assert items.filter(kind="payment", unapplied_amount__gt=0, applied_amount__gt=0).exists()
        memos = CreditMemo.objects.filter(organization=organization)
        assert memos.filter(credit_item__applied_amount=0).exists()
        assert memos.filter(credit_item__unapplied_amount=0).exists()
        undone = items.filter(allocations__reverses__isnull=False, reversed_on=None).distinct()
        assert undone.filter(applied_amount=0).exists()
        assert undone.filter(applied_amount__gt=0).exists()

    def test_credit_holds_are_set_released_and_kept(self, organization: Organization) -> None:
        changes = CreditHoldEvent.objects.filter(customer__organization=organization)
        assert set(changes.values_list("change", flat=True)) == {"set", "released", "kept"}
        assert Customer.objects.filter(organization=organization, is_on_hold=True).exists()

    def test_payments_wait_and_were_verified_voided_and_cancelled(self, organization: Organization) -> None:
        mine = Payment.objects.filter(organization=organization)
        assert {"pending", "processed", "voided", "cancelled"} <= set(mine.values_list("state", flat=True))
        assert mine.filter(state="pending", pending_for__contains="verify_large_payment").exists()
        asked = ApprovalRequest.objects.filter(organization=organization)
        assert asked.filter(action="verify_large_payment", state="used").exists()
        assert {"requested", "used", "rejected"} <= set(
            asked.filter(action="void_payment").values_list("state", flat=True)
        )
        unusual = set(asked.filter(action="accept_unusual_method").values_list("state", flat=True))
        assert unusual == ({"requested", "used"} if organization.code != "allegro" else set())

    def test_cheques_are_in_every_place_a_cheque_can_be(self, organization: Organization) -> None:
        states = set(Cheque.objects.filter(organization=organization).values_list("state", flat=True))
        usual = {"in_vault", "due", "deposited", "cleared", "returned"}
        assert states >= (usual if organization.code != "suraksha" else set())
        again = Cheque.objects.filter(organization=organization, presentations__ordinal=2)
        assert again.exists() == (organization.code != "suraksha")
        assert Deposit.objects.filter(organization=organization, state="deposited").exists()

    def test_drawers_were_counted_and_one_is_open(self, organization: Organization) -> None:
        sessions = DrawerSession.objects.filter(organization=organization)
        assert set(sessions.values_list("state", flat=True)) >= {"open", "closed"}
        assert sessions.exclude(variance=0).filter(state="closed", entry__isnull=False).exists()

    def test_money_goes_back_in_every_state(self, organization: Organization) -> None:
        refunds = Refund.objects.filter(organization=organization)
        assert {"requested", "approved", "processed"} <= set(refunds.values_list("state", flat=True))
        assert RefundReceipt.objects.filter(organization=organization).exists()
        assert late_refunds(organization, organization.today(clock.now()))
        kinds = set(Dispute.objects.filter(organization=organization).values_list("kind", flat=True))
        assert kinds == ({"invoice", "chargeback"} if organization.code != "fulong" else {"invoice"})
        assert CreditTransfer.objects.filter(organization=organization).exists()

    def test_methods_are_several_and_a_lookalike_has_its_reason(self, organization: Organization) -> None:
        mine = Payment.objects.filter(organization=organization)
        assert {"cash", "cheque", "bank_transfer"} <= set(mine.values_list("method", flat=True))
        assert mine.exclude(lookalike_reason="").exists()

    def test_promises_are_kept_broken_and_open(self, organization: Organization) -> None:
        today = organization.today(clock.now())
        promises = PromiseToPay.objects.filter(customer__organization=organization)
        assert promises.filter(promised_on__gte=today).exists()
        past = promises.filter(promised_on__lt=today).select_related("customer")
        paid = [
            Payment.objects.filter(
                customer=promise.customer, received_on__gte=promise.taken_at.date(),
                received_on__lte=promise.promised_on + timedelta(days=1),
            ).exists()
            for promise in past
        ]  # fmt: skip
        assert set(paid) == {True, False}

    def test_receipts_are_printed_copied_and_mailed_and_one_mail_waits(self, organization: Organization) -> None:
        assert Receipt.objects.filter(organization=organization, delivery="email").exists()
        mails = Notice.objects.filter(organization=organization, kind="receipt")
        assert mails.filter(state="queued").exists()
        copies = ReceiptCopy.objects.filter(receipt__organization=organization, how="print")
        assert set(copies.values_list("is_duplicate", flat=True)) == {False, True}

    def test_a_month_is_closed_and_this_one_is_open(self, organization: Organization) -> None:
        months = dict(Period.objects.filter(organization=organization).values_list("month", "state"))
        assert "closed" in months.values()
        assert months[organization.today(clock.now()).replace(day=1)] == "open"

    def test_nothing_happened_in_the_future(self, organization: Organization) -> None:
        now = clock.now()
        today = organization.today(now)
        mine = Payment.objects.filter(organization=organization)
        assert not mine.filter(received_on__gt=today).exists()
        assert not mine.filter(recorded_at__gt=now).exists()
        assert not Invoice.objects.filter(organization=organization, issued_on__gt=today).exists()

    def test_families_share_a_household_in_the_school(self, organization: Organization) -> None:
        shared = Customer.objects.filter(organization=organization, household__isnull=False)
        sizes = shared.values("household").annotate(size=Count("id")).filter(size__gt=1)
        assert sizes.exists() == (organization.code == "allegro")

    def test_the_organization_has_a_face(self, organization: Organization) -> None:
        assert organization.logo.size > 500
        assert organization.address and organization.tax_id and organization.phone
        assert organization.bank_accounts.exists()
        without = Customer.objects.filter(organization=organization, virtual_account="").count()
        assert without == 0


def test_mail_that_is_due_goes_out_with_every_tick() -> None:
    assert "send_due_notices" in dict(tasks.JOBS)


@pytest.fixture
def of(said: str, db: None) -> Any:
    return lambda code: Organization.objects.get(code=code)


@pytest.mark.slow
class TestSchool:
    def test_lessons_were_told_of_in_every_way_and_corrected(self, of: Any) -> None:
        told = Attendance.objects.filter(organization=of("allegro"))
        assert set(told.values_list("status", flat=True)) == set(AttendanceStatus.values)
        assert told.filter(replaces__isnull=False).exists()
        assert Charge.objects.filter(organization=of("allegro"), state="unbilled").exists()
        assert LessonCredit.objects.filter(organization=of("allegro")).exists()

    def test_runs_were_approved_by_another_and_one_waits_to_be_looked_at(self, of: Any) -> None:
        runs = BillingRun.objects.filter(organization=of("allegro"))
        assert runs.filter(state="done", approval__decided_by__username="mia.manager").exists()
        assert runs.get(state="preview").items.exists()

    def test_teachers_earned_and_one_payout_waits(self, of: Any) -> None:
        assert Earning.objects.filter(organization=of("allegro"), kind="lesson").exists()
        states = set(PayoutBatch.objects.filter(organization=of("allegro")).values_list("state", flat=True))
        assert states == {"paid", "draft"}

    def test_every_line_of_a_run_says_how_it_came_about_in_words(self, of: Any) -> None:
        lines = InvoiceLine.objects.filter(invoice__organization=of("allegro"), invoice__bill__isnull=False)
        assert lines.exists()
        for line in lines:
            assert line.derivation and line.explanation
            assert all(text.endswith(".") for text in sentences(line.derivation, "USD"))


@pytest.mark.slow
class TestInsurer:
    def test_policies_run_and_lapse(self, of: Any) -> None:
        policies = InsurancePolicy.objects.filter(organization=of("suraksha"))
        assert {p.policy_number.partition("-")[0] for p in policies} == {"POL"}
        states = set(policies.values_list("agreement__state", flat=True))
        assert {"active", "lapsed"} <= states

    def test_agents_and_the_one_above_earn_on_what_was_paid(self, of: Any) -> None:
        kinds = set(Earning.objects.filter(organization=of("suraksha")).values_list("kind", flat=True))
        assert {"first_year", "override"} <= kinds


@pytest.mark.slow
class TestChasing:
    @pytest.mark.parametrize("code", ["allegro", "fulong", "suraksha"])
    def test_what_is_late_has_its_timeline_with_steps_taken(self, of: Any, code: str) -> None:
        today = of(code).today(clock.now())
        late = Invoice.objects.overdue(today - timedelta(days=3)).filter(organization=of(code))
        assert late.exists()
        assert not late.filter(dunning_case__isnull=True).exists()
        steps = DunningStep.objects.filter(organization=of(code), outcome="done")
        assert {"before_7", "level_1"} <= set(steps.values_list("step", flat=True))
        assert DunningCase.objects.filter(organization=of(code)).exclude(held_because="").exists()


@pytest.mark.slow
class TestFamily:
    def test_three_children_at_three_schools_have_three_schedules(self, of: Any) -> None:
        parent = User.objects.get(username=FAMILY[0])
        agreements = Agreement.objects.filter(customer__in=parent.customers.all())
        assert {(a.organization.code, a.student.name, a.frequency) for a in agreements.select_related("student")} == {
            (school.code, school.child, school.frequency) for school in SCHOOLS
        }
        for agreement in agreements:
            assert Installment.objects.filter(agreement=agreement, state="planned").count() > 2

    def test_the_parent_sees_all_of_them_on_one_page(self, of: Any) -> None:
        client = Client()
        client.force_login(User.objects.get(username=FAMILY[0]), backend="django.contrib.auth.backends.ModelBackend")
        text = client.get("/family/").content.decode()
        for school in SCHOOLS:
            assert school.name in text and school.child in text
