"""What happens to agreements by the day alone: terms begin, pauses begin and end, schedules reach on, ends come (R54).

Every step finds its own due work and does nothing when there is none, so that it may be called twice or late.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial

import structlog
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import override

from billing.bulk import insert_rows
from billing.errors import DomainError
from billing.models import Agreement, AgreementChange, AgreementPause, AgreementTerms, Installment
from billing.models.agreement import AGREEMENT_MOVES, RUNNING, AgreementState, ChangeKind
from billing.models.installment import InstallmentState
from billing.models.plan import Frequency
from billing.office.models import Organization
from billing.office.policies import policies_for_agreements
from billing.refusals import explained
from billing.rules.recurrence import add_months
from billing.services.plans.resting import pauses_on
from billing.services.plans.scheduling import lock_agreements, rebuild_schedules
from billing.states import move
from billing.transactions import in_transaction, transaction_required

log = structlog.get_logger(__name__)
CHUNK = 200
DAY = timedelta(days=1)


def tend_everywhere(*, now: datetime) -> int:
    """Tend the agreements of every organization, in transactions of their own.

    One organization's trouble keeps no other waiting. Returns how many agreements were touched.
    """
    touched = 0
    for organization in Organization.objects.filter(is_active=True).order_by("code"):
        with override("en"):
            try:
                touched += _tend(organization, now)
            except DomainError as trouble:
                log.warning("agreements_not_tended", organization=organization.code, trouble=str(trouble))
    return touched


def _tend(organization: Organization, now: datetime) -> int:
    today = organization.today(now)
    steps = (
        (begun_terms, begin_terms), (turned_pauses, turn_pauses), (short_schedules, reach_on), (over, end_those_over),
    )  # fmt: skip
    touched = 0
    for find, step in steps:
        for chunk in _chunks(find(organization, today)):
            with explained():
                in_transaction(partial(step, organization=organization, agreement_ids=chunk, now=now))
            touched += len(chunk)
    return touched


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))


def _running(organization: Organization) -> QuerySet[Agreement]:
    return Agreement.objects.filter(organization=organization, state__in=RUNNING)


def _ids(rows: QuerySet[Agreement]) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True))


def begun_terms(organization: Organization, today: date) -> list[int]:
    """Agreements whose newest terms that have begun say another plan or frequency than they do. One query."""
    later = AgreementTerms.objects.filter(agreement=OuterRef("agreement"), effective_on__lte=today).filter(
        Q(effective_on__gt=OuterRef("effective_on")) | Q(effective_on=OuterRef("effective_on"), pk__gt=OuterRef("pk"))
    )
    rows = AgreementTerms.objects.filter(
        ~Q(plan=F("agreement__plan")) | ~Q(frequency=F("agreement__frequency")), ~Exists(later),
        agreement__organization=organization, agreement__state__in=RUNNING, effective_on__lte=today,
    )  # fmt: skip
    return list(rows.order_by("agreement_id").values_list("agreement_id", flat=True))


@transaction_required
def begin_terms(*, organization: Organization, agreement_ids: Sequence[int], now: datetime) -> None:
    """The agreement says what its terms say from today on; the schedule knew already."""
    today = organization.today(now)
    lock_agreements(organization, agreement_ids)
    newest = AgreementTerms.objects.filter(agreement_id__in=agreement_ids, effective_on__lte=today)
    order = ("agreement_id", "-effective_on", "-id")
    for terms in newest.order_by(*order).distinct("agreement_id"):
        Agreement.objects.filter(pk=terms.agreement_id).update(plan=terms.plan_id, frequency=terms.frequency)


def turned_pauses(organization: Organization, today: date) -> list[int]:
    """Active agreements that rest today, and paused ones that do not. One query."""
    resting = Exists(AgreementPause.objects.filter(pauses_on(today), agreement=OuterRef("pk")))
    return _ids(
        _running(organization).filter(
            Q(resting, state=AgreementState.ACTIVE) | Q(~resting, state=AgreementState.PAUSED)
        )
    )


@transaction_required
def turn_pauses(*, organization: Organization, agreement_ids: Sequence[int], now: datetime) -> None:
    """Pause and resume on their days. The schedule knew already."""
    today = organization.today(now)
    changes = []
    locked = lock_agreements(organization, agreement_ids)
    rests = set(
        AgreementPause.objects.filter(pauses_on(today), agreement_id__in=agreement_ids).values_list(
            "agreement_id", flat=True
        )
    )
    for row in locked.values():
        to = AgreementState.PAUSED if row.pk in rests else AgreementState.ACTIVE
        if row.state in (AgreementState.ACTIVE, AgreementState.PAUSED) and row.state != to:
            move(row, to, AGREEMENT_MOVES, state_since=today)
            kind = ChangeKind.PAUSED if row.pk in rests else ChangeKind.RESUMED
            changes.append(_change(row, kind, today, now))
    insert_rows(AgreementChange, changes)


def short_schedules(organization: Organization, today: date) -> list[int]:
    """Agreements without an end whose schedule does not reach to their horizon any more. Two queries, or three."""
    open_ended = _running(organization).filter(ends_on__isnull=True).exclude(frequency=Frequency.PACKAGE)
    rows = list(open_ended.values_list("pk", "customer_id", "provider_id", "starts_on"))
    if not rows:
        return []
    books = policies_for_agreements(organization, [row[:3] for row in rows])
    by_day: dict[date, list[int]] = defaultdict(list)
    for pk, _customer, _provider, starts_on in rows:
        months = books[pk].number("agreements.horizon_months")
        by_day[add_months(max(today, starts_on), months)].append(pk)
    return sorted(pk for day, ids in by_day.items() for pk in _not_reaching(ids, day))


def _not_reaching(ids: Sequence[int], day: date) -> Iterable[int]:
    rows = Installment.objects.filter(agreement_id__in=ids, period_end__gte=day)
    return set(ids) - set(rows.exclude(state=InstallmentState.CANCELLED).values_list("agreement_id", flat=True))


@transaction_required
def reach_on(*, organization: Organization, agreement_ids: Sequence[int], now: datetime) -> None:
    """Plan further periods, as far as the horizon."""
    rebuild_schedules(
        organization=organization, agreement_ids=agreement_ids, kind=ChangeKind.EXTENDED, reason="",
        effective_on=organization.today(now), now=now, by=None,
    )  # fmt: skip


def over(organization: Organization, today: date) -> list[int]:
    """Agreements whose last day is over and that have nothing left to bill. One query."""
    return _ids(_over(organization, today))


def _over(organization: Organization, today: date) -> QuerySet[Agreement]:
    planned = Installment.objects.filter(agreement=OuterRef("pk"), state=InstallmentState.PLANNED)
    return _running(organization).filter(~Exists(planned), ends_on__lt=today)


@transaction_required
def end_those_over(*, organization: Organization, agreement_ids: Sequence[int], now: datetime) -> None:
    """Cancelled where the family cancelled to that day, ended otherwise. What was extended or planned again since it
    was found goes on."""
    lock_agreements(organization, agreement_ids)
    cancelled = set(
        AgreementChange.objects.filter(agreement_id__in=agreement_ids, kind=ChangeKind.CANCELLED).values_list(
            "agreement_id", "effective_on"
        )
    )
    changes = []
    for row in _over(organization, organization.today(now)).filter(pk__in=agreement_ids).order_by("pk"):
        assert row.ends_on is not None
        to = AgreementState.CANCELLED if (row.pk, row.ends_on + DAY) in cancelled else AgreementState.ENDED
        move(row, to, AGREEMENT_MOVES, state_since=row.ends_on)
        changes.append(_change(row, ChangeKind.ENDED, row.ends_on, now))
    insert_rows(AgreementChange, changes)


def _change(row: Agreement, kind: str, on: date, now: datetime) -> AgreementChange:
    return AgreementChange(
        organization_id=row.organization_id, agreement=row, kind=kind, effective_on=on, made_at=now, difference=[]
    )
