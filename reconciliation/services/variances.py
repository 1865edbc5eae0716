"""Each difference between bank and books is a row with an owner, and never disappears silently (R144)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.bulk import insert_rows
from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.office.access import people_who
from billing.office.models import Organization, User
from billing.office.models.user import Mode
from billing.states import move_many
from billing.transactions import transaction_required
from payments.models import BankAccount
from reconciliation.models import VARIANCE_MOVES, Variance, VarianceKind, VarianceReason, VarianceState
from reconciliation.selectors.bank_position import Position, Ref, items_of, position_of
from reconciliation.services.bank_files import lock_bank_accounts

# In the books and not on a statement for longer than this, an item is a difference that somebody looks after.
OLD_AFTER = timedelta(days=30)
KINDS = {
    "open_in": VarianceKind.NOT_IN_BOOKS, "open_out": VarianceKind.NOT_IN_BOOKS,
    "posted_twice": VarianceKind.POSTED_TWICE, "later": VarianceKind.LATER, "elsewhere": VarianceKind.BOOKED_ELSEWHERE,
    "outstanding_in": VarianceKind.OLD, "outstanding_out": VarianceKind.OLD,
}  # fmt: skip
# What is as good as known by itself. The other kinds are named by a person before anybody signs.
USUAL: Mapping[str, VarianceReason] = {
    VarianceKind.NOT_IN_BOOKS: VarianceReason.UNIDENTIFIED, VarianceKind.POSTED_TWICE: VarianceReason.BANK_ERROR,
    VarianceKind.LATER: VarianceReason.TIMING, VarianceKind.OLD: VarianceReason.TIMING,
}  # fmt: skip
GONE, CHANGED = "gone", "changed"


class VarianceCleared(DomainError):
    code = "variance_cleared"
    sentence = _("This difference is cleared; it is kept as it was.")


@dataclass(frozen=True)
class _Found:
    kind: VarianceKind
    amount: Decimal
    since: date
    of: str = ""
    key: int | None = None


@transaction_required
def note_variances(*, bank_account: BankAccount, on: date, now: datetime, by: User) -> list[Variance]:
    """Write each difference of an account as of a day down, and clear those that are there no more. All that stand.

    A new one belongs to `by` until it is given to somebody else; one whose amount changed is followed by another with
    the same owner, reason and note. A second time nothing changes. Locks the account.
    """
    account = lock_bank_accounts(bank_account.organization, [bank_account.pk])[bank_account.pk]
    wanted = _differences(position_of(account, on))
    standing = {row.subject: row for row in Variance.objects.filter(bank_account=account, state=VarianceState.OPEN)}
    gone = [row.pk for row in standing.values() if row.subject not in wanted and row.since <= on]
    changed = [
        row.pk for row in standing.values() if row.subject in wanted and wanted[row.subject].amount != row.amount
    ]
    for keys, why in ((gone, GONE), (changed, CHANGED)):
        move_many(
            Variance, keys, VarianceState.OPEN, VarianceState.CLEARED, VARIANCE_MOVES, cleared_at=now,
            cleared_by_id=by.pk, cleared_why=why,
        )  # fmt: skip
    insert_rows(Variance, (
        _row(account, subject, found, standing.get(subject), now, by) for subject, found in wanted.items()
        if subject not in standing or standing[subject].pk in changed
    ))  # fmt: skip
    return list(
        Variance.objects.filter(bank_account=account, state=VarianceState.OPEN, since__lte=on).select_related("owner")
    )


@transaction_required
def name_variance(
    *, variance: Variance, owner: User | None, reason_code: str, note: str, now: datetime, by: User
) -> Variance:
    """Say why a difference is there and who looks after it. The audit trail keeps who said what before.

    Raises VarianceCleared, BadInput.
    """
    lock_bank_accounts(variance.organization, [variance.bank_account_id])
    row = Variance.objects.select_for_update(no_key=True).get(pk=variance.pk)
    if row.state != VarianceState.OPEN:
        raise VarianceCleared()
    if reason_code not in VarianceReason.values:
        raise BadInput(_("Choose a reason."), field="reason_code", code="unknown_choice")
    if owner is None or owner not in owners_in(row.organization):
        raise BadInput(_("Choose one of the people who work on bank lines."), field="owner", code="unknown_choice")
    row.note = clean_text(note, field="note", longest=400, required=True)
    row.reason_code, row.owner = reason_code, owner
    row.save(update_fields=["reason_code", "owner", "note"])
    return row


def owners_in(organization: Organization) -> list[User]:
    """Who may look after a difference: whoever matches bank lines or signs. Five queries."""
    deeds = (("match_bank_lines", Mode.MAKE), ("match_bank_lines", Mode.DO), ("sign_off_reconciliation", Mode.MAKE),
             ("sign_off_reconciliation", Mode.CHECK))  # fmt: skip
    people = {user.pk: user for action, mode in deeds for user in people_who(organization, action, mode)}
    return sorted(people.values(), key=lambda user: (str(user), user.pk))


def _differences(position: Position) -> dict[str, _Found]:
    """Subject → what differs. One query."""
    found: dict[str, _Found] = {}
    refs = items_of(position.account, position.on, list(KINDS), start=position.start)
    for ref in refs:
        if ref.of != "entry" or ref.day < position.on - OLD_AFTER:
            found[_subject(ref)] = _Found(
                KINDS[ref.what], -ref.amount if ref.of == "entry" else ref.amount, ref.day, ref.of, ref.id
            )
    start = position.start or position.on
    for subject, kind, amount in (
        ("taken_over", VarianceKind.TAKEN_OVER, position.taken_over),
        ("statement", VarianceKind.STATEMENT, position.drift),
    ):
        if amount:
            found[subject] = _Found(kind, amount, min(start, position.on))
    return found


def _subject(ref: Ref) -> str:
    return f"{ref.of}:{ref.id}" + (":later" if ref.what == "later" else "")


def _row(
    account: BankAccount, subject: str, found: _Found, before: Variance | None, now: datetime, by: User
) -> Variance:
    keys: dict[str, Any] = {f"{found.of}_id": found.key} if found.of else {}
    return Variance(
        organization_id=account.organization_id, bank_account=account, kind=found.kind, subject=subject,
        followed=before, currency=account.currency, amount=found.amount, since=found.since, found_at=now, found_by=by,
        owner_id=before.owner_id if before else by.pk,
        reason_code=before.reason_code if before else USUAL.get(found.kind, ""), note=before.note if before else "",
        **keys,
    )  # fmt: skip
