from __future__ import annotations

from collections.abc import Set

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.ledger.models import LedgerAccount
from billing.models import Customer
from billing.money import AmountField
from billing.office.models import Organization
from payments.models import BankAccount
from reconciliation.models.statement import Direction


class Deed(models.TextChoices):
    """What a matching rule does with a line: see reconciliation.rules.matching.facts.RuleDeed."""

    ITEM = "item", _("book it as a bank item")
    PAYMENT = "payment", _("make it a payment of a customer")
    SUSPENSE = "suspense", _("hold it in suspense")
    PERSON = "person", _("leave it to a person")


class RuleState(models.TextChoices):
    """suggests: shown to people, who accept it or not. acts: posts by itself; what leaves lines to a person always
    acts. off: as if it were not there.
    """

    SUGGESTS = "suggests", pgettext_lazy("matching rule", "suggests")
    ACTS = "acts", pgettext_lazy("matching rule", "acts by itself")
    OFF = "off", pgettext_lazy("matching rule", "off")


RULE_MOVES: dict[str, Set[str]] = {
    RuleState.SUGGESTS: {RuleState.ACTS, RuleState.OFF},
    RuleState.ACTS: {RuleState.SUGGESTS, RuleState.OFF},
    RuleState.OFF: {RuleState.SUGGESTS, RuleState.ACTS},
}


class MatchingRule(models.Model):
    """What people say of bank lines of a kind. Rules are tried in the order of place; the first that fits wins.

    bank_account: empty for all. direction: "in", "out", "" for both. text_has, text_lacks: phrases, one a line, all of
    which or none of which may occur in the bank's text; payer_has, bank_code: a phrase in the payer's name, in the
    bank's code. amount_from, amount_to: in the bank account's currency. version: rises with each change of these or of
    the deed, which puts the rule back to what suggests. put_back_at, put_back_why: when and why it was put back without
    being changed.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    place = models.PositiveIntegerField(_("place"))
    name = models.CharField(_("name"), max_length=80)
    bank_account = models.ForeignKey(
        BankAccount, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("bank account")
    )
    direction = models.CharField(_("direction"), max_length=3, choices=Direction.choices, blank=True)
    text_has = models.TextField(_("the text has"), blank=True)
    text_lacks = models.TextField(_("the text lacks"), blank=True)
    payer_has = models.CharField(_("the payer's name has"), max_length=120, blank=True)
    bank_code = models.CharField(_("bank's code"), max_length=40, blank=True)
    amount_from = AmountField(_("amount from"), null=True, blank=True)
    amount_to = AmountField(_("amount to"), null=True, blank=True)
    deed = models.CharField(_("what is done"), max_length=8, choices=Deed.choices)
    ledger_account = models.ForeignKey(
        LedgerAccount, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("ledger account")
    )
    reason_code = models.CharField(_("reason"), max_length=24, blank=True)
    department = models.CharField(_("department"), max_length=40, blank=True)
    project = models.CharField(_("project"), max_length=40, blank=True)
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("customer")
    )
    state = models.CharField(_("state"), max_length=8, choices=RuleState.choices, default=RuleState.SUGGESTS)
    version = models.PositiveIntegerField(_("version"), default=1)
    request_key = models.CharField(max_length=64)
    made_at = models.DateTimeField(_("made"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("by")
    )
    changed_at = models.DateTimeField(_("changed"))
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("by")
    )
    let_act_at = models.DateTimeField(_("let act"), null=True, blank=True)
    let_act_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, null=True, blank=True, related_name="+",
        verbose_name=_("by"),
    )  # fmt: skip
    put_back_at = models.DateTimeField(_("put back"), null=True, blank=True)
    put_back_why = models.CharField(_("why put back"), max_length=400, blank=True)

    class Meta:
        verbose_name = _("matching rule")
        verbose_name_plural = _("matching rules")
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "place"], name="matching_rule_one_a_place",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.UniqueConstraint(fields=["organization", "request_key"], name="matching_rule_once"),
            models.CheckConstraint(
                condition=~Q(text_has="") | ~Q(payer_has="") | ~Q(bank_code=""), name="matching_rule_has_words"
            ),
            models.CheckConstraint(
                condition=Q(amount_from__isnull=True, amount_to__isnull=True) | Q(bank_account__isnull=False),
                name="matching_rule_amounts_in_currency",
            ),
            models.CheckConstraint(
                condition=Q(amount_from__isnull=True) | Q(amount_to__isnull=True) | Q(amount_from__lte=F("amount_to")),
                name="matching_rule_amounts_in_order",
            ),
            models.CheckConstraint(
                condition=Q(deed="item", ledger_account__isnull=False, customer__isnull=True) & ~Q(reason_code="")
                | Q(deed="payment", customer__isnull=False, ledger_account__isnull=True, direction="in")
                | Q(deed__in=("suspense", "person"), customer__isnull=True, ledger_account__isnull=True),
                name="matching_rule_names_what_it_does",
            ),
            models.CheckConstraint(
                condition=~Q(state="acts")
                | Q(deed="person")
                | Q(let_act_at__isnull=False, let_act_by__isnull=False) & ~Q(let_act_by=F("changed_by")),
                name="matching_rule_let_act_by_another",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name

    @property
    def may_act(self) -> bool:
        return self.state == RuleState.ACTS


class RuleTrial(models.Model):
    """A rule replayed over bank lines of the past, taken by itself, beside what people made of them.

    version: the rule's then. fitted: lines it would have taken: agreed, explained so; against, explained otherwise or
    undone since; undecided, still open. lines_against: keys of the latest of those.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    rule = models.ForeignKey(MatchingRule, models.PROTECT, related_name="trials", verbose_name=_("matching rule"))
    version = models.PositiveIntegerField(_("version"))
    first_on = models.DateField(_("from"))
    last_on = models.DateField(_("to"))
    fitted = models.PositiveIntegerField(_("lines it fits"))
    agreed = models.PositiveIntegerField(_("as people decided"))
    against = models.PositiveIntegerField(_("against what people decided"))
    undecided = models.PositiveIntegerField(_("undecided"))
    lines_against = models.JSONField(default=list)
    ran_at = models.DateTimeField(_("tried"))
    ran_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, db_index=False, related_name="+", verbose_name=_("by")
    )

    class Meta:
        verbose_name = _("trial of a matching rule")
        verbose_name_plural = _("trials of matching rules")
        constraints = [
            models.CheckConstraint(
                condition=Q(fitted=F("agreed") + F("against") + F("undecided")), name="rule_trial_adds_up"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.agreed}/{self.against}"
