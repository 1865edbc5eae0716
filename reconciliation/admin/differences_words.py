"""Words, shapes and colours of differences and their states."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.admin.facts import DEEDS, LABELS, WORDS
from billing.admin.words_and_colours import LOOKS, Look
from billing.errors import Sentence
from reconciliation.models import DiscrepancyReason

LOOKS |= {
    "difference.open": Look(pgettext_lazy("discrepancy", "open"), "▲", "warn"),
    "difference.explained": Look(_("explained"), "✓", "info"),
    "difference.resolved": Look(_("resolved"), "●", "good"),
    "difference.seen": Look(_("just seen"), "◌", "wait"),
    "difference.correcting": Look(_("being corrected"), "◔", "wait"),
    "comparison.waiting": Look(_("waiting"), "◔", "wait"),
    "comparison.incomplete": Look(_("incomplete"), "▲", "warn"),
    "comparison.complete": Look(_("complete"), "●", "good"),
    "proof.clear": Look(_("all explained"), "●", "good"),
    "proof.differs": Look(_("to explain"), "▲", "warn"),
}
LABELS |= {"record": _("Difference"), "note": _("Explanation")}
DEEDS |= {"explain_difference": _("explain a difference away")}
WORDS |= {"cause": {**WORDS.get("cause", {}), **dict(DiscrepancyReason.choices)}}
LAGS: dict[str, Sentence] = {
    "just_now": _("just now; word may be on its way"), "today": _("since today"), "late": _("late"),
}  # fmt: skip
# Zoho's facts, as they stand in ours and theirs.
FACTS: dict[str, Sentence] = {
    "state": _("State"), "plan": _("Plan"), "agreement": _("Agreement here"), "number": _("Number"),
    "total": _("Total"), "open": _("Open"), "amount": _("Amount"), "name": _("Name"), "e-mail": _("E-mail"),
    "customer": _("Customer there"),
}  # fmt: skip
