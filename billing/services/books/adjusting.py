"""Adjustments: documents that one person makes, another approves, and the system posts (R141, R167).

No line editor exists: what is asked for never changes, and what was posted is taken back by a new document.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, KeyReused, NotFound, PeriodClosed, Refusals
from billing.inputs import clean_text
from billing.ledger.models import (
    ADJUSTMENT_MOVES,
    AdjustmentEntry,
    AdjustmentLine,
    AdjustmentState,
    LedgerAccount,
    Role,
)
from billing.ledger.posting import Draft, Line, open_day, post_entries, reversal_of
from billing.money import EXPONENTS, ZERO
from billing.office import approvals
from billing.office.models import ApprovalRequest, Organization, User
from billing.office.numbers import take_numbers
from billing.rules.controlled import CONTROLLED
from billing.states import move
from billing.transactions import transaction_required

ADJUST = "adjust_ledger"
MOST_LINES = 100


@dataclass(frozen=True)
class LineOrder:
    """A debit or a credit, >= 0. row: of the form, so that a refusal stands beside it."""

    account_id: int
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    department: str = ""
    project: str = ""
    row: int = 0


@dataclass(frozen=True)
class AdjustmentOrder:
    entry_date: date
    currency: str
    memo: str
    reason: str
    lines: tuple[LineOrder, ...]

    @property
    def debits(self) -> Decimal:
        return sum((line.debit for line in self.lines), ZERO)

    @property
    def credits(self) -> Decimal:
        return sum((line.credit for line in self.lines), ZERO)


def check_order(organization: Organization, order: AdjustmentOrder, now: datetime) -> dict[int, LedgerAccount]:
    """The accounts an order names, by key. Raises Refusals with everything that is wrong, each at its field."""
    found: list[DomainError] = []
    accounts = {
        account.pk: account
        for account in LedgerAccount.objects.filter(
            organization=organization, pk__in=[line.account_id for line in order.lines]
        )
    }
    for line in order.lines:
        found += _check_line(line, accounts.get(line.account_id))
    if len(order.lines) < 2 or len(order.lines) > MOST_LINES:
        found.append(BadInput(_("An adjustment has from 2 to {most} lines."), code="lines", most=MOST_LINES))
    if order.debits != order.credits:
        sentence = _("Debits {debits} and credits {credits} differ by {difference}.")
        difference = abs(order.debits - order.credits)
        found.append(
            BadInput(
                sentence, code="unbalanced", debits=order.debits, credits=order.credits, difference=difference
            )
        )  # fmt: skip
    found += _check_head(organization, order, now)
    if found:
        raise Refusals(found)
    return accounts


def _check_line(line: LineOrder, account: LedgerAccount | None) -> list[DomainError]:
    place = f"account-{line.row}"
    if account is None:
        return [BadInput(_("Choose a ledger account."), field=place, code="unknown_account")]
    if account.role in CONTROLLED:
        return [BadInput(CONTROLLED[account.role], field=place, code="control_account", account=str(account))]
    if not account.is_active:
        return [BadInput(_("{account} is no longer used."), field=place, code="closed_account", account=str(account))]
    if (line.debit > 0) == (line.credit > 0):
        return [BadInput(_("Give a debit or a credit."), field=f"debit-{line.row}", code="one_side")]
    return []


def _check_head(organization: Organization, order: AdjustmentOrder, now: datetime) -> list[DomainError]:
    found: list[DomainError] = []
    if order.currency not in EXPONENTS:
        sentence = _("Unknown currency {currency}.")
        found.append(BadInput(sentence, field="currency", code="unknown_currency", currency=order.currency))
    if order.entry_date > organization.today(now):
        found.append(BadInput(_("The future is not posted yet."), field="entry_date", code="future_date"))
    elif open_day(organization.pk, order.entry_date) != order.entry_date:
        found.append(PeriodClosed(field="entry_date", month=f"{order.entry_date:%Y-%m}"))
    for name, text, longest in (("memo", order.memo, 200), ("reason", order.reason, 400)):
        try:
            clean_text(text, field=name, longest=longest, required=True)
        except BadInput as refusal:
            found.append(refusal)
    return found


@transaction_required
def make_adjustment(
    *, organization: Organization, order: AdjustmentOrder, request_key: str, now: datetime, by: User
) -> AdjustmentEntry:
    """Write an adjustment down and ask a finance manager to approve exactly it. Nothing is posted before.

    The same key again gives the document made the first time. Raises Refusals, NotPermitted, KeyReused.
    """
    earlier = _earlier(organization, request_key)
    if earlier is not None:
        if (earlier.entry_date, earlier.amount, earlier.memo) != (order.entry_date, order.debits, order.memo.strip()):
            raise KeyReused(field="request_key")
        return earlier
    check_order(organization, order, now)
    return _write(organization, order, None, request_key, now, by)


@transaction_required
def reverse_adjustment(
    *, adjustment: AdjustmentEntry, entry_date: date, reason: str, request_key: str, now: datetime, by: User
) -> AdjustmentEntry:
    """Ask that a posted adjustment be taken back by its mirror, dated entry_date. Raises Refusals, BadInput."""
    earlier = _earlier(adjustment.organization, request_key)
    if earlier is not None:
        if earlier.reverses_id != adjustment.pk:
            raise KeyReused(field="request_key")
        return earlier
    adjustment = _locked(adjustment)
    if adjustment.state != AdjustmentState.POSTED or adjustment.reverses_id is not None:
        raise BadInput(_("{number} cannot be taken back."), code="wrong_state", number=adjustment.number)
    if adjustment.reversals.filter(state__in=(AdjustmentState.WAITING, AdjustmentState.POSTED)).exists():
        raise BadInput(
            _("{number} is taken back already, or somebody asked for it."), code="reversed", number=adjustment.number
        )
    lines = tuple(
        LineOrder(line.account_id, line.credit, line.debit, line.department, line.project)
        for line in adjustment.lines.order_by("ordinal")
    )
    memo = f"Reverses {adjustment.number}: {adjustment.memo}"[:200]
    order = AdjustmentOrder(entry_date, adjustment.currency, memo, reason, lines)
    refusals = _check_head(adjustment.organization, order, now)
    if refusals:
        raise Refusals(refusals)
    return _write(adjustment.organization, order, adjustment, request_key, now, by)


def _earlier(organization: Organization, request_key: str) -> AdjustmentEntry | None:
    key = clean_text(request_key, field="request_key", longest=80, required=True)
    return AdjustmentEntry.objects.filter(organization=organization, request_key=key).first()


def _write(
    organization: Organization, order: AdjustmentOrder, reverses: AdjustmentEntry | None, request_key: str,
    now: datetime, by: User,
) -> AdjustmentEntry:  # fmt: skip
    number = take_numbers(organization, organization.today(now), {"ADJ": 1})["ADJ"][0]
    adjustment = AdjustmentEntry.objects.create(
        organization=organization, number=number, entry_date=order.entry_date, currency=order.currency,
        amount=order.debits, memo=order.memo.strip(), reason=order.reason.strip(), reverses=reverses,
        request_key=request_key.strip(), made_at=now, made_by=by,
    )  # fmt: skip
    AdjustmentLine.objects.bulk_create(
        AdjustmentLine(
            adjustment=adjustment, ordinal=ordinal, organization=organization, account_id=line.account_id,
            debit=line.debit, credit=line.credit,
            department=clean_text(line.department, field=f"department-{line.row}", longest=40),
            project=clean_text(line.project, field=f"project-{line.row}", longest=40),
        )
        for ordinal, line in enumerate(order.lines, 1)
    )  # fmt: skip
    ask_again(adjustment=adjustment, by=by, now=now)
    return adjustment


@transaction_required
def ask_again(*, adjustment: AdjustmentEntry, by: User, now: datetime) -> ApprovalRequest:
    """Ask a finance manager; anew where the first request lapsed. Raises NotPermitted, BadInput (wrong state)."""
    if adjustment.state != AdjustmentState.WAITING:
        raise BadInput(_("{number} is decided."), code="wrong_state", number=adjustment.number)
    return approvals.ask(
        organization=adjustment.organization, action=ADJUST, subject=f"adjustment:{adjustment.pk}",
        title=f"Post adjustment {adjustment.number}", shown=adjustment_facts(adjustment), reason=adjustment.reason,
        by=by, now=now, amount=adjustment.amount, currency=adjustment.currency,
    )  # fmt: skip


def adjustment_facts(adjustment: AdjustmentEntry) -> dict[str, Any]:
    """What is approved: the whole document. Two queries."""
    reverses = adjustment.reverses
    return {
        "deed": "adjustment", "adjustment": adjustment.number, "entry_date": adjustment.entry_date.isoformat(),
        "memo": adjustment.memo, "currency": adjustment.currency, "amount": f"{adjustment.amount:.2f}",
        "reverses": reverses.number if reverses else "", "made_by": adjustment.made_by.username,
        "lines": [
            {
                "ledger_account": str(line.account), "department": line.department, "project": line.project,
                "debit": f"{line.debit:.2f}" if line.debit else "",
                "credit_side": f"{line.credit:.2f}" if line.credit else "",
            }
            for line in adjustment.lines.select_related("account").order_by("ordinal")
        ],
    }  # fmt: skip


def adjustment_of(request: ApprovalRequest) -> AdjustmentEntry:
    """Raises NotFound."""
    rows = AdjustmentEntry.objects.select_related("organization", "made_by", "reverses__entry")
    found = rows.filter(organization=request.organization_id, pk=int(request.subject.split(":")[1])).first()
    if found is None:
        raise NotFound()
    return found


@transaction_required
def post_adjustment(*, request: ApprovalRequest, by: User, now: datetime) -> AdjustmentEntry:
    """The approval is there: the system posts the document in its month, which must still be open.

    Who made it does not approve it, whoever asked. Posts: event "adjusted", or the mirror of what it takes back.
    Raises OwnRequest, PeriodClosed, BadInput and what approvals.use raises.
    """
    adjustment = _locked(adjustment_of(request))
    if adjustment.made_by_id == by.pk:
        raise approvals.OwnRequest()
    facts = adjustment_facts(adjustment)
    approvals.use(request=request, action=ADJUST, subject=f"adjustment:{adjustment.pk}", shown=facts, now=now)
    (entry,) = post_entries(
        organization_id=adjustment.organization_id, drafts=[_draft(adjustment)], now=now, by_id=by.pk
    )
    move(adjustment, AdjustmentState.POSTED, ADJUSTMENT_MOVES, approval=request, entry=entry)
    return adjustment


def _draft(adjustment: AdjustmentEntry) -> Draft:
    key = f"adjustment:{adjustment.number}"
    original = adjustment.reverses.entry if adjustment.reverses else None
    if original is not None:
        lines = original.lines.select_related("account").order_by("ordinal")
        return reversal_of(original, lines, key=key, on=adjustment.entry_date, reason=adjustment.reason)
    rows = list(adjustment.lines.select_related("account").order_by("ordinal"))
    for row in rows:  # the account may have been closed, or given another role, since it was asked for
        order = LineOrder(row.account_id, row.debit, row.credit)
        for refusal in _check_line(order, row.account):
            raise refusal
    return Draft(
        key=key, event="adjusted", entry_date=adjustment.entry_date, currency=adjustment.currency,
        memo=adjustment.memo, reason=adjustment.reason,
        lines=[
            Line(
                Role(row.account.role), debit=row.debit, credit=row.credit, account_id=row.account_id,
                department=row.department, project=row.project,
            )
            for row in rows
        ],
    )  # fmt: skip


@transaction_required
def reject_adjustment(*, request: ApprovalRequest) -> AdjustmentEntry:
    """A finance manager said no: the document stays, unposted."""
    adjustment = _locked(adjustment_of(request))
    move(adjustment, AdjustmentState.REJECTED, ADJUSTMENT_MOVES)
    return adjustment


@transaction_required
def withdraw_adjustment(*, adjustment: AdjustmentEntry) -> AdjustmentEntry:
    """Give up what was asked for before it is decided. Raises IllegalTransition."""
    adjustment = _locked(adjustment)
    move(adjustment, AdjustmentState.WITHDRAWN, ADJUSTMENT_MOVES)
    approvals.withdraw_waiting(f"adjustment:{adjustment.pk}")
    return adjustment


def _locked(adjustment: AdjustmentEntry) -> AdjustmentEntry:
    rows = AdjustmentEntry.objects.select_for_update(of=("self",))
    return rows.select_related("organization", "made_by", "reverses__entry").get(pk=adjustment.pk)
