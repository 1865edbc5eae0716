"""Days pass at a school that chases what is overdue."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from billing.models import DunningCase, DunningStep, Invoice
from billing.office.models import Notice, Organization
from billing.services.chasing.running import Chased, chase
from tests import builders
from tests.builders import TODAY

DAY = timedelta(days=1)
OLD = date(2025, 12, 1)


def at(day: date, hour: int = 12) -> datetime:
    """Noon of a day in New York."""
    return datetime.combine(day, time(hour), ZoneInfo("America/New_York"))


def school(**policies: Any) -> Organization:
    """Ladders as they are by default; an invoice may be reminded of as soon as it is issued."""
    made = builders.organization(email="office@allegro.example", phone="+1 555 0100")
    with transaction.atomic():
        for key, value in {"dunning__fresh_hours": 0, **policies}.items():
            builders.policy(made, key.replace("__", "."), value)
    return made


def owed(payer: Any, amount: str = "120.00", *, late: int, **details: Any) -> Invoice:
    """An invoice that is so many days late on TODAY; below 0: still to come."""
    details.setdefault("issued_on", OLD)
    return builders.invoice(payer, amount, due_on=TODAY - late * DAY, **details)


def run(org: Organization, day: date = TODAY, *, as_of: date | None = None) -> Chased:
    return chase(now=at(day), as_of=as_of, organization=org)[0]


def run_days(org: Organization, first: date, last: date) -> None:
    for days in range((last - first).days + 1):
        run(org, first + days * DAY)


def case_of(invoice: Invoice) -> DunningCase:
    return DunningCase.objects.select_related("invoice", "agreement").get(invoice=invoice)


def steps_of(invoice: Invoice, outcome: str = "done") -> list[str]:
    rows = DunningStep.objects.filter(case__invoice=invoice, outcome=outcome).order_by("id")
    return list(rows.values_list("step", flat=True))


def taken_on(invoice: Invoice) -> dict[str, int]:
    """Each step that was taken → how many days after the due day."""
    rows = DunningStep.objects.filter(case__invoice=invoice, outcome="done").order_by("id")
    return {step.step: (step.taken_on - invoice.due_on).days for step in rows}


def mails(org: Organization, *kinds: str) -> list[Notice]:
    rows = Notice.objects.filter(organization=org).order_by("id")
    return list(rows.filter(kind__in=kinds) if kinds else rows.filter(kind__startswith="reminder_"))


def bodies(notices: Iterable[Notice]) -> str:
    return "\n".join(notice.body for notice in notices)
