"""Making money of a credit item free again, to give it back or to move it elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from billing.errors import DomainError
from billing.models import Allocation, AllocationKind, CreditItem
from billing.money import ZERO
from billing.office.models import User
from billing.services.allocating import allocate_credit, unallocate
from billing.transactions import transaction_required


class MoreThanIsThere(DomainError):
    code = "more_than_left"
    sentence = _("Only {left} of {amount} is left.")


@dataclass(frozen=True)
class Freed:
    """One allocation to be taken back, and how much of its credit is set against the same invoice again."""

    allocation: Allocation
    kept: Decimal

    @property
    def freed(self) -> Decimal:
        taken: Decimal = self.allocation.amount - self.kept
        return taken


def plan_freeing(credit_item: CreditItem, amount: Decimal) -> list[Freed]:
    """Which allocations are taken back so that `amount` is unapplied: the latest first. One query.

    Raises MoreThanIsThere if applied and unapplied together are less.
    """
    wanted = amount - credit_item.unapplied_amount
    plan = []
    for allocation in standing_credit(credit_item) if wanted > ZERO else ():
        taken = min(wanted, allocation.amount)
        plan.append(Freed(allocation, allocation.amount - taken))
        wanted -= taken
        if not wanted:
            break
    if wanted > ZERO:
        left = amount - wanted
        raise MoreThanIsThere(field="amount", left=f"{left:.2f}", amount=f"{credit_item.amount:.2f}")
    return plan


def standing_credit(credit_item: CreditItem) -> Sequence[Allocation]:
    """The credit allocations of an item that stand, the latest first."""
    rows = Allocation.objects.filter(
        credit_item=credit_item, kind=AllocationKind.CREDIT, reverses__isnull=True, reversed_by__isnull=True
    )
    return list(rows.select_related("invoice", "organization").order_by("-id"))


def shown_freeing(plan: Sequence[Freed]) -> list[dict[str, Any]]:
    """The plan as facts for a preview and an approval."""
    return [
        {"invoice": freed.allocation.invoice.number, "kind": "credit", "amount": f"{freed.freed:.2f}"} for freed in plan
    ]


@transaction_required
def free_credit(*, credit_item: CreditItem, amount: Decimal, now: datetime, by: User | None, reason: str) -> CreditItem:
    """Take allocations back, the latest first, until `amount` of the item is unapplied; its invoices reopen.

    credit_item: of a locked customer, read after the lock. What is taken back beyond the amount is set against the same
    invoice again. A discount or write-off that hung on an allocation goes with it. Returns the item as it is then.
    Raises MoreThanIsThere. Posts what unallocate and allocate_credit post.
    """
    plan = plan_freeing(credit_item, amount)
    if plan:
        unallocate(allocations=[freed.allocation for freed in plan], now=now, by=by, reason=reason, judge=False)
    for freed in plan:
        if freed.kept:
            again = [(freed.allocation.invoice_id, freed.kept)]
            allocate_credit(
                credit_item=credit_item, strategy="manual", by_hand=again, now=now, by=by, reason=reason, exact=True
            )  # fmt: skip
    return CreditItem.objects.select_for_update(no_key=True).get(pk=credit_item.pk)


@transaction_required
def count_refunded(credit_item: CreditItem, amount: Decimal) -> None:
    """Move the counter of what was given back; negative: it was not given back after all. The row's CHECK referees."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE billing_credititem SET refunded_amount = refunded_amount + %s WHERE id = %s",
            [amount, credit_item.pk],
        )
    credit_item.refresh_from_db()
