"""What a clerk may not do alone with a bank line is asked of a supervisor, and carried out once it is approved."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.admin.deeds import deed, subject_key
from billing.admin.facts import HIDDEN, LABELS, WORDS
from billing.errors import Sentence
from billing.inputs import clean_text
from billing.office import approvals, clock
from billing.office.models import ApprovalRequest, User
from billing.transactions import rehearse, transaction_required
from reconciliation.admin.workbench_desk import BY_HAND
from reconciliation.models import StatementLine
from reconciliation.selectors.workbench_effects import Effect, effects_of
from reconciliation.services.workbench_verbs import VERBS
from reconciliation.services.working_lines import Asked, work_line

HIDDEN.add("typed")
LABELS |= {
    "bank_line": _("Bank line"), "deed_verb": _("To be done"), "explained_as": _("Explained as"),
    "explains": _("What it explains"), "applied": _("Applied"),
}  # fmt: skip
WORDS["deed"] = {**WORDS["deed"], BY_HAND: _("explain a bank line")}
WORDS["action"] = {**WORDS["action"], BY_HAND: _("explain a bank line by hand")}
WORDS["deed_verb"] = {name: verb.label for name, verb in VERBS.items()}


def subject_of(line: StatementLine) -> str:
    return f"bank_line:{line.pk}:by_hand"


def look(line: StatementLine, asked: Asked, by: User) -> list[Effect]:
    """What a verb would do: done for real in a savepoint, told, taken back. Raises DomainError as it would."""

    def work() -> list[Effect]:
        made = work_line(line=line, asked=_unkeyed(asked), verb=VERBS[asked.verb], now=clock.now(), by=by)
        return effects_of(made)

    return rehearse(work)


def _unkeyed(asked: Asked) -> Asked:
    return Asked(asked.verb, asked.typed, "", asked.seen, asked.score, asked.evidence, asked.rule)


@transaction_required
def ask_supervisor(*, line: StatementLine, asked: Asked, reason: str, now: datetime, by: User) -> ApprovalRequest:
    """Put a verb before a supervisor with all it would do. Raises BadInput, and what the verb would raise."""
    reason = clean_text(reason, field="reason", longest=400, required=True)
    shown = shown_of(line, asked, look(line, asked, by))
    title = f"Explain bank line {line}"[:200]
    return approvals.ask(
        organization=line.organization, action=BY_HAND, subject=subject_of(line), title=title, shown=shown,
        reason=reason, by=by, now=now, amount=line.open_amount, currency=line.currency,
    )  # fmt: skip


def shown_of(line: StatementLine, asked: Asked, effects: Sequence[Effect]) -> dict[str, Any]:
    """What the checker reads: the line, what is left of it, and everything the deed would make of it."""
    return {
        "deed": BY_HAND, "bank_line": f"{line.booked_on} {line.party_name} {line.text}".strip()[:200],
        "amount": f"{line.open_amount:f}", "currency": line.currency, "deed_verb": asked.verb,
        "explains": [_explained(effect) for effect in effects],
        "applied": [
            {"invoice": one.number, "amount": f"{one.amount:f}"} for effect in effects for one in effect.applied
        ],
        "typed": sorted([name, text] for name, text in asked.typed.items()),
    }  # fmt: skip


def _explained(effect: Effect) -> dict[str, Any]:
    match = effect.match
    what = match.customer or match.ledger_account or match.other_line or match.payment or ""
    return {"explained_as": match.kind, "customer": str(what), "amount": f"{match.amount:f}"}


def _facts(request: ApprovalRequest) -> Mapping[str, Any]:
    line, asked = _read(request)
    assert request.requested_by is not None
    return shown_of(line, asked, look(line, asked, request.requested_by))


def _read(request: ApprovalRequest) -> tuple[StatementLine, Asked]:
    rows = StatementLine.objects.select_related("bank_account__organization", "organization")
    line = rows.get(pk=subject_key(request), organization=request.organization)
    return line, Asked(str(request.shown["deed_verb"]), dict(request.shown["typed"]))


@deed(BY_HAND, label=_("Explain"), facts=_facts)
def _carry_out(request: ApprovalRequest, by: User, now: datetime) -> Sentence:
    """The account is locked before the customer, as everywhere at the bank; so no customer is locked up front."""
    line, asked = _read(request)
    shown = _facts(request)
    approvals.use(request=request, action=BY_HAND, subject=request.subject, shown=shown, now=now)
    work_line(line=line, asked=asked, verb=VERBS[asked.verb], now=now, by=by)
    return _("The bank line is explained.")
