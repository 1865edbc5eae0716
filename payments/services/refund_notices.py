"""What customers read about their refunds, in their language (R101, R172, R176). Each says what happens next."""

from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.models import Customer
from billing.money import format_money
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.transactions import transaction_required
from payments.models import Refund


@transaction_required
def tell_customer(*, refund: Refund, kind: str, now: datetime, reason: str = "", turn: int = 0) -> None:
    """Queue the message of a step of a refund, once. kind: a key of TEXTS. turn: which try it is about, if several.

    Without an e-mail address the office is told that the customer must hear it some other way.
    """
    customer = refund.customer
    fact = f"refund:{refund.pk}" + (f":{turn}" if turn else "")
    with override(customer.language if customer.email else "en"):
        subject, body = TEXTS[kind](refund, reason)
        if customer.email:
            message = Message(
                kind=kind, fact=fact, recipient=customer.email, subject=subject, body=body, party=customer.pk,
                language=customer.language,
            )  # fmt: skip
        else:
            message = _for_the_office(customer, kind, fact, subject, body)
    queue_notices(refund.organization, [message], now)


def _for_the_office(customer: Customer, kind: str, fact: str, subject: str, body: str) -> Message:
    words = _("{customer} has no e-mail address; tell them by telephone or letter:").format(customer=customer)
    return Message(
        kind=kind, fact=fact, recipient="office", subject=subject, body=f"{words}\n\n{body}", party=customer.pk,
        channel=Channel.OFFICE,
    )  # fmt: skip


def _facts(refund: Refund) -> dict[str, str]:
    return {
        "number": refund.number,
        "gross": format_money(refund.gross_amount, refund.currency),
        "paid": format_money(refund.paid_amount, refund.currency),
        "day": date_format(refund.expected_on),
        "way": refund.get_destination_display(),
    }


def _requested(refund: Refund, reason: str) -> tuple[str, str]:
    body = _("You asked for a refund of {gross}. We decide soon; you can expect the money by {day}.")
    return _("Refund {number} was asked for").format(**_facts(refund)), body.format(**_facts(refund))


def _approved(refund: Refund, reason: str) -> tuple[str, str]:
    body = _("Your refund of {gross} was approved. We pay {paid} out, way back: {way}. You can expect it by {day}.")
    return _("Refund {number} was approved").format(**_facts(refund)), body.format(**_facts(refund))


def _paid(refund: Refund, reason: str) -> tuple[str, str]:
    body = _("{paid} was sent, way back: {way}. Your bank may need a few days to show it.")
    return _("Refund {number} was paid").format(**_facts(refund)), body.format(**_facts(refund))


def _kept(refund: Refund, reason: str) -> tuple[str, str]:
    body = _("{paid} is kept as credit on your account and can be set against what you owe.")
    return _("Refund {number} is kept as credit").format(**_facts(refund)), body.format(**_facts(refund))


def _failed(refund: Refund, reason: str) -> tuple[str, str]:
    body = _(
        "{paid} could not be paid out: {reason} The money is safe as credit on your account. We try again or will ask"
        " you for another way; please contact us if your account has changed."
    )
    return _("Refund {number} could not be paid").format(**_facts(refund)), body.format(
        reason=_sentence(reason), **_facts(refund)
    )


def _rejected(refund: Refund, reason: str) -> tuple[str, str]:
    body = _(
        "We cannot refund {gross}: {reason} Nothing was taken off your account. If you see it differently, answer"
        " this message or contact us; you may ask again."
    )
    return _("Refund {number} was not approved").format(**_facts(refund)), body.format(
        reason=_sentence(reason), **_facts(refund)
    )


def _withdrawn(refund: Refund, reason: str) -> tuple[str, str]:
    body = _("The refund of {gross} was withdrawn: {reason} The money stays as credit or where it was applied.")
    return _("Refund {number} was withdrawn").format(**_facts(refund)), body.format(
        reason=_sentence(reason), **_facts(refund)
    )


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?", "。")) else f"{words}."


TEXTS = {
    "refund_requested": _requested, "refund_approved": _approved, "refund_paid": _paid, "refund_kept": _kept,
    "refund_failed": _failed, "refund_rejected": _rejected, "refund_withdrawn": _withdrawn,
}  # fmt: skip
