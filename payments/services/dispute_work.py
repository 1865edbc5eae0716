"""The daily work on a dispute: who was spoken to, what was found, what is to do, the answer that was sent (R107)."""

from collections.abc import Sequence
from datetime import date, datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.office.documents import keep_document
from billing.office.models import User
from billing.states import move
from billing.transactions import transaction_required
from payments.models import Dispute, DisputeEvent
from payments.models.dispute import DISPUTE_MOVES, DisputeEventKind, DisputeState
from payments.services.dispute_care import add_event
from payments.services.dispute_steps import lock_dispute, tick_by_itself

CHANNELS = {"phone": _("phone"), "email": _("e-mail"), "letter": _("letter"), "visit": _("visit")}
LONGEST = 1000
File = tuple[str, bytes]


class NoEvidence(DomainError):
    code = "no_evidence"
    sentence = _("There is no evidence in the file yet. Add some, or say why none is sent.")


class AlreadyAnswered(DomainError):
    code = "already_answered"
    sentence = _("{number} is {state}; the answer cannot be sent again.")


@transaction_required
def add_contact(*, dispute: Dispute, channel: str, text: str, now: datetime, by: User) -> DisputeEvent:
    """Write down that somebody spoke with the customer; also after the end. channel: a key of CHANNELS.

    The first one ticks the step "customer contacted". Raises BadInput.
    """
    if channel not in CHANNELS:
        raise BadInput(_("Choose how you spoke with them."), field="channel", code="unknown_choice")
    words = clean_text(text, field="text", longest=LONGEST, required=True)
    dispute = lock_dispute(dispute)
    if dispute.closed_at is None:
        day = dispute.organization.today(now)
        tick_by_itself(dispute=dispute, key="customer", reference=f"{day:%Y-%m-%d} {channel}", now=now, by=by)
    return add_event(dispute, DisputeEventKind.CONTACT, words, now, by, channel=channel)


@transaction_required
def add_note(*, dispute: Dispute, text: str, now: datetime, by: User) -> DisputeEvent:
    """A note for colleagues. Raises BadInput."""
    words = clean_text(text, field="text", longest=LONGEST, required=True)
    return add_event(lock_dispute(dispute), DisputeEventKind.NOTE, words, now, by)


@transaction_required
def add_evidence(*, dispute: Dispute, text: str, now: datetime, by: User, files: Sequence[File] = ()) -> DisputeEvent:
    """Something that supports our side: what it shows, with its papers (name, bytes), or where it lies.

    Raises BadInput (no text; a file that is none of ours to keep).
    """
    words = clean_text(text, field="text", longest=LONGEST, required=True)
    dispute = lock_dispute(dispute)
    event = add_event(dispute, DisputeEventKind.EVIDENCE, words, now, by)
    for name, data in files:
        keep_document(
            organization=dispute.organization, subject=f"dispute_event:{event.pk}", kind="evidence", name=name,
            data=data, now=now, by=by, field="document",
        )  # fmt: skip
    return event


@transaction_required
def add_follow_up(*, dispute: Dispute, text: str, due_on: date, now: datetime, by: User) -> DisputeEvent:
    """Something to be done by a day, today or later. Also after the end. Raises BadInput."""
    words = clean_text(text, field="text", longest=LONGEST, required=True)
    if due_on < dispute.organization.today(now):
        raise BadInput(_("This day has passed; choose a later one."), field="due_on", code="past_day")
    return add_event(lock_dispute(dispute), DisputeEventKind.FOLLOW_UP, words, now, by, due_on=due_on)


@transaction_required
def finish_follow_up(*, event: DisputeEvent, now: datetime, by: User) -> DisputeEvent:
    """Tick a follow-up as done. One that is done already stays as it was. Raises BadInput for another kind of line."""
    if event.kind != DisputeEventKind.FOLLOW_UP:
        raise BadInput(_("Only a follow-up can be ticked as done."), code="not_a_follow_up")
    DisputeEvent.objects.filter(pk=event.pk, done_at__isnull=True).update(done_at=now, done_by=by)
    event.refresh_from_db()
    return event


@transaction_required
def answer_dispute(
    *, dispute: Dispute, sent_on: date, note: str, now: datetime, by: User, reason_without: str = ""
) -> Dispute:
    """The answer went out: to the processor for a chargeback, to the customer for an invoice.

    sent_on: from the opening until today. note: how it was sent, their confirmation. reason_without: needed where the
    file holds no evidence. Ticks the step "answer sent". Raises NoEvidence, AlreadyAnswered, BadInput.
    """
    dispute = lock_dispute(dispute)
    if DisputeState.ANSWERED not in DISPUTE_MOVES[dispute.state]:
        raise AlreadyAnswered(number=dispute.number, state=dispute.get_state_display())
    words = clean_text(note, field="note", longest=400, required=True)
    without = clean_text(reason_without, field="reason_without", longest=400)
    if not dispute.opened_on <= sent_on <= dispute.organization.today(now):
        sentence = _("The answer was sent between {day} and today.")
        raise BadInput(sentence, field="sent_on", code="day_out_of_range", day=dispute.opened_on)
    has_evidence = dispute.events.filter(kind=DisputeEventKind.EVIDENCE).exists()
    if not has_evidence and not without:
        raise NoEvidence(field="reason_without")
    move(dispute, DisputeState.ANSWERED, DISPUTE_MOVES)
    told = f"{sent_on:%Y-%m-%d} {words}" + ("" if has_evidence else f" ({without})")
    add_event(dispute, DisputeEventKind.STATE, told, now, by, channel=DisputeState.ANSWERED)
    tick_by_itself(dispute=dispute, key="answer_sent", reference=f"{sent_on:%Y-%m-%d} {words}", now=now, by=by)
    return dispute
