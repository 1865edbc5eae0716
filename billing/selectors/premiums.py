"""What a policy owes on a day and where it stands: for the counter, the console and the API (R4, R10, R59, R73)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Case, F, Max, OuterRef, Q, Subquery, Sum, When
from django.db.models.functions import Coalesce

from billing.models import (
    Agreement,
    AgreementChange,
    AgreementState,
    Installment,
    InsurancePolicy,
    Invoice,
    LateFee,
)
from billing.models.agreement import ChangeKind
from billing.models.installment import InstallmentState
from billing.models.invoice import InvoiceKind
from billing.money import ZERO
from billing.office.models import Organization
from billing.office.policies import PolicyBook, policies_for
from billing.rules.bills import Json
from billing.rules.fee_months import fee_terms
from billing.rules.late_fee import NO_FEE, LateFeeResult, late_fee
from billing.rules.premium import AmountDue, OwedItem, Standing, add_up, owed_on, standing_of
from billing.rules.priced import total_of
from billing.rules.recurrence import add_months
from billing.rules.schedule import Planned, plan
from billing.selectors.agreed import agreed_book

LATE_FEE = "late_fee"
PREMIUM = "premium"


@dataclass(frozen=True)
class LatePremium:
    """A premium that was not paid when its policy lapsed, or fell due since; invoice None: not billed yet.

    fee: its late fee up to the day it was paid, or else up to the day asked about. billed_fee: what of it was billed;
    billed_period: up to which month, 0 if none.
    """

    item: OwedItem
    invoice: Invoice | None = None
    fee: LateFeeResult = NO_FEE
    billed_fee: Decimal = ZERO
    billed_period: int = 0

    @property
    def fee_left(self) -> Decimal:
        """A month that was billed stays as it was, though the settings have changed since."""
        if self.fee.period <= self.billed_period:
            return ZERO
        return max(ZERO, self.fee.amount - self.billed_fee)


@dataclass(frozen=True)
class RevivalQuote:
    """What a lapsed policy must pay to be in force again. last_on: the last day it may be asked for."""

    last_on: date
    premiums: tuple[LatePremium, ...] = ()

    @property
    def unbilled(self) -> tuple[LatePremium, ...]:
        return tuple(premium for premium in self.premiums if premium.invoice is None)

    @property
    def fee_left(self) -> Decimal:
        """The late fee that is not billed yet."""
        return sum((premium.fee_left for premium in self.premiums), ZERO)

    @property
    def is_billed(self) -> bool:
        return not self.unbilled and not self.fee_left


@dataclass(frozen=True)
class PolicyDue:
    """A policy on a day. amount: what must be paid. next_on, next_amount: what falls due next, None at its end."""

    amount: AmountDue
    standing: Standing
    next_on: date | None = None
    next_amount: Decimal | None = None
    revival: RevivalQuote | None = None


def find_policy(organization: Organization, number: str) -> InsurancePolicy | None:
    """By the number printed on it. One query, be it another organization's or nobody's."""
    rows = InsurancePolicy.objects.filter(organization=organization, policy_number=number)
    return rows.select_related(
        "agreement__insurance", "agreement__customer", "agreement__organization", "agreement__plan"
    ).first()


def book_of(agreement: Agreement) -> PolicyBook:
    """The settings that hold for an agreement. One query."""
    return policies_for(agreement.organization, customer_id=agreement.customer_id, agreement_id=agreement.pk)


def amount_due(agreement: Agreement, on: date, *, customer_id: int | None = None) -> PolicyDue:
    """What a policy owes and where it stands. Three queries at most, and of one that is lapsed those of its quote.

    customer_id: of one of several payers, whose invoices alone count then.
    """
    book = book_of(agreement)
    invoices = open_of(agreement, customer_id)
    items = [item_of(invoice) for invoice in invoices]
    late = [item.due_on for item in items if item.kind == PREMIUM and item.due_on < on]
    standing = standing_of(agreement.state, min(late, default=None), book.number("dunning.grace_days"), on)
    quote = revival_quote(agreement, on, book) if agreement.state == AgreementState.LAPSED else None
    if quote is not None:
        items += [premium.item for premium in quote.unbilled]
        if quote.fee_left:
            items.append(OwedItem(LATE_FEE, on, quote.fee_left, ZERO, quote.fee_left))
    next_on, next_amount = _next(agreement, items)
    return PolicyDue(add_up(owed_on(items, on), agreement.currency, on), standing, next_on, next_amount, quote)


def open_of(agreement: Agreement, customer_id: int | None = None) -> list[Invoice]:
    """The open invoices of an agreement, the earliest due first, each with the bill it came of. One query."""
    rows = Invoice.objects.filter(agreement=agreement).open().select_related("bill__installment")
    rows = rows.order_by("due_on", "id")
    return list(rows.filter(customer_id=customer_id) if customer_id else rows)


def item_of(invoice: Invoice) -> OwedItem:
    """Given its bill and the instalment of that. No query."""
    bill = getattr(invoice, "bill", None)
    period = bill.installment if bill is not None else None
    discount = sum((Decimal(line["discount"]) for line in lines_of(invoice)), ZERO)
    return OwedItem(
        _kind(invoice), invoice.due_on, invoice.net_amount, invoice.tax_amount, invoice.open_amount, discount,
        invoice.number, invoice.period_start, invoice.period_end, period.due_on if period is not None else None,
    )  # fmt: skip


def lines_of(invoice: Invoice) -> list[Json]:
    """The lines of the bill it came of. Given that, no query."""
    bill = getattr(invoice, "bill", None)
    return bill.lines if bill is not None else []


def _kind(invoice: Invoice) -> str:
    if invoice.kind == InvoiceKind.FEE:
        return LATE_FEE
    return PREMIUM if invoice.kind == InvoiceKind.SALE and invoice.period_start else invoice.kind


def _next(agreement: Agreement, items: Sequence[OwedItem]) -> tuple[date | None, Decimal | None]:
    """The earliest premium that is not paid, billed or not. One query at most."""
    premiums = [item for item in items if item.kind == PREMIUM]
    if premiums:
        first = min(premiums, key=lambda item: item.due_on)
        return first.due_on, first.open_amount
    planned = Installment.objects.filter(agreement=agreement, state=InstallmentState.PLANNED).order_by("due_on")
    row = planned.values_list("due_on", "amount").first()
    return row if row else (None, None)


# Revival (R74, requirements §2 row 14)


def revival_quote(agreement: Agreement, on: date, book: PolicyBook) -> RevivalQuote:
    """What a lapsed policy must pay: premiums late when it lapsed or due since, each with its late fee.

    A premium paid since the lapse counts with the fee up to that day; one paid as of a day in grace has none. Two
    queries, and those of agreed_book.
    """
    found = [*_late_invoices(agreement, on, book), *_missed(agreement, on, book)]
    return RevivalQuote(last_day_to_revive(agreement, book), tuple(found))


def last_day_to_revive(agreement: Agreement, book: PolicyBook) -> date:
    return add_months(lapse_day(agreement), book.number("premiums.revival_months"))


def lapse_day(agreement: Agreement) -> date:
    policy = getattr(agreement, "insurance", None)
    day: date = (policy.lapsed_on if policy else None) or agreement.state_since
    return day


def _late_invoices(agreement: Agreement, on: date, book: PolicyBook) -> list[LatePremium]:
    """One billed while the policy was lapsed is as late as the period it is for, any other from its own due day."""
    stands = Q(allocations__reverses__isnull=True, allocations__reversed_by__isnull=True)
    billed = LateFee.objects.filter(invoice=OuterRef("pk")).order_by().values("invoice")
    # What is billed to revive a policy, and its revival, may be of one instant.
    before = Q(kind=ChangeKind.LAPSED, made_at__lte=OuterRef("issued_at")) | Q(
        kind=ChangeKind.REVIVED, made_at__lt=OuterRef("issued_at")
    )
    moves = AgreementChange.objects.filter(before, agreement=agreement).order_by("-id")
    rows: Any = (
        Invoice.objects.filter(
            agreement=agreement, kind=InvoiceKind.SALE, voided_on__isnull=True, period_start__isnull=False,
        )
        .annotate(
            paid_on=Max("allocations__allocated_on", filter=stands),
            fees=Subquery(billed.annotate(sum=Sum("amount")).values("sum")),
            last_fee=Subquery(billed.annotate(last=Max("period")).values("last")),
            last_move=Subquery(moves.values("kind")[:1]),
            was_due_on=Case(
                When(last_move=ChangeKind.LAPSED, then=Coalesce("bill__installment__due_on", "due_on")),
                default=F("due_on"),
            ),
        )
        .filter(Q(open_amount__gt=0) | Q(paid_on__gte=lapse_day(agreement)), was_due_on__lte=on)
        .select_related("bill__installment", "customer")
        .order_by("was_due_on", "id")
    )  # fmt: skip
    found = []
    for row in rows:
        until = on if row.open_amount else min(on, row.paid_on)
        fee = fee_of(book, base=row.net_amount, due_on=row.was_due_on, on=until, currency=row.currency)
        item = replace(item_of(row), late_from=row.was_due_on)
        found.append(LatePremium(item, row, fee, row.fees or ZERO, row.last_fee or 0))
    return found


def _missed(agreement: Agreement, on: date, book: PolicyBook) -> list[LatePremium]:
    found = []
    for period in missed_periods(agreement, on):
        net, tax, discount = total_of(period.lines)
        item = OwedItem(PREMIUM, period.due_on, net, tax, net + tax, discount, "", period.start, period.end)
        fee = fee_of(book, base=net, due_on=period.due_on, on=on, currency=agreement.currency)
        found.append(LatePremium(item, None, fee))
    return found


def missed_periods(agreement: Agreement, on: date) -> list[Planned]:
    """Periods that fell due up to a day while a policy was lapsed: they would have been billed, had it not been."""
    book = agreed_book(agreement.organization, [agreement.pk])
    mine = Installment.objects.filter(agreement=agreement)
    settled = mine.filter(state__in=(InstallmentState.BILLED, InstallmentState.SKIPPED))
    taken = list(settled.values_list("period_start", "period_end"))
    agreed = replace(book.agreed[agreement.pk], stop_on=None)
    periods = plan(agreed, book.customs(agreement.pk), book, until=on, taken=taken, since=lapse_day(agreement))
    return [period for period in periods if period.lines and period.due_on <= on]


def fee_of(book: PolicyBook, *, base: Decimal, due_on: date, on: date, currency: str) -> LateFeeResult:
    """The late fee of the settings: all of it up to a day, whatever was billed."""
    terms = fee_terms(book, currency)
    return late_fee(
        kind=terms.kind, base=base, rate=terms.rate, flat=terms.flat, minimum=terms.minimum, maximum=terms.maximum,
        due_on=due_on, on=on, grace_days=terms.grace_days, currency=currency,
    )  # fmt: skip
