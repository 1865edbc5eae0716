"""Matching rules for tests: a bank account, people, and rules written as a person at the console writes them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from billing.ledger.models import LedgerAccount, Role
from billing.office.models import Organization, User
from payments.models import BankAccount
from reconciliation.models import BankStatement, Deed, Match, MatchingRule, RuleTrial, StatementLine
from reconciliation.rules.matching.facts import Action
from reconciliation.services import explaining
from reconciliation.services.auto_matching import match_open_lines
from reconciliation.services.matching_rules import RuleWish, let_act, make_rule
from tests import builders
from tests.assertions import assert_books_whole
from tests.builders import NOW, TODAY
from tests.reconciliation.bank_desk import Booked, Sheet, bank_account, lines, load

FEE = Booked("-5.00", text="Monthly fee")


@dataclass
class Office:
    """writer makes rules, checker lets them act. fees: the account that rules of bank items book to."""

    org: Organization
    account: BankAccount
    writer: User
    checker: User
    fees: LedgerAccount

    def wish(self, **facts: Any) -> RuleWish:
        """Lines of "MONTHLY FEE" as a bank item, unless told otherwise."""
        if facts.setdefault("deed", Deed.ITEM) == Deed.ITEM:
            facts = {"ledger_account": self.fees, "reason_code": "bank_fee", **facts}
        return RuleWish(**{"name": "fees", "text_has": "monthly fee", **facts})

    def rule(self, key: str = "k", **facts: Any) -> MatchingRule:
        with transaction.atomic():
            return make_rule(organization=self.org, wish=self.wish(**facts), request_key=key, now=NOW, by=self.writer)

    def let(self, rule: MatchingRule, by: User | None = None, now: datetime = NOW) -> RuleTrial | None:
        with transaction.atomic():
            return let_act(rule=rule, version=rule.version, now=now, by=by or self.checker)

    def decide(self, lines: Sequence[StatementLine], account: LedgerAccount | None = None, **tags: Any) -> list[Match]:
        """As a person books bank items at the workbench."""
        with transaction.atomic():
            return [
                explaining.book_bank_item(
                    line=line, ledger_account=account or self.fees, now=NOW, by=self.checker, reason_code="bank_fee",
                    **tags,
                )
                for line in lines
            ]  # fmt: skip


def office(code: str = "rules", **details: Any) -> Office:
    org = builders.organization(code, **details)
    fees = LedgerAccount.objects.get(organization=org, role=Role.SMALL_DIFFERENCES)
    return Office(
        org, bank_account(org), builders.user(org, "clerk", name=f"clara-{code}"),
        builders.user(org, "supervisor", name=f"sue-{code}"), fees,
    )  # fmt: skip


def acting_rule(desk: Office) -> MatchingRule:
    """A rule that was tried on three lines and let act."""
    desk.decide(lines(desk.account, FEE, FEE, FEE))
    rule = desk.rule()
    desk.let(rule)
    rule.refresh_from_db()
    assert rule.may_act
    return rule


def later(desk: Office, *entries: Booked) -> list[StatementLine]:
    """Lines of the next day's statement."""
    last = BankStatement.objects.filter(bank_account=desk.account).latest("pk")
    day = TODAY - timedelta(days=1)
    booked = [replace(entry, day=day) for entry in entries]
    file = load(desk.account, Sheet(booked, opening=f"{last.closing}", number="2", first=day, last=day))
    made = list(StatementLine.objects.filter(statement__bank_file=file).order_by("ordinal"))
    assert len(made) == len(entries), file.problems
    return made


def match(desk: Office) -> dict[Action, int]:
    outcome = match_open_lines(bank_account=desk.account, now=NOW)
    assert_books_whole()
    return outcome.counts
