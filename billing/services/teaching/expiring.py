"""Credit for lessons that nobody used in time (requirements §4 row 12)."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import partial

import structlog
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from billing.errors import DomainError
from billing.models import Allocation, InvoiceKind, LessonCredit
from billing.office.models import Organization, User
from billing.refusals import explained
from billing.services.allocating import allocate_credit, unallocate
from billing.services.invoicing import InvoiceOrder, LineOrder, issue_invoices, void_invoice
from billing.services.locking import lock_customers
from billing.transactions import in_transaction, transaction_required

log = structlog.get_logger(__name__)


def expire_everywhere(*, now: datetime) -> int:
    """Let credit lapse in every organization whose day it has passed. A journey: a transaction for each customer.

    One that cannot be booked, such as in a closed month, keeps no other waiting. How many credits lapsed.
    """
    done = 0
    for organization in Organization.objects.filter(is_active=True).order_by("pk"):
        for customer_id in _due(organization, organization.today(now)):
            lapse = partial(expire_credits, organization=organization, customer_ids=[customer_id], now=now, by=None)
            try:
                with explained():
                    done += len(in_transaction(lapse))
            except DomainError as refusal:
                log.warning("credit_not_expired", customer_id=customer_id, trouble=refusal.code)
    return done


def _due(organization: Organization, today: date) -> list[int]:
    """Customers whose credit has passed its last day. One query."""
    rows = LessonCredit.objects.filter(
        organization=organization, expires_on__lt=today, expired_on__isnull=True, withdrawn_on__isnull=True
    )
    return list(rows.order_by("customer_id").values_list("customer_id", flat=True).distinct())


@transaction_required
def expire_credits(
    *, organization: Organization, customer_ids: Iterable[int], now: datetime, by: User | None
) -> list[LessonCredit]:
    """Let credit of customers lapse whose last day is over; again, nothing happens.

    Make-up lessons and minutes can no longer be used. What is left of money is set at once against an invoice issued
    for it. Posts "Invoice issued" of an expired credit and "Credit allocated".
    """
    ids = list(customer_ids)
    lock_customers(organization, ids)
    today = organization.today(now)
    rows = LessonCredit.objects.filter(
        customer_id__in=ids, expires_on__lt=today, expired_on__isnull=True, withdrawn_on__isnull=True
    ).select_related("credit_memo__credit_item__organization")
    done = list(rows.order_by("pk"))
    for credit in done:
        if credit.credit_memo is not None:
            _take_what_is_left(organization, credit, today, now, by)
        LessonCredit.objects.filter(pk=credit.pk).update(expired_on=today)
        credit.expired_on = today
    return done


def _take_what_is_left(
    organization: Organization, credit: LessonCredit, today: date, now: datetime, by: User | None
) -> None:  # fmt: skip
    assert credit.credit_memo is not None
    item = credit.credit_memo.credit_item
    item.refresh_from_db()
    left = item.unapplied_amount
    if not left:
        return
    assert credit.expires_on is not None
    text = _("Credit {number}, good until {day}").format(number=item.number, day=date_format(credit.expires_on))
    order = InvoiceOrder(
        customer_id=credit.customer_id, lines=[LineOrder(text, left)], issued_on=today, currency=credit.currency,
        kind=InvoiceKind.EXPIRED, agreement_id=credit.agreement_id,
    )  # fmt: skip
    invoice = issue_invoices(organization=organization, orders=[order], now=now, by=by, use_waiting_credit=False)[0]
    allocate_credit(
        credit_item=item, strategy="manual", by_hand=[(invoice.pk, left)], now=now, by=by, exact=True, reason=text
    )


@transaction_required
def withdraw_credit(*, credit: LessonCredit, reason: str, on: date, now: datetime, by: User | None) -> None:
    """Take back credit that should never have been given. Of money the family keeps the memo and is charged as much.

    So what lapsed of it comes back first: whoever lost the credit and is charged for it would pay twice. Posts for it
    the mirrors of "Credit allocated" and "Invoice issued". The caller holds the customer. Raises NotVoidable.
    """
    lapsed = Allocation.objects.filter(
        credit_item__credit_memo__lesson_credit=credit, invoice__kind=InvoiceKind.EXPIRED, reverses__isnull=True,
        reversed_by__isnull=True,
    ).select_related("organization", "invoice__organization")  # fmt: skip
    for one in lapsed:
        unallocate(allocations=[one], now=now, by=by, reason=reason, judge=False)
        void_invoice(invoice=one.invoice, reason=reason, now=now, by=by)
    LessonCredit.objects.filter(pk=credit.pk).update(withdrawn_on=on)
