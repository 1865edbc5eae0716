"""Money that Zoho took, booked once; what it took back; what was recorded there by people (R76, R106; invariant 31)."""

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from billing.errors import DomainError
from billing.money import ZERO
from billing.transactions import transaction_required
from payments.gateways.base import Instrument
from payments.gateways.zoho.codes import GOOD_PAYMENT, TAKEN_BY_ZOHO
from payments.gateways.zoho.objects import Paid
from payments.models import Method, Payment, PaymentState, ZohoErrand, ZohoInvoice, ZohoPayment, ZohoSubscription
from payments.services import settling
from payments.services.orders import PaymentOrder
from payments.services.zoho.giving_back import mirror_refunds
from payments.services.zoho.reading import bills_of
from payments.services.zoho.telling import tell_office

METHODS: dict[Instrument, Method] = {
    Instrument.CARD: Method.CARD, Instrument.WALLET: Method.CARD, Instrument.BANK: Method.ACH,
}  # fmt: skip


@transaction_required
def book_payments(
    *, link: ZohoSubscription, paid: Iterable[Paid], gone: Collection[str], now: datetime
) -> list[str]:  # fmt: skip
    """Book what is new, follow what is known. link: locked. Posts "Electronic payment received" and its allocation."""
    bills, did = bills_of(link), []
    paid = list(paid)
    rows = ZohoPayment.objects.filter(gateway_account=link.gateway_account)
    known = {row.remote_id: row for row in rows.filter(remote_id__in=[*(one.id for one in paid), *gone])}
    for one in sorted(paid, key=lambda one: (one.on, one.id)):
        row = known.get(one.id)
        if row is None and one.status in GOOD_PAYMENT and one.amount > ZERO:
            row = _new(link, one, bills, now)
            did.append(f"payment {row.payment.number if row.payment else row.remote_id}")
        elif row is not None:
            _follow(link, row, one.status, one.trouble, now)
        if row is not None:
            ZohoPayment.objects.filter(pk=row.pk).update(refunded_amount=one.refunded, read_at=now)
            did += mirror_refunds(link=link, row=row, refunds=one.refunds, now=now)
    for remote_id in sorted(gone):
        if remote_id in known:
            _follow(link, known[remote_id], "deleted", "", now)
    return did


def _new(link: ZohoSubscription, one: Paid, bills: dict[str, ZohoInvoice], now: datetime) -> ZohoPayment:
    """Ours that we recorded there, or theirs to be booked here, or neither, for a person."""
    row = ZohoPayment(
        organization=link.organization, gateway_account=link.gateway_account, subscription=link, remote_id=one.id,
        mode=one.mode, status=one.status, currency=one.currency or link.agreement.currency, amount=one.amount,
        gateway_ref=one.gateway_ref, paid_on=one.on, read_at=now,
    )  # fmt: skip
    errand = ZohoErrand.objects.filter(gateway_account=link.gateway_account, key=one.reference).first()
    if errand is not None:
        row.recorded = errand.payment
    elif one.mode in TAKEN_BY_ZOHO:
        row.payment = _take(link, one, bills, now)
    else:
        row.trouble = f"Recorded in Zoho as {one.mode} of {one.amount} {row.currency}; take the money in here as well."
        tell_office(link=link, trouble=f"{row.trouble} ({one.number})", now=now)
    row.save()
    return row


def _take(link: ZohoSubscription, one: Paid, bills: dict[str, ZohoInvoice], now: datetime) -> Payment:
    """The payment with its receipt, set against what Zoho set it against; what is no longer needed there is credit."""
    organization = link.organization
    shares = tuple((bills[pk].invoice_id, part) for pk, part in one.shares if pk in bills and part > ZERO)
    order = PaymentOrder(
        customer_id=link.agreement.customer_id, method=METHODS[TAKEN_BY_ZOHO[one.mode]], amount=one.amount,
        currency=one.currency or link.agreement.currency, received_on=min(one.on, organization.today(now)),
        request_key=f"zoho:{link.gateway_account_id}:{one.id}", payer_name=link.agreement.customer.name,
        reference=one.gateway_ref or one.id, channel="zoho", by_hand=_within(shares, one.amount),
        source_reference=f"{link.gateway_account.configuration}:{one.id}"[:80], gateway_account=link.gateway_account,
        is_taken=True,
    )  # fmt: skip
    try:
        with transaction.atomic():
            return settling.TAKE[0](organization=organization, order=order, now=now, by=None)
    except DomainError as refusal:
        kept = PaymentOrder(**{**vars(order), "by_hand": None, "strategy": "none"})
        payment = settling.TAKE[0](organization=organization, order=kept, now=now, by=None)
        tell_office(link=link, trouble=f"{payment.number} came through Zoho and is kept as credit: {refusal}", now=now)
        return payment


def _within(shares: tuple[tuple[int, Decimal], ...], amount: Decimal) -> tuple[tuple[int, Decimal], ...]:
    """The shares as far as the amount goes."""
    left, found = amount, []
    for invoice_id, part in shares:
        taken = min(left, part)
        if taken > ZERO:
            found.append((invoice_id, taken))
            left -= taken
    return tuple(found)


def _follow(link: ZohoSubscription, row: ZohoPayment, status: str, words: str, now: datetime) -> None:
    """A payment that is no longer good there: a bank took it back, or somebody deleted it. It stays here until a person
    has seen why; the invoice shows the difference."""
    if row.status == status:
        return
    changes = {"status": status}
    if status not in GOOD_PAYMENT and row.status in GOOD_PAYMENT:
        payment = row.payment or row.recorded
        stands = payment is not None and payment.state in (PaymentState.PROCESSED, PaymentState.REFUNDED)
        if payment is not None and stands:
            why = "deleted it" if status == "deleted" else f"took it back: {words}".removesuffix(": ")
            changes["trouble"] = f"Zoho {why}; {payment.number} still stands here."[:300]
            tell_office(link=link, trouble=changes["trouble"], now=now)
    ZohoPayment.objects.filter(pk=row.pk).update(**changes)
    row.status = status
