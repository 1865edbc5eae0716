"""Which days are closed, what a day came to, and what happened to it since."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, QuerySet, Sum

from billing.ledger.models import JournalEntry, JournalLine
from billing.money import ZERO
from billing.office.models import Organization
from payments.models import Deposit, Payment, PaymentState, PaymentVoid
from reconciliation.models import DayClose

STANDS = (PaymentState.PROCESSED, PaymentState.PENDING, PaymentState.REFUNDED)


def standing_close(organization: Organization, day: date) -> DayClose | None:
    """The close of a day that nobody reopened. One query."""
    return standing_closes(organization, day, day).first()


def standing_closes(organization: Organization, first: date, last: date) -> QuerySet[DayClose]:
    rows = DayClose.objects.filter(organization=organization, day__range=(first, last), reopening=None)
    return rows.select_related("closed_by", "organization", "proof").order_by("day")


def days_with_movement(organization: Organization, first: date, last: date) -> list[date]:
    """Days on which something was booked. One query."""
    rows = JournalEntry.objects.filter(organization=organization, entry_date__range=(first, last))
    return sorted(set(rows.order_by().values_list("entry_date", flat=True).distinct()))


def booked_after_close(organization: Organization, closes: Sequence[DayClose]) -> dict[date, int]:
    """How many entries of each closed day were written after it was closed. A query for each; few are closed late."""
    found = {}
    for close in closes:
        late = JournalEntry.objects.filter(
            organization=organization, entry_date=close.day, posted_at__gt=close.closed_at
        ).count()
        if late:
            found[close.day] = late
    return found


def figures_of_day(organization: Organization, day: date) -> dict[str, Any]:
    """What a day came to, as it is kept with its close: amounts as text. Five queries."""
    return figures_between(organization, day, day)


def figures_between(organization: Organization, first: date, last: date) -> dict[str, Any]:
    days = (first, last)
    taken = Payment.objects.filter(organization=organization, received_on__range=days, state__in=STANDS)
    voided = PaymentVoid.objects.filter(payment__organization=organization, voided_on__range=days)
    banked = Deposit.objects.filter(organization=organization, deposited_on__range=days)
    lines = JournalLine.objects.filter(
        organization=organization, entry__organization=organization, entry__entry_date__range=days
    )
    entries = JournalEntry.objects.filter(organization=organization, entry_date__range=days)
    return {
        "payments": _rows(taken.values("method", "currency").annotate(count=Count("pk"), amount=Sum("amount"))),
        "voids": _rows(
            voided.values("payment__currency").annotate(count=Count("pk"), amount=Sum("payment__amount"))
        ),
        "deposits": _rows(banked.values("currency").annotate(count=Count("pk"), amount=Sum("total_amount"))),
        "journal": _rows(lines.values("currency").annotate(count=Count("pk"), amount=Sum("debit"))),
        "entries": entries.count(),
    }  # fmt: skip


def _rows(rows: QuerySet[Any, Any]) -> list[dict[str, Any]]:
    found = [
        {name.removeprefix("payment__"): value for name, value in row.items()}
        | {"amount": f"{row['amount'] or ZERO:.2f}"}
        for row in rows.order_by()
    ]
    return sorted(found, key=lambda row: (row["currency"], row.get("method", "")))


def last_days(organization: Organization, today: date, count: int) -> list[dict[str, Any]]:
    """The latest days, newest first, each with its close or None, and whether anything was booked. Three queries."""
    first = today - timedelta(days=count - 1)
    closes = {close.day: close for close in standing_closes(organization, first, today)}
    moved = set(days_with_movement(organization, first, today))
    days = [today - timedelta(days=back) for back in range(count)]
    return [{"day": day, "close": closes.get(day), "moved": day in moved} for day in days]
