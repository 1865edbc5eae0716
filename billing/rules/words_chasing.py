"""How the steps of a timeline and the reasons why they wait are said: to the office, and to the customer."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.errors import Sentence
from billing.rules.timeline import Planned

STEPS: dict[str, Sentence] = {
    "final": gettext_lazy("final notice"),
    "suspend": gettext_lazy("suspension of the service"),
    "lapse": gettext_lazy("lapse of the policy"),
    "collections": gettext_lazy("collection case"),
    "reactivate": gettext_lazy("service resumed"),
    "revive": gettext_lazy("policy revived"),
    "reopened": gettext_lazy("money was taken back; owed again"),
    "look": gettext_lazy("looked at"),
}
# Why nothing happens although a step is due.
HOLDS: dict[str, Sentence] = {
    "disputed": gettext_lazy("the invoice is disputed"),
    "paused": gettext_lazy("reminders are paused"),
    "debt_plan": gettext_lazy("a debt plan is being kept"),
    "promise": gettext_lazy("a promise to pay is still open"),
    "zoho": gettext_lazy("Zoho chases it"),
    "credit_covers": gettext_lazy("unapplied credit covers it"),
    "cheque_covers": gettext_lazy("cheques in the vault cover it"),
    "payment_pending": gettext_lazy("a payment is being confirmed"),
    "charge_confirmed": gettext_lazy("a charge is being confirmed"),
    "retry_planned": gettext_lazy("it is about to be charged again"),
    "autopay": gettext_lazy("it will be charged by itself"),
    "unmatched_line": gettext_lazy("a bank line may be this payment"),
    "bank_not_loaded": gettext_lazy("the bank's files do not reach far enough"),
    "below_minimum": gettext_lazy("too little to remind of"),
    "fresh": gettext_lazy("issued or reopened only just now"),
}
# Why a step was passed over.
REASONS: dict[str, Sentence] = {
    "higher_level": gettext_lazy("a later reminder went out instead"),
    "overdue": gettext_lazy("the due day had passed"),
    "by_hand": gettext_lazy("passed over by hand"),
    "sent_by_hand": gettext_lazy("sent by hand"),
    "agreement_over": gettext_lazy("the agreement had ended"),
    "nothing_added": gettext_lazy("nothing was to be added"),
    "came_back": gettext_lazy("the payment was taken back"),
    "paid": gettext_lazy("it was paid"),
}


def step_words(code: str) -> str:
    """A step as the office calls it."""
    step = Planned.of(code)
    if step.kind == "before":
        return ngettext(
            "reminder %(days)d day before the due day", "reminder %(days)d days before the due day", step.number
        ) % {"days": step.number}
    if step.kind == "level":
        return _("reminder, level {level}").format(level=step.number)
    if step.kind == "late_fee":
        return _("late fee, month {month}").format(month=step.number)
    return str(STEPS.get(code, code.replace("_", " ")))
