"""The schedule of an agreement as people ask for it: what was paid, what is next, how late (R57, R59)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Max, Q
from django.utils.translation import gettext_lazy as _

from billing.errors import Sentence
from billing.models import Agreement, Allocation, BillingRunItem, Installment, Invoice
from billing.models.billing_run import ItemState
from billing.models.installment import InstallmentState
from billing.money import ZERO
from billing.office.policies import policies_for_agreements

# Why a period is not billed, where the schedule itself says so.
WHY: dict[str, Sentence] = {
    "vacation": _("vacation"),
    "hold": _("on hold"),
    "part": _("a part of a period is not charged"),
}


@dataclass(frozen=True)
class InstallmentView:
    """One period. state: "planned", "billed", "paid", "part_paid", "overdue", "in_grace" or "skipped".

    amount: what was billed, else what is planned. days_to_due: below zero once the due day is over. days_overdue: 0
    while nothing is open or late. grace_until: last day of grace while something is open. why: of a skipped one.
    """

    installment: Installment
    state: str
    amount: Decimal
    paid_amount: Decimal
    open_amount: Decimal
    due_on: date
    days_to_due: int
    days_overdue: int
    grace_until: date | None
    paid_on: date | None
    invoices: tuple[Invoice, ...]
    why: Sentence = ""

    @property
    def look(self) -> str:
        return f"installment.{self.state}"

    @property
    def invoice_numbers(self) -> tuple[str, ...]:
        return tuple(invoice.number for invoice in self.invoices)

    @property
    def is_settled(self) -> bool:
        return self.state == "paid"


@dataclass(frozen=True)
class ScheduleView:
    """All periods in order, but cancelled ones. total counts those that are billed or will be; pending: not yet paid.

    next: the first that is not paid, None when all are.
    """

    agreement: Agreement
    on: date
    rows: tuple[InstallmentView, ...]

    @property
    def charged(self) -> tuple[InstallmentView, ...]:
        return tuple(row for row in self.rows if row.state != "skipped")

    @property
    def total(self) -> int:
        return len(self.charged)

    @property
    def paid(self) -> int:
        return sum(row.is_settled for row in self.charged)

    @property
    def pending(self) -> int:
        return self.total - self.paid

    @property
    def overdue(self) -> int:
        return sum(row.state in ("overdue", "in_grace") for row in self.charged)

    @property
    def total_amount(self) -> Decimal:
        return sum((row.amount for row in self.charged), ZERO)

    @property
    def paid_amount(self) -> Decimal:
        return sum((row.paid_amount for row in self.charged), ZERO)

    @property
    def next(self) -> InstallmentView | None:
        return next((row for row in self.charged if not row.is_settled), None)

    @property
    def next_due_on(self) -> date | None:
        return self.next.due_on if self.next else None

    @property
    def next_amount(self) -> Decimal | None:
        """What is still to be paid of it."""
        found = self.next
        if found is None:
            return None
        return found.open_amount if found.invoices else found.amount


def schedule_of(agreement: Agreement, on: date) -> ScheduleView:
    """The schedule of one agreement as of a day. Four queries."""
    return schedules_of([agreement], on)[agreement.pk]


def schedules_of(agreements: Iterable[Agreement], on: date) -> dict[int, ScheduleView]:
    """Of agreements of one organization. Four queries, however many."""
    rows = {agreement.pk: agreement for agreement in agreements}
    if not rows:
        return {}
    organization = next(iter(rows.values())).organization
    books = policies_for_agreements(organization, ((a.pk, a.customer_id, a.provider_id) for a in rows.values()))
    installments = Installment.objects.filter(agreement_id__in=rows).exclude(state=InstallmentState.CANCELLED)
    bills = _bills(rows)
    paid_on = _paid_on(invoice.pk for found in bills.values() for invoice in found)
    views: dict[int, list[InstallmentView]] = {pk: [] for pk in rows}
    for installment in installments.order_by("agreement_id", "period_start"):
        grace = books[installment.agreement_id].number("dunning.grace_days")
        views[installment.agreement_id].append(_view(installment, bills.get(installment.pk, []), paid_on, grace, on))
    return {pk: ScheduleView(rows[pk], on, tuple(views[pk])) for pk in rows}  # fmt: skip


def _bills(agreement_ids: Iterable[int]) -> dict[int, list[Invoice]]:
    """Instalment → its standing invoices, one a payer."""
    rows = BillingRunItem.objects.filter(
        agreement_id__in=list(agreement_ids), state=ItemState.BILLED, installment__isnull=False, invoice__isnull=False,
    ).select_related("invoice").order_by("id")  # fmt: skip
    found: dict[int, list[Invoice]] = {}
    for row in rows:
        if row.installment_id is not None and row.invoice is not None:
            found.setdefault(row.installment_id, []).append(row.invoice)
    return found


def _paid_on(invoice_ids: Iterable[int]) -> dict[int, date]:
    """The last day something was set against an invoice and still stands."""
    standing = Q(reverses__isnull=True, reversed_by__isnull=True)
    rows = Allocation.objects.filter(standing, invoice_id__in=list(invoice_ids)).values("invoice_id")
    return {row["invoice_id"]: row["day"] for row in rows.annotate(day=Max("allocated_on"))}


def _view(
    installment: Installment, invoices: list[Invoice], paid_on: Mapping[int, date], grace: int, on: date
) -> InstallmentView:  # fmt: skip
    amount = sum((i.invoiced_amount for i in invoices), ZERO) if invoices else installment.amount
    owed = sum((i.open_amount for i in invoices), ZERO)
    unpaid = [i for i in invoices if i.open_amount] or invoices
    due_on = min((i.due_on for i in unpaid), default=installment.due_on)
    late = (on - due_on).days if owed else 0
    days = [paid_on[i.pk] for i in invoices if i.pk in paid_on]
    return InstallmentView(
        installment=installment, state=state_of(installment, amount, owed, late, grace, bool(invoices)), amount=amount,
        paid_amount=amount - owed if invoices else ZERO, open_amount=owed, due_on=due_on,
        days_to_due=(due_on - on).days, days_overdue=max(0, late),
        grace_until=due_on + timedelta(days=grace) if owed and grace else None,
        paid_on=max(days) if days and not owed else None, invoices=tuple(invoices),
        why=WHY.get(installment.skipped_because, installment.skipped_because),
    )  # fmt: skip


def state_of(installment: Installment, amount: Decimal, owed: Decimal, late: int, grace: int, has_invoice: bool) -> str:
    if installment.state != InstallmentState.BILLED:
        return str(installment.state)
    if not owed:
        return "paid"  # also what came to nothing, or was given back
    if late > grace:
        return "overdue"
    if late > 0:
        return "in_grace"
    return "part_paid" if owed < amount else "billed"
