"""An agreement rests for some days: the family is away, or the office holds it (requirements §4 row 23)."""

from datetime import date, datetime, timedelta

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.errors import BadInput
from billing.models import Agreement, AgreementChange, AgreementPause
from billing.models.agreement import AGREEMENT_MOVES, AgreementState, ChangeKind, PauseKind
from billing.office.models import User
from billing.services.plans.changing import check_day, check_running
from billing.services.plans.remaking import remake
from billing.states import move
from billing.transactions import transaction_required

DAY = timedelta(days=1)


def pauses_on(day: date) -> Q:
    return Q(from_on__lte=day) & (Q(until_on__isnull=True) | Q(until_on__gte=day))


@transaction_required
def pause_agreement(
    *, agreement: Agreement, kind: str, from_on: date, until_on: date | None, reason: str, now: datetime,
    by: User | None,
) -> AgreementChange:  # fmt: skip
    """Let an agreement rest from a day to a day, or until resumed. Its days are not charged: held ones never,
    vacation ones where agreements.pause_is_free says so; what was billed of them is given back by a charge.

    Raises NotRunning, BadInput (no reason, days reversed, outside the agreement, in another pause).
    """
    if not reason.strip():
        raise BadInput(gettext_lazy("A reason is needed."), field="reason", code="reason_required")
    if until_on is not None and until_on < from_on:
        raise BadInput(gettext_lazy("The first day is after the last."), field="until_on", code="period_reversed")
    today = agreement.organization.today(now)

    def write(locked: Agreement) -> None:
        check_running(locked)
        check_day(locked, from_on, "from_on")
        _check_free(locked, from_on, until_on)
        AgreementPause.objects.create(
            organization=locked.organization, agreement=locked, kind=kind, from_on=from_on, until_on=until_on,
            reason=reason[:200], made_at=now, made_by=by,
        )  # fmt: skip
        rests_now = from_on <= today <= (until_on or today)
        if rests_now and locked.state == AgreementState.ACTIVE:
            move(locked, AgreementState.PAUSED, AGREEMENT_MOVES, state_since=from_on)

    words = _("{kind}, {first} to {last}").format(
        kind=PauseKind(kind).label, first=from_on.isoformat(), last=until_on.isoformat() if until_on else "…"
    )
    return remake(
        agreement=agreement, kind=ChangeKind.PAUSED, effective_on=from_on, reason=reason, summary=words, now=now,
        by=by, write=write,
    )  # fmt: skip


def _check_free(agreement: Agreement, from_on: date, until_on: date | None) -> None:
    rows = agreement.pauses.filter(Q(until_on__isnull=True) | Q(until_on__gte=from_on))
    if until_on is not None:
        rows = rows.filter(from_on__lte=until_on)
    taken = rows.first()
    if taken is not None:
        last = taken.until_on.isoformat() if taken.until_on else "…"
        sentence = gettext_lazy("It rests from {first} to {last} already.")
        raise BadInput(sentence, field="from_on", code="pause_overlaps", first=taken.from_on.isoformat(), last=last)


@transaction_required
def resume_agreement(
    *, agreement: Agreement, on: date, reason: str, now: datetime, by: User | None
) -> AgreementChange:  # fmt: skip
    """Go on from a day: the pause that holds on it, or the next one, ends the day before.

    Raises BadInput where there is no such pause, or it begins on that day.
    """
    today = agreement.organization.today(now)

    def write(locked: Agreement) -> None:
        pause = locked.pauses.filter(Q(until_on__isnull=True) | Q(until_on__gte=on)).order_by("from_on").first()
        if pause is None:
            raise BadInput(gettext_lazy("It does not rest on that day."), field="on", code="no_pause")
        if on <= pause.from_on:
            sentence = gettext_lazy("The pause begins on {day}; it can end on a later day.")
            raise BadInput(sentence, field="on", code="before_pause", day=pause.from_on.isoformat())
        AgreementPause.objects.filter(pk=pause.pk).update(until_on=on - DAY)
        if on <= today and locked.state == AgreementState.PAUSED:
            move(locked, AgreementState.ACTIVE, AGREEMENT_MOVES, state_since=on)

    return remake(
        agreement=agreement, kind=ChangeKind.RESUMED, effective_on=on, reason=reason,
        summary=_("goes on from {day}").format(day=on.isoformat()), now=now, by=by, write=write,
    )  # fmt: skip
