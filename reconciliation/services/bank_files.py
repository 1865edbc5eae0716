"""A bank file is handed in, and taken back as a whole while nothing of it was matched."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import BinaryIO

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.inputs import clean_text
from billing.office.models import Organization, User
from billing.office.sealed_files import digest_of, keep_sealed
from billing.office.uploads import clean_name
from billing.states import move
from billing.transactions import transaction_required
from payments.models import BankAccount
from reconciliation.formats.source import Source
from reconciliation.models import BANK_FILE_MOVES, BankFile, BankFileState, BankStatement, Match, StatementLine
from reconciliation.selectors.reconciliations import last_signed

GAP, REISSUE = "gap", "reissue"
WISHES = frozenset((GAP, REISSUE))
GONE = (BankFileState.UNDONE, BankFileState.REFUSED)
STUCK = timedelta(minutes=15)  # longer than the longest file takes: whoever read it has died


class MatchedAlready(DomainError):
    code = "matched_already"
    sentence = _("{count} lines of this file are matched; unmatch them first.")


class NotTakenIn(DomainError):
    code = "not_taken_in"
    sentence = _("The file {name} is {state}; only a file that was taken in can be taken back.")


def hand_in(
    *, bank_account: BankAccount, file: BinaryIO, name: str, now: datetime, by: User | None,
    format: str = "auto", wishes: Sequence[str] = (),
) -> tuple[BankFile, bool]:  # fmt: skip
    """Keep a file as it came, to be read by a worker. The same bytes for the same account give the file of then.

    wishes: of WISHES, what the person agrees to beforehand. Returns the file and whether it is new.
    Raises FileRefused for what is empty or too large; then nothing is kept.
    """
    assert WISHES.issuperset(wishes)
    Source(file, name)
    sha256, size = digest_of(file)
    earlier = _standing(bank_account, sha256)
    if earlier is not None:
        return earlier, False
    stored_as = keep_sealed(file)
    try:
        with transaction.atomic():
            return BankFile.objects.create(
                organization=bank_account.organization, chosen=bank_account, name=clean_name(name), size=size,
                sha256=sha256, stored_as=stored_as, format=format, wishes=sorted(wishes), handed_in_at=now,
                handed_in_by=by,
            ), True  # fmt: skip
    except IntegrityError:  # somebody handed it in at the same moment
        earlier = _standing(bank_account, sha256)
        if earlier is None:
            raise
        return earlier, False


def claim(bank_file_id: int | None, *, now: datetime) -> BankFile | None:
    """A file to be read, this one or the oldest, for this worker alone. Files whose reader died are taken over."""
    with transaction.atomic():
        rows = BankFile.objects.filter(state__in=(BankFileState.RECEIVED, BankFileState.READING)).order_by("pk")
        if bank_file_id is not None:
            rows = rows.filter(pk=bank_file_id)
        for file in rows.select_for_update(skip_locked=True, of=("self",)):
            if file.state == BankFileState.READING:
                if file.claimed_at is not None and file.claimed_at > now - STUCK:
                    continue
                move(file, BankFileState.RECEIVED, BANK_FILE_MOVES)
            move(file, BankFileState.READING, BANK_FILE_MOVES, claimed_at=now, entries_read=0)
            return file
    return None


class SignedLines(DomainError):
    code = "signed_lines"
    sentence = _("This file is in the reconciliation of {account} signed as of {day}; that must be opened first.")


@transaction_required
def take_back(*, bank_file: BankFile, reason: str, now: datetime, by: User | None) -> BankFile:
    """Take a whole import back: its statements and lines stand no more, and the file may be handed in again.

    Only while nothing of it is matched or signed. Raises MatchedAlready, SignedLines, NotTakenIn, BadInput (no reason).
    """
    reason = clean_text(reason, field="reason", longest=400, required=True)
    lock_bank_accounts(bank_file.organization, bank_file.statements.values_list("bank_account_id", flat=True))
    file = BankFile.objects.select_for_update(no_key=True).get(pk=bank_file.pk)
    if file.state != BankFileState.STORED:
        raise NotTakenIn(name=file.name, state=file.get_state_display())
    lines = StatementLine.objects.filter(statement__bank_file=file)
    matched = Match.objects.filter(line__in=lines, undone_at__isnull=True).values("line").distinct().count()
    if matched:
        raise MatchedAlready(count=matched)
    for statement in file.statements.select_related("bank_account"):
        signed = last_signed(statement.bank_account)
        if signed is not None and statement.first_on <= signed.closing_on:
            raise SignedLines(account=statement.bank_account.name, day=signed.closing_on)
    StatementLine.objects.filter(looks_like__in=lines).update(looks_like=None)
    lines.update(withdrawn=True, looks_like=None)
    BankStatement.objects.filter(bank_file=file).update(withdrawn=True)
    move(
        file, BankFileState.UNDONE, BANK_FILE_MOVES, undone_at=now, undone_by_id=by.pk if by else None,
        undo_reason=reason,
    )  # fmt: skip
    return file


@transaction_required
def lock_bank_accounts(organization: Organization, account_ids: Iterable[int]) -> dict[int, BankAccount]:
    """Accounts by their key, locked in that order: the first lock of all bank work."""
    rows = BankAccount.objects.filter(pk__in=account_ids).order_by("pk")
    return {account.pk: account for account in rows.select_for_update(no_key=True)}


def note_progress(bank_file: BankFile, entries_read: int) -> None:
    """How far its reading is, at once visible to others: outside of any transaction."""
    BankFile.objects.filter(pk=bank_file.pk).update(entries_read=entries_read)


def _standing(bank_account: BankAccount, sha256: str) -> BankFile | None:
    return BankFile.objects.filter(chosen=bank_account, sha256=sha256).exclude(state__in=GONE).first()
