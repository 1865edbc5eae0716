"""A payout of a processor reaches the bank: the bank line is matched to its settlements, and taken apart again (R151).

One line is one payout, or what one processor paid out in one sum. What it is short or over is a difference of the
latest of its settlements, which the proof names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

import structlog
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.inputs import clean_text
from billing.ledger.models import JournalEntry
from billing.ledger.posting import Draft, open_day, post_entries
from billing.money import ZERO, format_money
from billing.office.models import User
from billing.refusals import explained
from billing.transactions import in_transaction, transaction_required
from payments.models import BankAccount, GatewayAccount, Settlement
from reconciliation.models import EXPLAINED, Match, MatchKind, PayoutOffset, StatementLine
from reconciliation.models.statement import Direction
from reconciliation.postings import payout_charged, payout_received
from reconciliation.selectors.payouts import payout_candidates, unpaid_settlements
from reconciliation.services.matching import add_up
from reconciliation.services.processors.proving import settle_payout
from reconciliation.services.undoing import AlreadyUndone, unmatch

log = structlog.get_logger(__name__)


class NotAPayout(DomainError):
    code = "not_a_payout"
    sentence = _("These settlements cannot be the payout of this bank line.")


class AlreadyPaidOut(DomainError):
    code = "already_paid_out"
    sentence = _("{batch} was paid out with another bank line already.")


class PayoutDiffers(DomainError):
    code = "payout_differs"
    sentence = _("The bank line has {line}, the settlements make {settlements}; say that the difference is known.")


class AlreadyMatched(DomainError):
    code = "already_matched"
    sentence = _("Nothing of this bank line is left to explain.")


@dataclass(frozen=True)
class Share:
    """A settlement's part of a line, and the settlements that were taken off it."""

    settlement: Settlement
    amount: Decimal
    offsets: tuple[Settlement, ...] = ()


@transaction_required
def match_payout(
    *, line: StatementLine, settlements: Sequence[Settlement], now: datetime, by: User | None,
    difference_is_known: bool = False, score: Decimal | None = None, evidence: Sequence[object] = (),
) -> list[Match]:  # fmt: skip
    """The bank line is the payout of these settlements: all that is left of the line, a match for each settlement.

    settlements: of one processor, unpaid. The same again gives the matches there are. by: None if no person decided.
    difference_is_known: a person saw that the line is short or over; the proof names by how much.
    Posts "Payout received", or "Payout charged" for an outgoing line. Raises NotAPayout, AlreadyPaidOut, PayoutDiffers,
    AlreadyMatched.
    """
    bank = BankAccount.objects.select_for_update(no_key=True).get(pk=line.bank_account_id)
    line = StatementLine.objects.select_for_update(no_key=True).get(pk=line.pk)
    keys = sorted({row.pk for row in settlements})
    standing = list(Match.objects.filter(line=line, undone_at__isnull=True, kind=MatchKind.PAYOUT).order_by("pk"))
    if standing and _covers(standing, keys):
        return standing
    account = _account_of(line, keys)
    rows = list(unpaid_settlements([account]).filter(pk__in=keys))
    if len(rows) != len(keys):
        taken = Settlement.objects.filter(pk__in=keys).exclude(pk__in=[row.pk for row in rows]).first()
        raise AlreadyPaidOut(batch=taken)
    if line.withdrawn or line.open_amount <= ZERO or line.kind not in EXPLAINED:
        raise AlreadyMatched()
    shares = shares_of(line, rows, difference_is_known)
    drafts = [_draft(line, bank, account, share) for share in shares]
    entries = post_entries(
        organization_id=line.organization_id, drafts=drafts, now=now, by_id=by.pk if by else None
    )  # fmt: skip
    made = [
        _match(line, share, entry, now, by, score, evidence) for share, entry in zip(shares, entries, strict=True)
    ]  # fmt: skip
    add_up([line.pk])
    for row in rows:
        settle_payout(settlement=row, now=now)
    return made


def _covers(standing: Sequence[Match], keys: Sequence[int]) -> bool:
    offsets = PayoutOffset.objects.filter(match__in=standing).values_list("settlement_id", flat=True)
    return sorted([one.settlement_id for one in standing if one.settlement_id] + list(offsets)) == list(keys)


