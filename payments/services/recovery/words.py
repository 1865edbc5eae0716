"""How a decision came about: a sentence for each step, in the reader's language."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.money import format_money
from payments.services.choosing_words import FINDINGS
from payments.services.methods.words import declined_words

# Code of a step → its sentence.
WORDS: Mapping[str, Sentence] = {
    "failed": _("It failed: {reason} Times tried with this method: {tries}."),
    "being_confirmed": _("Its outcome is not known yet; until then nothing more is charged."),
    "fraud_review": _("Fraud is suspected: nothing is charged by itself until a person has looked."),
    "held": _("All automatic charges of this customer are off, because fraud is suspected."),
    "look_up": _(
        "The processor says that the same was charged before: a person looks at it, nothing is charged again."
    ),
    "consent_gone": _("The payer told their bank not to allow it: nothing is charged without a new consent."),
    "payer_was_there": _("The payer was there and decides what comes next."),
    "not_proven": _("It is not proven that nothing was charged, so a person looks."),
    "technical_used_up": _("It could not be carried out even after {most} further tries; a person looks."),
    "technical_slot": _("Further try {number} of {most}, {minutes} minutes later."),
    "other_gateway": _("Another processor has method {place} of the payer, so it goes there."),
    "same_gateway": _("No other processor has a method of the payer, so it goes to the same one."),
    "method_gone": _("The method is not to be used any more."),
    "backup": _("The payer's method {place} is tried instead."),
    "rule_wait": _("The rules allow {most} further tries with it; this is number {number}."),
    "network_cap": _("The card network allows {most} tries in 30 days, so it waits."),
    "before_escalation": _("It comes before {escalates_on}, when the timeline goes on."),
    "pay_day": _("The family chose day {day} of the month."),
    "habit": _("Of {times} charges that worked, most were near this hour, weekday or day of the month."),
    "chance": _(
        "It works with a chance of {percent} %: {payer_won} of {payer_tries} charges of this payer worked, and"
        " {gateway_won} of {gateway_tries} further tries at this processor."
    ),
    "worth": _("A further try is worth {value_amount}, more than the {least_amount} that it must be."),
    "not_worth": _("A further try is worth {value_amount}, not more than {least_amount}; a person decides."),
    "no_retry": _("This reason allows no further try with the same method."),
    "advice": _("The card network or bank advises against a further try."),
    "bank_code": _("Of bank debits only R01 and R09 are presented again."),
    "tries_used_up": _("All further tries that the rules allow were made."),
    "too_late": _("It is too late for a further try."),
    "ask_payer": _("The payer is asked how they want to pay."),
    "chosen_day": _("The payer chose {chosen_on}."),
    "chosen_method": _("The payer chose another method."),
    "split": _("The payer pays in two parts: {first_amount} first."),
    "new_method": _("The payer has a new method, or a new date on the card."),
    "put_off": _("Put off by a day: {why}."),
    "released": _("A person looked at it and let automatic charges go on."),
    **FINDINGS,
}


def told(because: Iterable[Mapping[str, Any]], currency: str) -> list[str]:
    """One sentence a step, as stored. *_amount is money in currency, *_on a date."""
    return [str(WORDS[one["code"]]).format(**_shown(one, currency)) for one in because if one["code"] in WORDS]


def _shown(facts: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {name: _one(name, value, currency) for name, value in facts.items()}


def _one(name: str, value: Any, currency: str) -> Any:
    if name.endswith("_amount"):
        amount = Decimal(str(value))
        return f"-{format_money(-amount, currency)}" if amount < 0 else format_money(amount, currency)
    if name.endswith("_on"):
        return date_format(date.fromisoformat(str(value)))
    if name == "reason":
        return declined_words(str(value)).what
    if name == "weekday":
        return WEEKDAYS[int(value)]
    return value
