"""A policy through its life: warned, lapsed by the nightly job, revived by a cheque, lapsed again when it bounces."""

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction

from billing.models import DunningStep
from billing.services.insurance.revival_bills import prepare_revival
from billing.tasks import CHASE_AT, chase_overdue
from tests.assertions import assert_books_whole
from tests.bank_run import at_bank, bank, bounce
from tests.billing.insurance.cast import LAPSE, LAST_OF_GRACE, at, billed, insurer, pay, reread
from tests.builders import cheque, user

pytestmark = pytest.mark.django_db


def chase(on: date) -> None:
    now = at(on).replace(minute=CHASE_AT)
    with time_machine.travel(now, tick=False):
        chase_overdue(now)


def test_R73_R115_lapsed_by_the_job_on_day_31_revived_by_cheque_lapsed_again_when_it_bounces() -> None:
    org = insurer(**{"payments__unusual_methods": [], "dunning__fresh_hours": 0})
    policy = billed(org)
    policy.customer.email = "john@example.org"
    policy.customer.save(update_fields=["email"])
    for day in range(32):
        chase(policy.starts_on + timedelta(days=day))
        policy = reread(policy)
        assert policy.state == ("active" if policy.starts_on + timedelta(days=day) <= LAST_OF_GRACE else "lapsed")
    assert policy.insurance.lapsed_on == LAPSE
    steps = list(DunningStep.objects.filter(outcome="done").order_by("id").values_list("step", flat=True))
    assert steps.index("final") < steps.index("lapse")  # warned before
    on = date(2026, 2, 20)
    with transaction.atomic():
        prepare_revival(agreement=policy, on=on, now=at(on), by=None)
    paper: Any = pay(policy, "15270.00", on, method="cheque", cheque=cheque("778", cheque_date=on)).payment.cheque
    policy = reread(policy)
    assert (policy.state, policy.insurance.revived_on) == ("active", on)
    later = date(2026, 2, 25)
    at_bank(bank(org), [paper], later, now=at(later))
    bounce(paper, user(org, "clerk"), user(org, "supervisor"), on=later, now=at(later))
    policy = reread(policy)
    assert (policy.state, policy.insurance.lapsed_on) == ("lapsed", later)
    assert_books_whole()
