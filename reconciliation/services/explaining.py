"""Bank lines explained as what they are, when they are not new money of a customer (R144): one verb for each.

Each locks the account, then the line, and explains part of it or what is left of it. What posts says so.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, Sum
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError
from billing.inputs import clean_text
from billing.ledger.models import JournalEntry, JournalLine, LedgerAccount, Role
from billing.ledger.posting import Draft, open_day, post_entries
from billing.money import ZERO, format_amount
from billing.office.models import User
from billing.rules.controlled import CONTROLLED
from billing.transactions import transaction_required
from payments.models import Cheque, Deposit, Payment, PaymentState, Refund
from payments.models.deposit import DepositState
from payments.models.payment import Method
from payments.models.refund import RefundState
from payments.selectors.reconciled import find_match
from payments.services.debit_returns import record_returned_transfer
from payments.services.reconciling import mark_reconciled
from reconciliation.models import EXPLAINED, BankStatement, Direction, Match, MatchKind, StatementKind, StatementLine
from reconciliation.postings import bank_item_booked, held_in_suspense
from reconciliation.selectors.own_records import WITH_A_VERB
from reconciliation.services.bank_files import lock_bank_accounts
from reconciliation.services.matching import (
    AlreadyExplained,
    RuleMark,
    WrongDirection,
    add_up,
    lock_lines,
    marked,
    reference_of,
)


class Differs(DomainError):
    code = "amount_differs"
    sentence = _("{what} is {theirs}; the bank line has {ours} left.")


class NotHere(DomainError):
    code = "not_for_this_line"
    sentence = _("{what} does not belong to this bank line.")


class ExplainedElsewhere(DomainError):
    code = "explained_elsewhere"
    sentence = _("{what} explains another bank line already: {line}. Unmatch that one first.")


@transaction_required
def lock_line(line: StatementLine, *directions: str) -> StatementLine:
    """The line as it is now, its account locked before it. Raises AlreadyExplained, WrongDirection."""
    account = lock_bank_accounts(line.organization, [line.bank_account_id])[line.bank_account_id]
    locked = lock_lines(account, [line.pk]).get(line.pk)
    if locked is None or locked.kind not in EXPLAINED:
        raise BadInput(_("There is no such bank line."), field="line", code="not_found")
    if directions and locked.direction not in directions:
        raise WrongDirection(direction=locked.get_direction_display())
    if not locked.open_amount:
        raise AlreadyExplained(left=format_amount(locked.open_amount, locked.currency))
    locked.bank_account, locked.organization = account, account.organization
    return locked


@transaction_required
def match_existing_payment(
    *, line: StatementLine, payment: Payment, now: datetime, by: User | None, note: str = "",
    is_automatic: bool = False, score: Decimal | None = None, evidence: Sequence[Any] = (),
) -> Match:  # fmt: skip
    """The line is a payment that is in the books already: nothing is posted, both are reconciled (R146).

    payment: into this account by transfer, its amount not more than what is left of the line. Raises NotHere, Differs,
    AlreadyReconciled, NotReconcilable.
    """
    line = lock_line(line, Direction.IN)
    if payment.method != Method.BANK_TRANSFER or payment.bank_account_id not in (None, line.bank_account_id):
        raise NotHere(what=payment.number)
    if payment.currency != line.currency or payment.amount > line.open_amount:
        raise _differs(payment.number, payment.amount, line)
    day = min(line.booked_on, line.organization.today(now))
    mark_reconciled(
        payment=payment, reconciled_on=day, statement_reference=reference_of(line), now=now, by=by,
        discrepancy=note,
    )  # fmt: skip
    return _explain(
        line, MatchKind.PAYMENT, payment.amount, now, by, payment=payment, customer_id=payment.customer_id, note=note,
        is_automatic=is_automatic, score=score, evidence=list(evidence),
    )  # fmt: skip


@transaction_required
def match_deposit(
    *, line: StatementLine, deposit: Deposit, now: datetime, by: User | None, is_automatic: bool = False,
    evidence: Sequence[Any] = (),
) -> Match:  # fmt: skip
    """The bank counted our deposit slip: line and slip are one amount. Its payments are reconciled. Posts nothing.

    Raises NotHere, Differs. A slip the bank counted otherwise is not matched before the difference is cleared up.
    """
    line = lock_line(line, Direction.IN)
    if deposit.state != DepositState.DEPOSITED or deposit.bank_account_id != line.bank_account_id:
        raise NotHere(what=deposit.number)
    if deposit.total_amount != line.open_amount or deposit.currency != line.currency:
        raise _differs(deposit.number, deposit.total_amount, line)
    for payment in Payment.objects.filter(
        presentation__deposit=deposit, state__in=(PaymentState.PROCESSED, PaymentState.REFUNDED)
    ).order_by("customer_id", "pk"):
        if find_match(payment) is None:
            mark_reconciled(
                payment=payment, reconciled_on=min(line.booked_on, line.organization.today(now)),
                statement_reference=reference_of(line), now=now, by=by,
            )  # fmt: skip
    return _explain(
        line, MatchKind.DEPOSIT, line.open_amount, now, by, deposit=deposit, is_automatic=is_automatic,
        evidence=list(evidence),
    )  # fmt: skip


@transaction_required
def match_refund(
    *, line: StatementLine, refund: Refund, now: datetime, by: User | None, is_automatic: bool = False,
    evidence: Sequence[Any] = (),
) -> Match:  # fmt: skip
    """Money that left is a refund paid by transfer or by a cheque of ours. Posts nothing. Raises NotHere, Differs."""
    line = lock_line(line, Direction.OUT)
    if refund.state != RefundState.PROCESSED or refund.organization_id != line.organization_id:
        raise NotHere(what=refund.number)
    if refund.paid_amount > line.open_amount or refund.currency != line.currency:
        raise _differs(refund.number, refund.paid_amount, line)
    return _explain(
        line, MatchKind.REFUND, refund.paid_amount, now, by, refund=refund, customer_id=refund.customer_id,
        is_automatic=is_automatic, evidence=list(evidence),
    )  # fmt: skip


@transaction_required
def book_bank_item(
    *, line: StatementLine, ledger_account: LedgerAccount, now: datetime, by: User | None,
    amount: Decimal | None = None, reason_code: str = "", note: str = "", department: str = "", project: str = "",
    is_automatic: bool = False, evidence: Sequence[Any] = (), rule: RuleMark | None = None,
) -> Match:  # fmt: skip
    """Fee, interest, or anything else that is ours to book. Posts "Bank item booked".

    ledger_account: no control account; those move only with what they mirror. Raises NotHere, BadInput.
    """
    line = lock_line(line)
    note = clean_text(note, field="note", longest=400)
    if ledger_account.organization_id != line.organization_id or ledger_account.role in CONTROLLED:
        raise NotHere(what=str(ledger_account))
    part = _part(line, amount)
    draft = bank_item_booked(
        key=_key(line, "item"), memo=_memo(line), amount=part, is_in=line.direction == Direction.IN,
        role=ledger_account.role, ledger_account_id=ledger_account.pk, currency=line.currency, on=_day(line),
        bank_ledger_account_id=line.bank_account.ledger_account_id, department=department, project=project,
    )  # fmt: skip
    return _explain(
        line, MatchKind.BANK_ITEM, part, now, by, ledger_account=ledger_account, entry=_post(line, draft, now, by),
        reason_code=reason_code, note=note, is_automatic=is_automatic, evidence=list(evidence), **marked(rule),
    )  # fmt: skip


@transaction_required
def send_to_suspense(
    *, line: StatementLine, now: datetime, by: User | None, amount: Decimal | None = None, note: str = "",
    is_automatic: bool = False, evidence: Sequence[Any] = (), rule: RuleMark | None = None,
) -> Match:  # fmt: skip
    """The money is ours to keep safe, whose it is is not known (source 3 "Unidentified payment"). Posts "Held in
    suspense"; unmatching takes it out again.
    """
    line = lock_line(line)
    note = clean_text(note, field="note", longest=400)
    part = _part(line, amount)
    draft = held_in_suspense(
        key=_key(line, "suspense"), memo=_memo(line), amount=part, is_in=line.direction == Direction.IN,
        currency=line.currency, on=_day(line), bank_ledger_account_id=line.bank_account.ledger_account_id,
    )  # fmt: skip
    return _explain(
        line, MatchKind.SUSPENSE, part, now, by, entry=_post(line, draft, now, by), note=note,
        is_automatic=is_automatic, evidence=list(evidence), **marked(rule),
    )  # fmt: skip


@transaction_required
def mark_posted_twice(
    *, line: StatementLine, of: StatementLine, now: datetime, by: User | None, note: str = "",
    is_automatic: bool = False, evidence: Sequence[Any] = (),
) -> Match:  # fmt: skip
    """The bank posted a line twice and will take it back: an item of the reconciliation, nothing is posted."""
    line = lock_line(line)
    if of.bank_account_id != line.bank_account_id or of.direction != line.direction or of.pk == line.pk:
        raise NotHere(what=str(of))
    return _explain(
        line, MatchKind.DUPLICATE, line.open_amount, now, by, other_line=of, note=note, is_automatic=is_automatic,
        evidence=list(evidence),
    )  # fmt: skip


@transaction_required
def mark_reversal(
    *, line: StatementLine, of: StatementLine, now: datetime, by: User | None, note: str = "",
    is_automatic: bool = False, evidence: Sequence[Any] = (),
) -> Match:  # fmt: skip
    """The bank takes an earlier line back: what that line brought is returned (R115), its invoices reopen.

    of: the other way, not less than this line; open itself, or a payment by transfer. A line still open explains both
    with each other. Raises NotHere, Differs.
    """
    line = lock_line(line)
    other = lock_lines(line.bank_account, [of.pk]).get(of.pk)
    if other is None or other.direction == line.direction or other.amount != line.open_amount:
        raise NotHere(what=str(of))
    for match in Match.objects.filter(line=other, undone_at__isnull=True).select_related("payment__organization"):
        if match.kind != MatchKind.PAYMENT or match.payment is None:
            raise NotHere(what=str(of))
        _give_back(match.payment, line, now, by)
    if other.open_amount:
        back = {"is_automatic": is_automatic, "evidence": list(evidence)}
        _explain(other, MatchKind.REVERSAL, other.open_amount, now, by, other_line=line, note=note, **back)
    return _explain(
        line, MatchKind.REVERSAL, line.open_amount, now, by, other_line=other, note=note, is_automatic=is_automatic,
        evidence=list(evidence),
    )  # fmt: skip


@transaction_required
def match_returned_payment(
    *, line: StatementLine, payment: Payment, now: datetime, by: User | None, note: str = "",
    is_automatic: bool = False, evidence: Sequence[Any] = (),
) -> Match:  # fmt: skip
    """Money that left is a transfer the payer's bank took back: everything it did comes undone (R115)."""
    line = lock_line(line, Direction.OUT)
    if payment.organization_id != line.organization_id or payment.method != Method.BANK_TRANSFER:
        raise NotHere(what=payment.number)
    if payment.amount != line.open_amount or payment.currency != line.currency:
        raise _differs(payment.number, payment.amount, line)
    _give_back(payment, line, now, by)
    return _explain(
        line, MatchKind.RETURNED, payment.amount, now, by, payment=payment, customer_id=payment.customer_id, note=note,
        is_automatic=is_automatic, evidence=list(evidence),
    )  # fmt: skip


