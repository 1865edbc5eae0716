"""What a person says of a call whose outcome nobody else could learn: two people, the processor's own screen (inv. 34).

Until then it blocks like a success. What they say is booked as if the processor had said it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, Sentence
from billing.inputs import clean_text
from billing.money import ZERO, format_money
from billing.office import approvals
from billing.office.models import ApprovalRequest, User
from billing.transactions import transaction_required
from payments.gateways import base
from payments.gateways.base import Outcome, Result
from payments.models import PaymentAttempt
from payments.models.attempt import FINAL, AttemptState, Operation
from payments.services.calling import money_of
from payments.services.sweeping import resolve_by_person

ACTION, DEED = "resolve_unknown_charge", "resolve_attempt"
DONE, ON_ITS_WAY, REFUSED, NOT_THERE = "done", "on_its_way", "refused", "not_there"
SAID: dict[str, Sentence] = {
    DONE: _("It was carried out"), ON_ITS_WAY: _("It was accepted and is on its way"), REFUSED: _("It was refused"),
    NOT_THERE: _("The processor has nothing of it"),
}  # fmt: skip
# Of these a person cannot read off a screen what we would need to go on.
NEEDS_AN_ANSWER = (Operation.STORE, Operation.MANDATE, Operation.MICRO_DEPOSITS)
TAKES = (Operation.SALE, Operation.AUTH, Operation.CAPTURE)


class NotUnknown(DomainError):
    code = "not_unknown"
    sentence = _("{number} is {state}: nothing is to be found out.")


class StillUnknown(DomainError):
    code = "still_unknown"
    sentence = _("That cannot be: {trouble} Nothing was booked; look again.")


@dataclass(frozen=True)
class Finding:
    """said: one of SAID. reference: the processor's, of what was carried out. amount: if it is less than was asked."""

    said: str
    reference: str = ""
    amount: Decimal | None = None


def may_be_resolved(attempt: PaymentAttempt) -> bool:
    """Unknown, or on its way for so long that a person was asked."""
    waits = attempt.state == AttemptState.PENDING and bool(attempt.needs_person)
    return attempt.state == AttemptState.UNKNOWN or waits


def findings_for(attempt: PaymentAttempt) -> list[str]:
    """What a person may say of it."""
    if attempt.operation in NEEDS_AN_ANSWER:
        return [REFUSED, NOT_THERE]
    is_slow = attempt.method is not None and attempt.method.instrument in ("bank", "mandate")
    on_its_way = is_slow and attempt.state == AttemptState.UNKNOWN
    return [DONE, *([ON_ITS_WAY] if on_its_way else []), REFUSED, NOT_THERE]


@transaction_required
def ask_to_resolve(
    *, attempt: PaymentAttempt, finding: Finding, reason: str, by: User, now: datetime
) -> ApprovalRequest:  # fmt: skip
    """reason: what the processor's screen says, in the person's words. Raises NotUnknown, BadInput, NotPermitted."""
    if not may_be_resolved(attempt):
        raise NotUnknown(number=attempt.number, state=attempt.get_state_display())
    _check(attempt, finding)
    shown = facts_of(attempt, finding)
    return approvals.ask(
        organization=attempt.organization, action=ACTION, subject=f"attempt:{attempt.pk}",
        title=f"{attempt.number}: {SAID[finding.said]}"[:200], shown=shown, reason=reason, by=by, now=now,
        amount=attempt.amount, currency=attempt.currency,
    )  # fmt: skip


def _check(attempt: PaymentAttempt, finding: Finding) -> None:
    if finding.said not in findings_for(attempt):
        raise BadInput(_("Choose what the processor's screen says."), field="said", code="required")
    if finding.said in (DONE, ON_ITS_WAY) and not finding.reference:
        raise BadInput(_("The processor's reference is needed."), field="reference", code="required")
    clean_text(finding.reference, field="reference", longest=200)
    if finding.amount is not None and not ZERO < finding.amount <= attempt.amount:
        sentence = _("Asked was {asked}; it cannot have been more, nor nothing.")
        asked = format_money(attempt.amount, attempt.currency)
        raise BadInput(sentence, field="part", code="not_within", asked=asked)


def facts_of(attempt: PaymentAttempt, finding: Finding) -> dict[str, Any]:
    is_done = finding.said in (DONE, ON_ITS_WAY)
    part = finding.amount if finding.said == DONE and attempt.operation in TAKES else None
    return {
        "deed": DEED, "attempt": attempt.number, "attempt_key": attempt.pk, "customer": str(attempt.customer),
        "operation": attempt.operation, "gateway": attempt.gateway_account.name, "amount": f"{attempt.amount:.2f}",
        "currency": attempt.currency, "attempt_state": attempt.state, "said": finding.said,
        "reference": finding.reference if is_done else "", "part": f"{part:.2f}" if part is not None else "",
    }  # fmt: skip


def facts_now(request: ApprovalRequest) -> Mapping[str, Any]:
    return facts_of(_attempt_of(request), _finding_of(request))


def customer_of(request: ApprovalRequest) -> int:
    return _attempt_of(request).customer_id


def _attempt_of(request: ApprovalRequest) -> PaymentAttempt:
    rows = PaymentAttempt.objects.select_related("organization", "customer", "gateway_account", "method", "follows")
    return rows.get(organization=request.organization, pk=request.shown["attempt_key"])


def _finding_of(request: ApprovalRequest) -> Finding:
    shown = request.shown
    return Finding(shown["said"], shown["reference"], Decimal(shown["part"]) if shown["part"] else None)


@transaction_required
def carry_out_resolution(*, request: ApprovalRequest, by: User, now: datetime) -> PaymentAttempt:
    """Take it in as the processor's word. Raises StillUnknown where it cannot be, and what approvals.use raises."""
    attempt, finding = _attempt_of(request), _finding_of(request)
    approvals.use(request=request, action=ACTION, subject=request.subject, shown=facts_now(request), now=now)
    settled = resolve_by_person(attempt=attempt, result=_result(attempt, finding, request), by=by)
    if settled.state not in (*FINAL, AttemptState.PENDING):
        raise StillUnknown(trouble=settled.needs_person)
    return settled


OUTCOMES = {
    DONE: Outcome.APPROVED, ON_ITS_WAY: Outcome.PENDING, REFUSED: Outcome.DECLINED, NOT_THERE: Outcome.ERROR,
}  # fmt: skip
REASONS = {REFUSED: base.Reason.DO_NOT_HONOR, NOT_THERE: base.Reason.GATEWAY_TIMEOUT}


def _result(attempt: PaymentAttempt, finding: Finding, request: ApprovalRequest) -> Result:
    money = money_of(attempt)
    part = base.money(finding.amount, attempt.currency) if finding.amount is not None else None
    return Result(
        OUTCOMES[finding.said], base.Kind(attempt.operation), attempt.key, money=money, approved=part,
        ref=finding.reference, reason=REASONS.get(finding.said),
        raw_text=f"{request.requested_by} saw at the processor: {request.reason}"[:400],
    )  # fmt: skip
