"""Plans, agreements and schedules for tests that are about something else: rows as the services would write them."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from billing.models import (
    Agreement,
    AgreementKind,
    AgreementTerms,
    Basis,
    Customer,
    Frequency,
    Installment,
    Plan,
    PlanItem,
    PlanPrice,
    Provider,
    Student,
)
from billing.models.plan import PlanState
from billing.office.models import Organization
from billing.rules.priced import NO_TAX, price_line, step, total_of
from tests.builders import NOW, TODAY

_serial = count(1)


def student(payer: Customer, name: str = "Anna", **details: Any) -> Student:
    code = details.pop("code", "") or f"S{next(_serial):05d}"
    return Student.objects.create(organization=payer.organization, customer=payer, code=code, name=name, **details)


def provider(org: Organization, name: str = "Tess Teacher", *, kind: str = "teacher", **details: Any) -> Provider:
    code = details.pop("code", "") or f"T{next(_serial):05d}"
    return Provider.objects.create(organization=org, code=code, name=name, kind=kind, **details)


def plan(
    org: Organization, price: str = "90.00", *, kind: str = AgreementKind.SUBSCRIPTION,
    frequency: str = Frequency.MONTHLY, items: tuple[tuple[str, str], ...] = (), **details: Any,
) -> Plan:  # fmt: skip
    """A plan on offer with one price from 2020 on. items: (text, amount) of further lines."""
    details.setdefault("line_text", "Tuition")
    details.setdefault("state", PlanState.ACTIVE)
    if kind == AgreementKind.PACKAGE:
        details.setdefault("package_size", 10)
        frequency = Frequency.PACKAGE
    made = Plan.objects.create(
        organization=org, code=f"plan-{next(_serial)}", name=details.pop("name", "Piano"), kind=kind, made_at=NOW,
        **details,
    )  # fmt: skip
    PlanPrice.objects.create(
        organization=org, plan=made, frequency=frequency, effective_on=date(2020, 1, 1), currency=org.currency,
        amount=Decimal(price), made_at=NOW,
    )  # fmt: skip
    for ordinal, (text, amount) in enumerate(items, 1):
        PlanItem.objects.create(
            organization=org, plan=made, ordinal=ordinal, line_text=text, currency=org.currency, amount=Decimal(amount)
        )
    return made


def agreement(
    payer: Customer, of: Plan | None = None, *, starts_on: date = date(2026, 1, 1), price: str = "", **details: Any
) -> Agreement:
    """A running agreement with terms and no schedule yet."""
    org = payer.organization
    of = of or plan(org)
    offered = of.prices.latest("id")
    details.setdefault("number", f"AGR-TEST-{next(_serial):05d}")
    details.setdefault("anchor_on", starts_on)
    details.setdefault("dunning_owner", details.get("backend", "native"))
    made = Agreement.objects.create(
        organization=org, customer=payer, plan=of, kind=of.kind, basis=of.basis,
        frequency=details.pop("frequency", offered.frequency), currency=org.currency, starts_on=starts_on,
        state_since=starts_on, package_size=of.package_size, made_at=NOW, **details,
    )  # fmt: skip
    AgreementTerms.objects.create(
        organization=org, agreement=made, effective_on=starts_on, plan=of, frequency=made.frequency,
        currency=org.currency, price=Decimal(price or offered.amount), made_at=NOW,
        items=[
            {"text": item.line_text, "amount": f"{item.amount:.2f}", "tax_code": item.tax_code_id, "once": item.is_once,
             "prorated": item.is_prorated}
            for item in of.items.all()
        ],
    )  # fmt: skip
    return made


def lessons(payer: Customer, price: str = "40.00", **details: Any) -> Agreement:
    """An agreement for lessons billed by attendance: `price` a lesson, for a student of its own, by a teacher."""
    org = payer.organization
    of = plan(org, price, kind=AgreementKind.LESSONS, basis=Basis.ATTENDANCE, lessons_per_period=4, lesson_minutes=30)
    details.setdefault("student", student(payer))
    return agreement(payer, of, **details)


def installment(of: Agreement, amount: str = "90.00", *, due_on: date = TODAY, **details: Any) -> Installment:
    """One planned period of a month before `due_on`'s next, of one line without tax."""
    line = price_line("Tuition", Decimal(amount), of.currency, NO_TAX, steps=[step("share", percent="100")])
    net, tax, discount = total_of([line])
    details.setdefault("period_start", due_on)
    details.setdefault("period_end", details["period_start"] + timedelta(days=29))
    details.setdefault("bill_on", due_on - timedelta(days=14))
    return Installment.objects.create(
        organization=of.organization, agreement=of, ordinal=details.pop("ordinal", next(_serial)), due_on=due_on,
        currency=of.currency, net_amount=net, tax_amount=tax, discount_amount=discount, amount=net + tax,
        lines=[line.to_json()], **details,
    )  # fmt: skip
