"""Keeping timelines true: opened, computed anew, settled when paid, opened again when money is taken back (R72-R75).

The timeline of an invoice follows from its open amount, the policies and what was done. Whatever moves one of them
calls recompute, or after_money, which costs one query where nothing that moved has a timeline.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import QuerySet

from billing.bulk import insert_rows
from billing.models import Agreement, AgreementState, DunningCase, DunningStep, Invoice, InvoiceKind
from billing.models.dunning import CASE_MOVES, CaseState, StepOutcome
from billing.office.models import Organization, User
from billing.selectors.chasing.files import CaseFile, cases_with, read_files
from billing.selectors.chasing.gate import Hold
from billing.services.chasing.agreements import restart_paid, revive_paid, stop_again
from billing.services.chasing.collecting import money_moved
from billing.services.chasing.keeping import judge_plans_of
from billing.services.locking import lock_customers
from billing.states import move_many
from billing.transactions import transaction_required

# What a case says whose policies or pauses changed: it is due to be looked at.
LOOK = "look"
NEVER_CHASED = (InvoiceKind.EXPIRED,)


@transaction_required
def recompute(
    *, organization: Organization, invoice_ids: Iterable[int], now: datetime, by: User | None
) -> None:  # fmt: skip
    """Open the timelines of invoices that have none, and bring all of them up to now. Set-based.

    Settles those of invoices that are paid or void, opens settled ones whose money was taken back, moves what makes
    an agreement stop or run again, and says what comes next and when. Repeated, it changes nothing.
    """
    ids = sorted(set(invoice_ids))
    rows = Invoice.objects.filter(organization=organization, pk__in=ids)
    lock_customers(organization, rows.values_list("customer_id", flat=True))
    open_cases(organization=organization, on=organization.today(now), invoice_ids=ids)
    refresh(organization=organization, cases=DunningCase.objects.filter(invoice__in=ids), now=now, by=by)


@transaction_required
def open_cases(*, organization: Organization, on: date, invoice_ids: Iterable[int] | None = None) -> int:
    """Give a timeline to every open invoice without one, or to these only; returns how many. One statement."""
    only, keys = ("AND i.id = ANY(%s)", [list(invoice_ids)]) if invoice_ids is not None else ("", [])
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO billing_dunningcase (organization_id, customer_id, agreement_id, invoice_id, state, level,"
            " next_step, next_on, held_because, opened_on)"
            " SELECT i.organization_id, i.customer_id, i.agreement_id, i.id, 'upcoming', 0, %s, %s, '', %s"
            " FROM billing_invoice i WHERE i.organization_id = %s AND i.open_amount > 0 AND i.kind <> ALL(%s)"
            f" AND NOT EXISTS (SELECT FROM billing_dunningcase c WHERE c.invoice_id = i.id) {only}"
            " ORDER BY i.id ON CONFLICT (invoice_id) DO NOTHING",
            [LOOK, on, on, organization.pk, list(NEVER_CHASED), *keys],
        )
        return int(cursor.rowcount)


# Invoices with a timeline or a lapsed policy: organization, timeline, policy.
TOUCHED = """
SELECT i.organization_id, c.id, a.id FROM billing_invoice i
LEFT JOIN billing_dunningcase c ON c.invoice_id = i.id
LEFT JOIN billing_agreement a ON a.id = i.agreement_id AND a.state = %s
WHERE i.id = ANY(%s) AND (c.id IS NOT NULL OR a.id IS NOT NULL)"""


@transaction_required
def after_money(*, invoice_ids: Iterable[int], now: datetime, by: User | None) -> None:
    """The counters of these invoices moved just now, their customers are locked: bring their timelines up to now.

    Opens no timeline. A lapsed policy is revived if that was all that was due. One query where none of them has a
    timeline or a lapsed policy.
    """
    with connection.cursor() as cursor:  # in SQL: every payment asks it
        cursor.execute(TOUCHED, [AgreementState.LAPSED, list(invoice_ids)])
        rows = cursor.fetchall()
    if not rows:
        return
    organization = Organization.objects.get(pk=rows[0][0])
    keys = [case for _organization, case, _policy in rows if case]
    refresh(organization=organization, cases=DunningCase.objects.filter(pk__in=keys), now=now, by=by)
    lapsed = Agreement.objects.filter(pk__in=[policy for *_rest, policy in rows if policy])
    lapsed = lapsed.select_related("organization", "customer", "plan", "insurance")
    revive_paid(agreements=lapsed, on=organization.today(now), now=now, by=by)


@transaction_required
def refresh(
    *, organization: Organization, cases: QuerySet[DunningCase], now: datetime, by: User | None
) -> None:  # fmt: skip
    """Bring timelines up to now. Their customers are locked."""
    found = list(cases_with(cases))
    if not found:
        return
    today = organization.today(now)
    paid = [case for case in found if not case.invoice.open_amount]
    owed = [case for case in found if case.invoice.open_amount]
    settled = [case for case in paid if case.state != CaseState.SETTLED]
    reopened = [case for case in owed if case.state == CaseState.SETTLED]
    judge_plans_of(organization=organization, invoice_ids=[case.invoice_id for case in found], now=now)
    _settle(settled, today)
    _reopen(organization, reopened, today, now)
    if reopened:
        stop_again(cases=reopened, today=today, now=now, by=by)
    write_next(read_files(organization, owed, today, now).values())
    if settled:
        restart_paid(cases=settled, today=today, now=now, by=by)
    money_moved(organization=organization, cases=found, now=now)


def _settle(cases: Sequence[DunningCase], today: date) -> None:
    for old in CaseState.values:
        keys = [case.pk for case in cases if case.state == old]
        move_many(
            DunningCase, keys, old, CaseState.SETTLED, CASE_MOVES, next_step="", next_on=None, held_because="",
            settled_on=today,
        )  # fmt: skip


def _reopen(organization: Organization, cases: Sequence[DunningCase], today: date, now: datetime) -> None:
    """A new round: what was told before belongs to the old one."""
    if not cases:
        return
    rounds: dict[int, int] = {}
    steps = DunningStep.objects.filter(case__in=[case.pk for case in cases])
    for case_id, number in steps.values_list("case", "round"):
        rounds[case_id] = max(rounds.get(case_id, 1), number)
    insert_rows(
        DunningStep,
        [
            DunningStep(
                organization=organization, case=case, step="reopened", round=rounds.get(case.pk, 1) + 1,
                planned_on=today, taken_on=today, outcome=StepOutcome.DONE, why="came_back", made_at=now,
            )
            for case in cases
        ],
    )  # fmt: skip
    for to in (CaseState.UPCOMING, CaseState.CHASING):
        keys = [case.pk for case in cases if state_on(case, today) == to]
        move_many(DunningCase, keys, CaseState.SETTLED, to, CASE_MOVES, level=0, settled_on=None)


def state_on(case: DunningCase, today: date) -> CaseState:
    """Whether an open invoice is chased yet: overdue begins the day after the due day."""
    return CaseState.CHASING if case.invoice.due_on < today else CaseState.UPCOMING


@transaction_required
def write_next(files: Iterable[CaseFile]) -> None:
    """Write what comes next of open timelines, and why it waits. One statement, two where some became overdue."""
    files = list(files)
    late = [f.case.pk for f in files if f.case.state == CaseState.UPCOMING and f.is_overdue]
    move_many(DunningCase, late, CaseState.UPCOMING, CaseState.CHASING, CASE_MOVES)
    rows = [(f.case.pk, *_next(f)) for f in files]
    changed = [row for row, f in zip(rows, files, strict=True) if row[1:] != _stored(f.case)]
    if not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_dunningcase c SET next_step = v.step, next_on = v.on_day, held_because = v.held,"
            " level = v.level FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::text[], %s::int[])"
            " AS v (id, step, on_day, held, level) WHERE c.id = v.id",
            [list(column) for column in zip(*changed, strict=True)],
        )


def _stored(case: DunningCase) -> tuple[str, date | None, str, int]:
    return case.next_step, case.next_on, case.held_because, case.level


def _next(file: CaseFile) -> tuple[str, date | None, str, int]:
    """(next step, its day, why it waits, level). What waits without a known end is looked at again tomorrow."""
    hold, step = file.hold, file.next
    held = hold.code if hold is not None and _matters(hold, file) else ""
    if step is None:
        return "", None, held, file.level
    waits = hold is not None and hold.until is None
    on = max(step.on, file.today + timedelta(days=1)) if waits else step.on
    return step.code, on, held, file.level


def _matters(hold: Hold, file: CaseFile) -> bool:
    """A hold is told while it has an end or lasts, and otherwise once something is due that it keeps back."""
    return hold.until is not None or hold.code == "disputed" or bool(file.due.take)
