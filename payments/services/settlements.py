"""A processor's own report of a day: kept, and compared with our books (R151; invariants 10, 27; faults F15, F28)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial

from billing.ledger.models import JournalEntry
from billing.ledger.posting import open_day, post_entries
from billing.money import ZERO
from billing.transactions import in_transaction, transaction_required
from payments.gateways.base import Moved, SettledItem
from payments.gateways.registry import gateway_for
from payments.models import GatewayAccount, PaymentAttempt, Settlement, SettlementLine
from payments.models.attempt import AttemptState, Operation
from payments.postings import fees_kept
from payments.services.reading_back import attempts_of
from payments.services.settlement_lines import follow_lines
from payments.services.settling import TAKING

# Which total of a settlement a line counts in, and which way. An adjustment is in none: a person looks at it.
TOTALS: dict[str, tuple[str, int]] = {
    Moved.CAPTURE: ("gross_amount", 1), Moved.REFUND: ("refunded_amount", 1), Moved.RETURN: ("returned_amount", 1),
    Moved.CHARGEBACK: ("charged_back_amount", 1), Moved.CHARGEBACK_WON: ("charged_back_amount", -1),
    Moved.FEE: ("fee_amount", 1), Moved.PAYOUT: ("paid_out_amount", 1),
}  # fmt: skip
# What we asked for, by what is said to have moved. What was taken and is taken back is the charge's.
ASKED_FOR = {Moved.REFUND: (Operation.REFUND,)}
Linked = tuple[SettledItem, PaymentAttempt | None]


def fetch_settlements(*, gateway_account: GatewayAccount, day: date, now: datetime) -> list[Settlement]:
    """Fetch the report of a day and take it in. Returns the settlements that are new. Outside transactions.

    day: as the processor counts them. A report that grew gives a further settlement of what is new in it; the same
    report again gives none, and only repeats what follows from its lines, which does nothing the second time.
    Posts "Fees kept" for each settlement. Raises GatewayDown, NotConfigured.
    """
    gateway, _wire = gateway_for(gateway_account.configuration)
    linked = _of_account(gateway_account, list(gateway.settlement(day)))
    made = []
    for (batch, currency), rows in sorted(_batches(gateway_account, linked).items()):
        keep = partial(
            _keep, gateway_account=gateway_account, batch=batch, currency=currency, rows=rows, day=day, now=now
        )
        new, lines = in_transaction(keep)
        made += [new] if new else []
        follow_lines(rows=lines, now=now)
    return made


# Whose it is


def _of_account(account: GatewayAccount, items: Sequence[SettledItem]) -> list[Linked]:
    """The items of an account. Where several share the credentials, what is of no charge is the first one's."""
    keys, refs = {item.key for item in items}, {ref for item in items for ref in (item.ref, item.related)}
    found = attempts_of(account.configuration, keys=keys, refs=refs)
    first = GatewayAccount.objects.filter(configuration=account.configuration).order_by("pk").first()
    linked: list[Linked] = [(item, attempt_of(item, found)) for item in items]
    return [
        (item, attempt) for item, attempt in linked
        if (attempt.gateway_account_id == account.pk if attempt is not None else first == account)
    ]  # fmt: skip


def attempt_of(item: SettledItem, found: Iterable[PaymentAttempt]) -> PaymentAttempt | None:
    """Which of our attempts an item is about: by our key first, then by the processor's reference."""
    wanted = ASKED_FOR.get(item.moved, (*TAKING, Operation.AUTH))
    fitting = [one for one in found if one.operation in wanted]
    ways: tuple[Callable[[PaymentAttempt], bool], ...] = (
        lambda one: bool(item.key) and one.key == item.key,
        lambda one: bool(item.ref) and one.gateway_ref == item.ref,
        lambda one: bool(item.related) and one.gateway_ref == item.related,
    )
    # A capture of an authorisation carries its reference; what took the money is the capture.
    rank = {Operation.AUTH: 1}
    for is_it in ways:
        same = sorted((one for one in fitting if is_it(one)), key=lambda one: rank.get(Operation(one.operation), 0))
        if same:
            return _taker(same[0])
    return None


def _taker(attempt: PaymentAttempt) -> PaymentAttempt:
    if attempt.operation != Operation.AUTH:
        return attempt
    captures = attempt.followers.filter(operation=Operation.CAPTURE).exclude(
        state__in=(AttemptState.DECLINED, AttemptState.NOT_SENT)
    )
    related = ("gateway_account", "method", "customer", "organization", "follows")
    return captures.select_related(*related).first() or attempt