def _account_of(line: StatementLine, keys: Sequence[int]) -> GatewayAccount:
    """The one processor of all, locked, so that nobody matches its settlements meanwhile."""
    rows = Settlement.objects.filter(pk__in=keys, organization=line.organization_id, currency=line.currency)
    accounts = set(rows.values_list("gateway_account_id", flat=True))
    if len(accounts) != 1 or rows.count() != len(keys):
        raise NotAPayout()
    return GatewayAccount.objects.select_for_update(no_key=True).get(pk=accounts.pop())


def shares_of(line: StatementLine, rows: Sequence[Settlement], difference_is_known: bool) -> list[Share]:
    """How a line is divided among settlements: each its own, less what was taken off, the last what is left.

    Raises NotAPayout, PayoutDiffers.
    """
    sign = 1 if line.direction == Direction.IN else -1
    ours = [row for row in rows if row.net_amount * sign > ZERO]
    off = [row for row in rows if row.net_amount * sign < ZERO]
    total = sum((row.net_amount * sign for row in rows), ZERO)
    if not ours or len(ours) + len(off) != len(rows) or (sign < 0 and off):
        raise NotAPayout()
    if total != line.open_amount and not difference_is_known:
        words = [format_money(amount, line.currency) for amount in (line.open_amount, total)]
        raise PayoutDiffers(line=words[0], settlements=words[1])
    largest = max(ours, key=lambda row: (row.net_amount * sign, -row.pk))
    shares = []
    for row in ours:
        amount = row.net_amount * sign
        amount += sum((one.net_amount for one in off), ZERO) if row is largest else ZERO
        amount += line.open_amount - total if row is ours[-1] else ZERO
        if amount <= ZERO:
            raise NotAPayout()
        shares.append(Share(row, amount, tuple(off) if row is largest else ()))
    return shares


def _draft(line: StatementLine, bank: BankAccount, account: GatewayAccount, share: Share) -> Draft:
    times = Match.objects.filter(line=line, settlement=share.settlement).count()
    post = payout_received if line.direction == Direction.IN else payout_charged
    return post(
        key=f"payout:{line.pk}:{share.settlement.pk}:{times}", batch=share.settlement.batch, amount=share.amount,
        currency=line.currency, on=open_day(line.organization_id, line.booked_on),
        bank_ledger_account_id=bank.ledger_account_id, ledger_account_id=account.ledger_account_id,
    )  # fmt: skip


def _match(
    line: StatementLine, share: Share, entry: JournalEntry, now: datetime, by: User | None, score: Decimal | None,
    evidence: Sequence[object],
) -> Match:  # fmt: skip
    match = Match.objects.create(
        organization_id=line.organization_id, line=line, kind=MatchKind.PAYOUT, amount=share.amount,
        settlement=share.settlement, entry=entry, is_automatic=by is None, score=score, evidence=list(evidence),
        made_at=now, made_by=by,
    )  # fmt: skip
    PayoutOffset.objects.bulk_create(
        PayoutOffset(match=match, settlement=one, amount=abs(one.net_amount)) for one in share.offsets
    )
    return match


@transaction_required
def undo_payout(*, match: Match, reason: str, now: datetime, by: User) -> list[Match]:
    """The line was not this payout: every match of the line to settlements is undone and its entry mirrored.

    The same again does nothing. Raises AlreadyUndone (by another's hand or for another reason), BadInput.
    """
    why = clean_text(reason, field="reason", longest=400, required=True)
    rows = Match.objects.filter(line=match.line, kind=MatchKind.PAYOUT, undone_at__isnull=True)
    standing = list(rows.select_related("line", "organization", "entry").order_by("pk"))
    if not standing:
        match.refresh_from_db()
        if (match.undone_by_id, match.undo_reason) == (by.pk, why):
            return []
        raise AlreadyUndone()
    return [unmatch(match=one, reason=why, now=now, by=by) for one in standing]


def match_certain_payouts(*, bank_account: BankAccount, now: datetime) -> int:
    """Match what is certain by itself: amount and the processor's word agree, and nothing else would. Returns how many
    lines. Outside transactions, one for each line."""
    done = 0
    for line, one in payout_candidates(bank_account):
        work = partial(
            match_payout, line=line, settlements=one.settlements, now=now, by=None, score=Decimal(1),
            evidence=[["payout", {"says": one.says, "batches": [str(row) for row in one.settlements]}]],
        )  # fmt: skip
        try:
            with explained():
                done += bool(in_transaction(work))
        except DomainError as refusal:
            log.info("payout_left", line=line.pk, refusal=refusal.code)
    return done
