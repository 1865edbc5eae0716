"""Phase four: the one place where an attempt's outcome becomes money in the books, whoever brings it.

The worker that made the call, the webhook that told of it and the sweeper that asked for it all end here, under the
same locks. What is final stays; a second telling changes nothing (invariants 27-32, faults F11-F16, F24).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zlib import crc32

import structlog
from django.db import transaction

from billing.errors import DomainError
from billing.money import ZERO, format_money
from billing.office.models import User
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.services.locking import lock_customers
from billing.states import move
from billing.transactions import transaction_required
from payments.gateways.base import Money, Outcome, Result, money
from payments.models import AttemptClaim, GatewayError, Payment, PaymentAttempt, PaymentMethod
from payments.models.attempt import ATTEMPT_MOVES, FINAL, AttemptState, Operation
from payments.models.payment import Method
from payments.models.payment_method import Instrument
from payments.services.orders import PaymentOrder

log = structlog.get_logger(__name__)

# Filled at start by the app that owns the papers: takes a payment with its receipt, in this transaction (R18).
TAKE: list[Callable[..., Payment]] = []
# Filled at start: what follows in this transaction once an attempt of an operation has become final.
AFTER: dict[str, list[Callable[[PaymentAttempt, Result, datetime], None]]] = {}
# Filled at start: who takes back money that came when nobody wanted it any more (fault F22).
LATE: list[Callable[[PaymentAttempt, Result, datetime], None]] = []

METHODS: dict[str, Method] = {
    Instrument.CARD: Method.CARD, Instrument.WALLET: Method.CARD, Instrument.BANK: Method.ACH,
    Instrument.UPI: Method.UPI, Instrument.MANDATE: Method.AUTO_DEBIT,
}  # fmt: skip
TAKING = (Operation.SALE, Operation.CAPTURE)
# When an unknown outcome is asked about, after it was sent; then once an hour, and after a day a person must.
SLOTS = tuple(timedelta(seconds=s) for s in (15, 60, 300, 900, 3600))
PERSON_AFTER = timedelta(hours=24)
# A bank debit that is on its way is looked at once a day; after this long without news a person must.
PENDING_EVERY, PENDING_PERSON_AFTER = timedelta(hours=12), timedelta(days=7)


@transaction_required
def settle_attempt(
    *, attempt_id: int, result: Result, source: str, now: datetime, by: User | None = None
) -> PaymentAttempt:
    """Take in what is known of an attempt. source: "worker", "webhook", "sweeper", "report" or "person".

    Money taken posts "Electronic payment received" and what allocating posts, with its receipt and message. Raises
    nothing for what the processor says: an answer that contradicts what was asked stays unknown, for a person.
    """
    attempt = lock_attempt(attempt_id)
    if attempt.state in FINAL:
        return _told_again(attempt, result, now)
    if attempt.state == AttemptState.CREATED:
        log.warning("outcome_before_sending", attempt=attempt.number)
        return attempt
    trouble = _contradiction(attempt, result)
    if trouble:
        return _for_person(attempt, result, trouble, now)
    OUTCOMES[result.outcome](attempt, result, source, now, by)
    return attempt


def lock_attempt(pk: int) -> PaymentAttempt:
    """The customer, then the attempt."""
    rows = PaymentAttempt.objects.select_related("organization", "gateway_account", "method", "follows")
    found = rows.get(pk=pk)
    customers = lock_customers(found.organization, [found.customer_id])
    attempt = rows.select_for_update(no_key=True, of=("self",)).get(pk=pk)
    attempt.customer = customers[attempt.customer_id]
    return attempt


# Outcomes


def _approved(attempt: PaymentAttempt, result: Result, source: str, now: datetime, by: User | None) -> None:
    facts = _facts(result)
    if attempt.operation in TAKING:
        amount = _approved_amount(attempt, result)
        facts |= {"approved_amount": amount, "payment": _book(attempt, result, amount, now, by)}
    _end(attempt, AttemptState.SUCCEEDED, source, now, **facts)
    if attempt.method is not None and attempt.operation in (*TAKING, Operation.AUTH):
        network = {"network_ref": result.network_ref} if result.network_ref and not attempt.method.network_ref else {}
        PaymentMethod.objects.filter(pk=attempt.method.pk).update(last_used_at=now, **network)
    _follow(attempt, result, now)


def _declined(attempt: PaymentAttempt, result: Result, source: str, now: datetime, by: User | None) -> None:
    _end(attempt, AttemptState.DECLINED, source, now, **_facts(result))
    _release(attempt)
    _log_error(attempt, result, now)
    _follow(attempt, result, now)


def _not_sent(attempt: PaymentAttempt, result: Result, source: str, now: datetime, by: User | None) -> None:
    _end(attempt, AttemptState.NOT_SENT, source, now, **_facts(result))
    _release(attempt)
    _log_error(attempt, result, now)
    _follow(attempt, result, now)


def _pending(attempt: PaymentAttempt, result: Result, source: str, now: datetime, by: User | None) -> None:
    facts = _facts(result) | {"ask_at": now + PENDING_EVERY}
    if attempt.state == AttemptState.PENDING:
        _write(attempt, **facts)
    else:
        move(attempt, AttemptState.PENDING, ATTEMPT_MOVES, **facts)


def _unknown(attempt: PaymentAttempt, result: Result, source: str, now: datetime, by: User | None) -> None:
    assert attempt.sent_at is not None
    if attempt.state == AttemptState.PENDING:
        return
    facts = _facts(result) | {"ask_at": next_slot(attempt.sent_at, now)}
    if attempt.state == AttemptState.UNKNOWN:
        _write(attempt, ask_at=facts["ask_at"])
        return
    move(attempt, AttemptState.UNKNOWN, ATTEMPT_MOVES, **facts)
    _log_error(attempt, result, now)


OUTCOMES: dict[Outcome, Callable[[PaymentAttempt, Result, str, datetime, User | None], None]] = {
    Outcome.APPROVED: _approved, Outcome.DECLINED: _declined, Outcome.ERROR: _not_sent, Outcome.PENDING: _pending,
    Outcome.UNKNOWN: _unknown,
}  # fmt: skip


def next_slot(sent_at: datetime, now: datetime) -> datetime:
    """When to ask next: 15 s, 60 s, 5 min, 15 min, 1 h after it was sent, then an hour later each time."""
    coming = (sent_at + slot for slot in SLOTS)
    return next((at for at in coming if at > now), now + SLOTS[-1])


# What is written


def _facts(result: Result) -> dict[str, Any]:
    """What of a result is kept on the attempt. What it does not say leaves alone what was known."""
    said = {
        "gateway_ref": result.ref[:200], "related_ref": result.related[:200], "network_ref": result.network_ref[:80],
        "auth_code": result.auth_code[:40], "money_state": str(result.state or ""), "reason": str(result.reason or ""),
        "raw_code": result.raw_code[:40], "raw_text": result.raw_text[:400], "advice": str(result.advice or ""),
        "redirect": result.redirect[:500], "retry_after": result.retry_after,
    }  # fmt: skip
    facts: dict[str, Any] = {name: value for name, value in said.items() if value}
    if result.outcome == Outcome.APPROVED:
        facts |= {"reason": "", "needs_person": ""}
    return facts | {"avs": str(result.avs), "cvv": str(result.cvv)}


def _end(attempt: PaymentAttempt, state: str, source: str, now: datetime, **facts: Any) -> None:
    move(attempt, state, ATTEMPT_MOVES, settled_at=now, settled_from=source, ask_at=None, **facts)


def _write(attempt: PaymentAttempt, **facts: Any) -> None:
    PaymentAttempt.objects.filter(pk=attempt.pk).update(**facts)
    for name, value in facts.items():
        setattr(attempt, name, value)


def _release(attempt: PaymentAttempt) -> None:
    """Its invoices may be charged again."""
    AttemptClaim.objects.filter(attempt=attempt, holds=True).update(holds=False)


def _log_error(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    GatewayError.objects.create(
        organization=attempt.organization, gateway_account=attempt.gateway_account, attempt=attempt,
        customer_id=attempt.customer_id, operation=attempt.operation, reason=str(result.reason or "unknown"),
        raw_code=result.raw_code[:40], raw_text=result.raw_text[:400], at=now,
    )  # fmt: skip


def _follow(attempt: PaymentAttempt, result: Result, now: datetime) -> None:
    for effect in AFTER.get(attempt.operation, ()):
        effect(attempt, result, now)


# Answers that cannot be right


def _contradiction(attempt: PaymentAttempt, result: Result) -> str:
    """What an answer claims that cannot be (fault F13): another currency, more than was asked, another's reference."""
    if result.outcome not in (Outcome.APPROVED, Outcome.PENDING):
        return ""
    asked = money(attempt.amount, attempt.currency)
    for said in (result.money, result.approved):
        if said is not None and said.currency != asked.currency:
            return f"It speaks of {said.currency}, asked was {asked.currency}."
    if result.money is not None and asked.minor and result.money.minor != asked.minor and result.approved is None:
        return f"It speaks of {_words(result.money)}, asked was {_words(asked)}."
    if result.approved is not None and not 0 < result.approved.minor <= asked.minor:
        return f"It approved {_words(result.approved)}, asked was {_words(asked)}."
    if result.ref and _is_anothers(attempt, result.ref):
        return f"Its reference {result.ref} belongs to another attempt."
    return ""


