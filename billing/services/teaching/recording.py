"""Attendance: told by people, files and other systems, priced by the matrix, settled at once (R78-R85)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.bulk import insert_rows, take_keys
from billing.errors import BadInput, DomainError
from billing.models import (
    Agreement,
    Attendance,
    Basis,
    Charge,
    CreditMemo,
    Lesson,
    LessonCredit,
    LessonCreditUse,
    PackageUse,
)
from billing.models.agreement import ChangeKind
from billing.models.installment import CHARGE_MOVES, ChargeState
from billing.models.lesson import LessonCreditKind
from billing.money import ZERO
from billing.office.models import Organization, User
from billing.rules.lesson_settling import Back
from billing.rules.priced import split_line
from billing.selectors.lesson_book import LessonBook, lesson_book, payers_of, seats_of
from billing.services.allocating import apply_waiting_credit
from billing.services.invoicing import issue_credit_memo
from billing.services.locking import lock_customers
from billing.services.plans.scheduling import rebuild_schedules
from billing.services.teaching.expiring import withdraw_credit
from billing.services.teaching.judging import Judge, Judged, day_to_bill
from billing.services.teaching.reports import AttendanceReport
from billing.states import move
from billing.transactions import transaction_required


@dataclass(frozen=True)
class Outcome:
    """What became of a report: its attendance, new or told before; or why it was not taken."""

    attendance: Attendance | None = None
    is_new: bool = False
    refusal: DomainError | None = None


@transaction_required
def record_attendance(
    *, organization: Organization, reports: Sequence[AttendanceReport], now: datetime, by: User | None
) -> list[Attendance]:
    """Record what became of seats, all or none; the same told again changes nothing. One attendance a report.

    Each is priced and settled: with a charge that waits for the next bill, a lesson of the package, make-up credit, or
    the price of the period; what comes back is given as credit. A correction puts package and credit back and charges
    the difference. Posts "Credit memo issued" for money that comes back.
    Raises NotFound, BadInput, KeyReused, AlreadyTold, ToldMeanwhile, NotBegun, NotRunning, CreditUsed.
    """
    done = record_reports(organization=organization, reports=reports, now=now, by=by)
    for outcome in done:
        if outcome.refusal is not None:
            raise outcome.refusal
    return [outcome.attendance for outcome in done if outcome.attendance is not None]


@transaction_required
def record_reports(
    *, organization: Organization, reports: Sequence[AttendanceReport], now: datetime, by: User | None
) -> list[Outcome]:
    """As record_attendance, but what is refused keeps nothing else from being taken. In the order of the reports."""
    seats = seats_of(organization, {report.seat_id for report in reports})
    # Lessons first, as put_seats does: one that is being told of is not moved to another day or teacher meanwhile.
    list(Lesson.objects.filter(pk__in={s.lesson_id for s in seats}).order_by("pk").select_for_update(no_key=True))
    lock_customers(organization, payers_of(seats).all_customers())
    list(Agreement.objects.filter(pk__in={s.agreement_id for s in seats}).order_by("pk").select_for_update(no_key=True))
    seats = seats_of(organization, {report.seat_id for report in reports})
    book = lesson_book(organization, seats)
    outcomes, judged = _judge_all(book, reports, now)
    made = _write(book, judged.values(), now, by)
    _adjust_estimates(organization, judged.values(), now, by)
    for place, attendance in zip(judged, made, strict=True):
        outcomes[place] = Outcome(attendance, is_new=True)
    return [outcomes[place] for place in range(len(reports))]


def _adjust_estimates(
    organization: Organization, judged: Iterable[Judged], now: datetime, by: User | None
) -> None:  # fmt: skip
    """Set right what planned periods billed by attendance are expected to come to, and say what changed (R55)."""
    days = [
        (one.facts.day, one.facts.agreement.pk) for one in judged if one.facts.agreement.basis == Basis.ATTENDANCE
    ]  # fmt: skip
    if days:
        rebuild_schedules(
            organization=organization, agreement_ids={pk for _day, pk in days}, kind=ChangeKind.ATTENDANCE, reason="",
            effective_on=min(days)[0], now=now, by=by,
        )  # fmt: skip


def _judge_all(
    book: LessonBook, reports: Sequence[AttendanceReport], now: datetime
) -> tuple[dict[int, Outcome], dict[int, Judged]]:
    """By place among the reports. Earlier lessons first, so that packages are used in the order of the days."""
    judge = Judge(book, _by_key(book.organization, reports), now)
    outcomes: dict[int, Outcome] = {}
    judged: dict[int, Judged] = {}
    seen: set[int] = set()
    for place in sorted(range(len(reports)), key=lambda place: _moment(book, reports[place])):
        report = reports[place]
        try:
            if report.seat_id in seen:
                raise BadInput(_("This seat is told of twice."), field="seat", code="seat_twice")
            found = judge.judge(report)
        except DomainError as refusal:
            outcomes[place] = Outcome(refusal=refusal)
            continue
        seen.add(report.seat_id)
        if isinstance(found, Attendance):
            outcomes[place] = Outcome(found)
        else:
            judged[place] = found
    return outcomes, judged


def _moment(book: LessonBook, report: AttendanceReport) -> tuple[str, int]:
    facts = book.seats.get(report.seat_id)
    return (facts.seat.lesson.starts_at.isoformat() if facts else "", report.seat_id)


def _by_key(organization: Organization, reports: Sequence[AttendanceReport]) -> dict[str, Attendance]:
    keys = [report.request_key for report in reports if report.request_key]
    rows = Attendance.objects.filter(organization=organization, request_key__in=keys) if keys else []
    return {row.request_key: row for row in rows}


def _write(book: LessonBook, judged: Iterable[Judged], now: datetime, by: User | None) -> list[Attendance]:
    """The rows of what was judged, in its order. A handful of statements, and a few for each correction and credit."""
    todo = list(judged)
    if not todo:
        return []
    today = book.organization.today(now)
    keys = take_keys(Attendance._meta.db_table, len(todo))
    for one in todo:
        for charge in one.cancels:
            move(charge, ChargeState.CANCELLED, CHARGE_MOVES)
        for credit in one.withdraws:
            withdraw_credit(credit=credit, reason=one.report.reason, on=today, now=now, by=by)
    charges = {
        key: _charge(one, key, today, now, by) for key, one in zip(keys, todo, strict=True) if one.line is not None
    }
    insert_rows(Charge, charges.values())
    made = [_attendance(one, key, charges.get(key), now, by) for key, one in zip(keys, todo, strict=True)]
    Attendance.objects.bulk_create(made)
    _write_uses(todo, made, today)
    payees = [_give_back(book, one, attendance, now, by) for one, attendance in zip(todo, made, strict=True)]
    customer_ids = {customer_id for payee in payees for customer_id in payee}
    if customer_ids:
        apply_waiting_credit(organization=book.organization, customer_ids=customer_ids, now=now, by=by)
    return made


def _charge(judged: Judged, key: int, today: date, now: datetime, by: User | None) -> Charge:
    line, agreement = judged.line, judged.facts.agreement
    assert line is not None
    return Charge(
        organization_id=agreement.organization_id, agreement=agreement, kind=judged.charge_kind,
        source=f"attendance:{key}", occurred_on=judged.facts.day, bill_on=day_to_bill(judged, today),
        description=line.text, currency=agreement.currency, net_amount=line.net, tax_amount=line.tax,
        line=line.to_json(), made_at=now, made_by=by,
    )  # fmt: skip


def _attendance(judged: Judged, key: int, charge: Charge | None, now: datetime, by: User | None) -> Attendance:
    facts, report, settlement = judged.facts, judged.report, judged.settlement
    return Attendance(
        pk=key, organization_id=facts.agreement.organization_id, seat=facts.seat, ordinal=len(facts.told) + 1,
        status=report.status, notice_hours=report.notice_hours, replaces=facts.head,
        reason=report.reason.strip() if facts.head else "", currency=facts.agreement.currency,
        amount=settlement.amount, price=[one.to_json() for one in settlement.steps], paid_by=settlement.paid_by,
        charge=charge, source=report.source, request_key=report.request_key, recorded_at=now, recorded_by=by,
    )  # fmt: skip


def _write_uses(todo: Sequence[Judged], made: Sequence[Attendance], today: date) -> None:
    """Lessons of packages and make-up credit taken or given back, with their counters."""
    taken, uses = [], []
    lessons: dict[int, Decimal] = {}
    credits: dict[int, Decimal] = {}
    for one, attendance in zip(todo, made, strict=True):
        agreement, owner = one.facts.agreement, attendance.organization_id
        if one.lessons:
            taken.append(
                PackageUse(
                    organization_id=owner, agreement=agreement, attendance=attendance, lessons=one.lessons,
                    used_on=today,
                )
            )  # fmt: skip
            lessons[agreement.pk] = lessons.get(agreement.pk, ZERO) + one.lessons
        for key, quantity in one.uses.items():
            uses.append(
                LessonCreditUse(
                    organization_id=owner, credit_id=key, attendance=attendance, quantity=quantity, used_on=today
                )
            )
            credits[key] = credits.get(key, ZERO) + quantity
    insert_rows(PackageUse, taken)
    insert_rows(LessonCreditUse, uses)
    _add(Agreement._meta.db_table, "package_used", lessons)
    _add(LessonCredit._meta.db_table, "used", credits)


def _add(table: str, column: str, sums: Mapping[int, Decimal]) -> None:
    """Move counters by what was written; their CHECKs are the referee. One statement."""
    ids = sorted(key for key, amount in sums.items() if amount)
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} r SET {column} = r.{column} + s.amount"
                " FROM unnest(%s::bigint[], %s::numeric[]) AS s (id, amount) WHERE r.id = s.id",
                [ids, [sums[key] for key in ids]],
            )


def _give_back(book: LessonBook, judged: Judged, attendance: Attendance, now: datetime, by: User | None) -> list[int]:
    """Credit for a lesson that was paid for: to the family, or of money to each payer by share. Who got money."""
    back, agreement = judged.settlement.back, judged.facts.agreement
    if back is None:
        return []
    if back.line is None:
        _credit(book, judged, attendance, agreement.customer_id, back, None, now)
        return []
    shares, payees = book.shares(judged.facts), []
    parts = split_line(back.line, [share for _customer, share in shares], agreement.currency)
    for (customer_id, _share), part in zip(shares, parts, strict=True):
        if part.net <= ZERO:
            continue
        memo = issue_credit_memo(
            organization=book.organization, customer_id=customer_id, net=part.net, tax=part.tax,
            currency=agreement.currency, issued_on=book.organization.today(now), reason=_why(judged), now=now, by=by,
        )  # fmt: skip
        _credit(book, judged, attendance, customer_id, Back(back.kind, part.total, part), memo, now)
        payees.append(customer_id)
    return payees


def _credit(
    book: LessonBook, judged: Judged, attendance: Attendance, customer_id: int, back: Back, memo: CreditMemo | None,
    now: datetime,
) -> None:  # fmt: skip
    facts, today = judged.facts, book.organization.today(now)
    kind = LessonCreditKind(back.kind)
    LessonCredit.objects.create(
        organization=book.organization, customer_id=customer_id, student=facts.seat.student,
        agreement=facts.agreement, attendance=attendance, kind=kind, currency=facts.agreement.currency,
        granted=back.quantity, granted_on=today, expires_on=book.policy(facts.agreement).last_day(kind, today),
        credit_memo=memo, reason=_why(judged),
    )  # fmt: skip


def _why(judged: Judged) -> str:
    sentence = _("Lesson of {day} ({title}): {status}.")
    status = str(dict(Attendance._meta.get_field("status").flatchoices)[judged.report.status])
    lesson = judged.facts.seat.lesson
    return sentence.format(day=date_format(judged.facts.day), title=lesson.title[:100], status=status)[:200]