def _batches(account: GatewayAccount, linked: Iterable[Linked]) -> dict[tuple[str, str], list[Linked]]:
    """By the processor's batch; what is in another currency than the account's apart, because it cannot be added."""
    found: dict[tuple[str, str], list[Linked]] = defaultdict(list)
    for item, attempt in linked:
        foreign = item.money.currency != account.currency
        name = f"{item.batch} {item.money.currency}" if foreign else item.batch
        found[name[:100], item.money.currency].append((item, attempt))
    return found


# Keeping it


@transaction_required
def _keep(
    *, gateway_account: GatewayAccount, batch: str, currency: str, rows: Sequence[Linked], day: date, now: datetime
) -> tuple[Settlement | None, list[tuple[SettlementLine, SettledItem]]]:
    """What is new of a batch as a settlement with its lines, None where nothing is; and all lines with their items."""
    GatewayAccount.objects.select_for_update(no_key=True).get(pk=gateway_account.pk)
    earlier = Settlement.objects.filter(gateway_account=gateway_account)
    parts = earlier.filter(batch=batch) | earlier.filter(batch__startswith=f"{batch} +")
    lines = SettlementLine.objects.filter(settlement__in=parts).select_related("attempt", "settlement")
    known = {(line.moved, line.gateway_ref): line for line in lines}
    named = _named(rows)
    for name, (_item, attempt) in named.items():
        if attempt is not None and name in known and known[name].attempt_id is None:
            SettlementLine.objects.filter(pk=known[name].pk).update(attempt=attempt)
            known[name].attempt = attempt
    fresh = {name: row for name, row in named.items() if name not in known}
    made = None
    if fresh:
        part = f"{batch} +{parts.count()}" if parts.exists() else batch
        made = _settlement(gateway_account, part, currency, [item for item, _attempt in fresh.values()], day, now)
        known |= dict(zip(fresh, _lines(made, fresh), strict=True))
    return made, [(known[name], item) for name, (item, _attempt) in named.items()]


def _named(rows: Sequence[Linked]) -> dict[tuple[str, str], Linked]:
    """By what makes a line: what moved and the reference. Lines that look alike within a batch are counted."""
    found: dict[tuple[str, str], Linked] = {}
    for item, attempt in rows:
        ref, twin = item.ref[:190], 1
        while (str(item.moved), ref) in found:
            twin += 1
            ref = f"{item.ref[:190]} #{twin}"
        found[str(item.moved), ref] = (item, attempt)
    return found


def _settlement(
    account: GatewayAccount, batch: str, currency: str, items: Sequence[SettledItem], day: date, now: datetime
) -> Settlement:
    totals: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for item in items:
        name, sign = TOTALS.get(item.moved, ("", 0))
        if name:
            totals[name] += sign * item.money.decimal
        if item.fee is not None:
            totals["fee_amount"] += item.fee.decimal
    settled_on = max((item.on for item in items), default=day)
    entry = _post_fees(account, batch, currency, totals["fee_amount"], settled_on, now)
    return Settlement.objects.create(
        organization_id=account.organization_id, gateway_account=account, batch=batch, settled_on=settled_on,
        currency=currency, entry=entry, fetched_at=now, **totals,
    )  # fmt: skip


def _post_fees(
    account: GatewayAccount, batch: str, currency: str, amount: Decimal, on: date, now: datetime
) -> JournalEntry | None:
    if not amount:
        return None
    draft = fees_kept(
        key=f"settlement:{account.pk}:{batch}"[:120], batch=batch, amount=amount, currency=currency,
        on=open_day(account.organization_id, on), ledger_account_id=account.ledger_account_id,
    )  # fmt: skip
    return post_entries(organization_id=account.organization_id, drafts=[draft], now=now, by_id=None)[0]


def _lines(made: Settlement, fresh: dict[tuple[str, str], Linked]) -> list[SettlementLine]:
    return SettlementLine.objects.bulk_create(
        SettlementLine(
            settlement=made, moved=moved, amount=item.money.decimal, gateway_ref=ref, key=item.key[:40],
            fee_amount=item.fee.decimal if item.fee else ZERO, code=item.code[:20], text=item.text[:200],
            attempt=attempt,
        )
        for (moved, ref), (item, attempt) in fresh.items()
    )  # fmt: skip
