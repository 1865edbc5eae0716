"""Writing earnings with their journal entries, under the one lock of an organization's earnings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from billing.bulk import insert_rows
from billing.ledger.posting import open_day, post_entries
from billing.models import Earning, EarningMark
from billing.models.earning import EarningKind
from billing.models.party import ProviderKind
from billing.office.models import Organization
from billing.postings import earned
from billing.rules.priced import Step
from billing.transactions import transaction_required

# Note [One lock for all earnings]
# Accruing and paying out read sums of earnings and write rows that follow from them. Both take the row of the
# organization's mark first, and no customer's lock, so two workers or two batches wait for each other and never for a
# counter. The journal's counter comes last, as everywhere.


@dataclass(frozen=True)
class EarningOrder:
    """An earning to write. amount below zero takes back. on: the day it happened; booked in an open month."""

    provider_id: int
    pays: ProviderKind
    kind: EarningKind
    source: str
    on: date
    currency: str
    amount: Decimal
    steps: Sequence[Step]
    memo: str
    agreement_id: int | None = None
    attendance_id: int | None = None
    allocation_id: int | None = None
    reverses_id: int | None = None


@transaction_required
def lock_earnings(organization: Organization) -> EarningMark:
    """Hold all earnings of the organization until commit."""
    marks = EarningMark.objects.select_for_update(no_key=True).filter(organization=organization)
    mark = marks.first()
    if mark is None:
        EarningMark.objects.bulk_create([EarningMark(organization=organization)], ignore_conflicts=True)
        mark = marks.get()
    return mark


@transaction_required
def book_earnings(*, organization: Organization, orders: Sequence[EarningOrder], now: datetime) -> list[Earning]:
    """Write earnings, each with its entry; the day of an earning is that of its entry. Posts "Lesson earned" etc."""
    days = {day: open_day(organization.pk, day) for day in {order.on for order in orders}}
    drafts = [
        earned(
            key=f"earning:{order.source}", memo=order.memo, provider_id=order.provider_id, provider_kind=order.pays,
            amount=order.amount, currency=order.currency, on=days[order.on],
        )
        for order in orders
    ]  # fmt: skip
    entries = post_entries(organization_id=organization.pk, drafts=drafts, now=now, by_id=None)
    return insert_rows(Earning, (
        Earning(
            organization=organization, provider_id=order.provider_id, kind=order.kind, source=order.source,
            agreement_id=order.agreement_id, attendance_id=order.attendance_id, allocation_id=order.allocation_id,
            reverses_id=order.reverses_id, earned_on=days[order.on], currency=order.currency, amount=order.amount,
            derivation=[one.to_json() for one in order.steps], entry=entry, made_at=now,
        )
        for order, entry in zip(orders, entries, strict=True)
    ))  # fmt: skip
