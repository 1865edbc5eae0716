"""Writing schedules: what the rules plan, set beside what is there; only what differs is written, and told (R55).

Note [What of a schedule may be rewritten]
Billed periods stay. So do periods that were skipped with lines: nothing was attended, or their invoice was voided. A
period that a pause takes whole, or that costs nothing, is skipped without lines; it is planned again when the pause
goes. Periods that were over before the change took effect stay as they are, billed or not.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import connection

from billing.bulk import insert_rows
from billing.errors import IllegalTransition, StaleState
from billing.models import (
    Agreement,
    AgreementChange,
    AgreementPayer,
    Installment,
    ScheduleRegeneration,
)
from billing.models.agreement import ChangeKind
from billing.models.installment import INSTALLMENT_MOVES, InstallmentState
from billing.office.models import Organization, User
from billing.rules.estimates import with_told
from billing.rules.priced import total_of
from billing.rules.proration import Span
from billing.rules.recurrence import add_months
from billing.rules.schedule import Planned, plan
from billing.selectors.agreed import Book, agreed_book
from billing.services.locking import lock_customers
from billing.transactions import transaction_required

# Written only where something changed; every other kind tells of a deed and is written always.
QUIET = {ChangeKind.REGENERATED, ChangeKind.EXTENDED, ChangeKind.ATTENDANCE}
COLUMNS = {
    "ordinal": "bigint", "period_end": "date", "bill_on": "date", "due_on": "date", "discount_amount": "numeric",
    "net_amount": "numeric", "tax_amount": "numeric", "amount": "numeric", "lines": "jsonb", "is_estimate": "boolean",
    "state": "text", "skipped_because": "text",
}  # fmt: skip


@dataclass
class Written:
    """What becomes of one schedule."""

    new: list[Installment] = field(default_factory=list)
    altered: list[Installment] = field(default_factory=list)
    difference: list[dict[str, Any]] = field(default_factory=list)


@transaction_required
def lock_agreements(organization: Organization, agreement_ids: Iterable[int]) -> dict[int, Agreement]:
    """Lock agreements of the organization: first their customers and whoever pays a share, then they themselves."""
    wanted = set(agreement_ids)
    rows = Agreement.objects.filter(organization=organization, pk__in=wanted)
    payers = AgreementPayer.objects.filter(agreement_id__in=wanted)
    lock_customers(
        organization, {*rows.values_list("customer_id", flat=True), *payers.values_list("customer_id", flat=True)}
    )
    locked = rows.select_for_update(no_key=True, of=("self",)).order_by("pk")
    return {row.pk: row for row in locked}


@transaction_required
def rebuild_schedules(
    *, organization: Organization, agreement_ids: Iterable[int], kind: str, reason: str, effective_on: date,
    now: datetime, by: User | None, summary: str = "", regeneration: ScheduleRegeneration | None = None,
) -> list[AgreementChange]:  # fmt: skip
    """Plan the future of agreements anew from what is agreed and the settings as they are now (R55). Set-based.

    effective_on: periods over before it stay as they are. kind: of the change that is written down with the
    difference; changes of QUIET kinds only where there is one. Nothing else is written where nothing changed.
    Raises StaleState if a period was billed in the meantime by somebody who did not lock the customer.
    """
    ids = list(lock_agreements(organization, agreement_ids))
    book = agreed_book(organization, ids)
    standing = _standing(ids)
    today = organization.today(now)
    written = {pk: _compare(book, pk, standing.get(pk, []), effective_on, today) for pk in book.agreed}
    insert_rows(Installment, [row for one in written.values() for row in one.new])
    _update([row for one in written.values() for row in one.altered])
    changes = [
        AgreementChange(
            organization=organization, agreement_id=pk, regeneration=regeneration, kind=kind, reason=reason[:400],
            effective_on=effective_on, summary=summary[:200], difference=one.difference, made_at=now, made_by=by,
        )
        for pk, one in written.items()
        if one.difference or kind not in QUIET
    ]  # fmt: skip
    return insert_rows(AgreementChange, changes)


def differences(
    organization: Organization, agreement_ids: Iterable[int], today: date
) -> dict[int, list[dict[str, Any]]]:  # fmt: skip
    """What rebuild_schedules would write down from today on, where there is a difference. Writes and locks nothing."""
    book = agreed_book(organization, agreement_ids)
    standing = _standing(list(book.agreed))
    found = {pk: _compare(book, pk, standing.get(pk, []), today, today).difference for pk in book.agreed}
    return {pk: difference for pk, difference in found.items() if difference}


def planned_for(
    book: Book, pk: int, today: date, taken: Iterable[Span] = (), since: date = date.min
) -> list[Planned]:  # fmt: skip
    """The periods of one agreement as far as its horizon reaches: to its end, or some months ahead."""
    agreed = book.agreed[pk]
    months = book.policies[pk].number("agreements.horizon_months")
    ahead = add_months(max(today, agreed.starts_on), months)
    until = ahead if agreed.ends_on is None else agreed.ends_on
    periods = plan(agreed, book.customs(pk), book, until=until, taken=taken, since=since)
    return [with_told(period, book.told.get(pk, ()), agreed.currency) for period in periods]


def _standing(ids: Sequence[int]) -> dict[int, list[Installment]]:
    found: dict[int, list[Installment]] = {}
    for row in Installment.objects.filter(agreement_id__in=ids).order_by("agreement_id", "period_start"):
        found.setdefault(row.agreement_id, []).append(row)
    return found


def is_settled(row: Installment, effective_on: date) -> bool:
    """See Note [What of a schedule may be rewritten]."""
    if row.state == InstallmentState.CANCELLED:
        return False
    if row.state == InstallmentState.BILLED or (row.state == InstallmentState.SKIPPED and row.lines):
        return True
    return row.period_end < effective_on


def _compare(book: Book, pk: int, rows: Sequence[Installment], effective_on: date, today: date) -> Written:
    settled = [row for row in rows if is_settled(row, effective_on)]
    loose = {row.period_start: row for row in rows if not is_settled(row, effective_on)}
    taken = [(row.period_start, row.period_end) for row in settled]
    # A period that was cut short may now be over before the change; it still is the one that stood here.
    since = min([effective_on, *(start for start, row in loose.items() if row.state != InstallmentState.CANCELLED)])
    periods = planned_for(book, pk, today, taken, since)
    found, ordinals = Written(), _ordinals(settled, periods)
    for period in periods:
        row, values = loose.pop(period.start, None), _values(period, ordinals[period.start])
        if row is None:
            found.new.append(_new(book, pk, period, values))
            _tell(found, period.start, None, found.new[-1])
        elif _differs(row, values):
            before = _told(row)
            _set(row, values)
            found.altered.append(row)
            _tell(found, period.start, before, row)
    for row in loose.values():
        if row.state != InstallmentState.CANCELLED:
            before = _told(row)
            _set(row, {"state": InstallmentState.CANCELLED})
            found.altered.append(row)
            _tell(found, row.period_start, before, row)
    found.difference.sort(key=lambda one: one["period_start"])
    return found


def _ordinals(settled: Iterable[Installment], periods: Iterable[Planned]) -> dict[date, int]:
    """Periods counted in their order; what is settled keeps its number and the next follow it."""
    kept = {row.period_start: row.ordinal for row in settled}
    found, last = {}, 0
    for start in sorted({*kept, *(period.start for period in periods)}):
        last = kept.get(start, last + 1)
        found[start] = last
    return found


def _values(period: Planned, ordinal: int) -> dict[str, Any]:
    net, tax, discount = total_of(period.lines)
    return {
        "ordinal": ordinal, "period_end": period.end, "bill_on": period.bill_on, "due_on": period.due_on,
        "discount_amount": discount, "net_amount": net, "tax_amount": tax, "amount": net + tax,
        "lines": [line.to_json() for line in period.lines], "is_estimate": period.is_estimate,
        "state": InstallmentState.SKIPPED if period.skipped else InstallmentState.PLANNED,
        "skipped_because": period.skipped,
    }  # fmt: skip


def _new(book: Book, pk: int, period: Planned, values: Mapping[str, Any]) -> Installment:
    agreed = book.agreed[pk]
    return Installment(
        organization=book.organization, agreement_id=pk, period_start=period.start, currency=agreed.currency, **values
    )


def _differs(row: Installment, values: Mapping[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in values.items())


def _set(row: Installment, values: Mapping[str, Any]) -> None:
    """In memory; raises IllegalTransition as states.move would."""
    to = values["state"]
    if to != row.state and to not in INSTALLMENT_MOVES[row.state]:
        raise IllegalTransition(record=row, old=row.state, new=to)
    for name, value in values.items():
        setattr(row, name, value)


Told = tuple[str | None, date, date]


def _told(row: Installment) -> Told:
    """What a difference says of a period: its amount, None if it is not billed; when it is due; its last day."""
    return (f"{row.amount:.2f}" if row.state == InstallmentState.PLANNED else None), row.due_on, row.period_end


def _tell(found: Written, start: date, before: Told | None, row: Installment) -> None:
    was, was_due, was_end = before or (None, row.due_on, row.period_end)
    now, due, end = _told(row)
    if (was, was_due, was_end) == (now, due, end) and before is not None:
        return
    if was is None and now is None and before is not None:
        return
    fact = {"period_start": start.isoformat(), "due_on": due.isoformat(), "was": was, "is": now}
    if was_due != due:
        fact["due_was"] = was_due.isoformat()
    found.difference.append(fact)


def _update(rows: Sequence[Installment]) -> None:
    """One statement, which passes by what was billed in the meantime. Raises StaleState.

    The rows travel as one JSON document: as arrays, the lines would be escaped once more, character by character.
    """
    if not rows:
        return
    sets = ", ".join(f"{name} = v.{name}" for name in COLUMNS)
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    values = [{"id": row.pk, **{name: getattr(row, name) for name in COLUMNS}} for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE billing_installment i SET {sets} FROM jsonb_to_recordset(%s::jsonb) AS v (id bigint, {columns})"
            f" WHERE i.id = v.id AND i.state <> '{InstallmentState.BILLED}'",
            [json.dumps(values, ensure_ascii=False, default=str)],
        )
        if cursor.rowcount != len(rows):
            raise StaleState(record=rows[0])
