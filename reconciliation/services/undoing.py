"""Undo at every step, as separate verbs: a match is taken off its line; what it made is undone where it is its own.

Unmatching leaves a payment as it is, now without a line: unallocating or voiding it are other verbs. What a match
posted by itself (bank item, suspense, payout, transfer) is mirrored. A returned payment stays returned.
"""

from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.ledger.models import JournalEntry, JournalLine
from billing.ledger.posting import open_day, post_entries, reversal_of
from billing.office.models import Organization, User
from billing.transactions import transaction_required
from payments.models import Payment, PaymentVoid
from payments.selectors.reconciled import find_match
from payments.services.reconciling import unmark_reconciled
from reconciliation.models import Match, MatchKind
from reconciliation.services.bank_files import lock_bank_accounts
from reconciliation.services.matching import add_up, lock_lines, reference_of
from reconciliation.services.matching_rules import put_back

# Filled by sign-off: called with the match, raises why it cannot be undone any more.
GUARDS: list[Callable[[Match], None]] = []


class AlreadyUndone(DomainError):
    code = "already_undone"
    sentence = _("This match was already undone.")


@transaction_required
def unmatch(*, match: Match, reason: str, now: datetime, by: User | None) -> Match:
    """Take a match off its line; the line is to be explained again. Both ends of a transfer or reversal go together.

    A rule that made it by itself only suggests from now on. Posts the mirror of what the match posted, dated today or
    on the first open day. Raises AlreadyUndone, BadInput (no reason), and what GUARDS raise: a line of a signed
    reconciliation stays.
    """
    reason = reason.strip()[:400]
    if not reason:
        raise BadInput(_("A reason is needed."), field="reason", code="reason_required")
    line = match.line
    others = _pairs(match)
    accounts = lock_bank_accounts(match.organization, {line.bank_account_id, *(p.line.bank_account_id for p in others)})
    for one in sorted([match, *others], key=lambda m: m.line.bank_account_id):
        lock_lines(accounts[one.line.bank_account_id], [one.line_id])
    for one in [match, *others]:
        _undo(one, reason, now, by)
    add_up([match.line_id, *(one.line_id for one in others)])
    return Match.objects.get(pk=match.pk)


def void_follows(*, made: PaymentVoid, now: datetime) -> None:
    """For voiding.AFTER: the line of a voided payment is to be explained again, in the same transaction."""
    match = Match.objects.filter(payment=made.payment, kind=MatchKind.PAYMENT, undone_at__isnull=True).first()
    if match is not None:
        _undo(match, made.reason, now, made.voided_by)
        add_up([match.line_id])


def _pairs(match: Match) -> list[Match]:
    """The other end, where two lines explain each other."""
    if match.kind not in (MatchKind.TRANSFER, MatchKind.REVERSAL) or match.other_line_id is None:
        return []
    rows = Match.objects.filter(
        line_id=match.other_line_id, kind=match.kind, other_line_id=match.line_id, undone_at__isnull=True
    )
    return list(rows.select_related("line", "organization"))


def _undo(match: Match, reason: str, now: datetime, by: User | None) -> None:
    for guard in GUARDS:
        guard(match)
    posted = match.entry if match.kind != MatchKind.ENTRY else None
    entry = _mirror(match.organization, posted, reason, now, by) if posted is not None else None
    changed = Match.objects.filter(pk=match.pk, undone_at__isnull=True).update(
        undone_at=now, undone_by=by, undo_reason=reason[:400], undo_entry=entry
    )
    if not changed:
        raise AlreadyUndone()
    if match.rule_id is not None and match.is_automatic and by is not None:
        why = f"{match.line}: {reason} ({by})"
        put_back(rule_id=match.rule_id, version=match.rule_version or 0, why=why, now=now)
    if match.kind == MatchKind.PAYMENT and match.payment is not None:
        unmark_reconciled(payment=match.payment, reason=reason, now=now, by=by)
    if match.kind == MatchKind.DEPOSIT:
        told = reference_of(match.line)
        for payment in Payment.objects.filter(presentation__deposit=match.deposit_id).order_by("customer_id", "pk"):
            standing = find_match(payment)
            if standing is not None and standing.statement_reference == told:
                unmark_reconciled(payment=payment, reason=reason, now=now, by=by)


def _mirror(
    organization: Organization, entry: JournalEntry, reason: str, now: datetime, by: User | None
) -> JournalEntry:
    lines = list(JournalLine.objects.filter(entry=entry).select_related("account").order_by("ordinal"))
    on = max(open_day(organization.pk, organization.today(now)), entry.entry_date)
    draft = reversal_of(entry, lines, key=f"{entry.key}:undone", on=on, reason=reason)
    return post_entries(organization_id=organization.pk, drafts=[draft], now=now, by_id=by.pk if by else None)[0]
