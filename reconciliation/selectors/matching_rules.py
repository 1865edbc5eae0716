"""The matching rules of an organization, as matching reads them and as people see them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Q, QuerySet

from billing.ledger.models import Kind, LedgerAccount
from billing.office.models import Organization
from billing.rules.controlled import CONTROLLED
from payments.models import BankAccount
from reconciliation.models import Match, MatchingRule, RuleState, RuleTrial
from reconciliation.rules.matching.facts import RuleDeed, RuleFacts


@dataclass(frozen=True)
class RuleRow:
    """A rule as the list shows it. trial: the latest of its version. posted, posted_at: matches made by itself that
    stand, and when the last was made.
    """

    rule: MatchingRule
    trial: RuleTrial | None
    posted: int
    posted_at: datetime | None


def rules_in(organization: Organization) -> QuerySet[MatchingRule]:
    """In their order."""
    rows = MatchingRule.objects.filter(organization=organization).order_by("place")
    return rows.select_related("bank_account", "ledger_account", "customer", "changed_by", "let_act_by")


def rules_for(bank_account: BankAccount) -> tuple[RuleFacts, ...]:
    """Those that look at lines of an account, in their order. One query."""
    rows = MatchingRule.objects.filter(organization=bank_account.organization_id).exclude(state=RuleState.OFF)
    here = rows.filter(Q(bank_account__isnull=True) | Q(bank_account=bank_account))
    return tuple(rule_facts(rule) for rule in here.order_by("place"))


def rule_facts(rule: MatchingRule) -> RuleFacts:
    """A rule for the engine, stored or not."""
    return RuleFacts(
        id=rule.pk or 0, version=rule.version, name=rule.name, deed=RuleDeed(rule.deed), acts=rule.may_act,
        direction=rule.direction, text_has=tuple(rule.text_has.splitlines()),
        text_lacks=tuple(rule.text_lacks.splitlines()), payer_has=rule.payer_has, bank_code=rule.bank_code,
        amount_from=rule.amount_from, amount_to=rule.amount_to, customer_id=rule.customer_id,
    )  # fmt: skip


def rule_rows(organization: Organization) -> list[RuleRow]:
    """Three queries."""
    rules = list(rules_in(organization))
    latest = latest_trials(rules)
    made = Match.objects.filter(rule__in=rules, is_automatic=True, undone_at__isnull=True).order_by()
    posted = {row[0]: row[1:] for row in made.values_list("rule").annotate(Count("pk"), Max("made_at"))}
    return [RuleRow(rule, latest.get(rule.pk), *posted.get(rule.pk, (0, None))) for rule in rules]


def latest_trials(rules: Iterable[MatchingRule]) -> dict[int, RuleTrial]:
    """Rule → the latest trial of what it is now. One query."""
    versions = {rule.pk: rule.version for rule in rules}
    rows = RuleTrial.objects.filter(rule__in=list(versions)).order_by("rule", "-pk").distinct("rule")
    return {row.rule_id: row for row in rows if row.version == versions[row.rule_id]}


def bookable_accounts(organization_id: int) -> list[LedgerAccount]:
    """Ledger accounts that a bank item may be booked to. One query."""
    rows = LedgerAccount.objects.filter(organization_id=organization_id).exclude(role__in=CONTROLLED)
    return list(rows.filter(kind__in=(Kind.EXPENSE, Kind.INCOME, Kind.CONTRA_INCOME, Kind.LIABILITY)).order_by("code"))
