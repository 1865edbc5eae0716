"""How refunds are told to families: a state with a shape, the steps so far, why something cannot come back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.errors import Sentence
from payments.models import Method, Refund
from payments.models.refund import Destination, RefundReason, RefundState
from payments.selectors.refunds import WAITING
from payments.services.eligibility import Check

# A state in a family's words, with a shape beside it so that colour alone says nothing.
STATES: Mapping[str, tuple[Sentence, str, str]] = {
    RefundState.REQUESTED: (_("the office decides"), "◔", "info"),
    RefundState.APPROVED: (pgettext_lazy("refund", "approved"), "◑", "info"),
    RefundState.SUBMITTED: (_("on its way"), "◕", "info"),
    RefundState.PROCESSED: (_("paid back"), "●", "good"),
    RefundState.FAILED: (_("did not arrive"), "▲", "bad"),
    RefundState.REJECTED: (_("not agreed"), "✕", "bad"),
    RefundState.WITHDRAWN: (pgettext_lazy("refund", "withdrawn"), "–", "quiet"),
}
CAUSES: Mapping[str, Sentence] = {
    RefundReason.OVERPAID: _("I paid too much"),
    RefundReason.DUPLICATE: _("I paid twice"),
    RefundReason.WRONG_CUSTOMER: _("I paid for the wrong account"),
    RefundReason.CANCELLED: _("What I paid for was cancelled"),
    RefundReason.FREE_LOOK: _("I cancel within the free-look days"),
    RefundReason.UNUSED_CREDIT: _("I do not need this credit any more"),
    RefundReason.GOODWILL: _("I ask it as a favour"),
    RefundReason.OTHER: _("Something else"),
}
BACK_BY: Mapping[str, Sentence] = {
    Method.CASH: _("In cash, as it was paid"),
    Method.CHEQUE: _("By a cheque or a transfer to whoever drew the cheque"),
    Method.BANK_TRANSFER: _("By bank transfer to the account it came from"),
    Method.CARD: _("Back to the card it was paid with"),
    Method.ACH: _("Back to the account it was debited from"),
    Method.UPI: _("Back to the UPI id it was paid from"),
    Method.NET_BANKING: _("Back to the account it was paid from"),
    Method.AUTO_DEBIT: _("Back to the account it was debited from"),
}
KEPT = _("Keep it as credit for what I owe next")
# Where the office's own words would tell a family nothing. The facts are those of the check.
WHY_NOT: Mapping[str, Sentence] = {
    "cause": _("Nothing is paid back here for this reason. Choose another one, or call the office."),
    "not_unapplied": _("Only {free} of it is not used yet; the rest paid your invoices. Ask for less, or choose"
                       " another reason."),
    "bill_not_paid": _("Only {paid} of this payment went to invoice {number}. Ask for less, or leave the invoice out."),
    "chargeback": _("You asked your bank for this money ({number}). If they agree, they give it back."),
    "not_booked": _("{number} is not in the books yet, or nothing came of it. Ask the office."),
    "not_cleared": _("The bank has not honoured the cheque yet. Ask again when it has, or keep the money as credit."),
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A step of a request in plain words. state: "done", "now" or "next". on: its day, if it has one. why: more."""

    words: Sentence
    state: str
    on: date | None = None
    why: str = ""

    @property
    def shape(self) -> str:
        return {"done": "✓", "now": "◔", "next": "○"}.get(self.state, "✕")


def why_not(check: Check) -> str:
    template = WHY_NOT.get(check.code)
    return str(template).format(**check.facts) if template else check.sentence


def way_words(destination: str, method: str) -> Sentence:
    """The way back. method: by which it was paid, "" for credit that no payment brought."""
    if destination == Destination.CREDIT:
        return _("Kept as credit")
    if destination == Destination.SOURCE:
        return BACK_BY.get(method, _("Paid back; the office agrees on the way with you"))
    return Destination(destination).label


def steps_of(refund: Refund) -> list[Step]:
    """Asked, decided, sent, there. One query where it was sent."""
    asked = Step(_("You asked for it") if refund.requested_via == "parent" else _("Asked for"), "done",
                 refund.requested_on)  # fmt: skip
    if refund.state == RefundState.REJECTED:
        return [asked, Step(_("The office did not agree"), "no", why=refund.decision_reason)]
    if refund.state == RefundState.WITHDRAWN:
        return [asked, Step(_("Withdrawn"), "no", why=refund.decision_reason)]
    if refund.approved_at is None:
        last = [Step(_("The office decides"), "now"), Step(_("It is sent"), "next"), Step(_("Paid back"), "next")]
        return [asked, *last]
    agreed = Step(_("The office agreed"), "done", refund.approved_at.astimezone(refund.organization.zone).date())
    return [asked, agreed, *_sending(refund)]


def _sending(refund: Refund) -> list[Step]:
    if refund.state == RefundState.APPROVED:
        return [Step(_("It is being sent"), "now"), Step(_("Paid back"), "next")]
    last = refund.attempts.order_by("ordinal").last()
    sent = Step(_("It was sent"), "done", last.sent_on if last else None)
    if refund.state == RefundState.PROCESSED:
        kept = refund.destination == Destination.CREDIT
        done = Step(_("Kept as your credit") if kept else _("Paid back"), "done", refund.processed_on)
        return [done] if kept else [sent, done]
    if refund.state == RefundState.FAILED:
        why = _("It came back. The money is safe as credit on your account; the office tries again or asks you.")
        return [sent, Step(_("It did not arrive"), "no", why=str(why))]
    return [sent, Step(_("Your bank shows it"), "now")]


def is_late(refund: Refund, today: date) -> bool:
    """Later than was promised (R98, R189)."""
    return refund.state in WAITING and refund.expected_on < today
