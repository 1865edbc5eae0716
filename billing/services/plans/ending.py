"""The last day of an agreement: cancelled by the family, ended by the office, put off (R54)."""

from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.errors import BadInput
from billing.models import Agreement, AgreementChange, AgreementKind
from billing.models.agreement import AGREEMENT_MOVES, AgreementState, ChangeKind
from billing.office.models import User
from billing.office.policies import policies_for_agreements
from billing.services.plans.changing import check_day, check_running
from billing.services.plans.remaking import lock_family, remake
from billing.states import move
from billing.transactions import transaction_required

DAY = timedelta(days=1)


def earliest_last_day(agreement: Agreement, today: date) -> date:
    """The first day a cancellation asked for today may end on. One query."""
    key = (agreement.pk, agreement.customer_id, agreement.provider_id)
    policies = policies_for_agreements(agreement.organization, [key])[agreement.pk]
    return today + timedelta(days=policies.number("agreements.cancel_notice_days"))


@transaction_required
def cancel_agreement(
    *, agreement: Agreement, last_on: date, reason: str, now: datetime, by: User | None
) -> AgreementChange:  # fmt: skip
    """The family cancels: last_on is the last day, no earlier than the notice allows. What was billed beyond it is
    given back by a charge. It is cancelled when its last day is over and all of it billed (see tending); a package,
    and what has not begun, at once.

    Raises NotRunning, BadInput (no reason, too short a notice, after the last day agreed: that is to extend it).
    """
    first = earliest_last_day(agreement, agreement.organization.today(now))
    if last_on < first:
        sentence = gettext_lazy("With the notice agreed it can end on {day} at the earliest.")
        raise BadInput(sentence, field="last_on", code="notice_too_short", day=first.isoformat())
    return _end(agreement, last_on, ChangeKind.CANCELLED, AgreementState.CANCELLED, reason, now, by)


@transaction_required
def end_agreement(
    *, agreement: Agreement, last_on: date, reason: str, now: datetime, by: User | None
) -> AgreementChange:  # fmt: skip
    """The office ends it, without notice. As cancel_agreement, but it has ended when its last day is over."""
    return _end(agreement, last_on, ChangeKind.ENDED, AgreementState.ENDED, reason, now, by)


def _end(
    agreement: Agreement, last_on: date, kind: ChangeKind, to: AgreementState, reason: str, now: datetime,
    by: User | None,
) -> AgreementChange:  # fmt: skip
    if not reason.strip():
        raise BadInput(gettext_lazy("A reason is needed."), field="reason", code="reason_required")

    def write(locked: Agreement) -> None:
        check_running(locked)
        if last_on == locked.ends_on:
            raise BadInput(gettext_lazy("That is what is agreed already."), field="last_on", code="nothing_changes")
        if last_on < locked.starts_on:
            move(locked, AgreementState.CANCELLED, AGREEMENT_MOVES, state_since=last_on, ends_on=locked.starts_on)
            return
        check_day(locked, last_on, "last_on")
        if locked.kind == AgreementKind.PACKAGE:
            move(locked, to, AGREEMENT_MOVES, state_since=last_on, ends_on=last_on)
        else:
            Agreement.objects.filter(pk=locked.pk).update(ends_on=last_on)

    return remake(
        agreement=agreement, kind=kind, effective_on=last_on + DAY, reason=reason,
        summary=_("last day {day}").format(day=last_on.isoformat()), now=now, by=by, write=write,
    )  # fmt: skip


@transaction_required
def extend_agreement(
    *, agreement: Agreement, ends_on: date | None, reason: str, now: datetime, by: User | None
) -> AgreementChange:  # fmt: skip
    """Another last day, later than the one agreed, or none. What has ended runs again.

    It is a change from the day that was the last: what was billed of a period that this day cut short is settled too,
    as it may have cost as much as all. Raises BadInput (not later, a package), NotRunning (cancelled, lapsed).
    """
    lock_family(agreement.organization, {agreement.customer_id})
    before = Agreement.objects.values_list("ends_on", flat=True).get(pk=agreement.pk)

    def write(locked: Agreement) -> None:
        if locked.kind == AgreementKind.PACKAGE or locked.ends_on is None:
            raise BadInput(gettext_lazy("It has no last day."), field="ends_on", code="no_end")
        if ends_on is not None and ends_on <= locked.ends_on:
            sentence = gettext_lazy("Choose a day after {day}.")
            raise BadInput(sentence, field="ends_on", code="not_later", day=locked.ends_on.isoformat())
        if locked.state == AgreementState.ENDED:
            move(locked, AgreementState.ACTIVE, AGREEMENT_MOVES, state_since=locked.ends_on + DAY, ends_on=ends_on)
        else:
            check_running(locked)
            Agreement.objects.filter(pk=locked.pk).update(ends_on=ends_on)

    words = _("last day {day}").format(day=ends_on.isoformat() if ends_on else "…")
    return remake(
        agreement=agreement, kind=ChangeKind.TERMS, reason=reason, summary=words, now=now, by=by, write=write,
        effective_on=before or agreement.starts_on,
    )  # fmt: skip
