"""What customers and the office are told about requests to pay in parts."""

from datetime import date, datetime
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import PlanRequest
from billing.models.plan_request import PlanRequestState
from billing.money import format_money
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.transactions import transaction_required


@transaction_required
def tell_asked(*, request: PlanRequest, now: datetime) -> None:
    """The customer in any case; the office where a person has to decide."""
    messages = _to_customer(request, "plan_agreed" if request.plan_id else "plan_asked")
    if not request.plan_id:
        messages.append(_to_office(request))
    queue_notices(request.organization, messages, now)


@transaction_required
def tell_decided(*, request: PlanRequest, now: datetime) -> None:
    """The customer, with the office's answer."""
    kind = "plan_agreed" if request.state == PlanRequestState.AGREED else "plan_refused"
    queue_notices(request.organization, _to_customer(request, kind), now)


def _to_office(request: PlanRequest) -> Message:
    """Notes to the office are written in English, as all stored explanations are."""
    money = format_money(request.amount, request.currency)
    return Message(
        kind="plan_asked", fact=f"plan_request:{request.pk}", recipient="collections", party=request.customer_id,
        channel=Channel.OFFICE, subject=f"{request.customer.name} asks to pay {money} in {len(request.parts)} part(s)",
        body=request.reason,
    )  # fmt: skip


def _to_customer(request: PlanRequest, kind: str) -> list[Message]:
    customer = request.customer
    reachable = bool(customer.email)
    with override(customer.language if reachable else "en"):
        subject, body = _words(request, kind)
    message = Message(
        kind=kind, fact=f"plan_request:{request.pk}:customer", recipient=customer.email or "clerks",
        party=customer.pk, channel=Channel.EMAIL if reachable else Channel.OFFICE,
        language=customer.language if reachable else "en", body=body,
        subject=subject if reachable else f"Tell {customer.name} ({customer.code}): {subject}",
    )  # fmt: skip
    return [message]


def _words(request: PlanRequest, kind: str) -> tuple[str, str]:
    money = format_money(request.amount, request.currency)
    parts = "; ".join(
        f"{date_format(date.fromisoformat(day))}: {format_money(Decimal(amount), request.currency)}"
        for day, amount in request.parts
    )
    if kind == "plan_asked":
        body = _("You asked to pay {money} so: {parts}. The office decides soon. Until then it is due as before.")
        return _("Your payment plan: we have your request"), body.format(money=money, parts=parts)
    if kind == "plan_refused":
        body = _("We cannot agree to your plan for {money}: {answer} It is due as before; please call us.")
        return _("Your payment plan was not agreed"), body.format(money=money, answer=_sentence(request.answer))
    body = _("Your plan for {money} is agreed: {parts}. We do not remind you of it while each part is paid by its day.")
    return _("Your payment plan is agreed"), body.format(money=money, parts=parts)


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?", "。")) else f"{words}."
