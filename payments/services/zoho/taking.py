"""Taking in what was read of a subscription: invoices, payments, refunds, its state; each once (R60, R76, R106)."""

from datetime import datetime, timedelta

from billing.services.locking import lock_customers
from billing.transactions import transaction_required
from payments.models import ZohoInvoice, ZohoSubscription
from payments.models.zoho import FAILING, OVER, ErrandKind, ErrandState
from payments.services.zoho.booking import book_payments
from payments.services.zoho.mirroring import mirror_bills
from payments.services.zoho.reading import Truth
from payments.services.zoho.standing import follow_zoho
from payments.services.zoho.telling import tell_office

# How soon it is read again without being told: soon where something is expected, daily where it is over, since a
# refund or a bank's return may come late.
USUALLY, EXPECTING, WAITING, OVER_NOW = (
    timedelta(hours=6), timedelta(hours=1), timedelta(minutes=2), timedelta(days=1),
)  # fmt: skip
LOOKED_AFTER = timedelta(days=120)


@transaction_required
def take_in(*, link_pk: int, truth: Truth, now: datetime) -> str:
    """Write what is new; says in a few words what it did. Nothing where a later reading was taken in already.

    Posts "Invoice issued", "Electronic payment received", "Credit allocated", "Refund approved" and "Refund paid".
    """
    link = lock_link(link_pk)
    if truth.turn <= link.taken:
        return "a later reading was here first"
    did: list[str] = []
    if truth.is_gone and link.status not in OVER:
        did.append(follow_zoho(link=link, status="deleted", found=None, now=now))
    elif truth.subscription is not None:
        found = truth.subscription
        _adopt(link, truth)
        did += mirror_bills(link=link, bills=truth.bills, now=now)
        did += book_payments(link=link, paid=truth.paid, gone=truth.gone, now=now)
        did += compare(link=link, now=now)
        did.append(follow_zoho(link=link, status=found.status, found=found, now=now))
    link.taken, link.read_at, link.due_at = truth.turn, now, _next_reading(link, now)
    link.save(update_fields=["taken", "read_at", "due_at"])
    return "; ".join(filter(None, did)) or "nothing new"


@transaction_required
def lock_link(link_pk: int) -> ZohoSubscription:
    """The customer, then the subscription, with what hangs on it."""
    rows = ZohoSubscription.objects.select_related(
        "organization", "gateway_account", "payer__customer", "agreement__plan", "agreement__customer"
    )
    found = rows.get(pk=link_pk)
    customers = lock_customers(found.organization, [found.agreement.customer_id])
    link = rows.select_for_update(no_key=True, of=("self",)).get(pk=link_pk)
    link.agreement.customer, link.agreement.organization = customers[link.agreement.customer_id], link.organization
    return link


def _adopt(link: ZohoSubscription, truth: Truth) -> None:
    """The subscription that the payer made on Zoho's page is ours from now on."""
    assert truth.subscription is not None
    if not link.remote_id:
        link.remote_id, link.page_url = truth.subscription.id, ""
        link.save(update_fields=["remote_id", "page_url"])
        agreement = link.agreement
        agreement.external_reference = truth.subscription.id
        agreement.save(update_fields=["external_reference"])
    if truth.also:
        link.trouble = f"The payer subscribed more than once: {', '.join(truth.also)}."[:300]
        link.save(update_fields=["trouble"])


@transaction_required
def compare(*, link: ZohoSubscription, now: datetime) -> list[str]:
    """Where an invoice has something else open here than there, a person looks; what is under way is no difference."""
    did = []
    for bill in ZohoInvoice.objects.filter(subscription=link).select_related("invoice"):
        invoice, trouble = bill.invoice, ""
        differs = bill.balance != invoice.open_amount
        if differs and not bill.errands.filter(kind=ErrandKind.RECORD, state=ErrandState.WAITING).exists():
            trouble = f"{invoice.number}: {invoice.open_amount} open here, {bill.balance} at Zoho."
        if trouble != bill.trouble:
            ZohoInvoice.objects.filter(pk=bill.pk).update(trouble=trouble)
            if trouble:
                tell_office(link=link, trouble=trouble, now=now)
                did.append(trouble)
    return did


def _next_reading(link: ZohoSubscription, now: datetime) -> datetime | None:
    if link.ended_at is not None:
        return now + OVER_NOW if now - link.ended_at < LOOKED_AFTER else None
    if not link.remote_id:
        return now + (WAITING if link.page_until and link.page_until > now - USUALLY else USUALLY)
    expecting = link.status in FAILING or link.bills.filter(debit_under_way=True).exists()
    return now + (EXPECTING if expecting else USUALLY)
