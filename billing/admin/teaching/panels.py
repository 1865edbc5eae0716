"""Lessons and credits on the pages of the agreement and of the customer they belong to (R83)."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from billing.admin.base import ConsoleRequest, may_here
from billing.admin.panels import panel
from billing.models import Agreement, AgreementKind, Attendance, Customer, LessonCredit
from billing.models.agreement import RUNNING
from billing.models.lesson import LessonCreditKind
from billing.office import clock
from billing.selectors.customer_traces import has

SHOWN = 12


@panel("agreement", "console/lessons/panel.html", order=30)
def _of_agreement(request: ConsoleRequest, agreement: Agreement) -> dict[str, Any] | None:
    """What is left of the package, credit, and the latest lessons. Three queries."""
    mine = Q(agreement=agreement)
    if agreement.student_id:
        mine |= Q(student_id=agreement.student_id, customer_id=agreement.customer_id)
    told = Attendance.objects.filter(seat__agreement=agreement)
    packages = [agreement] if agreement.kind == AgreementKind.PACKAGE else []
    return _panel(request, packages, LessonCredit.objects.filter(mine), told)


@panel("customer", "console/lessons/panel.html", order=35)
def _of_customer(request: ConsoleRequest, customer: Customer) -> dict[str, Any] | None:
    """Packages with lessons left, credit, and the latest lessons of all children. Three queries."""
    if not may_here(request, "manage_agreements") or not has(customer, "lessons"):
        return None
    packages = Agreement.objects.filter(customer=customer, kind=AgreementKind.PACKAGE, state__in=RUNNING)
    told = Attendance.objects.filter(seat__agreement__customer=customer)
    found = list(packages.select_related("student").order_by("-id")[:SHOWN])
    return _panel(request, found, LessonCredit.objects.filter(customer=customer), told)


def _panel(
    request: ConsoleRequest, packages: list[Agreement], credits: QuerySet[LessonCredit], told: QuerySet[Attendance]
) -> dict[str, Any] | None:
    """None where there was never a lesson."""
    today = request.organization.today(clock.now())
    heads = told.filter(replaced_by__isnull=True).select_related("seat__lesson", "seat__student")
    rows = list(heads.order_by("-seat__lesson__starts_at")[: SHOWN + 1])
    kept = list(credits.select_related("student", "credit_memo__credit_item").order_by("-id")[: SHOWN + 1])
    if not (packages or rows or kept):
        return None
    return {
        "packages": packages, "today": today, "credits": [_credit(one, today) for one in kept[:SHOWN]],
        "told": [{"told": row, "look": f"attendance.{row.status}"} for row in rows[:SHOWN]],
        "more": len(rows) > SHOWN or len(kept) > SHOWN,
    }  # fmt: skip


def _credit(credit: LessonCredit, today: date) -> dict[str, Any]:
    is_money = credit.kind == LessonCreditKind.MONEY
    item = credit.credit_memo.credit_item if credit.credit_memo is not None else None
    look = look_of(credit, today)
    return {"credit": credit, "left": left_of(credit), "is_money": is_money, "item": item, "look": look}


def left_of(credit: LessonCredit) -> Decimal:
    """Lessons or minutes; of money what the credit memo still has."""
    return credit.left if credit.credit_memo is None else credit.credit_memo.credit_item.unapplied_amount


def look_of(credit: LessonCredit, today: date) -> str:
    """The state of a credit as a word of words_and_colours."""
    if credit.withdrawn_on is not None:
        return "lesson_credit.withdrawn"
    if credit.expired_on is not None or (credit.expires_on is not None and credit.expires_on < today):
        return "lesson_credit.expired"
    return "lesson_credit.open" if left_of(credit) else "lesson_credit.used"
