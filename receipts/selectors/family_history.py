"""What a family paid, got back and tried, with what each of it did: own records alone (R156)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Exists, OuterRef, Q, QuerySet

from billing.models import Allocation, CreditItem, CreditKind, Invoice
from billing.office.models import Organization
from payments.models import AttemptClaim, Payment, PaymentAttempt, Refund
from payments.models.attempt import AttemptState
from payments.selectors.family_home import TAKES


@dataclass(frozen=True)
class Wanted:
    """Whose records, narrowed to an organization, a child (a student's key) and a year; empty: not narrowed."""

    customer_ids: Sequence[int]
    organizations: Sequence[Organization] = ()
    school: str = ""
    child: int | None = None
    year: int | None = None


@dataclass
class Used:
    """What became of a credit item. standing: set against invoices now. undone: was, and was taken off again."""

    standing: list[Allocation] = field(default_factory=list)
    undone: list[Allocation] = field(default_factory=list)


def own_payments(wanted: Wanted) -> QuerySet[Payment]:
    """In any state, the latest first."""
    rows = Payment.objects.filter(_own(wanted))
    if wanted.year:
        rows = rows.filter(received_on__year=wanted.year)
    if wanted.child:
        charged = _tried_for(wanted.child, attempt__payment=OuterRef("pk"))
        rows = rows.filter(_for_child("credit_item", wanted.child) | charged)
    return rows.order_by("-received_on", "-id")


def own_refunds(wanted: Wanted) -> QuerySet[Refund]:
    """Asked for, decided or paid, the latest first."""
    rows = Refund.objects.filter(_own(wanted))
    if wanted.year:
        rows = rows.filter(requested_on__year=wanted.year)
    if wanted.child:
        of_bill = Q(invoice__agreement__student=wanted.child)
        rows = rows.filter(of_bill | _for_child("credit_item", wanted.child))
    return rows.order_by("-requested_on", "-id")


def own_failures(wanted: Wanted) -> QuerySet[PaymentAttempt]:
    """Charges that were refused, the latest first."""
    rows = PaymentAttempt.objects.filter(_own(wanted), operation__in=TAKES, state=AttemptState.DECLINED)
    if wanted.year:
        rows = rows.filter(_in_year(wanted.organizations, wanted.year))
    if wanted.child:
        rows = rows.filter(_tried_for(wanted.child, attempt=OuterRef("pk")))
    return rows.order_by("-id")


def own_credits(wanted: Wanted) -> QuerySet[CreditItem]:
    """Credit memos, moved money, and of payments what is not used: the latest first."""
    rows = CreditItem.objects.filter(_own(wanted)).exclude(kind=CreditKind.PAYMENT, unapplied_amount=0)
    if wanted.year:
        rows = rows.filter(available_on__year=wanted.year)
    return rows.order_by("-available_on", "-id")


def _own(wanted: Wanted) -> Q:
    own = Q(customer_id__in=list(wanted.customer_ids))
    return own & Q(organization__code=wanted.school) if wanted.school else own


def _for_child(credit_item: str, child: int) -> Q:
    """Credit that was ever set against an invoice for the child."""
    return Q(Exists(
        Allocation.objects.filter(credit_item=OuterRef(credit_item), invoice__agreement__student=child)
    ))  # fmt: skip


def _tried_for(child: int, **where: object) -> Q:
    return Q(Exists(AttemptClaim.objects.filter(invoice__agreement__student=child, **where)))


def _in_year(organizations: Iterable[Organization], year: int) -> Q:
    """The year as each organization's calendar has it."""
    found = Q(pk__in=())
    for one in organizations:
        first, end = (datetime(which, 1, 1, tzinfo=one.zone) for which in (year, year + 1))
        found |= Q(organization=one, created_at__gte=first, created_at__lt=end)
    return found


def years_of(customer_ids: Iterable[int]) -> Sequence[int]:
    """In which the family paid something or was given credit, the latest first. Two queries."""
    keys = list(customer_ids)
    paid = Payment.objects.filter(customer_id__in=keys).dates("received_on", "year")
    credited = CreditItem.objects.filter(customer_id__in=keys).dates("available_on", "year")
    return sorted({day.year for day in (*paid, *credited)}, reverse=True)


def used_of(credit_items: Iterable[int | None]) -> Mapping[int, Used]:
    """Credit item → what became of it. One query."""
    rows = Allocation.objects.filter(credit_item__in=[pk for pk in credit_items if pk], reverses__isnull=True)
    found: dict[int, Used] = {}
    for row in rows.select_related("invoice__agreement__student", "reversed_by").order_by("allocated_on", "pk"):
        used = found.setdefault(row.credit_item_id, Used())
        (used.undone if hasattr(row, "reversed_by") else used.standing).append(row)
    return found


def paid_on(invoice: Invoice) -> list[Allocation]:
    """What was ever set against an invoice, in the order of its days, with the payment and receipt it came by.

    One query.
    """
    rows = Allocation.objects.filter(invoice=invoice, reverses__isnull=True)
    return list(
        rows.select_related("credit_item__payment__receipt", "reversed_by").order_by("allocated_on", "pk")
    )  # fmt: skip


def free_credit(invoice: Invoice) -> Decimal:
    """What the invoice's customer has on hand in its currency. One query."""
    rows = CreditItem.objects.filter(customer=invoice.customer_id, currency=invoice.currency).unapplied()
    return sum(rows.values_list("unapplied_amount", flat=True), Decimal(0))
