""" "Is this your payment?": asked of one customer by a link, answered once. An answer is evidence and posts nothing.

The message and its page tell amount and day of the line and nothing of anybody else.
"""

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from billing.errors import BadInput, DomainError
from billing.models import Customer
from billing.money import format_money
from billing.office.models import Organization, User
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.office.secrets import keyed_hash
from billing.states import move
from billing.transactions import transaction_required
from reconciliation.models import QUESTION_MOVES, Direction, PayerQuestion, QuestionState, StatementLine
from reconciliation.services.explaining import lock_line

ANSWER_WITHIN = timedelta(days=14)
LAPSED_AT_ONCE = 500


class NobodyToAsk(DomainError):
    code = "no_email"
    sentence = gettext_lazy("{customer} has no e-mail address; ask by telephone.")


class AskedBefore(DomainError):
    code = "asked_before"
    sentence = gettext_lazy("Asked before: {customer}, {state}. Another customer can be asked once that is over.")


class Over(DomainError):
    code = "question_over"
    sentence = gettext_lazy("This question is over; nothing is needed of you any more.")


@transaction_required
def ask_payer(*, line: StatementLine, customer: Customer, now: datetime, by: User) -> PayerQuestion:
    """Write to a customer whether a line is their payment, in their language. One customer at a time, each once.

    The token in the link is kept as a keyed hash only. Raises NobodyToAsk, AskedBefore, AlreadyExplained, BadInput.
    """
    line = lock_line(line, Direction.IN)
    if customer.organization_id != line.organization_id:
        raise BadInput(_("There is no such record."), field="customer", code="not_found")
    if not customer.email:
        raise NobodyToAsk(customer=customer.name)
    lapse_questions(now, line_ids=[line.pk])
    for earlier in PayerQuestion.objects.filter(line=line).select_related("customer").order_by("pk"):
        if earlier.customer_id == customer.pk or earlier.state == QuestionState.WAITING:
            raise AskedBefore(customer=earlier.customer.name, state=earlier.get_state_display())
    token = secrets.token_urlsafe(24)
    made = PayerQuestion.objects.create(
        organization=line.organization, line=line, customer=customer, token_hash=hash_of(token), asked_at=now,
        asked_by=by, expires_at=now + ANSWER_WITHIN,
    )  # fmt: skip
    queue_notices(line.organization, [_letter(made, token)], now)
    return made


@transaction_required
def answer(*, token: str, is_mine: bool, now: datetime) -> PayerQuestion:
    """The customer's word, once. Yes puts the line on top of the queue with that evidence. Raises NotFound, Over."""
    found = find_question(token)
    if found is None:
        raise Over()
    locked = PayerQuestion.objects.select_for_update(of=("self",)).select_related("line").get(pk=found.pk)
    wanted = QuestionState.YES if is_mine else QuestionState.NO
    if locked.state == wanted:
        return locked
    if not is_open(locked, now):
        raise Over()
    move(locked, wanted, QUESTION_MOVES, answered_at=now)
    return locked


def find_question(token: str) -> PayerQuestion | None:
    """One query. None for a token nobody was given."""
    rows = PayerQuestion.objects.select_related("line", "customer", "organization")
    return rows.filter(token_hash=hash_of(token)).first()


def is_open(question: PayerQuestion, now: datetime) -> bool:
    """Whether it may still be answered: in time, and the line is not explained yet."""
    return question.state == QuestionState.WAITING and question.expires_at > now and question.line.open_amount > 0


@transaction_required
def lapse_questions(now: datetime, line_ids: list[int] | None = None) -> int:
    """Close what nobody answered in time, and what is no longer needed. Returns how many."""
    rows = PayerQuestion.objects.select_for_update(of=("self",), skip_locked=True).select_related("line")
    rows = rows.filter(state=QuestionState.WAITING)
    if line_ids is not None:
        rows = rows.filter(line__in=line_ids)
    over = [row for row in rows.order_by("expires_at")[:LAPSED_AT_ONCE] if not is_open(row, now)]
    for row in over:
        move(row, QuestionState.LAPSED, QUESTION_MOVES)
    return len(over)


def hash_of(token: str) -> str:
    """Case counts in a token, and keyed_hash passes over it."""
    return keyed_hash(token.encode().hex())


def _letter(question: PayerQuestion, token: str) -> Message:
    line, customer = question.line, question.customer
    organization: Organization = question.organization
    address = settings.PUBLIC_URL.rstrip("/") + reverse("payer_question", args=[token])
    with override(customer.language):
        amount = format_money(line.amount, line.currency)
        words = [
            _("Dear {name},").format(name=customer.shown_name),
            _("{amount} reached us on {day}, and we cannot tell for sure who sent it. Is this your payment?").format(
                amount=amount, day=date_format(line.booked_on)
            ),
            _("Please answer here with one click, by {day}: {address}").format(
                day=date_format(question.expires_at.astimezone(organization.zone)), address=address
            ),
            _("You need not pay anything because of this message, and we never ask for bank or card data."),
            organization.shown_name,
        ]  # fmt: skip
        subject = _("Is this your payment of {amount}?").format(amount=amount)
    return Message(
        kind="payer_question", fact=f"payer_question:{question.pk}", recipient=customer.email, subject=subject,
        body="\n\n".join(words), party=customer.pk, channel=Channel.EMAIL, language=customer.language,
    )  # fmt: skip