@transaction_required
def match_returned_cheque(
    *, line: StatementLine, cheque: Cheque, now: datetime, by: User | None, note: str = "",
    is_automatic: bool = False, evidence: Sequence[Any] = (),
) -> Match:  # fmt: skip
    """Money that left is a cheque that came back; its return has been recorded and approved. Posts nothing."""
    line = lock_line(line, Direction.OUT)
    if cheque.organization_id != line.organization_id or cheque.state != "returned":
        raise NotHere(what=str(cheque))
    if cheque.amount > line.open_amount or cheque.currency != line.currency:
        raise _differs(str(cheque), cheque.amount, line)
    return _explain(
        line, MatchKind.RETURNED, cheque.amount, now, by, cheque=cheque, customer_id=cheque.customer_id, note=note,
        is_automatic=is_automatic, evidence=list(evidence),
    )  # fmt: skip


@transaction_required
def match_list(
    *, line: StatementLine, payment_list: BankStatement, now: datetime, by: User | None, is_automatic: bool = False,
    evidence: Sequence[Any] = (),
) -> Match:  # fmt: skip
    """One line is the sum of a list of payments (lockbox, collection), which are matched one by one."""
    line = lock_line(line, Direction.IN)
    if payment_list.kind != StatementKind.PAYMENTS or payment_list.bank_account_id != line.bank_account_id:
        raise NotHere(what=str(payment_list))
    total = payment_list.total_in - payment_list.total_out
    if total != line.open_amount:
        raise _differs(str(payment_list), total, line)
    return _explain(
        line, MatchKind.LIST, line.open_amount, now, by, payment_list=payment_list, is_automatic=is_automatic,
        evidence=list(evidence),
    )  # fmt: skip


