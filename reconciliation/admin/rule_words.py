"""A matching rule in words: when it fits, and what is done then."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.money import format_money
from reconciliation.models import Deed, Direction, MatchingRule, RuleTrial
from reconciliation.selectors.rule_trials import Replay
from reconciliation.services.workbench_verbs import REASONS


def conditions_of(rule: MatchingRule) -> list[str]:
    """One sentence a condition."""
    told = [_("Bank account {account}").format(account=rule.bank_account.code)] if rule.bank_account else []
    if rule.direction:
        told.append(_("Money that comes in") if rule.direction == Direction.IN else _("Money that goes out"))
    told += [_("the text has “{phrase}”").format(phrase=phrase) for phrase in rule.text_has.splitlines()]
    told += [_("the text lacks “{phrase}”").format(phrase=phrase) for phrase in rule.text_lacks.splitlines()]
    if rule.payer_has:
        told.append(_("the payer or payee has “{phrase}”").format(phrase=rule.payer_has))
    if rule.bank_code:
        told.append(_("the bank's code has “{phrase}”").format(phrase=rule.bank_code))
    return [*told, *_amounts(rule)]


def _amounts(rule: MatchingRule) -> list[str]:
    currency = rule.bank_account.currency if rule.bank_account else ""
    low = format_money(rule.amount_from, currency) if rule.amount_from is not None else ""
    high = format_money(rule.amount_to, currency) if rule.amount_to is not None else ""
    if low and high:
        return [_("from {low} to {high}").format(low=low, high=high)]
    if low:
        return [_("{low} or more").format(low=low)]
    return [_("{high} or less").format(high=high)] if high else []


def deed_of(rule: MatchingRule) -> str:
    if rule.deed == Deed.ITEM:
        tags = " · ".join(tag for tag in (rule.department, rule.project) if tag)
        facts = {"account": rule.ledger_account, "reason": REASONS.get(rule.reason_code, rule.reason_code)}
        told = _("Book it to {account} ({reason})").format(**facts)
        return f"{told} · {tags}" if tags else told
    if rule.deed == Deed.PAYMENT and rule.customer is not None:
        facts = {"name": rule.customer.name, "code": rule.customer.code}
        return _("Make it a payment of {name} ({code}), set against what it pays").format(**facts)
    return _("Hold it in suspense") if rule.deed == Deed.SUSPENSE else _("Leave it to a person, whatever else fits")


def trial_words(trial: RuleTrial | Replay, deed: str) -> str:
    """The sentence of a trial."""
    fitted = trial.fitted
    if deed == Deed.PERSON:
        told = ngettext(
            "Would have left {fitted} line to a person.", "Would have left {fitted} lines to a person.", fitted
        )
        return told.format(fitted=fitted)
    against = trial.against if isinstance(trial, RuleTrial) else len(trial.against)
    sentence = ngettext(
        "Would have explained {fitted} line: {agreed} as people decided, {against} against what they decided,"
        " {undecided} undecided.",
        "Would have explained {fitted} lines: {agreed} as people decided, {against} against what they decided,"
        " {undecided} undecided.",
        fitted,
    )
    return sentence.format(fitted=fitted, agreed=trial.agreed, against=against, undecided=trial.undecided)
