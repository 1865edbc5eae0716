"""Bank lines as matching sees them: those to decide, and those before them that they may repeat or take back."""

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from payments.models import BankAccount
from reconciliation.models import EXPLAINED, Direction, Match, MatchingRule, MatchKind, StatementLine
from reconciliation.rules.matching.facts import DocumentFacts, LineFacts

LOST = "\ufffd"


def accounts_waiting(*, unseen: bool = False) -> list[BankAccount]:
    """Active accounts with lines of which nothing is explained yet; unseen: lines nobody looked at yet. One query."""
    waiting = StatementLine.objects.standing().to_match().filter(kind__in=EXPLAINED, matched_amount=0)
    if unseen:
        waiting = waiting.filter(proposal=None)
    rows = BankAccount.objects.filter(pk__in=waiting.values("bank_account"), is_active=True)
    return list(rows.select_related("organization").order_by("pk"))


def accounts_of_rule(rule_id: int) -> list[BankAccount]:
    """Accounts with lines of which nothing is explained yet, as far as a matching rule is about them. Two queries."""
    rule = MatchingRule.objects.get(pk=rule_id)
    waiting = [one for one in accounts_waiting() if one.organization_id == rule.organization_id]
    return [one for one in waiting if rule.bank_account_id in (None, one.pk)]


def lines_to_match(bank_account: BankAccount) -> list[StatementLine]:
    """Lines of which nothing is explained yet, in the order of their booking. One query."""
    rows = StatementLine.objects.standing().to_match().filter(
        bank_account=bank_account, kind__in=EXPLAINED, matched_amount=0
    )  # fmt: skip
    return list(rows.select_related("statement").order_by("booked_on", "statement__bank_file_id", "ordinal", "pk"))


def lines_before(bank_account: BankAccount, waiting: Iterable[StatementLine], days: int) -> Iterator[StatementLine]:
    """Lines explained already, from some days before the first that waits on: what later ones repeat or take back."""
    waits = list(waiting)
    if not waits:
        return
    rows = StatementLine.objects.standing().filter(
        bank_account=bank_account, kind__in=EXPLAINED, matched_amount__gt=0,
        booked_on__gte=waits[0].booked_on - timedelta(days=days),
    )  # fmt: skip
    yield from rows.order_by("booked_on", "pk").iterator()


def explained_as(bank_account: BankAccount, kind: MatchKind, line_ids: Iterable[int]) -> set[int]:
    """Which lines are explained so by a standing match. One query."""
    rows = Match.objects.filter(
        line__bank_account=bank_account, kind=kind, undone_at__isnull=True, line_id__in=list(line_ids)
    )
    return set(rows.values_list("line_id", flat=True))


def facts_of(line: StatementLine) -> LineFacts:
    """A stored line for the engine. The payer's account goes by its hash; text that was blotted out is read whole."""
    sealed = json.loads(line.sealed) if line.sealed else {}
    text = sealed.get("text", line.text)
    return LineFacts(
        id=line.pk, amount=line.amount if line.direction == Direction.IN else -line.amount, currency=line.currency,
        booked_on=line.booked_on, ordinal=line.ordinal, value_on=line.value_on, bank_reference=line.bank_reference,
        end_to_end_id=line.end_to_end_id, original_reference=line.original_reference,
        references=tuple(line.references), documents=tuple(_documents(line.details)), party_name=line.party_name,
        party_account=line.party_account_hash, ultimate_party=line.ultimate_party, text=text,
        virtual_account=line.virtual_account, code=line.code, return_code=line.return_code,
        is_reversal=line.is_reversal, is_suspected_duplicate=line.looks_like_id is not None,
        has_lost_characters=LOST in line.party_name,
    )  # fmt: skip


def _documents(details: list[dict[str, Any]]) -> Iterator[DocumentFacts]:
    for detail in details:
        for number, amount, _discount in detail.get("documents", ()):
            yield DocumentFacts(number, None if amount is None else Decimal(amount))
