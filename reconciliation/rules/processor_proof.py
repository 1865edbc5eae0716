"""How the account of a processor comes about: what is on its way, what differs (R151; invariant 10). Pure.

# Note [A clearing account, taken apart]
# Booked, less what the processor settled, is what one side alone has; settled, less what the bank received, is what was
# not paid out. Both together, less nothing, are the balance of the account. So each part of it is a thing that can be
# named: on its way while it is younger than is usual, a difference afterwards. What is left over is of no document.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from billing.money import ZERO, quantum, round_money
from reconciliation.models.processor_proof import DiscrepancyKind as Kind

# (day, method) → the last day on which it is still on its way.
Until = Callable[[date, str], date]


@dataclass(frozen=True)
class Side:
    """What both sides say of one charge or refund. taken, back: in our books; told_*: in the processor's report.

    told: how many captures or refunds the report has of it. asked: the currency it was asked in, "" where that is not
    known.
    """

    subject: str
    currency: str
    taken: Decimal = ZERO
    back: Decimal = ZERO
    told_taken: Decimal = ZERO
    told_back: Decimal = ZERO
    told: int = 0
    on: date | None = None
    back_on: date | None = None
    told_on: date | None = None
    method: str = ""
    asked: str = ""
    attempt_id: int | None = None
    payment_id: int | None = None
    line_id: int | None = None
    settlement_id: int | None = None

    @property
    def booked(self) -> Decimal:
        return self.taken - self.back

    @property
    def settled(self) -> Decimal:
        return self.told_taken - self.told_back

    @property
    def effect(self) -> Decimal:
        return self.booked - self.settled


@dataclass(frozen=True)
class Batch:
    """A settlement. net: what the processor owes for it. received: what the bank has of it; None: nothing yet.

    captured, captures: sum and number of its charges. fees: as kept.
    """

    settlement_id: int
    currency: str
    on: date
    net: Decimal
    received: Decimal | None = None
    captured: Decimal = ZERO
    captures: int = 0
    fees: Decimal = ZERO

    def paid(self, received: Decimal | None) -> "Batch":
        return replace(self, received=received)


@dataclass(frozen=True)
class Waiting:
    """On its way. amount: signed."""

    subject: str
    amount: Decimal
    until: date


@dataclass(frozen=True)
class Difference:
    """amount: the money in question. effect: its part of the balance, signed."""

    kind: Kind
    subject: str
    amount: Decimal
    effect: Decimal
    since: date
    ours: Decimal | None = None
    theirs: Decimal | None = None
    attempt_id: int | None = None
    payment_id: int | None = None
    line_id: int | None = None
    settlement_id: int | None = None


@dataclass(frozen=True)
class Parts:
    """A balance taken apart: waiting and the effects of found add up to it."""

    balance: Decimal
    waiting: Sequence[Waiting]
    found: Sequence[Difference]

    @property
    def in_transit(self) -> Decimal:
        return sum((one.amount for one in self.waiting), ZERO)


def take_apart(
    balance: Decimal, sides: Iterable[Side], batches: Iterable[Batch], as_of: date, until: Until,
    paid_until: Callable[[date], date],
) -> Parts:  # fmt: skip
    """The parts of a balance in one currency. See Note [A clearing account, taken apart]."""
    waiting: list[Waiting] = []
    found: list[Difference] = []
    for side in sides:
        _sort(_judge(side), side, as_of, until, waiting, found)
    for batch in batches:
        _sort_batch(batch, as_of, paid_until, waiting, found)
    left = balance - sum((one.amount for one in waiting), ZERO) - sum((one.effect for one in found), ZERO)
    if left:
        found.append(Difference(Kind.UNKNOWN, "balance", abs(left), left, as_of))
    return Parts(balance, waiting, found)


def without_report(balance: Decimal, sides: Iterable[Side], as_of: date) -> Parts:
    """Of a processor that reports no settlements nothing can be proven: what lies there is one thing to look at."""
    since = min((side.on for side in sides if side.on is not None), default=as_of)
    found = [Difference(Kind.NO_REPORT, "balance", abs(balance), balance, since)] if balance else []
    return Parts(balance, [], found)


def _judge(side: Side) -> Kind | None:
    """How the sides differ, None if they do not."""
    if side.told > 1:
        return Kind.TOLD_TWICE
    if side.settled and side.asked and side.asked != side.currency:
        return Kind.CURRENCY_DIFFERS
    if not side.effect:
        return None
    if side.taken == side.told_taken:
        return Kind.NOT_GIVEN_BACK if side.back > side.told_back else Kind.NOT_BACK_IN_BOOKS
    if not side.told_taken and not side.told_back:
        return Kind.NEVER_SETTLED
    if not side.taken and not side.back:
        return Kind.NOT_IN_BOOKS
    return Kind.AMOUNT_DIFFERS


def _sort(
    kind: Kind | None, side: Side, as_of: date, until: Until, waiting: list[Waiting], found: list[Difference]
) -> None:  # fmt: skip
    if kind is None:
        return
    since = side.told_on or as_of
    if kind in (Kind.NEVER_SETTLED, Kind.NOT_GIVEN_BACK):
        begun = (side.on if kind == Kind.NEVER_SETTLED else side.back_on) or as_of
        since = until(begun, side.method)
        if as_of <= since:
            waiting.append(Waiting(side.subject, side.effect, since))
            return
    found.append(
        Difference(
            kind, side.subject, abs(side.effect) or abs(side.settled), side.effect, since, side.booked, side.settled,
            side.attempt_id, side.payment_id, side.line_id, side.settlement_id,
        )
    )  # fmt: skip


def _sort_batch(
    batch: Batch, as_of: date, paid_until: Callable[[date], date], waiting: list[Waiting], found: list[Difference]
) -> None:  # fmt: skip
    subject = f"settlement:{batch.settlement_id}"
    if batch.received is None and batch.net:
        last = paid_until(batch.on)
        if as_of <= last:
            waiting.append(Waiting(subject, batch.net, last))
        else:
            found.append(_of_batch(Kind.PAYOUT_MISSING, batch, batch.net, last))
    elif batch.received is not None and batch.received != batch.net:
        found.append(_of_batch(Kind.PAYOUT_DIFFERS, batch, batch.net - batch.received, batch.on))


def _of_batch(kind: Kind, batch: Batch, effect: Decimal, since: date) -> Difference:
    return Difference(
        kind, f"settlement:{batch.settlement_id}", abs(effect), effect, since, batch.received, batch.net,
        settlement_id=batch.settlement_id,
    )  # fmt: skip


def compare_fees(batches: Iterable[Batch], percent: Decimal, fixed: Decimal) -> list[Difference]:
    """Batches whose fees are not those agreed. One that names no fees is billed another way; a processor may round
    each charge, so it may differ by the smallest coin a charge."""
    found = []
    for batch in batches:
        if not batch.fees or not batch.captures or not (percent or fixed):
            continue
        agreed = round_money(batch.captured * percent / 100 + fixed * batch.captures, batch.currency)
        more = abs(batch.fees - agreed)
        if more > batch.captures * quantum(batch.currency):
            found.append(
                Difference(
                    Kind.FEE_DIFFERS, f"settlement:{batch.settlement_id}", more, ZERO, batch.on, agreed, batch.fees,
                    settlement_id=batch.settlement_id,
                )
            )  # fmt: skip
    return found
