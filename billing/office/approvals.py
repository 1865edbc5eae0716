"""Maker and checker: asking, deciding, using an approval once (invariant 37)."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.office.access import require
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.models.approval import APPROVAL_MOVES, ApprovalState
from billing.office.models.user import Mode
from billing.office.policies import policies_for
from billing.states import move
from billing.transactions import transaction_required


class OwnRequest(DomainError):
    code = "own_request"
    sentence = _("You asked for this; another person must approve.")


class AlreadyDecided(DomainError):
    code = "already_decided"
    sentence = _("Already decided by {who}: {state}.")


class ApprovalExpired(DomainError):
    code = "approval_expired"
    sentence = _("This request lapsed on {expires_at:%Y-%m-%d %H:%M}; ask again.")


class ShownChanged(DomainError):
    code = "changed_since_shown"
    sentence = _("Something changed since this was shown; look again and ask anew.")


class ApprovalNeeded(DomainError):
    code = "approval_needed"
    sentence = _("This needs the approval of another person.")


def fingerprint(shown: Mapping[str, Any]) -> str:
    """SHA-256 over what a checker reads. Same facts, same fingerprint."""
    text = json.dumps(shown, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@transaction_required
def ask(
    *,
    organization: Organization,
    action: str,
    subject: str,
    title: str,
    shown: Mapping[str, Any],
    reason: str,
    by: User,
    now: datetime,
    amount: Decimal | None = None,
    currency: str = "",
) -> ApprovalRequest:
    """Ask another person to approve exactly `shown`. Asking the same again while it waits gives the first request.

    Raises NotPermitted, BadInput (no reason).
    """
    require(by, organization, action, Mode.MAKE, Mode.DO, Mode.CHECK)
    reason = clean_text(reason, field="reason", longest=400)
    if not reason:
        raise BadInput(_("A reason is needed."), field="reason", code="reason_required")
    shown = json.loads(json.dumps(shown, default=str))
    digest = fingerprint(shown)
    waiting = ApprovalRequest.objects.select_for_update().filter(
        organization=organization, action=action, subject=subject, state=ApprovalState.REQUESTED
    )
    for earlier in waiting:
        if earlier.shown_hash == digest and earlier.expires_at > now:
            return earlier
        move(earlier, ApprovalState.WITHDRAWN, APPROVAL_MOVES)
    hours = policies_for(organization).number("approvals.valid_hours")
    return ApprovalRequest.objects.create(
        organization=organization, action=action, subject=subject, title=title, shown=shown, shown_hash=digest,
        amount=amount, currency=currency, reason=reason, requested_by=by, requested_at=now,
        expires_at=now + timedelta(hours=hours),
    )  # fmt: skip


@transaction_required
def decide(
    *, request: ApprovalRequest, approve: bool, shown_hash: str, by: User, now: datetime, reason: str = ""
) -> ApprovalRequest:
    """Approve or reject what was shown. The deed itself is carried out by its own service, which calls use().

    shown_hash: of the page the checker read. Raises OwnRequest, AlreadyDecided, ApprovalExpired, ShownChanged,
    NotPermitted.
    """
    request = ApprovalRequest.objects.select_for_update().get(pk=request.pk)
    if request.state != ApprovalState.REQUESTED:
        raise AlreadyDecided(who=request.decided_by or request.requested_by, state=request.get_state_display())
    if request.requested_by_id == by.pk:
        raise OwnRequest()
    require(by, request.organization, request.action, Mode.CHECK)
    if request.expires_at <= now:
        raise ApprovalExpired(expires_at=request.expires_at)
    if shown_hash != request.shown_hash:
        raise ShownChanged()
    to = ApprovalState.APPROVED if approve else ApprovalState.REJECTED
    words = clean_text(reason, field="reason", longest=400, required=not approve)
    move(request, to, APPROVAL_MOVES, decided_by=by, decided_at=now, decision_reason=words)
    return request


@transaction_required
def use(*, request: ApprovalRequest, action: str, subject: str, shown: Mapping[str, Any], now: datetime) -> None:
    """Spend an approval on the deed it was given for, once, while the facts are still those that were approved.

    Raises ApprovalNeeded, ApprovalExpired, ShownChanged, AlreadyDecided.
    """
    request = (
        ApprovalRequest.objects.select_for_update(of=("self",))
        .select_related("decided_by", "organization")
        .get(pk=request.pk)
    )
    if request.action != action or request.subject != subject:
        raise ApprovalNeeded()
    if request.state == ApprovalState.USED:
        raise AlreadyDecided(who=request.decided_by, state=request.get_state_display())
    if request.state != ApprovalState.APPROVED:
        raise ApprovalNeeded()
    if request.expires_at <= now:
        raise ApprovalExpired(expires_at=request.expires_at)
    if fingerprint(json.loads(json.dumps(shown, default=str))) != request.shown_hash:
        raise ShownChanged()
    assert request.decided_by is not None
    require(request.decided_by, request.organization, action, Mode.CHECK)
    move(request, ApprovalState.USED, APPROVAL_MOVES, used_at=now)


@transaction_required
def withdraw_waiting(subject: str) -> None:
    """Take back every request about a subject that no longer needs deciding."""
    waiting = ApprovalRequest.objects.select_for_update().filter(subject=subject, state=ApprovalState.REQUESTED)
    for request in waiting.order_by("pk"):
        move(request, ApprovalState.WITHDRAWN, APPROVAL_MOVES)


def granted(subject: str, actions: Iterable[str]) -> list[ApprovalRequest]:
    """Approvals of a subject that were given and not yet spent, the newest last. One query."""
    rows = ApprovalRequest.objects.filter(subject=subject, action__in=list(actions), state=ApprovalState.APPROVED)
    return list(rows.order_by("id"))


def standing(subject: str, now: datetime) -> set[str]:
    """The actions for which a request about the subject waits or was approved, and has not lapsed. One query."""
    alive = (ApprovalState.REQUESTED, ApprovalState.APPROVED)
    rows = ApprovalRequest.objects.filter(subject=subject, state__in=alive, expires_at__gt=now)
    return set(rows.values_list("action", flat=True))