@transaction_required
def match_entry(
    *, line: StatementLine, entry: JournalEntry, now: datetime, by: User | None, note: str = "",
    is_automatic: bool = False, evidence: Sequence[Any] = (),
) -> Match:  # fmt: skip
    """The line is what an entry booked to this account's ledger account: cash fetched, a loan, a payout to providers.

    Posts nothing. Raises NotHere (no such money in the entry, or what has a verb of its own), Differs.
    """
    line = lock_line(line)
    moved = JournalLine.objects.filter(entry=entry, account=line.bank_account.ledger_account)
    amount = moved.aggregate(total=Sum(F("debit") - F("credit")))["total"] or ZERO
    signed = line.open_amount if line.direction == Direction.IN else -line.open_amount
    if entry.organization_id != line.organization_id or not amount or entry.event in WITH_A_VERB:
        raise NotHere(what=str(entry))
    if amount != signed:
        raise _differs(str(entry), abs(amount), line)
    return _explain(
        line, MatchKind.ENTRY, line.open_amount, now, by, entry=entry, note=note, is_automatic=is_automatic,
        evidence=list(evidence),
    )  # fmt: skip


@transaction_required
def match_own_transfer(
    *, line: StatementLine, other: StatementLine, now: datetime, by: User | None, note: str = ""
) -> Match:
    """Two lines of two of our accounts are one transfer between them. Posts "Bank item booked" from bank to bank.

    Raises NotHere unless the amounts are equal, the directions differ and both are open whole.
    """
    locked = lock_bank_accounts(line.organization, [line.bank_account_id, other.bank_account_id])
    here = lock_lines(locked[line.bank_account_id], [line.pk])[line.pk]
    there = lock_lines(locked[other.bank_account_id], [other.pk])[other.pk]
    whole = here.open_amount == here.amount == there.amount == there.open_amount
    if here.bank_account_id == there.bank_account_id or here.direction == there.direction or not whole:
        raise NotHere(what=str(other))
    if here.currency != there.currency or here.organization_id != there.organization_id:
        raise NotHere(what=str(other))
    here.bank_account, there.bank_account = locked[here.bank_account_id], locked[there.bank_account_id]
    here.organization = there.organization = here.bank_account.organization
    draft = bank_item_booked(
        key=_key(here, "transfer"), memo=_memo(here), amount=here.amount, is_in=here.direction == Direction.IN,
        role=Role.BANK, ledger_account_id=there.bank_account.ledger_account_id, currency=here.currency, on=_day(here),
        bank_ledger_account_id=here.bank_account.ledger_account_id,
    )  # fmt: skip
    entry = _post(here, draft, now, by)
    _explain(there, MatchKind.TRANSFER, there.amount, now, by, other_line=here, note=note)
    return _explain(here, MatchKind.TRANSFER, here.amount, now, by, other_line=there, entry=entry, note=note)


