"""Asking a processor, with nothing locked: phases two and three of a charge (invariants 25-30)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import cast

import structlog
from django.db import connection

from billing.models import Invoice
from billing.office import clock
from billing.refusals import explained
from billing.services.locking import lock_customers
from billing.transactions import in_transaction, transaction_required
from payments.gateways import base
from payments.gateways.base import (
    Authentication,
    GatewayRef,
    HostedToken,
    MandateGateway,
    MandateTerms,
    MethodRef,
    Money,
    NotSupported,
    OrderHint,
    OrderRef,
    Outcome,
    PayerRef,
    PaymentGateway,
    Reason,
    RedirectGateway,
    Result,
    StoredCredential,
)
from payments.gateways.registry import NotConfigured, gateway_for
from payments.gateways.wire import Exchange
from payments.models import AttemptClaim, GatewayExchange, PaymentAttempt, PaymentMethod
from payments.models.attempt import AttemptState, Operation
from payments.models.payment_method import MethodState
from payments.services import attempts, health
from payments.services.attempts import TAKES, is_redirect
from payments.services.settling import settle_attempt

log = structlog.get_logger(__name__)
# When a call that never came back is asked about: longer than any answer may take.
LOST_AFTER = timedelta(seconds=90)


@dataclass(frozen=True)
class Extra:
    """What a call needs besides its attempt, and nobody keeps: a token that is good once, amounts a payer typed, what
    they allow their bank, what it said of them, and where their browser comes back to."""

    token: HostedToken | None = None
    payer: PayerRef | None = None
    minor_amounts: tuple[int, int] = (0, 0)
    terms: MandateTerms | None = None
    return_url: str = ""
    authentication: Authentication | None = None


def send_attempt(attempt: PaymentAttempt, extra: Extra | None = None) -> PaymentAttempt:
    """Mark it sent, make the call, and settle what came of it. One that left already is returned as it stands.

    Runs outside any transaction, reads the clock itself, raises nothing that the processor does: trouble is a state.
    """
    assert not connection.in_atomic_block, "a call is made with nothing locked"
    if not in_transaction(partial(_mark_sent, attempt.pk, clock.now())):
        return reread(attempt)
    attempt = reread(attempt)
    result, exchanges = call(attempt, extra or Extra())
    return finish(attempt, result, exchanges, source="worker")


def finish(attempt: PaymentAttempt, result: Result, exchanges: list[Exchange], *, source: str) -> PaymentAttempt:
    """Write down what was said and settle the attempt by it."""
    now = clock.now()
    in_transaction(partial(keep_exchanges, attempt=attempt, exchanges=exchanges, now=now))
    in_transaction(partial(health.note, configuration=attempt.gateway_account.configuration, result=result, now=now))
    with explained():
        in_transaction(partial(settle_attempt, attempt_id=attempt.pk, result=result, source=source, now=now))
    return reread(attempt)


def reread(attempt: PaymentAttempt) -> PaymentAttempt:
    rows = PaymentAttempt.objects.select_related("gateway_account", "method", "customer", "organization", "follows")
    return rows.get(pk=attempt.pk)


# Phase two


@transaction_required
def _mark_sent(pk: int, now: datetime) -> bool:
    """From here on it may have left. False if it had before, or is no longer wanted (fault F22)."""
    found = PaymentAttempt.objects.select_related("organization").get(pk=pk)
    lock_customers(found.organization, [found.customer_id])
    attempt = PaymentAttempt.objects.select_for_update(no_key=True, of=("self",)).get(pk=pk)
    if attempt.state != AttemptState.CREATED:
        return False
    trouble = _no_longer_wanted(attempt)
    if trouble:
        attempts.free(attempt, now, trouble)
        return False
    PaymentAttempt.objects.filter(pk=pk).update(state=AttemptState.SENT, sent_at=now, ask_at=now + LOST_AFTER)
    return True


def _no_longer_wanted(attempt: PaymentAttempt) -> str:
    """Why a charge that was prepared is not made, in English; "" if it is."""
    if attempt.operation not in TAKES:
        return ""
    is_here = attempt.method is None and is_redirect(attempt.gateway_account, attempt.operation)
    if not is_here and (attempt.method is None or attempt.method.state != MethodState.ACTIVE):
        return "The method was removed or stopped meanwhile."
    claims = AttemptClaim.objects.filter(attempt=attempt).select_related("invoice")
    for claim in claims:
        invoice: Invoice = claim.invoice
        if invoice.voided_on is not None or invoice.open_amount < claim.amount:
            return f"Invoice {invoice.number} is no longer open by what was to be charged."
    return ""


# Phase three


def call(attempt: PaymentAttempt, extra: Extra) -> tuple[Result, list[Exchange]]:
    """Ask the processor. Whatever goes wrong on our side after the request may have left is unknown, never declined."""
    kind = base.Kind(attempt.operation)
    try:
        gateway, wire = gateway_for(attempt.gateway_account.configuration)
    except NotConfigured as trouble:
        return _error(attempt, kind, f"not configured: {trouble}"), []
    try:
        return CALLS[Operation(attempt.operation)](gateway, attempt, extra), wire.exchanges
    except NotSupported as trouble:
        return _error(attempt, kind, f"not supported: {trouble}"), wire.exchanges
    except Exception as trouble:  # the border to an outsider: the money may have moved whatever failed here
        log.exception("gateway_call_failed", attempt=attempt.number)
        return Result(
            Outcome.UNKNOWN, kind, attempt.key, reason=Reason.GATEWAY_ERROR, raw_text=type(trouble).__name__
        ), wire.exchanges  # fmt: skip


def _error(attempt: PaymentAttempt, kind: base.Kind, text: str) -> Result:
    return Result(Outcome.ERROR, kind, attempt.key, reason=Reason.GATEWAY_ERROR, raw_text=text[:400])


def method_ref(method: PaymentMethod) -> MethodRef:
    return MethodRef(
        token=method.token, instrument=base.Instrument(method.instrument), payer_id=method.payer_id, last4=method.last4,
        holder=method.holder, postal_code=method.postal_code,
    )  # fmt: skip


def _method(attempt: PaymentAttempt) -> MethodRef:
    assert attempt.method is not None
    return method_ref(attempt.method)


def money_of(attempt: PaymentAttempt) -> Money:
    amount: Decimal = attempt.amount
    return base.money(amount, attempt.currency)


def order_ref(attempt: PaymentAttempt) -> OrderRef:
    """number: what the payer may read on a statement of theirs: of the first invoice."""
    claim = attempt.claims.select_related("invoice").order_by("pk").first()
    number = claim.invoice.number if claim else attempt.number
    return OrderRef(
        number=number[-20:], description=attempt.organization.name[:60], email=attempt.customer.email,
        notice=_notice_of(attempt, claim),
    )  # fmt: skip


def _notice_of(attempt: PaymentAttempt, claim: AttemptClaim | None) -> str:
    """The key of the notice by which a debit was announced to the payer's bank, "" for none. One query, or none."""
    if claim is None or attempt.method is None or attempt.method.instrument != base.MANDATE:
        return ""
    notices = PaymentAttempt.objects.filter(
        method=attempt.method, operation=Operation.NOTIFY, state=AttemptState.SUCCEEDED, amount=attempt.amount,
        request_key__startswith=f"notify:{claim.invoice_id}:{claim.cycle}:",
    )  # fmt: skip
    last = notices.order_by("-pk").first()
    return last.key if last else ""


