"""Refunds that were started in Zoho, mirrored here once (R106; requirements §2 row 9).

Zoho's permitted users asked for and decided them there; here nobody asks or approves, and nothing is paid out again.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from billing.errors import DomainError
from billing.models import CreditItem, Invoice
from billing.office.numbers import take_numbers
from billing.services.freeing import MoreThanIsThere
from billing.states import move
from billing.transactions import transaction_required
from payments.gateways.zoho.codes import GIVEN_BACK
from payments.gateways.zoho.objects import GivenBack
from payments.models import Payment, Refund, RefundAttempt, ZohoPayment, ZohoRefund, ZohoSubscription
from payments.models.refund import (
    REFUND_MOVES,
    RESERVED,
    AttemptState,
    Destination,
    RefundReason,
    RefundState,
    RequestedVia,
)
from payments.selectors.places import ledger_account_of
from payments.services.refund_books import mark_paid, reserve
from payments.services.refund_notices import tell_customer
from payments.services.refund_plans import RefundPlan, plan_refund
from payments.services.zoho.telling import tell_office


@transaction_required
def mirror_refunds(
    *, link: ZohoSubscription, row: ZohoPayment, refunds: Iterable[GivenBack], now: datetime
) -> list[str]:
    """Refunds of a payment that are new, each in a savepoint: one that cannot be mirrored waits for a person."""
    known, did = set(row.refunds.values_list("remote_id", flat=True)), []
    for back in sorted(refunds, key=lambda one: (one.on, one.id)):
        if back.id not in known and back.status in GIVEN_BACK:
            did.append(_mirror(link, row, back, now))
    return did


def _mirror(link: ZohoSubscription, row: ZohoPayment, back: GivenBack, now: datetime) -> str:
    refund, trouble = None, ""
    try:
        with transaction.atomic():
            refund = _asked_here(row, back)
            if row.payment is None:
                trouble = f"{back.amount} was refunded in Zoho of money that Zoho did not take."
            elif refund is not None:
                done = refund.state == RefundState.PROCESSED
                trouble = "" if done else f"{refund} was paid out in Zoho; report its outcome here."
            else:
                refund = give_back(payment=row.payment, back=back, now=now)
    except DomainError as refusal:
        trouble = f"{back.amount} was refunded in Zoho and cannot be booked here: {refusal}"
    ZohoRefund.objects.create(
        organization=link.organization, zoho_payment=row, refund=refund, remote_id=back.id, amount=back.amount,
        refunded_on=back.on, credit_note=back.credit_note, trouble=trouble[:300], made_at=now,
    )  # fmt: skip
    if trouble:
        tell_office(link=link, trouble=trouble, now=now)
    return trouble or f"refund {refund}"


def _asked_here(row: ZohoPayment, back: GivenBack) -> Refund | None:
    """A refund that was asked for here and carried out in Zoho: it is the same money, booked once."""
    rows = Refund.objects.filter(payment__isnull=False, payment=row.payment_id, gross_amount=back.amount)
    return rows.filter(state__in=RESERVED, zoho__isnull=True).order_by("pk").first()


@transaction_required
def give_back(*, payment: Payment, back: GivenBack, now: datetime) -> Refund:
    """A refund that is paid out already. payment: of a locked customer.

    Where Zoho wrote a credit note the bill was reduced there, and is here; else its invoices reopen. Posts "Refund
    approved", what freeing posts, and "Refund paid" from the account at Zoho. Its paper follows by itself.
    Raises MoreThanIsThere.
    """
    organization = payment.organization
    assert payment.credit_item_id is not None
    item = CreditItem.objects.select_for_update(no_key=True).get(pk=payment.credit_item_id)
    item.organization = organization
    plan = _plan(item, back)
    on = min(back.on, organization.today(now))
    number = take_numbers(organization, organization.today(now), {"REF": 1})["REF"][0]
    refund = Refund.objects.create(
        organization=organization, customer_id=payment.customer_id, credit_item=item, payment=payment, number=number,
        reason_code=RefundReason.OTHER, reason=(back.text or "Refunded in Zoho Billing")[:400], currency=item.currency,
        gross_amount=back.amount, paid_amount=back.amount, destination=Destination.SOURCE,
        payee_name=(payment.payer_name or payment.customer.name)[:160],
        invoice=plan.memo.invoice if plan.memo else None,
        eligibility={"zoho": back.id}, requested_via=RequestedVia.ZOHO, request_key=f"zoho:{payment.pk}:{back.id}"[:80],
        requested_on=on, requested_at=now, expected_on=on,
    )  # fmt: skip
    key = f"refund:{number}:approved"
    entry, memo = reserve(refund=refund, plan=plan, now=now, by=None, key=key)
    move(refund, RefundState.APPROVED, REFUND_MOVES, approved_at=now, entry=entry, credit_memo=memo)
    RefundAttempt.objects.create(
        refund=refund, ordinal=1, state=AttemptState.SUCCEEDED, method=payment.method, reference=back.id[:80],
        sent_on=on, sent_at=now, settled_at=now,
    )  # fmt: skip
    mark_paid(
        refund=refund, method=payment.method, on=on, now=now, by=None, ledger_account_id=ledger_account_of(payment)
    )
    tell_customer(refund=refund, kind="refund_paid", now=now)
    return refund


def _plan(item: CreditItem, back: GivenBack) -> RefundPlan:
    if back.credit_note:
        for invoice in _paid_by(item):
            try:
                return plan_refund(item, back.amount, invoice)
            except MoreThanIsThere:
                continue
    return plan_refund(item, back.amount, None)


def _paid_by(item: CreditItem) -> list[Invoice]:
    """Invoices that the money stands against, the latest first."""
    ids = item.allocations.filter(reverses__isnull=True, reversed_by__isnull=True).values("invoice_id")
    return list(Invoice.objects.filter(pk__in=ids).order_by("-issued_on", "-pk"))
