"""A matching rule replayed over the bank lines of a year, beside what people made of them (moonshot 5)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from django.db.models import Q, QuerySet

from billing.ledger.models import JournalLine
from billing.rules.recurrence import add_months
from reconciliation.models import EXPLAINED, Deed, Direction, Match, MatchingRule, MatchKind, StatementLine
from reconciliation.rules.matching.facts import LineFacts
from reconciliation.rules.matching.house_rules import fits, plain_word
from reconciliation.rules.matching.screens import is_return
from reconciliation.selectors.matching_rules import rule_facts

MONTHS = 12
# Once is chance and twice may be one family's habit; three people's decisions the same way are a rule.
ENOUGH = 3
AT_ONCE = 5_000
MOST_AGAINST = 200  # keys of lines kept with a trial; the count is of all
NOT_ASCII = r"[^\x01-\x7f]"
COLUMNS = (
    "pk", "direction", "amount", "open_amount", "booked_on", "text", "party_name", "ultimate_party", "code",
    "return_code", "is_reversal", "looks_like_id",
)  # fmt: skip


class Verdict(StrEnum):
    AGREED = "agreed"
    AGAINST = "against"
    UNDECIDED = "undecided"


@dataclass
class Replay:
    """What a rule would have made of the lines from first_on to last_on. against: keys of lines, the latest first."""

    first_on: date
    last_on: date
    agreed: int = 0
    undecided: int = 0
    against: list[int] = field(default_factory=list)

    @property
    def fitted(self) -> int:
        return self.agreed + len(self.against) + self.undecided

    @property
    def passes(self) -> bool:
        """Whether it may act by itself: nothing against what people decided, and enough as they did."""
        return not self.against and self.agreed >= ENOUGH


@dataclass(frozen=True)
class _Line:
    pk: int
    amount: Decimal
    open_amount: Decimal


def replay(rule: MatchingRule, today: date) -> Replay:
    """Over the standing lines of the last twelve months that the rule's own conditions fit, whatever rules stand above.

    Left out: what is no line for a rule (repetitions, returns), and what was found in our own records by itself.
    Lines are streamed; two or three queries besides for every five thousand that fit.
    """
    found = Replay(first_day(today), today)
    waiting: list[_Line] = []
    for line in _fitting(rule, found.first_on, found.last_on):
        waiting.append(line)
        if len(waiting) == AT_ONCE:
            _judge_all(rule, waiting, found)
            waiting = []
    _judge_all(rule, waiting, found)
    return found


def first_day(today: date) -> date:
    """The same day twelve months ago, or the last of its month."""
    return add_months(today, -MONTHS)


def lines_of(rule: MatchingRule) -> QuerySet[StatementLine]:
    """Standing lines to which a rule may apply, by what the database can tell."""
    rows = StatementLine.objects.standing().filter(organization=rule.organization_id, kind__in=EXPLAINED)
    if rule.bank_account_id is not None:
        rows = rows.filter(bank_account=rule.bank_account_id)
    if rule.direction:
        rows = rows.filter(direction=rule.direction)
    if rule.amount_from is not None:
        rows = rows.filter(amount__gte=rule.amount_from)
    if rule.amount_to is not None:
        rows = rows.filter(amount__lte=rule.amount_to)
    for phrase in rule.text_has.splitlines():
        rows = rows.filter(_may_have(phrase))
    return rows


def _may_have(phrase: str) -> Q:
    """Texts that are not all ASCII are read closely; the others have the phrase's longest word as it is written."""
    word = plain_word(phrase)
    closely = Q(text__regex=NOT_ASCII)
    if word is None:
        return closely
    return closely | Q(text__icontains=word) if word else Q()