def ref_of(attempt: PaymentAttempt) -> GatewayRef:
    """The processor's reference of something that was done."""
    instrument = attempt.method.instrument if attempt.method else base.CARD
    return GatewayRef(
        attempt.gateway_ref,
        base.Instrument(instrument),
        attempt.related_ref,
        attempt.method.last4 if attempt.method else "",
    )


def hint_of(attempt: PaymentAttempt) -> OrderHint:
    method = attempt.method
    assert attempt.sent_at is not None
    return OrderHint(
        kind=base.Kind(attempt.operation), money=money_of(attempt), last4=method.last4 if method else "",
        sent_at=attempt.sent_at, instrument=base.Instrument(method.instrument if method else base.CARD),
        related=attempt.follows.gateway_ref if attempt.follows else "", payer_id=method.payer_id if method else "",
    )  # fmt: skip


def _credential(attempt: PaymentAttempt) -> StoredCredential:
    """By the networks' rules: the first charge by the payer lays the ground for those we start later."""
    assert attempt.method is not None
    first = attempt.method.network_ref
    plan = "recurring" if attempt.channel == "autopay" else "unscheduled"
    return StoredCredential(
        initiated_by_payer=attempt.by_payer, is_first=attempt.by_payer and not first, plan=plan, network_ref=first
    )


