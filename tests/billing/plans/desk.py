"""Deeds on agreements as a door does them, and their rows in words."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db import transaction

from billing.models import Agreement, AgreementChange, Charge, Customer, DiscountRule, Installment, Plan, Student
from billing.models.installment import InstallmentState
from billing.services.plans.enrolling import EnrolmentOrder, enrol
from billing.services.plans.scheduling import rebuild_schedules
from billing.services.runs.carrying_out import bill_agreements
from tests.builders import NOW

T = TypeVar("T")
_serial = iter(range(1, 10**9))


def done(service: Callable[..., T], **details: Any) -> T:
    """A service in a transaction of its own, at NOW unless told otherwise."""
    details.setdefault("now", NOW)
    details.setdefault("by", None)
    with transaction.atomic():
        return service(**details)


def order(payer: Customer, plan: Plan, student: Student | None = None, **details: Any) -> EnrolmentOrder:
    """From 1 April 2026 on, monthly."""
    details.setdefault("starts_on", date(2026, 4, 1))
    details.setdefault("frequency", "monthly")
    details.setdefault("request_key", f"enrol-{next(_serial)}")
    details.setdefault("student_id", student.pk if student else None)
    return EnrolmentOrder(organization=payer.organization, customer_id=payer.pk, plan_id=plan.pk, **details)


def enrolled(payer: Customer, plan: Plan, student: Student | None = None, **details: Any) -> Agreement:
    return done(enrol, order=order(payer, plan, student, **details))


def rebuild(
    *of: Agreement, kind: str = "regenerated", on: date | None = None, now: datetime = NOW
) -> list[AgreementChange]:  # fmt: skip
    return done(
        rebuild_schedules, organization=of[0].organization, agreement_ids=[one.pk for one in of], kind=kind,
        reason="test", effective_on=on or min(one.starts_on for one in of), now=now,
    )  # fmt: skip


def rows(of: Agreement) -> list[str]:
    """Every period that was not cancelled."""
    found = Installment.objects.filter(agreement=of).exclude(state=InstallmentState.CANCELLED).order_by("period_start")
    return [f"{i.ordinal} {i.period_start}..{i.period_end} due {i.due_on} {i.amount} {i.state}" for i in found]


def amounts(of: Agreement) -> list[str]:
    found = Installment.objects.filter(agreement=of, state__in=["planned", "billed"]).order_by("period_start")
    return [f"{i.amount}" for i in found]


def bill(of: Agreement, *ordinals: int) -> None:
    """Bill periods on the day they are billed, through the real service, with what is due before them."""
    rows = Installment.objects.filter(agreement=of, ordinal__in=ordinals)
    bill_one(of, max(row.bill_on for row in rows))
    assert {row.state for row in rows.all()} == {InstallmentState.BILLED}


def charges(of: Agreement) -> list[str]:
    return [f"{c.net_amount + c.tax_amount}" for c in Charge.objects.filter(agreement=of).order_by("id")]


def discount(of: Any, percent: str, cause: str, **details: Any) -> DiscountRule:
    details.setdefault("starts_on", date(2020, 1, 1))
    return DiscountRule.objects.create(
        organization=of, code=f"d{next(_serial)}", name=details.pop("name", f"{cause} discount"), cause=cause,
        percent=Decimal(percent), **details,
    )  # fmt: skip


def bill_one(of: Agreement, on: date) -> None:
    """Bill what is due by a day, through the real service."""
    done(bill_agreements, organization=of.organization, agreement_ids=[of.pk], on=on)
