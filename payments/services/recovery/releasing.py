"""A person decides what becomes of a failed charge that automation left to them (R44, R49, R66, R69)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, Sentence
from billing.office.models import Organization, User
from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import PaymentMethod, RetryDecision
from payments.models.attempt import LIVE
from payments.models.payment_method import MethodState
from payments.models.recovery import Verdict
from payments.services.methods.states import resume_method
from payments.services.recovery import letters
from payments.services.recovery.caps import MONTH, allowed_from, caps_for
from payments.services.recovery.gathering import read_failure
from payments.services.recovery.matrix import CARDS, Class, rule_for

RESOLVE = "resolve_unknown_charge"
DEEDS: Mapping[str, Sentence] = {
    "retry": _("It is charged again."),
    "ask_payer": _("The payer was asked how they want to pay."),
    "close": _("Nothing more is tried; automatic charges of others go on."),
}
# Of these a person may say that the same method is tried once more.
MAY_TRY = (Class.SOFT, Class.TECHNICAL, Class.HOLD)


class NotWaiting(DomainError):
    code = "not_waiting"
    sentence = _("Somebody decided this already.")


def waiting(organization: Organization) -> QuerySet[RetryDecision]:
    """What waits for a person, oldest first."""
    rows = RetryDecision.objects.filter(
        failed__organization=organization, verdict=Verdict.PERSON, done_at__isnull=True
    ).select_related("failed__customer", "failed__method", "failed__organization", "failed__gateway_account")
    return rows.prefetch_related("failed__claims__invoice").order_by("pk")


def may_try(decision: RetryDecision, now: datetime) -> bool:
    """Whether its own method may be charged once more: not after a reason that is final, nor past a network's cap."""
    return _try_at(decision, now) is not None


def _try_at(decision: RetryDecision, now: datetime) -> datetime | None:
    method = decision.failed.method
    if method is None or rule_for(decision.failed.reason, method.instrument).kind not in MAY_TRY:
        return None
    if method.state != MethodState.ACTIVE and not _is_held(decision, method):
        return None
    if method.instrument not in CARDS:
        return now
    tried = read_failure(decision.failed, now).failed
    at = allowed_from(tried.tried_at, caps_for(method.brand), now)
    return at if at <= now + MONTH else None


def _is_held(decision: RetryDecision, method: PaymentMethod) -> bool:
    """Suspended by this very failure."""
    is_hold = rule_for(decision.failed.reason, method.instrument).kind == Class.HOLD
    return is_hold and method.state == MethodState.SUSPENDED


@transaction_required
def decide_by_person(*, pk: int, deed: str, now: datetime, by: User) -> RetryDecision:
    """One of DEEDS; with it automation of the customer is on again, if this held it. Raises NotWaiting, BadInput."""
    if deed not in DEEDS:
        raise BadInput(_("Choose one of the list."), field="deed", code="required")
    found = RetryDecision.objects.select_related("failed__organization").get(pk=pk)
    lock_customers(found.failed.organization, [found.failed.customer_id])
    decision = waiting(found.failed.organization).select_for_update(no_key=True, of=("self",)).filter(pk=pk).first()
    if decision is None:
        raise NotWaiting()
    facts = {"retry": _retry, "ask_payer": _ask, "close": _close}[deed](decision, now, by)
    because = [*decision.because, {"code": "released"}]
    RetryDecision.objects.filter(pk=pk).update(because=because, chosen_by=by, chosen_at=now, **facts)
    decision.refresh_from_db()
    if deed == "ask_payer":
        numbers = [claim.invoice.number for claim in decision.failed.claims.all()]
        letters.tell_failed(attempt=decision.failed, decision=decision, numbers=numbers, now=now, fact="asked")
    return decision


def _retry(decision: RetryDecision, now: datetime, by: User) -> dict[str, Any]:
    """Raises BadInput."""
    at, method = _try_at(decision, now), decision.failed.method
    if at is None or method is None:
        raise BadInput(_("This method may not be charged again; ask the payer."), field="deed", code="no_retry")
    if _claimed(decision):
        raise BadInput(_("A payment of it is being confirmed."), field="deed", code="being_confirmed")
    if method.state == MethodState.SUSPENDED:
        resume_method(method=method, now=now, by=by)
    return {"verdict": Verdict.RETRY, "try_at": at, "method": method}


def _claimed(decision: RetryDecision) -> bool:
    claims = decision.failed.claims.values("invoice")
    return RetryDecision.objects.filter(
        failed__claims__invoice__in=claims, failed__claims__invoice__claims__attempt__state__in=LIVE
    ).exists()


def _ask(decision: RetryDecision, now: datetime, by: User) -> dict[str, Any]:
    return {"verdict": Verdict.ASK_PAYER, "try_at": None, "method": None}


def _close(decision: RetryDecision, now: datetime, by: User) -> dict[str, Any]:
    return {"done_at": now, "outcome": "closed"}
