"""Sentences for billing runs: what is unusual about a bill, why one was not billed, how a one-off charge came about."""

from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence

WORDS: dict[str, Sentence] = {
    "one_off": _("Charged once, on {charged_on}: {price_amount}."),
}
ODDITY_WORDS: dict[str, Sentence] = {
    "negative": _("More is given back than billed: it becomes a credit memo."),
    "changed": _("Differs a lot from the last bill."),
    "late": _("Should have been due before its day of issue; it is due on that day instead."),
    "several_periods": _("Several periods of this agreement are billed at once."),
    "new_payer": _("Somebody else paid for this agreement before."),
    "zero": _("Comes to nothing: no invoice is issued."),
    "nothing_attended": _("Nothing was attended: the period is not billed."),
    "first": _("First bill of this agreement."),
}
# Why a bill did not become an invoice. Reasons that people give stand beside these, as they were written.
REASON_WORDS: dict[str, Sentence] = {
    "nothing_attended": _("Nothing was attended."),
    "not_planned": _("The period is billed already, or no longer part of the schedule."),
    "not_running": _("The agreement has ended, or is billed elsewhere."),
    "changed": _("The agreement changed after this was shown; the next run bills it as it is now."),
    "charge_gone": _("A charge in it was billed or cancelled meanwhile; the next run bills the others."),
}


def said_reason(reason: str) -> str:
    """A stored reason as people read it."""
    return str(REASON_WORDS.get(reason, reason))
