"""A bank account is reconciled as of a day: prepared by one person, signed by another, opened again only with the
finance manager (R144, R145, invariant 44).
"""

from contextlib import suppress
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.office import approvals
from billing.office.access import require
from billing.office.models import ApprovalRequest, User
from billing.office.models.user import Mode
from billing.office.papers import archive
from billing.office.papers.errors import PdfUnavailable
from billing.states import move
from billing.transactions import transaction_required
from payments.models import BankAccount
from reconciliation.models import (
    RECONCILIATION_MOVES,
    BankReconciliation,
    Frequency,
    Match,
    ReconciliationRoutine,
    ReconciliationState,
)
from reconciliation.selectors.frozen_content import OPEN, SIGN, digest_of, freeze, shown_of
from reconciliation.selectors.reconciliations import covering, last_signed
from reconciliation.services.bank_files import lock_bank_accounts
from reconciliation.services.reconciliation_paper import paper_of
from reconciliation.services.variances import note_variances


class NotLoaded(DomainError):
    code = "statement_not_loaded"
    sentence = _("The statements of {account} reach until {loaded}; load the file of {day} first.")


class SignedAlready(DomainError):
    code = "signed_already"
    sentence = _("{account} is reconciled and signed as of {day} already.")


class NotNamed(DomainError):
    code = "variances_not_named"
    sentence = _("{count} differences have no reason yet; say of each why it is there.")


class MatchedHere(DomainError):
    code = "matched_here"
    sentence = _("{who} matched lines of this reconciliation; somebody else must sign it.")


class LaterSigned(DomainError):
    code = "later_signed"
    sentence = _("{account} is signed as of {day}, which is later; open that one first.")


class InSignedReconciliation(DomainError):
    code = "match_in_signed_reconciliation"
    sentence = _("This match is in the reconciliation of {account} signed as of {day}; that must be opened first.")


@transaction_required
def prepare(*, bank_account: BankAccount, on: date, note: str, now: datetime, by: User) -> BankReconciliation:
    """Freeze an account as of a day and ask for the second signature. Prepared anew, it takes the earlier one's place.

    note: what the preparer says to it. Differences without a reason yet are refused: call note_variances first.
    Raises NotLoaded, SignedAlready, NotNamed, BadInput, NotPermitted.
    """
    organization = bank_account.organization
    require(by, organization, SIGN, Mode.MAKE, Mode.CHECK)
    note = clean_text(note, field="note", longest=400, required=True)
    if on > organization.today(now):
        raise BadInput(_("A day that is over is reconciled."), field="closing_on", code="future_date")
    account = lock_bank_accounts(organization, [bank_account.pk])[bank_account.pk]
    account.organization = organization
    newest = last_signed(account)
    if newest is not None and newest.closing_on >= on:
        raise SignedAlready(account=account.name, day=newest.closing_on)
    standing = note_variances(bank_account=account, on=on, now=now, by=by)
    unnamed = sum(1 for row in standing if not row.reason_code)
    if unnamed:
        raise NotNamed(count=unnamed)
    position, content = freeze(account, on)
    if position.loaded_to is None or position.loaded_to < on:
        raise NotLoaded(account=account.name, loaded=position.loaded_to or "–", day=on)
    digest = digest_of(content)
    for earlier in BankReconciliation.objects.filter(bank_account=account, state=ReconciliationState.PREPARED):
        same = (earlier.digest, earlier.closing_on, earlier.prepared_by_id) == (digest, on, by.pk)
        if same and approvals.standing(subject_of(earlier), now):
            return earlier
        drop(earlier)
        approvals.withdraw_waiting(subject_of(earlier))
    row = BankReconciliation.objects.create(
        organization=organization, bank_account=account, closing_on=on, currency=account.currency,
        statement_balance=position.bank, book_balance=position.books, difference=position.difference, content=content,
        digest=digest, last_match=_newest_match(account), note=note, prepared_at=now, prepared_by=by,
    )  # fmt: skip
    approvals.ask(
        organization=organization, action=SIGN, subject=subject_of(row), title=f"Sign {row}",
        shown=shown_of(row, content), reason=note, by=by, now=now,
    )  # fmt: skip
    return row


@transaction_required
def sign(*, request: ApprovalRequest, by: User, now: datetime) -> BankReconciliation:
    """The second person signs exactly what was frozen; its matches are closed, its paper is made and kept.

    Raises MatchedHere, ShownChanged when anything moved since, and what approvals.use raises.
    """
    row = _locked(request)
    content = content_now(row)
    if digest_of(content) != row.digest:
        raise approvals.ShownChanged()
    approvals.use(request=request, action=SIGN, subject=subject_of(row), shown=shown_of(row, content), now=now)
    if by.pk == row.prepared_by_id or by.pk in {key for key, _name in content["matchers"]}:
        raise MatchedHere(who=by)
    move(row, ReconciliationState.SIGNED, RECONCILIATION_MOVES, approval=request, signed_at=now, signed_by=by)
    with suppress(PdfUnavailable):  # then it is made when somebody asks for it
        make_paper(row)
    return row


