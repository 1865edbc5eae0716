"""Planned periods billed by attendance are expected to come to what was told and what is still to come (R55)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing.models import Agreement, AgreementChange, Installment
from billing.models.agreement import ChangeKind
from billing.rules.explaining import sentences
from billing.services.plans.scheduling import rebuild_schedules
from tests.agreements import lessons
from tests.assertions import assert_books_whole
from tests.billing.teaching.desk import LATER, YESTERDAY, bill, correct, seat, tell
from tests.builders import NOW, customer, organization, policy
from tests.taxes import rate, tax_code

pytestmark = pytest.mark.django_db
D = Decimal


def planned(payer_of: Agreement) -> Agreement:
    """With its schedule: four lessons a month."""
    rebuild_schedules(
        organization=payer_of.organization, agreement_ids=[payer_of.pk], kind=ChangeKind.STARTED, reason="",
        effective_on=payer_of.starts_on, now=NOW, by=None,
    )  # fmt: skip
    return payer_of


def march(of: Agreement) -> Installment:
    return Installment.objects.get(agreement=of, period_start=date(2026, 3, 1))


def test_R55_what_was_told_takes_the_place_of_what_was_expected() -> None:
    org = organization()
    policy(org, "lessons.no_show_percent", "50")
    of = planned(lessons(customer(org)))
    assert march(of).net_amount == D("160.00")  # 4 × 40.00
    tell(seat(of, YESTERDAY - timedelta(days=7)), "no_show")
    assert march(of).net_amount == D("140.00")  # 20.00 + 3 × 40.00
    told = seat(of)
    tell(told, "student_cancelled", "24")
    assert march(of).net_amount == D("100.00")  # 20.00 + 0.00 + 2 × 40.00
    correct(told, "attended", now=NOW)
    assert march(of).net_amount == D("140.00")  # 20.00 + 40.00 + 2 × 40.00
    words = [sentences(line["steps"], "USD")[-1] for line in march(of).lines]
    assert words == ["Lessons told so far: 2.", "Lessons still expected: 2."]
    assert march(of).is_estimate
    assert_books_whole()


def test_R55_each_change_of_what_is_owed_is_written_down() -> None:
    org = organization()
    policy(org, "lessons.no_show_percent", "50")
    of = planned(lessons(customer(org)))
    tell(seat(of), "attended")
    assert AgreementChange.objects.filter(kind="attendance").count() == 0  # as expected: nothing changed
    tell(seat(of), "no_show")
    change = AgreementChange.objects.get(kind="attendance")
    assert change.difference == [
        {"period_start": "2026-03-01", "due_on": change.difference[0]["due_on"], "was": "160.00", "is": "140.00"}
    ]


def test_R55_more_lessons_than_expected_and_other_months_untouched() -> None:
    of = planned(lessons(customer(organization())))
    for n in range(5):
        tell(seat(of, YESTERDAY - timedelta(days=n)), "attended")
    assert march(of).net_amount == D("200.00")  # 5 × 40.00
    april = Installment.objects.get(agreement=of, period_start=date(2026, 4, 1))
    assert april.net_amount == D("160.00")


def test_R55_planning_anew_keeps_what_was_told() -> None:
    of = planned(lessons(customer(organization())))
    tell(seat(of), "teacher_cancelled")
    planned(of)
    assert march(of).net_amount == D("120.00")  # 0.00 + 3 × 40.00


def test_R55_with_tax_and_what_is_billed_is_what_was_attended() -> None:
    org = organization()
    raw = lessons(customer(org))
    raw.plan.tax_code = rate(tax_code(org), "0.05").tax_code
    raw.plan.save(update_fields=["tax_code"])
    of = planned(raw)
    tell(seat(of), "attended")
    tell(seat(of, YESTERDAY - timedelta(days=1)), "teacher_cancelled")
    assert march(of).amount == D("126.00")  # (40.00 + 0.00 + 2 × 40.00) × 1.05
    invoices = bill(of, now=LATER)
    assert [invoice.invoiced_amount for invoice in invoices if invoice.period_start == date(2026, 3, 1)] == [D("42.00")]
    assert march(of).state == "billed"
    assert_books_whole()


def test_R55_a_part_of_a_month_expects_a_part_of_its_lessons() -> None:
    of = planned(lessons(customer(organization()), starts_on=date(2026, 3, 16), anchor_on=date(2026, 3, 1)))
    first = Installment.objects.get(agreement=of, period_start=date(2026, 3, 16))
    assert first.net_amount == D("82.58")  # 160.00 × 16 / 31
    later = seat(of, YESTERDAY + timedelta(days=6))
    tell(later, "attended", now=LATER - timedelta(days=10))
    first.refresh_from_db()
    assert first.net_amount == D("82.58")  # 40.00 + 82.58 × (64/31 − 1) / (64/31) = 40.00 + 42.58
    assert_books_whole()
