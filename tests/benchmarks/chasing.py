"""A run of reminders over customers who are all late: timelines opened, a reminder and a late fee for each."""

import os
from datetime import timedelta

from django.db import transaction

from billing.services.chasing.running import chase
from tests.benchmarks.ground import (
    NOW,
    Figure,
    analyze,
    bill,
    make_customers,
    make_organization,
    seconds,
)

ROWS = int(os.environ.get("BENCH_ROWS", 5_000))
A_SECOND = 100


def run() -> list[Figure]:
    """The first run does all the work, the second finds nothing due; then half of it is paid and a day passes."""
    from billing.models import DunningStep, LateFee
    from billing.office.policies import set_policy

    organization = make_organization("chasing")
    with transaction.atomic():
        for key, value in (("dunning.grace_days", 0), ("dunning.suspend_days", 0)):
            set_policy(organization=organization, key=key, value=value, now=NOW, by=None)
    payers = make_customers(organization, ROWS, "L")
    bill(organization, payers, 1)
    analyze()
    later = NOW + timedelta(days=60)
    first = seconds(lambda: chase(now=later, organization=organization))
    taken, fees = DunningStep.objects.filter(outcome="done").count(), LateFee.objects.count()
    assert fees == ROWS, "each is charged once"
    again = seconds(lambda: chase(now=later + timedelta(days=1), organization=organization))
    return [
        Figure(
            "customers chased", ROWS / first, "/s", goal=f"{A_SECOND} a second", met=ROWS / first >= A_SECOND,
            note=f"{taken:,} steps, {fees:,} late fees",
        ),
        Figure("a run in which only the fees are new", again, "s"),
    ]  # fmt: skip
