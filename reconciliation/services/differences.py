"""A person says why a difference is none, alone or with the finance manager; gives it to somebody; opens it again."""

from collections.abc import Mapping, Set
from datetime import datetime
from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.office import approvals
from billing.office.access import people_who, require
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from billing.states import move
from billing.transactions import transaction_required
from reconciliation.models import DiscrepancyReason, ProcessorDiscrepancy, ZohoDiscrepancy
from reconciliation.models.processor_proof import DISCREPANCY_MOVES
from reconciliation.models.zoho_comparison import ZOHO_DISCREPANCY_MOVES

WORK, SIGN, DEED = "match_bank_lines", "sign_off_reconciliation", "explain_difference"
Row = TypeVar("Row", ProcessorDiscrepancy, ZohoDiscrepancy)
MOVES: dict[type, Mapping[str, Set[str]]] = {
    ProcessorDiscrepancy: DISCREPANCY_MOVES, ZohoDiscrepancy: ZOHO_DISCREPANCY_MOVES,
}  # fmt: skip
NAMES: dict[type, str] = {ProcessorDiscrepancy: "processor_discrepancy", ZohoDiscrepancy: "zoho_discrepancy"}


class NeedsSignature(DomainError):
    code = "needs_signature"
    sentence = _("So large a difference is explained with the finance manager's agreement.")


def subject_of(row: ProcessorDiscrepancy | ZohoDiscrepancy) -> str:
    return f"{NAMES[type(row)]}:{row.pk}"


def may_alone(row: ProcessorDiscrepancy | ZohoDiscrepancy, organization: Organization) -> bool:
    """Whether one person may explain it. What is in another currency than the organization's is never small."""
    if not row.amount:
        return True
    most = policies_for(organization).amount("processors.explain_alone")
    return row.currency == organization.currency and most is not None and row.amount <= most


def facts_of(row: ProcessorDiscrepancy | ZohoDiscrepancy, reason_code: str, note: str) -> dict[str, Any]:
    """What a second person is shown and agrees to."""
    return {
        "deed": DEED, "record": f"{row.gateway_account}: {row.get_kind_display()} ({row.subject})",
        "amount": f"{row.amount:.2f}", "currency": row.currency, "cause": reason_code, "note": note,
    }  # fmt: skip


@transaction_required
def ask_explanation(
    *, row: Row, reason_code: str, note: str, now: datetime, by: User
) -> ApprovalRequest:  # fmt: skip
    """Ask the finance manager to agree that a difference is explained. Raises BadInput, NotPermitted."""
    row = _lock(row)
    reason_code, note = _checked(row, reason_code, note)
    facts = facts_of(row, reason_code, note)
    return approvals.ask(
        organization=row.organization, action=SIGN, subject=subject_of(row), title=f"Explain {facts['record']}",
        shown=facts, reason=note, by=by, now=now, amount=row.amount, currency=row.currency,
    )  # fmt: skip


@transaction_required
def explain(
    *, row: Row, reason_code: str, note: str, now: datetime, by: User, approval: ApprovalRequest | None = None
) -> Row:
    """A difference is explained: it stays as it is in the books, and counts as known until its facts change.

    approval: of exactly this, where its amount is above processors.explain_alone; then `by` is whoever asked.
    Raises NeedsSignature, BadInput, IllegalTransition, NotPermitted.
    """
    row = _lock(row)
    reason_code, note = _checked(row, reason_code, note)
    if approval is not None:
        approvals.use(
            request=approval, action=SIGN, subject=subject_of(row), shown=facts_of(row, reason_code, note), now=now
        )
    else:
        require(by, row.organization, WORK, Mode.DO)
        if not may_alone(row, row.organization):
            raise NeedsSignature()
    move(
        row, "explained", MOVES[type(row)], reason_code=reason_code, note=note, explained_at=now, explained_by=by,
        approval=approval,
    )  # fmt: skip
    return row


@transaction_required
def open_again(*, row: Row, now: datetime, by: User) -> Row:
    """An explanation does not hold any more."""
    row = _lock(row)
    require(by, row.organization, WORK, Mode.DO, Mode.MAKE)
    move(row, "open", MOVES[type(row)])
    return row


@transaction_required
def give_to(*, row: Row, owner: User | None, now: datetime, by: User) -> Row:
    """Who looks after it; None: nobody. Raises BadInput (somebody who may not work on it)."""
    row = _lock(row)
    require(by, row.organization, WORK, Mode.DO, Mode.MAKE)
    if owner is not None and owner not in workers(row.organization):
        raise BadInput(_("Choose one of the people who work on differences."), field="owner", code="unknown_choice")
    row.owner = owner
    row.save(update_fields=["owner"])
    return row


def workers(organization: Organization) -> list[User]:
    found = {user.pk: user for mode in (Mode.DO, Mode.MAKE) for user in people_who(organization, WORK, mode)}
    return [found[key] for key in sorted(found)]


def _checked(row: ProcessorDiscrepancy | ZohoDiscrepancy, reason_code: str, note: str) -> tuple[str, str]:
    if reason_code not in DiscrepancyReason.values:
        raise BadInput(_("Choose a reason."), field="reason_code", code="unknown_choice")
    return reason_code, clean_text(note, field="note", longest=400, required=True)


def _lock(row: Row) -> Row:
    rows = type(row)._default_manager.select_related("organization", "gateway_account")
    return rows.select_for_update(no_key=True, of=("self",)).get(pk=row.pk)
