"""How disputes are worded at the console: labels of facts, states, the time left to answer."""

from datetime import date

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from billing.admin import facts
from billing.admin.words_and_colours import LOOKS, Look, label
from billing.errors import Sentence
from payments.models import Dispute
from payments.models.dispute import DisputeReason, DisputeState

facts.LABELS.update({
    "dispute": _("Dispute"), "contested": _("Contested"), "dispute_cause": _("Cause"), "case": _("Case at the bank"),
    "won_back": _("Comes back to us"), "moved_back": _("Moved money that comes back"),
})  # fmt: skip
MORE_WORDS: dict[str, dict[str, Sentence]] = {
    "deed": {
        "dispute_lost": _("give up a contested bill"), "chargeback_lost": _("accept a lost chargeback"),
    },
    "action": {"override_discount": _("give back part of a bill"), "refund_large": _("give money back")},
    "event": {"chargeback_held": _("chargeback held"), "chargeback_settled": _("chargeback settled")},
}  # fmt: skip
facts.WORDS.update({key: {**words, **facts.WORDS[key]} for key, words in MORE_WORDS.items()})
facts.AMOUNTS |= {"contested", "won_back"}
facts.WORDS["dispute_cause"] = dict(DisputeReason.choices)
facts.WORDS["dispute_channel"] = {
    "page": _("the customer's own page"),
    "phone": _("phone"), "email": _("e-mail"), "letter": _("letter"), "visit": _("visit"), "open": _("opened"),
    "owner": _("owner"), "deadline": _("new deadline"), "answered": _("evidence sent"), "won": _("won"),
    "lost": _("lost"), "withdrawn": _("withdrawn"), "look_back": _("by itself"),
}  # fmt: skip
LOOKS |= {
    "dispute.late": Look(_("past the deadline"), "▲", "bad"),
    "dispute.soon": Look(_("due soon"), "◔", "warn"),
    "dispute.time": Look(_("time left"), "○", "info"),
    "dispute.escalated": Look(_("escalated"), "▲", "warn"),
}  # fmt: skip
SOON_DAYS = 3


def time_left(dispute: Dispute, today: date) -> SafeString | str:
    """How long there is to answer, as a word with a shape; nothing once the answer is sent."""
    if dispute.state != DisputeState.OPEN:
        return ""
    days = (dispute.deadline_on - today).days
    if days < 0:
        return label("dispute.late", ngettext("%(n)d day late", "%(n)d days late", -days) % {"n": -days})
    if not days:
        return label("dispute.soon", _("due today"))
    words = ngettext("%(n)d day left", "%(n)d days left", days) % {"n": days}
    return label("dispute.soon" if days <= SOON_DAYS else "dispute.time", words)
