"""Who looks after a dispute, until when, and when the managers take over; the lines of its file (R107)."""

from datetime import date, datetime, timedelta

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.money import format_money
from billing.office.access import may
from billing.office.models import User
from billing.office.models.notice import Channel
from billing.office.models.user import Mode
from billing.office.notices import Message, queue_notices
from billing.transactions import transaction_required
from payments.models import Dispute, DisputeEvent
from payments.models.dispute import DisputeEventKind
from payments.services.dispute_steps import check_open, lock_dispute

WORK = "answer_chargeback"
A_MOMENT = timedelta(minutes=5)


class AlreadyEscalated(DomainError):
    code = "already_escalated"
    sentence = _("{number} is with the managers already.")


@transaction_required
def assign_dispute(*, dispute: Dispute, owner: User | None, now: datetime, by: User) -> Dispute:
    """Say who looks after an open dispute; nobody: None. Repeating it changes nothing. Raises BadInput, Closed."""
    dispute = lock_dispute(dispute)
    check_open(dispute)
    if owner is not None and not may(owner, dispute.organization, WORK, Mode.DO, Mode.MAKE):
        raise BadInput(_("{who} may not work on disputes."), field="owner", code="not_permitted", who=owner)
    if dispute.assigned_to_id == (owner.pk if owner else None):
        return dispute
    dispute.assigned_to = owner
    dispute.save(update_fields=["assigned_to"])
    add_event(dispute, DisputeEventKind.STATE, str(owner) if owner else "–", now, by, channel="owner")
    return dispute


@transaction_required
def escalate_dispute(*, dispute: Dispute, reason: str, now: datetime, by: User) -> Dispute:
    """Bring an open dispute before the managers, once. Raises BadInput (no reason), AlreadyEscalated, Closed."""
    dispute = lock_dispute(dispute)
    check_open(dispute)
    words = clean_text(reason, field="reason", longest=400, required=True)
    if dispute.escalated_at is not None:
        raise AlreadyEscalated(number=dispute.number)
    tell_managers(dispute, words, now, by)
    return dispute


@transaction_required
def move_deadline(*, dispute: Dispute, deadline_on: date, reason: str, now: datetime, by: User) -> Dispute:
    """The bank or the customer gave another day. Raises BadInput (no reason, before the opening), Closed."""
    dispute = lock_dispute(dispute)
    check_open(dispute)
    words = clean_text(reason, field="reason", longest=400, required=True)
    check_deadline(deadline_on, dispute.opened_on)
    dispute.deadline_on = deadline_on
    dispute.save(update_fields=["deadline_on"])
    add_event(dispute, DisputeEventKind.STATE, f"{deadline_on:%Y-%m-%d}: {words}", now, by, channel="deadline")
    return dispute


def add_event(
    dispute: Dispute, kind: str, text: str, now: datetime, by: User | None, *, channel: str = "",
    due_on: date | None = None,
) -> DisputeEvent:  # fmt: skip
    """A line of the file. The very same words by the same person a moment later are a second click: one line."""
    line = DisputeEvent.objects.filter(dispute=dispute, kind=kind, channel=channel, text=text[:1000], due_on=due_on)
    earlier = line.filter(by=by, at__gt=now - A_MOMENT).first() if kind != DisputeEventKind.STATE else None
    return earlier or DisputeEvent.objects.create(
        dispute=dispute, kind=kind, channel=channel, text=text[:1000], due_on=due_on, at=now, by=by
    )


def check_deadline(deadline_on: date, opened_on: date) -> None:
    """Raises BadInput."""
    if deadline_on < opened_on:
        sentence = _("The deadline is before the day the dispute was opened ({day}).")
        raise BadInput(sentence, field="deadline_on", code="deadline_before_opening", day=opened_on)


def tell_managers(dispute: Dispute, reason: str, now: datetime, by: User | None) -> None:
    """Stamp it, write it down, and tell the managers through the office inbox."""
    dispute.escalated_at = now
    dispute.save(update_fields=["escalated_at"])
    add_event(dispute, DisputeEventKind.ESCALATION, reason, now, by)
    money = format_money(dispute.amount, dispute.currency)
    message = Message(
        kind="dispute_escalated", fact=f"dispute:{dispute.pk}", recipient="managers", party=dispute.customer_id,
        channel=Channel.OFFICE, subject=f"Dispute {dispute.number} over {money} needs a manager",
        body=f"{reason} Answer by {dispute.deadline_on:%Y-%m-%d}.",
    )  # fmt: skip
    queue_notices(dispute.organization, [message], now)
