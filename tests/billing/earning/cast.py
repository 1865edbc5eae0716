"""Lessons told of, premiums paid and teachers for tests of earnings."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from django.db import transaction

from billing.models import Agreement, Attendance, Earning, Invoice, Lesson, LessonSeat, PayoutBatch, Provider
from billing.models.plan import AgreementKind
from billing.office.models import Organization, User
from billing.office.models.policy import Scope
from billing.services.earning.accruing import Accrued, accrue_earnings
from billing.services.earning.payouts import approve_batch, ask_to_pay, pay_batch, prepare_payouts
from tests import builders
from tests.agreements import agreement, lessons, plan, provider
from tests.billing.teaching.desk import tell as told
from tests.builders import NOW, TODAY
from tests.deeds import decide

_serial = count(1)
LESSON_AT = datetime(2026, 3, 10, 20, 0, tzinfo=UTC)


def rate(one: Provider, key: str, value: Any) -> None:
    """A setting of one provider."""
    builders.policy(one.organization, key, value, scope=Scope.PROVIDER, scope_key=one.pk)


def lesson(teacher: Provider, *agreements: Agreement, starts_at: datetime = LESSON_AT) -> list[LessonSeat]:
    """A half-hour lesson with a seat for each agreement."""
    org = teacher.organization
    made = Lesson.objects.create(
        organization=org, provider=teacher, reference=f"L{next(_serial)}", title="Piano", starts_at=starts_at,
        minutes=30, is_group=len(agreements) > 1, made_at=NOW,
    )  # fmt: skip
    return [sit(made, of) for of in agreements]


def sit(of: Lesson, agreement: Agreement) -> LessonSeat:
    assert agreement.student is not None
    return LessonSeat.objects.create(
        organization=of.organization, lesson=of, agreement=agreement, student=agreement.student
    )


def one_lesson(teacher: Provider, price: str = "40.00", **details: Any) -> LessonSeat:
    """A lesson of a family of its own."""
    return lesson(teacher, lessons(builders.customer(teacher.organization), price), **details)[0]


def tell(seat: LessonSeat, status: str, notice: str | None = None, *, now: datetime = NOW) -> Attendance:
    """What became of a seat; the second time it is a correction."""
    reason = "the teacher mixed up two names" if seat.attendance.exists() else ""
    return told(seat, status, notice, now=now, reason=reason)


def accrue(org: Organization, now: datetime = NOW) -> Accrued:
    return accrue_earnings(organization=org, now=now)


def earned(one: Provider) -> list[tuple[str, Decimal]]:
    """(kind, amount) of everything a provider earned, in order."""
    return list(Earning.objects.filter(provider=one).order_by("pk").values_list("kind", "amount"))


def amounts(one: Provider) -> list[str]:
    return [f"{amount:.2f}" for _kind, amount in earned(one)]


# Premiums


def agent(org: Organization, name: str = "Ann Agent", **details: Any) -> Provider:
    return provider(org, name, kind="agent", **details)


def policy_of(seller: Provider, starts_on: date = date(2026, 1, 1)) -> Agreement:
    """An insurance policy that an agent sold."""
    org = seller.organization
    return agreement(
        builders.customer(org), plan(org, "100.00", kind=AgreementKind.POLICY), starts_on=starts_on, provider=seller
    )


def premium(
    of: Agreement, net: str = "100.00", *, tax_rate: str = "0", period_start: date = date(2026, 1, 1), **details: Any
) -> Invoice:
    return builders.invoice(
        of.customer, net, tax_rate=tax_rate, agreement_id=of.pk, period_start=period_start,
        period_end=period_start + timedelta(days=27), **details,
    )  # fmt: skip


# Payouts


def prepare(
    org: Organization, until: date = TODAY, *, by: User | None = None, key: str = "", **details: Any
) -> PayoutBatch:
    details.setdefault("now", NOW)
    with transaction.atomic():
        return prepare_payouts(
            organization=org, earned_until=until, currency=details.pop("currency", org.currency),
            request_key=key or f"batch-{next(_serial)}", by=by, **details,
        )  # fmt: skip


def approve(batch: PayoutBatch, maker: User, checker: User, now: datetime = NOW) -> PayoutBatch:
    with transaction.atomic():
        request = ask_to_pay(batch=batch, reason="month end", by=maker, now=now)
    return carry_out(decide(request, checker, now=now), checker, now)


def carry_out(request: Any, checker: User, now: datetime = NOW) -> PayoutBatch:
    with transaction.atomic():
        return approve_batch(request=request, by=checker, now=now)


def pay_out(batch: PayoutBatch, paid_on: date = TODAY, **details: Any) -> PayoutBatch:
    with transaction.atomic():
        return pay_batch(
            batch=batch, paid_on=paid_on, bank_reference="ACH 77", now=details.pop("now", NOW), by=None, **details
        )


def paid_out_to(org: Organization, until: date = TODAY, now: datetime = NOW) -> PayoutBatch:
    """Prepared, approved and paid by three people."""
    maker, checker = builders.user(org, "school_admin"), builders.user(org, "finance_manager")
    return pay_out(approve(prepare(org, until, by=maker, now=now), maker, checker, now), now=now)
