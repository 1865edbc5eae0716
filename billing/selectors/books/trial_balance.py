"""The trial balance of a day, whole or of one department or project, and the lines behind each figure."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from billing.ledger.models import JournalLine
from billing.money import ZERO
from billing.office.models import Organization


@dataclass(frozen=True)
class BalanceRow:
    account_id: int
    code: str
    name: str
    kind: str
    debits: Decimal
    credits: Decimal

    @property
    def debit_balance(self) -> Decimal:
        return max(self.debits - self.credits, ZERO)

    @property
    def credit_balance(self) -> Decimal:
        return max(self.credits - self.debits, ZERO)


@dataclass
class TrialBalance:
    """Of one currency. balances: whether debits and credits agree, as they must where nothing is filtered away."""

    currency: str
    rows: list[BalanceRow] = field(default_factory=list)

    @property
    def debits(self) -> Decimal:
        return sum((row.debit_balance for row in self.rows), ZERO)

    @property
    def credits(self) -> Decimal:
        return sum((row.credit_balance for row in self.rows), ZERO)

    @property
    def difference(self) -> Decimal:
        return self.debits - self.credits


@dataclass(frozen=True)
class Slice:
    """Which lines are looked at. department, project: None for all, "" for lines that carry none."""

    until: date
    since: date | None = None
    department: str | None = None
    project: str | None = None


def lines_in(organization: Organization, part: Slice) -> QuerySet[JournalLine]:
    rows = JournalLine.objects.filter(
        organization=organization, entry__organization=organization, entry__entry_date__lte=part.until
    )
    if part.since is not None:
        rows = rows.filter(entry__entry_date__gte=part.since)
    if part.department is not None:
        rows = rows.filter(department=part.department)
    return rows if part.project is None else rows.filter(project=part.project)


def trial_balance(organization: Organization, part: Slice) -> list[TrialBalance]:
    """By currency, the organization's own first; accounts by code. One query."""
    sums: Any = (
        lines_in(organization, part)
        .order_by("currency", "account__code")
        .values_list("currency", "account_id", "account__code", "account__name", "account__kind")
        .annotate(debits=Sum("debit"), credits=Sum("credit"))
    )
    found: dict[str, TrialBalance] = {}
    for currency, *rest in sums:
        found.setdefault(currency, TrialBalance(currency)).rows.append(BalanceRow(*rest))
    return sorted(found.values(), key=lambda one: (one.currency != organization.currency, one.currency))


def tags_of(organization: Organization) -> tuple[list[str], list[str]]:
    """Departments and projects that lines carry. Two queries."""
    lines = JournalLine.objects.filter(organization=organization).order_by()
    departments = lines.exclude(department="").values_list("department", flat=True).distinct()
    projects = lines.exclude(project="").values_list("project", flat=True).distinct()
    return sorted(departments), sorted(projects)
