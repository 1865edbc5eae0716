"""post_entries: the only door into the journal."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from billing.bulk import insert_rows
from billing.errors import DomainError, PeriodClosed, Unbalanced
from billing.ledger.chart import accounts_by_role
from billing.ledger.models import JournalEntry, JournalLine, Period, PeriodState, Role
from billing.money import ZERO
from billing.transactions import transaction_required


class AlreadyReversed(DomainError):
    code = "already_reversed"
    sentence = _("{entry} was already reversed.")


@dataclass(frozen=True)
class Line:
    """A debit or credit to the account of a role, or to one account by id. Amounts in the entry's currency, > 0."""

    role: Role
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    party: int | None = None
    account_id: int | None = None
    department: str = ""
    project: str = ""


@dataclass(frozen=True)
class Draft:
    """An entry to post. key names the event once for ever; entry_date must lie in an open month."""

    key: str
    event: str
    entry_date: date
    currency: str
    lines: Sequence[Line]
    memo: str = ""
    reason: str = ""
    reverses_id: int | None = None


def debit(role: Role, amount: Decimal, **where: Any) -> Line:
    return Line(role, debit=amount, **where)


def credit(role: Role, amount: Decimal, **where: Any) -> Line:
    return Line(role, credit=amount, **where)


@transaction_required
def post_entries(
    *, organization_id: int, drafts: Sequence[Draft], now: datetime, by_id: int | None
) -> list[JournalEntry]:
    """Post entries, all or none, in the order given, with gapless numbers by year of entry_date.

    Locks the counter rows of the journal until commit: call it late. The database refuses what does not balance,
    a closed month, and a key posted before. Raises Unbalanced, PeriodClosed.
    """
    if not drafts:
        return []
    for draft in drafts:
        _check_balance(draft)
    ensure_periods(organization_id, {draft.entry_date.replace(day=1) for draft in drafts})
    accounts = accounts_by_role(organization_id)
    numbers = _take_numbers(organization_id, [draft.entry_date.year for draft in drafts])
    entries = insert_rows(JournalEntry, (
        JournalEntry(
            organization_id=organization_id, year=draft.entry_date.year, number=number, key=draft.key,
            event=draft.event, entry_date=draft.entry_date, memo=draft.memo[:200], reason=draft.reason[:400],
            reverses_id=draft.reverses_id, posted_at=now, posted_by_id=by_id,
        )
        for draft, number in zip(drafts, numbers, strict=True)
    ))  # fmt: skip
    insert_rows(JournalLine, (
        JournalLine(
            entry_id=entry.pk, ordinal=ordinal, organization_id=organization_id,
            account_id=line.account_id or accounts[line.role], party=line.party, currency=draft.currency,
            debit=line.debit, credit=line.credit, department=line.department, project=line.project,
        )
        for draft, entry in zip(drafts, entries, strict=True)
        for ordinal, line in enumerate(draft.lines, 1)
    ))  # fmt: skip
    return entries


def reversal_of(entry: JournalEntry, lines: Iterable[JournalLine], *, key: str, on: date, reason: str) -> Draft:
    """The mirror of a posted entry, dated `on`: same accounts and amounts, sides swapped (invariant 13)."""
    mirrored = [
        Line(
            Role(line.account.role), debit=line.credit, credit=line.debit, party=line.party,
            account_id=line.account_id, department=line.department, project=line.project,
        )
        for line in lines
    ]  # fmt: skip
    lines = list(lines)
    return Draft(
        key=key, event=f"{entry.event}_reversed"[:40], entry_date=on, currency=lines[0].currency, lines=mirrored,
        memo=f"Reverses {entry}", reason=reason, reverses_id=entry.pk,
    )  # fmt: skip


@transaction_required
def ensure_periods(organization_id: int, months: Iterable[date]) -> None:
    """Open the months that were never defined. A month before a closed one is not opened by itself: PeriodClosed."""
    known = _known_months(organization_id)
    closed = [month for month, state in known.items() if state != PeriodState.OPEN]
    for month in months:
        if month in known:
            if known[month] != PeriodState.OPEN:
                raise PeriodClosed(month=f"{month:%Y-%m}")
        elif closed and month < max(closed):
            raise PeriodClosed(month=f"{month:%Y-%m}")
    missing = [Period(organization_id=organization_id, month=month) for month in months if month not in known]
    if missing:
        Period.objects.bulk_create(missing, ignore_conflicts=True)


def open_day(organization_id: int, wanted: date) -> date:
    """`wanted` if its month takes entries, else the first day of the next month that does. One query."""
    known = _known_months(organization_id)
    last_closed = max((month for month, state in known.items() if state != PeriodState.OPEN), default=None)
    month = wanted.replace(day=1)
    if last_closed is None or month > last_closed or known.get(month) == PeriodState.OPEN:
        return wanted
    return _next_month(last_closed)


def _known_months(organization_id: int) -> dict[date, str]:
    """First day → state of every month that was ever defined. In SQL: every entry asks it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT month, state FROM ledger_period WHERE organization_id = %s", [organization_id])
        return dict(cursor.fetchall())


def _next_month(month: date) -> date:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1, day=1)


def _check_balance(draft: Draft) -> None:
    debits = sum((line.debit for line in draft.lines), ZERO)
    credits = sum((line.credit for line in draft.lines), ZERO)
    if debits != credits or len(draft.lines) < 2:
        raise Unbalanced(debits=debits, credits=credits)


def _take_numbers(organization_id: int, years: Sequence[int]) -> list[int]:
    """Consecutive journal numbers for entries in their order, one counter row a year, years in ascending order."""
    wanted: dict[int, int] = defaultdict(int)
    for year in years:
        wanted[year] += 1
    rows = sorted(wanted.items())
    values = ",".join(["(%s,%s,%s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO ledger_journalseries (organization_id, year, last) VALUES {values}"
            " ON CONFLICT (organization_id, year) DO UPDATE SET last = ledger_journalseries.last + excluded.last"
            " RETURNING year, last",
            [item for year, count in rows for item in (organization_id, year, count)],
        )
        following = {year: last - wanted[year] + 1 for year, last in cursor.fetchall()}
    numbers = []
    for year in years:
        numbers.append(following[year])
        following[year] += 1
    return numbers