def _is_anothers(attempt: PaymentAttempt, ref: str) -> bool:
    mine = PaymentAttempt.objects.filter(
        gateway_account=attempt.gateway_account, operation=attempt.operation, gateway_ref=ref
    )
    return mine.exclude(pk=attempt.pk).exists()


def _words(amount: Money) -> str:
    return format_money(amount.decimal, amount.currency)


def _for_person(attempt: PaymentAttempt, result: Result, trouble: str, now: datetime) -> PaymentAttempt:
    """Not booked: it stays unknown, blocks like a success, and a person looks at the processor's own screens."""
    if attempt.state != AttemptState.UNKNOWN:
        target = AttemptState.UNKNOWN if attempt.state == AttemptState.SENT else None
        if target:
            move(attempt, target, ATTEMPT_MOVES)
    _write(attempt, needs_person=trouble[:400], ask_at=None, raw_text=result.raw_text[:400])
    alarm(attempt, trouble, now)
    return attempt


def alarm(attempt: PaymentAttempt, trouble: str, now: datetime) -> None:
    """Tell the office, once for each attempt and trouble."""
    message = Message(
        kind="attempt_for_person", fact=f"attempt:{attempt.key}:{crc32(trouble.encode()):08x}", recipient="office",
        channel=Channel.OFFICE, subject=f"{attempt.number}: a charge needs a person"[:200],
        body=f"{attempt.number} at {attempt.gateway_account}: {trouble}", party=attempt.customer_id,
    )  # fmt: skip
    queue_notices(attempt.organization, [message], now)


