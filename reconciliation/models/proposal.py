from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.models import Customer
from billing.money import AmountField
from billing.office.models import Organization
from reconciliation.models.matching_rule import MatchingRule
from reconciliation.models.statement import StatementLine


class ProposedAction(models.TextChoices):
    """As reconciliation.rules.matching.facts.Action. auto: it was posted."""

    AUTO = "auto", _("matched by itself")
    SUGGEST = "suggest", _("suggestion")
    NONE = "none", _("not found")
    DUPLICATE = "duplicate", _("posted twice")
    REVERSAL = "reversal", _("reversal")
    IGNORE = "ignore", _("not a customer's payment")


class MatchProposal(models.Model):
    """What matching made of a bank line when it last looked, and why. Worked out anew at will; facts are the matches.

    score: 0 to 1. parts: [invoice key, number, cash, discount, write-off], unapplied: what would stay as credit.
    evidence: [code, facts] steps. candidates: [customer key, numbers, difference, score, reason], the best first.
    other_line: what the line repeats or takes back. rule, rule_version: the matching rule that says so.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, db_index=False, related_name="+")
    line = models.OneToOneField(StatementLine, models.PROTECT, related_name="proposal", verbose_name=_("bank line"))
    action = models.CharField(_("proposed"), max_length=10, choices=ProposedAction.choices)
    reason = models.CharField(max_length=60)
    score = models.DecimalField(_("score"), max_digits=4, decimal_places=3)
    customer = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("customer")
    )
    parts = models.JSONField(default=list)
    unapplied = AmountField(_("kept as credit"), default=0)
    other_line = models.ForeignKey(
        StatementLine, models.PROTECT, null=True, blank=True, db_index=False, related_name="+"
    )
    rule = models.ForeignKey(
        MatchingRule, models.PROTECT, null=True, blank=True, db_index=False, related_name="+",
        verbose_name=_("matching rule"),
    )  # fmt: skip
    rule_version = models.PositiveIntegerField(null=True, blank=True)
    evidence = models.JSONField(_("why"), default=list)
    candidates = models.JSONField(default=list)
    made_at = models.DateTimeField(_("looked at"))

    class Meta:
        verbose_name = _("match proposal")
        verbose_name_plural = _("match proposals")
        indexes = [models.Index(fields=["organization", "action"], name="match_proposal_by_action")]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.score}"
