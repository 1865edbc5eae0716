"""What matching made of an account's lines, one record a line, in the form that score_matches.py reads."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Sum

from billing.models import Allocation, AllocationKind
from payments.models import BankAccount
from reconciliation.models import EXPLAINED, Match, MatchKind, MatchProposal, StatementLine
from reconciliation.models.proposal import ProposedAction
from reconciliation.rules.words_matching import match_sentences

# What matching does by itself besides making payments; its proposals tell of these.
BY_PROPOSAL = (MatchKind.DUPLICATE, MatchKind.REVERSAL)
OTHER = {ProposedAction.DUPLICATE: "duplicate_of", ProposedAction.REVERSAL: "reversal_of"}


def report_matches(bank_account: BankAccount) -> Iterator[dict[str, Any]]:
    """All lines in the order of the bank's files, numbered through. Four queries.

    line: 1-based; of one file it is the position of the entry. A line that a person gave to a customer, or whose
    payment was in the books, is "auto" as well: it is decided, and how says its reason.
    """
    lines = list(
        StatementLine.objects.standing()
        .filter(bank_account=bank_account, kind__in=EXPLAINED)
        .order_by("statement__bank_file_id", "ordinal", "pk")
        .values_list("pk", flat=True)
    )
    places = {pk: place for place, pk in enumerate(lines, 1)}
    rows = MatchProposal.objects.filter(line__in=lines).select_related("customer")
    proposals = {row.line_id: row for row in rows}
    otherwise = _otherwise(bank_account)
    for pk in lines:
        proposal = proposals.get(pk)
        if pk in otherwise:
            yield {"line": places[pk], **otherwise[pk]}
        elif proposal is not None:
            yield {"line": places[pk], **_record(proposal, places, bank_account.currency)}
        else:
            yield {"line": places[pk], "action": "none", "reason": "not_looked_at"}


def _record(proposal: MatchProposal, places: dict[int, int], currency: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "action": proposal.action,
        "customer": proposal.customer.code if proposal.customer else None,
        "allocations": [
            {"invoice": number, "cash": cash, "discount": discount, "writeoff": write_off}
            for _invoice_id, number, cash, discount, write_off in proposal.parts
        ],
        "score": f"{proposal.score:f}",
        "reason": proposal.reason,
        "evidence": match_sentences(proposal.evidence, currency),
    }
    name = OTHER.get(ProposedAction(proposal.action))
    if name and proposal.other_line_id in places:
        record[name] = places[proposal.other_line_id]
    return record


def _otherwise(bank_account: BankAccount) -> dict[int, dict[str, Any]]:
    """Lines that people explained, or that were in the books, with what their payments are set against. Two queries."""
    matches = list(
        Match.objects.filter(line__bank_account=bank_account, undone_at__isnull=True)
        .exclude(is_automatic=True, kind__in=BY_PROPOSAL)
        .exclude(is_automatic=True, made_payment=True)
        .select_related("customer", "payment")
    )
    cash = _set_against(match.payment.credit_item_id for match in matches if match.payment)
    return {match.line_id: _of_match(match, cash) for match in matches}


def _of_match(match: Match, cash: dict[int, list[dict[str, str]]]) -> dict[str, Any]:
    """kind "payment" is "auto"; money held in suspense is nobody's yet; anything else is no customer's new payment."""
    reason = f"in_the_books_{match.kind}" if match.is_automatic else f"by_person_{match.kind}"
    if match.is_automatic and match.rule_id is not None:
        reason = f"by_rule_{match.kind}"
    if match.payment is None or match.kind != MatchKind.PAYMENT:
        return {"action": "none" if match.kind == MatchKind.SUSPENSE else "ignore", "customer": None, "reason": reason}
    return {
        "action": "auto", "customer": match.customer.code if match.customer else None,
        "allocations": cash.get(match.payment.credit_item_id or 0, []), "reason": reason,
    }  # fmt: skip


def _set_against(credit_item_ids: Iterable[int | None]) -> dict[int, list[dict[str, str]]]:
    """Credit item → invoices and what of it is set against each. One query."""
    rows = Allocation.objects.filter(credit_item__in=[pk for pk in credit_item_ids if pk], kind=AllocationKind.CREDIT)
    found: dict[int, list[dict[str, str]]] = {}
    sums = rows.values_list("credit_item_id", "invoice__number").annotate(left=Sum("amount")).filter(left__gt=0)
    for credit_item_id, number, amount in sums:
        found.setdefault(credit_item_id, []).append({"invoice": number, "cash": f"{amount:f}"})
    return found
