"""Two workers, and a worker beside a clerk: every step once, nothing lost, the books whole (§3 row 16)."""

from datetime import timedelta

import pytest

from billing.models import DunningStep, LateFee
from billing.models.agreement import AgreementState
from tests import agreements
from tests.assertions import assert_books_whole, reread
from tests.billing.chasing.cast import at, mails, owed, run, school
from tests.builders import TODAY, customer, pay
from tests.conftest import RunInThreads

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


def test_two_workers_take_each_step_once(run_in_threads: RunInThreads) -> None:
    org = school(late_fee__kind="flat", late_fee__amount="15", dunning__before_days="")
    payers = [customer(org, f"C{n}", email=f"c{n}@example.com") for n in range(12)]
    for payer in payers:
        owed(payer, late=1)
    done = run_in_threads(lambda n: run(org), 3)
    run(org)  # whom one worker was busy with
    assert done.errors == []
    assert LateFee.objects.count() == len(mails(org)) == 12
    assert DunningStep.objects.filter(step="level_1", case__invoice__kind="sale").count() == 12
    assert_books_whole()


def test_a_payment_beside_the_run_ends_active_whoever_is_first(run_in_threads: RunInThreads) -> None:
    org = school(dunning__suspend_days=30, dunning__final_days=0)
    ada = customer(org, email="ada@example.com")
    agreement = agreements.agreement(ada)
    owed(ada, late=30, agreement_id=agreement.pk)

    def work(n: int) -> object:
        return pay(ada, "120.00", now=at(TODAY)) if n else run(org)

    done = run_in_threads(work, 2)
    assert done.errors == []
    reread(agreement)
    assert agreement.state == AgreementState.ACTIVE
    assert_books_whole()