def _told_again(attempt: PaymentAttempt, result: Result, now: datetime) -> PaymentAttempt:
    """What is final stays. Money that was taken for an attempt that counts as failed goes back at once."""
    took = result.outcome in (Outcome.APPROVED, Outcome.PENDING) and attempt.operation in (*TAKING, Operation.AUTH)
    if attempt.state != AttemptState.SUCCEEDED and took and not attempt.followers.filter(operation="void").exists():
        log.warning("late_success", attempt=attempt.number)
        if result.ref and not attempt.gateway_ref:
            _write(attempt, gateway_ref=result.ref[:200], related_ref=result.related[:200])
        for take_back in LATE:
            take_back(attempt, result, now)
    elif attempt.state == AttemptState.SUCCEEDED and _says_more(attempt, result):
        _write(attempt, money_state=str(result.state))
    return attempt


def _says_more(attempt: PaymentAttempt, result: Result) -> bool:
    """An older answer that comes late does not bring returned money back."""
    return bool(result.state) and str(result.state) != attempt.money_state and not attempt.returns.exists()


# Booking


def _approved_amount(attempt: PaymentAttempt, result: Result) -> Decimal:
    amount: Decimal = result.approved.decimal if result.approved else attempt.amount
    return amount.quantize(Decimal("0.01"))


def _book(attempt: PaymentAttempt, result: Result, amount: Decimal, now: datetime, by: User | None) -> Payment:
    """The payment with its receipt. What its invoices no longer need is kept as credit, never refused: it is here."""
    today = attempt.organization.today(now)
    order = PaymentOrder(
        customer_id=attempt.customer_id, method=payment_method_of(attempt), amount=amount, currency=attempt.currency,
        received_on=min(today, attempt.organization.today(result.occurred_at or now)),
        request_key=f"attempt:{attempt.key}", payer_name=attempt.customer.name, reference=result.ref[:80],
        source_reference=f"{attempt.gateway_account.configuration}:{attempt.key}"[:80], channel=attempt.channel,
        by_hand=_shares(attempt, amount), gateway_account=attempt.gateway_account, is_taken=True,
    )  # fmt: skip
    try:
        with transaction.atomic():
            return TAKE[0](organization=attempt.organization, order=order, now=now, by=by)
    except DomainError as refusal:
        log.warning("charged_but_not_applicable", attempt=attempt.number, trouble=refusal.code)
        kept = {**vars(order), "by_hand": None, "strategy": "none"}
        return TAKE[0](organization=attempt.organization, order=PaymentOrder(**kept), now=now, by=by)


def payment_method_of(attempt: PaymentAttempt) -> str:
    """The method of payment as the books and receipts name it."""
    if attempt.method is None:
        return Method.NET_BANKING if attempt.gateway_account.kind == "netbanking" else Method.UPI
    return METHODS[attempt.method.instrument]


def _shares(attempt: PaymentAttempt, amount: Decimal) -> tuple[tuple[int, Decimal], ...]:
    """What goes to which invoice: as claimed, in that order, as far as the approved amount goes (fault F14)."""
    claims = (
        attempt.claims if attempt.operation != Operation.CAPTURE or attempt.follows is None else attempt.follows.claims
    )
    left, found = amount, []
    for claim in claims.order_by("pk"):
        part = min(left, claim.amount)
        if part > ZERO:
            found.append((claim.invoice_id, part))
            left -= part
    return tuple(found)
