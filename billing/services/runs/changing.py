"""Changing a run while it is looked at: leaving bills out, taking them in, preparing it anew, cancelling it."""

from datetime import datetime

from django.db import connection
from django.utils.translation import gettext_lazy as _

from billing.errors import BadInput, DomainError, NotFound
from billing.inputs import clean_text
from billing.models import BillingRun
from billing.models.billing_run import ITEM_MOVES, RUN_MOVES, BillingRunItem, ItemState, RunKind, RunState
from billing.office import approvals
from billing.services.runs.preparing import RunOrder, bills_to_make, lock_preparing, write_items
from billing.states import move, move_many
from billing.transactions import transaction_required


class RunFrozen(DomainError):
    code = "run_frozen"
    sentence = _("Run {number} is {state}; what it bills does not change any more.")


class NothingToBill(DomainError):
    code = "nothing_to_bill"
    sentence = _("There is nothing to bill up to {until}.")


def subject_of(run: BillingRun) -> str:
    """What approvals about a run are filed under."""
    return f"billing_run:{run.pk}"


@transaction_required
def lock_preview(run: BillingRun) -> BillingRun:
    """Lock a run that is being looked at. Raises RunFrozen."""
    locked = BillingRun.objects.select_for_update(no_key=True, of=("self",)).select_related("organization")
    run = locked.get(pk=run.pk)
    if run.state != RunState.PREVIEW:
        raise RunFrozen(number=run.number, state=run.get_state_display())
    return run


@transaction_required
def leave_out(*, run: BillingRun, item_id: int, reason: str) -> int:
    """Leave a bill out of a run, with those of the other payers of the same period: half a period is not billed.

    A regular run does not take it up again, a supplement does. Returns how many bills that were.
    Raises RunFrozen, NotFound, BadInput (no reason).
    """
    reason = clean_text(reason, field="reason", longest=200, required=True)
    return _move_group(run, item_id, ItemState.PLANNED, ItemState.EXCLUDED, reason)


@transaction_required
def take_in(*, run: BillingRun, item_id: int) -> int:
    """Bill it after all, with those of the other payers of the same period. Raises RunFrozen, NotFound."""
    return _move_group(run, item_id, ItemState.EXCLUDED, ItemState.PLANNED, "")


def _move_group(run: BillingRun, item_id: int, old: ItemState, to: ItemState, reason: str) -> int:
    run = lock_preview(run)
    chosen = BillingRunItem.objects.filter(run=run, pk=item_id).select_related("installment").first()
    if chosen is None:
        raise NotFound(field="item")
    together = BillingRunItem.objects.filter(
        run=run, agreement=chosen.agreement_id, installment=chosen.installment, state=old
    )
    keys = list(together.values_list("pk", flat=True))
    move_many(BillingRunItem, keys, old, to, ITEM_MOVES, reason=reason)
    return len(keys)


@transaction_required
def refresh_run(*, run: BillingRun) -> BillingRun:
    """Prepare a run anew, as things are now. What was left out stays so, if it is still there. Set-based.

    Raises RunFrozen, NothingToBill.
    """
    lock_preparing(run.organization)
    run = lock_preview(run)
    order = RunOrder(RunKind(run.kind), run.bill_until, run.issue_on)
    bills = bills_to_make(run.organization, order)
    if not bills:
        raise NothingToBill(until=run.bill_until)
    items = BillingRunItem.objects.filter(run=run)
    left = items.filter(state=ItemState.EXCLUDED).values_list("agreement_id", "installment_id", "reason")
    reasons = {(agreement_id, installment_id or 0): reason for agreement_id, installment_id, reason in left}
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM billing_billingrunitem WHERE run_id = %s", [run.pk])
    again = {
        item.pk: reasons[item.agreement_id, item.installment_id or 0]
        for item in write_items(run, bills)
        if (item.agreement_id, item.installment_id or 0) in reasons
    }
    move_many(
        BillingRunItem, list(again), ItemState.PLANNED, ItemState.EXCLUDED, ITEM_MOVES,
        values={"reason": list(again.values())},
    )  # fmt: skip
    return run


@transaction_required
def cancel_run(*, run: BillingRun, reason: str, now: datetime) -> BillingRun:
    """Give a run up before it bills anything; requests about it are taken back. Raises RunFrozen, BadInput."""
    reason = clean_text(reason, field="reason", longest=400, required=True)
    run = lock_preview(run)
    approvals.withdraw_waiting(subject_of(run))
    move(run, RunState.CANCELLED, RUN_MOVES, note=reason, finished_at=now)
    return run


def check_bills(run: BillingRun) -> None:
    """Raises BadInput if nothing is left to bill in a run."""
    if not BillingRunItem.objects.filter(run=run, state=ItemState.PLANNED).exists():
        raise BadInput(_("Every bill of the run is left out; cancel it instead."), code="nothing_left")