def _fitting(rule: MatchingRule, first: date, last: date) -> Iterator[_Line]:
    """The latest first. One query, read in portions."""
    facts = rule_facts(rule)
    rows = lines_of(rule).filter(booked_on__gte=first, booked_on__lte=last).order_by("-booked_on", "-pk")
    for (pk, direction, amount, left, booked_on, text, party, ultimate, code, returned, reversal, like) in (
        rows.values_list(*COLUMNS).iterator(chunk_size=AT_ONCE)
    ):  # fmt: skip
        line = LineFacts(
            pk, amount if direction == Direction.IN else -amount, "", booked_on, party_name=party,
            ultimate_party=ultimate, text=text, code=code, return_code=returned, is_reversal=reversal,
        )  # fmt: skip
        if like is None and fits(line, facts) and not is_return(line):
            yield _Line(pk, amount, left)


def _judge_all(rule: MatchingRule, lines: Sequence[_Line], found: Replay) -> None:
    if not lines:
        return
    made = _matches_of(lines)
    tags = _tags_of(rule, made)
    for line in lines:
        matches = made.get(line.pk, [])
        if any(_is_own(rule, match) for match in matches):
            continue
        verdict = _verdict(line, matches, [_as_rule(rule, match, tags) for match in matches])
        if rule.deed == Deed.PERSON:
            verdict = Verdict.UNDECIDED
        if verdict == Verdict.AGAINST:
            found.against.append(line.pk)
        elif verdict == Verdict.AGREED:
            found.agreed += 1
        else:
            found.undecided += 1


def _verdict(line: _Line, matches: Sequence[Match], same: Sequence[bool]) -> Verdict:
    """same: for each match, whether it is what the rule would have made. What was posted by itself confirms no rule."""
    standing = [(match, one) for match, one in zip(matches, same, strict=True) if match.undone_at is None]
    if any(not one for _match, one in standing):
        return Verdict.AGAINST
    if standing and not line.open_amount:
        by_itself = any(match.is_automatic for match, _one in standing)
        return Verdict.UNDECIDED if by_itself else Verdict.AGREED
    taken_off = any(one and match.undone_by_id for match, one in zip(matches, same, strict=True) if match.undone_at)
    return Verdict.AGAINST if taken_off and not standing else Verdict.UNDECIDED


def _is_own(rule: MatchingRule, match: Match) -> bool:
    """Whether a line is not for rules: explained by itself as what the books had already, or as about another line;
    or by a person as a payment of the rule's customer that had been entered.
    """
    if match.undone_at is not None or match.made_payment or match.rule_id is not None:
        return False
    return match.is_automatic or (match.kind == MatchKind.PAYMENT and match.customer_id == rule.customer_id)


def _as_rule(rule: MatchingRule, match: Match, tags: dict[int, tuple[str, str]]) -> bool:
    if rule.deed == Deed.ITEM:
        same = match.kind == MatchKind.BANK_ITEM and match.ledger_account_id == rule.ledger_account_id
        return same and tags.get(match.entry_id or 0) == (rule.department, rule.project)
    if rule.deed == Deed.PAYMENT:
        return match.kind == MatchKind.PAYMENT and match.customer_id == rule.customer_id
    return rule.deed == Deed.SUSPENSE and match.kind == MatchKind.SUSPENSE


def _matches_of(lines: Iterable[_Line]) -> dict[int, list[Match]]:
    """Line → all matches it ever had. One query."""
    rows = Match.objects.filter(line__in=[line.pk for line in lines]).only(
        "line_id", "kind", "customer_id", "ledger_account_id", "entry_id", "is_automatic", "made_payment", "rule_id",
        "undone_at", "undone_by_id",
    )  # fmt: skip
    made: dict[int, list[Match]] = defaultdict(list)
    for match in rows.order_by("pk"):
        made[match.line_id].append(match)
    return made


def _tags_of(rule: MatchingRule, made: dict[int, list[Match]]) -> dict[int, tuple[str, str]]:
    """Entry → department and project of what it booked to the rule's account. One query for bank items, else none."""
    if rule.deed != Deed.ITEM:
        return {}
    entries = [match.entry_id for matches in made.values() for match in matches if match.kind == MatchKind.BANK_ITEM]
    rows = JournalLine.objects.filter(entry__in=entries, account=rule.ledger_account_id)
    return {pk: (department, project) for pk, department, project in rows.values_list("entry", "department", "project")}
