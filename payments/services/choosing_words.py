"""Why a charge went this way and not another, and why it was held: sentences in the reader's language (R49, R51)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.money import format_money

CHOSEN: Mapping[str, Sentence] = {
    "only_way": _("It was the only one that could be charged."),
    "payers_order": _("It comes first in the payer's own order."),
    "works_more": _("It works more often: {percent} % ({won} of {tries} charges in 30 days)."),
    "cheaper": _("It works as often and costs less: {cost_amount} for this charge."),
    "can_more": _("It works as often, costs the same, and a lost answer can be asked for there."),
    "first_rank": _("All else is equal, and the school ranks it first."),
    "older": _("All else is equal, and it was stored first."),
}
NOT_CHOSEN: Mapping[str, Sentence] = {
    "later_in_order": _("comes later in the payer's own order (place {place})"),
    "works_less": _("works less often: {percent} % ({won} of {tries} charges in 30 days)"),
    "dearer": _("costs more: {cost_amount} for this charge"),
    "can_less": _("its processor can do less"),
    "later_rank": _("the school ranks it later (rank {rank})"),
    "newer": _("was stored later"),
    "not_usable": _("was not active"),
    "other_currency": _("its gateway account takes {takes}"),
    "not_in_time": _("has expired, or its mandate does not allow it"),
    "others_account": _("its gateway account is a teacher's own, and this is not for that teacher"),
    "not_active": _("its gateway account is not in use"),
    "not_taken": _("its gateway account does not take that kind"),
    "paused": _("its gateway account is out of use until {until}: {why}"),
    "closed_off": _("its processor did not answer and is left alone for a while"),
}
BY: Mapping[str, Sentence] = {"payer": _("The payer chose it and was there.")}
NO_FAILOVER: Mapping[str, Sentence] = {
    "not_proven": _("It is not proven that nothing was charged, so it goes nowhere else."),
    "in_review": _("Fraud is suspected, so it goes nowhere else."),
    "no_token": _("The payer has nothing stored at another processor that was not tried."),
    "none_able": _("What the payer has at other processors cannot be charged at the moment."),
}
# Of RetryDecision.because, where the look before a charge held it.
FINDINGS: Mapping[str, Sentence] = {
    "precheck_many_charges": _("Many charges of this customer within an hour ({points} points)."),
    "precheck_many_failures": _("Many declined charges of this customer within a day ({points} points)."),
    "precheck_new_and_large": _("A large first charge with a card or account added within a day ({points} points)."),
    "precheck_cvv_no_match": _("The security code did not fit when the card was added ({points} points)."),
    "precheck_avs_no_match": _("The address did not fit when the card was added ({points} points)."),
    "precheck_risky_method": _("The card or account was risky when it was added ({points} points)."),
}


@dataclass(frozen=True)
class Told:
    """chosen: sentences. others: (method, gateway account, why not)."""

    chosen: list[str]
    others: list[tuple[str, str, str]]


def told_choice(decision: Mapping[str, Any], currency: str, zone: ZoneInfo) -> Told:
    """Of PaymentAttempt.decision; nothing where no choice was made."""
    chosen = decision.get("chosen")
    said = []
    if isinstance(chosen, Mapping) and chosen.get("code") in CHOSEN:
        said.append(_say(CHOSEN[chosen["code"]], chosen, currency, zone))
    if decision.get("by") in BY:
        said.append(str(BY[decision["by"]]))
    others = [
        (str(one["name"]), str(one["account"]), _say(NOT_CHOSEN[one["code"]], one, currency, zone))
        for one in decision.get("others", ()) if one.get("code") in NOT_CHOSEN
    ]  # fmt: skip
    return Told(said, others)


def _say(sentence: Sentence, facts: Mapping[str, Any], currency: str, zone: ZoneInfo) -> str:
    shown = dict(facts)
    for name, value in facts.items():
        if name.endswith("_amount"):
            shown[name] = format_money(Decimal(str(value)), currency)
        elif name == "until":
            shown[name] = date_format(datetime.fromisoformat(str(value)).astimezone(zone), "DATETIME_FORMAT")
    return str(sentence).format(**shown)
