"""The whole truth of a subscription, read back from Zoho. See Note [Zoho is read, not believed]."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from billing.transactions import in_transaction, transaction_required
from payments.gateways.zoho import Gateway
from payments.gateways.zoho.billing import Billing
from payments.gateways.zoho.codes import GOOD_PAYMENT
from payments.gateways.zoho.objects import Bill, Paid, Subscription
from payments.gateways.zoho.trouble import NotThere
from payments.models import ZohoInvoice, ZohoPayment, ZohoSubscription
from payments.models.zoho import OVER
from payments.services.zoho.calls import zoho_at


@dataclass(frozen=True)
class Truth:
    """turn: which reading it is. subscription: None where the payer has not subscribed yet, or it is gone (is_gone).

    also: further subscriptions with the same key that run, which must not be. gone: ids of payments that are no longer
    there. bills, paid: in full where they are new or have changed.
    """

    turn: int
    subscription: Subscription | None = None
    is_gone: bool = False
    also: tuple[str, ...] = ()
    bills: tuple[Bill, ...] = ()
    paid: tuple[Paid, ...] = ()
    gone: frozenset[str] = frozenset()


def read_truth(link_pk: int, *, now: datetime) -> Truth:
    """Outside transactions; three calls, and one more for whatever is new. Raises Unreachable, Refused."""
    link = in_transaction(partial(_begin, link_pk))
    with zoho_at(link.gateway_account, now, keep=False) as zoho:
        return _gather(zoho, link)


@transaction_required
def _begin(link_pk: int) -> ZohoSubscription:
    """Number the reading."""
    rows = ZohoSubscription.objects.select_related("gateway_account", "payer")
    link = rows.select_for_update(no_key=True, of=("self",)).get(pk=link_pk)
    link.asked += 1
    link.save(update_fields=["asked"])
    return link


def _gather(zoho: Gateway, link: ZohoSubscription) -> Truth:
    try:
        found, also = _subscription(zoho.billing, link)
    except NotThere:
        return Truth(link.asked, is_gone=True)
    if found is None:
        return Truth(link.asked)
    known = set(link.bills.values_list("remote_id", flat=True))
    bills = tuple(one if one.id in known else zoho.billing.invoice(one.id) for one in zoho.billing.invoices(found.id))
    paid, gone = _payments(zoho.billing, link, found, bills)
    return Truth(link.asked, found, False, also, bills, tuple(paid), frozenset(gone))


def _subscription(billing: Billing, link: ZohoSubscription) -> tuple[Subscription | None, tuple[str, ...]]:
    """The one that is ours, and others of the same key that run. Two pages of one agreement could both be used."""
    if link.remote_id:
        return billing.subscription(link.remote_id), ()
    if not link.payer.remote_id:
        return None, ()
    found = sorted(
        billing.find_subscriptions(link.key, link.payer.remote_id), key=lambda one: (one.status in OVER, one.id)
    )
    others = tuple(one.id for one in found[1:] if one.status not in OVER)
    return (billing.subscription(found[0].id) if found else None), others


def _payments(
    billing: Billing, link: ZohoSubscription, subscription: Subscription, bills: Iterable[Bill]
) -> tuple[list[Paid], set[str]]:
    """Payments of its invoices; and those we know that Zoho's list has no more, by their own record or gone."""
    mine = {bill.id for bill in bills}
    listed = {one.id: one for one in billing.payments(subscription.customer_id)}
    found = []
    for one in listed.values():
        full = billing.payment(one.id) if _is_short(one) else one
        if any(invoice_id in mine for invoice_id, _part in full.shares):
            found.append(full)
    gone = set()
    known = ZohoPayment.objects.filter(subscription=link, status__in=GOOD_PAYMENT)
    for remote_id in known.exclude(remote_id__in=list(listed)).values_list("remote_id", flat=True):
        try:
            found.append(billing.payment(remote_id))
        except NotThere:
            gone.add(remote_id)
    return found, gone


def _is_short(one: Paid) -> bool:
    """Whether a row of a list leaves out what the record itself has."""
    return not one.shares or one.refunded != sum(back.amount for back in one.refunds)


def bills_of(link: ZohoSubscription) -> dict[str, ZohoInvoice]:
    """Mirrored invoices by Zoho's id. One query."""
    rows = ZohoInvoice.objects.filter(subscription=link).select_related("invoice")
    return {row.remote_id: row for row in rows}
