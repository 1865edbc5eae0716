"""The three-way proof of a processor: our books, its own report, the bank (R151, R152; invariant 10)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import structlog

from billing.money import ZERO, format_money
from billing.office.calendar import WorkCalendar
from billing.office.models import Organization
from billing.office.models.notice import Channel
from billing.office.notices import Message, queue_notices
from billing.office.policies import policies_for
from billing.states import move
from billing.transactions import in_transaction, transaction_required
from payments.models import GatewayAccount, Method, Settlement
from payments.models.gateway_account import GatewayKind
from reconciliation.models import ProcessorDiscrepancy, ProcessorProof
from reconciliation.models.processor_proof import (
    DISCREPANCY_MOVES,
    STANDING,
    DiscrepancyKind,
    DiscrepancyState,
)
from reconciliation.rules.processor_proof import Difference, Parts, compare_fees, take_apart, without_report
from reconciliation.selectors.payouts import received_for
from reconciliation.selectors.processor_sides import adjustments_of, balances_of, batches_of, sides_of

log = structlog.get_logger(__name__)

# Methods whose money a bank moves: it takes longer until a processor settles them.
BY_BANK = (Method.ACH, Method.AUTO_DEBIT)


@dataclass(frozen=True)
class Lags:
    """How long money is usually on its way, by the settings and working days of an organization."""

    settled: Callable[[date, str], date]
    paid: Callable[[date], date]


def lags_of(organization: Organization) -> Lags:
    """Two queries, none when asked."""
    book, calendar = policies_for(organization), WorkCalendar(organization)
    card, debit = book.number("processors.settle_days"), book.number("processors.debit_settle_days")
    payout = book.number("processors.payout_days")
    return Lags(
        lambda day, method: calendar.add_business_days(day, debit if method in BY_BANK else card),
        lambda day: calendar.add_business_days(day, payout),
    )


def prove_due(*, now: datetime) -> int:
    """Prove every account that was not proven today, in its organization's calendar. Outside transactions."""
    accounts = GatewayAccount.objects.filter(is_active=True).select_related("organization").order_by("pk")
    proven = 0
    for account in accounts:
        today = account.organization.today(now)
        if not ProcessorProof.objects.filter(gateway_account=account, as_of=today).exists():
            try:
                in_transaction(partial(prove_account, account=account, as_of=today, now=now))
            except Exception:  # the border between accounts: whatever one's figures do, the next must be proved
                log.exception("processor_not_proved", gateway_account=account.pk)
                continue
            proven += 1
    return proven


def prove_processors(*, organization: Organization, as_of: date, now: datetime) -> list[ProcessorProof]:
    """Prove each account of an organization, in a transaction each. Outside transactions."""
    proofs: list[ProcessorProof] = []
    for account in GatewayAccount.objects.filter(organization=organization).order_by("pk"):
        proofs += in_transaction(partial(prove_account, account=account, as_of=as_of, now=now))
    return proofs


@transaction_required
def prove_account(*, account: GatewayAccount, as_of: date, now: datetime) -> list[ProcessorProof]:
    """Take the balance of a processor's account apart and keep what differs, each once. A figure for each currency.

    as_of: the day on which ages count; facts are as known now. What no longer differs is resolved by itself; what was
    explained and is another amount now is open again. Posts nothing. About eight queries and one for each news.
    """
    account = GatewayAccount.objects.select_for_update(no_key=True, of=("self",)).select_related("organization").get(
        pk=account.pk
    )  # fmt: skip
    parts = _parts_of(account, as_of)
    standing = {
        (row.kind, row.subject): row
        for row in ProcessorDiscrepancy.objects.filter(gateway_account=account, state__in=STANDING)
    }
    fresh, seen = [], set()
    for currency, part in parts.items():
        for one in part.found:
            subject = f"{one.subject}:{currency}" if one.subject == "balance" else one.subject
            seen.add((str(one.kind), subject))
            row = standing.get((str(one.kind), subject))
            if row is None:
                fresh.append(_new(account, subject, one, currency, now))
            else:
                _follow(row, one, now)
    gone = [row for key, row in standing.items() if key not in seen]
    for row in gone:
        move(row, DiscrepancyState.RESOLVED, DISCREPANCY_MOVES, closed_at=now)
    ProcessorDiscrepancy.objects.bulk_create(fresh)
    _tell(account, fresh, as_of, now)
    return [_keep(account, currency, part, as_of, now) for currency, part in sorted(parts.items())]


