"""Every open line of a bank account decided in the order of booking; what is sure is posted (R128, R144).

A journey of short transactions, two hundred lines at a time.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction

from billing.errors import DomainError
from billing.office.policies import policies_for
from billing.refusals import explained
from billing.rules.priced import Step, step
from billing.transactions import Busy, in_transaction, transaction_required
from payments.models import BankAccount, Payment
from reconciliation.models import MatchingRule, MatchKind, MatchProposal, ProposedAction, StatementLine
from reconciliation.rules.matching.book import Book
from reconciliation.rules.matching.deciding import decide
from reconciliation.rules.matching.facts import Action, Decision, RuleDeed
from reconciliation.rules.matching.scoring import Fit
from reconciliation.rules.words_matching import stored_steps
from reconciliation.selectors.lines_to_match import explained_as, facts_of, lines_before, lines_to_match
from reconciliation.selectors.matching_book import build_matching_book, open_amounts_of
from reconciliation.selectors.own_records import amounts_booked, amounts_entered, is_near, may_be_line, since_of
from reconciliation.services.bank_files import lock_bank_accounts
from reconciliation.services.explaining import book_bank_item, mark_posted_twice, mark_reversal, send_to_suspense
from reconciliation.services.matching import PaymentMatch, RuleMark, match_payments
from reconciliation.services.matching_rules import lock_acting
from reconciliation.services.own_records import match_own_records

AT_ONCE = 200
MOST_ROUNDS = 5
PROPOSED = (
    "action", "reason", "score", "customer", "parts", "unapplied", "other_line", "evidence", "candidates", "made_at",
    "rule", "rule_version",
)  # fmt: skip


class BooksMoved(Exception):
    """Somebody explained one of the lines, or changed invoices of their customers or a rule, meanwhile."""


@dataclass
class Outcome:
    """How many lines were decided which way. refused: sure enough, and the rules did not let them be posted. own: what
    the books had already.
    """

    counts: dict[Action, int] = field(default_factory=dict)
    refused: int = 0
    own: int = 0

    @property
    def lines(self) -> int:
        return sum(self.counts.values())


@dataclass
class Run:
    """One pass over the open lines of an account.

    open_amounts: of invoices, as the database had them last. shown: line → what was suggested to people before.
    entered: customer and amount → transfers in the books that no line is matched to. booked: direction and amount → all
    records of ours that no line is matched to, where a rule may book lines.
    """

    bank_account: BankAccount
    now: datetime
    book: Book
    is_on: bool
    open_amounts: dict[int, Decimal]
    shown: dict[int, MatchProposal]
    entered: dict[tuple[int, Decimal], list[Payment]]
    booked: dict[tuple[str, Decimal], list[tuple[date, str]]]
    outcome: Outcome


def match_open_lines(*, bank_account: BankAccount, now: datetime, until: int | None = None) -> Outcome:
    """Decide every line of an account of which nothing is explained yet: first what the books have already, then post
    what is sure new money, and explain the others.

    A journey: opens its own transactions. Lines decided before are decided anew, so that a second call repeats nothing
    and finds what has become clear since. What moved in between is seen, and the rest decided by the books as they are
    then. until: nanoseconds of time.monotonic_ns; later no further two hundred lines are begun, and what is left is for
    the next call. Raises Busy where the account, or its customers' invoices, do not come to rest.
    """
    outcome = Outcome()
    if policies_for(bank_account.organization).flag("matching.automatic"):
        waiting = lines_to_match(bank_account)
        outcome.own = match_own_records(bank_account=bank_account, lines=waiting, now=now) if waiting else 0
    for _round in range(MOST_ROUNDS):
        lines = lines_to_match(bank_account)
        if not lines:
            return outcome
        try:
            _match_all(_begin(bank_account, lines, now, outcome), lines, until)
        except BooksMoved:
            continue
        return outcome
    raise Busy()


def _begin(bank_account: BankAccount, lines: Sequence[StatementLine], now: datetime, outcome: Outcome) -> Run:
    """The book as the database is now, and in it the lines explained before, that later ones repeat or take back."""
    book = build_matching_book(bank_account, bank_account.organization.today(now))
    earlier = list(lines_before(bank_account, lines, book.policy.reversal_days))
    back = explained_as(bank_account, MatchKind.REVERSAL, [line.pk for line in earlier])
    twice = explained_as(bank_account, MatchKind.DUPLICATE, [line.pk for line in earlier])
    for line in earlier:
        seen = book.see(facts_of(line))
        seen.is_reversed, seen.is_duplicate = line.pk in back, line.pk in twice
    is_on = policies_for(bank_account.organization).flag("matching.automatic")
    outcome.counts.clear()
    earlier_thoughts = MatchProposal.objects.filter(line__in=lines, action=ProposedAction.SUGGEST)
    shown = {row.line_id: row for row in earlier_thoughts}
    entered = amounts_entered(bank_account, since_of(lines))
    books_lines = any(rule.acts and rule.deed in (RuleDeed.ITEM, RuleDeed.SUSPENSE) for rule in book.rules)
    booked = amounts_booked(bank_account, since_of(lines)) if books_lines else {}
    return Run(bank_account, now, book, is_on, dict(book.open_amounts), shown, entered, booked, outcome)


def _match_all(run: Run, lines: Sequence[StatementLine], until: int | None) -> None:
    for start in range(0, len(lines), AT_ONCE):
        if start and until is not None and time.monotonic_ns() > until:
            return
        part = lines[start : start + AT_ONCE]
        decisions = [_decided(run, line) for line in part]
        refused = in_transaction(partial(_post, run=run, lines=part, decisions=decisions))
        _take_in(run, decisions, refused)


def _decided(run: Run, line: StatementLine) -> Decision:
    facts = facts_of(line)
    decision = decide(facts, run.book)
    if decision.action == Action.AUTO:
        held = _held_by(run, line, decision)
        if held is not None:
            decision = replace(decision, action=Action.SUGGEST, evidence=(*decision.evidence, held))
    run.book.use_up(facts, decision)
    return decision


def _held_by(run: Run, line: StatementLine, decision: Decision) -> Step | None:
    """Why a sure match is not posted by itself all the same; None where nothing speaks against it.

    A payment of the same customer and amount that was entered by hand may be this very money.
    A line that was left to a person stays with them while no more is known of it: that other payments have come
    meanwhile and one set of invoices is left of several makes it no surer. A rule of people is more: it tells what the
    line is, but of a payment still not what for.
    """
    if line.statement.is_flagged:
        return step("statement_flagged")
    if not run.is_on:
        return step("switched_off")
    for payment in run.entered.get((decision.customer_id or 0, line.amount), ()):
        if is_near(payment, line.booked_on):
            return step("entered_already", payment=payment.number)
    if decision.customer_id is None:
        near = (name for day, name in run.booked.get((line.direction, line.amount), ()) if may_be_line(day, line))
        return next((step("booked_already", number=name) for name in near), None)
    shown = run.shown.get(line.pk)
    if shown is None or shown.customer_id != decision.customer_id:
        return None
    if decision.rule is not None and not shown.reason.endswith(f"+{Fit.NONE}"):
        return None
    known = {facts.get("number") for _code, facts in shown.evidence}
    return None if _numbers(decision) - known else step("left_to_person")


def _numbers(decision: Decision) -> set[object]:
    return {one.facts["number"] for one in decision.evidence if one.code.startswith("number_")}


@transaction_required
def _post(*, run: Run, lines: Sequence[StatementLine], decisions: Sequence[Decision]) -> dict[int, DomainError]:
    """Post a part's sure decisions in their order and keep what was thought of each line. Returns what was refused.

    Locks the account, then line by line as its services do. Raises BooksMoved.
    """
    lock_bank_accounts(run.bank_account.organization, [run.bank_account.pk])
    rules = _check_unmoved(run, decisions)
    refused: dict[int, DomainError] = {}
    waiting: list[Decision] = []
    for line, decision in zip(lines, decisions, strict=True):
        if decision.action == Action.AUTO and decision.customer_id is not None:
            waiting.append(decision)
        elif decision.action == Action.AUTO:
            refused |= _book(run, line, decision, rules)
        elif decision.action in (Action.DUPLICATE, Action.REVERSAL) and run.is_on and not line.statement.is_flagged:
            refused |= _post_payments(run, waiting)
            waiting = []
            refused |= _explain(run, line, decision)
    refused |= _post_payments(run, waiting)
    _propose(run, [_after(decision, refused.get(decision.line_id)) for decision in decisions])
    return refused


def _check_unmoved(run: Run, decisions: Sequence[Decision]) -> dict[int, MatchingRule]:
    """Lines and invoices are as open as was believed when they were decided, and rules as they were; the account is
    locked. Gives the rules that post, locked as well. Two queries, a third for rules. Raises BooksMoved.
    """
    line_ids = [decision.line_id for decision in decisions]
    if StatementLine.objects.standing().filter(pk__in=line_ids, matched_amount=0).count() != len(line_ids):
        raise BooksMoved
    customers = {d.customer_id for d in decisions if d.action == Action.AUTO and d.customer_id is not None}
    for invoice_id, amount in open_amounts_of(run.bank_account, customers).items():
        if amount != run.open_amounts.get(invoice_id, Decimal(0)):
            raise BooksMoved
    marks = {(d.rule.id, d.rule.version) for d in decisions if d.action == Action.AUTO and d.rule is not None}
    rules = lock_acting(marks=marks) if marks else {}
    if rules is None:
        raise BooksMoved
    return rules


def _post_payments(run: Run, decisions: Sequence[Decision]) -> dict[int, DomainError]:
    matches = [
        PaymentMatch(
            decision.line_id, decision.customer_id or 0, tuple((part.invoice_id, part.cash) for part in decision.parts),
            score=decision.score, evidence=stored_steps(decision.evidence), is_automatic=True, rule=_mark(decision),
        )
        for decision in decisions
    ]  # fmt: skip
    if not matches:
        return {}
    made = match_payments(bank_account=run.bank_account, matches=matches, now=run.now, by=None)
    pairs = zip(decisions, made, strict=True)
    return {decision.line_id: result for decision, result in pairs if isinstance(result, DomainError)}


def _book(
    run: Run, line: StatementLine, decision: Decision, rules: dict[int, MatchingRule]
) -> dict[int, DomainError]:  # fmt: skip
    """What a rule makes a bank item, or holds in suspense."""
    assert decision.rule is not None  # nothing else is posted without a customer
    rule = rules[decision.rule.id]
    facts: dict[str, Any] = {
        "line": line, "now": run.now, "by": None, "note": rule.name, "is_automatic": True, "rule": _mark(decision),
        "evidence": stored_steps(decision.evidence),
    }  # fmt: skip
    try:
        with explained(), transaction.atomic():
            if rule.ledger_account is None:
                send_to_suspense(**facts)
            else:
                book_bank_item(
                    ledger_account=rule.ledger_account, reason_code=rule.reason_code, department=rule.department,
                    project=rule.project, **facts,
                )  # fmt: skip
    except DomainError as refusal:
        return {line.pk: refusal}
    return {}


def _mark(decision: Decision) -> RuleMark | None:
    return RuleMark(decision.rule.id, decision.rule.version) if decision.rule else None


def _explain(run: Run, line: StatementLine, decision: Decision) -> dict[int, DomainError]:
    other = StatementLine.objects.get(pk=decision.other_line or 0)
    explain = mark_posted_twice if decision.action == Action.DUPLICATE else mark_reversal
    try:
        with explained(), transaction.atomic():
            explain(
                line=line, of=other, now=run.now, by=None, is_automatic=True, evidence=stored_steps(decision.evidence)
            )
    except DomainError as refusal:
        return {line.pk: refusal}
    return {}


def _after(decision: Decision, refusal: DomainError | None) -> Decision:
    """A decision that the rules refused is a suggestion, and says why."""
    if refusal is None:
        return decision
    evidence = (*decision.evidence, step("refused", sentence=str(refusal)))
    return replace(decision, action=Action.SUGGEST, evidence=evidence)


def _propose(run: Run, decisions: Sequence[Decision]) -> None:
    """Keep what was thought of lines, in the place of what was thought before. One statement."""
    rows = [
        MatchProposal(
            organization=run.bank_account.organization, line_id=d.line_id, action=d.action, reason=d.reason,
            score=d.score, customer_id=d.customer_id, unapplied=d.unapplied, other_line_id=d.other_line,
            parts=[[p.invoice_id, p.number, f"{p.cash:f}", f"{p.discount:f}", f"{p.write_off:f}"] for p in d.parts],
            evidence=stored_steps(d.evidence), made_at=run.now, rule_id=d.rule.id if d.rule else None,
            rule_version=d.rule.version if d.rule else None,
            candidates=[
                [c.customer_id, list(c.numbers), f"{c.difference:f}", f"{c.score:f}", c.reason] for c in d.candidates
            ],
        )
        for d in decisions
    ]  # fmt: skip
    MatchProposal.objects.bulk_create(rows, update_conflicts=True, unique_fields=["line"], update_fields=PROPOSED)


def _take_in(run: Run, decisions: Sequence[Decision], refused: dict[int, DomainError]) -> None:
    """What was posted is known now; where it came out otherwise than decided, the book follows the database."""
    posted = (Action.AUTO, Action.REVERSAL)
    touched = {d.customer_id for d in decisions if d.action in posted and d.customer_id is not None}
    now_open = open_amounts_of(run.bank_account, touched)
    run.open_amounts.update(now_open)
    other = {d.customer_id for d in decisions if d.line_id in refused or d.action == Action.REVERSAL}
    if other:
        run.book.take_over(open_amounts_of(run.bank_account, {pk for pk in other if pk is not None}))
    for decision in decisions:
        action = Action.SUGGEST if decision.line_id in refused else decision.action
        run.outcome.counts[action] = run.outcome.counts.get(action, 0) + 1
    run.outcome.refused += len(refused)
