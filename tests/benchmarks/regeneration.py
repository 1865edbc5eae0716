"""The future of ten thousand monthly agreements computed anew after a setting changed, with the list of differences."""

import csv
import os
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any

from django.db import transaction

from billing.bulk import insert_rows
from billing.models import Agreement, AgreementChange, AgreementTerms, Installment, Plan, PlanPrice, Student
from billing.office.policies import set_policy
from billing.services.plans.regenerating import (
    CHUNK,
    HEADER,
    carry_on_regeneration,
    changes_of,
    difference_rows,
    start_regeneration,
)
from billing.services.plans.scheduling import rebuild_schedules
from tests.benchmarks.ground import NOW, TODAY, Figure, analyze, make_customers, make_organization, seconds

ROWS = int(os.environ.get("BENCH_ROWS", 10_000))
GOAL_SECONDS = 60
FIRST, LAST = date(2026, 4, 1), date(2027, 3, 31)  # twelve periods, all to come
ITEMS = [{"text": "Sheet music", "amount": "5.00", "tax_code": None, "once": False, "prorated": False}]


def run() -> list[Figure]:
    organization = make_organization("regeneration")
    _enrol(organization)
    analyze()
    _set(organization, "agreements.due_days", 5)
    ours, rows = 0.0, 0

    def all_of_it() -> None:
        nonlocal rows
        with transaction.atomic():
            begun = start_regeneration(
                organization=organization, reason="due five days later", request_key="bench", now=NOW, by=None
            )
        done = carry_on_regeneration(regeneration=begun, now=NOW)
        assert done.changed == ROWS, done.changed
        file = csv.writer(StringIO())
        file.writerow(HEADER)
        for row in difference_rows(changes_of(done)):
            file.writerow(row)
            rows += 1

    ours = seconds(all_of_it)
    assert rows == Installment.objects.count() == ROWS * 12
    analyze()
    again = seconds(lambda: _again(organization))
    return [
        Figure(
            f"regeneration, {ROWS:,} agreements by {CHUNK}", ours, "s", goal=f"< {GOAL_SECONDS} s for 10,000",
            met=ours * 10_000 / ROWS < GOAL_SECONDS,
            note=f"{ROWS / ours:,.0f} agreements/s, every period differs; with a list of {rows:,} differences",
        ),
        Figure(f"regeneration, {ROWS:,} that stay as they are", again, "s"),
    ]  # fmt: skip


def _again(organization: Any) -> None:
    with transaction.atomic():
        begun = start_regeneration(organization=organization, reason="again", request_key="again", now=NOW, by=None)
    assert carry_on_regeneration(regeneration=begun, now=NOW).changed == 0


def _set(organization: Any, key: str, value: Any) -> None:
    with transaction.atomic():
        set_policy(organization=organization, key=key, value=value, now=NOW, by=None)


def _enrol(organization: Any) -> None:
    """Agreements of as many families and two prices, each with its schedule."""
    plans = [
        Plan.objects.create(
            organization=organization, code=f"piano-{price}", name="Piano", kind="subscription", line_text="Tuition",
            state="active", made_at=NOW,
        )
        for price in (90, 120)
    ]  # fmt: skip
    for plan, price in zip(plans, (90, 120), strict=True):
        PlanPrice.objects.create(
            organization=organization, plan=plan, frequency="monthly", effective_on=FIRST, currency="USD",
            amount=Decimal(price), made_at=NOW,
        )  # fmt: skip
    customers = make_customers(organization, ROWS, "G")
    students = Student.objects.bulk_create(
        Student(organization=organization, customer_id=pk, code=f"S{n:06d}", name=f"Student {n}")
        for n, pk in enumerate(customers)
    )
    agreements = insert_rows(
        Agreement,
        [
            Agreement(
                organization=organization, customer_id=pk, student=students[n], plan=plans[n % 2],
                number=f"AGR-{n:08d}", kind="subscription", basis="schedule", frequency="monthly", currency="USD",
                starts_on=FIRST, anchor_on=FIRST, ends_on=LAST, state_since=FIRST, made_at=NOW,
            )
            for n, pk in enumerate(customers)
        ],
    )  # fmt: skip
    insert_rows(
        AgreementTerms,
        [
            AgreementTerms(
                organization=organization, agreement=one, effective_on=FIRST, plan_id=one.plan_id, frequency="monthly",
                currency="USD", price=Decimal((90, 120)[n % 2]), items=ITEMS, made_at=NOW,
            )
            for n, one in enumerate(agreements)
        ],
    )  # fmt: skip
    keys = [one.pk for one in agreements]
    for start in range(0, len(keys), 1000):
        with transaction.atomic():
            rebuild_schedules(
                organization=organization, agreement_ids=keys[start : start + 1000], kind="started", reason="",
                effective_on=TODAY, now=NOW, by=None,
            )  # fmt: skip
    assert AgreementChange.objects.count() == ROWS