@transaction_required
def drop(row: BankReconciliation) -> None:
    """It will not be signed: refused, or prepared anew."""
    move(row, ReconciliationState.DROPPED, RECONCILIATION_MOVES)


@transaction_required
def ask_to_open(*, reconciliation: BankReconciliation, reason: str, now: datetime, by: User) -> ApprovalRequest:
    """Ask the finance manager to open a signed reconciliation. Raises LaterSigned, SignedAlready, NotPermitted."""
    row = _check_newest(reconciliation)
    return approvals.ask(
        organization=row.organization, action=SIGN, subject=f"{subject_of(row)}:open", title=f"Open {row}",
        shown=opening_shown(row), reason=reason, by=by, now=now,
    )  # fmt: skip


@transaction_required
def open_again(*, request: ApprovalRequest, now: datetime) -> BankReconciliation:
    """A signed reconciliation stands no more; its matches may be undone. What was frozen stays as it was.

    Raises LaterSigned, and what approvals.use raises.
    """
    row = _check_newest(_locked(request))
    approvals.use(request=request, action=SIGN, subject=f"{subject_of(row)}:open", shown=opening_shown(row), now=now)
    move(
        row, ReconciliationState.OPENED, RECONCILIATION_MOVES, opened_at=now, opened_by=request.requested_by,
        open_reason=request.reason, open_approval=request,
    )  # fmt: skip
    return row


def opening_shown(row: BankReconciliation) -> dict[str, Any]:
    return {
        "deed": OPEN, "bank_account": str(row.bank_account), "closing_on": row.closing_on.isoformat(),
        "signed_by": str(row.signed_by), "content_hash": row.digest, "reconciliation_key": row.pk,
    }  # fmt: skip


@transaction_required
def content_now(row: BankReconciliation) -> dict[str, Any]:
    """What would be frozen now. No match that it is about is undone before this transaction ends."""
    account = lock_bank_accounts(row.organization, [row.bank_account_id])[row.bank_account_id]
    account.organization = row.organization
    before = last_signed(account)
    last_match, last_day = (before.last_match, before.closing_on) if before else (0, date.min)
    with connection.cursor() as cursor:
        # A void undoes its match without the account's lock: it waits here, or comes too late.
        cursor.execute(
            "SELECT m.id FROM reconciliation_match m JOIN reconciliation_statementline l ON l.id = m.line_id"
            " WHERE l.bank_account_id = %s AND l.booked_on <= %s AND m.undone_at IS NULL"
            " AND NOT (m.id <= %s AND l.booked_on <= %s) ORDER BY m.id FOR SHARE OF m",
            [account.pk, row.closing_on, last_match, last_day],
        )
    return freeze(account, row.closing_on)[1]


@transaction_required
def make_paper(row: BankReconciliation) -> bytes:
    """The paper of a signed reconciliation, made and put into the archive once. Raises PdfUnavailable."""
    row = BankReconciliation.objects.select_for_update(no_key=True).get(pk=row.pk)
    if row.document:
        return archive.read(row.document)
    data = paper_of(row)
    row.document = archive.keep(data)
    row.save(update_fields=["document"])
    return data


def check_not_signed(match: Match) -> None:
    """For undoing.GUARDS. Locks the match, so that nobody signs it in meanwhile. Raises InSignedReconciliation."""
    Match.objects.select_for_update(no_key=True).get(pk=match.pk)
    held = covering(match)
    if held is not None:
        raise InSignedReconciliation(account=held.bank_account.name, day=held.closing_on)


@transaction_required
def set_frequency(*, bank_account: BankAccount, frequency: str, now: datetime, by: User) -> ReconciliationRoutine:
    """How often an account is reconciled from now on. Raises BadInput, NotPermitted."""
    require(by, bank_account.organization, SIGN, Mode.MAKE, Mode.CHECK)
    if frequency not in Frequency.values:
        raise BadInput(_("Choose how often."), field="frequency", code="unknown_choice")
    lock_bank_accounts(bank_account.organization, [bank_account.pk])
    return ReconciliationRoutine.objects.update_or_create(
        bank_account=bank_account, defaults={"frequency": frequency, "set_at": now, "set_by": by}
    )[0]


def subject_of(row: BankReconciliation) -> str:
    return f"reconciliation:{row.pk}"


def _locked(request: ApprovalRequest) -> BankReconciliation:
    key = int(request.subject.split(":")[1])
    found = BankReconciliation.objects.only("bank_account_id", "organization_id").get(pk=key)
    lock_bank_accounts(found.organization, [found.bank_account_id])
    rows = BankReconciliation.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("organization", "bank_account", "signed_by").get(pk=key)


def _check_newest(row: BankReconciliation) -> BankReconciliation:
    newest = last_signed(row.bank_account)
    if newest is None or newest.closing_on < row.closing_on:
        raise BadInput(_("Only a signed reconciliation is opened."), code="not_signed")
    if newest.pk != row.pk:
        raise LaterSigned(account=row.bank_account.name, day=newest.closing_on)
    return row


def _newest_match(account: BankAccount) -> int:
    rows = Match.objects.filter(line__bank_account=account).order_by("-pk").values_list("pk", flat=True)
    return rows.first() or 0
