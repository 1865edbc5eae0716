"""Making the further tries that were decided on, each once, whoever runs this how often (R62-R71)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, Q

from billing.errors import DomainError
from billing.models import Invoice
from billing.money import ZERO
from billing.office.models import Organization, User
from billing.services.locking import lock_customers
from billing.transactions import in_transaction, transaction_required
from payments.models import MethodEvent, PaymentAttempt, PaymentMethod, RetryDecision
from payments.models.attempt import FINAL, AttemptState
from payments.models.payment_method import Instrument, MethodEventKind, MethodState
from payments.models.recovery import Verdict
from payments.services import health
from payments.services.charging import charge
from payments.services.recovery.failing import AUTOMATIC, RETRY_KEY
from payments.services.recovery.gathering import FRAUD
from payments.services.recovery.holding import held_back, split_plans
from payments.services.recovery.matrix import GIVE_UP_AFTER
from payments.services.recovery.ways import is_chargeable, ways_of
from payments.services.recovery.workers import Crew, Work, work_off

CHUNK = 200
# Given up before anything left; one that was held back for a person is none of these.
NEVER_LEFT = Q(state=AttemptState.NOT_SENT, sent_at__isnull=True, retry_decision=None)
DAY = timedelta(days=1)


@dataclass
class Retried:
    """What a run did. came: how often each word came of a due try, such as "succeeded", "declined", "put_off"."""

    came: Counter[str] = field(default_factory=Counter)
    reopened: int = 0

    @property
    def looked_at(self) -> int:
        return sum(self.came.values())


def retry_due(
    *, now: datetime, crew: Crew, until: datetime | None = None, organization: Organization | None = None
) -> Retried:  # fmt: skip
    """Make every try whose time has come. A journey: called outside transactions.

    until: tries that are due up to then, now if None. Safe to run twice, by several processes, and killed anywhere.
    """
    due = RetryDecision.objects.filter(done_at__isnull=True)
    if organization is not None:
        due = due.filter(failed__organization=organization)
    _close_what_is_paid(due, now)
    run = Retried(reopened=_take_up_again(due, now))
    due = due.filter(try_at__lte=until or now, verdict__in=AUTOMATIC)
    last = 0
    while keys := list(due.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        last = keys[-1]
        run.came += work_off(_pieces(keys, now), crew)
        if crew.is_tired:
            break
    return run


def _pieces(keys: Sequence[int], now: datetime) -> Iterator[Work]:
    for pk in keys:
        yield f"retry:{pk}", partial(carry_out, pk=pk, now=now)


def carry_out(*, pk: int, now: datetime, by: User | None = None) -> str:
    """Make one decided try; a word for what came of it. Called outside transactions.

    by: the payer, if they are there and asked for it now. Raises what charging raises.
    """
    decision = _read(pk)
    if decision.done_at is not None:
        return "done"
    earlier = _earlier_try(decision)
    if earlier is not None:
        return _take_in(decision, earlier, now)
    order, trouble = _order(decision, now, by is not None)
    if order is None:
        return in_transaction(partial(_not_made, pk, trouble, now))
    try:
        attempt = charge(**order, now=now, by=by, by_payer=by is not None)
    except DomainError as refusal:
        return in_transaction(partial(_not_made, pk, refusal.code, now))
    return _take_in(decision, attempt, now)


def _read(pk: int) -> RetryDecision:
    rows = RetryDecision.objects.select_related(
        "failed__organization", "failed__customer", "method__gateway_account", "method__customer", "invoice"
    )
    return rows.get(pk=pk)


# What was done before


def _keys_of(decision: RetryDecision) -> Any:
    return PaymentAttempt.objects.filter(
        organization=decision.failed.organization, request_key__startswith=f"{RETRY_KEY}:{decision.pk}:"
    )


def _earlier_try(decision: RetryDecision) -> PaymentAttempt | None:
    """The attempt that came of it already, by a worker that died; not one that was given up before it left."""
    found: PaymentAttempt | None = _keys_of(decision).exclude(NEVER_LEFT).order_by("pk").first()
    return found


def _take_in(decision: RetryDecision, attempt: PaymentAttempt, now: datetime) -> str:
    """The decision knows its attempt; what is settled did that itself. One that never left is tried again later."""
    if PaymentAttempt.objects.filter(NEVER_LEFT, pk=attempt.pk).exists():
        return str(attempt.state)
    facts: dict[str, Any] = {"used": attempt, "done_at": now}
    if attempt.state in FINAL:
        facts["outcome"] = attempt.state
    RetryDecision.objects.filter(pk=decision.pk, done_at__isnull=True).update(**facts)
    return str(attempt.state)


# What is asked for


def _order(decision: RetryDecision, now: datetime, by_payer: bool) -> tuple[dict[str, Any] | None, str]:
    """The charge to make; or None and why not now. About twenty queries."""
    failed, method = decision.failed, decision.method
    today = failed.organization.today(now)
    parts, first = parts_of(decision), _first_part(decision)
    if not parts:
        return None, "paid"
    amount = sum((amount for _invoice, amount in parts), ZERO)
    ways = ways_of([failed.customer_id], now).get(failed.customer_id, [])
    way = next((one for one in ways if method is not None and one.pk == method.pk), None)
    if way is None or not is_chargeable(way, amount, failed.currency, today):
        return None, "method_gone"
    if first is None and _must_be_same(way, failed) and amount != failed.amount:
        return None, "amount_changed"
    held = _held(failed.organization, [invoice for invoice, _amount in parts], today, now)
    if held and not by_payer:
        return None, held
    if health.closed_off([way.gateway_account.configuration], now):
        return None, "gateway_closed"
    return _charge(decision, way, parts), ""


def parts_of(decision: RetryDecision) -> list[tuple[Invoice, Decimal]]:
    """(invoice, amount) of a further try: what is still open of what failed, or the part of it that the payer asked
    for; [] where it is paid. One query."""
    claims = decision.failed.claims.select_related("invoice__agreement", "invoice__organization").order_by("pk")
    parts = [(claim.invoice, min(claim.amount, claim.invoice.open_amount)) for claim in claims]
    parts = [(invoice, amount) for invoice, amount in parts if amount > ZERO]
    first = _first_part(decision)
    return parts if first is None else [(invoice, min(first, amount)) for invoice, amount in parts[:1]]


def _first_part(decision: RetryDecision) -> Decimal | None:
    """Where the payer asked for two parts: how much of it now."""
    split = next((one for one in reversed(decision.because) if one["code"] == "split"), None)
    return Decimal(split["first_amount"]) if split else None


def _must_be_same(way: PaymentMethod, failed: PaymentAttempt) -> bool:
    """Nacha: the amount of a re-presentment is that of the original."""
    return way.instrument == Instrument.BANK and failed.method_id == way.pk


def _held(organization: Organization, invoices: Sequence[Invoice], today: date, now: datetime) -> str:
    """Why one of the invoices is not charged; "" if none is held. A plan to pay in parts that are charged by
    themselves is no reason."""
    held = held_back(organization, invoices, today, now)
    split = split_plans(list(held))
    return min((why for pk, why in held.items() if not (why == "debt_plan" and pk in split)), default="")


def _charge(
    decision: RetryDecision, way: PaymentMethod, parts: Sequence[tuple[Invoice, Decimal]]
) -> dict[str, Any]:  # fmt: skip
    failed = decision.failed
    why = {"retry": decision.pk, "verdict": decision.verdict, "because": [one["code"] for one in decision.because]}
    return {
        "method": way, "invoices": [(invoice.pk, amount) for invoice, amount in parts],
        "request_key": f"{RETRY_KEY}:{decision.pk}:{_keys_of(decision).count()}", "channel": failed.channel,
        "decision": why, "follows": failed,
    }  # fmt: skip


# What is not made now

# Known to be over in a while by itself; what else holds is looked at again the next day.
SOON = {"gateway_closed": timedelta(minutes=5), "busy": timedelta(minutes=5), "being_confirmed": timedelta(minutes=15)}


@transaction_required
def _not_made(pk: int, why: str, now: datetime) -> str:
    """A try that cannot be made now is put off; one that never can be goes to the payer. Returns what became of it."""
    found = RetryDecision.objects.select_related("failed__organization").get(pk=pk)
    lock_customers(found.failed.organization, [found.failed.customer_id])
    decision = RetryDecision.objects.select_for_update(no_key=True, of=("self",)).get(pk=pk)
    if decision.done_at is not None:
        return "done"
    changes: dict[str, Any]
    if why == "paid":
        changes = {"done_at": now, "outcome": "paid"}
    elif why in ("method_gone", "method_unusable", "amount_changed", "not_chargeable"):
        changes = {"verdict": Verdict.ASK_PAYER, "try_at": None, "outcome": why}
    elif now > decision.decided_at + GIVE_UP_AFTER:
        changes = {"verdict": Verdict.ASK_PAYER, "try_at": None, "outcome": "too_late"}
    else:
        because = [*decision.because, {"code": "put_off", "why": why}] if why not in SOON else decision.because
        changes = {"try_at": _later(found.failed.organization, why, now), "because": because}
    RetryDecision.objects.filter(pk=pk).update(**changes)
    return "put_off" if changes.get("try_at") else str(changes["outcome"])


def _later(organization: Organization, why: str, now: datetime) -> datetime:
    if why in SOON:
        return now + SOON[why]
    tomorrow = now.astimezone(organization.zone).date() + DAY
    return datetime.combine(tomorrow, time(9), organization.zone)


# What others did meanwhile


def _close_what_is_paid(due: Any, now: datetime) -> None:
    rows = due.filter(invoice__open_amount=ZERO).exclude(verdict=Verdict.PERSON, failed__reason=FRAUD)
    RetryDecision.objects.filter(pk__in=list(rows.values_list("pk", flat=True)[:CHUNK]), done_at__isnull=True).update(
        done_at=now, outcome="paid"
    )


def _take_up_again(due: Any, now: datetime) -> int:
    """The payer was asked, and added a method or got a new date on the card: that is a fresh try (§2 row 12)."""
    theirs = {"customer": OuterRef("failed__customer"), "state": MethodState.ACTIVE, "place__gt": 0}
    added = PaymentMethod.objects.filter(**theirs, verified_at__gt=OuterRef("decided_at"))
    updated = MethodEvent.objects.filter(
        method__customer=OuterRef("failed__customer"), kind=MethodEventKind.UPDATED, at__gt=OuterRef("decided_at")
    )
    asked = due.filter(
        Exists(added) | Exists(updated), verdict=Verdict.ASK_PAYER, failed__by_payer=False,
        invoice__agreement__collects_itself=True, decided_at__gt=now - GIVE_UP_AFTER,
    )  # fmt: skip
    keys = list(asked.order_by("pk").values_list("pk", flat=True)[:CHUNK])
    return sum(in_transaction(partial(_fresh, pk, now)) for pk in keys)


@transaction_required
def _fresh(pk: int, now: datetime) -> int:
    row = RetryDecision.objects.select_related("failed__organization").select_for_update(no_key=True, of=("self",))
    decision = row.get(pk=pk)
    if decision.done_at is not None or decision.verdict != Verdict.ASK_PAYER:
        return 0
    failed, today = decision.failed, decision.failed.organization.today(now)
    ways = ways_of([failed.customer_id], now).get(failed.customer_id, [])
    news = set(
        MethodEvent.objects.filter(
            method__in=ways, kind=MethodEventKind.UPDATED, at__gt=decision.decided_at
        ).values_list("method_id", flat=True)
    )
    fresh = [
        way for way in ways
        if (way.pk in news or (way.verified_at and way.verified_at > decision.decided_at))
        and is_chargeable(way, failed.amount, failed.currency, today)
    ]  # fmt: skip
    if not fresh:
        return 0
    RetryDecision.objects.filter(pk=pk).update(
        verdict=Verdict.BACKUP, method=fresh[0], try_at=now, because=[*decision.because, {"code": "new_method"}],
        outcome="",
    )  # fmt: skip
    return 1
