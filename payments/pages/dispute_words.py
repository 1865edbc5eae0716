"""How what a family says is not right is told on its pages: causes, states, steps, the office's answer."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.errors import Sentence
from payments.models import Dispute, DisputeEvent
from payments.models.dispute import DisputeKind, DisputeReason, DisputeState
from payments.pages.refund_words import Step
from payments.services.dispute_outcomes import OUTCOMES

CAUSES: Mapping[str, Sentence] = {
    DisputeReason.NOT_RECEIVED: _("I did not get what it is for"),
    DisputeReason.NOT_AS_AGREED: _("It is not what we agreed"),
    DisputeReason.WRONG_AMOUNT: _("The amount is wrong"),
    DisputeReason.DUPLICATE: _("It was charged twice"),
    DisputeReason.CANCELLED: _("I had cancelled it"),
    DisputeReason.UNKNOWN_CHARGE: _("I do not know what it is"),
    DisputeReason.FRAUD: _("Somebody else paid with my card or account"),
    DisputeReason.OTHER: _("Something else"),
}
OPEN_WORDS = (_("the office looks into it"), "◔", "info")
# (kind of file, how it ended) → a word, a shape, a tone.
ENDS: Mapping[tuple[str, str], tuple[Sentence, str, str]] = {
    (DisputeKind.INVOICE, DisputeState.LOST): (_("you were right"), "●", "good"),
    (DisputeKind.QUESTION, DisputeState.LOST): (_("you were right"), "●", "good"),
    (DisputeKind.INVOICE, DisputeState.WON): (_("it stands as it is"), "■", "info"),
    (DisputeKind.QUESTION, DisputeState.WON): (_("it stands as it is"), "■", "info"),
    (DisputeKind.CHARGEBACK, DisputeState.LOST): (_("your bank took it back"), "●", "good"),
    (DisputeKind.CHARGEBACK, DisputeState.WON): (_("your bank left it with the school"), "■", "info"),
}


def state_of(dispute: Dispute) -> tuple[Sentence, str, str]:
    if dispute.state == DisputeState.ANSWERED:
        return (_("answered"), "◑", "info")
    if dispute.state == DisputeState.OPEN:
        return (_("at your bank"), "◔", "info") if dispute.kind == DisputeKind.CHARGEBACK else OPEN_WORDS
    return ENDS.get((dispute.kind, dispute.state), (pgettext_lazy("dispute", "taken back"), "–", "quiet"))


def steps_of(dispute: Dispute, events: list[DisputeEvent]) -> list[Step]:
    """Told, answered, settled. What the office writes to the bank about a chargeback is not for the family."""
    is_theirs = dispute.kind != DisputeKind.CHARGEBACK
    told = Step(_("You told us") if is_theirs else _("Your bank took the money back for now"), "done",
                dispute.opened_on)  # fmt: skip
    zone = dispute.organization.zone
    answers = [
        Step(_("The office answered"), "done", event.at.astimezone(zone).date(), event.text if is_theirs else "")
        for event in events if event.channel == DisputeState.ANSWERED
    ]  # fmt: skip
    if dispute.state not in OUTCOMES:
        waiting = Step(_("The office looks into it") if is_theirs else _("Your bank decides"), "now")
        return [told, *answers, waiting, Step(_("Settled"), "next")]
    by_family = dispute.state == DisputeState.WITHDRAWN
    end = Step(
        _("Taken back") if by_family else _("Settled"), "no" if by_family else "done", dispute.closed_on,
        dispute.outcome_reason if is_theirs and not by_family else "",
    )  # fmt: skip
    return [told, *answers, end]