def _followed(attempt: PaymentAttempt) -> GatewayRef:
    assert attempt.follows is not None
    return ref_of(attempt.follows)


def _hosted(extra: Extra) -> tuple[HostedToken, PayerRef]:
    assert extra.token is not None and extra.payer is not None
    return extra.token, extra.payer


def _payer(extra: Extra) -> PayerRef:
    assert extra.payer is not None
    return extra.payer


def _sale(gateway: PaymentGateway, attempt: PaymentAttempt, extra: Extra) -> Result:
    """Charge a method; without one the payer pays at their bank. Raises NotSupported."""
    if attempt.method is not None:
        order = replace(order_ref(attempt), authentication=extra.authentication)
        return gateway.charge(_method(attempt), money_of(attempt), attempt.key, order, _credential(attempt))
    if base.REDIRECT not in gateway.capabilities:
        raise NotSupported(base.REDIRECT)
    pages = cast(RedirectGateway, gateway)
    return pages.start(money_of(attempt), attempt.key, order_ref(attempt), _payer(extra), extra.return_url)


def _mandate(gateway: PaymentGateway, attempt: PaymentAttempt, extra: Extra) -> Result:
    """Raises NotSupported."""
    if base.MANDATE not in gateway.capabilities:
        raise NotSupported(base.MANDATE)
    assert extra.terms is not None
    return cast(MandateGateway, gateway).create_mandate(extra.terms, _payer(extra), attempt.key, extra.return_url)


CALLS: dict[Operation, Callable[[PaymentGateway, PaymentAttempt, Extra], Result]] = {
    Operation.SALE: _sale,
    Operation.AUTH: lambda g, a, x: g.authorize(_method(a), money_of(a), a.key, order_ref(a), _credential(a)),
    Operation.CAPTURE: lambda g, a, x: g.capture(_followed(a), money_of(a), a.key),
    Operation.VOID: lambda g, a, x: g.void(_followed(a), money_of(a), a.key),
    Operation.REFUND: lambda g, a, x: g.refund(_followed(a), money_of(a), a.key),
    Operation.VERIFY: lambda g, a, x: g.verify(_method(a), a.key, _payer(x)),
    Operation.STORE: lambda g, a, x: g.store(*_hosted(x), a.key),
    Operation.DELETE: lambda g, a, x: g.delete_method(_method(a), a.key),
    Operation.MICRO_DEPOSITS: lambda g, a, x: g.start_micro_deposits(_method(a), a.key),
    Operation.CONFIRM: lambda g, a, x: g.confirm_micro_deposits(_method(a), x.minor_amounts, a.key),
    Operation.MANDATE: _mandate,
}


@transaction_required
def keep_exchanges(*, attempt: PaymentAttempt, exchanges: list[Exchange], now: datetime) -> None:
    """The log of what was said (R48)."""
    GatewayExchange.objects.bulk_create(
        GatewayExchange(
            gateway_account_id=attempt.gateway_account_id, attempt=attempt, method=one.method[:8], url=one.url,
            asked=one.asked.replace("\0", ""), answered=one.answered.replace("\0", ""), status=one.status,
            seconds=Decimal(str(one.seconds)), trouble=one.trouble[:40], at=now,
        )
        for one in exchanges
    )  # fmt: skip
