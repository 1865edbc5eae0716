"""Carrying out a billing run: its bills become invoices, each once, whatever is killed or run twice (R52)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import structlog
from django.db import DataError, IntegrityError, OperationalError, transaction
from django.utils.translation import override

from billing.bulk import collector_at_rest
from billing.errors import DomainError
from billing.models import BillingRun, Invoice
from billing.models.billing_run import ITEM_MOVES, RUN_MOVES, BillingRunItem, ItemState, RunKind, RunState
from billing.office.models import Organization, User
from billing.office.numbers import hold_series
from billing.refusals import explained
from billing.services.runs.billing import Billed, bill_items, claim_agreements, items_of
from billing.services.runs.preparing import RunOrder, prepare_run
from billing.states import move, move_many
from billing.transactions import DEADLOCK, LOCK_NOT_AVAILABLE, transaction_required

log = structlog.get_logger(__name__)

# Agreements a transaction: large enough to be fast, small enough that a clerk waits for a number for a moment only.
CHUNK = 500
BUSY = (LOCK_NOT_AVAILABLE, DEADLOCK)


@dataclass
class RunOutcome:
    """What became of a run's bills in one go. is_done: none is left to bill."""

    run: BillingRun
    invoices: int = 0
    memos: int = 0
    without_document: int = 0
    refused: int = 0
    skipped: int = 0
    is_done: bool = False
    troubles: list[str] = field(default_factory=list)

    @property
    def bills(self) -> int:
        return self.invoices + self.memos + self.without_document

    def add(self, part: Billed) -> None:
        self.invoices += len(part.invoices)
        self.memos += part.memos
        self.without_document += part.without_document
        self.refused += part.refused
        self.skipped += part.skipped


def carry_out_run(*, run: BillingRun, now: datetime, by: User | None, most: int | None = None) -> RunOutcome:
    """Bill what an approved run still has to bill. A journey: opens transactions, one for every few hundred agreements.

    most: stop after so many agreements; the rest is for the job. Killed anywhere and run again, or run by two at once,
    each period is billed once: a bill is claimed while it is planned, and its period billed only while that is.
    What changed since it was approved is refused with the reason, never billed otherwise. A run that is not approved
    bills nothing. Posts what issue_invoices and issue_credit_memo post, dated today or, if later, on the run's day.
    """
    run = BillingRun.objects.select_related("organization").get(pk=run.pk)
    outcome = RunOutcome(run)
    if run.state != RunState.APPROVED:
        outcome.is_done = run.state == RunState.DONE
        return outcome
    waiting = _waiting(run)[:most]
    for start in range(0, len(waiting), CHUNK):
        for part in _billed(run, waiting[start : start + CHUNK], now, by, outcome):
            outcome.add(part)
    outcome.is_done = _finish(run, now)
    return outcome


def _waiting(run: BillingRun) -> list[int]:
    """Agreements with a bill to make, in the order of the run."""
    rows = BillingRunItem.objects.filter(run=run, state=ItemState.PLANNED).order_by("ordinal")
    return list(dict.fromkeys(rows.values_list("agreement_id", flat=True)))


def _billed(
    run: BillingRun, agreement_ids: Sequence[int], now: datetime, by: User | None, outcome: RunOutcome
) -> Iterator[Billed]:
    """Bill these in one transaction; if one stops it, in halves, so that only that one stays behind."""
    try:
        with explained(), transaction.atomic(), collector_at_rest():
            found = _bill_claimed(run, agreement_ids, now, by)
    except (DomainError, IntegrityError, DataError, OperationalError) as trouble:
        if isinstance(trouble, OperationalError) and getattr(trouble.__cause__, "sqlstate", "") not in BUSY:
            raise
        if len(agreement_ids) > 1:
            middle = len(agreement_ids) // 2
            yield from _billed(run, agreement_ids[:middle], now, by, outcome)
            yield from _billed(run, agreement_ids[middle:], now, by, outcome)
            return
        log.warning("bill_refused", run=run.number, agreement=agreement_ids[0], trouble=type(trouble).__name__)
        found = _refuse(run, agreement_ids[0], trouble, outcome)
    yield found


def _bill_claimed(run: BillingRun, agreement_ids: Sequence[int], now: datetime, by: User | None) -> Billed:
    claimed = claim_agreements(run, agreement_ids)
    return bill_items(run=run, items=items_of(run, claimed), now=now, by=by) if claimed else Billed()


def _refuse(run: BillingRun, agreement_id: int, trouble: Exception, outcome: RunOutcome) -> Billed:
    """Write down why an agreement could not be billed; a lock that did not come leaves it for the next round.

    Nothing is written where another worker has it by now: what becomes of it there is what holds.
    """
    with override("en"):
        sentence = str(trouble) if isinstance(trouble, DomainError) else type(trouble).__name__
    outcome.troubles.append(sentence)
    if isinstance(trouble, OperationalError):
        return Billed()
    with transaction.atomic():
        keys = [item.key for item in items_of(run, claim_agreements(run, [agreement_id]))]
        move_many(BillingRunItem, keys, ItemState.PLANNED, ItemState.REFUSED, ITEM_MOVES, reason=sentence[:200])
    return Billed(refused=len(keys))


def _finish(run: BillingRun, now: datetime) -> bool:
    """Whoever bills the last one closes the run; what another worker still holds is not seen as billed yet."""
    with transaction.atomic():
        locked = BillingRun.objects.select_for_update(no_key=True).get(pk=run.pk)
        if locked.state == RunState.APPROVED:
            if BillingRunItem.objects.filter(run=run, state=ItemState.PLANNED).exists():
                return False
            move(locked, RunState.DONE, RUN_MOVES, finished_at=now)
    run.state, run.finished_at = locked.state, locked.finished_at
    return True


@transaction_required
def bill_agreements(
    *, organization: Organization, agreement_ids: Collection[int], on: date, now: datetime, by: User | None
) -> list[Invoice]:
    """Bill now what these agreements have to bill up to a day: a supplement run of their own, in the caller's
    transaction, which has their customers locked.

    No second person is asked: what is billed is what was agreed. Posts what a run posts. Empty if there is nothing.
    Raises what issue_invoices raises.
    """
    today = organization.today(now)
    issue_on = max(on, today)
    hold_series(organization, today, "CM", "INV", "RUN")  # the caller may have issued invoices already
    order = RunOrder(RunKind.SUPPLEMENT, on, issue_on, agreement_ids, is_approved=True)
    run = prepare_run(organization=organization, order=order, now=now, by=by)
    if run is None:
        return []
    found = bill_items(run=run, items=items_of(run, list(agreement_ids)), now=now, by=by)
    move(run, RunState.DONE, RUN_MOVES, finished_at=now)
    return found.invoices
