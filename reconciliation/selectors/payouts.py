"""Payouts of processors: what the bank has of them, and which bank line may be which (R151)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from billing.money import ZERO
from payments.models import BankAccount, GatewayAccount, Settlement
from reconciliation.models import Match, MatchKind, PayoutOffset, StatementLine
from reconciliation.models.statement import Direction

# A payout reaches the bank from the day of its settlement on, within so many days.
EARLY, LATE = timedelta(days=1), timedelta(days=14)
# So many open settlements are tried together; what a processor pays in one sum is a day or a weekend.
MOST = 8
STANDING = Q(kind=MatchKind.PAYOUT, undone_at__isnull=True)
# What banks write for whom. Beside these: the account's own name and the processor's.
WORDS: dict[str, tuple[str, ...]] = {
    "precisepay": ("precisepay", "precise pay", "nmi"), "paysafe": ("paysafe",), "dwolla": ("dwolla",),
    "authorizenet": ("authorize.net", "authnet", "authorizenet", "auth net"), "upi": ("upi",),
    "netbanking": ("netbanking", "net banking"), "nach": ("nach", "ecs"),
}  # fmt: skip


def received_for(account: GatewayAccount) -> dict[int, Decimal]:
    """Settlement → what the bank has of it, by standing matches and what was taken off them, signed. Two queries."""
    rows = Match.objects.filter(STANDING, settlement__gateway_account=account).annotate(off=Sum("offsets__amount"))
    found: dict[int, Decimal] = {}
    for settlement, amount, off, direction in rows.values_list("settlement_id", "amount", "off", "line__direction"):
        if settlement is not None:
            found[settlement] = amount + (off or ZERO) if direction == Direction.IN else -amount
    offsets = PayoutOffset.objects.filter(match__undone_at__isnull=True, settlement__gateway_account=account)
    return found | {settlement: -amount for settlement, amount in offsets.values_list("settlement_id", "amount")}


def unpaid_settlements(accounts: Iterable[GatewayAccount]) -> QuerySet[Settlement]:
    """Settlements of which the bank has nothing yet, oldest first."""
    matched = Match.objects.filter(STANDING, settlement=OuterRef("pk"))
    taken_off = PayoutOffset.objects.filter(settlement=OuterRef("pk"), match__undone_at__isnull=True)
    rows = Settlement.objects.filter(~Exists(matched), ~Exists(taken_off), gateway_account__in=list(accounts))
    return rows.select_related("gateway_account").order_by("settled_on", "pk")


@dataclass(frozen=True)
class Candidate:
    """Settlements of one processor that a bank line may be the payout of.

    amount: theirs, signed. difference: the line's less theirs. says: how the line names the processor, "reference",
    "name" or "" where it does not.
    """

    settlements: tuple[Settlement, ...]
    amount: Decimal
    difference: Decimal
    says: str

    @property
    def account(self) -> GatewayAccount:
        return self.settlements[0].gateway_account

    @property
    def is_certain(self) -> bool:
        """Amount and reference or name agree; that it is the only one is for whoever asks."""
        return bool(self.says) and self.difference == ZERO


def find_payouts(line: StatementLine) -> list[Candidate]:
    """What a line may be the payout of, best first: all of its amount; else what it names and is short or over.

    Settlements of one processor, of its last days; an outgoing line is what it took back. Two queries.
    """
    if line.open_amount <= ZERO or line.withdrawn:
        return []
    accounts = GatewayAccount.objects.filter(organization=line.organization_id, currency=line.currency)
    rows = unpaid_settlements(accounts).filter(
        currency=line.currency, settled_on__gte=line.booked_on - LATE, settled_on__lte=line.booked_on + EARLY
    )
    by_account: dict[int, list[Settlement]] = {}
    for row in rows:
        if row.net_amount:
            by_account.setdefault(row.gateway_account_id, []).append(row)
    found = [one for open_rows in by_account.values() for one in _of_account(line, open_rows[-MOST:])]
    return sorted(found, key=lambda one: (not one.is_certain, bool(one.difference), not one.says, len(one.settlements)))


def _of_account(line: StatementLine, rows: list[Settlement]) -> list[Candidate]:
    wanted = line.open_amount if line.direction == Direction.IN else -line.open_amount
    exact = [
        Candidate(some, wanted, ZERO, says(line, some))
        for size in range(1, len(rows) + 1) for some in combinations(rows, size)
        if sum((row.net_amount for row in some), ZERO) == wanted
    ]  # fmt: skip
    if exact:
        return exact
    return [
        Candidate((row,), row.net_amount, wanted - row.net_amount, says(line, (row,)))
        for row in rows if (row.net_amount > ZERO) == (wanted > ZERO) and says(line, (row,))
    ]  # fmt: skip


def says(line: StatementLine, settlements: tuple[Settlement, ...]) -> str:
    """How a line names the processor of some settlements."""
    account = settlements[0].gateway_account
    text = _plain(
        " ".join(
            [line.party_name, line.ultimate_party, line.text, line.end_to_end_id, line.bank_reference,
             line.customer_reference, *map(str, line.references)]
        )
    )  # fmt: skip
    if any(len(row.batch) >= 4 and _plain(row.batch) in text for row in settlements):
        return "reference"
    words = {account.name, account.get_kind_display(), *WORDS.get(account.kind, ())}
    return "name" if any(f" {_plain(word).strip()} " in text for word in words if word.strip()) else ""


def _plain(text: str) -> str:
    """Lower case, one space around each run of letters and digits."""
    return " " + " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split()) + " "


def payout_candidates(bank_account: BankAccount, *, since: date | None = None) -> list[tuple[StatementLine, Candidate]]:
    """Lines of a bank account that are surely one payout and no other, each with it: amount and the processor's
    reference or name agree, nothing else would fit the line, and no other line fits the payout.

    Three queries, and two for each line that names a processor; one where no processor owes a payout.
    """
    accounts = GatewayAccount.objects.filter(organization=bank_account.organization_id, currency=bank_account.currency)
    owed: dict[int, list[Settlement]] = {}
    for row in unpaid_settlements(accounts):
        owed.setdefault(row.gateway_account_id, []).append(row)
    if not owed:
        return []
    rows = StatementLine.objects.filter(bank_account=bank_account, matched_amount=0).to_match()
    rows = rows.filter(booked_on__gte=since) if since else rows
    found: list[tuple[StatementLine, Candidate]] = []
    for line in rows.order_by("booked_on", "pk"):
        if not any(says(line, tuple(of_one)) for of_one in owed.values()):
            continue
        certain = [one for one in find_payouts(line) if one.is_certain]
        found += [(line, one) for one in certain] if len(certain) == 1 else []
    claims = Counter(row.pk for _line, one in found for row in one.settlements)
    return [(line, one) for line, one in found if all(claims[row.pk] == 1 for row in one.settlements)]