def _parts_of(account: GatewayAccount, as_of: date) -> dict[str, Parts]:
    balances, sides, batches = balances_of(account), sides_of(account), batches_of(account)
    lags, received = lags_of(account.organization), received_for(account)
    reports = account.kind != GatewayKind.ZOHO
    found = {}
    for currency in {account.currency, *balances, *sides, *batches}:
        balance = balances.get(currency, ZERO)
        if not reports:
            found[currency] = without_report(balance, sides.get(currency, []), as_of)
            continue
        paid = [one.paid(received.get(one.settlement_id)) for one in batches.get(currency, [])]
        part = take_apart(balance, sides.get(currency, []), paid, as_of, lags.settled, lags.paid)
        more = compare_fees(paid, account.cost_percent, account.cost_fixed)
        found[currency] = Parts(part.balance, part.waiting, [*part.found, *more, *_adjusted(account, currency)])
    return found


def _adjusted(account: GatewayAccount, currency: str) -> Iterable[Difference]:
    return [
        Difference(
            DiscrepancyKind.ADJUSTMENT, f"line:{line}", amount, ZERO, on, None, amount, line_id=line,
            settlement_id=settlement,
        )
        for line, settlement, in_currency, amount, on in adjustments_of(account) if in_currency == currency
    ]  # fmt: skip


def _new(account: GatewayAccount, subject: str, one: Difference, currency: str, now: datetime) -> ProcessorDiscrepancy:
    return ProcessorDiscrepancy(
        organization_id=account.organization_id, gateway_account=account, kind=one.kind, subject=subject,
        attempt_id=one.attempt_id, payment_id=one.payment_id, line_id=one.line_id, settlement_id=one.settlement_id,
        currency=currency, amount=one.amount, effect=one.effect, ours=one.ours, theirs=one.theirs, since=one.since,
        found_at=now, seen_at=now,
    )  # fmt: skip


def _follow(row: ProcessorDiscrepancy, one: Difference, now: datetime) -> None:
    """Seen again. Of another amount than was explained, it is open again."""
    facts = {"amount": one.amount, "effect": one.effect, "ours": one.ours, "theirs": one.theirs, "seen_at": now}
    changed = (row.amount, row.effect) != (one.amount, one.effect)
    if changed and row.state == DiscrepancyState.EXPLAINED:
        move(row, DiscrepancyState.OPEN, DISCREPANCY_MOVES, **facts)
    elif changed:
        ProcessorDiscrepancy.objects.filter(pk=row.pk).update(**facts)
    else:
        ProcessorDiscrepancy.objects.filter(pk=row.pk).update(seen_at=now)


def _keep(account: GatewayAccount, currency: str, part: Parts, as_of: date, now: datetime) -> ProcessorProof:
    rows = ProcessorDiscrepancy.objects.filter(gateway_account=account, currency=currency, state__in=STANDING)
    amounts = list(rows.values_list("state", "amount"))
    on_its_way = sum((abs(one.amount) for one in part.waiting), ZERO)
    explained = sum((amount for state, amount in amounts if state == DiscrepancyState.EXPLAINED), ZERO)
    proof, _made = ProcessorProof.objects.update_or_create(
        gateway_account=account, currency=currency, as_of=as_of,
        defaults={
            "organization_id": account.organization_id, "balance_amount": part.balance,
            "in_transit_amount": part.in_transit,
            "in_transit_until": max((one.until for one in part.waiting), default=None),
            "unexplained_amount": part.balance - part.in_transit,
            "moving_amount": on_its_way + sum((amount for _state, amount in amounts), ZERO),
            "explained_amount": on_its_way + explained,
            "open_count": sum(1 for state, _amount in amounts if state == DiscrepancyState.OPEN), "proven_at": now,
        },
    )  # fmt: skip
    return proof


def _tell(account: GatewayAccount, fresh: Sequence[ProcessorDiscrepancy], as_of: date, now: datetime) -> None:
    """The office, once a run, of what is new."""
    if not fresh:
        return
    lines = [f"{one.get_kind_display()}: {format_money(one.amount, one.currency)}" for one in fresh]
    message = Message(
        kind="processor_differs", fact=f"processor:{account.pk}:{as_of}:{max(one.pk for one in fresh)}",
        recipient="office", channel=Channel.OFFICE, subject=f"{account}: {len(fresh)} new differences",
        body="\n".join(lines[:20]),
    )  # fmt: skip
    queue_notices(account.organization, [message], now)


@transaction_required
def settle_payout(*, settlement: Settlement, now: datetime) -> None:
    """The payout of a settlement arrived: that it was missing is resolved; another amount waits for the proof."""
    rows = ProcessorDiscrepancy.objects.select_for_update(no_key=True).filter(
        settlement=settlement, kind=DiscrepancyKind.PAYOUT_MISSING, state__in=STANDING
    )
    for row in rows:
        move(row, DiscrepancyState.RESOLVED, DISCREPANCY_MOVES, closed_at=now)
