"""Two at once, and killed in the middle: each period is billed once (R52)."""

import random

from django.db import transaction

from billing.management.commands import run_billing as run_billing_command
from billing.models import Agreement, BillingRun, Charge, Installment, Invoice
from billing.models.billing_run import BillingRunItem
from billing.office.models import Organization
from billing.selectors.proof import prove
from billing.services.locking import lock_customers
from billing.services.runs import carrying_out
from billing.services.runs.carrying_out import bill_agreements, carry_out_run
from billing.services.runs.driving import run_billing
from tests import builders
from tests.assertions import assert_books_whole
from tests.billing.runs.cast import charge, monthly, prepared, shared, void
from tests.builders import NOW, TODAY
from tests.conftest import RunInThreads
from tests.killing import run_and_kill

FAMILIES = 40


def school_with_bills(families: int = FAMILIES) -> Organization:
    """Each family one period; every third shares it, every fourth has a charge besides."""
    school = builders.organization("school")
    other = builders.customer(school, "Other")
    for n in range(families):
        payer = builders.customer(school, f"C{n}")
        of = monthly(payer, f"{90 + n}.01")
        if n % 3 == 0:
            shared(of, (payer, "2"), (other, "1"))
        if n % 4 == 0:
            charge(of, "5.00")
    return school


def assert_billed_once(families: int = FAMILIES) -> None:
    shares = -(-families // 3)
    assert not Installment.objects.exclude(state="billed").exists()
    assert not Charge.objects.exclude(state="billed").exists()
    assert Invoice.objects.count() == families + shares
    pairs = list(Invoice.objects.values_list("agreement_id", "customer_id"))
    assert len(set(pairs)) == len(pairs)
    assert_books_whole()


class TestAtOnce:
    def test_R52_two_workers_on_one_run(self, run_in_threads: RunInThreads, monkeypatch: object) -> None:
        monkeypatch.setattr(carrying_out, "CHUNK", 7)  # type: ignore[attr-defined]
        run = prepared(school_with_bills(), is_approved=True)
        outcomes = run_in_threads(lambda _n: carry_out_run(run=run, now=NOW, by=None), 3)
        assert outcomes.errors == []
        assert sum(outcome.bills for outcome in outcomes.results) == BillingRunItem.objects.count()
        assert {item.state for item in run.items.all()} == {"billed"}
        run.refresh_from_db()
        assert run.state == "done"
        assert_billed_once()

    def test_R52_the_job_on_two_machines(self, run_in_threads: RunInThreads) -> None:
        school_with_bills()
        outcomes = run_in_threads(lambda _n: run_billing(as_of=None, now=NOW), 2)
        assert outcomes.errors == []
        assert BillingRun.objects.count() == 1
        assert_billed_once()

    def test_R52_a_run_and_an_enrolment_of_the_same_agreements(self, run_in_threads: RunInThreads) -> None:
        school = school_with_bills(6)
        run = prepared(school)
        keys = list(run.items.values_list("agreement_id", flat=True))
        BillingRun.objects.filter(pk=run.pk).update(state="approved")

        def work(n: int) -> object:
            if n:
                return carry_out_run(run=run, now=NOW, by=None)
            with transaction.atomic():
                return bill_agreements(organization=school, agreement_ids=keys, on=TODAY, now=NOW, by=None)

        outcomes = run_in_threads(work, 2)
        assert outcomes.errors == []
        assert Invoice.objects.count() == 8
        assert not Installment.objects.exclude(state="billed").exists()

    def test_two_enrolments_that_issued_invoices_before_do_not_wait_for_each_other(
        self, run_in_threads: RunInThreads
    ) -> None:
        school = school_with_bills(8)
        payers = list(Agreement.objects.order_by("id").values_list("pk", "customer_id"))

        def work(n: int) -> object:
            with transaction.atomic():
                key, customer_id = payers[n]
                customer = lock_customers(school, [customer_id])[customer_id]
                if n % 2:
                    builders.invoice(customer, "15.00")
                return bill_agreements(organization=school, agreement_ids=[key], on=TODAY, now=NOW, by=None)

        builders.invoice(builders.customer(school), "1.00")
        assert run_in_threads(work, 8).errors == []
        assert not Installment.objects.exclude(state="billed").exists()
        assert_books_whole()

    def test_R52_one_is_voided_while_the_rest_is_billed(self, run_in_threads: RunInThreads) -> None:
        school = school_with_bills(12)
        run = prepared(school, is_approved=True)
        carry_out_run(run=run, now=NOW, by=None, most=6)
        billed = list(Invoice.objects.all()[:3])

        def work(n: int) -> object:
            return void(billed[n - 1]) if n else carry_out_run(run=run, now=NOW, by=None)

        assert run_in_threads(work, 4).errors == []
        assert BillingRunItem.objects.filter(state="voided").count() == 3
        assert_books_whole()


class TestKilled:
    def test_R52_killed_at_any_point_and_run_again_each_period_is_billed_once(self, transactional_db: None) -> None:
        families = 240
        school = school_with_bills(families)
        dice = random.Random()
        for run in range(3):
            run_and_kill(
                run_billing_command, carrying_out, now=NOW, done=Installment.objects.filter(state="billed").count,
                after=dice.randrange(30) + 40 * run, wait=dice.uniform(0, 0.05),
            )  # fmt: skip
            assert prove().holds
        left = Installment.objects.filter(state="planned").count()
        assert 0 < left < families
        run_billing(as_of=None, now=NOW, organization=school)
        assert BillingRun.objects.count() == 1
        assert_billed_once(families)
