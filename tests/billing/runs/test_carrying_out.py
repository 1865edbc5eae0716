"""A run's bills become invoices, each once: what is issued, refused, given back, what becomes of the rest (R52)."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from billing.errors import BadInput
from billing.ledger.models import Period, PeriodState
from billing.models import Agreement, BillingRun, Charge, CreditMemo, Customer, Installment, Invoice
from billing.models.billing_run import BillingRunItem, RunKind
from billing.models.installment import ChargeKind
from billing.office.models import Organization
from billing.rules.priced import Tax
from billing.services.runs import carrying_out
from billing.services.runs.carrying_out import bill_agreements, carry_out_run
from tests import builders
from tests.agreements import agreement, installment, lessons, plan
from tests.assertions import assert_books_whole, assert_posts
from tests.billing.runs.cast import DAY, bill, charge, let_go, monthly, prepare, prepared, shared
from tests.builders import NOW, TODAY


@pytest.fixture
def school(db: None) -> Organization:
    return builders.organization("school")


@pytest.fixture
def ada(school: Organization) -> Customer:
    return builders.customer(school, "Ada")


@pytest.fixture
def ben(school: Organization) -> Customer:
    return builders.customer(school, "Ben")


def periods_of(of: Agreement) -> list[tuple[str, str]]:
    rows = Installment.objects.filter(agreement=of).order_by("period_start")
    return [(row.state, row.skipped_because) for row in rows]


def items_of(run: BillingRun) -> list[tuple[str, str, Decimal]]:
    return [(item.state, item.reason, item.amount) for item in run.items.order_by("ordinal")]


def past_month(of: Agreement) -> Installment:
    """Thirty days that ended yesterday, of which four lessons at 40.00 were expected."""
    return installment(
        of, "160.00", is_estimate=True, period_start=TODAY - 30 * DAY, period_end=TODAY - DAY, bill_on=TODAY
    )


class TestInvoices:
    def test_R52_a_period_becomes_an_invoice_of_its_agreement(self, school: Organization, ada: Customer) -> None:
        of = agreement(ada, plan(school, department="music", project="strings"))
        period = installment(of, "90.00", due_on=TODAY + 14 * DAY, bill_on=TODAY)
        outcome = bill(school)
        invoice = Invoice.objects.get()
        assert (invoice.agreement, invoice.period_start, invoice.period_end) == (
            of, period.period_start, period.period_end,
        )  # fmt: skip
        assert (invoice.issued_on, invoice.due_on, invoice.invoiced_amount) == (TODAY, period.due_on, Decimal("90.00"))
        assert (invoice.kind, invoice.department, invoice.project) == ("sale", "music", "strings")
        line = invoice.lines.get()
        assert (line.description, line.explanation) == ("Tuition", "Your share of it is 100 %.")
        assert line.derivation == [{"code": "share", "percent": "100"}]
        assert periods_of(of) == [("billed", "")]
        assert (outcome.invoices, outcome.is_done, outcome.run.state) == (1, True, "done")
        assert items_of(outcome.run) == [("billed", "", Decimal("90.00"))]
        assert_posts(school, "2026-03-12 accounts_receivable Dr 90.00  revenue Cr 90.00")
        assert_books_whole()

    def test_the_line_is_explained_in_the_payers_language(self, school: Organization, ada: Customer) -> None:
        ada.language = "zh-hant"
        ada.save()
        charge(monthly(ada), "12.00", kind=ChargeKind.ONE_OFF)
        bill(school)
        day = Invoice.objects.get().lines.get(ordinal=2).explanation
        assert "2026年3月12日" in day
        assert translation.get_language() == "en"

    def test_R52_what_should_have_been_due_is_due_on_its_issue(self, school: Organization, ada: Customer) -> None:
        monthly(ada, due_on=TODAY)
        late = prepared(school, issue_on=TODAY + DAY, is_approved=True)
        assert late.items.get().oddities == ["late", "first"]
        carry_out_run(run=late, now=NOW, by=None)
        invoice = Invoice.objects.get()
        assert (invoice.issued_on, invoice.due_on) == (TODAY + DAY, TODAY + DAY)
        assert_books_whole()

    def test_a_run_that_goes_out_later_is_dated_on_that_day(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school, is_approved=True)
        carry_out_run(run=run, now=NOW + 3 * DAY, by=None)
        assert Invoice.objects.get().issued_on == TODAY + 3 * DAY

    def test_in_a_closed_month_it_posts_on_the_next_open_day(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        Period.objects.create(organization=school, month=date(2026, 3, 1), state=PeriodState.CLOSED)
        bill(school)
        assert Invoice.objects.get().issued_on == TODAY
        assert_posts(school, "2026-04-01 accounts_receivable Dr 90.00  revenue Cr 90.00")
        assert_books_whole()

    def test_credit_that_waits_is_applied_where_the_policy_says_so(self, school: Organization, ada: Customer) -> None:
        builders.policy(school, "allocation.auto_apply_credit", True)
        builders.pay(ada, "50.00")
        monthly(ada)
        bill(school)
        assert Invoice.objects.get().open_amount == Decimal("40.00")
        assert_books_whole()


class TestPayers:
    def test_two_payers_have_a_bill_each_and_the_parts_add_up(
        self, school: Organization, ada: Customer, ben: Customer
    ) -> None:
        of = monthly(ada, "100.01")
        shared(of, (ada, "50"), (ben, "50"))
        bill(school)
        amounts = dict(Invoice.objects.values_list("customer__name", "invoiced_amount"))
        assert amounts == {"Ada": Decimal("50.01"), "Ben": Decimal("50.00")}  # 100.01 = 50.01 + 50.00
        assert periods_of(of) == [("billed", "")]
        assert_books_whole()

    def test_who_pays_is_asked_of_the_periods_first_day(
        self, school: Organization, ada: Customer, ben: Customer
    ) -> None:
        of = monthly(ada, period_start=date(2026, 3, 1))
        shared(of, (ben, "1"), from_on=date(2026, 3, 2))
        bill(school)
        assert Invoice.objects.get().customer == ada

    def test_the_bills_of_one_period_go_out_together_or_not_at_all(
        self, school: Organization, ada: Customer, ben: Customer
    ) -> None:
        of = monthly(ada)
        shared(of, (ada, "1"), (ben, "2"))
        run = prepared(school, is_approved=True)
        of.payers.filter(customer=ben).update(until_on=date(2026, 3, 1))
        outcome = carry_out_run(run=run, now=NOW, by=None)
        assert (outcome.invoices, outcome.refused) == (0, 2)
        assert {(state, reason) for state, reason, _amount in items_of(run)} == {("refused", "changed")}
        assert periods_of(of) == [("planned", "")]
        assert_books_whole()


class TestCharges:
    def test_charges_join_the_period_of_their_agreement(self, school: Organization, ada: Customer) -> None:
        of = monthly(ada)
        made = charge(of, "12.00", kind=ChargeKind.ONE_OFF, text="Book")
        bill(school)
        invoice = Invoice.objects.get()
        assert [(line.description, line.net_amount) for line in invoice.lines.all()] == [
            ("Tuition", Decimal("90.00")), ("Book", Decimal("12.00")),
        ]  # fmt: skip
        made.refresh_from_db()
        assert (made.state, made.item) == ("billed", BillingRunItem.objects.get())
        assert_books_whole()

    def test_charges_alone_are_due_as_long_after_issue_as_periods_are_billed_ahead(
        self, school: Organization, ada: Customer
    ) -> None:
        builders.policy(school, "billing.lead_days", 10)
        charge(agreement(ada), "12.00", kind=ChargeKind.ONE_OFF)
        bill(school)
        invoice = Invoice.objects.get()
        assert (invoice.due_on, invoice.period_start) == (TODAY + 10 * DAY, None)
        assert_books_whole()

    def test_R78_attendance_is_billed_by_what_was_attended_never_by_the_estimate(
        self, school: Organization, ada: Customer
    ) -> None:
        of = lessons(ada)
        start = past_month(of).period_start
        for day in (3, 10, 17):
            charge(of, "40.00", on=start + day * DAY)
        bill(school)
        assert Invoice.objects.get().invoiced_amount == Decimal("120.00")  # 3 × 40.00, of 4 expected
        assert periods_of(of) == [("billed", "")]
        assert_books_whole()

    def test_R78_a_period_in_which_nothing_was_attended_is_not_billed(
        self, school: Organization, ada: Customer
    ) -> None:
        of = lessons(ada)
        past_month(of)
        outcome = bill(school)
        assert (outcome.invoices, outcome.skipped, outcome.refused) == (0, 1, 0)
        assert periods_of(of) == [("skipped", "Nothing was attended.")]
        assert items_of(outcome.run) == [("refused", "nothing_attended", Decimal("0.00"))]
        assert_books_whole()

    def test_a_lesson_told_after_the_run_was_shown_keeps_its_period_from_being_skipped(
        self, school: Organization, ada: Customer
    ) -> None:
        of = lessons(ada)
        past_month(of)
        run = prepared(school, is_approved=True)
        charge(of, "40.00", on=TODAY - 5 * DAY)
        carry_out_run(run=run, now=NOW, by=None)
        assert items_of(run) == [("refused", "changed", Decimal("0.00"))]
        assert periods_of(of) == [("planned", "")]
        bill(school)
        assert Invoice.objects.get().invoiced_amount == Decimal("40.00")
        assert_books_whole()

    def test_further_items_of_a_period_are_billed_though_the_lessons_in_it_are_only_expected(
        self, school: Organization, ada: Customer
    ) -> None:
        of = lessons(ada)
        period = past_month(of)
        hire = {**period.lines[0], "text": "Hire", "net": "15.00", "unit_price": "15.00",
                "steps": [{"code": "share", "percent": "100"}]}  # fmt: skip
        hire["steps"] = [{"code": "item", "price_amount": "15.00"}]
        Installment.objects.filter(pk=period.pk).update(
            lines=[*period.lines, hire], net_amount="175.00", amount="175.00"
        )
        charge(of, "40.00", on=TODAY - 5 * DAY)
        bill(school)
        assert Invoice.objects.get().invoiced_amount == Decimal("55.00")  # hire 15.00 + one lesson 40.00
        assert_books_whole()

    def test_a_lesson_waits_for_the_period_that_covers_it(self, school: Organization, ada: Customer) -> None:
        of = lessons(ada)
        installment(of, "160.00", is_estimate=True, period_start=TODAY - 10 * DAY, period_end=TODAY, bill_on=TODAY)
        lesson = charge(of, "40.00", on=TODAY - 5 * DAY)
        assert prepare(school) is None
        bill(school, TODAY + DAY, issue_on=TODAY + DAY)
        lesson.refresh_from_db()
        assert lesson.state == "billed"

    def test_more_given_back_than_billed_becomes_a_credit_memo(self, school: Organization, ada: Customer) -> None:
        of = agreement(ada)
        charge(of, "-30.00", text="Lesson of 3 March, corrected", kind=ChargeKind.ADJUSTMENT)
        outcome = bill(school)
        memo = CreditMemo.objects.get()
        assert (memo.net_amount, memo.reason) == (
            Decimal("30.00"), f"Given back for {of.number}: Lesson of 3 March, corrected",
        )  # fmt: skip
        assert (outcome.memos, outcome.run.items.get().credit_memo) == (1, memo)
        assert_posts(school, "2026-03-12 sales_returns Dr 30.00  customer_credits Cr 30.00")
        assert_books_whole()

    def test_what_comes_to_nothing_is_billed_without_a_document(self, school: Organization, ada: Customer) -> None:
        of = monthly(ada, "30.00")
        charge(of, "-30.00", kind=ChargeKind.ADJUSTMENT)
        outcome = bill(school)
        assert (outcome.invoices, outcome.memos, outcome.without_document) == (0, 0, 1)
        assert periods_of(of) == [("billed", "")]
        assert Charge.objects.get().state == "billed"
        assert_books_whole()

    def test_invoices_and_credit_memos_of_one_run(self, school: Organization, ada: Customer, ben: Customer) -> None:
        monthly(ada)
        charge(agreement(ben), "-5.00", kind=ChargeKind.ADJUSTMENT)
        outcome = bill(school)
        assert (outcome.invoices, outcome.memos) == (1, 1)
        assert_books_whole()


class TestOnce:
    def test_R52_run_twice_it_finds_nothing(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        outcome = bill(school)
        assert prepare(school) is None
        again = carry_out_run(run=outcome.run, now=NOW, by=None)
        assert (again.invoices, again.is_done) == (0, True)
        assert Invoice.objects.count() == 1

    def test_R52_two_runs_of_one_period_bill_it_once(self, school: Organization, ada: Customer) -> None:
        of = monthly(ada)
        run = prepared(school)
        with transaction.atomic():
            made = bill_agreements(organization=school, agreement_ids=[of.pk], on=TODAY, now=NOW, by=None)
        assert len(made) == 1
        let_go(run, builders.user(school, "supervisor"))
        outcome = carry_out_run(run=run, now=NOW, by=None)
        assert (outcome.invoices, outcome.refused) == (0, 1)
        assert items_of(run) == [("refused", "not_planned", Decimal("90.00"))]
        assert_books_whole()

    def test_the_database_itself_bills_a_period_once_to_a_payer(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = bill(school).run
        item = run.items.get()
        item.pk, item.ordinal, item.invoice = None, 2, builders.invoice(ada)
        with pytest.raises(IntegrityError, match="installment_billed_once"), transaction.atomic():
            item.save(force_insert=True)

    def test_a_run_not_approved_bills_nothing(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        outcome = carry_out_run(run=prepared(school), now=NOW, by=None)
        assert (outcome.invoices, outcome.is_done) == (0, False)

    def test_a_waiting_run_is_not_prepared_again(self, school: Organization, ada: Customer) -> None:
        charge(monthly(ada), "5.00")
        prepared(school, is_approved=True)
        assert prepare(school) is None
        assert prepare(school, kind=RunKind.SUPPLEMENT) is None

    def test_most_stops_and_the_next_goes_on(self, school: Organization, ada: Customer) -> None:
        for _n in range(3):
            monthly(ada)
        run = prepared(school, is_approved=True)
        first = carry_out_run(run=run, now=NOW, by=None, most=2)
        assert (first.invoices, first.is_done) == (2, False)
        assert carry_out_run(run=run, now=NOW, by=None).is_done
        assert Invoice.objects.count() == 3


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"state": "cancelled"}, "not_planned"),
            ({"due_on": TODAY + 20 * DAY}, "changed"),
        ],
    )
    def test_what_changed_after_it_was_shown_is_not_billed(
        self, school: Organization, ada: Customer, change: dict[str, object], reason: str
    ) -> None:
        monthly(ada)
        run = prepared(school, is_approved=True)
        Installment.objects.update(**change)
        carry_out_run(run=run, now=NOW, by=None)
        assert run.items.get().reason == reason

    def test_other_lines_are_refused_and_the_next_run_bills_them(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school, is_approved=True)
        period = Installment.objects.get()
        lines = [{**period.lines[0], "net": "80.00"}]
        Installment.objects.update(lines=lines, net_amount="80.00", amount="80.00")
        assert carry_out_run(run=run, now=NOW, by=None).refused == 1
        assert bill(school).invoices == 1
        assert Invoice.objects.get().invoiced_amount == Decimal("80.00")
        assert_books_whole()

    def test_another_due_day_is_refused_and_the_next_run_bills_it(self, school: Organization, ada: Customer) -> None:
        monthly(ada)
        run = prepared(school, is_approved=True)
        Installment.objects.update(due_on=TODAY + 20 * DAY)
        assert carry_out_run(run=run, now=NOW, by=None).refused == 1
        assert bill(school).invoices == 1
        assert Invoice.objects.get().due_on == TODAY + 20 * DAY
        assert_books_whole()

    def test_where_one_payers_part_stays_as_it_was_the_next_run_still_bills_the_whole_period(
        self, school: Organization, ada: Customer, ben: Customer
    ) -> None:
        """Ada's half was refused because Ben's is Cleo's now; without it Cleo's half would be refused for ever."""
        of = monthly(ada)
        shared(of, (ada, "1"), (ben, "1"))
        run = prepared(school, is_approved=True)
        of.payers.filter(customer=ben).update(until_on=date(2026, 1, 31))
        shared(of, (builders.customer(school, "Cleo"), "1"), from_on=date(2026, 2, 1))
        assert carry_out_run(run=run, now=NOW, by=None).refused == 2
        assert bill(school).invoices == 2
        assert set(Invoice.objects.values_list("customer__name", "invoiced_amount")) == {
            ("Ada", Decimal("45.00")), ("Cleo", Decimal("45.00")),
        }  # fmt: skip
        assert_books_whole()

    def test_what_another_worker_bills_meanwhile_is_left_to_that_one(
        self, school: Organization, ada: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It could not be billed here, and is held or billed there by the time that is to be written down."""
        monthly(ada)
        run = prepared(school, is_approved=True)
        claims = iter([[run.items.get().agreement_id], []])
        monkeypatch.setattr(carrying_out, "claim_agreements", lambda *_: next(claims))

        def stopped(**_: object) -> None:
            raise BadInput("no")

        monkeypatch.setattr(carrying_out, "bill_items", stopped)
        outcome = carry_out_run(run=run, now=NOW, by=None)
        assert (outcome.refused, outcome.is_done) == (0, False)
        assert items_of(run) == [("planned", "", Decimal("90.00"))]

    def test_net_and_tax_that_only_cancel_each_other_out_are_refused(self, school: Organization, ada: Customer) -> None:
        """A lesson corrected to one without tax at the same price: 4.76 move from tax to revenue."""
        of = agreement(ada)
        untaxed = charge(of, "100.00")
        charge(of, "-95.24", kind=ChargeKind.ADJUSTMENT, tax=Tax(Decimal("0.05"), name="VAT"))  # and 4.76 of tax
        outcome = bill(school)
        assert (outcome.without_document, outcome.refused) == (0, 1)
        assert outcome.troubles == ["The amount must be more than 0."]
        untaxed.refresh_from_db()
        assert untaxed.state == "unbilled"
        assert_books_whole()

    def test_an_agreement_that_ended_meanwhile_is_refused(self, school: Organization, ada: Customer) -> None:
        of = monthly(ada)
        run = prepared(school, is_approved=True)
        Agreement.objects.filter(pk=of.pk).update(state="cancelled")
        carry_out_run(run=run, now=NOW, by=None)
        assert items_of(run) == [("refused", "not_running", Decimal("90.00"))]

    def test_a_charge_cancelled_meanwhile_is_not_billed(self, school: Organization, ada: Customer) -> None:
        made = charge(monthly(ada), "5.00")
        run = prepared(school, is_approved=True)
        Charge.objects.filter(pk=made.pk).update(state="cancelled")
        carry_out_run(run=run, now=NOW, by=None)
        assert items_of(run) == [("refused", "charge_gone", Decimal("95.00"))]

    def test_one_that_cannot_be_billed_keeps_no_other_back_and_is_not_tried_every_quarter_of_an_hour(
        self, school: Organization, ada: Customer, ben: Customer
    ) -> None:
        """A line below the smallest unit of its currency, which only the database sees."""
        bad, _good = monthly(ada), monthly(ben)
        Installment.objects.filter(agreement=bad).update(currency="TWD")
        line = Installment.objects.get(agreement=bad).lines[0] | {"net": "90.50"}
        Installment.objects.filter(agreement=bad).update(lines=[line], net_amount="90", amount="90")
        outcome = bill(school)
        assert (outcome.invoices, outcome.refused, outcome.is_done) == (1, 1, True)
        assert outcome.troubles == ["The currency has no such fraction."]
        refused = outcome.run.items.get(agreement=bad)
        assert (refused.state, refused.reason) == ("refused", "The currency has no such fraction.")
        assert prepare(school) is None
        assert prepare(school, kind=RunKind.SUPPLEMENT) is not None


class TestBillNow:
    def test_at_enrolment_the_first_period_is_billed_in_the_callers_transaction(
        self, school: Organization, ada: Customer, ben: Customer
    ) -> None:
        of, other = monthly(ada), monthly(ben)
        with transaction.atomic():
            made = bill_agreements(organization=school, agreement_ids=[of.pk], on=TODAY, now=NOW, by=None)
        assert [(i.customer, i.invoiced_amount) for i in made] == [(ada, Decimal("90.00"))]
        run = BillingRun.objects.get()
        assert (run.kind, run.state, run.items.get().agreement) == ("supplement", "done", of)
        assert periods_of(other) == [("planned", "")]
        assert_books_whole()

    def test_nothing_to_bill_makes_no_run(self, school: Organization, ada: Customer) -> None:
        of = monthly(ada)
        with transaction.atomic():
            made = bill_agreements(organization=school, agreement_ids=[of.pk], on=TODAY - DAY, now=NOW, by=None)
        assert made == []
        assert not BillingRun.objects.exists()
