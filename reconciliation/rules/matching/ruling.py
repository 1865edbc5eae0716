"""A rule of the house applied to a line it fits, held up against what would be decided without it."""

from dataclasses import replace
from decimal import Decimal

from billing.rules.priced import Step, step
from reconciliation.rules.matching.book import Book
from reconciliation.rules.matching.clues import Clues
from reconciliation.rules.matching.facts import Action, Decision, LineFacts, RuleDeed, RuleFacts
from reconciliation.rules.matching.scoring import DOUBTED, SUGGESTED, SURE
from reconciliation.rules.matching.suggesting import candidates


def says_so(rule: RuleFacts) -> Step:
    return step("rule_person" if rule.deed == RuleDeed.PERSON else "rule_fits", rule=rule.name)


def leave_to_person(line: LineFacts, rule: RuleFacts, alone: Decision, clues: Clues, book: Book) -> Decision:
    """What was decided without the rule, as no more than a suggestion."""
    held = replace(alone, rule=rule, evidence=(says_so(rule), *alone.evidence))
    if alone.action != Action.AUTO:
        return held
    score = min(alone.score, book.policy.auto_from)
    choices = candidates(line, clues, book, alone.customer_id)
    return replace(held, action=Action.SUGGEST, score=score, candidates=choices)


def book_by_rule(line: LineFacts, rule: RuleFacts, alone: Decision, clues: Clues, book: Book) -> Decision:
    """A bank item or suspense: the whole line, whoever may have paid it."""
    limit = book.policy.person_above
    doubts = (*_against(rule, alone, book), *_lost(line, rule))
    steps = (says_so(rule), *doubts)
    if limit is not None and abs(line.amount) > limit:
        steps += (step("above_limit", limit_amount=limit),)
    allowed = rule.acts and len(steps) == 1
    choices = () if allowed or line.amount <= 0 else candidates(line, clues, book, alone.customer_id)
    return Decision(
        line.id, Action.AUTO if allowed else Action.SUGGEST, f"rule+{rule.deed}", _score(rule, SURE, doubts),
        evidence=steps, candidates=choices, rule=rule,
    )  # fmt: skip


def hold_payment(line: LineFacts, rule: RuleFacts, paid: Decision, alone: Decision, book: Book) -> Decision:
    """The rule's payment, posted by itself only where the rule may act and nothing speaks against it.

    paid: what is decided of a payment whose payer is known; large amounts are suggestions in it already.
    """
    doubts = (*_against(rule, alone, book), *_lost(line, rule))
    may_post = rule.acts and not doubts and paid.action == Action.AUTO
    return replace(
        paid, action=Action.AUTO if may_post else Action.SUGGEST, score=_score(rule, paid.score, doubts), rule=rule,
        evidence=(*paid.evidence, *doubts),
    )  # fmt: skip


def _score(rule: RuleFacts, whole: Decimal, doubts: tuple[Step, ...]) -> Decimal:
    if doubts:
        return min(whole, DOUBTED)
    return whole if rule.acts else min(whole, SUGGESTED)


def _against(rule: RuleFacts, alone: Decision, book: Book) -> tuple[Step, ...]:
    """Why the rule would be wrong, where the line is surely something else without it; held or posted makes no odds."""
    if rule.deed == RuleDeed.PAYMENT and alone.action == Action.IGNORE:
        return (step("rule_against_bank"),)
    if alone.customer_id is None or alone.customer_id == rule.customer_id or alone.score < book.policy.auto_from:
        return ()
    return (step("rule_against_payer", name=book.customers[alone.customer_id].name),)


def _lost(line: LineFacts, rule: RuleFacts) -> tuple[Step, ...]:
    return (step("lost_characters"),) if line.has_lost_characters and rule.payer_has else ()
