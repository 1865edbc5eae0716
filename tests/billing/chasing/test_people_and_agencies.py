"""Debt plans, waived fees, collection cases and agencies (§4 row 16, R74, R134, R136)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction

from billing.errors import BadInput, KeyReused
from billing.models import CollectionCase, CollectionNote, CreditMemo, DebtPlan, LateFee
from billing.models.dunning import CaseState, CollectionState, DebtPlanState
from billing.office.models import Notice
from billing.services.chasing import by_hand, collections, waiving
from billing.services.chasing.agency import agency_list
from billing.services.chasing.debt_plans import (
    DebtPlanOrder,
    InAnotherPlan,
    Part,
    PartsDiffer,
    agree_on_parts,
    end_plan,
)
from billing.services.requests import AlreadySo
from tests import commands
from tests.assertions import assert_books_whole, reread
from tests.billing.chasing.cast import at, case_of, mails, owed, run, run_days, school, steps_of, taken_on
from tests.builders import NOW, TODAY, customer, pay, user
from tests.deeds import decide

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def org(db):
    return school(dunning__before_days="", dunning__collections_days=40)


@pytest.fixture
def ada(org):
    return customer(org, "Ada", email="ada@example.com")


def plan_for(payer, bills, *parts, key="k1", now=NOW):
    order = DebtPlanOrder(
        [bill.pk for bill in bills], [Part(TODAY + days * DAY, Decimal(amount)) for days, amount in parts],
        request_key=key,
    )  # fmt: skip
    with transaction.atomic():
        return agree_on_parts(customer=payer, order=order, now=now, by=None)


class TestDebtPlans:
    def test_row_16_its_invoices_are_not_chased_while_it_is_kept(self, org, ada) -> None:
        bills = [owed(ada, "100.00", late=1), owed(ada, "50.00", late=1)]
        plan = plan_for(ada, bills, (10, "75"), (40, "75"))
        assert (plan.number, plan.amount, case_of(bills[0]).held_because) == (
            "DPL-2026-000001", Decimal(150), "debt_plan"
        )  # fmt: skip
        pay(ada, "75.00")
        run_days(org, TODAY, TODAY + 12 * DAY)
        reread(plan)
        assert (plan.state, mails(org)) == (DebtPlanState.ACTIVE, [])
        pay(ada, "75.00", now=at(TODAY + 12 * DAY), received_on=TODAY + 12 * DAY)
        reread(plan)
        assert (plan.state, plan.ended_on) == (DebtPlanState.KEPT, TODAY + 12 * DAY)
        assert_books_whole()

    @pytest.mark.parametrize(("paid", "day", "state"), [
        ("74.99", 10, "active"), ("74.99", 11, "broken"), ("75.00", 11, "active"), ("75.00", 41, "broken"),
    ])  # fmt: skip
    def test_row_16_a_part_missed_by_the_end_of_its_day_breaks_it(self, org, ada, paid, day, state) -> None:
        bill = owed(ada, "150.00", late=1)
        plan = plan_for(ada, [bill], (10, "75"), (40, "75"))
        pay(ada, paid)
        run(org, TODAY + day * DAY)
        reread(plan)
        assert plan.state == state
        assert Notice.objects.filter(kind="debt_plan_broken").count() == (state == "broken")
        assert bool(mails(org)) is (state == "broken")

    def test_money_taken_back_wakes_a_plan_that_was_kept(self, org, ada) -> None:
        from billing.models import Allocation
        from billing.services.allocating import unallocate

        bill = owed(ada, "150.00", late=1)
        plan = plan_for(ada, [bill], (10, "150"))
        pay(ada, "150.00")
        reread(plan)
        assert plan.state == DebtPlanState.KEPT
        with transaction.atomic():
            unallocate(
                allocations=Allocation.objects.select_related("organization"), now=NOW, by=None, reason="other child"
            )
        reread(plan)
        assert (plan.state, plan.ended_on) == (DebtPlanState.ACTIVE, None)

    def test_given_up_it_rests_nothing(self, org, ada) -> None:
        bill = owed(ada, "150.00", late=1)
        plan = plan_for(ada, [bill], (10, "150"))
        with transaction.atomic():
            end_plan(plan=plan, now=NOW, by=None)
        assert case_of(bill).held_because == ""

    @pytest.mark.parametrize(("parts", "refusal"), [
        ([(10, "75"), (40, "74.99")], PartsDiffer), ([(10, "75"), (10, "75")], BadInput), ([(-1, "150")], BadInput),
        ([], BadInput),
    ])  # fmt: skip
    def test_parts_make_what_is_open_each_on_a_day_of_its_own(self, ada, parts, refusal) -> None:
        bill = owed(ada, "150.00", late=1)
        with pytest.raises(refusal):
            plan_for(ada, [bill], *parts)

    def test_the_same_key_is_one_plan_and_an_invoice_is_in_one_at_a_time(self, ada) -> None:
        bill = owed(ada, "150.00", late=1)
        assert plan_for(ada, [bill], (10, "150")) == plan_for(ada, [bill], (10, "150"))
        with pytest.raises(KeyReused):
            plan_for(ada, [bill], (11, "150"))
        with pytest.raises(InAnotherPlan):
            plan_for(ada, [bill], (10, "150"), key="k2")
        assert DebtPlan.objects.count() == 1


class TestWaiving:
    @pytest.fixture
    def fee(self, org, ada) -> LateFee:
        from tests import builders

        builders.policy(org, "late_fee.kind", "flat")
        builders.policy(org, "late_fee.amount", "15")
        owed(ada, late=1)
        run(org)
        return LateFee.objects.select_related("fee_invoice", "invoice").get()

    def waive(self, fee: LateFee, org) -> CreditMemo | None:
        clerk, manager = user(org, "clerk"), user(org, "supervisor")
        with transaction.atomic():
            asked = waiving.ask_to_waive(fee=fee, reason="first time", by=clerk, now=NOW)
        decide(asked, manager)
        with transaction.atomic():
            return waiving.carry_out_waiver(request=asked, fee=fee, by=manager, now=NOW)

    def test_an_untouched_fee_is_voided(self, org, fee) -> None:
        assert self.waive(fee, org) is None
        reread(fee.fee_invoice)
        assert fee.fee_invoice.voided_on == TODAY
        run_days(org, TODAY + DAY, TODAY + 3 * DAY)
        assert LateFee.objects.count() == 1  # and it is not billed again
        assert_books_whole()

    def test_what_is_open_of_a_part_paid_one_is_met_by_a_credit_memo(self, org, ada, fee) -> None:
        pay(ada, "5.00", by_hand=[(fee.fee_invoice, "5.00")], strategy="manual")
        memo = self.waive(fee, org)
        reread(fee.fee_invoice)
        assert memo is not None
        assert (memo.credit_item.amount, fee.fee_invoice.open_amount) == (Decimal(10), Decimal(0))
        assert_books_whole()

    def test_a_paid_one_is_not_waived(self, org, ada, fee) -> None:
        pay(ada, "15.00", by_hand=[(fee.fee_invoice, "15.00")], strategy="manual")
        with pytest.raises(AlreadySo), transaction.atomic():
            waiving.ask_to_waive(fee=fee, reason="late", by=user(org, "clerk"), now=NOW)


class TestCollections:
    @pytest.mark.parametrize(("late", "opened"), [(39, False), (40, True)])
    def test_R136_a_case_is_opened_after_so_many_days(self, org, ada, late, opened) -> None:
        bill = owed(ada, late=late)
        run(org)
        assert CollectionCase.objects.exists() is opened
        assert (case_of(bill).state == CaseState.COLLECTIONS) is opened

    def test_R134_one_case_for_a_customer_and_what_comes_later_joins_it(self, org, ada) -> None:
        owed(ada, "100.00", late=40), owed(ada, "50.00", late=39)
        run(org)
        run(org, TODAY + DAY)
        case = CollectionCase.objects.get()
        assert (case.number, case.amount, case.invoices.count()) == ("COL-2026-000001", Decimal(100), 2)

    def test_R134_the_collector_is_told_of_a_payment_and_it_closes_by_itself(self, org, ada) -> None:
        owed(ada, "100.00", late=40)
        run(org)
        case = CollectionCase.objects.get()
        collector = user(org, "clerk", name="carl")
        with transaction.atomic():
            collections.assign(case=case, collector=collector, now=NOW, by=collector)
        pay(ada, "40.00"), pay(ada, "60.00")
        reread(case)
        told = Notice.objects.filter(kind="collection_paid", recipient="carl").order_by("id")
        assert [notice.body for notice in told] == [
            "US$60.00 is open now of US$100.00.",
            "US$0.00 is open now of US$100.00. All is paid, so the case is closed.",
        ]
        assert (case.state, case.outcome, case.closed_on) == (CollectionState.CLOSED, "paid", TODAY)
        assert_books_whole()

    def test_given_up_its_invoices_go_back_to_their_timelines(self, org, ada) -> None:
        bill = owed(ada, "100.00", late=40)
        run(org)
        with transaction.atomic():
            collections.close_case(case=CollectionCase.objects.get(), outcome="recalled", now=NOW, by=None)
        assert case_of(bill).state == CaseState.CHASING
        with pytest.raises(BadInput), transaction.atomic():
            case = collections.open_by_hand(
                customer=ada, invoice_ids=[bill.pk], reason="owner moved", now=NOW, by=user(org, "clerk")
            )
            collections.close_case(case=case, outcome="paid", now=NOW, by=None)

    def test_R134_handed_over_listed_and_status_taken_in_once(self, org, ada, tmp_path) -> None:
        owed(ada, "100.00", late=40)
        run(org)
        case, clerk = CollectionCase.objects.get(), user(org, "clerk")
        with transaction.atomic():
            collections.hand_over(case=case, agency="Inkasso", reference="=1+1", now=NOW, by=clerk)
        rows = commands.read_csv(agency_list(org, "Inkasso"))
        assert [(r["case_number"], r["open_amount"], r["agency_reference"]) for r in rows] == [
            (case.number, "100.00", "'=1+1")
        ]
        assert agency_list(org, "Inkasso") == agency_list(org, "Inkasso")
        file = commands.write_csv(
            tmp_path / "status.csv", "case_number,status,status_on,note,amount_paid",
            f"{case.number},reached,2026-03-12,pays in April,", f"{case.number},paid,2026-03-12,,40.00",
            "COL-9,reached,2026-03-12,,", f"{case.number},reached,12 March,,", f"{case.number},,2026-03-12,,",
        )  # fmt: skip
        first = commands.run("import_agency_status", file, "--organization", org.code)
        again = commands.run("import_agency_status", file, "--organization", org.code)
        assert (first.code, first.out.strip()) == (2, "statuses: 2 new, 0 known already, 3 refused")
        assert "line 4: There is no collection case COL-9." in first.err
        assert again.out.strip() == "statuses: 0 new, 2 known already, 3 refused"
        reread(case)
        assert case.agency_status == "paid"
        assert CollectionNote.objects.filter(case=case, source__startswith="agency:").count() == 2
        with pytest.raises(BadInput), transaction.atomic():
            collections.assign(case=case, collector=user(org, "accountant"), now=NOW, by=clerk)

    @pytest.mark.parametrize("content", [
        b"\xff\xfe\x00", b"case_number,status\nCOL-1,reached\n",
        b"case_number,status,status_on\nCOL\x00-1,reached,2026-03-12\n",
    ])  # fmt: skip
    def test_a_file_that_is_no_list_is_refused_whole(self, org, tmp_path, content) -> None:
        file = tmp_path / "picture.csv"
        file.write_bytes(content)
        assert commands.run("import_agency_status", file, "--organization", org.code).code == 1


class TestByHand:
    def test_row_14_send_now_takes_the_same_steps_as_the_clock(self, org, ada) -> None:
        from tests import builders

        builders.policy(org, "late_fee.kind", "flat")
        builders.policy(org, "late_fee.amount", "15")
        bill = owed(ada, late=5)
        from billing.services.chasing.timelines import recompute

        with transaction.atomic():
            recompute(organization=org, invoice_ids=[bill.pk], now=NOW, by=None)
            by_hand.send_now(case=case_of(bill), step="level_1", now=NOW, by=user(org, "clerk"))
        assert sorted(steps_of(bill)) == ["late_fee_1", "level_1"]
        with transaction.atomic():
            by_hand.send_now(case=case_of(bill), step="level_2", now=at(TODAY + DAY), by=user(org, "clerk"))
        assert taken_on(bill)["level_2"] == 6
        run_days(org, TODAY + DAY, TODAY + 6 * DAY)
        assert LateFee.objects.count() == 1 and steps_of(bill).count("level_2") == 1

    def test_the_gate_holds_the_hand_too(self, org, ada) -> None:
        bill = owed(ada, late=5)
        run(org)
        pay(ada, "200.00", strategy="none")
        with pytest.raises(by_hand.Waits, match="unapplied credit covers it"), transaction.atomic():
            by_hand.send_now(case=case_of(bill), step="level_2", now=NOW, by=user(org, "clerk"))

    def test_a_step_is_passed_over_once_and_only_the_one_that_was_shown(self, org, ada) -> None:
        from billing.errors import StaleState

        bill = owed(ada, late=5)
        run(org)
        clerk = user(org, "clerk")
        with transaction.atomic():
            by_hand.skip_step(case=case_of(bill), step="level_2", now=NOW, by=clerk)
        assert (steps_of(bill, "skipped"), case_of(bill).next_step) == (["level_2"], "level_3")
        with pytest.raises(StaleState), transaction.atomic():
            by_hand.skip_step(case=case_of(bill), step="level_2", now=NOW, by=clerk)
