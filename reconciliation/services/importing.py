"""Taking a bank file in: read through whole into staging first, then stored in one transaction or not at all (R17,
R144, invariant 43; F33-F39).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import structlog
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.money import CENT
from billing.office.models import User
from billing.office.sealed_files import forget_sealed, open_sealed
from billing.office.secrets import keyed_hash
from billing.states import move
from billing.transactions import in_transaction, transaction_required
from payments.models import BankAccount
from reconciliation.formats.base import Entry, EntryState, FileRefused, Problem, Statement
from reconciliation.formats.identity import digest_of
from reconciliation.formats.reading import Reading, StatementRead, open_reading
from reconciliation.formats.report import report
from reconciliation.models import BANK_FILE_MOVES, BankFile, BankFileState, BankStatement, StatementKind
from reconciliation.services.bank_files import GAP, REISSUE, claim, lock_bank_accounts, note_progress
from reconciliation.services.csv_profiles import profile_for
from reconciliation.services.staging import (
    fingerprints,
    row_of,
    stage,
    staged_all,
    staging,
    store_lines,
    suspect_repeats,
    turn_reversals,
)
from reconciliation.services.statement_chain import (
    Differs,
    WrongAccount,
    WrongCurrency,
    check_follows,
    find_same,
    same_account,
)

log = structlog.get_logger(__name__)
ROWS_AT_ONCE = 5_000


class NumberTaken(FileRefused):
    code = "number_taken"
    sentence = _("The file is for account …{theirs}, which is another bank account than {account}.")


class ReadingFailed(FileRefused):
    code = "reading_failed"
    sentence = _("The file could not be read; nothing of it was stored. Tell whoever runs the system: {trouble}.")


@dataclass
class Staged:
    """A statement whose lines are staged under its number. first_on, last_on: of its lines."""

    no: int
    read: StatementRead
    account: BankAccount
    first_on: date | None = None
    last_on: date | None = None
    staged: int = 0

    @property
    def statement(self) -> Statement:
        return self.read.statement

    def saw(self, day: date) -> None:
        self.first_on = day if self.first_on is None or day < self.first_on else self.first_on
        self.last_on = day if self.last_on is None or day > self.last_on else self.last_on


def read_bank_file(*, bank_file_id: int | None = None, now: datetime, by: User | None = None) -> BankFile | None:
    """Read a file that waits, this one or the oldest. None where there is none, or another worker has it.

    A journey: the file is claimed, read through with its progress visible, then stored whole or refused whole. A file
    that is refused leaves its row with the reason, and nothing else.
    """
    file = claim(bank_file_id, now=now)
    if file is None:
        return None
    try:
        with open_sealed(file.stored_as, sha256=file.sha256, name=file.name) as plain, staging():
            profile = profile_for(bank_account=file.chosen) or file.chosen.csv_profile
            reading = open_reading(plain, file.name, format=file.format, profile=profile or None)
            staged = _stage_all(file, reading)
            in_transaction(partial(_store, file, reading, staged, now))
    except DomainError as trouble:
        _give_up(file, trouble, now)
    except Exception as trouble:  # the border of one file: it must not be tried for ever, nor hold up the next
        log.exception("bank_file_failed", bank_file=file.pk)
        _give_up(file, ReadingFailed(trouble=type(trouble).__name__), now)
    return BankFile.objects.get(pk=file.pk)


def _give_up(file: BankFile, trouble: DomainError, now: datetime) -> None:
    stored_as = file.stored_as
    in_transaction(partial(_refuse, file, trouble, now))
    forget_sealed(stored_as)


def _stage_all(file: BankFile, reading: Reading) -> list[Staged]:
    accounts = list(BankAccount.objects.filter(organization=file.organization, is_active=True).order_by("pk"))
    staged: list[Staged] = []
    rows: list[tuple[Any, ...]] = []
    read = 0
    for piece in reading.pieces():
        if isinstance(piece, Statement):
            staged.append(Staged(len(staged) + 1, reading.statements[-1], file.chosen))
            continue
        read += 1
        row = _staged_row(staged[-1], piece, file.chosen)
        if row is not None:
            rows.append(row)
        if len(rows) >= ROWS_AT_ONCE:
            stage(rows)
            rows.clear()
            note_progress(file, read)
    stage(rows)
    staged_all()
    note_progress(file, read)
    for one in staged:
        one.account = _account_of(one.statement, file.chosen, accounts)
        if one.statement.extra.get("is_proved") is False:
            one.statement.flag("unconfirmed_profile", _("Nobody has confirmed yet how CSV files of this account are "
                               "read, and no balance proves it."))  # fmt: skip
    return staged


def _staged_row(into: Staged, entry: Entry, chosen: BankAccount) -> tuple[Any, ...] | None:
    """What is stored of an entry; None for one that is not booked yet, or cannot be read (its reader said so)."""
    if entry.state is not EntryState.BOOKED or entry.amount is None:
        return None
    currency = entry.currency or into.statement.currency or chosen.currency
    if currency != chosen.currency and not into.statement.account:
        raise WrongCurrency(theirs=currency, ours=chosen.currency, account=chosen.code)
    entry.booked_on = entry.booked_on or entry.value_on or into.statement.closing_on or into.statement.last_on
    if entry.booked_on is None:
        into.statement.flag("no_day", _("The entry has no day; it was left out."), entry.place)
        return None
    if entry.amount != entry.amount.quantize(CENT):
        raise FileRefused(
            _("{place}: the amount {amount} has more decimals than an account keeps."), code="too_many_decimals",
            place=entry.place, amount=f"{entry.amount:f}",
        )  # fmt: skip
    into.saw(entry.booked_on)
    into.staged += 1
    return row_of(into.no, entry, currency)


def _account_of(statement: Statement, chosen: BankAccount, accounts: Iterable[BankAccount]) -> BankAccount:
    """Whose statement it is: the chosen account's, or another one of the organization's that its number names.

    A number that nobody has is the chosen account's where that has none yet. Raises WrongAccount, WrongCurrency.
    """
    account = chosen
    if statement.account:
        named = [one for one in accounts if one.number and same_account(one.number, statement.account)]
        if named:
            account = chosen if chosen in named else named[0]
        elif chosen.number:
            raise WrongAccount(theirs=_tail(statement.account), ours=chosen.number_tail)
    if statement.currency and statement.currency != account.currency:
        raise WrongCurrency(theirs=statement.currency, ours=account.currency, account=account.code)
    return account


def _tail(number: str) -> str:
    return "".join(number.split())[-4:]


@transaction_required
def _store(file: BankFile, reading: Reading, staged: list[Staged], now: datetime) -> None:
    accounts = lock_bank_accounts(file.organization, [one.account.pk for one in staged])
    new = total = 0
    remarks: list[Problem] = []
    for one in staged:
        account = accounts[one.account.pk]
        _learn_number(account, one.statement)
        if one.statement.flips_reversals:
            turn_reversals(one.no)
        added, more = _store_statement(file, account, one)
        new, total = new + added, total + one.staged
        remarks += more
    problems = [*reading.problems, *remarks]
    move(
        file, BankFileState.STORED, BANK_FILE_MOVES, format=reading.format, done_at=now, lines_new=new,
        lines_known=total - new, is_flagged=any(problem.flags for problem in problems),
        problems=[_shown(problem) for problem in problems], figures=report(file.name, reading),
    )  # fmt: skip


def _store_statement(file: BankFile, account: BankAccount, one: Staged) -> tuple[int, list[Problem]]:
    """Returns how many lines were new, and remarks."""
    facts = _statement_row(file, account, one)
    remarks: list[Problem] = []
    if facts.kind == StatementKind.STATEMENT:
        gap = check_follows(account, one.statement, facts.first_on, accept_gap=GAP in file.wishes)
        if gap:
            remarks.append(Problem("statement_missing", gap))
    same = find_same(account, facts)
    if same is not None and same.digest != facts.digest and REISSUE not in file.wishes:
        raise Differs(number=facts.number, first=facts.first_on, last=facts.last_on)
    facts.save(force_insert=True)
    added = store_lines(one.no, facts)
    repeats = suspect_repeats(facts) if added else 0
    if repeats:
        sentence = _("{count} lines look like earlier ones that the bank posted twice; they wait for a person.")
        remarks.append(Problem("suspected_repeats", sentence, flags=False, facts={"count": repeats}))
    return added, remarks


def _statement_row(file: BankFile, account: BankAccount, one: Staged) -> BankStatement:
    statement, sums = one.statement, one.read.booked
    days = [day for day in (one.first_on, statement.first_on, statement.opening_on, statement.closing_on) if day]
    last_days = [day for day in (one.last_on, statement.last_on, statement.closing_on) if day]
    first = min(days) if days else None
    if first is None:
        raise FileRefused(_("A statement without lines and without a day says nothing."), code="no_day")
    closing_on = statement.closing_on or (None if statement.closing is None else max(last_days, default=first))
    return BankStatement(
        organization=account.organization, bank_account=account, bank_file=file, ordinal=one.no,
        kind=statement.kind.value, number=statement.number[:40], page=statement.page[:20],
        currency=statement.currency or account.currency, first_on=one.first_on or first,
        last_on=max(last_days, default=first), opening=statement.opening, closing=statement.closing,
        opening_on=statement.opening_on, closing_on=closing_on,
        entries=one.staged, total_in=sums.total_credits, total_out=sums.total_debits,
        ties=one.read.balance_ties, is_flagged=any(problem.flags for problem in statement.problems),
        digest=digest_of(fingerprints(one.no)),
    )  # fmt: skip


def _learn_number(account: BankAccount, statement: Statement) -> None:
    """An account without a number takes the one of its first statement. Raises NumberTaken."""
    if account.number or not statement.account:
        return
    plain = "".join(statement.account.split())
    others = BankAccount.objects.filter(organization=account.organization_id).exclude(pk=account.pk)
    if others.filter(number_hash=keyed_hash(plain)).exists():
        raise NumberTaken(theirs=plain[-4:], account=account.code)
    account.number, account.number_hash, account.number_tail = plain, keyed_hash(plain), plain[-4:]
    account.save(update_fields=["number", "number_hash", "number_tail"])


@transaction_required
def _refuse(file: BankFile, trouble: DomainError, now: datetime) -> None:
    move(
        file, BankFileState.REFUSED, BANK_FILE_MOVES, refusal=trouble.code[:40], done_at=now, stored_as="",
        problems=[[trouble.code, "", str(trouble), True]],
    )  # fmt: skip


def _shown(problem: Problem) -> list[Any]:
    return [problem.code, problem.place, str(problem), problem.flags]
