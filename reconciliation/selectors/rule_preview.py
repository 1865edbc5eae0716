"""What a matching rule would do with the lines that are open now: decided as matching decides, nothing posted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from payments.models import BankAccount
from reconciliation.models import MatchingRule, RuleState, StatementLine
from reconciliation.rules.matching.book import Book
from reconciliation.rules.matching.deciding import decide
from reconciliation.rules.matching.facts import Action, Decision, LineFacts, RuleFacts
from reconciliation.rules.matching.house_rules import first_fitting, fits
from reconciliation.rules.words_matching import match_sentences
from reconciliation.selectors.lines_to_match import facts_of
from reconciliation.selectors.matching_book import build_matching_book
from reconciliation.selectors.matching_rules import rule_facts
from reconciliation.selectors.rule_trials import lines_of

SHOWN = 50
# Open lines that are read at most, the oldest first.
MOST_READ = 5_000


@dataclass(frozen=True)
class Foreseen:
    """An open line. does: "rule", "suggested" (something speaks against it, or it may not act), "engine" (posted the
    same without the rule), "earlier" (a rule above takes it), "other" (a repetition, a return).
    """

    line: StatementLine
    does: str
    earlier: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class Preview:
    """shown: the oldest of count lines. is_cut: more lines are open than were read."""

    count: int
    shown: list[Foreseen]
    is_cut: bool


def foresee(rule: MatchingRule, today: date) -> Preview:
    """Of the open lines that a rule fits, stored or not, what would be done if it might act. A dozen queries for each
    bank account with such lines, and two.
    """
    facts = rule_facts(rule)
    rows = lines_of(rule).filter(open_amount__gt=0, matched_amount=0).order_by("booked_on", "pk")
    read = list(rows.select_related("bank_account__organization", "organization")[: MOST_READ + 1])
    fitting = [line for line in read[:MOST_READ] if fits(facts_of(line), facts)]
    above = _above(rule)
    made: list[Foreseen] = []
    by_account = sorted(fitting[:SHOWN], key=lambda line: (line.bank_account_id, line.booked_on, line.pk))
    for _key, lines in groupby(by_account, key=lambda line: line.bank_account_id):
        made += _of_account(list(lines), facts, above, today)
    made.sort(key=lambda one: (one.line.booked_on, one.line.pk))
    return Preview(len(fitting), made, len(read) > MOST_READ)


def _above(rule: MatchingRule) -> list[MatchingRule]:
    rows = MatchingRule.objects.filter(organization=rule.organization_id).exclude(state=RuleState.OFF)
    return list((rows.filter(place__lt=rule.place) if rule.pk else rows).order_by("place"))


def _of_account(
    lines: Sequence[StatementLine], rule: RuleFacts, above: Iterable[MatchingRule], today: date
) -> list[Foreseen]:
    account = lines[0].bank_account
    book = build_matching_book(account, today)
    earlier = [rule_facts(one) for one in above if one.bank_account_id in (None, account.pk)]
    book.rules = (*earlier, replace(rule, acts=True))
    for line in _like_them(account, lines):
        book.see(facts_of(line))
    return [_foreseen(line, facts_of(line), book, rule) for line in lines]


def _like_them(account: BankAccount, lines: Sequence[StatementLine]) -> Iterable[StatementLine]:
    """Lines of the same bank's references, which these may repeat. One query."""
    references = {line.bank_reference for line in lines if line.bank_reference}
    rows = StatementLine.objects.standing().filter(bank_account=account, bank_reference__in=references)
    return rows.exclude(pk__in=[line.pk for line in lines])


def _foreseen(line: StatementLine, facts: LineFacts, book: Book, rule: RuleFacts) -> Foreseen:
    decision = decide(facts, book)
    book.use_up(facts, decision)
    winner = first_fitting(facts, book.rules)
    is_other = winner is not None and winner.id != rule.id
    sentences = match_sentences(decision.evidence, line.currency)
    return Foreseen(line, _does(decision, is_other), winner.name if winner and is_other else "", sentences)


def _does(decision: Decision, is_other: bool) -> str:
    if decision.rule is None:
        return "engine" if decision.action == Action.AUTO else "other"
    if is_other:
        return "earlier"
    return "rule" if decision.action == Action.AUTO else "suggested"
