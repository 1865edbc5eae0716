"""Money that came here for an invoice of Zoho's is recorded there, so that Zoho neither charges nor chases it."""

from datetime import datetime, timedelta
from functools import partial

from billing.models import Allocation, AllocationKind
from billing.services.locking import lock_customers
from billing.transactions import in_transaction, transaction_required
from payments.models import ZohoErrand, ZohoInvoice, ZohoPayment
from payments.models.zoho import ErrandKind
from payments.services.zoho.errands import add_errand, errand_key

LOOKED_BACK = timedelta(days=400)


def record_paid_here(*, now: datetime) -> int:
    """Write an errand for each payment that stands against an invoice of Zoho's and is not known there. Two queries."""
    rows = Allocation.objects.filter(
        invoice__zoho__isnull=False, kind=AllocationKind.CREDIT, reverses__isnull=True, reversed_by__isnull=True,
        credit_item__payment__isnull=False, credit_item__payment__zoho__isnull=True, made_at__gte=now - LOOKED_BACK,
    )  # fmt: skip
    found = rows.values_list("pk", "organization_id", "invoice__zoho__subscription__key").order_by("pk")
    keys = {errand_key(organization_id, link_key, ErrandKind.RECORD, _request(pk)): pk
            for pk, organization_id, link_key in found}  # fmt: skip
    known = set(ZohoErrand.objects.filter(key__in=keys).values_list("key", flat=True))
    return sum(in_transaction(partial(_record, pk, now)) for key, pk in keys.items() if key not in known)


def _request(allocation_pk: int) -> str:
    return f"allocation:{allocation_pk}"


@transaction_required
def _record(allocation_pk: int, now: datetime) -> int:
    """One payment against one invoice. What somebody recorded in Zoho by hand of the same amount is this money."""
    rows = Allocation.objects.select_related("credit_item__payment", "organization", "invoice")
    allocation = rows.get(pk=allocation_pk)
    lock_customers(allocation.organization, [allocation.customer_id])
    if Allocation.objects.filter(reverses=allocation).exists():
        return 0
    bill = ZohoInvoice.objects.select_related("subscription").get(invoice=allocation.invoice)
    payment = allocation.credit_item.payment
    by_hand = ZohoPayment.objects.filter(
        subscription=bill.subscription, payment__isnull=True, recorded__isnull=True, amount=allocation.amount
    ).first()
    facts = {"allocation": allocation.pk, "amount": f"{allocation.amount:.2f}"}
    errand = add_errand(
        link=bill.subscription, kind=ErrandKind.RECORD, request=_request(allocation.pk), now=now, bill=bill,
        payment=payment, facts=facts,
    )  # fmt: skip
    if by_hand is not None:
        ZohoPayment.objects.filter(pk=by_hand.pk).update(trouble="", recorded=payment)
        ZohoErrand.objects.filter(pk=errand.pk).update(
            state="done", next_at=None, done_at=now, result=f"recorded there by hand: {by_hand.remote_id}"
        )
    return 1
