"""One charge at a processor: what happened, why this way, what was said, what follows; and the queue of what is being
confirmed (R46, R48, R51)."""

from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from billing.admin.base import ConsoleRequest, console_context, console_path, may_here
from billing.admin.customer_page import ASKING
from billing.admin.invoice_page import waiting_for
from billing.errors import Sentence
from billing.office import clock
from payments.admin.charge_words import look_of
from payments.models import PaymentAttempt, RetryDecision, WebhookEvent
from payments.models.attempt import AttemptState
from payments.selectors.gateways import unknown_of
from payments.services.choosing_words import NO_FAILOVER, told_choice
from payments.services.fraud import PRECHECK
from payments.services.methods.words import declined_words
from payments.services.recovery.words import told
from payments.services.resolving import ACTION, may_be_resolved
from payments.services.routing import failover

PER_PAGE = 50
# Who may read what was said to the processor, scrubbed as it is.
READS_LOG = (ACTION, "see_audit", "tend_webhooks")


def find_attempt(request: ConsoleRequest, pk: int) -> PaymentAttempt:
    """Of the organization worked in, or 404."""
    rows = PaymentAttempt.objects.select_related(
        "organization", "customer", "customer__organization", "gateway_account", "method", "method__gateway_account",
        "follows", "payment", "created_by",
    )  # fmt: skip
    return get_object_or_404(rows, pk=pk, organization=request.organization)


@console_path("attempts/<int:pk>/", "attempt", "see_receivables")
@require_GET
def attempt_page(request: ConsoleRequest, pk: int) -> HttpResponse:
    """About fifteen queries."""
    attempt = find_attempt(request, pk)
    zone, now = request.organization.zone, clock.now()
    decision = RetryDecision.objects.filter(failed=attempt).select_related("method", "used", "chosen_by").first()
    exchanges = list(attempt.exchanges.order_by("id"))
    failed = attempt.state in (AttemptState.DECLINED, AttemptState.NOT_SENT)
    context = console_context(
        request, attempt.number, attempt=attempt, look=look_of(attempt.state, attempt.settled_from), now=now,
        claims=list(attempt.claims.select_related("invoice").order_by("pk")), events=_events(attempt, exchanges),
        told=told_choice(attempt.decision, attempt.currency, zone), decision=decision,
        because=told(decision.because, attempt.currency) if decision else [],
        elsewhere=_elsewhere(attempt, decision, now), words=declined_words(attempt.reason) if failed else None,
        followers=list(attempt.followers.order_by("pk")), errors=list(attempt.errors.order_by("id")),
        exchanges=exchanges if any(may_here(request, action) for action in READS_LOG) else None,
        waiting=waiting_for(request, [f"attempt:{pk}"]),
        may_resolve=may_be_resolved(attempt) and may_here(request, ACTION, *ASKING),
    )  # fmt: skip
    return render(request, "console/online/attempt.html", context)


def _elsewhere(attempt: PaymentAttempt, decision: RetryDecision | None, now: datetime) -> tuple[Any, Sentence] | None:
    """Where a charge that was not carried out could go now, or why nowhere; of what is not over yet."""
    if attempt.state != AttemptState.NOT_SENT or decision is None or decision.done_at is not None:
        return None
    found = failover(attempt, now)
    return found.method, NO_FAILOVER.get(found.why, "")


Event = tuple[datetime, Sentence, str]


def _events(attempt: PaymentAttempt, exchanges: list[Any]) -> list[Event]:
    """What happened, oldest first: instant, what, more. One query."""
    told_of = WebhookEvent.objects.filter(configuration=attempt.gateway_account.configuration, key=attempt.key)
    events: list[Event] = [(attempt.created_at, gettext_lazy("written down"), str(attempt.created_by or ""))]
    if attempt.sent_at is not None:
        events.append((attempt.sent_at, gettext_lazy("sent"), str(attempt.gateway_account)))
    events += [(one.at, gettext_lazy("call"), _call(one)) for one in exchanges]
    events += [(one.received_at, gettext_lazy("told by a webhook"), one.name) for one in told_of[:PER_PAGE]]
    if attempt.absent_since is not None:
        events.append((attempt.absent_since, gettext_lazy("the processor had nothing of it"), ""))
    if attempt.settled_at is not None:
        is_held = attempt.settled_from == PRECHECK
        words = gettext_lazy("held for a person") if is_held else attempt.get_state_display()
        events.append((attempt.settled_at, words, "" if is_held else attempt.raw_text))
    return sorted(events, key=lambda one: one[0])


def _call(exchange: Any) -> str:
    came = exchange.trouble or (f"HTTP {exchange.status}" if exchange.status else _("no answer"))
    return f"{exchange.method} · {came} · {exchange.seconds} s"


# Being confirmed


@console_path("confirming/", "confirming", "see_receivables")
@require_GET
def confirming(request: ConsoleRequest) -> HttpResponse:
    """Oldest first, each with its age and when it is asked about next. Two queries."""
    now = clock.now()
    page = Paginator(unknown_of(request.organization, now), PER_PAGE).get_page(request.GET.get("page"))
    context = console_context(
        request, _("Being confirmed"), page=page, now=now, may_resolve=may_here(request, ACTION, *ASKING),
        rows=[(one, look_of(one.state, ""), may_be_resolved(one)) for one in page],
    )  # fmt: skip
    return render(request, "console/online/confirming.html", context)
