"""The end of a day: its checklist answered, its figures frozen, signed by a person (source 3: daily reconciliation)."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.ledger.models import Period, PeriodState
from billing.office.models import Organization, User
from billing.transactions import transaction_required
from reconciliation.models import DayClose, DayReopening
from reconciliation.rules.checklist import Line, blockers, frozen, signed_digest, warnings
from reconciliation.selectors.closed_days import figures_of_day, standing_close
from reconciliation.selectors.closing_checks import ask_day
from reconciliation.selectors.proofs import last_proof


class DayIsClosed(DomainError):
    code = "day_is_closed"
    sentence = _("{day} was closed by {who} on {at:%Y-%m-%d %H:%M}.")


class DayNotClosed(DomainError):
    code = "day_not_closed"
    sentence = _("{day} is not closed; there is nothing to reopen.")


class DayBlocked(DomainError):
    """lines: what is in the way."""

    code = "day_blocked"
    sentence = _("{day} cannot be closed yet: {what}.")


class MonthIsLocked(DomainError):
    code = "month_is_locked"
    sentence = _("{month} is locked; its days stay as they are.")


@transaction_required
def close_day(*, organization: Organization, day: date, remarks: str, now: datetime, by: User | None) -> DayClose:
    """Sign the end of a day: the checklist is asked once more, and kept with the figures as they are now.

    by: None for the command. remarks: needed where a check warns. Closing posts nothing and forbids nothing: what is
    booked on the day afterwards is told by its page and by the month's checklist.
    Raises BadInput (a day to come, no remarks), DayIsClosed, DayBlocked.
    """
    remarks = clean_text(remarks, field="remarks", longest=400)
    today = organization.today(now)
    if day > today:
        raise BadInput(_("{day} is still to come (today is {today})."), field="day", code="future_date", day=day,
                       today=today)  # fmt: skip
    lock_closes(organization)
    earlier = standing_close(organization, day)
    if earlier is not None:
        at = earlier.closed_at.astimezone(organization.zone)
        raise DayIsClosed(day=day, who=earlier.closed_by or "close_day", at=at)
    lines = ask_day(organization, day, now)
    check_lines(lines, remarks, DayBlocked(day=day, what=in_the_way(lines)))
    checks, figures = frozen(lines), figures_of_day(organization, day)
    return DayClose.objects.create(
        organization=organization, day=day, round=_rounds(organization, day) + 1, closed_at=now, closed_by=by,
        remarks=remarks, checks=checks, figures=figures, digest=signed_digest(checks, figures),
        proof=last_proof(organization),
    )  # fmt: skip


@transaction_required
def reopen_day(*, close: DayClose, reason: str, now: datetime, by: User) -> DayReopening:
    """Open a closed day again; what was signed stays. Raises BadInput, DayNotClosed, MonthIsLocked."""
    reason = clean_text(reason, field="reason", longest=400, required=True)
    organization = close.organization
    lock_closes(organization)
    month = close.day.replace(day=1)
    if Period.objects.filter(organization=organization, month=month, state=PeriodState.LOCKED).exists():
        raise MonthIsLocked(month=f"{month:%Y-%m}")
    if DayReopening.objects.filter(day_close=close).exists():
        raise DayNotClosed(day=close.day)
    return DayReopening.objects.create(
        organization=organization, day_close=close, reopened_at=now, reopened_by=by, reason=reason
    )


@transaction_required
def lock_closes(organization: Organization) -> None:
    """One at a time closes or reopens days and months of an organization."""
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)


def check_lines(lines: Sequence[Line], remarks: str, blocked: DomainError) -> None:
    """Raises `blocked` if a check blocks, BadInput if one warns and there are no remarks."""
    if blockers(lines):
        raise blocked
    if warnings(lines) and not remarks:
        sentence = _("Say a word about what is not as it should be: {what}.")
        what = "; ".join(str(line.check.sentence) for line in warnings(lines))
        raise BadInput(sentence, field="remarks", code="remarks_required", what=what)


def in_the_way(lines: Sequence[Line]) -> str:
    """What blocks, as a list for a sentence: the check, how many, what."""
    return "; ".join(
        " ".join(filter(None, (str(line.check.sentence), f"({line.answer.count})", line.answer.words)))
        for line in blockers(lines)
    )


def _rounds(organization: Organization, day: date) -> int:
    return DayClose.objects.filter(organization=organization, day=day).count()