def _explain(line: StatementLine, kind: str, amount: Decimal, now: datetime, by: User | None, **facts: Any) -> Match:
    made = Match.objects.create(
        organization=line.organization, line=line, kind=kind, amount=amount, made_at=now, made_by=by, **facts
    )
    add_up([line.pk])
    line.refresh_from_db(fields=["matched_amount", "open_amount"])
    return made


def _part(line: StatementLine, amount: Decimal | None) -> Decimal:
    part = line.open_amount if amount is None else amount
    if not 0 < part <= line.open_amount:
        raise AlreadyExplained(left=format_amount(line.open_amount, line.currency))
    return part


def _give_back(payment: Payment, line: StatementLine, now: datetime, by: User | None) -> None:
    """The payment's return, recorded or found. Raises NotHere (another account), ExplainedElsewhere: one line took it
    back, be it as its return or as the reversal of the line it came on.
    """
    if payment.bank_account_id not in (None, line.bank_account_id):
        raise NotHere(what=payment.number)
    code = line.return_code or "returned"
    record_returned_transfer(
        payment=payment, code=code, returned_on=min(line.booked_on, line.organization.today(now)), now=now, by=by
    )
    came_on = Match.objects.filter(kind=MatchKind.PAYMENT, payment=payment, undone_at__isnull=True).values("line")
    taken_back = Q(kind=MatchKind.RETURNED, payment=payment) | Q(kind=MatchKind.REVERSAL, other_line__in=came_on)
    other = Match.objects.filter(taken_back, undone_at__isnull=True).select_related("line__statement").first()
    if other is not None:
        raise ExplainedElsewhere(what=payment.number, line=reference_of(other.line))


def _post(line: StatementLine, draft: Draft, now: datetime, by: User | None) -> JournalEntry:
    return post_entries(organization_id=line.organization_id, drafts=[draft], now=now, by_id=by.pk if by else None)[0]


def _day(line: StatementLine) -> Any:
    """The bank's booking day, or the first open day after it."""
    return open_day(line.organization_id, line.booked_on)


def _key(line: StatementLine, what: str) -> str:
    """Once for each time the line is explained so."""
    return f"bank-line:{line.pk}:{what}:{Match.objects.filter(line=line).count() + 1}"


def _memo(line: StatementLine) -> str:
    return f"{line.party_name} {line.text}".strip()[:200]


def _differs(what: str, theirs: Decimal, line: StatementLine) -> Differs:
    return Differs(
        what=what, theirs=format_amount(theirs, line.currency), ours=format_amount(line.open_amount, line.currency)
    )
