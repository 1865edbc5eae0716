"""What matching made of an account's lines, one record a line, in the form that score_matches.py reads."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Sum

from billing.models import Allocation, AllocationKind
from payments.models import BankAccount
from reconciliation.models import Match, MatchProposal, StatementLine
from reconciliation.models.proposal import ProposedAction
from reconciliation.rules.words_matching import match_sentences
from reconciliation.selectors.lines_to_match import EXPLAINED

OTHER = {ProposedAction.DUPLICATE: "duplicate_of", ProposedAction.REVERSAL: "reversal_of"}


def report_matches(bank_account: BankAccount) -> Iterator[dict[str, Any]]:
    """All lines in the order of the bank's files, numbered through. Two queries, and one for lines people explained.

    line: 1-based; of one file it is the position of the entry. A line that a person explained is "auto" if it was given
    to a customer: it is decided, and by whom says its reason.
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
    by_person = _by_person(bank_account)
    for pk in lines:
        proposal = proposals.get(pk)
        if pk in by_person:
            yield {"line": places[pk], **by_person[pk]}
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


def _by_person(bank_account: BankAccount) -> dict[int, dict[str, Any]]:
    """Lines that people gave to a customer, with what their payments are set against now. Two queries."""
    matches = list(
        Match.objects.filter(
            line__bank_account=bank_account, undone_at__isnull=True, is_automatic=False, payment__isnull=False
        ).select_related("customer", "payment")
    )
    credits = [match.payment.credit_item_id for match in matches if match.payment]
    cash: dict[int, list[dict[str, str]]] = {}
    rows = Allocation.objects.filter(credit_item__in=credits, kind=AllocationKind.CREDIT)
    for credit_id, number, amount in (
        rows.values_list("credit_item_id", "invoice__number").annotate(left=Sum("amount")).filter(left__gt=0)
    ):
        cash.setdefault(credit_id, []).append({"invoice": number, "cash": f"{amount:f}"})
    return {
        match.line_id: {
            "action": "auto", "customer": match.customer.code if match.customer else None,
            "allocations": cash.get(match.payment.credit_item_id or 0, []) if match.payment else [],
            "reason": "by_person",
        }
        for match in matches
    }  # fmt: skip
